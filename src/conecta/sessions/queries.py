"""All SQL of sessions; as the system, for they say who is asking."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import TupleRow
from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit.db import Database, SessionReads

from .models import BrowserSession

_BATCH = 1_000

# Alive: neither ended, nor expired, nor left alone for too long.
_ALIVE = """s.revoked_at is null and s.expires_at > %(now)s::timestamptz
  and s.last_seen_at > %(idle_since)s::timestamptz"""

# A member of the firm may enter its sandbox too, with the same role; somebody who belongs to the sandbox
# alone may enter that. Who lost the firm has lost its sandbox, whatever row is left there.
_MEMBERSHIP = """
select u.active, u.role, u.name from users u
where u.person_id = {person} and u.tenant_id in (firm.id, t.id)
order by u.tenant_id = firm.id desc limit 1
"""

# One round trip for every page: the session, who it is, whether they still may, and the firm with its plan.
# That it was seen is written at most every few minutes.
_FIND = f"""
with seen as (
  update sessions s set last_seen_at = %(now)s::timestamptz,
    address = %(address)s::text, user_agent = %(agent)s::text
  where s.hash = any(%(hashes)s::bytea[]) and {_ALIVE} and s.last_seen_at < %(seen_before)s::timestamptz
)
select s.id, s.person_id, s.client_id, t.id, firm.id, t.sandbox_of is not null, t.name,
  coalesce(c.language, t.language), t.time_zone, p.id,
  coalesce(firm.per_minute_override, p.per_minute), coalesce(firm.per_day_override, p.per_day),
  t.clock_offset_seconds, s.strong, s.authenticated_at,
  coalesce(own.id, mine.id), m.role, coalesce(m.name, c.name), coalesce(h.email, c.email, '')
from sessions s
join tenants t on t.id = s.at_tenant
join tenants firm on firm.id = coalesce(t.sandbox_of, t.id)
join plans p on p.id = case
  when firm.trial_until <= statement_timestamp() then 'free' else firm.plan_id end
left join people h on h.id = s.person_id
left join lateral ({_MEMBERSHIP.format(person="s.person_id")}) m on true
left join users mine on mine.tenant_id = firm.id and mine.person_id = s.person_id
left join users own on own.tenant_id = t.id and own.person_id = s.person_id
left join clients c on c.tenant_id = s.at_tenant and c.id = s.client_id
left join client_access a on a.tenant_id = s.at_tenant and a.client_id = s.client_id
where s.hash = any(%(hashes)s::bytea[]) and {_ALIVE}
  and (m.active or (c.status = 'active' and t.client_access <> 'off'
    and coalesce(a.status, '') <> 'revoked'))
"""

_FIRMS = """
select t.id, t.name, u.role, sandbox.id, t.language
from users u
join tenants t on t.id = u.tenant_id
left join tenants sandbox on sandbox.sandbox_of = t.id
where u.person_id = %(person)s and u.active and (t.sandbox_of is null or not exists (
  select from users x where x.tenant_id = t.sandbox_of and x.person_id = %(person)s))
order by t.name, t.id
"""

_HOME = """
select s.at_tenant from sessions s where s.person_id = %(person)s order by s.last_seen_at desc limit 1
"""

_MAY_ENTER = f"""
select m.active from tenants t
join tenants firm on firm.id = coalesce(t.sandbox_of, t.id)
join lateral ({_MEMBERSHIP.format(person="%(person)s")}) m on true
where t.id = %(tenant)s
"""

_SWITCH = """
update sessions s set at_tenant = %(tenant)s where s.id = %(id)s and s.person_id = %(person)s
  and s.revoked_at is null returning s.id
"""

_OF_PERSON = f"""
select s.id, s.created_at, s.last_seen_at, s.address, s.user_agent, s.strong, t.name
from sessions s join tenants t on t.id = s.at_tenant
where s.person_id = %(person)s and {_ALIVE}
order by s.last_seen_at desc, s.id
"""

_OF_CLIENT = f"""
select s.id, s.created_at, s.last_seen_at, s.address, s.user_agent, s.strong, t.name
from sessions s join tenants t on t.id = s.at_tenant
where s.at_tenant = %(tenant)s and s.client_id = %(client)s and {_ALIVE}
order by s.last_seen_at desc, s.id
"""

_PROVEN = """
update sessions s set authenticated_at = %(now)s, strong = s.strong or %(strong)s
where s.id = %(id)s and s.revoked_at is null returning s.id
"""

_REVOKE = """
update sessions s set revoked_at = %(now)s
where s.revoked_at is null and {which} returning s.id
"""

_OLD = """
with old as (
  select s.id from sessions s where s.expires_at < %(before)s::timestamptz
  limit %(batch)s::int for update skip locked
), gone as (delete from sessions s using old where s.id = old.id returning s.id)
select count(*) from gone
"""


@dataclass(frozen=True)
class FirmChoice:
    """A firm that a person may act in, with its sandbox; `sandbox_id` is None where they may not."""

    tenant_id: str
    name: str
    role: str
    sandbox_id: str | None
    language: str


@dataclass(frozen=True)
class OpenSession:
    """A session as its owner sees it."""

    id: str
    created_at: datetime
    last_seen_at: datetime
    address: str | None
    user_agent: str | None
    strong: bool
    tenant_name: str


def add(session: AsyncSession, values: Mapping[str, Any]) -> None:
    """Store a session."""
    session.add(BrowserSession(**values))


async def find(database: Database, params: Mapping[str, Any]) -> TupleRow | None:
    """Return what is known of a session that is alive and whose owner may still come in."""
    rows = await database.read(_FIND, params, system=True)
    return rows[0] if rows else None


async def firms(database: Database, person_id: str) -> list[FirmChoice]:
    """Return where a person may act."""
    return [FirmChoice(*row) for row in await database.read(_FIRMS, {"person": person_id}, system=True)]


async def home(database: Database, person_id: str) -> str | None:
    """Return where a person acted last."""
    rows = await database.read(_HOME, {"person": person_id}, system=True)
    return rows[0][0] if rows else None


async def may_enter(session: AsyncSession, person_id: str, tenant_id: str) -> bool:
    """Say whether a person is an active member of a firm, or of the firm of a sandbox."""
    rows = await SessionReads(session).rows(_MAY_ENTER, {"person": person_id, "tenant": tenant_id})
    return bool(rows) and bool(rows[0][0])


async def switch(session: AsyncSession, session_id: str, person_id: str, tenant_id: str) -> bool:
    """Let a session act in another firm."""
    params = {"id": session_id, "person": person_id, "tenant": tenant_id}
    return bool(await SessionReads(session).rows(_SWITCH, params))


async def of_person(database: Database, params: Mapping[str, Any]) -> list[OpenSession]:
    """Return the sessions of a person that are alive, the last used first."""
    return [OpenSession(*row) for row in await database.read(_OF_PERSON, params, system=True)]


async def of_client(database: Database, params: Mapping[str, Any]) -> list[OpenSession]:
    """Return the sessions of a client of a firm that are alive, the last used first."""
    return [OpenSession(*row) for row in await database.read(_OF_CLIENT, params, system=True)]


async def proven(session: AsyncSession, session_id: str, *, strong: bool, now: datetime) -> None:
    """Write that whoever has the session has just proved again who they are."""
    await SessionReads(session).rows(_PROVEN, {"id": session_id, "strong": strong, "now": now})


async def revoke_one(
    session: AsyncSession, *, session_id: str, person_id: str | None, now: datetime
) -> Sequence[TupleRow]:
    """End a session; of that person only, when one is named."""
    which = "s.id = %(id)s and (%(person)s::text is null or s.person_id = %(person)s)"
    params = {"id": session_id, "person": person_id, "now": now}
    return await SessionReads(session).rows(_REVOKE.format(which=which), params)


async def revoke_of_person(
    session: AsyncSession, *, person_id: str, keep: str | None, now: datetime
) -> Sequence[TupleRow]:
    """End all sessions of a person, but for one perhaps."""
    which = "s.person_id = %(person)s and s.id is distinct from %(keep)s"
    params = {"person": person_id, "keep": keep, "now": now}
    return await SessionReads(session).rows(_REVOKE.format(which=which), params)


async def revoke_of_client(
    session: AsyncSession, *, tenant_id: str, client_id: str, session_id: str | None, now: datetime
) -> Sequence[TupleRow]:
    """End all sessions of a client of a firm, or one of them."""
    which = """s.at_tenant = %(tenant)s and s.client_id = %(client)s
  and (%(id)s::text is null or s.id = %(id)s)"""
    params = {"tenant": tenant_id, "client": client_id, "id": session_id, "now": now}
    return await SessionReads(session).rows(_REVOKE.format(which=which), params)


async def delete_old(database: Database, before: datetime) -> int:
    """Delete a batch of sessions that expired before this; return how many, 0 when none is left."""
    rows = await database.read(_OLD, {"before": before, "batch": _BATCH}, system=True)
    return int(rows[0][0])
