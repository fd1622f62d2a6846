"""All SQL of holiday calendars."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, exists, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from conecta.availability.schedules.models import Schedule
from conecta.kit.db import Reads, SessionReads
from conecta.kit.pages import JsonView, PageOfRows, Pager, Where
from conecta.kit.sql import wire_time

from .models import Holiday, HolidayCalendar
from .schemas import HolidayCalendarFilters, HolidayFilters

VIEW = JsonView(
    source="holiday_calendars c",
    alias="c",
    fields=f"""c.id, c.name, c.region, c.municipality, c.is_default, c.years,
      {wire_time("c.created_at")} as created_at, {wire_time("c.updated_at")} as updated_at""",
    sorts={"created_at": ("c.created_at", "timestamptz")},
)
DAYS = JsonView(
    source="holidays d",
    alias="d",
    fields=f"""d.id, d.date, d.name, d.kind, d.source, d.closed, d.confirmed,
      {wire_time("d.created_at")} as created_at, {wire_time("d.updated_at")} as updated_at""",
    sorts={"date": ("d.date", "date")},
)


async def page(reads: Reads, pager: Pager, tenant_id: str, filters: HolidayCalendarFilters) -> PageOfRows:
    """Return a page of the firm's calendars."""
    where = Where("c.tenant_id = %(tenant)s", tenant=tenant_id)
    where.add("c.is_default = %(is_default)s", is_default=filters.is_default)
    return await pager.fetch(reads, VIEW, where, filters, sort=filters.sort)


async def one(reads: Reads, tenant_id: str, calendar_id: str) -> tuple[str, int] | None:
    """Return a calendar as JSON text and version."""
    params = {"tenant": tenant_id, "id": calendar_id}
    rows = await reads.rows(VIEW.one("c.tenant_id = %(tenant)s and c.id = %(id)s"), params)
    return (rows[0][0], rows[0][1]) if rows else None


async def for_change(session: AsyncSession, tenant_id: str, calendar_id: str) -> HolidayCalendar | None:
    """Return a calendar, locked until the transaction ends."""
    wanted = select(HolidayCalendar).where(
        HolidayCalendar.tenant_id == tenant_id, HolidayCalendar.id == calendar_id
    )
    return await session.scalar(wanted.with_for_update())


async def clear_default(session: AsyncSession, tenant_id: str) -> None:
    """Let no calendar be the default, for another one to become it."""
    await session.execute(
        update(HolidayCalendar)
        .where(HolidayCalendar.tenant_id == tenant_id, HolidayCalendar.is_default)
        .values(is_default=False, version=HolidayCalendar.version + 1)
    )


async def is_used(session: AsyncSession, tenant_id: str, calendar_id: str) -> bool:
    """Say whether a schedule names this calendar."""
    used = exists().where(Schedule.tenant_id == tenant_id, Schedule.holiday_calendar_id == calendar_id)
    return bool(await session.scalar(select(used)))


async def remove(session: AsyncSession, tenant_id: str, calendar_id: str) -> None:
    """Delete a calendar and its days."""
    await session.execute(
        delete(Holiday).where(Holiday.tenant_id == tenant_id, Holiday.calendar_id == calendar_id)
    )
    await session.execute(
        delete(HolidayCalendar).where(
            HolidayCalendar.tenant_id == tenant_id, HolidayCalendar.id == calendar_id
        )
    )


async def add_days(
    session: AsyncSession, calendar: HolidayCalendar, rows: list[dict[str, Any]], source: str, now: datetime
) -> int:
    """Add days, but for those whose date and kind the calendar has already; return how many were new.

    A row is `{id, date, name, kind, closed, confirmed}`.
    """
    columns = {f"{name}s": [row[name] for row in rows] for name in _DAY_COLUMNS}
    params = {"tenant": calendar.tenant_id, "calendar": calendar.id, "source": source, "now": now, **columns}
    return len(await SessionReads(session).rows(_ADD_DAYS, params))


_DAY_COLUMNS = ("id", "date", "name", "kind", "closed", "confirmed")
# A year has some sixty days: as arrays, the statement is the same however many there are.
_ADD_DAYS = """
insert into holidays (tenant_id, calendar_id, source, created_at, updated_at, version,
  id, date, name, kind, closed, confirmed)
select %(tenant)s, %(calendar)s, %(source)s, %(now)s, %(now)s, 1, n.*
from unnest(%(ids)s::text[], %(dates)s::date[], %(names)s::text[], %(kinds)s::text[], %(closeds)s::boolean[],
  %(confirmeds)s::boolean[]) n
on conflict do nothing returning id
"""


async def days(
    reads: Reads, pager: Pager, tenant_id: str, calendar_id: str, filters: HolidayFilters
) -> PageOfRows:
    """Return a page of a calendar's days."""
    where = Where("d.tenant_id = %(tenant)s and d.calendar_id = %(calendar)s", tenant=tenant_id)
    where.params["calendar"] = calendar_id
    first, last = (date(filters.year, 1, 1), date(filters.year, 12, 31)) if filters.year else (None, None)
    where.add("d.date between %(first)s::date and %(last)s::date", first=first, last=last)
    where.add("d.kind = %(kind)s", kind=filters.kind).add("d.closed = %(closed)s", closed=filters.closed)
    return await pager.fetch(reads, DAYS, where, filters, sort=filters.sort)


async def day(reads: Reads, tenant_id: str, calendar_id: str, day_id: str) -> tuple[str, int] | None:
    """Return a day as JSON text and version."""
    params = {"tenant": tenant_id, "calendar": calendar_id, "id": day_id}
    where = "d.tenant_id = %(tenant)s and d.calendar_id = %(calendar)s and d.id = %(id)s"
    rows = await reads.rows(DAYS.one(where), params)
    return (rows[0][0], rows[0][1]) if rows else None


async def id_of_day(
    session: AsyncSession, tenant_id: str, calendar_id: str, when: date, kind: str
) -> str | None:
    """Return the day of this kind on this date."""
    wanted = select(Holiday.id).where(
        Holiday.tenant_id == tenant_id,
        Holiday.calendar_id == calendar_id,
        Holiday.date == when,
        Holiday.kind == kind,
    )
    return await session.scalar(wanted)


async def day_for_change(
    session: AsyncSession, tenant_id: str, calendar_id: str, day_id: str
) -> Holiday | None:
    """Return a day, locked until the transaction ends."""
    wanted = select(Holiday).where(
        Holiday.tenant_id == tenant_id, Holiday.calendar_id == calendar_id, Holiday.id == day_id
    )
    return await session.scalar(wanted.with_for_update())


async def lacking(session: AsyncSession, year: int, limit: int) -> list[HolidayCalendar]:
    """Return calendars of any firm that are filled in by year and lack this one, locked; as the system."""
    wanted = (
        select(HolidayCalendar)
        .where(HolidayCalendar.years != [], ~HolidayCalendar.years.contains([year]))
        .order_by(HolidayCalendar.tenant_id, HolidayCalendar.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(await session.scalars(wanted))
