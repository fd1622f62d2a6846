"""All SQL of users."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit.db import Reads
from conecta.kit.pages import JsonView, PageOfRows, Pager, Where
from conecta.kit.sql import wire_time

from .models import ASSIGNABLE_ROLES, User
from .schemas import UserFilters

VIEW = JsonView(
    source="users u",
    alias="u",
    fields=f"""u.id, u.name, u.email, u.role, u.active,
      {wire_time("u.created_at")} as created_at, {wire_time("u.updated_at")} as updated_at""",
    sorts={"created_at": ("u.created_at", "timestamptz")},
)

_ASSIGNABLE = f"""
select u.id from users u where u.tenant_id = %(tenant)s and u.id = %(id)s
  and u.active and u.role in {ASSIGNABLE_ROLES}
"""


async def page(reads: Reads, pager: Pager, tenant_id: str, filters: UserFilters) -> PageOfRows:
    """Return a page of the firm's members."""
    where = Where("u.tenant_id = %(tenant)s", tenant=tenant_id)
    where.add("u.role = %(role)s", role=filters.role).add("u.active = %(active)s", active=filters.active)
    return await pager.fetch(reads, VIEW, where, filters, sort=filters.sort)


async def one(reads: Reads, tenant_id: str, user_id: str) -> tuple[str, int] | None:
    """Return a member as JSON text and version."""
    rows = await reads.rows(
        VIEW.one("u.tenant_id = %(tenant)s and u.id = %(id)s"), {"tenant": tenant_id, "id": user_id}
    )
    return (rows[0][0], rows[0][1]) if rows else None


async def may_be_assigned(reads: Reads, tenant_id: str, user_id: str) -> bool:
    """Say whether a member may be put in charge of a case or a booking."""
    return bool(await reads.rows(_ASSIGNABLE, {"tenant": tenant_id, "id": user_id}))


async def id_of_email(session: AsyncSession, tenant_id: str, email: str) -> str | None:
    """Return the id of the member with this address."""
    return await session.scalar(select(User.id).where(User.tenant_id == tenant_id, User.email == email))


async def for_change(session: AsyncSession, tenant_id: str, user_id: str) -> User | None:
    """Return a member, locked until the transaction ends."""
    return await session.scalar(
        select(User).where(User.tenant_id == tenant_id, User.id == user_id).with_for_update()
    )


async def lock_owners(session: AsyncSession, tenant_id: str) -> list[str]:
    """Return the ids of the firm's active owners, locked so that two changes cannot remove the last two."""
    wanted = select(User.id).where(User.tenant_id == tenant_id, User.role == "owner", User.active)
    return list(await session.scalars(wanted.order_by(User.id).with_for_update()))


async def id_of_person(session: AsyncSession, tenant_id: str, person_id: str) -> str | None:
    """Return the membership of a person in a firm."""
    return await session.scalar(
        select(User.id).where(User.tenant_id == tenant_id, User.person_id == person_id)
    )
