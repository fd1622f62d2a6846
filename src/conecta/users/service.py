"""Members of a firm."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.audit import service as audit
from conecta.auth.caller import Caller
from conecta.kit.db import Database, Reads, SessionReads
from conecta.kit.errors import NotFound, ValidationFailed
from conecta.kit.etags import Precondition
from conecta.kit.ids import canonical, new_id
from conecta.kit.language import Text
from conecta.kit.pages import PageOfRows, Pager
from conecta.people import service as people
from conecta.people.service import Person

from . import queries
from .errors import DuplicateUser, LastOwner
from .models import User
from .schemas import UserCreate, UserFilters, UserUpdate


async def add_member(
    session: AsyncSession, *, tenant_id: str, person: Person, role: str, name: str | None = None
) -> User:
    """Make a person a member of a firm, where they may go by another name."""
    user = User(
        tenant_id=tenant_id,
        id=new_id("usr"),
        person_id=person.id,
        name=name or person.name,
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


async def create_user(
    session: AsyncSession, database: Database, *, caller: Caller, wanted: UserCreate
) -> tuple[str, tuple[str, int]]:
    """Add a member to the firm; return its id, and its JSON text and version.

    Raises DuplicateUser (409) when somebody of the firm has that address already.
    """
    # People belong to no firm: the system finds or adds the person, who may stay without a membership.
    person = await people.find_or_add(database, email=wanted.email, name=wanted.name)
    tenant_id = caller.tenant_id
    existing = await queries.id_of_person(session, tenant_id, person.id)
    if existing:
        raise DuplicateUser(existing)
    user = await add_member(session, tenant_id=tenant_id, person=person, role=wanted.role, name=wanted.name)
    await audit.record(
        session,
        tenant_id=tenant_id,
        action="member.added",
        actor=audit.actor_of(caller),
        target=user.id,
        details={"name": user.name, "role": user.role},
    )
    return user.id, await _shown(session, tenant_id, user.id)


async def update_user(
    session: AsyncSession, *, caller: Caller, user_id: str, wanted: UserUpdate, precondition: Precondition
) -> tuple[str, int]:
    """Change a member; return its JSON text and version.

    Raises NotFound, PreconditionFailed, ValidationFailed and LastOwner (409).
    """
    tenant_id, key = caller.tenant_id, canonical("usr", user_id)
    owners = await queries.lock_owners(session, tenant_id)
    user = await queries.for_change(session, tenant_id, key) if key else None
    if user is None:
        raise NotFound
    precondition.check(user.version)
    changes = wanted.model_dump(exclude_unset=True)
    empty = [name for name, value in changes.items() if value is None]
    if empty:
        raise ValidationFailed.at(
            f"/{empty[0]}", "required", Text("No puede ser null.", "It cannot be null.")
        )
    stays_owner = changes.get("role", user.role) == "owner" and changes.get("active", user.active)
    if owners == [user.id] and not stays_owner:
        raise LastOwner(id=user.id)
    await _change(session, user, changes, audit.actor_of(caller))
    return await _shown(session, tenant_id, user.id)


async def _change(session: AsyncSession, user: User, changes: dict[str, Any], actor: audit.Actor) -> None:
    changed = {name: value for name, value in changes.items() if getattr(user, name) != value}
    if not changed:
        return
    before = {name: getattr(user, name) for name in changed}
    for name, value in changed.items():
        setattr(user, name, value)
    await audit.record(
        session,
        tenant_id=user.tenant_id,
        action="member.changed",
        actor=actor,
        target=user.id,
        details={"before": before, "after": changed},
    )


async def _shown(session: AsyncSession, tenant_id: str, user_id: str) -> tuple[str, int]:
    found = await queries.one(SessionReads(session), tenant_id, user_id)
    assert found is not None
    return found
