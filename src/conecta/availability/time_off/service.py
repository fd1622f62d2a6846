"""Absences: list, add, change, delete."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.availability.schedules import service as schedules
from conecta.bookings.rooms import service as rooms
from conecta.kit.db import Reads, SessionReads
from conecta.kit.errors import NotFound, ValidationFailed
from conecta.kit.etags import Precondition
from conecta.kit.ids import canonical, new_id
from conecta.kit.language import Text
from conecta.kit.pages import PageOfRows, Pager
from conecta.kit.schemas import changes_of

from . import queries
from .models import TimeOff
from .schemas import TimeOffCreate, TimeOffFilters, TimeOffUpdate

_LONGEST = timedelta(days=3 * 366)
_COLUMNS = {"start": "starts_at", "end": "ends_at"}
_BACKWARDS = Text("Tiene que ser posterior a start.", "It must be after start.")
_ENDLESS = Text("No puede durar más de tres años.", "It cannot last for more than three years.")
_UNKNOWN_ROOM = Text("No hay ninguna sala con ese id.", "There is no room of that id.")


async def list_time_off(reads: Reads, pager: Pager, *, tenant_id: str, filters: TimeOffFilters) -> PageOfRows:
    """Return a page of the firm's absences."""
    return await queries.page(reads, pager, tenant_id, filters)


async def read_time_off(reads: Reads, *, tenant_id: str, time_off_id: str) -> tuple[str, int]:
    """Return one absence as JSON text and version; raise NotFound."""
    key = canonical("off", time_off_id)
    found = await queries.one(reads, tenant_id, key) if key else None
    if found is None:
        raise NotFound
    return found


async def create_time_off(
    session: AsyncSession, *, tenant_id: str, wanted: TimeOffCreate
) -> tuple[str, tuple[str, int]]:
    """Add an absence; return its id, and its JSON text and version. Raises ValidationFailed."""
    reads = SessionReads(session)
    _check_times(wanted.start, wanted.end)
    await schedules.check_provider(reads, tenant_id=tenant_id, user_id=wanted.provider_id)
    if wanted.room_id and not await rooms.exists(reads, tenant_id=tenant_id, room_id=wanted.room_id):
        raise ValidationFailed.at("/room_id", "unknown_room", _UNKNOWN_ROOM)
    absence = TimeOff(
        tenant_id=tenant_id,
        id=new_id("off"),
        user_id=wanted.provider_id,
        room_id=wanted.room_id,
        starts_at=wanted.start,
        ends_at=wanted.end,
        kind=wanted.kind,
        note=wanted.note,
    )
    session.add(absence)
    return absence.id, await read_time_off(reads, tenant_id=tenant_id, time_off_id=absence.id)


async def update_time_off(
    session: AsyncSession,
    *,
    tenant_id: str,
    time_off_id: str,
    wanted: TimeOffUpdate,
    precondition: Precondition,
) -> tuple[str, int]:
    """Change an absence; return its JSON text and version.

    Raises NotFound, PreconditionFailed and ValidationFailed.
    """
    absence = await _for_change(session, tenant_id, time_off_id, precondition)
    changes = changes_of(wanted, nullable={"note"})
    _check_times(changes.get("start", absence.starts_at), changes.get("end", absence.ends_at))
    for name, value in changes.items():
        column = _COLUMNS.get(name, name)
        if getattr(absence, column) != value:
            setattr(absence, column, value)
    return await read_time_off(SessionReads(session), tenant_id=tenant_id, time_off_id=absence.id)


async def delete_time_off(
    session: AsyncSession, *, tenant_id: str, time_off_id: str, precondition: Precondition
) -> None:
    """Delete an absence; raise NotFound, PreconditionFailed."""
    await session.delete(await _for_change(session, tenant_id, time_off_id, precondition))


def _check_times(start: datetime, end: datetime) -> None:
    if end <= start:
        raise ValidationFailed.at("/end", "ends_before_start", _BACKWARDS)
    if end - start > _LONGEST:
        raise ValidationFailed.at("/end", "too_long", _ENDLESS)


async def _for_change(
    session: AsyncSession, tenant_id: str, time_off_id: str, precondition: Precondition
) -> TimeOff:
    key = canonical("off", time_off_id)
    absence = await queries.for_change(session, tenant_id, key) if key else None
    if absence is None:
        raise NotFound
    precondition.check(absence.version)
    return absence
