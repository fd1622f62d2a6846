"""All SQL of clients' access."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit import clock
from conecta.kit.db import Database, Reads, SessionReads

from . import rules

_COLUMNS = """
c.id, c.name, c.email, c.language, c.status, t.name, t.client_access,
  coalesce(a.status, 'none'), a.invited_at, a.last_signed_in_at, a.revoked_at
"""
_TABLES = """
clients c join tenants t on t.id = c.tenant_id
  left join client_access a on a.tenant_id = c.tenant_id and a.client_id = c.id
"""
_ONE = f"select {_COLUMNS} from {_TABLES} where c.tenant_id = %(tenant)s and c.id = %(id)s"
# Neither the client nor the firm's rule changes until the transaction that acts on them ends.
_HELD = f"{_ONE} for share of c, t"
_OF_ADDRESS = f"""
select {_COLUMNS} from {_TABLES}
where c.tenant_id = %(tenant)s and lower(c.email) = lower(%(email)s) and c.status = 'active'
order by c.created_at, c.id limit {rules.CLIENTS_IN_ONE_MAIL}
"""
_INVITED = """
insert into client_access as a (tenant_id, client_id, status, invited_at, created_at, updated_at, version)
values (%(tenant)s, %(id)s, 'invited', %(now)s, %(now)s, %(now)s, 1)
on conflict (tenant_id, client_id) do update set
  status = case when a.status = 'active' then 'active' else 'invited' end,
  invited_at = excluded.invited_at, revoked_at = null,
  updated_at = excluded.updated_at, version = a.version + 1
returning a.client_id
"""
# Of a sign-in and a revocation at once the later one finds what the other wrote: nobody revoked comes in.
_SIGNED_IN = """
insert into client_access as a
  (tenant_id, client_id, status, last_signed_in_at, created_at, updated_at, version)
values (%(tenant)s, %(id)s, 'active', %(now)s, %(now)s, %(now)s, 1)
on conflict (tenant_id, client_id) do update set
  status = 'active', last_signed_in_at = excluded.last_signed_in_at,
  updated_at = excluded.updated_at, version = a.version + 1
where a.status <> 'revoked'
returning a.client_id
"""
_REVOKED = """
insert into client_access as a (tenant_id, client_id, status, revoked_at, created_at, updated_at, version)
values (%(tenant)s, %(id)s, 'revoked', %(now)s, %(now)s, %(now)s, 1)
on conflict (tenant_id, client_id) do update set
  status = 'revoked', revoked_at = excluded.revoked_at,
  updated_at = excluded.updated_at, version = a.version + 1
where a.status <> 'revoked'
returning a.client_id
"""
_FIRM = """
select t.id, t.name, t.language, t.time_zone, t.client_access, t.clock_offset_seconds
from tenants t where t.id = %(tenant)s
"""


@dataclass(frozen=True)
class Access:
    """A client, the firm's rule, and the state of the client's login."""

    client_id: str
    client_name: str
    email: str | None
    language: str
    client_status: str
    firm_name: str
    rule: str
    status: str
    invited_at: datetime | None
    last_signed_in_at: datetime | None
    revoked_at: datetime | None

    @property
    def can_sign_in(self) -> bool:
        """Whether a link to sign in would let this client in."""
        reachable = self.client_status == "active" and self.email is not None
        return reachable and rules.may_sign_in(self.rule, self.status)


@dataclass(frozen=True)
class PortalFirm:
    """The firm whose portal somebody stands before."""

    tenant_id: str
    name: str
    language: str
    time_zone: str
    rule: str
    clock_offset_seconds: int


async def one(reads: Reads, tenant_id: str, client_id: str) -> Access | None:
    """Return the access of a client of the firm."""
    rows = await reads.rows(_ONE, {"tenant": tenant_id, "id": client_id})
    return Access(*rows[0]) if rows else None


async def held(session: AsyncSession, tenant_id: str, client_id: str) -> Access | None:
    """Return the access of a client who, like the firm's rule, stays as they are until the end."""
    rows = await SessionReads(session).rows(_HELD, {"tenant": tenant_id, "id": client_id})
    return Access(*rows[0]) if rows else None


async def of_address(database: Database, tenant_id: str, email: str) -> list[Access]:
    """Return the active clients of a firm with this main address, whatever its case; as the system."""
    rows = await database.read(_OF_ADDRESS, {"tenant": tenant_id, "email": email}, system=True)
    return [Access(*row) for row in rows]


async def firm(database: Database, tenant_id: str) -> PortalFirm | None:
    """Return a firm, or a sandbox, by its id; as the system."""
    rows = await database.read(_FIRM, {"tenant": tenant_id}, system=True)
    return PortalFirm(*rows[0]) if rows else None


async def note_invited(session: AsyncSession, tenant_id: str, client_id: str) -> None:
    """Write that a client was invited."""
    await SessionReads(session).rows(_INVITED, _now(tenant_id, client_id))


async def note_signed_in(session: AsyncSession, tenant_id: str, client_id: str) -> bool:
    """Write that a client signs in; return False when their access has been revoked."""
    return bool(await SessionReads(session).rows(_SIGNED_IN, _now(tenant_id, client_id)))


async def note_revoked(session: AsyncSession, tenant_id: str, client_id: str) -> bool:
    """Write that a client lost their access; return False when they had lost it before."""
    return bool(await SessionReads(session).rows(_REVOKED, _now(tenant_id, client_id)))


def _now(tenant_id: str, client_id: str) -> dict[str, Any]:
    return {"tenant": tenant_id, "id": client_id, "now": clock.now()}
