"""One's own access: the password, the sessions, and the proof that changes ask for."""

import pytest

from .arrange import (
    ANOTHER,
    PASSWORD,
    audited,
    fill,
    give_password,
    grow_old,
    mails_to,
    new_browser,
    session_cookie,
    whoami,
)


@pytest.fixture
async def signed_in(browser, person):
    await browser.sign_in(person.email, PASSWORD)
    return browser


async def luis_signed_in(app, api, superuser):
    made = (
        await api.post("/users", json={"name": "L", "email": "luis@example.com", "role": "provider"})
    ).json()
    luis = await give_password(app, superuser, made["id"])
    browser = new_browser(app)
    await browser.sign_in(luis.email, PASSWORD)
    return browser


async def end(browser, page, action: str):
    return await browser.submit(page, next(form for form in page.html.forms if form.action == action))


# --- password -----------------------------------------------------------------------------------------


async def test_changing_the_password_ends_the_other_sessions(app, signed_in, person, firm, superuser):
    other = new_browser(app)
    await other.sign_in(person.email, PASSWORD)
    seen = await fill(signed_in, "/account/password", password=ANOTHER)
    assert seen.url == "http://testserver/account"
    assert await whoami(app, signed_in) is not None
    assert await whoami(app, other) is None
    assert (await other.sign_in(person.email, PASSWORD)).status == 422
    await other.sign_in(person.email, ANOTHER)
    assert await whoami(app, other) is not None
    assert "password.changed" in audited(superuser, firm.id)
    assert "Tu contraseña ha cambiado" in mails_to(app, superuser, person.email)[0].html


async def test_weak_new_password(app, signed_in, person):
    seen = await fill(signed_in, "/account/password", password="nuriainiguez1")
    assert (seen.status, "tu correo, tu nombre" in seen.text) == (422, True)
    assert (await whoami(app, signed_in)) is not None
    other = new_browser(app)
    await other.sign_in(person.email, PASSWORD)
    assert await whoami(app, other) is not None


async def test_after_ten_minutes_the_password_is_asked_for(app, signed_in, person, superuser):
    page = await signed_in.open("/account/password")
    grow_old(superuser, person)
    seen = await fill(signed_in, page, password=ANOTHER)
    assert seen.url == "http://testserver/account/confirm?next=%2Faccount%2Fpassword"
    wrong = await fill(signed_in, seen, password=ANOTHER)
    assert (wrong.status, "no son correctos" in wrong.text) == (422, True)
    assert not (await whoami(app, signed_in)).is_fresh
    seen = await fill(signed_in, wrong, password=PASSWORD)
    assert seen.url == "http://testserver/account/password"
    await fill(signed_in, seen, password=ANOTHER)
    other = new_browser(app)
    await other.sign_in(person.email, ANOTHER)
    assert await whoami(app, other) is not None


async def test_within_ten_minutes_it_is_not(signed_in, person, superuser):
    grow_old(superuser, person, minutes=9)
    assert (await signed_in.open("/account/password")).url == "http://testserver/account/password"


async def test_wrong_confirmation_is_in_the_audit_log(signed_in, person, firm, superuser):
    grow_old(superuser, person)
    await fill(signed_in, "/account/confirm?next=/account", password="not the password")
    assert audited(superuser, firm.id)[-1] == "sign_in.failed"


@pytest.mark.parametrize("elsewhere", ["//evil.example", "https://evil.example", "/\\evil.example"])
async def test_confirmation_leads_nowhere_else(signed_in, elsewhere):
    page = await signed_in.open("/account/confirm")
    form = page.html.form("password", "csrf_token")
    seen = await signed_in.submit(page, form, password=PASSWORD, next=elsewhere)
    assert not seen.outside
    assert signed_in.trail[1] == "http://testserver/panel"


# --- sessions -----------------------------------------------------------------------------------------


async def test_sessions_are_listed_with_where_they_are(app, signed_in, person):
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    other = new_browser(app, address="198.51.100.77", **{"User-Agent": agent})
    await other.sign_in(person.email, PASSWORD)
    page = await signed_in.open("/account")
    assert "Firefox · Linux" in page.text
    assert "198.51.100.77" in page.text
    assert page.text.count("Esta sesión") == 1


async def test_ending_one_session(app, signed_in, person, firm, superuser):
    other = new_browser(app)
    await other.sign_in(person.email, PASSWORD)
    lost = (await whoami(app, other)).session_id
    page = await signed_in.open("/account")
    seen = await end(signed_in, page, f"/account/sessions/{lost}/end")
    assert "La sesión está cerrada." in seen.text
    assert await whoami(app, other) is None
    assert (await other.open("/panel")).url.startswith("http://testserver/sign-in")
    assert await whoami(app, signed_in) is not None
    assert audited(superuser, firm.id)[-1] == "session.revoked"


async def test_ending_the_others(app, signed_in, person):
    others = [new_browser(app) for _ in range(3)]
    for other in others:
        await other.sign_in(person.email, PASSWORD)
    page = await signed_in.open("/account")
    await end(signed_in, page, "/account/sessions/end-others")
    assert [await whoami(app, other) for other in others] == [None] * 3
    assert await whoami(app, signed_in) is not None


async def test_nobody_ends_or_sees_anothers_session(app, api, signed_in, superuser):
    theirs = await luis_signed_in(app, api, superuser)
    lost = (await whoami(app, theirs)).session_id
    page = await signed_in.open("/account")
    assert lost not in page.source
    token = page.html.forms[0].all("csrf_token")[0].value
    for session_id in (lost, "ses_nobody", "x"):
        seen = await signed_in.post(
            f"/account/sessions/{session_id}/end", {"csrf_token": token}, site="same-origin"
        )
        assert seen.status == 404
    await signed_in.post("/account/sessions/end-others", {"csrf_token": token}, site="same-origin")
    assert await whoami(app, theirs) is not None


async def test_ending_this_session_signs_out(app, signed_in):
    page = await signed_in.open("/account")
    own = (await whoami(app, signed_in)).session_id
    token = page.html.forms[0].all("csrf_token")[0].value
    seen = await signed_in.post(f"/account/sessions/{own}/end", {"csrf_token": token}, site="same-origin")
    assert seen.url == "http://testserver/sign-in"
    assert session_cookie(signed_in) is None


# --- forms --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/account/confirm",
        "/account/password",
        "/account/totp",
        "/account/totp/start",
        "/account/totp/off",
        "/account/recovery-codes",
        "/account/passkeys",
        "/account/passkeys/options",
        "/account/passkeys/pky_x/remove",
        "/account/confirm/passkey",
        "/account/confirm/passkey/options",
        "/account/sessions/end-others",
        "/account/sessions/ses_x/end",
        "/sign-out",
    ],
)
async def test_no_form_without_its_token(app, api, signed_in, superuser, path):
    theirs = await luis_signed_in(app, api, superuser)
    foreign = (await theirs.open("/account")).html.forms[0].all("csrf_token")[0].value
    for fields in ({}, {"csrf_token": "forged"}, {"csrf_token": foreign}):
        seen = await signed_in.post(path, {**fields, "password": ANOTHER}, site="same-origin")
        assert seen.status == 403, path
    assert await whoami(app, signed_in) is not None


@pytest.mark.parametrize(
    "path", ["/account", "/account/password", "/account/totp", "/account/passkeys", "/account/confirm"]
)
async def test_strangers_are_asked_to_sign_in(browser, person, path):
    assert (await browser.open(path)).url.startswith("http://testserver/sign-in?next=")


@pytest.mark.parametrize(
    "path",
    ["/account", "/account/password", "/account/totp", "/account/passkeys", "/account/confirm", "/sign-out"],
)
async def test_pages_are_kept_by_nobody_and_framed_by_nobody(signed_in, path):
    page = await signed_in.open(path)
    assert page.status == 200
    assert page.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert page.headers["referrer-policy"] == "no-referrer"
    assert " style=" not in page.source
    assert "<script>" not in page.source
