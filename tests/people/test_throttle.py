"""Who tries too often waits: an account, an address; and nobody waits for what somebody else did."""

import asyncio
import time
from datetime import UTC, datetime

import pytest

from conecta.people.errors import waiting_time
from conecta.people.sign_in import throttle

from .arrange import (
    ANOTHER,
    PASSWORD,
    audited,
    fill,
    give_password,
    link_in,
    mails_to,
    new_browser,
    whoami,
)

ALLOWED = throttle.OF_ACCOUNT.per_minute


async def wear_out(app, email: str, address: str = "198.51.100.1"):
    """Try wrong passwords until one is held back; return that answer, with a fresh minute ahead."""
    await a_fresh_minute()
    browser = new_browser(app, address=address)
    for _ in range(ALLOWED):
        assert (await browser.sign_in(email, "not the password")).status == 422
    seen = await browser.sign_in(email, "not the password")
    assert seen.status == 429
    return seen


async def a_fresh_minute() -> None:
    """Wait until the clock minute has some fifteen seconds left, so that no window ends within the test."""
    deadline = time.monotonic() + 60
    while datetime.now(UTC).second > 45:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.2)


async def test_after_five_tries_an_account_waits_and_is_told_how_long(app, person, firm, superuser):
    seen = await wear_out(app, person.email)
    seconds = int(seen.headers["retry-after"])
    assert 1 <= seconds <= 60
    assert f"dentro de {seconds} segundo" in seen.text
    assert audited(superuser, firm.id) == ["sign_in.failed"] * ALLOWED + ["sign_in.throttled"]


async def test_the_right_password_waits_too(app, person):
    await wear_out(app, person.email)
    browser = new_browser(app)  # of another address
    seen = await browser.sign_in(person.email, PASSWORD)
    assert seen.status == 429
    assert await whoami(app, browser) is None


async def test_unknown_address_waits_just_as_long(app, person):
    known = await wear_out(app, person.email)
    unknown = await wear_out(app, "nobody@example.com")
    words = [seen.text.replace(seen.headers["retry-after"], "N") for seen in (known, unknown)]
    assert words[0].replace("segundos", "segundo") == words[1].replace("segundos", "segundo")


async def test_case_and_blanks_make_no_other_account(app, person):
    await wear_out(app, person.email)
    seen = await new_browser(app).sign_in(f" {person.email.upper()}", PASSWORD)
    assert seen.status == 429


async def test_another_account_does_not_wait(app, api, person, superuser):
    made = (
        await api.post("/users", json={"name": "L", "email": "luis@example.com", "role": "provider"})
    ).json()
    luis = await give_password(app, superuser, made["id"])
    await wear_out(app, person.email, address="203.0.113.9")
    persistent = new_browser(app, address="203.0.113.9")
    for _ in range(40):  # more than an address may try
        assert (await persistent.sign_in(person.email, "not the password")).status == 429
    browser = new_browser(app, address="203.0.113.9")  # the same office
    await browser.sign_in(luis.email, PASSWORD)
    assert (await whoami(app, browser)).person_id == luis.id


async def test_after_the_window_it_works_again(app, person, superuser):
    await wear_out(app, person.email)
    superuser.execute("update rate_windows set minute_start = minute_start - 60")
    browser = new_browser(app)
    await browser.sign_in(person.email, PASSWORD)
    assert (await whoami(app, browser)).person_id == person.id


async def test_a_day_has_a_limit_too_and_the_wait_is_told_in_hours(app, person, superuser):
    browser = new_browser(app)
    await browser.sign_in(person.email, "not the password")
    superuser.execute(
        "update rate_windows set day_used = 100, minute_used = 0 where subject like 'password:%'"
    )
    seen = await browser.sign_in(person.email, PASSWORD)
    assert seen.status == 429
    wait = waiting_time(int(seen.headers["retry-after"]))
    assert f"dentro de {wait.es}." in seen.text


async def test_success_gives_the_tries_back(app, person, superuser):
    for _ in range(ALLOWED * 2):
        browser = new_browser(app)
        await browser.sign_in(person.email, PASSWORD)
        assert await whoami(app, browser) is not None
    used = superuser.execute("select max(minute_used), max(day_used) from rate_windows").fetchone()
    assert used == (0, 0)


async def test_an_address_that_tries_many_accounts_waits(app, person, superuser):
    browser = new_browser(app, address="198.51.100.1")
    await browser.sign_in("nobody@example.com", "not the password")
    superuser.execute(
        "update rate_windows set minute_used = 30, minute_start = minute_start + 60"
        " where subject = 'sign-in-address:198.51.100.1'"
    )
    seen = await browser.sign_in(person.email, PASSWORD)
    assert seen.status == 429
    assert int(seen.headers["retry-after"]) <= 120
    elsewhere = new_browser(app, address="198.51.100.2")
    await elsewhere.sign_in(person.email, PASSWORD)
    assert await whoami(app, elsewhere) is not None


async def test_addresses_of_one_ipv6_network_count_as_one(app, person, superuser):
    for number in range(3):
        browser = new_browser(app, address=f"2001:db8:0:1::{number}")
        await browser.sign_in("nobody@example.com", "not the password")
    rows = superuser.execute(
        "select subject, minute_used from rate_windows where subject like 'sign-in-address:%'"
    ).fetchall()
    assert [subject for subject, _ in rows] == ["sign-in-address:2001:db8:0:1::/64"]


async def test_many_guesses_at_once_are_counted_exactly(app, person, superuser):
    await a_fresh_minute()
    browser = new_browser(app)
    page = await browser.open("/sign-in")
    form = page.html.form("email", "password", "csrf_token")
    form.fill(email=person.email, password="not the password")

    async def guess() -> int:
        return (await browser.http.post("/sign-in", data=dict(form.sent()))).status_code

    statuses = await asyncio.gather(*(guess() for _ in range(20)))
    assert sorted(statuses) == [422] * ALLOWED + [429] * (20 - ALLOWED)


async def test_counters_name_nobody(app, person, superuser):
    await new_browser(app).sign_in(person.email, "not the password")
    stored = str(superuser.execute("select subject from rate_windows").fetchall())
    assert person.email not in stored
    assert person.id not in stored


async def test_proving_it_again_is_throttled_like_signing_in(app, browser, person, superuser):
    await browser.sign_in(person.email, PASSWORD)
    await wear_out(app, person.email)
    page = await browser.open("/account/confirm")
    form = page.html.form("password", "csrf_token")
    seen = await browser.submit(page, form, password=PASSWORD)
    assert seen.status == 429
    assert int(seen.headers["retry-after"]) >= 1


async def test_who_resets_the_password_need_not_wait(app, person, superuser):
    """Else whoever guesses could keep the person out for the rest of the day."""
    await wear_out(app, person.email)
    superuser.execute("update rate_windows set day_used = 100")
    forgotten = (
        "select subject from rate_windows where subject like 'sign-in-address:%%' or subject like 'reset:%%'"
    )
    superuser.execute(f"delete from rate_windows where subject in ({forgotten})")
    browser = new_browser(app)
    await fill(browser, "/reset", email=person.email)
    await fill(browser, link_in(mails_to(app, superuser, person.email)[0]), password=ANOTHER)
    await browser.sign_in(person.email, ANOTHER)
    assert (await whoami(app, browser)).person_id == person.id


@pytest.mark.parametrize(
    ("seconds", "es", "en"),
    [
        (1, "1 segundo", "1 second"),
        (42, "42 segundos", "42 seconds"),
        (90, "2 minutos", "2 minutes"),
        (3600, "60 minutos", "60 minutes"),
        (86_400, "24 horas", "24 hours"),
    ],
)
def test_waiting_time_in_words(seconds, es, en):
    assert tuple(waiting_time(seconds)) == (es, en)


async def test_in_english_too(app, person):
    browser = new_browser(app, **{"Accept-Language": "en"})
    await a_fresh_minute()
    for _ in range(ALLOWED + 1):
        seen = await browser.sign_in(person.email, "not the password")
    assert "Too many attempts. You can try again in" in seen.text
    assert seen.status == 429
