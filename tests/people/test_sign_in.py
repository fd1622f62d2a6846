"""Signing in by password: what a person sees, what their browser keeps, and what nobody can find out."""

import re
import time
from urllib.parse import quote

import pytest

from conecta.sessions import service as sessions

from .arrange import (
    PASSWORD,
    audited,
    fill,
    forget_throttles,
    give_password,
    new_browser,
    session_cookie,
    whoami,
)

WRONG = "El correo o la contraseña no son correctos."


async def test_with_the_right_password_one_is_in(app, browser, person, firm, superuser):
    seen = await browser.sign_in(person.email, PASSWORD)
    assert (seen.status, seen.url) == (200, "http://testserver/panel")
    found = await whoami(app, browser)
    assert (found.person_id, found.tenant_id, found.role) == (person.id, firm.id, "owner")
    assert found.strong is False
    assert audited(superuser, firm.id)[-1] == "sign_in.succeeded"


async def test_address_counts_in_any_case_and_with_blanks_around(app, browser, person):
    await browser.sign_in(f"  {person.email.upper()} ", PASSWORD)
    assert (await whoami(app, browser)).person_id == person.id


async def test_cookie_is_for_this_site_alone(browser, person):
    page = await browser.open("/sign-in")
    form = page.html.form("email", "password", "csrf_token")
    form.fill(email=person.email, password=PASSWORD)
    answer = await browser.http.post("/sign-in", data=dict(form.sent()))
    cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith("conecta_session="))
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/"} <= parts
    assert not any(part.startswith("domain") for part in parts)
    assert answer.headers["cache-control"] == "no-store"


async def test_no_secret_is_stored(app, browser, person, superuser):
    await browser.sign_in(person.email, PASSWORD)
    secret = session_cookie(browser)
    for table in ("sessions", "one_time_links", "person_passwords", "audit_entries"):
        rows = superuser.execute(f"select t::text from {table} t").fetchall()
        assert not any(secret in text or PASSWORD in text for (text,) in rows), table


# --- what nobody can find out -------------------------------------------------------------------------


async def test_unknown_address_and_wrong_password_are_answered_alike(app, browser, person, firm, superuser):
    answers = []
    for email in (person.email, "nobody@example.com"):
        seen = await browser.sign_in(email, "not the password")
        assert seen.status == 422
        assert WRONG in seen.text
        answers.append(seen.source.replace(email, "…"))
    assert _without_tokens(answers[0]) == _without_tokens(answers[1])
    assert await whoami(app, browser) is None
    assert audited(superuser, firm.id) == ["sign_in.failed"]


async def test_what_comes_after_the_answer_delays_nothing_that_can_be_measured(app, browser, person):
    """The audit log is written then; the next answer on the same connection would show for how long."""
    for email in (person.email, "nobody@example.com"):
        seen = await browser.sign_in(email, "not the password")
        assert seen.headers["connection"] == "close"
        seen = await fill(browser, "/reset", email=email)
        assert seen.headers["connection"] == "close"


async def test_person_without_a_password_is_answered_alike(api, browser, superuser):
    await api.post("/users", json={"name": "Luis", "email": "luis@example.com", "role": "provider"})
    seen = await browser.sign_in("luis@example.com", "")
    assert (seen.status, WRONG in seen.text) == (422, True)


async def test_unknown_address_takes_as_long_as_a_wrong_password(app, person, superuser):
    async def took(email: str) -> float:
        forget_throttles(superuser)
        browser = new_browser(app)
        page = await browser.open("/sign-in")
        form = page.html.form("email", "password", "csrf_token")
        form.fill(email=email, password="not the password")
        started = time.perf_counter()
        await browser.http.post("/sign-in", data=dict(form.sent()))
        return time.perf_counter() - started

    known = [await took(person.email) for _ in range(6)]
    unknown = [await took("nobody@example.com") for _ in range(6)]
    # The hash is what takes long: without it an unknown address would be told in a fraction of the time.
    # The quickest of each is the one that the rest of the machine disturbed least.
    assert min(unknown) > 0.6 * min(known)


@pytest.mark.parametrize(
    "email", ["", "x" * 300 + "@example.com", "a\x00b@example.com", "a@b\r\nc", "ñ@ñ.es", "'; --"]
)
async def test_odd_addresses_are_nobodys(browser, person, email):
    await browser.open("/sign-in")
    page = await browser.open("/sign-in")
    form = page.html.form("email", "password", "csrf_token")
    seen = await browser.submit(page, form, email=email, password="not the password")
    assert (seen.status, WRONG in seen.text) == ((400, False) if "\x00" in email else (422, True))


@pytest.mark.parametrize(
    "password", ["", "\x00", "x" * 100_000, "🙂" * 300, PASSWORD + "x", PASSWORD[:-1], PASSWORD.upper()]
)
async def test_other_passwords_are_wrong(app, browser, person, password):
    seen = await browser.sign_in(person.email, password)
    assert (seen.status, WRONG in seen.text) == ((400, False) if "\x00" in password else (422, True))
    assert await whoami(app, browser) is None


async def test_password_counts_in_any_unicode_form(app, browser, person):
    decomposed = PASSWORD.replace("í", "i\u0301")
    assert decomposed != PASSWORD
    await browser.sign_in(person.email, decomposed)
    assert (await whoami(app, browser)).person_id == person.id


# --- who may not come in although the password is right -----------------------------------------------


async def test_member_of_no_firm_is_told_so(app, browser, person, firm, superuser):
    superuser.execute("update users set active = false where person_id = %s", [person.id])
    seen = await browser.sign_in(person.email, PASSWORD)
    assert seen.status == 422
    assert "no pertenece ahora mismo a ninguna firma" in seen.text
    assert await whoami(app, browser) is None
    assert superuser.execute("select count(*) from sessions").fetchone() == (0,)


async def test_with_a_wrong_password_nobody_learns_about_firms(browser, person, superuser):
    superuser.execute("update users set active = false where person_id = %s", [person.id])
    seen = await browser.sign_in(person.email, "not the password")
    assert WRONG in seen.text
    assert "firma" not in seen.text.split(WRONG)[1][:200]


# --- fixation, forgery --------------------------------------------------------------------------------


async def test_session_is_a_new_one_and_the_former_ends(app, browser, person):
    await browser.sign_in(person.email, PASSWORD)
    first = session_cookie(browser)
    page = await browser.open("/reset")  # a form of this session
    token = next(c.value for c in page.html.forms[-1].controls if c.name == "csrf_token")
    fields = {"csrf_token": token, "email": person.email, "password": PASSWORD, "next": "/panel"}
    await browser.post("/sign-in", fields, site="same-origin")
    second = session_cookie(browser)
    assert second != first
    assert await sessions.find(app.state.database, app.state.keyring, first) is None
    assert (await whoami(app, browser)).person_id == person.id


async def test_session_that_somebody_else_chose_is_not_taken_up(app, browser, person, superuser):
    chosen = "A" * 43
    browser.http.cookies.set("conecta_session", chosen, domain="testserver")
    await browser.sign_in(person.email, PASSWORD)
    cookies = [c.value for c in browser.http.cookies.jar if c.name == "conecta_session"]
    assert any(value != chosen for value in cookies)
    assert await sessions.find(app.state.database, app.state.keyring, chosen) is None


@pytest.mark.parametrize("token", [None, "", "forged", "another's"])
async def test_form_that_we_did_not_give_is_refused(app, browser, person, superuser, token):
    await browser.open("/sign-in")
    if token == "another's":
        theirs = await new_browser(app).open("/sign-in")
        token = theirs.html.form("email", "csrf_token").all("csrf_token")[0].value
    fields = {"email": person.email, "password": PASSWORD, "next": ""}
    seen = await browser.post("/sign-in", fields | ({"csrf_token": token} if token is not None else {}))
    assert seen.status == 403
    assert superuser.execute("select count(*) from sessions").fetchone() == (0,)


# --- where one goes next ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/account", "/panel/keys?limit=5", "/oauth/authorize?client_id=x&state=a%2Fb"]
)
async def test_one_goes_on_to_where_one_was(browser, person, path):
    page = await browser.open("/sign-in?next=" + quote(path, safe=""))
    assert page.html.form("email", "csrf_token").all("next")[0].value == path
    await browser.sign_in(person.email, PASSWORD, page=page)
    assert browser.trail[1] == f"http://testserver{path}"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "//evil.example",
        "https://evil.example",
        "https:evil.example",
        "http:///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        " //evil.example",
        "javascript:alert(1)",
        "evil.example",
        "",
        "/" + "a" * 5000,
    ],
)
async def test_nobody_is_led_elsewhere(browser, person, elsewhere):
    page = await browser.open("/sign-in")
    form = page.html.form("email", "password", "csrf_token")
    seen = await browser.submit(page, form, email=person.email, password=PASSWORD, next=elsewhere)
    assert not seen.outside
    assert browser.trail[1] == "http://testserver/panel"
    shown = await new_browser(browser.http._transport.app).http.get("/sign-in", params={"next": elsewhere})
    assert 'name="next" value="/panel"' in shown.text


async def test_who_is_signed_in_goes_on(browser, person):
    await browser.sign_in(person.email, PASSWORD)
    seen = await browser.open("/sign-in?next=/account")
    assert seen.url == "http://testserver/account"


async def test_page_of_people_asks_strangers_to_sign_in(browser):
    seen = await browser.open("/account")
    assert seen.url == "http://testserver/sign-in?next=%2Faccount"


# --- several firms ------------------------------------------------------------------------------------


async def test_one_starts_where_one_was_last(app, browser, person, firm, other_firm, superuser):
    async with other_firm.client(app) as other:
        await other.post("/users", json={"name": "N", "email": person.email, "role": "assistant"})
    await browser.sign_in(person.email, PASSWORD)
    first = await whoami(app, browser)
    assert first.tenant_id == firm.id  # "Bufete Prueba" comes before "Otra Firma"
    async with app.state.database.transaction(system=True) as session:
        await sessions.switch_firm(session, signed_in=first, tenant_id=other_firm.id)
    later = new_browser(app)
    await later.sign_in(person.email, PASSWORD)
    found = await whoami(app, later)
    assert (found.tenant_id, found.role) == (other_firm.id, "assistant")
    assert audited(superuser, other_firm.id)[-1] == "sign_in.succeeded"


async def test_other_people_are_not_affected(app, api, browser, person, superuser):
    made = (
        await api.post("/users", json={"name": "L", "email": "luis@example.com", "role": "provider"})
    ).json()
    luis = await give_password(app, superuser, made["id"])
    await browser.sign_in(person.email, PASSWORD)
    other = new_browser(app)
    await other.sign_in(luis.email, PASSWORD)
    assert (await whoami(app, browser)).person_id == person.id
    assert (await whoami(app, other)).role == "provider"


# --- signing out --------------------------------------------------------------------------------------


async def test_signing_out_ends_the_session_on_our_side(app, browser, person, firm, superuser):
    await browser.sign_in(person.email, PASSWORD)
    secret = session_cookie(browser)
    page = await browser.open("/sign-out")
    assert await whoami(app, browser) is not None  # a link alone ends nothing
    form = next(f for f in page.html.forms if f.action == "/sign-out")
    seen = await browser.submit(page, form)
    assert seen.url == "http://testserver/sign-in"
    assert "Has salido." in seen.text
    assert session_cookie(browser) is None
    assert await sessions.find(app.state.database, app.state.keyring, secret) is None
    assert audited(superuser, firm.id)[-1] == "sign_out"


async def test_in_english(app, person):
    browser = new_browser(app, **{"Accept-Language": "en"})
    seen = await browser.sign_in(person.email, "not the password")
    assert "The e-mail address or the password is not correct." in seen.text
    assert "Sign in with a passkey" in seen.text
    assert "Contraseña" not in seen.text


def _without_tokens(source: str) -> str:
    source = re.sub(r'name="csrf_token" value="[^"]+"', "", source)
    return re.sub(r"req_[0-9a-z]{26}", "", source)
