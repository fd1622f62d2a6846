"""People with passwords, their browsers, and what their mail and the audit log say."""

from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

from conecta.messages import rules as mail_rules
from conecta.messages.service import BODY_PURPOSE
from conecta.people.passwords import service as passwords
from conecta.people.passwords.service import NewPassword
from conecta.sessions import service as sessions
from conecta.sessions.service import SignedIn
from tests.oauth.browserless import Browser, Seen, in_process

PASSWORD = "nueve-olas-y-un-tranvía-24"
ANOTHER = "siete-cerezos-bajo-la-nieve-58"

_sealed: list[NewPassword] = []


@dataclass(frozen=True)
class Person:
    """Somebody who can sign in."""

    id: str
    email: str


async def give_password(app: FastAPI, superuser: Any, user_id: str) -> Person:
    """Let a member of a firm sign in with PASSWORD."""
    if not _sealed:
        _sealed.append(await passwords.prepare_password(PASSWORD, about=[]))
    person_id, email = superuser.execute(
        "select p.id, p.email from users u join people p on p.id = u.person_id where u.id = %s", [user_id]
    ).fetchone()
    async with app.state.database.transaction(system=True) as session:
        await passwords.set_password(session, person_id=person_id, new=_sealed[0])
    return Person(person_id, email)


def new_browser(app: FastAPI, address: str = "203.0.113.9", **headers: str) -> Browser:
    """A browser of somebody at this address."""
    return Browser(in_process(app, address=address, **headers))


def session_cookie(browser: Browser) -> str | None:
    return browser.http.cookies.get("conecta_session")


async def whoami(app: FastAPI, browser: Browser) -> SignedIn | None:
    """Return what the server takes this browser for."""
    secret = session_cookie(browser)
    return await sessions.find(app.state.database, app.state.keyring, secret) if secret else None


async def fill(browser: Browser, at: str | Seen, *names: str, **values: str) -> Seen:
    """Open a page, fill in the form that has these fields, and send it."""
    page = await browser.open(at) if isinstance(at, str) else at
    return await browser.submit(page, page.html.form(*(names or values), "csrf_token"), **values)


def grow_old(superuser: Any, person: Person, minutes: int = 11) -> None:
    """Let a person's last proof of who they are have been so long ago."""
    superuser.execute(
        "update sessions set authenticated_at = authenticated_at - make_interval(mins => %s)"
        " where person_id = %s",
        [minutes, person.id],
    )


def mails_to(app: FastAPI, superuser: Any, email: str) -> list[mail_rules.Body]:
    """Return what was mailed to an address, the oldest first: personal mail, and that of firms."""
    rows = superuser.execute(
        "select id, sealed_body from personal_messages where recipient = %(to)s"
        " union all select id, sealed_body from messages where recipient = %(to)s order by 1",
        {"to": email},
    ).fetchall()
    keyring = app.state.keyring
    return [mail_rules.Body.load(keyring.decrypt(BODY_PURPOSE, body)) for _, body in rows]


def link_in(mail: mail_rules.Body) -> str:
    """Return the path of the link in a mail."""
    assert mail.link is not None
    return mail.link.removeprefix("http://testserver")


def audited(superuser: Any, tenant_id: str) -> list[str]:
    """Return the actions in a firm's audit log, the oldest first, but for those that set it up."""
    rows = superuser.execute(
        "select action from audit_entries where tenant_id = %s and action not like 'api_key%%'"
        " order by created_at, id",
        [tenant_id],
    ).fetchall()
    return [action for (action,) in rows]


def forget_throttles(superuser: Any) -> None:
    superuser.execute("delete from rate_windows")
