"""All SQL of absences."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit.db import Reads
from conecta.kit.pages import JsonView, PageOfRows, Pager, Where
from conecta.kit.sql import wire_time

from .models import TimeOff
from .schemas import TimeOffFilters

VIEW = JsonView(
    source="time_off t",
    alias="t",
    fields=f"""t.id, t.user_id as provider_id, t.room_id, {wire_time("t.starts_at")} as start,
      {wire_time("t.ends_at")} as "end", t.kind, t.note,
      {wire_time("t.created_at")} as created_at, {wire_time("t.updated_at")} as updated_at""",
    sorts={"start": ("t.starts_at", "timestamptz")},
)


async def page(reads: Reads, pager: Pager, tenant_id: str, filters: TimeOffFilters) -> PageOfRows:
    """Return a page of the firm's absences."""
    where = Where("t.tenant_id = %(tenant)s", tenant=tenant_id)
    where.add("t.user_id = %(user)s", user=filters.provider_id)
    where.add("t.room_id = %(room)s", room=filters.room_id)
    where.add("t.kind = %(kind)s", kind=filters.kind)
    where.add("t.ends_at > %(ends_after)s", ends_after=filters.ends_after)
    where.add("t.starts_at < %(starts_before)s", starts_before=filters.starts_before)
    return await pager.fetch(reads, VIEW, where, filters, sort=filters.sort)


async def one(reads: Reads, tenant_id: str, time_off_id: str) -> tuple[str, int] | None:
    """Return an absence as JSON text and version."""
    params = {"tenant": tenant_id, "id": time_off_id}
    rows = await reads.rows(VIEW.one("t.tenant_id = %(tenant)s and t.id = %(id)s"), params)
    return (rows[0][0], rows[0][1]) if rows else None


async def for_change(session: AsyncSession, tenant_id: str, time_off_id: str) -> TimeOff | None:
    """Return an absence, locked until the transaction ends."""
    wanted = select(TimeOff).where(TimeOff.tenant_id == tenant_id, TimeOff.id == time_off_id)
    return await session.scalar(wanted.with_for_update())
