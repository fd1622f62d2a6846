"""Business time: UTC, moved only for a sandbox, written in whole seconds."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conecta.kit import clock

MADRID = ZoneInfo("Europe/Madrid")


@pytest.fixture(autouse=True)
def _still():
    yield
    clock.move_for_this_context(clock.STILL)


def test_now_is_utc_and_runs_with_the_machine():
    before, now, after = datetime.now(UTC), clock.now(), datetime.now(UTC)
    assert before <= now <= after
    assert now.tzinfo is UTC


def test_moving_touches_business_time_only():
    clock.move_for_this_context(timedelta(days=40))
    assert timedelta(days=39) < clock.now() - datetime.now(UTC) < timedelta(days=41)
    assert abs(clock.real_now() - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 1, 17, 14, 30, tzinfo=UTC), "2026-01-17T14:30:00Z"),
        (datetime(2026, 1, 17, 14, 30, 0, 999_999, tzinfo=UTC), "2026-01-17T14:30:00Z"),
        (datetime(2026, 1, 1, 0, 30, tzinfo=MADRID), "2025-12-31T23:30:00Z"),
        (datetime(2026, 3, 29, 1, 59, tzinfo=MADRID), "2026-03-29T00:59:00Z"),
        (datetime(2026, 3, 29, 3, 0, tzinfo=MADRID), "2026-03-29T01:00:00Z"),
        (datetime(2026, 10, 25, 2, 30, tzinfo=MADRID, fold=0), "2026-10-25T00:30:00Z"),
        (datetime(2026, 10, 25, 2, 30, tzinfo=MADRID, fold=1), "2026-10-25T01:30:00Z"),
        (datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=14))), "2025-12-31T10:00:00Z"),
    ],
)
def test_wire_form(moment, text):
    assert clock.wire(moment) == text


@given(st.datetimes(timezones=st.timezones()).filter(lambda moment: 1900 <= moment.year <= 9998))
def test_wire_form_reads_back_to_the_second(moment):
    text = clock.wire(moment)
    assert len(text) == 20
    assert timedelta(0) <= moment - datetime.fromisoformat(text) < timedelta(seconds=1)


async def test_sandbox_clock_moves_its_rows_and_nobody_elses(app, api, firm, superuser):
    superuser.execute(
        "update tenants set clock_offset_seconds = %s where id = %s", [400 * 86_400, firm.sandbox_id]
    )
    async with firm.client(app, firm.sandbox_key) as sandbox:
        moved = (await sandbox.post("/clients", json={"name": "Ana"})).json()
    still = (await api.post("/clients", json={"name": "Ana"})).json()
    ahead = datetime.fromisoformat(moved["created_at"]) - datetime.now(UTC)
    assert timedelta(days=399) < ahead < timedelta(days=401)
    assert abs(datetime.fromisoformat(still["created_at"]) - datetime.now(UTC)) < timedelta(minutes=1)


async def test_sandbox_clock_expires_no_key_and_opens_no_window(app, firm, superuser):
    superuser.execute("update tenants set clock_offset_seconds = 999999999 where id = %s", [firm.sandbox_id])
    superuser.execute("update api_keys set expires_at = now() + interval '1 hour'")
    async with firm.client(app, firm.sandbox_key) as sandbox:
        body = (await sandbox.get("/usage")).json()
    assert datetime.fromisoformat(body["minute"]["resets_at"]) - datetime.now(UTC) <= timedelta(minutes=1)
