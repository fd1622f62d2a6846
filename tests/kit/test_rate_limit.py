"""The counters themselves: both windows in one step, the same in Postgres and in Redis.

Windows are arranged a minute and a day ahead, so that no test depends on when it runs: a store never
goes back to an earlier window.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conecta.kit.db import Database
from conecta.kit.rate_limit import (
    DAY,
    MINUTE,
    Charge,
    Limits,
    PostgresRateLimits,
    RateLimitStore,
    RedisRateLimits,
)
from tests.redis_server import RedisServer, running_redis

LIMITS = Limits(60, 1000)
SUBJECT = "tenant_x"


def next_window(length: int) -> int:
    now = int(time.time())
    return now - now % length + length


class Arranged:
    """A store, and a hand that writes its counters directly."""

    def __init__(
        self, store: RateLimitStore, write: Callable[[str, tuple[int, int, int, int]], None]
    ) -> None:
        self.store, self._write = store, write

    def set(
        self, minute_used: int, day_used: int, *, minute: int | None = None, day: int | None = None
    ) -> None:
        minute = next_window(MINUTE) if minute is None else minute
        day = next_window(DAY) if day is None else day
        self._write(SUBJECT, (minute, minute_used, day, day_used))

    async def used(self, limits: Limits = LIMITS) -> tuple[int, int]:
        charge = await self.store.peek(SUBJECT, limits)
        return charge.minute_used, charge.day_used


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


@pytest.fixture(params=["postgres", "redis"])
async def arranged(request, database: Database, superuser: psycopg.Connection) -> AsyncIterator[Arranged]:
    in_postgres = PostgresRateLimits(database)
    if request.param == "postgres":
        yield Arranged(in_postgres, lambda subject, row: _write_row(superuser, subject, row))
        return
    server: RedisServer = request.getfixturevalue("redis_server")
    store = RedisRateLimits(server.url, fallback=in_postgres)
    with server.client() as client:
        client.flushall()
        names = ("ms", "mu", "ds", "du")
        yield Arranged(
            store,
            lambda subject, row: client.hset(
                f"conecta:rate:{subject}", mapping=dict(zip(names, row, strict=True))
            ),
        )
    await store.close()
    used_postgres = superuser.execute("select count(*) from rate_windows").fetchone()
    assert used_postgres == (0,), "the Redis half must not lean on its fallback"


def _write_row(superuser: psycopg.Connection, subject: str, row: tuple[int, int, int, int]) -> None:
    superuser.execute("delete from rate_windows where subject = %s", [subject])
    superuser.execute(
        "insert into rate_windows (subject, minute_start, minute_used, day_start, day_used)"
        " values (%s, %s, %s, %s, %s)",
        [subject, *row],
    )


async def test_first_charge_opens_both_windows_on_the_clock(arranged):
    before = int(time.time())
    charge = await arranged.store.charge(SUBJECT, LIMITS)
    after = int(time.time())
    assert (charge.allowed, charge.minute_used, charge.day_used) == (True, 1, 1)
    assert (charge.minute_start % MINUTE, charge.day_start % DAY) == (0, 0)
    assert before - before % MINUTE <= charge.minute_start <= after
    assert before - before % DAY <= charge.day_start <= after


async def test_charges_count_in_both_windows(arranged):
    arranged.set(10, 20)
    charge = await arranged.store.charge(SUBJECT, LIMITS)
    assert (charge.allowed, charge.minute_used, charge.day_used) == (True, 11, 21)
    assert await arranged.used() == (11, 21)


@pytest.mark.parametrize(
    ("minute_used", "day_used", "violated"),
    [(60, 500, "minute"), (5, 1000, "day"), (60, 1000, "day"), (61, 500, "minute"), (0, 1001, "day")],
)
async def test_full_window_refuses_and_charges_none(arranged, minute_used, day_used, violated):
    arranged.set(minute_used, day_used)
    for _ in range(3):
        charge = await arranged.store.charge(SUBJECT, LIMITS)
        assert (charge.allowed, charge.violated) == (False, violated)
    assert await arranged.used() == (minute_used, day_used)


async def test_last_request_of_a_window_is_allowed(arranged):
    arranged.set(59, 999)
    assert (await arranged.store.charge(SUBJECT, LIMITS)).allowed
    assert not (await arranged.store.charge(SUBJECT, LIMITS)).allowed


async def test_minute_that_is_over_is_forgotten_and_the_day_goes_on(arranged):
    arranged.set(60, 60, minute=next_window(MINUTE) - 5 * MINUTE)
    assert await arranged.used() == (0, 60)
    charge = await arranged.store.charge(SUBJECT, LIMITS)
    assert (charge.allowed, charge.minute_used, charge.day_used) == (True, 1, 61)


async def test_day_that_is_over_is_forgotten(arranged):
    arranged.set(60, 1000, minute=next_window(MINUTE) - 1440 * MINUTE, day=next_window(DAY) - 2 * DAY)
    assert await arranged.used() == (0, 0)
    charge = await arranged.store.charge(SUBJECT, LIMITS)
    assert (charge.allowed, charge.minute_used, charge.day_used) == (True, 1, 1)


async def test_refund_gives_both_back(arranged):
    arranged.set(10, 20)
    charge = await arranged.store.charge(SUBJECT, LIMITS)
    await arranged.store.refund(charge)
    assert await arranged.used() == (10, 20)


async def test_refund_of_a_minute_that_is_over_gives_back_the_day_only(arranged):
    arranged.set(10, 20)
    charge = Charge(SUBJECT, LIMITS, True, 1, next_window(MINUTE) - 2 * MINUTE, 1, next_window(DAY))
    await arranged.store.refund(charge)
    assert await arranged.used() == (10, 19)


async def test_refund_never_gives_more_than_was_charged(arranged):
    arranged.set(0, 0)
    charge = Charge(SUBJECT, LIMITS, True, 1, next_window(MINUTE), 1, next_window(DAY))
    await arranged.store.refund(charge)
    assert await arranged.used() == (0, 0)


async def test_refund_of_a_subject_nobody_knows_does_nothing(arranged):
    charge = Charge("nobody", LIMITS, True, 1, next_window(MINUTE), 1, next_window(DAY))
    await arranged.store.refund(charge)
    assert (await arranged.store.peek("nobody", LIMITS)).minute_used == 0


async def test_looking_charges_nothing(arranged):
    for _ in range(3):
        assert await arranged.used() == (0, 0)
    arranged.set(7, 8)
    assert await arranged.used() == (7, 8)


async def test_other_limits_count_at_once(arranged):
    arranged.set(60, 60)
    assert not (await arranged.store.charge(SUBJECT, Limits(60, 1000))).allowed
    assert (await arranged.store.charge(SUBJECT, Limits(300, 10_000))).allowed
    assert not (await arranged.store.charge(SUBJECT, Limits(60, 1000))).allowed


async def test_subjects_do_not_share(arranged):
    arranged.set(60, 60)
    other = await arranged.store.charge("tenant_y", LIMITS)
    assert (other.allowed, other.minute_used) == (True, 1)


async def test_two_hundred_at_once_get_exactly_sixty(arranged):
    arranged.set(0, 0)
    charges = await asyncio.gather(*(arranged.store.charge(SUBJECT, LIMITS) for _ in range(200)))
    assert sum(charge.allowed for charge in charges) == 60
    assert sorted(charge.minute_used for charge in charges if charge.allowed) == list(range(1, 61))
    assert await arranged.used() == (60, 60)


async def test_refunds_among_charges_stay_exact(arranged):
    arranged.set(0, 0)

    async def come_and_go() -> None:
        charge = await arranged.store.charge(SUBJECT, Limits(1000, 1000))
        await arranged.store.refund(charge)

    await asyncio.gather(*(come_and_go() for _ in range(50)))
    assert await arranged.used() == (0, 0)


# --- Redis that fails ---------------------------------------------------------------------------------


async def test_redis_keys_expire(redis_server):
    store = RedisRateLimits(redis_server.url, fallback=_Never())
    await store.charge("expiring", LIMITS)
    await store.close()
    with redis_server.client() as client:
        assert 0 < client.ttl("conecta:rate:expiring") <= 2 * DAY


async def test_redis_that_is_down_is_replaced_by_postgres_at_once(database, tmp_path):
    store = RedisRateLimits(f"unix://{tmp_path}/nobody.sock", fallback=PostgresRateLimits(database))
    started = time.monotonic()
    charges = [await store.charge(SUBJECT, LIMITS) for _ in range(5)]
    await store.refund(charges[0])
    peeked = await store.peek(SUBJECT, LIMITS)
    took = time.monotonic() - started
    await store.close()
    assert [charge.day_used for charge in charges] == [1, 2, 3, 4, 5]
    assert peeked.day_used == 4
    assert took < 3, "a request must not wait for a store that is not there"


async def test_redis_that_hangs_delays_one_request_not_each(database):
    with running_redis() as server:
        store = RedisRateLimits(server.url, fallback=PostgresRateLimits(database))
        await store.charge("somebody", LIMITS)
        server.freeze()
        started = time.monotonic()
        charges = [await store.charge(SUBJECT, LIMITS) for _ in range(10)]
        took = time.monotonic() - started
        server.thaw()
        await store.close()
    assert [charge.day_used for charge in charges] == list(range(1, 11))
    assert took < 6, "each of the ten has waited"


async def test_redis_that_comes_back_is_used_again(database):
    with running_redis() as server:
        store = RedisRateLimits(server.url, fallback=PostgresRateLimits(database))
        server.stop()
        assert (await store.charge(SUBJECT, LIMITS)).allowed
        server.start()
        async with asyncio.timeout(20):
            while not _keys(server):
                await store.charge(SUBJECT, LIMITS)
                await asyncio.sleep(0.05)
        await store.close()


def _keys(server: RedisServer) -> int:
    with server.client() as client:
        return client.dbsize()


class _Never:
    """A fallback that must not be asked."""

    async def charge(self, subject: str, limits: Limits) -> Charge:
        raise AssertionError(subject)

    async def refund(self, charge: Charge) -> None:
        raise AssertionError(charge)

    async def peek(self, subject: str, limits: Limits) -> Charge:
        raise AssertionError(subject)


# --- what a charge says of itself ---------------------------------------------------------------------

_counts = st.integers(min_value=0, max_value=200_000)


@given(_counts, _counts, st.integers(1, 1000), st.integers(1, 100_000), st.integers(0, DAY - 1))
def test_headers_are_consistent(minute_used, day_used, per_minute, per_day, second):
    day_start = 20_000 * DAY
    now = day_start + second
    allowed = 0 < minute_used <= per_minute and 0 < day_used <= per_day
    limits = Limits(per_minute, per_day)
    charge = Charge("x", limits, allowed, minute_used, now - now % MINUTE, day_used, day_start)
    headers = {name.decode(): value.decode() for name, value in charge.headers(now)}
    limit, remaining, reset = (int(headers[f"x-ratelimit-{n}"]) for n in ("limit", "remaining", "reset"))
    minute_left, day_left = max(0, per_minute - minute_used), max(0, per_day - day_used)
    assert remaining >= 0
    assert remaining == (
        min(minute_left, day_left) if allowed else {"minute": minute_left, "day": day_left}[charge.violated]
    )
    assert limit in limits
    assert now < reset <= day_start + DAY
    assert headers["ratelimit-policy"] == f'"minute";q={per_minute};w=60,"day";q={per_day};w=86400'
    minute_reset, day_reset = MINUTE - now % MINUTE, DAY - second
    expected = f'"minute";r={minute_left};t={minute_reset},"day";r={day_left};t={day_reset}'
    assert headers["ratelimit"] == expected
    assert 1 <= charge.retry_after(now) <= DAY
    assert now + charge.retry_after(now) == reset
