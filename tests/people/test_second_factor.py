"""The authenticator app and recovery codes: turned on, asked for, used once, turned off."""

import asyncio
import re
import time

import pyotp
import pytest

from conecta.people.second_factor import rules

from .arrange import PASSWORD, audited, fill, give_password, grow_old, new_browser, whoami

WRONG = "El código no es correcto o ya se ha usado."
TOTP = "http://testserver/account/totp"


def code_of(secret: str, steps: int = 0) -> str:
    """Return the code of the step so many steps from now."""
    return pyotp.TOTP(secret).at(int(time.time()) + 30 * steps)


async def a_calm_moment() -> None:
    """Wait until the current step lasts a few seconds more, so that it does not end within the test."""
    left = 30 - time.time() % 30
    if left < 4:
        await asyncio.sleep(left)


def forget_step(superuser) -> None:
    """Let the current code count as unused again, as it would half a minute later."""
    superuser.execute("update person_totp set last_step = 0")


@pytest.fixture
async def signed_in(browser, person):
    await browser.sign_in(person.email, PASSWORD)
    return browser


async def set_up(browser) -> tuple[str, list[str]]:
    """Turn the app on; return its secret and the recovery codes."""
    page = await browser.open("/account/totp")
    page = await browser.submit(page, next(f for f in page.html.forms if f.action == "/account/totp/start"))
    secret = re.search(r'id="totp-secret"[^>]*>([A-Z2-7]+)<', page.source)[1]
    page = await fill(browser, page, code=code_of(secret))
    assert page.status == 200, page.text
    codes = re.search(r'id="recovery-codes"[^>]*>([^<]+)<', page.source)[1].split()
    return secret, codes


@pytest.fixture
async def app_on(signed_in, superuser) -> tuple[str, list[str]]:
    found = await set_up(signed_in)
    forget_step(superuser)
    return found


async def to_second_step(app, person, path: str = "/panel"):
    browser = new_browser(app)
    page = await browser.open(f"/sign-in?next={path}")
    page = await browser.sign_in(person.email, PASSWORD, page=page)
    assert page.url.startswith("http://testserver/sign-in/second-factor?next="), page.text
    return browser, page


# --- turning it on ------------------------------------------------------------------------------------


async def test_setting_it_up(app, signed_in, person, firm, superuser):
    assert (await whoami(app, signed_in)).strong is False
    secret, codes = await set_up(signed_in)
    assert len(secret) == 32  # 160 bits
    assert len(codes) == len(set(codes)) == 10
    assert (await whoami(app, signed_in)).strong is True
    assert audited(superuser, firm.id)[-2:] == ["totp.enabled", "recovery_codes.made"]


async def test_qr_code_is_svg_that_the_csp_allows(signed_in):
    page = await signed_in.open("/account/totp")
    page = await signed_in.submit(page, next(f for f in page.html.forms if f.action == "/account/totp/start"))
    drawn = re.search(r"<figure[^>]*>(<svg.*?</svg>)", page.source, re.DOTALL)[1]
    assert "style" not in drawn
    assert "<script" not in drawn
    assert "d=" in drawn
    assert "unsafe-inline" not in page.headers["content-security-policy"]


async def test_secret_and_codes_are_not_stored_in_the_clear(app_on, superuser):
    secret, codes = app_on
    stored = str(superuser.execute("select t::text from person_totp t").fetchall())
    stored += str(superuser.execute("select t::text from recovery_codes t").fetchall())
    assert secret not in stored
    for code in codes:
        assert code not in stored
        assert code.replace("-", "") not in stored


async def test_it_counts_only_after_the_first_code(app, signed_in, person):
    page = await signed_in.open("/account/totp")
    await signed_in.submit(page, next(f for f in page.html.forms if f.action == "/account/totp/start"))
    seen = await fill(signed_in, "/account/totp", code="000000")
    assert (seen.status, WRONG in seen.text) == (422, True)
    other = new_browser(app)
    await other.sign_in(person.email, PASSWORD)
    assert await whoami(app, other) is not None


async def test_secret_that_waited_too_long_is_made_anew(signed_in, superuser):
    page = await signed_in.open("/account/totp")
    page = await signed_in.submit(page, next(f for f in page.html.forms if f.action == "/account/totp/start"))
    secret = re.search(r'id="totp-secret"[^>]*>([A-Z2-7]+)<', page.source)[1]
    superuser.execute("update person_totp set created_at = created_at - interval '31 minutes'")
    assert (await fill(signed_in, page, code=code_of(secret))).status == 422
    assert "totp-secret" not in (await signed_in.open("/account/totp")).source


async def test_starting_again_does_not_replace_one_that_is_on(app_on, signed_in, superuser):
    before = superuser.execute("select sealed_secret from person_totp").fetchone()
    token = (await signed_in.open("/account/totp")).html.forms[0].all("csrf_token")[0].value
    await signed_in.post("/account/totp/start", {"csrf_token": token}, site="same-origin")
    assert superuser.execute("select sealed_secret from person_totp").fetchone() == before


# --- signing in ---------------------------------------------------------------------------------------


async def test_password_alone_does_not_open_a_session(app, app_on, person, superuser):
    before = superuser.execute("select count(*) from sessions").fetchone()
    browser, _ = await to_second_step(app, person)
    assert superuser.execute("select count(*) from sessions").fetchone() == before
    assert (await browser.open("/panel")).url.startswith("http://testserver/sign-in?")


async def test_with_the_code_one_is_in_and_strong(app, app_on, person, firm, superuser):
    browser, page = await to_second_step(app, person, "/account")
    seen = await fill(browser, page, code=code_of(app_on[0]))
    assert seen.url == "http://testserver/account"
    found = await whoami(app, browser)
    assert (found.person_id, found.strong) == (person.id, True)
    assert browser.http.cookies.get("conecta_second_factor") is None
    details = superuser.execute(
        "select details from audit_entries where action = 'sign_in.succeeded' order by id desc limit 1"
    ).fetchone()
    assert details == ({"method": "totp"},)


@pytest.mark.parametrize("steps", [-1, 1])
async def test_clock_of_a_phone_may_be_half_a_minute_off(app, app_on, person, steps):
    browser, page = await to_second_step(app, person)
    await a_calm_moment()
    await fill(browser, page, code=code_of(app_on[0], steps))
    assert await whoami(app, browser) is not None


async def test_code_may_be_typed_with_a_blank(app, app_on, person):
    browser, page = await to_second_step(app, person)
    code = code_of(app_on[0])
    await fill(browser, page, code=f" {code[:3]} {code[3:]} ")
    assert await whoami(app, browser) is not None


@pytest.mark.parametrize("steps", [-3, 3, None])
async def test_wrong_code(app, app_on, person, firm, superuser, steps):
    browser, page = await to_second_step(app, person)
    wrong = "12345" if steps is None else code_of(app_on[0], steps)
    seen = await fill(browser, page, code=wrong)
    assert (seen.status, WRONG in seen.text) == (422, True)
    assert await whoami(app, browser) is None
    assert audited(superuser, firm.id)[-1] == "sign_in.failed"
    await fill(browser, seen, code=code_of(app_on[0]))  # the step stays open for the right one
    assert await whoami(app, browser) is not None


@pytest.mark.parametrize("code", ["", "abcdef", "١٢٣٤٥٦", "1234567", "\x00", "0" * 5000, "-12345", "12.345"])
async def test_what_is_no_code(app, app_on, person, code):
    browser, page = await to_second_step(app, person)
    assert (await fill(browser, page, code=code)).status in {400, 422}
    assert await whoami(app, browser) is None


async def test_code_is_not_accepted_twice(app, app_on, person, superuser):
    code = code_of(app_on[0])
    browser, page = await to_second_step(app, person)
    await fill(browser, page, code=code)
    assert await whoami(app, browser) is not None
    again, page = await to_second_step(app, person)
    seen = await fill(again, page, code=code)
    assert (seen.status, WRONG in seen.text) == (422, True)
    earlier = await fill(again, page, code=code_of(app_on[0], -1))
    assert earlier.status == 422


async def test_code_that_turned_the_app_on_does_not_sign_in(app, signed_in, person, superuser):
    secret, _ = await set_up(signed_in)
    (step,) = superuser.execute("select last_step from person_totp").fetchone()
    browser, page = await to_second_step(app, person)
    assert (await fill(browser, page, code=pyotp.HOTP(secret).at(step))).status == 422


async def test_of_many_who_send_the_same_code_one_is_in(app, app_on, person, superuser):
    code = code_of(app_on[0])
    tickets = [await to_second_step(app, person) for _ in range(5)]
    before = superuser.execute("select count(*) from sessions").fetchone()[0]
    seen = await asyncio.gather(*(fill(browser, page, code=code) for browser, page in tickets))
    assert sorted(page.status for page in seen) == [200, 422, 422, 422, 422]
    assert superuser.execute("select count(*) from sessions").fetchone()[0] == before + 1


async def test_codes_are_throttled(app, app_on, person, superuser):
    browser, page = await to_second_step(app, person)
    superuser.execute("delete from rate_windows")
    await fill(browser, page, code="000000")
    superuser.execute(
        "update rate_windows set minute_used = 5, minute_start = minute_start + 60"
        " where subject like 'second-factor:%'"
    )
    seen = await fill(browser, page, code=code_of(app_on[0]))
    assert seen.status == 429
    assert int(seen.headers["retry-after"]) >= 1
    assert await whoami(app, browser) is None


async def test_ticket_is_of_one_browser_and_ten_minutes(app, app_on, person, superuser):
    browser, page = await to_second_step(app, person)
    stranger = new_browser(app)
    assert (await stranger.open("/sign-in/second-factor")).url.startswith("http://testserver/sign-in?")
    superuser.execute("update one_time_links set expires_at = now() - interval '1 second'")
    seen = await fill(browser, page, code=code_of(app_on[0]))
    assert seen.url.startswith("http://testserver/sign-in?next=")
    assert "empieza otra vez" in seen.text
    assert await whoami(app, browser) is None


async def test_ticket_is_good_once(app, app_on, person, superuser):
    browser, page = await to_second_step(app, person)
    ticket = browser.http.cookies.get("conecta_second_factor")
    await fill(browser, page, code=code_of(app_on[0]))
    forget_step(superuser)
    thief = new_browser(app)
    thief.http.cookies.set("conecta_second_factor", ticket)
    assert (await thief.open("/sign-in/second-factor")).url.startswith("http://testserver/sign-in?")


async def test_ticket_ends_when_the_password_changes(app, app_on, person, signed_in):
    browser, page = await to_second_step(app, person)
    await fill(signed_in, "/account/password", password="otra-cosa-muy-distinta-93")
    await fill(browser, page, code=code_of(app_on[0]))
    assert await whoami(app, browser) is None


# --- recovery codes -----------------------------------------------------------------------------------


async def test_recovery_code_works_once(app, app_on, person, firm, superuser):
    code = app_on[1][3]
    browser, _ = await to_second_step(app, person)
    await fill(browser, "/sign-in/second-factor?with=recovery&next=/panel", code=code)
    assert (await whoami(app, browser)).strong is True
    assert audited(superuser, firm.id)[-2:] == ["sign_in.succeeded", "recovery_code.used"]
    again, page = await to_second_step(app, person)
    assert (await fill(again, page, code=code)).status == 422
    other, page = await to_second_step(app, person)
    await fill(other, page, code=app_on[1][4].upper().replace("-", " "))
    assert await whoami(app, other) is not None
    assert "8 códigos de recuperación" in (await other.open("/account")).text


async def test_of_many_who_use_a_recovery_code_one_is_in(app, app_on, person, superuser):
    tickets = [await to_second_step(app, person) for _ in range(5)]
    before = superuser.execute("select count(*) from sessions").fetchone()[0]
    seen = await asyncio.gather(*(fill(browser, page, code=app_on[1][0]) for browser, page in tickets))
    assert sorted(page.status for page in seen) == [200, 422, 422, 422, 422]
    assert superuser.execute("select count(*) from sessions").fetchone()[0] == before + 1


async def test_recovery_code_of_another_person_is_worth_nothing(app, api, app_on, person, superuser):
    made = (
        await api.post("/users", json={"name": "L", "email": "luis@example.com", "role": "provider"})
    ).json()
    luis = await give_password(app, superuser, made["id"])
    theirs = new_browser(app)
    await theirs.sign_in(luis.email, PASSWORD)
    _, codes = await set_up(theirs)
    browser, page = await to_second_step(app, person)
    assert (await fill(browser, page, code=codes[0])).status == 422


async def test_new_recovery_codes_replace_the_old_ones(app, app_on, person, signed_in):
    page = await signed_in.open("/account/totp")
    form = next(f for f in page.html.forms if f.action == "/account/recovery-codes")
    page = await signed_in.submit(page, form)
    new = re.search(r'id="recovery-codes"[^>]*>([^<]+)<', page.source)[1].split()
    browser, page = await to_second_step(app, person)
    seen = await fill(browser, page, code=app_on[1][0])
    assert seen.status == 422
    await fill(browser, seen, code=new[0])
    assert await whoami(app, browser) is not None


def test_recovery_codes_have_no_letters_that_look_alike():
    codes = [rules.new_recovery_code() for _ in range(200)]
    assert len(set(codes)) == 200
    assert not set("".join(codes)) & set("01ilo")
    assert all(re.fullmatch(r"[2-9a-z]{5}-[2-9a-z]{5}", code) for code in codes)


# --- turning it off -----------------------------------------------------------------------------------


async def test_turned_off_it_is_not_asked_for(app, app_on, person, signed_in, firm, superuser):
    page = await signed_in.open("/account/totp")
    await signed_in.submit(page, next(f for f in page.html.forms if f.action == "/account/totp/off"))
    browser = new_browser(app)
    await browser.sign_in(person.email, PASSWORD)
    assert await whoami(app, browser) is not None
    assert superuser.execute("select count(*) from recovery_codes").fetchone() == (0,)
    assert "totp.disabled" in audited(superuser, firm.id)


@pytest.mark.parametrize(
    "action", ["/account/totp/start", "/account/totp", "/account/totp/off", "/account/recovery-codes"]
)
async def test_each_change_wants_a_fresh_proof(app_on, signed_in, person, superuser, action):
    def stored():
        return superuser.execute(
            "select (select string_agg(t::text, '') from person_totp t),"
            " (select string_agg(t::text, '' order by id) from recovery_codes t)"
        ).fetchone()

    page = await signed_in.open("/account/totp")
    token = page.html.forms[0].all("csrf_token")[0].value
    before = stored()
    grow_old(superuser, person)
    seen = await signed_in.post(action, {"csrf_token": token, "code": "000000"}, site="same-origin")
    assert seen.url == "http://testserver/account/confirm?next=%2Faccount%2Ftotp"
    assert stored() == before
