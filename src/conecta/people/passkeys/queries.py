"""All SQL of passkeys; as the system, for whoever shows one has not said yet who they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit.db import Database, SessionReads

from .models import Passkey

_OWNED = """(k.person_id = %(person)s::text
  or (k.at_tenant = %(tenant)s::text and k.client_id = %(client)s::text))"""
_LIST = f"""
select k.id, k.name, k.credential_id, k.synced, k.created_at, k.last_used_at
from passkeys k where {_OWNED} order by k.created_at, k.id
"""
_BY_CREDENTIAL = """
select k.id, k.person_id, k.at_tenant, k.client_id, k.public_key, k.sign_count
from passkeys k where k.credential_id = %(credential)s
"""
# A counter that another use has moved on meanwhile finds no row.
_USED = """
update passkeys k set sign_count = %(count)s, last_used_at = %(now)s
where k.id = %(id)s and (k.sign_count < %(count)s or (k.sign_count = 0 and %(count)s = 0)) returning k.id
"""
_REMOVE = f"delete from passkeys k where k.id = %(id)s and {_OWNED} returning k.name"
_LOCK_PERSON = "select p.id from people p where p.id = %(person)s for update"
_LOCK_CLIENT = """
select c.id from clients c where c.tenant_id = %(tenant)s and c.id = %(client)s for update
"""


@dataclass(frozen=True)
class Owner:
    """Whose passkey it is: a person, or a client of a firm."""

    person_id: str | None = None
    tenant_id: str | None = None
    client_id: str | None = None

    @property
    def handle(self) -> str:
        """What the authenticator knows them by."""
        return self.person_id or self.client_id or ""


@dataclass(frozen=True)
class ListedPasskey:
    """A passkey as its owner sees it."""

    id: str
    name: str
    credential_id: bytes
    synced: bool
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True)
class StoredPasskey:
    """A passkey, with what it takes to check it."""

    id: str
    owner: Owner
    public_key: bytes
    sign_count: int


async def of_owner(database: Database, owner: Owner) -> list[ListedPasskey]:
    """Return somebody's passkeys, the oldest first."""
    return [ListedPasskey(*row) for row in await database.read(_LIST, _params(owner), system=True)]


async def locked_of_owner(session: AsyncSession, owner: Owner) -> list[ListedPasskey]:
    """Return somebody's passkeys, to which nobody else adds until the transaction ends."""
    reads = SessionReads(session)
    await reads.rows(_LOCK_PERSON if owner.person_id else _LOCK_CLIENT, _params(owner))
    return [ListedPasskey(*row) for row in await reads.rows(_LIST, _params(owner))]


async def by_credential(database: Database, credential_id: bytes) -> StoredPasskey | None:
    """Return the passkey that an authenticator calls so."""
    rows = await database.read(_BY_CREDENTIAL, {"credential": credential_id}, system=True)
    if not rows:
        return None
    passkey_id, person_id, tenant_id, client_id, public_key, sign_count = rows[0]
    return StoredPasskey(passkey_id, Owner(person_id, tenant_id, client_id), public_key, sign_count)


def add(session: AsyncSession, values: Mapping[str, Any]) -> None:
    """Store a passkey."""
    session.add(Passkey(**values))


async def used(database: Database, passkey_id: str, *, count: int, now: datetime) -> bool:
    """Write a use; False when its counter has been reached by another use."""
    values = {"id": passkey_id, "count": count, "now": now}
    return bool(await database.read(_USED, values, system=True))


async def remove(session: AsyncSession, owner: Owner, passkey_id: str) -> str | None:
    """Forget a passkey and return its name; None when they have no such one."""
    rows: Sequence[Any] = await SessionReads(session).rows(_REMOVE, {**_params(owner), "id": passkey_id})
    return rows[0][0] if rows else None


def _params(owner: Owner) -> dict[str, str | None]:
    return {"person": owner.person_id, "tenant": owner.tenant_id, "client": owner.client_id}
