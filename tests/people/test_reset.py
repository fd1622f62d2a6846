"""A forgotten password: the mailed link, once, the newest only, and what it ends."""

import asyncio

import pytest

from .arrange import (
    ANOTHER,
    PASSWORD,
    audited,
    fill,
    link_in,
    mails_to,
    new_browser,
    session_cookie,
    whoami,
)

SENT = "Si hay una cuenta con la dirección"


async def ask(browser, email: str):
    return await fill(browser, "/reset", email=email)


async def a_link(app, browser, person, superuser) -> str:
    await ask(browser, person.email)
    return link_in(mails_to(app, superuser, person.email)[-1])


async def test_link_sets_a_new_password(app, browser, person, firm, superuser):
    seen = await ask(browser, person.email)
    assert (seen.status, SENT in seen.text) == (200, True)
    (mail,) = mails_to(app, superuser, person.email)
    assert "30 minutos" in mail.text
    path = link_in(mail)
    assert path.startswith("/reset/")
    page = await browser.open(path)
    assert person.email in page.text
    seen = await fill(browser, page, password=ANOTHER)
    assert seen.url == "http://testserver/sign-in"
    assert "Tu contraseña nueva está guardada" in seen.text
    assert await whoami(app, browser) is None
    assert (await new_browser(app).sign_in(person.email, PASSWORD)).status == 422
    await browser.sign_in(person.email, ANOTHER)
    assert (await whoami(app, browser)).person_id == person.id
    actions = audited(superuser, firm.id)
    assert actions[:2] == ["password.reset_requested", "password.reset"]
    assert "Tu contraseña ha cambiado" in mails_to(app, superuser, person.email)[1].html


async def test_known_and_unknown_addresses_are_answered_alike(app, browser, person, superuser):
    answers = []
    for email in (person.email, "nobody@example.com"):
        seen = await ask(browser, email)
        answers.append((seen.status, seen.text.replace(email, "…")))
    assert answers[0] == answers[1]
    assert mails_to(app, superuser, "nobody@example.com") == []
    assert superuser.execute("select count(*) from one_time_links").fetchone() == (1,)


async def test_who_is_no_member_of_any_firm_gets_no_mail(app, browser, person, superuser):
    superuser.execute("update users set active = false where person_id = %s", [person.id])
    seen = await ask(browser, person.email)
    assert SENT in seen.text
    assert mails_to(app, superuser, person.email) == []


async def test_member_without_a_password_gets_one_by_it(app, api, browser, superuser):
    await api.post("/users", json={"name": "Luis", "email": "luis@example.com", "role": "provider"})
    await ask(browser, "LUIS@example.com")
    await fill(browser, link_in(mails_to(app, superuser, "luis@example.com")[0]), password=ANOTHER)
    await browser.sign_in("luis@example.com", ANOTHER)
    assert (await whoami(app, browser)).role == "provider"


@pytest.mark.parametrize("email", ["", "nobody", "a\x00b@example.com", "x" * 400, "<b>@example.com"])
async def test_odd_addresses(browser, person, email):
    seen = await ask(browser, email)
    assert seen.status == (400 if "\x00" in email else 200)
    assert "<b>" not in seen.source.split("Mira tu correo")[-1]


async def test_secret_is_not_stored(app, browser, person, superuser):
    path = await a_link(app, browser, person, superuser)
    secret = path.rpartition("/")[2]
    assert len(secret) == 43
    for table in ("one_time_links", "personal_messages", "audit_entries"):
        assert secret not in str(superuser.execute(f"select t::text from {table} t").fetchall()), table


# --- once, soon, and the newest -----------------------------------------------------------------------


async def gone(browser, path: str) -> None:
    seen = await browser.open(path)
    assert (seen.status, "El enlace ya no vale" in seen.text) == (410, True)


async def test_link_is_good_once(app, browser, person, superuser):
    path = await a_link(app, browser, person, superuser)
    page = await browser.open(path)
    await fill(browser, page, password=ANOTHER)
    await gone(browser, path)
    seen = await fill(browser, page, password="tres-faros-sobre-el-agua-7")
    assert seen.status == 410
    await browser.sign_in(person.email, ANOTHER)
    assert await whoami(app, browser) is not None


async def test_of_many_who_use_it_at_once_one_sets_the_password(app, browser, person, firm, superuser):
    path = await a_link(app, browser, person, superuser)
    page = await browser.open(path)
    wanted = [f"puerta-{number}-verde-sin-llave" for number in range(6)]
    seen = await asyncio.gather(*(fill(new_browser(app), path, password=word) for word in wanted))
    assert sorted(answer.status for answer in seen) == [200] + [410] * 5
    assert audited(superuser, firm.id).count("password.reset") == 1
    assert page.status == 200
    (winner,) = [word for word, answer in zip(wanted, seen, strict=True) if answer.status == 200]
    superuser.execute("delete from rate_windows")
    await browser.sign_in(person.email, winner)
    assert await whoami(app, browser) is not None


async def test_newer_link_closes_the_older_one(app, browser, person, superuser):
    first = await a_link(app, browser, person, superuser)
    second = await a_link(app, browser, person, superuser)
    assert first != second
    await gone(browser, first)
    await fill(browser, second, password=ANOTHER)
    await gone(browser, first)
    await browser.sign_in(person.email, ANOTHER)
    assert await whoami(app, browser) is not None


async def test_of_links_asked_for_at_once_one_is_open(app, person, superuser):
    await asyncio.gather(*(ask(new_browser(app, address=f"203.0.113.{n}"), person.email) for n in range(3)))
    paths = [link_in(mail) for mail in mails_to(app, superuser, person.email)]
    statuses = [(await new_browser(app).open(path)).status for path in paths]
    assert len(statuses) == 3
    assert sorted(statuses) == [200, 410, 410]


async def test_link_expires(app, browser, person, superuser):
    path = await a_link(app, browser, person, superuser)
    page = await browser.open(path)
    left = superuser.execute(
        "select expires_at - now() < interval '31 minutes' from one_time_links"
    ).fetchone()
    assert left == (True,)
    superuser.execute("update one_time_links set expires_at = now() - interval '1 second'")
    await gone(browser, path)
    assert (await fill(browser, page, password=ANOTHER)).status == 410


async def test_link_closes_when_the_password_changes_otherwise(app, browser, person, superuser):
    path = await a_link(app, new_browser(app), person, superuser)
    await browser.sign_in(person.email, PASSWORD)
    await fill(browser, "/account/password", password=ANOTHER)
    await gone(browser, path)


@pytest.mark.parametrize("secret", ["x", "A" * 43, "A" * 5000, "%00", "ñ", "..%2F..", "A" * 43 + "/x"])
async def test_links_nobody_was_given(browser, person, secret):
    seen = await browser.open(f"/reset/{secret}")
    assert seen.status in {404, 410}


async def test_link_of_another_purpose_opens_nothing(app, browser, person, superuser):
    """The ticket of a second factor is a link too."""
    path = await a_link(app, browser, person, superuser)
    superuser.execute("update one_time_links set purpose = 'second_factor'")
    await gone(browser, path)


# --- what it ends, and what it does not ---------------------------------------------------------------


async def test_all_sessions_end(app, browser, person, superuser):
    others = [new_browser(app) for _ in range(2)]
    for other in others:
        await other.sign_in(person.email, PASSWORD)
    path = await a_link(app, browser, person, superuser)
    await fill(browser, path, password=ANOTHER)
    for other in others:
        assert session_cookie(other) is not None
        assert await whoami(app, other) is None
        assert (await other.open("/account")).url.startswith("http://testserver/sign-in")


async def test_asking_for_a_link_ends_nothing(app, browser, person):
    await browser.sign_in(person.email, PASSWORD)
    await ask(new_browser(app), person.email)
    assert await whoami(app, browser) is not None


async def test_weak_password_is_refused_and_the_link_stays_good(app, browser, person, superuser):
    path = await a_link(app, browser, person, superuser)
    for weak, reason in (("corta", "al menos 10"), ("bufeteprueba1", "tu correo, tu nombre")):
        seen = await fill(browser, path, password=weak)
        assert (seen.status, reason in seen.text) == (422, True), weak
        assert weak not in seen.source.replace("prueba.example", "")
    await fill(browser, path, password=ANOTHER)
    await browser.sign_in(person.email, ANOTHER)
    assert await whoami(app, browser) is not None


# --- how often ----------------------------------------------------------------------------------------


async def test_mails_to_an_address_are_few(app, person, superuser):
    for email in (person.email, "nobody@example.com"):
        for number in range(3):
            assert (await ask(new_browser(app, address=f"203.0.113.{number}"), email)).status == 200
        superuser.execute(
            "update rate_windows set minute_used = 3, minute_start = minute_start + 60"
            " where subject like 'reset:%'"
        )
        seen = await ask(new_browser(app), email)
        assert seen.status == 429
        assert int(seen.headers["retry-after"]) >= 1
    assert len(mails_to(app, superuser, person.email)) <= 3


async def test_form_that_we_did_not_give_sends_no_mail(app, browser, person, superuser):
    seen = await browser.post("/reset", {"email": person.email})
    assert seen.status == 403
    assert mails_to(app, superuser, person.email) == []


async def test_mail_is_in_the_language_of_who_asked(app, person, superuser):
    browser = new_browser(app, **{"Accept-Language": "en"})
    await ask(browser, person.email)
    (mail,) = mails_to(app, superuser, person.email)
    assert "Choose a new password" in mail.text
