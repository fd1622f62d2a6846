"""Firms are born with their sandbox; both have the same owner."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.audit import service as audit
from conecta.auth.caller import Caller
from conecta.availability.holidays import service as holidays
from conecta.availability.schedules import service as schedules
from conecta.bookings.services import service as booking_services
from conecta.cases import service as cases
from conecta.clients import service as clients
from conecta.kit import clock
from conecta.kit.db import Reads, SessionReads
from conecta.kit.errors import ValidationFailed
from conecta.kit.etags import Precondition
from conecta.kit.ids import new_id
from conecta.kit.language import Text
from conecta.kit.validation import Refused
from conecta.people import service as people
from conecta.users import service as users
from conecta.webhooks import service as webhooks

from . import queries
from .errors import ClockGoesForward, ClockIsReal
from .models import Tenant
from .schemas import ClockMove, TenantUpdate

_FARTHEST = timedelta(days=3660)


@dataclass(frozen=True)
class Firm:
    """The ids of a firm, its sandbox and its owner."""

    tenant_id: str
    sandbox_id: str
    owner_id: str


async def create_firm(
    session: AsyncSession,
    *,
    name: str,
    plan: str,
    owner_name: str,
    owner_email: str,
    trial_until: datetime | None = None,
    per_minute: int | None = None,
    per_day: int | None = None,
) -> Firm:
    """Create a firm, its sandbox and its owner; needs a system session.

    `per_minute` and `per_day` override the plan's limits for this firm and its sandbox.
    """
    firm = Tenant(
        id=new_id("tenant"),
        name=name,
        plan_id=plan,
        trial_until=trial_until,
        per_minute_override=per_minute,
        per_day_override=per_day,
    )
    session.add(firm)
    await session.flush()
    sandbox = Tenant(id=new_id("tenant"), sandbox_of=firm.id, name=f"{name} (pruebas)", plan_id=plan)
    session.add(sandbox)
    person = await people.find_or_create(session, email=owner_email, name=owner_name)
    await session.flush()
    owner = await users.add_member(session, tenant_id=firm.id, person=person, role="owner")
    await users.add_member(session, tenant_id=sandbox.id, person=person, role="owner")
    for tenant_id in (firm.id, sandbox.id):
        await cases.seed_categories(session, tenant_id)
        await holidays.seed(session, tenant_id)
        await schedules.seed(session, tenant_id, time_zone=firm.time_zone)
        await booking_services.seed(session, tenant_id)
    return Firm(firm.id, sandbox.id, owner.id)


async def firm_of_owner(session: AsyncSession, *, email: str) -> Firm | None:
    """Return the first firm that this person owns; needs a system session."""
    found = await queries.firm_of_owner(session, email)
    return Firm(*found) if found else None


async def read_tenant(reads: Reads, *, tenant_id: str) -> tuple[str, int]:
    """Return the account as JSON text and version."""
    return await queries.one(reads, tenant_id)


async def update_tenant(
    session: AsyncSession, *, caller: Caller, wanted: TenantUpdate, precondition: Precondition
) -> tuple[str, int]:
    """Change the account; return its JSON text and version.

    Raises PreconditionFailed and ValidationFailed.
    """
    tenant = await queries.by_id(session, caller.tenant_id)
    assert tenant is not None
    precondition.check(tenant.version)
    changes = wanted.model_dump(exclude_unset=True)
    emptied = [name for name, value in changes.items() if value is None and name != "tax_id"]
    if emptied:
        raise ValidationFailed.at(
            f"/{emptied[0]}", "required", Text("No puede ser null.", "It cannot be null.")
        )
    if changes.get("tax_id"):
        changes["tax_id"] = _own_tax_id(changes["tax_id"])
    if "case_number_format" in changes:
        _check_number_format(changes["case_number_format"])
    await _change(session, tenant, changes, audit.actor_of(caller))
    return await queries.one(SessionReads(session), tenant.id)


async def _change(session: AsyncSession, tenant: Tenant, changes: dict[str, Any], actor: audit.Actor) -> None:
    changed = {name: value for name, value in changes.items() if getattr(tenant, name) != value}
    if not changed:
        return
    before = {name: getattr(tenant, name) for name in changed}
    for name, value in changed.items():
        setattr(tenant, name, value)
    await audit.record(
        session,
        tenant_id=tenant.id,
        action="tenant.changed",
        actor=actor,
        target=tenant.id,
        details={"before": before, "after": changed},
    )


def clock_of(caller: Caller) -> dict[str, Any]:
    """Return the caller's clock as the API shows it."""
    return {"now": clock.now(), "offset_seconds": int(caller.clock_offset.total_seconds())}


async def move_clock(session: AsyncSession, *, caller: Caller, wanted: ClockMove) -> dict[str, Any]:
    """Move a sandbox's clock forward and let what waits for a time come nearer by as much.

    Raises ClockIsReal (409) for a live key and ClockGoesForward (409).
    """
    if not caller.sandbox:
        raise ClockIsReal
    tenant = await queries.by_id(session, caller.tenant_id)
    assert tenant is not None
    current = timedelta(seconds=tenant.clock_offset_seconds)
    real = clock.real_now()
    offset = (
        wanted.now - real
        if wanted.now is not None
        else current + timedelta(seconds=wanted.advance_seconds or 0)
    )
    step = math.ceil(offset.total_seconds()) - tenant.clock_offset_seconds
    if step < 0 or offset > _FARTHEST:
        raise ClockGoesForward(now=clock.wire(real + current))
    tenant.clock_offset_seconds += step
    await webhooks.bring_nearer(session, tenant_id=caller.tenant_id, by=timedelta(seconds=step))
    await audit.record(
        session,
        tenant_id=caller.tenant_id,
        action="clock.moved",
        actor=audit.actor_of(caller),
        target=caller.tenant_id,
        details={"advanced_seconds": step, "offset_seconds": tenant.clock_offset_seconds},
    )
    offset = timedelta(seconds=tenant.clock_offset_seconds)
    return {"now": real + offset, "offset_seconds": tenant.clock_offset_seconds}


def _own_tax_id(value: str) -> str:
    try:
        return clients.spanish_tax_id(value)
    except Refused as refusal:
        # What clients are told names a member that the firm's own account does not have.
        sentence = Text("No es un NIF, NIE ni CIF válido.", "It is no valid NIF, NIE or CIF.")
        raise ValidationFailed.at("/tax_id", refusal.code, sentence) from None


def _check_number_format(value: str) -> None:
    try:
        cases.check_number_format(value)
    except Refused as refusal:
        raise ValidationFailed.at("/case_number_format", refusal.code, refusal.text) from None
