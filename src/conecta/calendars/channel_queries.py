"""All SQL of the channels by which providers notify us, as the worker keeps them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit.db import Reads

from .sync_queries import Claimed

_CHANNELS = """
select h.id, h.calendar_id, h.remote_id, h.expires_at, h.renew from calendar_channels h
where h.tenant_id = %(tenant)s and h.connection_id = %(id)s order by h.expires_at nulls first, h.id
"""

_ADD_CHANNEL = """
insert into calendar_channels (tenant_id, id, connection_id, calendar_id, secret_hash, last_message, renew)
values (%(tenant)s, %(channel)s, %(id)s, %(calendar)s, %(hash)s, 0, false)
"""

_OPEN_CHANNEL = """
update calendar_channels h set remote_id = %(remote)s, expires_at = %(expires)s
where h.tenant_id = %(tenant)s and h.id = %(channel)s
"""

_DROP_CHANNEL = "delete from calendar_channels h where h.tenant_id = %(tenant)s and h.id = %(channel)s"


@dataclass(frozen=True)
class Channel:
    """A channel of notifications."""

    id: str
    calendar_id: str
    remote_id: str | None
    expires_at: datetime | None
    renew: bool


async def all_of(reads: Reads, tenant_id: str, connection_id: str) -> list[Channel]:
    """Return a connection's channels, the one that ends first first."""
    return [Channel(*row) for row in await reads.rows(_CHANNELS, {"tenant": tenant_id, "id": connection_id})]


async def add(
    session: AsyncSession, claimed: Claimed, calendar_id: str, channel: str, secret_hash: bytes
) -> None:
    """Note a channel that is about to be opened, so that its first notification finds it."""
    await _run(
        session, _ADD_CHANNEL, tenant=claimed.tenant_id, id=claimed.id, calendar=calendar_id,
        channel=channel, hash=secret_hash,
    )  # fmt: skip


async def opened(
    session: AsyncSession, tenant_id: str, channel: str, remote_id: str, expires_at: datetime
) -> None:
    """Note that a channel is open."""
    await _run(
        session, _OPEN_CHANNEL, tenant=tenant_id, channel=channel, remote=remote_id, expires=expires_at
    )


async def drop(session: AsyncSession, tenant_id: str, channel: str) -> None:
    """Forget a channel."""
    await _run(session, _DROP_CHANNEL, tenant=tenant_id, channel=channel)


async def _run(session: AsyncSession, sql: str, **params: Any) -> None:
    await (await session.connection()).exec_driver_sql(sql, params)
