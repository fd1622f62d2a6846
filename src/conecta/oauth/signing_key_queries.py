"""SQL of the keys that sign access tokens: they belong to the installation, so only the system sees them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg.rows import TupleRow
from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit.db import Database, SessionReads

_ALL = """
select k.id, k.private_key, k.public_key, k.signs_from from oauth_signing_keys k order by k.created_at, k.id
"""

# Rotations wait for each other, and the first key is made once.
_LOCK = "select pg_advisory_xact_lock(hashtextextended('oauth_signing_keys', 0))"

_NEWEST = "select k.signs_from from oauth_signing_keys k order by k.created_at desc, k.id desc limit 1"

_ADD = """
insert into oauth_signing_keys (id, private_key, public_key, created_at, signs_from)
values (%(id)s, %(private_key)s, %(public_key)s::jsonb, %(now)s, %(signs_from)s)
"""

# A key goes when its successor has signed for so long that no token of the old one is alive.
_DELETE_DEAD = """
delete from oauth_signing_keys k where exists (
  select from oauth_signing_keys later
  where later.created_at > k.created_at and later.signs_from <= %(before)s::timestamptz)
returning k.id
"""

_DELETE_OTHERS = "delete from oauth_signing_keys k where k.id <> %(id)s"


async def every_key(database: Database) -> Sequence[TupleRow]:
    """Return all keys: those that sign later, the one that signs, those whose tokens are still alive."""
    return await database.read(_ALL, {}, system=True)


async def lock(session: AsyncSession) -> datetime | None:
    """Wait for other rotations; return when the newest key begins to sign, None when there is none."""
    reads = SessionReads(session)
    await reads.rows(_LOCK, {})
    rows = await reads.rows(_NEWEST, {})
    return rows[0][0] if rows else None


async def add(session: AsyncSession, values: Mapping[str, Any]) -> None:
    """Store a new key, its private half encrypted."""
    await (await session.connection()).exec_driver_sql(_ADD, dict(values))


async def delete_others(session: AsyncSession, key_id: str) -> None:
    """Delete every key but one: all tokens of the others are worth nothing from then on."""
    await (await session.connection()).exec_driver_sql(_DELETE_OTHERS, {"id": key_id})


async def delete_dead(database: Database, before: datetime) -> int:
    """Delete keys whose successor signs since before a moment; return how many."""
    return len(await database.read(_DELETE_DEAD, {"before": before}, system=True))
