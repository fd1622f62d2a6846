"""The signing secret: shown once, sealed at rest, rotated in two phases."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conecta.webhooks.rules import SECRET_PURPOSE, active_secrets
from tests.webhooks.endpoints import URL, everything, new_endpoint

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def stored(app, superuser, endpoint_id):
    """Return the secrets of the row: the current one and the pending one."""
    row = superuser.execute(
        "select sealed_secret, sealed_pending_secret from webhook_endpoints where id = %s", [endpoint_id]
    ).fetchone()
    return tuple(
        sealed and app.state.keyring.decrypt(SECRET_PURPOSE, bytes(sealed)).decode() for sealed in row
    )


def let_the_rotation_end(superuser):
    superuser.execute("update webhook_endpoints set rotation_ends_at = now() - interval '1 second'")


async def rotate(api, endpoint_id, **body):
    answer = await api.post(f"/webhooks/{endpoint_id}/secret/rotate", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


# --- which secrets sign -------------------------------------------------------------------------------


def test_one_secret_signs_alone():
    assert active_secrets("old", None, None, NOW) == ("old", ["old"])


def test_both_sign_until_the_very_end_of_a_rotation():
    end = NOW + timedelta(microseconds=1)
    assert active_secrets("old", "new", end, NOW) == ("old", ["new", "old"])
    assert active_secrets("old", "new", end, end) == ("new", ["new"])


@given(
    pending=st.none() | st.just("new"),
    offset=st.none() | st.timedeltas(min_value=timedelta(-10), max_value=timedelta(10)),
)
def test_the_legacy_header_never_signs_alone(pending, offset):
    """Whoever verifies either header with the secret they know must find it among those that sign."""
    legacy, live = active_secrets("old", pending, None if offset is None else NOW + offset, NOW)
    assert legacy == live[-1]
    assert len(live) == len(set(live)) <= 2
    assert live[0] == (pending or "old")


# --- shown once, sealed -------------------------------------------------------------------------------


async def test_secrets_are_never_readable_again(api, app, superuser):
    endpoint = await new_endpoint(api)
    path = f"/webhooks/{endpoint['id']}"
    new = (await rotate(api, endpoint["id"]))["secret"]
    await api.post(f"{path}/test")
    answers = [
        await api.get("/webhooks"),
        await api.get(path),
        await api.patch(path, json={"description": "x"}),
        await api.get(f"{path}/deliveries"),
        await api.get(f"{path}/health"),
        await api.get("/events"),
        await api.post(f"{path}/secret/promote"),
    ]
    for answer in answers:
        assert answer.status_code == 200
        assert "whsec_" not in answer.text
        assert "secret" not in answer.json()
    rows = str(everything(superuser))
    for secret in (endpoint["secret"], new):
        assert secret not in rows
        assert secret.removeprefix("whsec_") not in rows
        assert secret.encode().hex() not in rows


async def test_a_retried_creation_gets_the_same_secret_and_keeps_it_sealed(api, app, superuser):
    wanted, key = {"url": URL, "events": ["*"]}, {"Idempotency-Key": "webhook-1"}
    first = await api.post("/webhooks", json=wanted, headers=key)
    again = await api.post("/webhooks", json=wanted, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["cache-control"] == "no-store"
    assert len(everything(superuser)["webhook_endpoints"]) == 1
    assert stored(app, superuser, first.json()["id"]) == (first.json()["secret"], None)
    remembered = superuser.execute("select k::text from idempotency_keys k").fetchall()
    assert first.json()["secret"].encode().hex() not in str(remembered)
    other = await api.post("/webhooks", json=wanted | {"description": "x"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_two_endpoints_never_share_a_secret(api):
    assert (await new_endpoint(api))["secret"] != (await new_endpoint(api))["secret"]


# --- rotation -----------------------------------------------------------------------------------------


async def test_rotation_keeps_both_secrets_until_it_is_promoted(api, app, superuser):
    endpoint = await new_endpoint(api)
    path, old = f"/webhooks/{endpoint['id']}", endpoint["secret"]
    before = datetime.now(UTC).replace(microsecond=0)
    answer = await api.post(f"{path}/secret/rotate")
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    new = answer.json()["secret"]
    assert answer.json().keys() == {"secret", "ends_at"}
    assert new != old
    ends_at = datetime.fromisoformat(answer.json()["ends_at"])
    assert timedelta(hours=24) <= ends_at - before <= timedelta(hours=24, minutes=1)
    shown = await api.get(path)
    assert shown.json()["rotation"] == {"ends_at": answer.json()["ends_at"]}
    assert shown.headers["etag"] == '"v2-rotating"'
    assert stored(app, superuser, endpoint["id"]) == (old, new)

    promoted = await api.post(f"{path}/secret/promote", headers={"If-Match": '"v2-rotating"'})
    assert (promoted.status_code, promoted.json()["rotation"]) == (200, None)
    assert promoted.json() == (await api.get(path)).json()
    assert stored(app, superuser, endpoint["id"]) == (new, None)


async def test_a_cancelled_rotation_keeps_the_old_secret(api, app, superuser):
    endpoint = await new_endpoint(api)
    await rotate(api, endpoint["id"])
    answer = await api.delete(f"/webhooks/{endpoint['id']}/secret/rotation")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await api.get(f"/webhooks/{endpoint['id']}")).json()["rotation"] is None
    assert stored(app, superuser, endpoint["id"]) == (endpoint["secret"], None)


async def test_a_second_rotation_waits_for_the_first(api, superuser):
    endpoint = await new_endpoint(api)
    first = await rotate(api, endpoint["id"])
    before = everything(superuser)
    answer = await api.post(f"/webhooks/{endpoint['id']}/secret/rotate", json={"grace_seconds": 0})
    assert (answer.status_code, answer.json()["code"]) == (409, "rotation_running")
    assert first["ends_at"] in answer.json()["detail"]
    assert everything(superuser) == before


async def test_of_two_rotations_at_once_one_wins(api, app, superuser):
    endpoint = await new_endpoint(api)
    answers = await asyncio.gather(*(api.post(f"/webhooks/{endpoint['id']}/secret/rotate") for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    winner = next(answer.json()["secret"] for answer in answers if answer.status_code == 201)
    assert stored(app, superuser, endpoint["id"]) == (endpoint["secret"], winner)


@pytest.mark.parametrize("how", ["promote", "cancel"])
async def test_without_a_rotation_there_is_nothing_to_end(api, superuser, how):
    endpoint = await new_endpoint(api)
    path = f"/webhooks/{endpoint['id']}/secret"
    before = everything(superuser)
    answer = await (api.post(f"{path}/promote") if how == "promote" else api.delete(f"{path}/rotation"))
    assert (answer.status_code, answer.json()["code"]) == (409, "no_rotation")
    assert everything(superuser) == before


async def test_a_rotation_that_has_ended_counts_as_promoted(api, app, superuser):
    endpoint = await new_endpoint(api)
    path = f"/webhooks/{endpoint['id']}"
    second = (await rotate(api, endpoint["id"], grace_seconds=1))["secret"]
    tag = (await api.get(path)).headers["etag"]
    let_the_rotation_end(superuser)
    shown = await api.get(path, headers={"If-None-Match": tag})
    assert (shown.status_code, shown.json()["rotation"]) == (200, None)
    assert (await api.get("/webhooks")).json()["data"][0]["rotation"] is None
    assert (await api.patch(path, json={"description": "x"}, headers={"If-Match": tag})).status_code == 412
    assert (await api.post(f"{path}/secret/promote")).json()["code"] == "no_rotation"
    assert (await api.delete(f"{path}/secret/rotation")).json()["code"] == "no_rotation"
    third = (await rotate(api, endpoint["id"]))["secret"]
    assert stored(app, superuser, endpoint["id"]) == (second, third)


async def test_without_grace_the_new_secret_stands_alone_at_once(api, app, superuser):
    endpoint = await new_endpoint(api)
    new = (await rotate(api, endpoint["id"], grace_seconds=0))["secret"]
    assert (await api.get(f"/webhooks/{endpoint['id']}")).json()["rotation"] is None
    old, pending = stored(app, superuser, endpoint["id"])
    ends_at = superuser.execute("select rotation_ends_at from webhook_endpoints").fetchone()[0]
    assert active_secrets(old, pending, ends_at, datetime.now(UTC)) == (new, [new])


@pytest.mark.parametrize("grace", [-1, 604_801, 1.5, "an hour", None, []])
async def test_grace_is_bounded(api, superuser, grace):
    endpoint = await new_endpoint(api)
    before = everything(superuser)
    answer = await api.post(f"/webhooks/{endpoint['id']}/secret/rotate", json={"grace_seconds": grace})
    assert answer.status_code == 422, answer.text
    assert everything(superuser) == before


async def test_the_longest_grace_is_a_week(api):
    endpoint = await new_endpoint(api)
    ends_at = datetime.fromisoformat((await rotate(api, endpoint["id"], grace_seconds=604_800))["ends_at"])
    assert timedelta(days=6, hours=23) < ends_at - datetime.now(UTC) <= timedelta(days=7)


async def test_a_retried_rotation_gets_the_same_secret(api, app, superuser):
    endpoint = await new_endpoint(api)
    path, key = f"/webhooks/{endpoint['id']}/secret/rotate", {"Idempotency-Key": "r1"}
    first, again = await api.post(path, headers=key), await api.post(path, headers=key)
    assert (first.status_code, again.content) == (201, first.content)
    assert stored(app, superuser, endpoint["id"]) == (endpoint["secret"], first.json()["secret"])
