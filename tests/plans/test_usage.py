"""`/usage`: what the firm has used of its plan. Limits themselves are tried in tests/auth/test_limits.py."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from conecta.auth.scopes import Scope
from tests.firms import make_firm, make_key


async def test_usage_counts_itself(api, firm):
    answer = await api.get("/usage")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["tenant_id"] == firm.id
    assert body["minute"]["used"] == 1
    assert body["minute"]["limit"] == 1000
    assert answer.headers["x-ratelimit-limit"] == "1000"
    assert answer.headers["x-ratelimit-remaining"] == "999"


@pytest.mark.parametrize(
    ("plan", "minute", "day"),
    [("free", 60, 1000), ("professional", 300, 10_000), ("enterprise", 1000, 100_000)],
)
async def test_plans_are_those_of_the_seed(app, plan, minute, day):
    firm = await make_firm(app, plan=plan)
    async with firm.client(app) as api:
        body = (await api.get("/usage")).json()
    assert (body["plan"], body["minute"]["limit"], body["day"]["limit"]) == (plan, minute, day)
    assert body["minute"]["remaining"] == minute - 1


async def test_windows_follow_the_clock(api):
    body = (await api.get("/usage")).json()
    now = datetime.now(UTC)
    minute, day = (datetime.fromisoformat(body[window]["resets_at"]) for window in ("minute", "day"))
    assert (minute.second, day.hour, day.minute, day.second) == (0, 0, 0, 0)
    assert timedelta(0) < minute - now + timedelta(seconds=5) <= timedelta(seconds=65)
    assert timedelta(0) < day - now + timedelta(seconds=5) <= timedelta(days=1, seconds=5)


@pytest.mark.parametrize("scope", list(Scope))
async def test_any_credential_may_look(app, firm, scope):
    key = await make_key(app, firm.id, [scope])
    async with firm.client(app, key) as client:
        assert (await client.get("/usage")).status_code == 200


async def test_parallel_calls_are_all_counted(api):
    await asyncio.gather(*(api.get("/clients") for _ in range(30)))
    day = (await api.get("/usage")).json()["day"]
    assert (day["used"], day["remaining"]) == (31, 99_969)


async def test_usage_is_never_not_modified(api):
    """Its own call changes it, so a stored copy is always stale."""
    first = await api.get("/usage")
    again = await api.get("/usage", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 200
    assert again.json()["day"]["used"] == 2
