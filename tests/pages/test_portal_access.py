"""A client's own access in the portal: sessions on other devices, and what is only theirs to end."""

import pytest

from tests.clients.access import (
    EMAIL,
    ask_for_link,
    come_in,
    invited,
    links_in,
    mails,
    new_client,
    session_lives,
)
from tests.oauth.browserless import Browser, in_process


@pytest.fixture
async def ana(app, api):
    """A client, signed in at two browsers."""
    client = await new_client(api)
    async with in_process(app, **{"User-Agent": "Mozilla/5.0 (X11; Linux) Firefox/140.0"}) as one:
        first = Browser(one)
        await come_in(first, await invited(api, client))
        async with in_process(app, **{"User-Agent": "Mozilla/5.0 (iPhone) Safari/605.1"}) as another:
            second = Browser(another)
            await come_in(second, await invited(api, client))
            yield client, first, second


def ends(page) -> list[str]:
    return [form.action for form in page.html.forms if "/sessions/" in form.action]


async def test_sessions_are_listed_and_ended(ana, app, superuser):
    client, first, second = ana
    page = await first.open("/portal/access")
    assert "Firefox · Linux" in page.text
    assert "Safari · iPhone" in page.text
    assert "Esta sesión" in page.text
    (end,) = ends(page)
    page = await first.submit(page, next(form for form in page.html.forms if form.action == end))
    assert "La sesión está cerrada" in page.text
    assert not await session_lives(app, second)
    assert await session_lives(app, first)
    assert ends(page) == []
    rows = superuser.execute(
        "select actor_kind, actor_id from audit_entries where action = 'session.revoked'"
    ).fetchall()
    assert rows == [("client", client)]


async def test_nobody_ends_anothers_session(ana, app, api, superuser):
    _, first, second = ana
    (end,) = ends(await first.open("/portal/access"))
    other = await new_client(api, "Ben", email="ben@cliente.example")
    async with in_process(app) as http:
        ben = Browser(http)
        page = await come_in(ben, await invited(api, other, "ben@cliente.example"))
        token = page.html.form("csrf_token", "language").all("csrf_token")[0].value
        await ben.post(end, {"csrf_token": token}, site="same-origin")
    assert await session_lives(app, first)
    assert await session_lives(app, second)
    count = superuser.execute(
        "select count(*) from audit_entries where action = 'session.revoked'"
    ).fetchone()
    assert count == (0,)


async def test_forms_without_their_token_do_nothing(ana, app):
    _, first, second = ana
    (end,) = ends(await first.open("/portal/access"))
    for path in (end, "/portal/sign-out", "/portal/apps/gnt_x/revoke", "/portal/passkeys"):
        assert (await first.post(path, {}, site="same-origin")).status == 403
    assert await session_lives(app, first)
    assert await session_lives(app, second)


async def test_coming_in_again_ends_the_browsers_former_session(ana, app, api, firm, superuser):
    """A secret that somebody may have seen does not live on beside the new one."""
    _, first, _ = ana
    former = first.http.cookies["conecta_session"]
    await ask_for_link(first, firm.id)
    await come_in(first, links_in((await mails(api, EMAIL))[0])[0])
    assert first.http.cookies["conecta_session"] != former
    async with in_process(app) as http:
        http.cookies["conecta_session"] = former
        assert not await session_lives(app, Browser(http))


async def test_the_cookie_is_for_browsers_alone(ana, firm, app, api):
    client, _, _ = ana
    async with in_process(app) as http:
        browser = Browser(http)
        page = await browser.open(await invited(api, client))
        answer = await http.post(
            page.url,
            data=dict(page.html.form("csrf_token", "language").sent()[:1]),
            headers={"Sec-Fetch-Site": "same-origin"},
        )
        assert answer.status_code == 303
        cookie = next(v for v in answer.headers.get_list("set-cookie") if v.startswith("conecta_session="))
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Path=/" in cookie


async def test_a_session_left_alone_is_over(ana, app, superuser):
    _, first, _ = ana
    superuser.execute("update sessions set last_seen_at = last_seen_at - interval '12 hours 1 second'")
    assert not await session_lives(app, first)


async def test_a_clients_session_is_no_credential_of_the_api(ana):
    """The portal's cookie opens pages; the API wants a token, which an app gets by consent."""
    _, first, _ = ana
    secret = first.http.cookies["conecta_session"]
    for headers in ({}, {"Authorization": f"Bearer {secret}"}):
        answer = await first.http.get("/v1/servicios/cases", headers=headers)
        assert answer.status_code == 401
