"""Rooms: list, add, change, take out of use."""

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.availability.schedules import service as schedules
from conecta.kit.db import Reads, SessionReads
from conecta.kit.errors import NotFound, ValidationFailed
from conecta.kit.etags import Precondition
from conecta.kit.ids import canonical, new_id
from conecta.kit.language import Text
from conecta.kit.pages import PageOfRows, Pager
from conecta.kit.schemas import changes_of

from . import queries
from .models import Room
from .schemas import RoomCreate, RoomFilters, RoomUpdate

_NOT_THE_FIRMS = Text(
    "No hay ningún horario de la firma con ese id; los de un miembro no valen para salas.",
    "The firm has no schedule of that id; a member's is not for rooms.",
)


async def list_rooms(reads: Reads, pager: Pager, *, tenant_id: str, filters: RoomFilters) -> PageOfRows:
    """Return a page of the firm's rooms."""
    return await queries.page(reads, pager, tenant_id, filters)


async def read_room(reads: Reads, *, tenant_id: str, room_id: str) -> tuple[str, int]:
    """Return one room as JSON text and version; raise NotFound."""
    key = canonical("room", room_id)
    found = await queries.one(reads, tenant_id, key) if key else None
    if found is None:
        raise NotFound
    return found


async def exists(reads: Reads, *, tenant_id: str, room_id: str) -> bool:
    """Say whether the firm has this room, in use or not."""
    return bool(await queries.known(reads, tenant_id, [room_id]))


async def unknown(reads: Reads, *, tenant_id: str, room_ids: list[str]) -> set[str]:
    """Return those of these ids that are no rooms of the firm."""
    return set(room_ids) - await queries.known(reads, tenant_id, room_ids)


async def create_room(
    session: AsyncSession, *, tenant_id: str, wanted: RoomCreate
) -> tuple[str, tuple[str, int]]:
    """Add a room; return its id, and its JSON text and version. Raises ValidationFailed."""
    reads = SessionReads(session)
    await _check_schedule(reads, tenant_id, wanted.schedule_id)
    room = Room(
        tenant_id=tenant_id,
        id=new_id("room"),
        name=wanted.name,
        active=True,
        schedule_id=wanted.schedule_id,
    )
    session.add(room)
    return room.id, await read_room(reads, tenant_id=tenant_id, room_id=room.id)


async def update_room(
    session: AsyncSession, *, tenant_id: str, room_id: str, wanted: RoomUpdate, precondition: Precondition
) -> tuple[str, int]:
    """Change a room; return its JSON text and version.

    Raises NotFound, PreconditionFailed and ValidationFailed.
    """
    key = canonical("room", room_id)
    room = await queries.for_change(session, tenant_id, key) if key else None
    if room is None:
        raise NotFound
    precondition.check(room.version)
    reads = SessionReads(session)
    changes = changes_of(wanted, nullable={"schedule_id"})
    await _check_schedule(reads, tenant_id, changes.get("schedule_id"))
    for name, value in changes.items():
        if getattr(room, name) != value:
            setattr(room, name, value)
    return await read_room(reads, tenant_id=tenant_id, room_id=room.id)


async def _check_schedule(reads: Reads, tenant_id: str, schedule_id: str | None) -> None:
    if schedule_id and not await schedules.may_be_used(
        reads, tenant_id=tenant_id, schedule_id=schedule_id, owners=[None]
    ):
        raise ValidationFailed.at("/schedule_id", "unknown_schedule", _NOT_THE_FIRMS)
