"""Holidays: calendars filled with the official days of a place, and the days a firm adds or changes."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit import clock
from conecta.kit.db import Database, Reads, SessionReads
from conecta.kit.errors import NotFound
from conecta.kit.etags import Precondition
from conecta.kit.ids import canonical, new_id
from conecta.kit.pages import PageOfRows, Pager
from conecta.kit.schemas import changes_of

from . import queries, rules
from .errors import DefaultCalendarNeeded, DuplicateHoliday, HolidayCalendarInUse
from .models import Holiday, HolidayCalendar
from .schemas import (
    HolidayCalendarCreate,
    HolidayCalendarFilters,
    HolidayCalendarUpdate,
    HolidayCreate,
    HolidayFilters,
    HolidayUpdate,
    YearAdd,
)

_FIRST = HolidayCalendarCreate(name="España", is_default=True)
_BATCH = 100


async def seed(session: AsyncSession, tenant_id: str) -> None:
    """Give a new firm the national days, as its default calendar."""
    await _add_calendar(session, tenant_id, _FIRST)


async def list_calendars(
    reads: Reads, pager: Pager, *, tenant_id: str, filters: HolidayCalendarFilters
) -> PageOfRows:
    """Return a page of the firm's calendars."""
    return await queries.page(reads, pager, tenant_id, filters)


async def read_calendar(reads: Reads, *, tenant_id: str, calendar_id: str) -> tuple[str, int]:
    """Return one calendar as JSON text and version; raise NotFound."""
    key = canonical("hol", calendar_id)
    found = await queries.one(reads, tenant_id, key) if key else None
    if found is None:
        raise NotFound
    return found


async def exists(reads: Reads, *, tenant_id: str, calendar_id: str) -> bool:
    """Say whether the firm has this calendar."""
    return await queries.one(reads, tenant_id, calendar_id) is not None


async def create_calendar(
    session: AsyncSession, *, tenant_id: str, wanted: HolidayCalendarCreate
) -> tuple[str, tuple[str, int]]:
    """Add a calendar with the official days of its years; return its id, and its JSON text and version."""
    if wanted.is_default:
        await queries.clear_default(session, tenant_id)
    calendar = await _add_calendar(session, tenant_id, wanted)
    reads = SessionReads(session)
    return calendar.id, await read_calendar(reads, tenant_id=tenant_id, calendar_id=calendar.id)


async def update_calendar(
    session: AsyncSession,
    *,
    tenant_id: str,
    calendar_id: str,
    wanted: HolidayCalendarUpdate,
    precondition: Precondition,
) -> tuple[str, int]:
    """Change a calendar; return its JSON text and version.

    Raises NotFound, PreconditionFailed, ValidationFailed, and DefaultCalendarNeeded (409) when no calendar
    would be the default.
    """
    calendar = await _for_change(session, tenant_id, calendar_id, precondition)
    changes = changes_of(wanted, nullable={"municipality"})
    if changes.get("is_default") is False and calendar.is_default:
        raise DefaultCalendarNeeded(id=calendar.id)
    if changes.get("is_default") and not calendar.is_default:
        await queries.clear_default(session, tenant_id)
    _apply(calendar, changes)
    return await read_calendar(SessionReads(session), tenant_id=tenant_id, calendar_id=calendar.id)


async def delete_calendar(
    session: AsyncSession, *, tenant_id: str, calendar_id: str, precondition: Precondition
) -> None:
    """Delete a calendar and its days; raise NotFound, PreconditionFailed, HolidayCalendarInUse (409)."""
    calendar = await _for_change(session, tenant_id, calendar_id, precondition)
    if calendar.is_default or await queries.is_used(session, tenant_id, calendar.id):
        raise HolidayCalendarInUse(id=calendar.id)
    await queries.remove(session, tenant_id, calendar.id)


async def add_year(
    session: AsyncSession, *, tenant_id: str, calendar_id: str, wanted: YearAdd
) -> tuple[str, int]:
    """Fill a year in; return the calendar as JSON text and version. Days that are there stay as they are."""
    calendar = await _for_change(session, tenant_id, calendar_id, Precondition(None))
    await _fill(session, calendar, [wanted.year])
    return await read_calendar(SessionReads(session), tenant_id=tenant_id, calendar_id=calendar.id)


async def list_days(
    reads: Reads, pager: Pager, *, tenant_id: str, calendar_id: str, filters: HolidayFilters
) -> PageOfRows:
    """Return a page of a calendar's days; raise NotFound."""
    key = canonical("hol", calendar_id)
    if key is None or await queries.one(reads, tenant_id, key) is None:
        raise NotFound
    return await queries.days(reads, pager, tenant_id, key, filters)


async def read_day(reads: Reads, *, tenant_id: str, calendar_id: str, day_id: str) -> tuple[str, int]:
    """Return one day as JSON text and version; raise NotFound."""
    calendar, day = canonical("hol", calendar_id), canonical("day", day_id)
    found = await queries.day(reads, tenant_id, calendar, day) if calendar and day else None
    if found is None:
        raise NotFound
    return found


async def create_day(
    session: AsyncSession, *, tenant_id: str, calendar_id: str, wanted: HolidayCreate
) -> tuple[str, str, tuple[str, int]]:
    """Add a day; return the ids of its calendar and itself, and its JSON text and version.

    Raises NotFound and DuplicateHoliday (409).
    """
    calendar = await _for_change(session, tenant_id, calendar_id, Precondition(None))
    closed = wanted.kind != "judicial" if wanted.closed is None else wanted.closed
    row: dict[str, Any] = {
        "id": new_id("day"),
        "date": wanted.date,
        "name": wanted.name,
        "kind": wanted.kind,
        "closed": closed,
        "confirmed": True,
    }
    if not await queries.add_days(session, calendar, [row], "own", clock.now()):
        existing = await queries.id_of_day(session, tenant_id, calendar.id, wanted.date, wanted.kind)
        raise DuplicateHoliday(existing or "?")
    reads = SessionReads(session)
    found = await read_day(reads, tenant_id=tenant_id, calendar_id=calendar.id, day_id=row["id"])
    return calendar.id, row["id"], found


async def update_day(
    session: AsyncSession,
    *,
    tenant_id: str,
    calendar_id: str,
    day_id: str,
    wanted: HolidayUpdate,
    precondition: Precondition,
) -> tuple[str, int]:
    """Change a day; return its JSON text and version.

    Raises NotFound, PreconditionFailed and ValidationFailed.
    """
    day = await _day_for_change(session, tenant_id, calendar_id, day_id, precondition)
    _apply(day, changes_of(wanted))
    reads = SessionReads(session)
    return await read_day(reads, tenant_id=tenant_id, calendar_id=day.calendar_id, day_id=day.id)


async def delete_day(
    session: AsyncSession, *, tenant_id: str, calendar_id: str, day_id: str, precondition: Precondition
) -> None:
    """Delete a day; raise NotFound, PreconditionFailed."""
    day = await _day_for_change(session, tenant_id, calendar_id, day_id, precondition)
    await session.delete(day)


async def add_coming_years(database: Database) -> int:
    """Fill this year and the next into every calendar that is kept by year; return how many were added."""
    added, this_year = 0, clock.real_now().year
    for year in (this_year, this_year + 1):
        while batch := await _add_year_to_some(database, year):
            added += batch
    return added


async def _add_year_to_some(database: Database, year: int) -> int:
    async with database.transaction(system=True) as session:
        calendars = await queries.lacking(session, year, _BATCH)
        for calendar in calendars:
            await _fill(session, calendar, [year])
    return len(calendars)


async def _add_calendar(
    session: AsyncSession, tenant_id: str, wanted: HolidayCalendarCreate
) -> HolidayCalendar:
    this_year = clock.now().year
    calendar = HolidayCalendar(
        tenant_id=tenant_id,
        id=new_id("hol"),
        name=wanted.name,
        region=wanted.region,
        municipality=wanted.municipality,
        is_default=wanted.is_default,
        years=[this_year, this_year + 1] if wanted.years is None else wanted.years,
    )
    session.add(calendar)
    await session.flush()
    await _fill(session, calendar, calendar.years)
    return calendar


async def _fill(session: AsyncSession, calendar: HolidayCalendar, years: Iterable[int]) -> None:
    rows = [
        {"id": new_id("day"), **vars(day)}
        for year in years
        for day in rules.official_days(calendar.region, calendar.municipality, year)
    ]
    if rows:
        await queries.add_days(session, calendar, rows, "library", clock.now())
    filled = sorted({*calendar.years, *years})
    if filled != calendar.years:
        calendar.years = filled


async def _for_change(
    session: AsyncSession, tenant_id: str, calendar_id: str, precondition: Precondition
) -> HolidayCalendar:
    key = canonical("hol", calendar_id)
    calendar = await queries.for_change(session, tenant_id, key) if key else None
    if calendar is None:
        raise NotFound
    precondition.check(calendar.version)
    return calendar


async def _day_for_change(
    session: AsyncSession, tenant_id: str, calendar_id: str, day_id: str, precondition: Precondition
) -> Holiday:
    calendar, key = canonical("hol", calendar_id), canonical("day", day_id)
    day = await queries.day_for_change(session, tenant_id, calendar, key) if calendar and key else None
    if day is None:
        raise NotFound
    precondition.check(day.version)
    return day


def _apply(row: Holiday | HolidayCalendar, changes: dict[str, Any]) -> None:
    for name, value in changes.items():
        if getattr(row, name) != value:
            setattr(row, name, value)
