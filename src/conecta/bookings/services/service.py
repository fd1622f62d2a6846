"""Services: list, add, change, take off the list."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.availability.schedules import service as schedules
from conecta.bookings.rooms import service as rooms
from conecta.kit import clock
from conecta.kit.db import Reads, SessionReads
from conecta.kit.errors import Conflict, FieldError, NotFound, ValidationFailed
from conecta.kit.etags import Precondition
from conecta.kit.ids import canonical, new_id
from conecta.kit.language import Text
from conecta.kit.pages import PageOfRows, Pager
from conecta.kit.schemas import changes_of

from . import queries, rules
from .errors import DuplicateService
from .models import BookingService
from .read_schemas import ServiceFilters
from .schemas import ServiceCreate, ServiceHostWrite, ServicePolicyWrite, ServiceUpdate

_FIRST = ServiceCreate(name="Consulta", name_en="Consultation", slug="consulta", durations=[30, 60])
# How many names are tried for a service that gives no slug of its own.
_TRIES = 50
_NULLABLE = {"name_en", "description", "price", "notice_day_before", "max_per_day", "max_per_week"}
_NO_NULL = Text("No puede ser null.", "It cannot be null.")
_UNKNOWN_ROOM = Text("No hay ninguna sala con ese id.", "There is no room of that id.")
_UNKNOWN_SCHEDULE = Text(
    "No hay ningún horario con ese id que sea de la firma o de este miembro.",
    "There is no schedule of that id which is the firm's or this member's.",
)


async def seed(session: AsyncSession, tenant_id: str) -> None:
    """Give a new firm the service that every firm starts with, given by all its members."""
    await create_service(session, tenant_id=tenant_id, wanted=_FIRST)


async def list_services(reads: Reads, pager: Pager, *, tenant_id: str, filters: ServiceFilters) -> PageOfRows:
    """Return a page of the firm's services; a client of the firm sees those they may book."""
    return await queries.page(reads, pager, tenant_id, filters)


async def read_service(reads: Reads, *, tenant_id: str, service_id: str) -> tuple[str, int]:
    """Return one service as JSON text and version; raise NotFound, to a client when it is not for them."""
    key = canonical("svc", service_id)
    found = await queries.one(reads, tenant_id, key) if key else None
    if found is None:
        raise NotFound
    return found


async def public_services(reads: Reads, tenant_id: str) -> list[str]:
    """Return what anybody may book, as JSON texts by name: what it is, how long, where, price, policy."""
    return await queries.public_list(reads, tenant_id)


async def public_service(reads: Reads, tenant_id: str, slug_or_id: str) -> str | None:
    """Return one of them, by slug or id (a bare UUID too)."""
    return await queries.public_one(reads, tenant_id, canonical("svc", slug_or_id) or "")


async def id_of_slug(session: AsyncSession, *, tenant_id: str, slug: str) -> str | None:
    """Return the service of this slug, active or not."""
    return await queries.id_of_slug(session, tenant_id, slug)


async def create_service(
    session: AsyncSession, *, tenant_id: str, wanted: ServiceCreate
) -> tuple[str, tuple[str, int]]:
    """Add a service; return its id, and its JSON text and version.

    Raises ValidationFailed, and DuplicateService (409) for a slug that is taken.
    """
    reads, now = SessionReads(session), clock.now()
    await _check(reads, tenant_id, wanted.hosts, wanted.room_ids)
    values = wanted.model_dump(exclude={"hosts", "room_ids"})
    row = {
        **_columns(values),
        "tenant_id": tenant_id,
        "id": new_id("svc"),
        "active": True,
        "policy": _policy(rules.DEFAULT_POLICY, wanted.policy),
        "created_at": now,
        "updated_at": now,
        "version": 1,
    }
    await _insert(session, row, wanted.slug)
    await queries.set_hosts(session, tenant_id, row["id"], _hosts(wanted.hosts))
    await queries.set_rooms(session, tenant_id, row["id"], wanted.room_ids)
    return row["id"], await read_service(reads, tenant_id=tenant_id, service_id=row["id"])


async def update_service(
    session: AsyncSession,
    *,
    tenant_id: str,
    service_id: str,
    wanted: ServiceUpdate,
    precondition: Precondition,
) -> tuple[str, int]:
    """Change a service; return its JSON text and version.

    Raises NotFound, PreconditionFailed, ValidationFailed, and DuplicateService (409) when its slug is taken.
    """
    key = canonical("svc", service_id)
    service = await queries.for_change(session, tenant_id, key) if key else None
    if service is None:
        raise NotFound
    precondition.check(service.version)
    changes = changes_of(wanted, nullable=_NULLABLE)
    reads = SessionReads(session)
    await _check(reads, tenant_id, wanted.hosts or [], wanted.room_ids or [])
    if changes.get("slug", service.slug) != service.slug:
        await _refuse_taken(session, tenant_id, changes["slug"])
    changes |= {
        name: changes[name].model_dump() for name in ("price", "location") if changes.get(name) is not None
    }
    if wanted.policy is not None:
        changes["policy"] = _policy(service.policy, wanted.policy)
    if await _set_children(session, service, wanted):
        service.updated_at = clock.now()
    for name, value in _columns(changes).items():
        if getattr(service, name) != value:
            setattr(service, name, value)
    return await read_service(reads, tenant_id=tenant_id, service_id=service.id)


async def _set_children(session: AsyncSession, service: BookingService, wanted: ServiceUpdate) -> bool:
    changed = False
    if wanted.hosts is not None:
        hosts = _hosts(wanted.hosts)
        changed = await queries.set_hosts(session, service.tenant_id, service.id, hosts)
    if wanted.room_ids is not None:
        changed |= await queries.set_rooms(session, service.tenant_id, service.id, wanted.room_ids)
    return changed


async def _insert(session: AsyncSession, row: dict[str, Any], slug: str | None) -> None:
    """Insert a service with the slug it wants, or with the first free one of its name."""
    for number in range(1, _TRIES + 1):
        row["slug"] = slug or rules.numbered(rules.slug_of(row["name"]), number)
        if await queries.add(session, row):
            return
        if slug is not None:
            await _refuse_taken(session, row["tenant_id"], slug)
            raise Conflict
    await _refuse_taken(session, row["tenant_id"], row["slug"])


async def _refuse_taken(session: AsyncSession, tenant_id: str, slug: str) -> None:
    existing_id = await queries.id_of_slug(session, tenant_id, slug)
    if existing_id is not None:
        raise DuplicateService(slug, existing_id)


async def _check(reads: Reads, tenant_id: str, hosts: list[ServiceHostWrite], room_ids: list[str]) -> None:
    errors: list[FieldError] = []
    if hosts:
        unfit = await queries.unfit_hosts(reads, tenant_id, _hosts(hosts))
        for index in unfit.members:
            message = str(schedules.NOT_ASSIGNABLE)
            errors.append(FieldError(f"/hosts/{index}/provider_id", "not_assignable", message))
        for index in unfit.schedules:
            message = str(_UNKNOWN_SCHEDULE)
            errors.append(FieldError(f"/hosts/{index}/schedule_id", "unknown_schedule", message))
    if room_ids:
        unknown = await rooms.unknown(reads, tenant_id=tenant_id, room_ids=room_ids)
        errors += [
            FieldError(f"/room_ids/{index}", "unknown_room", str(_UNKNOWN_ROOM))
            for index, room_id in enumerate(room_ids)
            if room_id in unknown
        ]
    if errors:
        raise ValidationFailed(errors=errors)


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    """Return wire members as columns: price and location are two each, hosts and rooms stand elsewhere."""
    columns = {name: value for name, value in values.items() if name not in _ELSEWHERE}
    if "price" in values:
        price = values["price"] or {"amount": None, "currency": None}
        columns |= {"price_amount": price["amount"], "price_currency": price["currency"]}
    if "location" in values:
        location = values["location"]
        columns |= {"location_kind": location["kind"], "location_detail": location["detail"]}
    return columns


_ELSEWHERE = {"price", "location", "hosts", "room_ids"}


def _policy(current: dict[str, Any], wanted: ServicePolicyWrite) -> dict[str, Any]:
    given = wanted.model_dump(exclude_unset=True)
    empty = [name for name, value in given.items() if value is None and name != "max_reschedules"]
    if empty:
        raise ValidationFailed(
            errors=[FieldError(f"/policy/{name}", "required", str(_NO_NULL)) for name in empty]
        )
    return current | given


def _hosts(hosts: list[ServiceHostWrite]) -> list[dict[str, Any]]:
    return [
        {
            "user_id": host.provider_id,
            "kind": host.kind,
            "weight": host.weight,
            "schedule_id": host.schedule_id,
        }
        for host in hosts
    ]
