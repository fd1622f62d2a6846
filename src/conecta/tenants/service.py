"""Firms are born with their sandbox; both have the same owner."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit.ids import new_id
from conecta.people import service as people
from conecta.users import service as users

from . import queries
from .models import Tenant


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
    return Firm(firm.id, sandbox.id, owner.id)


async def firm_of_owner(session: AsyncSession, *, email: str) -> Firm | None:
    """Return the first firm that this person owns; needs a system session."""
    found = await queries.firm_of_owner(session, email)
    return Firm(*found) if found else None
