"""The contact form of the firm's own website: proof of work, honeypot, limits, and what becomes of it."""

from datetime import timedelta

import pytest

from conecta.kit import clock
from conecta.website import proof as work
from tests.web.visiting import ORIGIN, proof, publishable_key, solve, website

ASKED = {"name": "Ana Gil", "email": "ana@cliente.example", "message": "¿Llevan herencias?"}


async def inquiries(api, **filters):
    return (await api.get("/inquiries", params=filters)).json()["data"]


async def test_a_visitor_asks_and_the_firm_hears_of_it(app, api, site, firm):
    body = {**ASKED, "phone": "600 111 222", "subject": "Herencia", "proof": await proof(site)}
    answer = await site.post("/public/inquiries", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.json().keys() == {"id", "received_at"}
    (found,) = await inquiries(api)
    assert found["id"] == answer.json()["id"]
    assert (found["source"], found["status"], found["phone"]) == ("website", "new", "+34600111222")
    (event,) = (await api.get("/events", params={"type": "inquiry.received"})).json()["data"]
    assert event["data"] == {
        "inquiry_id": found["id"],
        "name": "Ana Gil",
        "email": "ana@cliente.example",
        "phone": "+34600111222",
        "subject": "Herencia",
        "message": "¿Llevan herencias?",
        "language": "es",
        "source": "website",
        "received_at": found["created_at"],
    }
    (mail,) = (await api.get("/messages")).json()["data"]
    assert mail["subject"] == "Nueva consulta de Ana Gil"
    text = (await api.get(f"/messages/{mail['id']}")).json()["text"]
    assert "ana@cliente.example" in text
    assert "¿Llevan herencias?" in text


async def test_without_a_proof_nothing_is_kept(api, site, superuser):
    good = await proof(site)
    forged = {"challenge": good["challenge"][:-4] + "AAAA", "solution": good["solution"]}
    wrong = {"challenge": good["challenge"], "solution": "1" + good["solution"]}
    for given in (None, forged, wrong, {"challenge": "x", "solution": "1"}):
        answer = await site.post("/public/inquiries", json={**ASKED, "proof": given})
        assert (answer.status_code, answer.json()["code"]) == (422, "proof_refused")
    assert await inquiries(api, status="all") == []
    assert (await site.post("/public/inquiries", json={**ASKED, "proof": good})).status_code == 201


async def test_a_proof_is_good_once(api, site):
    body = {**ASKED, "proof": await proof(site)}
    assert (await site.post("/public/inquiries", json=body)).status_code == 201
    again = await site.post("/public/inquiries", json=body)
    assert (again.status_code, again.json()["code"]) == (422, "proof_refused")
    assert len(await inquiries(api)) == 1


async def test_a_proof_of_another_firm_or_of_yesterday_is_none(app, api, site, firm, other_firm):
    keyring = app.state.keyring
    elsewhere = work.challenge(keyring, other_firm.id).token
    old = keyring.sign(
        "proof of work",
        f'["{firm.id}", {int((clock.real_now() - timedelta(seconds=1)).timestamp())}, "n"]'.encode(),
    )
    for challenge in (elsewhere, old):
        given = {"challenge": challenge, "solution": solve(challenge, work.BITS)}
        answer = await site.post("/public/inquiries", json={**ASKED, "proof": given})
        assert answer.json()["code"] == "proof_refused"
    assert await inquiries(api, status="all") == []


async def test_what_fills_in_the_hidden_field_goes_to_the_spam(api, site):
    body = {**ASKED, "website": "https://spam.example", "proof": await proof(site)}
    answer = await site.post("/public/inquiries", json=body)
    assert answer.status_code == 201
    assert answer.json().keys() == {"id", "received_at"}
    assert await inquiries(api) == []
    (found,) = await inquiries(api, status="spam")
    assert found["message"] == ASKED["message"]
    assert (await api.get("/events")).json()["data"] == []
    assert (await api.get("/messages")).json()["data"] == []


async def test_the_privacy_notice_is_accepted_first(api, site):
    await api.put("/public-site", json={"slug": "bufete", "privacy_url": "https://bufete.example/privacidad"})
    assert (await site.get("/public/firm")).json()["privacy_url"] == "https://bufete.example/privacidad"
    given = await proof(site)
    answer = await site.post("/public/inquiries", json={**ASKED, "proof": given})
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [("/privacy_accepted", "required")]
    body = {**ASKED, "proof": given, "privacy_accepted": True}
    assert (await site.post("/public/inquiries", json=body)).status_code == 201
    (found,) = await inquiries(api)
    assert found["privacy_accepted_at"] == found["created_at"]


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"email": None}, "", "contact_required"),
        ({"email": "no"}, "/email", "invalid"),
        ({"message": " "}, "/message", "too_short"),
        ({"message": "x" * 5001}, "/message", "too_long"),
        ({"status": "new"}, "/status", "unknown_field"),
    ],
)
async def test_what_is_wrong_is_said_and_costs_no_proof(api, site, change, pointer, code):
    given = await proof(site)
    answer = await site.post("/public/inquiries", json={**ASKED, **change, "proof": given})
    assert answer.status_code == 422
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [(pointer, code)]
    assert (await site.post("/public/inquiries", json={**ASKED, "proof": given})).status_code == 201


async def test_one_address_writes_so_much_and_no_more(app, api, site, superuser):
    body = {**ASKED, "proof": await proof(site)}
    assert (await site.post("/public/inquiries", json=body)).status_code == 201
    superuser.execute("update rate_windows set day_used = 60 where subject like 'visitor-writes:%%'")
    refused = await site.post("/public/inquiries", json={**ASKED, "proof": await proof(site)})
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert len(await inquiries(api)) == 1
    made = await publishable_key(api, ORIGIN)
    async with website(app, made["key"], address="198.51.100.77") as elsewhere:
        body = {**ASKED, "proof": await proof(elsewhere)}
        assert (await elsewhere.post("/public/inquiries", json=body)).status_code == 201


async def test_a_server_of_the_firm_needs_no_proof(api):
    answer = await api.post("/public/inquiries", json=ASKED)
    assert answer.status_code == 201
    assert (await inquiries(api))[0]["source"] == "website"


async def test_an_idempotency_key_keeps_a_double_press_from_asking_twice(api, site):
    body = {**ASKED, "proof": await proof(site)}
    headers = {"Idempotency-Key": "press-1"}
    first = await site.post("/public/inquiries", json=body, headers=headers)
    second = await site.post("/public/inquiries", json=body, headers=headers)
    assert first.status_code == second.status_code == 201
    assert second.headers["idempotency-replayed"] == "true"
    assert len(await inquiries(api)) == 1
