"""All SQL of tenants; needs a system session."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from conecta.people.models import Person
from conecta.users.models import User

from .models import Tenant


async def firm_of_owner(session: AsyncSession, email: str) -> tuple[str, str, str] | None:
    """Return firm, sandbox and owner's user id of the first firm that this person owns."""
    sandbox = aliased(Tenant)
    wanted = (
        select(Tenant.id, sandbox.id, User.id)
        .join(sandbox, sandbox.sandbox_of == Tenant.id)
        .join(User, User.tenant_id == Tenant.id)
        .join(Person, Person.id == User.person_id)
        .where(Person.email == email, User.role == "owner")
        .order_by(Tenant.id)
        .limit(1)
    )
    row = (await session.execute(wanted)).first()
    return (row[0], row[1], row[2]) if row else None


async def by_id(session: AsyncSession, tenant_id: str) -> Tenant | None:
    """Return a tenant, locked until the transaction ends."""
    return await session.scalar(select(Tenant).where(Tenant.id == tenant_id).with_for_update())
