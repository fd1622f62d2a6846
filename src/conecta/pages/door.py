"""What the pages of signing in share: the door, the way back, and how a refusal is shown."""

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import quote

from starlette.background import BackgroundTask
from starlette.responses import Response

from conecta.people.errors import (
    CodeRefused,
    NoFirm,
    PasswordRefused,
    SignInRefusal,
    TooManyAttempts,
    WrongCredentials,
)
from conecta.people.passkeys.service import site_of
from conecta.people.sign_in import service as sign_in
from conecta.people.sign_in.service import Door, Proof
from conecta.users.invitations import service as invitations

from .cookies import cookie_name
from .forms import FormErrors, one_error
from .web import Page, safe_next

_TICKET = "second_factor"
_TICKET_SECONDS = 600
_INVITATION = "/invitations/"
# The field of its form that a refusal is about.
_FIELDS: dict[type[SignInRefusal], str] = {PasswordRefused: "password", CodeRefused: "code"}


def door_of(page: Page) -> Door:
    """Return what signing in needs of the application."""
    settings = page.settings
    return Door(
        database=page.database,
        keyring=page.keyring,
        limits=page.request.app.state.limits,
        site=site_of(settings.base_url),
        tries_of_address=settings.sign_in_failures_per_minute,
    )


def next_of(page: Page, given: Any = None) -> str:
    """Return the page of ours that somebody goes on to: of the form, else of the address."""
    wanted = given if given is not None else page.request.query_params.get("next")
    return safe_next(wanted if isinstance(wanted, str) else None)


def with_next(path: str, next_path: str) -> str:
    """Return an address that goes on to another page of ours afterwards."""
    return f"{path}?next={quote(next_path, safe='')}"


def refused(page: Page, template: str, refusal: SignInRefusal, **context: Any) -> Response:
    """Show a form again with the sentence of a refusal: 429 with its waiting time, else 422."""
    field = _FIELDS.get(type(refusal))
    errors = one_error(field, refusal.text) if field else FormErrors(general=[str(refusal.text)])
    status, headers = 422, {}
    if isinstance(refusal, TooManyAttempts):
        status, headers = 429, {"Retry-After": str(refusal.seconds)}
    response = page.render(template, status=status, headers=headers, errors=errors, **context)
    if isinstance(refusal, WrongCredentials):
        # Its time would tell that the account exists.
        afterwards(response, sign_in.note_failure, door_of(page), refusal)
    return response


def afterwards(response: Response, work: Callable[..., Coroutine[Any, Any, None]], *arguments: Any) -> None:
    """Do something after an answer whose time must not tell whether there was anything to do.

    The connection is closed with it: the next answer on the same one would come later by as much.
    """
    response.background = BackgroundTask(work, *arguments)
    response.headers["Connection"] = "close"


async def enter(page: Page, proof: Proof, next_path: str, *, tenant_id: str | None = None) -> Response:
    """Open a new session of somebody who proved who they are, in a cookie of its own; raise NoFirm.

    `tenant_id` is the firm to act in; without it, the one where they were last.
    """
    door = door_of(page)
    former = page.signed_in.session_id if page.signed_in else None
    try:
        new = await sign_in.enter(door, proof, former_session=former, tenant_id=tenant_id)
    except NoFirm:
        # Whoever was invited signs in to accept, and may belong to no firm until they have.
        joined = await _accept(page, proof, next_path)
        new = await sign_in.enter(door, proof, former_session=former, tenant_id=joined)
        next_path = "/panel"
    response = page.redirect(next_path)
    page.set_session(response, new.secret)
    forget_ticket(page, response)
    return response


def keep_ticket(page: Page, response: Response, ticket: str) -> None:
    """Let the browser keep the right to try a second factor."""
    response.set_cookie(
        cookie_name(page.settings, _TICKET),
        ticket,
        _TICKET_SECONDS,
        path="/",
        secure=page.settings.base_url.startswith("https://"),
        httponly=True,
        samesite="lax",
    )


def ticket_of(page: Page) -> str:
    """Return the right to try a second factor, if the browser has one."""
    return page.request.cookies.get(cookie_name(page.settings, _TICKET), "")


def forget_ticket(page: Page, response: Response) -> None:
    """Let the browser forget its ticket, if it has one."""
    if ticket_of(page):
        response.delete_cookie(
            cookie_name(page.settings, _TICKET),
            path="/",
            secure=page.settings.base_url.startswith("https://"),
            httponly=True,
            samesite="lax",
        )


def passkey_context(page: Page) -> dict[str, Any]:
    """Return whether passkeys work at the address the browser has, and the one where they do."""
    site = site_of(page.settings.base_url)
    return {"passkeys_here": page.request.url.hostname == site.rp_id, "passkeys_at": site.origin}


async def _accept(page: Page, proof: Proof, next_path: str) -> str:
    if not next_path.startswith(_INVITATION):
        raise NoFirm
    secret = next_path.removeprefix(_INVITATION).partition("?")[0]
    try:
        found = await invitations.accept_as(
            page.database, page.keyring, secret=secret, person_id=proof.person_id
        )
    except (invitations.InvitationClosed, invitations.InvitationForSomebodyElse):
        raise NoFirm from None
    return found.tenant_id
