"""Working hours: list, add, change, delete; and the dates that differ from them."""

from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.auth.caller import Caller
from conecta.availability.holidays import service as holidays
from conecta.kit.db import Reads, SessionReads
from conecta.kit.errors import NotFound, ValidationFailed
from conecta.kit.etags import Precondition
from conecta.kit.ids import canonical, new_id
from conecta.kit.language import Text
from conecta.kit.pages import PageOfRows, Pager
from conecta.kit.schemas import changes_of
from conecta.users import service as users

from . import queries, rules
from .errors import DefaultScheduleNeeded, ScheduleInUse
from .models import Schedule, ScheduleOverride
from .schemas import (
    OverrideFilters,
    OverrideWrite,
    ScheduleCreate,
    ScheduleFilters,
    ScheduleUpdate,
    stored_day,
    stored_week,
)

# What every firm starts with: Monday to Friday, 9 to 14 and 16 to 19.
FIRST_WEEK = [
    {"day": day, "start": start, "end": end}
    for day in range(1, 6)
    for start, end in ((540, 840), (960, 1140))
]
_FIRST_NAME = "Horario de la firma"
NOT_ASSIGNABLE = Text(
    "No hay en la firma ningún miembro activo con ese id a quien se pueda reservar.",
    "The firm has no active member of that id who can be booked.",
)
_UNKNOWN_CALENDAR = Text("No hay ningún calendario con ese id.", "There is no calendar of that id.")


async def seed(session: AsyncSession, tenant_id: str, *, time_zone: str) -> None:
    """Give a new firm the hours that every firm starts with."""
    session.add(
        Schedule(
            tenant_id=tenant_id,
            id=new_id("sch"),
            name=_FIRST_NAME,
            is_default=True,
            time_zone=time_zone,
            weekly=FIRST_WEEK,
        )
    )
    await session.flush()


async def list_schedules(
    reads: Reads, pager: Pager, *, tenant_id: str, filters: ScheduleFilters
) -> PageOfRows:
    """Return a page of the firm's schedules and its members'."""
    return await queries.page(reads, pager, tenant_id, filters)


async def read_schedule(reads: Reads, *, tenant_id: str, schedule_id: str) -> tuple[str, int]:
    """Return one schedule as JSON text and version; raise NotFound."""
    key = canonical("sch", schedule_id)
    found = await queries.one(reads, tenant_id, key) if key else None
    if found is None:
        raise NotFound
    return found


async def may_be_used(reads: Reads, *, tenant_id: str, schedule_id: str, owners: list[str | None]) -> bool:
    """Say whether a schedule is of one of these owners (None: the firm), for them to work by."""
    return await queries.of_owner(reads, tenant_id, schedule_id, owners)


async def create_schedule(
    session: AsyncSession, *, caller: Caller, wanted: ScheduleCreate
) -> tuple[str, tuple[str, int]]:
    """Add a schedule; return its id, and its JSON text and version. Raises ValidationFailed."""
    tenant_id, reads = caller.tenant_id, SessionReads(session)
    await check_provider(reads, tenant_id=tenant_id, user_id=wanted.provider_id)
    await _check_calendar(reads, tenant_id, wanted.holiday_calendar_id)
    is_default = wanted.is_default
    if is_default is None:
        is_default = not await queries.has_default(reads, tenant_id, wanted.provider_id)
    if is_default:
        await queries.clear_default(session, tenant_id, wanted.provider_id)
    schedule = Schedule(
        tenant_id=tenant_id,
        id=new_id("sch"),
        name=wanted.name,
        user_id=wanted.provider_id,
        is_default=is_default,
        time_zone=wanted.time_zone or caller.time_zone,
        holiday_calendar_id=wanted.holiday_calendar_id,
        weekly=stored_week(wanted.weekly),
    )
    session.add(schedule)
    return schedule.id, await read_schedule(reads, tenant_id=tenant_id, schedule_id=schedule.id)


async def update_schedule(
    session: AsyncSession,
    *,
    tenant_id: str,
    schedule_id: str,
    wanted: ScheduleUpdate,
    precondition: Precondition,
) -> tuple[str, int]:
    """Change a schedule; return its JSON text and version.

    Raises NotFound, PreconditionFailed, ValidationFailed, and DefaultScheduleNeeded (409) when the firm's
    default would no longer be it.
    """
    schedule = await _for_change(session, tenant_id, schedule_id, precondition)
    reads = SessionReads(session)
    changes = changes_of(wanted, nullable={"holiday_calendar_id"})
    await _check_calendar(reads, tenant_id, changes.get("holiday_calendar_id"))
    if wanted.weekly is not None:
        changes["weekly"] = stored_week(wanted.weekly)
    if changes.get("is_default") is False and schedule.is_default and schedule.user_id is None:
        raise DefaultScheduleNeeded(id=schedule.id)
    if changes.get("is_default") and not schedule.is_default:
        await queries.clear_default(session, tenant_id, schedule.user_id)
    _apply(schedule, changes)
    return await read_schedule(reads, tenant_id=tenant_id, schedule_id=schedule.id)


async def delete_schedule(
    session: AsyncSession, *, tenant_id: str, schedule_id: str, precondition: Precondition
) -> None:
    """Delete a schedule and its dates; its member works by the firm's hours then.

    Raises NotFound, PreconditionFailed, DefaultScheduleNeeded (409) and ScheduleInUse (409).
    """
    schedule = await _for_change(session, tenant_id, schedule_id, precondition)
    if schedule.is_default and schedule.user_id is None:
        raise DefaultScheduleNeeded(id=schedule.id)
    if await queries.is_used(session, tenant_id, schedule.id):
        raise ScheduleInUse(id=schedule.id)
    await queries.remove(session, tenant_id, schedule.id)


async def list_overrides(
    reads: Reads, pager: Pager, *, tenant_id: str, schedule_id: str, filters: OverrideFilters
) -> PageOfRows:
    """Return a page of the dates of a schedule; raise NotFound."""
    key = await _known(reads, tenant_id, schedule_id)
    return await queries.overrides(reads, pager, tenant_id, key, filters)


async def put_override(
    session: AsyncSession,
    *,
    tenant_id: str,
    schedule_id: str,
    day: str,
    wanted: OverrideWrite,
    precondition: Precondition,
) -> tuple[str, int]:
    """Give a date its own hours; return them as JSON text and version.

    Raises NotFound and PreconditionFailed.
    """
    key, when = canonical("sch", schedule_id), _date(day)
    # The schedule's lock lets two writers of one new date wait for each other.
    if key is None or await queries.for_change(session, tenant_id, key) is None:
        raise NotFound
    override = await queries.override_for_change(session, tenant_id, key, when)
    precondition.check(override.version if override else 0)
    values: dict[str, Any] = {"spans": stored_day(wanted.spans), "note": wanted.note}
    if override is None:
        session.add(ScheduleOverride(tenant_id=tenant_id, schedule_id=key, date=when, **values))
    else:
        _apply(override, values)
    found = await queries.override(SessionReads(session), tenant_id, key, when)
    assert found is not None
    return found


async def delete_override(
    session: AsyncSession, *, tenant_id: str, schedule_id: str, day: str, precondition: Precondition
) -> None:
    """Let a date have the hours of its week again; raise NotFound, PreconditionFailed."""
    key, when = canonical("sch", schedule_id), _date(day)
    override = await queries.override_for_change(session, tenant_id, key, when) if key else None
    if override is None:
        raise NotFound
    precondition.check(override.version)
    await session.delete(override)


async def check_provider(reads: Reads, *, tenant_id: str, user_id: str | None) -> None:
    """Raise ValidationFailed at `/provider_id` unless the member can be booked; None passes."""
    if user_id is not None and not await users.may_be_assigned(reads, tenant_id=tenant_id, user_id=user_id):
        raise ValidationFailed.at("/provider_id", "not_assignable", NOT_ASSIGNABLE)


async def _check_calendar(reads: Reads, tenant_id: str, calendar_id: str | None) -> None:
    if calendar_id and not await holidays.exists(reads, tenant_id=tenant_id, calendar_id=calendar_id):
        raise ValidationFailed.at("/holiday_calendar_id", "unknown_calendar", _UNKNOWN_CALENDAR)


async def _known(reads: Reads, tenant_id: str, schedule_id: str) -> str:
    key = canonical("sch", schedule_id)
    if key is None or await queries.one(reads, tenant_id, key) is None:
        raise NotFound
    return key


async def _for_change(
    session: AsyncSession, tenant_id: str, schedule_id: str, precondition: Precondition
) -> Schedule:
    key = canonical("sch", schedule_id)
    schedule = await queries.for_change(session, tenant_id, key) if key else None
    if schedule is None:
        raise NotFound
    precondition.check(schedule.version)
    return schedule


def _apply(row: Schedule | ScheduleOverride, changes: dict[str, Any]) -> None:
    for name, value in changes.items():
        if getattr(row, name) != value:
            setattr(row, name, value)


def _date(text: str) -> date:
    found = rules.day(text)
    if found is None:
        raise NotFound
    return found
