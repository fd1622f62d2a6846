"""All SQL of second factors; as the system, for people belong to no firm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit.db import Database, Reads, SessionReads

_OF_PERSON = """
select w.changed_at, f.created_at, f.confirmed_at,
  (select count(*) from recovery_codes c where c.person_id = p.id and c.used_at is null),
  (select count(*) from passkeys k where k.person_id = p.id)
from people p
left join person_passwords w on w.person_id = p.id
left join person_totp f on f.person_id = p.id
where p.id = %(person)s
"""
_OF_APP = """
select f.sealed_secret, f.created_at, f.confirmed_at from person_totp f where f.person_id = %(person)s
"""
# What counts already is not replaced: it has to be turned off first.
_BEGIN = """
insert into person_totp as f (person_id, sealed_secret, last_step, created_at)
values (%(person)s, %(sealed)s, 0, %(now)s)
on conflict (person_id) do update set sealed_secret = excluded.sealed_secret, last_step = 0,
  created_at = excluded.created_at
where f.confirmed_at is null
returning f.person_id
"""
_CONFIRM = """
update person_totp f set confirmed_at = %(now)s, last_step = %(step)s
where f.person_id = %(person)s and f.confirmed_at is null and f.sealed_secret = %(sealed)s
returning f.person_id
"""
# A step, and every earlier one, is good once: of two who send the same code one finds no row.
_TAKE_STEP = """
update person_totp f set last_step = %(step)s
where f.person_id = %(person)s and f.confirmed_at is not null and f.last_step < %(step)s
returning f.person_id
"""
_REMOVE = "delete from person_totp f where f.person_id = %(person)s returning f.confirmed_at is not null"
_FORGET_CODES = "delete from recovery_codes c where c.person_id = %(person)s returning c.id"
_ADD_CODES = """
insert into recovery_codes (id, person_id, hash, created_at)
select n.id, %(person)s, n.hash, %(now)s from unnest(%(ids)s::text[], %(hashes)s::bytea[]) as n (id, hash)
returning id
"""
_TAKE_CODE = """
update recovery_codes c set used_at = %(now)s
where c.person_id = %(person)s and c.hash = any(%(hashes)s::bytea[]) and c.used_at is null
  and exists (select from person_totp f where f.person_id = c.person_id and f.confirmed_at is not null)
returning c.id
"""


@dataclass(frozen=True)
class Credentials:
    """What a person can sign in with."""

    password_changed_at: datetime | None
    totp_begun_at: datetime | None
    totp_since: datetime | None
    recovery_codes: int
    passkeys: int

    @property
    def any(self) -> bool:
        """Whether they can sign in at all."""
        return self.password_changed_at is not None or self.passkeys > 0


@dataclass(frozen=True)
class SealedSecret:
    """A person's shared secret, encrypted."""

    sealed: bytes
    created_at: datetime
    confirmed_at: datetime | None


async def credentials(database: Database, person_id: str) -> Credentials:
    """Return what a person can sign in with."""
    (row,) = await database.read(_OF_PERSON, {"person": person_id}, system=True)
    return Credentials(*row)


async def secret(reads: Reads, person_id: str) -> SealedSecret | None:
    """Return a person's secret, proven or not."""
    rows = await reads.rows(_OF_APP, {"person": person_id})
    return SealedSecret(*rows[0]) if rows else None


async def begin(session: AsyncSession, person_id: str, sealed: bytes, now: datetime) -> bool:
    """Store a secret that is to be proven; False when another one counts already."""
    return await _did(session, _BEGIN, {"person": person_id, "sealed": sealed, "now": now})


async def confirm(session: AsyncSession, person_id: str, sealed: bytes, *, step: int, now: datetime) -> bool:
    """Let this secret count from now on; False when it does already, or was replaced meanwhile."""
    values = {"person": person_id, "sealed": sealed, "step": step, "now": now}
    return await _did(session, _CONFIRM, values)


async def take_step(session: AsyncSession, person_id: str, step: int) -> bool:
    """Use up a time step and all before it; False when it was used up already."""
    return await _did(session, _TAKE_STEP, {"person": person_id, "step": step})


async def take_code(session: AsyncSession, person_id: str, hashes: Sequence[bytes], now: datetime) -> bool:
    """Use up a recovery code; False when there is no such unused one."""
    return await _did(session, _TAKE_CODE, {"person": person_id, "hashes": list(hashes), "now": now})


async def remove(session: AsyncSession, person_id: str) -> bool:
    """Forget a person's secret and recovery codes; False when no secret counted."""
    rows = await SessionReads(session).rows(_REMOVE, {"person": person_id})
    await forget_codes(session, person_id)
    return bool(rows) and bool(rows[0][0])


async def forget_codes(session: AsyncSession, person_id: str) -> None:
    """Forget a person's recovery codes."""
    await SessionReads(session).rows(_FORGET_CODES, {"person": person_id})


async def add_codes(
    session: AsyncSession, person_id: str, ids: Sequence[str], hashes: Sequence[bytes], now: datetime
) -> None:
    """Store recovery codes."""
    values = {"person": person_id, "ids": list(ids), "hashes": list(hashes), "now": now}
    await SessionReads(session).rows(_ADD_CODES, values)


async def _did(session: AsyncSession, sql: str, values: Mapping[str, Any]) -> bool:
    return bool(await SessionReads(session).rows(sql, values))
