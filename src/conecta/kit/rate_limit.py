"""Request limits over two clock-aligned windows, decided in one atomic step: charge both or none.

The store's own clock decides which minute and which UTC day it is, so that servers with different
clocks agree. Postgres keeps the counters by default; Redis or Valkey when several nodes share them.
"""

import ipaddress
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol, cast

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from sqlalchemy import BigInteger, Integer
from sqlalchemy.orm import Mapped, mapped_column

from .db import Database
from .tables import Base, Id, declare, grants

MINUTE, DAY = 60, 86_400
_CONNECTIONS = 50  # to Redis, of one process
_PATIENCE = 1.0  # seconds that one request may wait for Redis
_SECONDS_DOWN = 1.0  # how long a Redis that did not answer is left alone

log = structlog.get_logger()


class RateWindow(Base):
    """The counters of one subject: a tenant, or an address that sends refused credentials."""

    __tablename__ = "rate_windows"
    __table_args__ = ({"postgresql_with": {"fillfactor": 50}},)

    subject: Mapped[str] = mapped_column(Id, primary_key=True)
    minute_start: Mapped[int] = mapped_column(BigInteger)
    minute_used: Mapped[int] = mapped_column(Integer)
    day_start: Mapped[int] = mapped_column(BigInteger)
    day_used: Mapped[int] = mapped_column(Integer)


def neighbourhood(address: str) -> str:
    """Return what to count an address by: whoever has one of IPv6 has the other 2^64 of its network too."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(found) >> 64 << 64, 64)))


class Limits(NamedTuple):
    """How many requests a subject may make in a clock minute and in a UTC day."""

    per_minute: int
    per_day: int


@dataclass(frozen=True, slots=True)
class Charge:
    """The answer of one decision: allowed or not, and what is used of both windows (Unix seconds)."""

    subject: str
    limits: Limits
    allowed: bool
    minute_used: int
    minute_start: int
    day_used: int
    day_start: int

    @property
    def violated(self) -> str | None:
        """Name the window that refuses; when both do, the one that resets later."""
        if self.allowed:
            return None
        return "day" if self.day_used >= self.limits.per_day else "minute"

    @property
    def tighter(self) -> tuple[int, int, int]:
        """Return limit, remaining and reset (Unix seconds) of the window that will refuse first."""
        minute = (self.limits.per_minute, self._minute_left, self.minute_start + MINUTE)
        day = (self.limits.per_day, self._day_left, self.day_start + DAY)
        if self.violated:
            return day if self.violated == "day" else minute
        return min(minute, day, key=lambda window: window[1])

    def retry_after(self, now: int) -> int:
        """Return the seconds until the violated window opens again; at least one."""
        return max(1, self.tighter[2] - now)

    def headers(self, now: int) -> list[tuple[bytes, bytes]]:
        """Write the seed's three headers (tighter window) and the IETF draft pair (both windows)."""
        limit, remaining, reset = self.tighter
        minute_reset = max(0, self.minute_start + MINUTE - now)
        day_reset = max(0, self.day_start + DAY - now)
        policy = f'"minute";q={self.limits.per_minute};w=60,"day";q={self.limits.per_day};w=86400'
        state = f'"minute";r={self._minute_left};t={minute_reset},"day";r={self._day_left};t={day_reset}'
        return [
            (b"x-ratelimit-limit", b"%d" % limit),
            (b"x-ratelimit-remaining", b"%d" % remaining),
            (b"x-ratelimit-reset", b"%d" % reset),
            (b"ratelimit-policy", policy.encode()),
            (b"ratelimit", state.encode()),
        ]

    def refunded(self) -> "Charge":
        """Return the state after this request's charge has been given back."""
        return replace(self, minute_used=self.minute_used - 1, day_used=self.day_used - 1)

    @property
    def _minute_left(self) -> int:
        return max(0, self.limits.per_minute - self.minute_used)

    @property
    def _day_left(self) -> int:
        return max(0, self.limits.per_day - self.day_used)


class RateLimitStore(Protocol):
    """Where the counters are kept."""

    async def charge(self, subject: str, limits: Limits) -> Charge:
        """Charge one request to both windows, or to none when either is full."""
        ...

    async def refund(self, charge: Charge) -> None:
        """Give a charge back, unless its windows are over."""
        ...

    async def peek(self, subject: str, limits: Limits) -> Charge:
        """Read the counters without charging."""
        ...


# One statement decides; `synchronous_commit=off` spares each request a disk flush (a crash of
# Postgres itself may forget the last fraction of a second of charges; a crash of ours forgets none).
CHARGE_FUNCTION = """
create or replace function charge_request(p_subject text, p_per_minute integer, p_per_day integer)
returns table (allowed boolean, minute_used integer, minute_start bigint, day_used integer, day_start bigint)
language plpgsql as $$
#variable_conflict use_column
declare
  v_now bigint := extract(epoch from clock_timestamp())::bigint;
  v_minute bigint := v_now - v_now % 60;
  v_day bigint := v_now - v_now % 86400;
begin
  return query
    insert into rate_windows as w (subject, minute_start, minute_used, day_start, day_used)
    values (p_subject, v_minute, 1, v_day, 1)
    on conflict (subject) do update set
      minute_used = case when w.minute_start >= v_minute then w.minute_used else 0 end + 1,
      minute_start = greatest(w.minute_start, v_minute),
      day_used = case when w.day_start >= v_day then w.day_used else 0 end + 1,
      day_start = greatest(w.day_start, v_day)
    where case when w.minute_start >= v_minute then w.minute_used else 0 end < p_per_minute
      and case when w.day_start >= v_day then w.day_used else 0 end < p_per_day
    returning true, w.minute_used, w.minute_start, w.day_used, w.day_start;
  if not found then
    return query select false, p.minute_used, p.minute_start, p.day_used, p.day_start
      from peek_requests(p_subject) p;
  end if;
end $$
"""

PEEK_FUNCTION = """
create or replace function peek_requests(p_subject text)
returns table (minute_used integer, minute_start bigint, day_used integer, day_start bigint)
language sql stable as $$
  select case when w.minute_start >= t.minute then w.minute_used else 0 end,
         greatest(w.minute_start, t.minute),
         case when w.day_start >= t.day then w.day_used else 0 end,
         greatest(w.day_start, t.day)
  from (select n - n % 60 as minute, n - n % 86400 as day
        from (select extract(epoch from clock_timestamp())::bigint as n) as c) as t
  left join rate_windows w on w.subject = p_subject
$$
"""

_CHARGE = (
    "select c.*, set_config('synchronous_commit', 'off', true)"
    " from charge_request(%(subject)s, %(minute)s, %(day)s) c"
)
_REFUND = """
update rate_windows set
  minute_used = greatest(0, minute_used - (minute_start = %(minute)s)::integer),
  day_used = greatest(0, day_used - (day_start = %(day)s)::integer)
where subject = %(subject)s returning set_config('synchronous_commit', 'off', true)
"""
_PEEK = "select * from peek_requests(%(subject)s)"


class PostgresRateLimits:
    """Counters in Postgres: exact across processes and restarts, with nothing more to run."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def charge(self, subject: str, limits: Limits) -> Charge:
        """Charge in one short transaction of its own."""
        params = {"subject": subject, "minute": limits.per_minute, "day": limits.per_day}
        (row,) = await self._database.read(_CHARGE, params, system=True)
        return Charge(subject, limits, *row[:5])

    async def refund(self, charge: Charge) -> None:
        """Take the charge back if its windows still run."""
        params = {"subject": charge.subject, "minute": charge.minute_start, "day": charge.day_start}
        await self._database.read(_REFUND, params, system=True)

    async def peek(self, subject: str, limits: Limits) -> Charge:
        """Read both counters."""
        (row,) = await self._database.read(_PEEK, {"subject": subject}, system=True)
        return Charge(subject, limits, True, *row)


_LUA = """
local now = tonumber(redis.call('TIME')[1])
local w = redis.call('HMGET', KEYS[1], 'ms', 'mu', 'ds', 'du')
local ms, mu = tonumber(w[1]) or 0, tonumber(w[2]) or 0
local ds, du = tonumber(w[3]) or 0, tonumber(w[4]) or 0
if ms < now - now % 60 then ms, mu = now - now % 60, 0 end
if ds < now - now % 86400 then ds, du = now - now % 86400, 0 end
local allowed = 1
if ARGV[1] == 'charge' then
  if mu < tonumber(ARGV[2]) and du < tonumber(ARGV[3]) then mu, du = mu + 1, du + 1 else allowed = 0 end
elseif ARGV[1] == 'refund' then
  if ms == tonumber(ARGV[2]) then mu = math.max(0, mu - 1) end
  if ds == tonumber(ARGV[3]) then du = math.max(0, du - 1) end
end
if ARGV[1] ~= 'peek' then
  redis.call('HSET', KEYS[1], 'ms', ms, 'mu', mu, 'ds', ds, 'du', du)
  redis.call('EXPIREAT', KEYS[1], ds + 172800)
end
return {allowed, mu, ms, du, ds}
"""


class RedisRateLimits:
    """Counters in Redis or Valkey; while it does not answer, the fallback decides and the log says so."""

    def __init__(self, url: str, *, fallback: RateLimitStore) -> None:
        # Callers queue for a connection: a pool that refuses them would send each to the fallback, whose
        # counters would then allow them a second time. Never retried: a charge may have been made.
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=_CONNECTIONS,
            timeout=_PATIENCE,
            socket_timeout=_PATIENCE,
            socket_connect_timeout=_PATIENCE,
            retry=Retry(NoBackoff(), 0),
        )
        self._redis = Redis.from_pool(pool)
        self._script = self._redis.register_script(_LUA)
        self._fallback = fallback
        self._down_until = 0.0

    async def charge(self, subject: str, limits: Limits) -> Charge:
        """Charge by one Lua script, which Redis runs as one step."""
        found = await self._run(subject, "charge", *limits)
        if found is None:
            return await self._fallback.charge(subject, limits)
        return Charge(subject, limits, bool(found[0]), *found[1:])

    async def refund(self, charge: Charge) -> None:
        """Take the charge back if its windows still run."""
        if await self._run(charge.subject, "refund", charge.minute_start, charge.day_start) is None:
            await self._fallback.refund(charge)

    async def peek(self, subject: str, limits: Limits) -> Charge:
        """Read both counters."""
        found = await self._run(subject, "peek")
        if found is None:
            return await self._fallback.peek(subject, limits)
        return Charge(subject, limits, True, *found[1:])

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _run(self, subject: str, verb: str, *numbers: int) -> Sequence[int] | None:
        # One caller finds out that Redis is gone; the others need not wait for it too.
        if time.monotonic() < self._down_until:
            return None
        arguments: list[Any] = [verb, *numbers]
        try:
            answer = await self._script(keys=[f"conecta:rate:{subject}"], args=arguments)
        except (RedisError, OSError) as error:
            self._down_until = time.monotonic() + _SECONDS_DOWN
            log.error("rate_limit_store_down", error=str(error))
            return None
        return cast("Sequence[int]", answer)


declare(
    RateWindow,
    PEEK_FUNCTION,
    CHARGE_FUNCTION,
    *grants("rate_windows", ""),
)
