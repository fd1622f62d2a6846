"""All SQL of schedules and their dates."""

from datetime import date
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from conecta.bookings.rooms.models import Room
from conecta.bookings.services.models import BookingServiceHost
from conecta.kit.db import Reads
from conecta.kit.pages import JsonView, PageOfRows, Pager, Where
from conecta.kit.sql import wire_time

from .models import Schedule, ScheduleOverride
from .rules import DAYS
from .schemas import OverrideFilters, ScheduleFilters


def _clock(minutes: str) -> str:
    """Write minutes from midnight as `HH:MM`; 1440 is `24:00`, what lies beyond is of the next day."""
    shown = f"(case when {minutes} > 1440 then {minutes} - 1440 else {minutes} end)"
    return f"to_char({shown} / 60, 'FM00') || ':' || to_char(mod({shown}, 60), 'FM00')"


_START, _END = _clock("(p.span->>'start')::integer"), _clock("(p.span->>'end')::integer")
_DAY = f"(array{list(DAYS)})[(p.span->>'day')::integer]"
_WEEKLY = f"""coalesce((select json_agg(json_build_object('from', {_START}, 'to', {_END}, 'day', {_DAY})
  order by p.place) from jsonb_array_elements(s.weekly) with ordinality p (span, place)), '[]')"""
_SPANS = f"""coalesce((select json_agg(json_build_object('from', {_START}, 'to', {_END}) order by p.place)
  from jsonb_array_elements(o.spans) with ordinality p (span, place)), '[]')"""

VIEW = JsonView(
    source="schedules s",
    alias="s",
    fields=f"""s.id, s.name, s.user_id as provider_id, s.is_default, s.time_zone, s.holiday_calendar_id,
      {_WEEKLY} as weekly,
      {wire_time("s.created_at")} as created_at, {wire_time("s.updated_at")} as updated_at""",
    sorts={"created_at": ("s.created_at", "timestamptz")},
)
# Pages are cut by id: here the date is the id.
OVERRIDES = JsonView(
    source="(select d.*, d.date::text as id from schedule_overrides d) o",
    alias="o",
    fields=f"""o.date, {_SPANS} as spans, o.note,
      {wire_time("o.created_at")} as created_at, {wire_time("o.updated_at")} as updated_at""",
    sorts={"date": ("o.date", "date")},
)


async def page(reads: Reads, pager: Pager, tenant_id: str, filters: ScheduleFilters) -> PageOfRows:
    """Return a page of the firm's schedules."""
    where = Where("s.tenant_id = %(tenant)s", tenant=tenant_id)
    where.add("s.user_id = %(user)s", user=filters.provider_id)
    where.add("s.is_default = %(is_default)s", is_default=filters.is_default)
    return await pager.fetch(reads, VIEW, where, filters, sort=filters.sort)


async def one(reads: Reads, tenant_id: str, schedule_id: str) -> tuple[str, int] | None:
    """Return a schedule as JSON text and version."""
    params = {"tenant": tenant_id, "id": schedule_id}
    rows = await reads.rows(VIEW.one("s.tenant_id = %(tenant)s and s.id = %(id)s"), params)
    return (rows[0][0], rows[0][1]) if rows else None


async def for_change(session: AsyncSession, tenant_id: str, schedule_id: str) -> Schedule | None:
    """Return a schedule, locked until the transaction ends."""
    wanted = select(Schedule).where(Schedule.tenant_id == tenant_id, Schedule.id == schedule_id)
    return await session.scalar(wanted.with_for_update())


async def of_owner(reads: Reads, tenant_id: str, schedule_id: str, owners: list[str | None]) -> bool:
    """Say whether there is such a schedule and it is of one of these owners; None is the firm."""
    params = {"tenant": tenant_id, "id": schedule_id, "owners": [owner or "" for owner in owners]}
    return bool(await reads.rows(_OF_OWNER, params))


_OF_OWNER = """
select from schedules s where s.tenant_id = %(tenant)s and s.id = %(id)s
  and coalesce(s.user_id, '') = any(%(owners)s)
"""


async def has_default(reads: Reads, tenant_id: str, user_id: str | None) -> bool:
    """Say whether a member (None: the firm) has a default schedule."""
    return bool(await reads.rows(_HAS_DEFAULT, {"tenant": tenant_id, "user": user_id or ""}))


_HAS_DEFAULT = """
select from schedules s where s.tenant_id = %(tenant)s and coalesce(s.user_id, '') = %(user)s and s.is_default
"""


async def clear_default(session: AsyncSession, tenant_id: str, user_id: str | None) -> None:
    """Let a member (None: the firm) have no default, for another one to become it."""
    theirs = Schedule.user_id.is_(None) if user_id is None else Schedule.user_id == user_id
    await session.execute(
        update(Schedule)
        .where(Schedule.tenant_id == tenant_id, theirs, Schedule.is_default)
        .values(is_default=False, version=Schedule.version + 1)
    )


async def is_used(session: AsyncSession, tenant_id: str, schedule_id: str) -> bool:
    """Say whether a service's host or a room names this schedule."""
    host = select(BookingServiceHost.user_id).where(
        BookingServiceHost.tenant_id == tenant_id, BookingServiceHost.schedule_id == schedule_id
    )
    room = select(Room.id).where(Room.tenant_id == tenant_id, Room.schedule_id == schedule_id)
    return (await session.scalar(host.limit(1)) or await session.scalar(room.limit(1))) is not None


async def remove(session: AsyncSession, tenant_id: str, schedule_id: str) -> None:
    """Delete a schedule and its dates."""
    dates = ScheduleOverride.tenant_id == tenant_id, ScheduleOverride.schedule_id == schedule_id
    await session.execute(delete(ScheduleOverride).where(*dates))
    await session.execute(delete(Schedule).where(Schedule.tenant_id == tenant_id, Schedule.id == schedule_id))


async def overrides(
    reads: Reads, pager: Pager, tenant_id: str, schedule_id: str, filters: OverrideFilters
) -> PageOfRows:
    """Return a page of a schedule's dates."""
    where = Where("o.tenant_id = %(tenant)s and o.schedule_id = %(schedule)s", tenant=tenant_id)
    where.params["schedule"] = schedule_id
    where.add("o.date >= %(from)s::date", **{"from": filters.date_from})
    where.add("o.date <= %(to)s::date", to=filters.date_to)
    return await pager.fetch(reads, OVERRIDES, where, filters, sort=filters.sort)


async def override(reads: Reads, tenant_id: str, schedule_id: str, day: date) -> tuple[str, int] | None:
    """Return a date's hours as JSON text and version."""
    where = "o.tenant_id = %(tenant)s and o.schedule_id = %(schedule)s and o.date = %(day)s"
    params: dict[str, Any] = {"tenant": tenant_id, "schedule": schedule_id, "day": day}
    rows = await reads.rows(OVERRIDES.one(where), params)
    return (rows[0][0], rows[0][1]) if rows else None


async def override_for_change(
    session: AsyncSession, tenant_id: str, schedule_id: str, day: date
) -> ScheduleOverride | None:
    """Return a date's hours, locked until the transaction ends."""
    wanted = select(ScheduleOverride).where(
        ScheduleOverride.tenant_id == tenant_id,
        ScheduleOverride.schedule_id == schedule_id,
        ScheduleOverride.date == day,
    )
    return await session.scalar(wanted.with_for_update())
