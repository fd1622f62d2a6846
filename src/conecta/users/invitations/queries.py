"""All SQL of invitations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit.db import Database, Reads, SessionReads
from conecta.kit.pages import JsonView, PageOfRows, Pager, Where
from conecta.kit.sql import wire_time

from .models import Invitation
from .schemas import InvitationFilters

_STATUS = """case when i.accepted_at is not null then 'accepted' when i.revoked_at is not null then 'revoked'
  when i.expires_at <= statement_timestamp() then 'expired' else 'pending' end"""
VIEW = JsonView(
    source="invitations i",
    alias="i",
    fields=f"""i.id, i.name, i.email, i.role, {_STATUS} as status, i.invited_by, i.user_id,
      {wire_time("i.expires_at")} as expires_at, {wire_time("i.accepted_at")} as accepted_at,
      {wire_time("i.revoked_at")} as revoked_at, {wire_time("i.created_at")} as created_at""",
    sorts={"created_at": ("i.created_at", "timestamptz")},
)

_ONE = f"""
select (select row_to_json(j)::text from (select {VIEW.fields}) j)
from invitations i where i.tenant_id = %(tenant)s and i.id = %(id)s
"""

_MEMBER = """
select u.id from users u where u.tenant_id = %(tenant)s and lower(u.email) = lower(%(email)s) limit 1
"""
_PENDING = f"select count(*) from invitations i where i.tenant_id = %(tenant)s and {_STATUS} = 'pending'"
_REPLACE = """
update invitations i set revoked_at = %(now)s, updated_at = %(created_at)s, version = i.version + 1
where i.tenant_id = %(tenant)s and lower(i.email) = lower(%(email)s)
  and i.accepted_at is null and i.revoked_at is null
returning i.id
"""
_ADD = """
insert into invitations (tenant_id, id, email, name, role, hash, invited_by, expires_at,
  created_at, updated_at, version)
values (%(tenant)s, %(id)s, %(email)s, %(name)s, %(role)s, %(hash)s, %(invited_by)s, %(expires_at)s,
  %(created_at)s, %(created_at)s, 1)
on conflict do nothing returning id
"""
_FIRM = "select t.name, t.language from tenants t where t.id = %(tenant)s"

# As the system: who follows a link has not said yet who they are.
_IS_OPEN = """i.hash = any(%(hashes)s::bytea[]) and i.accepted_at is null and i.revoked_at is null
  and i.expires_at > %(now)s::timestamptz"""
_OPEN = f"""
select i.id, i.tenant_id, t.name, i.name, i.email, i.role, i.invited_by, p.id,
  exists (select from person_passwords w where w.person_id = p.id)
    or exists (select from passkeys k where k.person_id = p.id)
from invitations i join tenants t on t.id = i.tenant_id
left join people p on lower(p.email) = lower(i.email)
where {_IS_OPEN}
"""
# Of many who accept at once the first one's update leaves the others nothing that is open.
_ACCEPT = f"""
update invitations i set accepted_at = %(now)s, updated_at = %(now)s, version = i.version + 1
where {_IS_OPEN}
returning i.id, i.tenant_id
"""
_JOINED = """
update invitations i set user_id = %(user)s where i.tenant_id = %(tenant)s and i.id = %(id)s returning i.id
"""


@dataclass(frozen=True)
class OpenInvitation:
    """An invitation as whoever has its link sees it.

    `person_id` is whoever has that address with us already; `can_sign_in` whether they have a password or
    a passkey.
    """

    id: str
    tenant_id: str
    firm_name: str
    name: str
    email: str
    role: str
    invited_by: str | None
    person_id: str | None
    can_sign_in: bool


async def page(reads: Reads, pager: Pager, tenant_id: str, filters: InvitationFilters) -> PageOfRows:
    """Return a page of the firm's invitations."""
    where = Where("i.tenant_id = %(tenant)s", tenant=tenant_id)
    where.add(f"{_STATUS} = %(status)s", status=filters.status)
    return await pager.fetch(reads, VIEW, where, filters, sort=filters.sort)


async def one(reads: Reads, tenant_id: str, invitation_id: str) -> str | None:
    """Return an invitation as JSON text."""
    rows = await reads.rows(_ONE, {"tenant": tenant_id, "id": invitation_id})
    return rows[0][0] if rows else None


async def member_of_email(session: AsyncSession, tenant_id: str, email: str) -> str | None:
    """Return the id of the firm's member with this address, whatever its case, active or not."""
    rows = await SessionReads(session).rows(_MEMBER, {"tenant": tenant_id, "email": email})
    return rows[0][0] if rows else None


async def pending(session: AsyncSession, tenant_id: str) -> int:
    """Return how many invitations of the firm wait for an answer."""
    rows = await SessionReads(session).rows(_PENDING, {"tenant": tenant_id})
    return int(rows[0][0])


async def add(session: AsyncSession, values: Mapping[str, Any], now: datetime) -> bool:
    """Store an invitation in the place of an older one; False when somebody else does so right now."""
    reads = SessionReads(session)
    await reads.rows(_REPLACE, {**values, "now": now})
    return bool(await reads.rows(_ADD, values))


async def firm(session: AsyncSession, tenant_id: str) -> tuple[str, str]:
    """Return the firm's name and language."""
    (row,) = await SessionReads(session).rows(_FIRM, {"tenant": tenant_id})
    return row[0], row[1]


async def for_change(session: AsyncSession, tenant_id: str, invitation_id: str) -> Invitation | None:
    """Return an invitation, locked until the transaction ends."""
    wanted = select(Invitation).where(Invitation.tenant_id == tenant_id, Invitation.id == invitation_id)
    return await session.scalar(wanted.with_for_update())


async def open_one(database: Database, hashes: Sequence[bytes], now: datetime) -> OpenInvitation | None:
    """Return the open invitation of a link."""
    rows = await database.read(_OPEN, {"hashes": list(hashes), "now": now}, system=True)
    return OpenInvitation(*rows[0]) if rows else None


async def accept(session: AsyncSession, hashes: Sequence[bytes], now: datetime) -> bool:
    """Use up the link of an open invitation; False when it is none any more."""
    return bool(await SessionReads(session).rows(_ACCEPT, {"hashes": list(hashes), "now": now}))


async def joined(session: AsyncSession, invitation: OpenInvitation, user_id: str) -> None:
    """Write which member somebody became."""
    params = {"tenant": invitation.tenant_id, "id": invitation.id, "user": user_id}
    await SessionReads(session).rows(_JOINED, params)
