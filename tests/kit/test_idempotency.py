"""`Idempotency-Key`: a retried POST acts once and gives the first answer again."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI

from conecta.auth.scopes import Scope
from tests.firms import make_key
from tests.odd_routes import GATE_LOCK, odd_app

KEY = {"Idempotency-Key": "8f14e45f-ceea-467f-9e1b"}
ANA = {"first_name": "Ana", "last_name": "Gil"}


@pytest.fixture(scope="module")
async def odd(settings, dsn) -> AsyncIterator[FastAPI]:
    async with odd_app(settings, dsn) as app:
        yield app


@pytest.fixture
async def odd_api(odd, firm) -> AsyncIterator[httpx.AsyncClient]:
    async with firm.client(odd) as client:
        yield client


def count(superuser, table: str) -> int:
    return superuser.execute(f'select count(*) from "{table}"').fetchone()[0]


async def test_replay_is_the_first_answer_byte_for_byte(api, superuser):
    first = await api.post("/clients", json=ANA, headers=KEY)
    again = await api.post("/clients", json=ANA, headers=KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    for name in ("content-type", "location", "etag", "cache-control"):
        assert again.headers[name] == first.headers[name]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert count(superuser, "clients") == 1


async def test_replay_answers_for_then_not_for_now(api):
    first = (await api.post("/clients", json=ANA, headers=KEY)).json()
    await api.patch(f"/clients/{first['id']}", json={"first_name": "Eva"})
    assert (await api.post("/clients", json=ANA, headers=KEY)).json() == first


async def test_replay_is_charged_and_has_its_own_request_id(api):
    first = await api.post("/clients", json=ANA, headers=KEY)
    again = await api.post("/clients", json=ANA, headers=KEY)
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert len(again.headers.get_list("x-ratelimit-remaining")) == 1


async def test_ten_at_once_act_once(api, superuser):
    answers = await asyncio.gather(*(api.post("/clients", json=ANA, headers=KEY) for _ in range(10)))
    made = [answer for answer in answers if answer.status_code == 201]
    refused = [answer for answer in answers if answer.status_code == 409]
    assert len(made) + len(refused) == 10
    assert len({answer.content for answer in made}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in made) == 1
    assert {answer.json()["code"] for answer in refused} <= {"idempotency_in_flight"}
    assert count(superuser, "clients") == 1


async def test_twin_in_flight_is_told_to_wait(odd_api, superuser):
    superuser.execute("select pg_advisory_lock(%s)", [GATE_LOCK])
    try:
        first = asyncio.create_task(odd_api.post("/odd/write-and-wait", headers=KEY))
        await _until_somebody_waits(superuser)
        async with asyncio.timeout(10):  # a twin that waited for the first would wait for ever here
            twin = await odd_api.post("/odd/write-and-wait", headers=KEY)
            unrelated = await odd_api.post("/odd/write", headers=KEY)
    finally:
        superuser.execute("select pg_advisory_unlock(%s)", [GATE_LOCK])
    assert (twin.status_code, twin.json()["code"]) == (409, "idempotency_in_flight")
    assert twin.headers["retry-after"] == "1"
    assert unrelated.status_code == 201  # another route: another key
    made = await first
    assert made.status_code == 201
    # A refused twin is not remembered: the retry gets the real answer.
    again = await odd_api.post("/odd/write-and-wait", headers=KEY)
    assert (again.status_code, again.content) == (201, made.content)
    assert count(superuser, "clients") == 2


async def _until_somebody_waits(superuser) -> None:
    waiting = "select count(*) from pg_locks where locktype = 'advisory' and objid = %s and not granted"
    async with asyncio.timeout(10):
        while superuser.execute(waiting, [GATE_LOCK]).fetchone()[0] == 0:  # noqa: ASYNC110 - a row, no event
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("path", "body"), [("/clients", {**ANA, "language": "ca"}), ("/clients", {}), ("/clients", None)]
)
async def test_same_key_for_another_body_is_refused(api, superuser, path, body):
    await api.post("/clients", json=ANA, headers=KEY)
    other = await api.post(path, json=body, headers=KEY)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert count(superuser, "clients") == 1


async def test_same_key_on_another_resource_is_another_request(api):
    one = (await api.post("/clients", json=ANA)).json()["id"]
    two = (await api.post("/clients", json=ANA)).json()["id"]
    for client_id in (one, two):
        answer = await api.post(f"/clients/{client_id}/archive", headers=KEY)
        assert answer.json()["id"] == client_id
        assert "idempotency-replayed" not in answer.headers


async def test_two_firms_may_use_the_same_key(api, app, other_firm, superuser):
    mine = await api.post("/clients", json=ANA, headers=KEY)
    async with other_firm.client(app) as other:
        theirs = await other.post("/clients", json=ANA, headers=KEY)
    assert theirs.status_code == 201
    assert "idempotency-replayed" not in theirs.headers
    assert mine.json()["id"] != theirs.json()["id"]
    assert count(superuser, "clients") == 2


async def test_refusals_are_remembered(api):
    """The retry of a refused request is refused, even when it would be accepted now."""
    missing = "cli_00000000000000000000000000"
    first = await api.post(f"/clients/{missing}/archive", headers=KEY)
    bad = {"first_name": "Ana", "last_name": "Gil", "tax_id": "1"}
    second = await api.post("/clients", json=bad, headers=KEY)
    for answer, path, body in ((first, f"/clients/{missing}/archive", None), (second, "/clients", bad)):
        again = await api.post(path, json=body, headers=KEY)
        assert again.status_code == answer.status_code
        assert again.headers["idempotency-replayed"] == "true"
        assert again.content == answer.content
        assert again.headers["content-language"] == "es"


async def test_conflicts_are_not_remembered(api):
    holder = (await api.post("/clients", json={**ANA, "external_id": "crm-1"})).json()
    refused = await api.post("/clients", json={**ANA, "external_id": "crm-1"}, headers=KEY)
    assert refused.status_code == 409
    await api.patch(f"/clients/{holder['id']}", json={"external_id": None})
    retried = await api.post("/clients", json={**ANA, "external_id": "crm-1"}, headers=KEY)
    assert retried.status_code == 201, retried.text
    assert "idempotency-replayed" not in retried.headers


async def test_rate_limited_is_not_remembered(app, firm, superuser):
    now = int(datetime.now(UTC).timestamp())
    async with firm.client(app) as api:
        superuser.execute(
            "insert into rate_windows values (%s, %s, 1000000, %s, 0)",
            [firm.id, now - now % 60 + 60, now - now % 86400],
        )
        assert (await api.post("/clients", json=ANA, headers=KEY)).status_code == 429
        superuser.execute("delete from rate_windows")
        made = await api.post("/clients", json=ANA, headers=KEY)
    assert made.status_code == 201
    assert "idempotency-replayed" not in made.headers


async def test_our_faults_are_not_remembered(odd, odd_api, superuser):
    for _ in range(2):
        answer = await odd_api.post("/odd/boom", headers=KEY)
        assert answer.status_code == 500
        assert "idempotency-replayed" not in answer.headers
    assert count(superuser, "idempotency_keys") == 0


async def test_insufficient_scope_and_bad_json_are_not_remembered(api, app, firm):
    reader = await make_key(app, firm.id, [Scope.CLIENTS_READ])
    async with firm.client(app, reader) as poor:
        assert (await poor.post("/clients", json=ANA, headers=KEY)).status_code == 403
    broken = {**KEY, "Content-Type": "application/json"}
    assert (await api.post("/clients", content=b"{", headers=broken)).status_code == 400
    assert (await api.post("/clients", json=ANA, headers=KEY)).status_code == 201


@pytest.mark.parametrize("key", ["", " ", "clave con blancos", "ñ".encode(), "x" * 256, b"a\x7fb"])
async def test_malformed_key_is_refused(api, superuser, key):
    answer = await api.post("/clients", json=ANA, headers=[(b"Idempotency-Key", key)])
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")
    assert count(superuser, "clients") == 0


async def test_longest_key_is_accepted(api):
    answer = await api.post("/clients", json=ANA, headers={"Idempotency-Key": "x" * 255})
    assert answer.status_code == 201


async def test_two_keys_on_one_request_are_refused(api, superuser):
    headers = [("Idempotency-Key", "key-a"), ("Idempotency-Key", "key-b")]
    answer = await api.post("/clients", json=ANA, headers=headers)
    assert answer.status_code == 400, answer.text
    assert count(superuser, "clients") == 0


async def test_key_is_forgotten_after_a_day(api, superuser):
    await api.post("/clients", json=ANA, headers=KEY)
    yesterday = datetime.now(UTC) - timedelta(hours=24, seconds=1)
    superuser.execute("update idempotency_keys set created_at = %s", [yesterday])
    new = await api.post("/clients", json={**ANA, "language": "en"}, headers=KEY)
    assert new.status_code == 201
    assert "idempotency-replayed" not in new.headers
    assert count(superuser, "clients") == 2
    # The new answer takes the old one's place.
    assert (await api.post("/clients", json={**ANA, "language": "en"}, headers=KEY)).content == new.content
    assert count(superuser, "idempotency_keys") == 1


async def test_key_lasts_a_day(api, superuser):
    first = await api.post("/clients", json=ANA, headers=KEY)
    nearly = datetime.now(UTC) - timedelta(hours=23, minutes=59)
    superuser.execute("update idempotency_keys set created_at = %s", [nearly])
    assert (await api.post("/clients", json=ANA, headers=KEY)).content == first.content


async def test_replayed_key_creation_shows_the_same_secret_and_stores_it_sealed(api, superuser):
    wanted = {"name": "CRM", "scopes": ["read:clients"]}
    first = await api.post("/api-keys", json=wanted, headers=KEY)
    again = await api.post("/api-keys", json=wanted, headers=KEY)
    secret = first.json()["key"]
    assert again.json()["key"] == secret
    assert count(superuser, "api_keys") == 3  # with the two of the fixture
    for table in ("idempotency_keys", "api_keys"):
        stored = " ".join(str(row[0]) for row in superuser.execute(f'select t::text from "{table}" t'))
        assert secret not in stored
        assert secret.encode().hex() not in stored  # bytea prints as hexadecimal


async def test_answers_of_personal_data_are_stored_sealed(api, superuser):
    await api.post("/clients", json={**ANA, "tax_id": "12345678Z"}, headers=KEY)
    stored = " ".join(str(row[0]) for row in superuser.execute("select t::text from idempotency_keys t"))
    assert b"12345678Z".hex() not in stored
    assert "12345678Z" not in stored


async def test_other_methods_ignore_the_key(api):
    client = (await api.post("/clients", json=ANA)).json()
    for name in ("Eva", "Pía"):
        answer = await api.patch(f"/clients/{client['id']}", json={"first_name": name}, headers=KEY)
        assert answer.json()["first_name"] == name
        assert "idempotency-replayed" not in answer.headers


async def test_sandbox_and_firm_keep_their_keys_apart(api, app, firm):
    live = await api.post("/clients", json=ANA, headers=KEY)
    async with firm.client(app, firm.sandbox_key) as sandbox:
        test = await sandbox.post("/clients", json=ANA, headers=KEY)
    assert "idempotency-replayed" not in test.headers
    assert live.json()["id"] != test.json()["id"]
