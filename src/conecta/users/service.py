"""Members of a firm."""

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit.db import Reads
from conecta.kit.errors import NotFound
from conecta.kit.ids import canonical, new_id
from conecta.kit.pages import PageOfRows, Pager
from conecta.people.models import Person

from . import queries
from .models import User
from .schemas import UserFilters


async def add_member(session: AsyncSession, *, tenant_id: str, person: Person, role: str) -> User:
    """Make a person a member of a firm; needs a system session."""
    user = User(
        tenant_id=tenant_id,
        id=new_id("usr"),
        person_id=person.id,
        name=person.name,
        email=person.email,
        role=role,
    )
    session.add(user)
    await session.flush()
    return user


async def list_users(reads: Reads, pager: Pager, *, tenant_id: str, filters: UserFilters) -> PageOfRows:
    """Return a page of the firm's members."""
    return await queries.page(reads, pager, tenant_id, filters)


async def read_user(reads: Reads, *, tenant_id: str, user_id: str) -> tuple[str, int]:
    """Return one member as JSON text and version; raise NotFound."""
    key = canonical("usr", user_id)
    found = await queries.one(reads, tenant_id, key) if key else None
    if found is None:
        raise NotFound
    return found


async def may_be_assigned(reads: Reads, *, tenant_id: str, user_id: str) -> bool:
    """Say whether a member may be put in charge of a case: active, and owner, admin or provider."""
    return await queries.may_be_assigned(reads, tenant_id, user_id)


async def id_of_email(session: AsyncSession, *, tenant_id: str, email: str) -> str | None:
    """Return the id of the member who signs in with this address."""
    return await queries.id_of_email(session, tenant_id, email)
