"""Passkeys: whole ceremonies over HTTP with real keys, and every wrong answer refused."""

import asyncio
import base64
import json

import pytest

from .arrange import (
    PASSWORD,
    audited,
    give_password,
    grow_old,
    new_browser,
    whoami,
)
from .authenticator import Authenticator, b64

REFUSED = "No hemos podido comprobar esa llave de acceso"


async def options_for(browser, at: str, address: str) -> dict:
    """Ask as the page's script does, with the form's own token."""
    page = await browser.open(at)
    form = next(f for f in page.html.forms if "credential" in f.names())
    answer = await browser.http.post(address, files=[(name, (None, value)) for name, value in form.sent()])
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


async def send(browser, at: str, **values: str):
    page = await browser.open(at)
    form = next(f for f in page.html.forms if "credential" in f.names())
    return await browser.submit(page, form, **values)


async def add(browser, device: Authenticator, name: str = "Móvil", **client_data):
    options = await options_for(browser, "/account/passkeys", "/account/passkeys/options")
    return await send(browser, "/account/passkeys", credential=device.make(options, **client_data), name=name)


async def come_in(browser, device: Authenticator, **client_data):
    options = await options_for(browser, "/sign-in", "/sign-in/passkey/options")
    return await send(browser, "/sign-in", credential=device.prove(options, **client_data))


@pytest.fixture
async def signed_in(browser, person):
    await browser.sign_in(person.email, PASSWORD)
    return browser


@pytest.fixture
async def device(signed_in) -> Authenticator:
    """A device that holds a passkey of the person."""
    device = Authenticator()
    seen = await add(signed_in, device)
    assert (seen.status, "La llave de acceso está añadida." in seen.text) == (200, True)
    return device


def passkeys(superuser) -> list[tuple]:
    return superuser.execute(
        "select person_id, name, sign_count, transports, synced, last_used_at is not null from passkeys"
    ).fetchall()


async def test_passkey_is_added_and_shown(device, signed_in, person, firm, superuser):
    assert passkeys(superuser) == [(person.id, "Móvil", 0, ["internal"], False, False)]
    assert base64.urlsafe_b64decode(device.handle + "==").decode() == person.id
    assert "Móvil" in (await signed_in.open("/account/passkeys")).text
    assert "passkey.added" in audited(superuser, firm.id)


async def test_one_signs_in_with_it_alone(app, device, person, firm, superuser):
    browser = new_browser(app)
    seen = await come_in(browser, device)
    assert seen.url == "http://testserver/panel"
    found = await whoami(app, browser)
    assert (found.person_id, found.strong) == (person.id, True)
    assert passkeys(superuser)[0][2:] == (1, ["internal"], False, True)
    last = superuser.execute(
        "select action, details from audit_entries where tenant_id = %s order by id desc limit 1", [firm.id]
    ).fetchone()
    assert last == ("sign_in.succeeded", {"method": "passkey"})


async def test_device_that_does_not_count_is_fine(app, signed_in):
    device = Authenticator(counts=False)
    await add(signed_in, device)
    for _ in range(2):
        browser = new_browser(app)
        await come_in(browser, device)
        assert await whoami(app, browser) is not None


async def test_options_name_no_account_and_want_verification(app):
    options = await options_for(new_browser(app), "/sign-in", "/sign-in/passkey/options")
    assert options["rpId"] == "testserver"
    assert options["userVerification"] == "required"
    assert options.get("allowCredentials", []) == []


async def test_challenges_are_new_each_time_and_long(app, superuser):
    browser = new_browser(app)
    challenges = {
        (await options_for(browser, "/sign-in", "/sign-in/passkey/options"))["challenge"] for _ in range(3)
    }
    assert len(challenges) == 3
    assert all(len(base64.urlsafe_b64decode(challenge + "==")) == 32 for challenge in challenges)
    stored = str(superuser.execute("select t::text from one_time_links t").fetchall())
    assert not any(challenge in stored for challenge in challenges)


# --- signing in: what is refused ----------------------------------------------------------------------


async def refused(app, superuser, device: Authenticator, **client_data) -> None:
    browser = new_browser(app)
    before = superuser.execute("select count(*) from sessions").fetchone()
    seen = await come_in(browser, device, **client_data)
    assert (seen.status, REFUSED in seen.text) == (422, True)
    assert await whoami(app, browser) is None
    assert superuser.execute("select count(*) from sessions").fetchone() == before


@pytest.mark.parametrize(
    "origin",
    [
        "https://testserver",
        "http://testserver:8000",
        "http://evil.example",
        "http://testserver.evil.example",
        "http://sub.testserver",
        "",
    ],
)
async def test_answer_of_another_origin(app, device, superuser, origin):
    device.origin = origin
    await refused(app, superuser, device)


@pytest.mark.parametrize("rp_id", ["evil.example", "server", "sub.testserver"])
async def test_answer_for_another_site(app, device, superuser, rp_id):
    device.rp_id = rp_id
    await refused(app, superuser, device)


async def test_answer_without_a_verified_person(app, device, superuser):
    device.verifies = False
    await refused(app, superuser, device)


async def test_counter_that_goes_back_or_stays(app, device, superuser):
    device.count = 9
    await come_in(new_browser(app), device)  # 10
    for count in (9, 4):  # 10 again, then 5
        device.count = count
        await refused(app, superuser, device)
    device.counts, device.count = False, 0
    await refused(app, superuser, device)
    assert passkeys(superuser)[0][2] == 10


async def test_key_of_somebody_else(app, device, superuser):
    stranger = Authenticator(credential_id=device.credential_id, handle=device.handle)
    await refused(app, superuser, stranger)


async def test_unknown_passkey(app, superuser, person):
    await refused(app, superuser, Authenticator())


async def test_challenge_of_our_own_invention(app, device, superuser):
    await refused(app, superuser, device, challenge=b64(b"x" * 32))


async def test_kind_of_the_other_ceremony(app, device, superuser):
    await refused(app, superuser, device, type="webauthn.create")


async def test_challenge_is_good_once(app, device, superuser):
    browser = new_browser(app)
    options = await options_for(browser, "/sign-in", "/sign-in/passkey/options")
    first, second = device.prove(options), device.prove(options)
    await send(browser, "/sign-in", credential=first)
    assert await whoami(app, browser) is not None
    for answer in (first, second):
        other = new_browser(app)
        seen = await send(other, "/sign-in", credential=answer)
        assert (seen.status, REFUSED in seen.text) == (422, True)


async def test_failed_answer_uses_the_challenge_up_too(app, device):
    browser = new_browser(app)
    options = await options_for(browser, "/sign-in", "/sign-in/passkey/options")
    device.verifies = False
    wrong = device.prove(options)
    device.verifies = True
    await send(browser, "/sign-in", credential=wrong)
    seen = await send(browser, "/sign-in", credential=device.prove(options))
    assert seen.status == 422


async def test_of_many_answers_to_a_challenge_one_counts(app, device, superuser):
    browser = new_browser(app)
    options = await options_for(browser, "/sign-in", "/sign-in/passkey/options")
    page = await browser.open("/sign-in")
    form = next(f for f in page.html.forms if "credential" in f.names())
    answers = [device.prove(options) for _ in range(8)]
    before = superuser.execute("select count(*) from sessions").fetchone()[0]

    async def post(answer: str) -> int:
        fields = {**dict(form.sent()), "credential": answer}
        return (await browser.http.post("/sign-in/passkey", data=fields)).status_code

    statuses = await asyncio.gather(*(post(answer) for answer in answers))
    assert sorted(statuses) == [303] + [422] * 7
    assert superuser.execute("select count(*) from sessions").fetchone()[0] == before + 1


async def test_challenge_that_expired(app, device, superuser):
    browser = new_browser(app)
    options = await options_for(browser, "/sign-in", "/sign-in/passkey/options")
    superuser.execute("update one_time_links set expires_at = now() - interval '1 second'")
    seen = await send(browser, "/sign-in", credential=device.prove(options))
    assert seen.status == 422


async def test_challenge_of_another_purpose(app, device, signed_in):
    """An answer that was meant to confirm something must not sign anybody in, nor the reverse."""
    making = await options_for(signed_in, "/account/passkeys", "/account/passkeys/options")
    seen = await send(
        new_browser(app),
        "/sign-in",
        credential=device.prove(
            {"challenge": making["challenge"], "rpId": "testserver", "userVerification": "required"}
        ),
    )
    assert seen.status == 422


@pytest.mark.parametrize(
    "answer",
    ["", "{", "[]", "null", "{}", '{"response": {}}', '{"response": {"clientDataJSON": "!"}, "rawId": "x"}',
     json.dumps({"rawId": "AA", "response": {"clientDataJSON": b64(b"[]")}}),
     json.dumps({"rawId": "AA", "response": {"clientDataJSON": b64(b'{"challenge": "abc"}')}}),
     json.dumps({"rawId": 5, "response": {"clientDataJSON": 5}}),
     "[" * 5000, "x" * 30_000],
)  # fmt: skip
async def test_what_is_no_answer_at_all(app, person, answer):
    seen = await send(new_browser(app), "/sign-in", credential=answer)
    assert (seen.status, REFUSED in seen.text) == (422, True)


async def test_answer_with_a_good_challenge_and_rubbish(app, device):
    browser = new_browser(app)
    for member, rubbish in (("authenticatorData", "AA"), ("signature", "AA"), ("clientDataJSON", None)):
        options = await options_for(browser, "/sign-in", "/sign-in/passkey/options")
        answer = json.loads(device.prove(options))
        answer["response"][member] = rubbish
        seen = await send(browser, "/sign-in", credential=json.dumps(answer))
        assert (seen.status, REFUSED in seen.text) == (422, True), member


async def test_person_of_no_firm_stays_outside(app, device, person, superuser):
    superuser.execute("update users set active = false where person_id = %s", [person.id])
    seen = await come_in(new_browser(app), device)
    assert "no pertenece ahora mismo a ninguna firma" in seen.text


async def test_password_keeps_working_beside_it_and_the_throttle_does_not_hold_it_back(app, device, person):
    attacker = new_browser(app, address="198.51.100.1")
    for _ in range(11):
        await attacker.sign_in(person.email, "not the password")
    browser = new_browser(app)
    await come_in(browser, device)
    assert (await whoami(app, browser)).person_id == person.id


# --- adding: what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "device",
    [
        Authenticator(origin="http://evil.example"),
        Authenticator(rp_id="evil.example"),
        Authenticator(verifies=False),
    ],
    ids=["origin", "site", "unverified"],
)
async def test_wrong_new_passkey(signed_in, superuser, device):
    seen = await add(signed_in, device)
    assert (seen.status, REFUSED in seen.text) == (422, True)
    assert passkeys(superuser) == []


async def test_wrong_kind_and_challenge_of_a_new_passkey(signed_in, superuser):
    assert (await add(signed_in, Authenticator(), type="webauthn.get")).status == 422
    assert (await add(signed_in, Authenticator(), challenge=b64(b"x" * 32))).status == 422
    assert passkeys(superuser) == []


async def test_challenge_of_another_person(app, api, signed_in, superuser):
    made = (
        await api.post("/users", json={"name": "L", "email": "luis@example.com", "role": "provider"})
    ).json()
    luis = await give_password(app, superuser, made["id"])
    theirs = new_browser(app)
    await theirs.sign_in(luis.email, PASSWORD)
    options = await options_for(theirs, "/account/passkeys", "/account/passkeys/options")
    seen = await send(signed_in, "/account/passkeys", credential=Authenticator().make(options), name="X")
    assert seen.status == 422
    assert passkeys(superuser) == []


async def test_the_same_passkey_twice(app, api, device, signed_in, superuser):
    assert (await add(signed_in, device)).status == 422
    made = (
        await api.post("/users", json={"name": "L", "email": "luis@example.com", "role": "provider"})
    ).json()
    luis = await give_password(app, superuser, made["id"])
    theirs = new_browser(app)
    await theirs.sign_in(luis.email, PASSWORD)
    thief = Authenticator(credential_id=device.credential_id)
    assert (await add(theirs, thief)).status == 422
    assert len(passkeys(superuser)) == 1


async def test_device_is_told_which_passkeys_there_are(device, signed_in):
    options = await options_for(signed_in, "/account/passkeys", "/account/passkeys/options")
    assert [one["id"] for one in options["excludeCredentials"]] == [b64(device.credential_id)]


async def test_no_more_than_twenty(signed_in, superuser):
    for number in range(20):
        assert (await add(signed_in, Authenticator(), name=f"N{number}")).status == 200
    page = await signed_in.open("/account/passkeys")
    form = next(f for f in page.html.forms if "credential" in f.names())
    answer = await signed_in.http.post("/account/passkeys/options", data=dict(form.sent()))
    assert (answer.status_code, "el máximo" in answer.json()["message"]) == (409, True)
    assert len(passkeys(superuser)) == 20


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("  Llave   azul ", "Llave azul"), ("", "Passkey"), ("x" * 90, "x" * 60), ("a\u200e\u202eb", "ab")],
)
async def test_name_of_a_passkey(signed_in, superuser, typed, kept):
    await add(signed_in, Authenticator(), name=typed)
    assert passkeys(superuser)[0][1] == kept


# --- proof, removal -----------------------------------------------------------------------------------


async def test_after_ten_minutes_one_proves_it_again(signed_in, person, superuser):
    grow_old(superuser, person)
    seen = await signed_in.open("/account/passkeys")
    assert seen.url == "http://testserver/account/confirm?next=%2Faccount%2Fpasskeys"
    token = seen.html.form("password", "csrf_token").all("csrf_token")[0].value
    answer = await signed_in.http.post("/account/passkeys/options", data={"csrf_token": token})
    assert answer.status_code == 403
    assert answer.json() == {"next": "/account/confirm?next=%2Faccount%2Fpasskeys"}
    seen = await signed_in.post(
        "/account/passkeys", {"csrf_token": token, "credential": "{}"}, site="same-origin"
    )
    assert seen.url == "http://testserver/account/confirm?next=%2Faccount%2Fpasskeys"
    assert passkeys(superuser) == []


async def test_passkey_proves_it_again(app, device, signed_in, person, superuser):
    grow_old(superuser, person)
    options = await options_for(
        signed_in, "/account/confirm?next=/account/password", "/account/confirm/passkey/options"
    )
    assert [one["id"] for one in options["allowCredentials"]] == [b64(device.credential_id)]
    seen = await send(signed_in, "/account/confirm?next=/account/password", credential=device.prove(options))
    assert seen.url == "http://testserver/account/password"
    assert (await whoami(app, signed_in)).strong is True


async def test_passkey_of_another_person_proves_nothing(app, api, device, signed_in, person, superuser):
    made = (
        await api.post("/users", json={"name": "L", "email": "luis@example.com", "role": "provider"})
    ).json()
    luis = await give_password(app, superuser, made["id"])
    theirs, of_luis = new_browser(app), Authenticator()
    await theirs.sign_in(luis.email, PASSWORD)
    await add(theirs, of_luis)
    grow_old(superuser, person)
    options = await options_for(signed_in, "/account/confirm", "/account/confirm/passkey/options")
    seen = await send(signed_in, "/account/confirm", credential=of_luis.prove(options))
    assert (seen.status, REFUSED in seen.text) == (422, True)
    assert not (await whoami(app, signed_in)).is_fresh


async def test_removed_passkey_opens_nothing(app, device, signed_in, firm, superuser):
    page = await signed_in.open("/account/passkeys")
    form = next(f for f in page.html.forms if f.action.endswith("/remove"))
    seen = await signed_in.submit(page, form)
    assert "La llave de acceso está eliminada." in seen.text
    assert passkeys(superuser) == []
    await refused(app, superuser, device)
    assert "passkey.removed" in audited(superuser, firm.id)


async def test_nobody_removes_anothers_passkey(app, api, device, signed_in, superuser):
    made = (
        await api.post("/users", json={"name": "L", "email": "luis@example.com", "role": "provider"})
    ).json()
    luis = await give_password(app, superuser, made["id"])
    theirs = new_browser(app)
    await theirs.sign_in(luis.email, PASSWORD)
    mine = await signed_in.open("/account/passkeys")
    action = next(f.action for f in mine.html.forms if f.action.endswith("/remove"))
    page = await theirs.open("/account/passkeys")
    token = next(c.value for f in page.html.forms for c in f.controls if c.name == "csrf_token")
    seen = await theirs.post(action, {"csrf_token": token}, site="same-origin")
    assert seen.status == 404
    assert len(passkeys(superuser)) == 1
