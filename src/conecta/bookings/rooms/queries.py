"""All SQL of rooms."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit.db import Reads
from conecta.kit.pages import JsonView, PageOfRows, Pager, Where
from conecta.kit.sql import wire_time

from .models import Room
from .schemas import RoomFilters

VIEW = JsonView(
    source="rooms r",
    alias="r",
    fields=f"""r.id, r.name, r.active, r.schedule_id,
      {wire_time("r.created_at")} as created_at, {wire_time("r.updated_at")} as updated_at""",
    sorts={"created_at": ("r.created_at", "timestamptz")},
)


async def page(reads: Reads, pager: Pager, tenant_id: str, filters: RoomFilters) -> PageOfRows:
    """Return a page of the firm's rooms."""
    where = Where("r.tenant_id = %(tenant)s", tenant=tenant_id)
    where.add("r.active = %(active)s", active=filters.active)
    return await pager.fetch(reads, VIEW, where, filters, sort=filters.sort)


async def one(reads: Reads, tenant_id: str, room_id: str) -> tuple[str, int] | None:
    """Return a room as JSON text and version."""
    params = {"tenant": tenant_id, "id": room_id}
    rows = await reads.rows(VIEW.one("r.tenant_id = %(tenant)s and r.id = %(id)s"), params)
    return (rows[0][0], rows[0][1]) if rows else None


async def known(reads: Reads, tenant_id: str, ids: list[str]) -> set[str]:
    """Return those of these ids that are rooms of the firm."""
    rows = await reads.rows(_KNOWN, {"tenant": tenant_id, "ids": ids})
    return {row[0] for row in rows}


_KNOWN = "select r.id from rooms r where r.tenant_id = %(tenant)s and r.id = any(%(ids)s)"


async def for_change(session: AsyncSession, tenant_id: str, room_id: str) -> Room | None:
    """Return a room, locked until the transaction ends."""
    wanted = select(Room).where(Room.tenant_id == tenant_id, Room.id == room_id)
    return await session.scalar(wanted.with_for_update())
