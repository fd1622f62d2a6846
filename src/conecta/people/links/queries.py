"""All SQL of one-time links; as the system, for they are shown by somebody not known yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit.db import Database, Reads, SessionReads

from .models import OneTimeLink

_BATCH = 1_000

_COLUMNS = (
    "l.id, l.purpose, l.at_tenant, l.person_id, l.client_id, l.email, l.data, l.created_at, l.expires_at"
)
_IS_OPEN = """l.hash = any(%(hashes)s::bytea[]) and l.purpose = %(purpose)s
  and l.used_at is null and l.expires_at > %(now)s::timestamptz"""

_PEEK = f"select {_COLUMNS} from one_time_links l where {_IS_OPEN}"
# Of many who use it at once, the first one's update makes the others find nothing that is still open.
_USE = f"update one_time_links l set used_at = %(now)s where {_IS_OPEN} returning {_COLUMNS}"
_CLOSE = """
update one_time_links l set used_at = %(now)s
where l.purpose = %(purpose)s and l.used_at is null and l.expires_at > %(now)s::timestamptz
  and (l.person_id = %(person)s::text
    or (l.at_tenant = %(tenant)s::text and l.client_id = %(client)s::text)) returning l.id
"""
_OLD = """
with old as (
  select l.id from one_time_links l where l.expires_at < %(before)s::timestamptz
  limit %(batch)s::int for update skip locked
), gone as (delete from one_time_links l using old where l.id = old.id returning l.id)
select count(*) from gone
"""


@dataclass(frozen=True)
class Link:
    """A link that is open still, or that was used just now."""

    id: str
    purpose: str
    tenant_id: str | None
    person_id: str | None
    client_id: str | None
    email: str | None
    data: Mapping[str, Any]
    created_at: datetime
    expires_at: datetime


def add(session: AsyncSession, values: Mapping[str, Any]) -> None:
    """Store a link."""
    session.add(OneTimeLink(**values))


async def peek(reads: Reads, hashes: Sequence[bytes], purpose: str, now: datetime) -> Link | None:
    """Return an open link without using it."""
    rows = await reads.rows(_PEEK, {"hashes": list(hashes), "purpose": purpose, "now": now})
    return Link(*rows[0]) if rows else None


async def use(session: AsyncSession, hashes: Sequence[bytes], purpose: str, now: datetime) -> Link | None:
    """Use an open link up and return it."""
    params = {"hashes": list(hashes), "purpose": purpose, "now": now}
    rows = await SessionReads(session).rows(_USE, params)
    return Link(*rows[0]) if rows else None


async def close(
    session: AsyncSession, purpose: str, subject: Mapping[str, str | None], now: datetime
) -> None:
    """Use up every open link of a purpose that a person or a client has."""
    params = {"purpose": purpose, "now": now, "person": None, "tenant": None, "client": None, **subject}
    await SessionReads(session).rows(_CLOSE, params)


async def delete_old(database: Database, before: datetime) -> int:
    """Delete a batch of links that expired before this; return how many, 0 when none is left."""
    rows = await database.read(_OLD, {"before": before, "batch": _BATCH}, system=True)
    return int(rows[0][0])
