"""All SQL of tenants."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from conecta.kit.db import Reads
from conecta.kit.pages import JsonView
from conecta.kit.sql import wire_time
from conecta.people.models import Person
from conecta.users.models import User

from .models import Tenant

VIEW = JsonView(
    source="tenants t",
    alias="t",
    fields=f"""t.id, t.name, t.tax_id, case when t.sandbox_of is null then 'live' else 'test' end as mode,
      t.plan_id as plan, {wire_time("t.trial_until")} as trial_until,
      t.language, t.time_zone, t.case_number_format, t.client_access,
      {wire_time("t.created_at")} as created_at, {wire_time("t.updated_at")} as updated_at""",
)


async def firm_of_owner(session: AsyncSession, email: str) -> tuple[str, str, str] | None:
    """Return firm, sandbox and user id of the first firm this person owns; needs a system session."""
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


async def one(reads: Reads, tenant_id: str) -> tuple[str, int]:
    """Return a tenant as JSON text and version."""
    rows = await reads.rows(VIEW.one("t.id = %(tenant)s"), {"tenant": tenant_id})
    return rows[0][0], rows[0][1]
