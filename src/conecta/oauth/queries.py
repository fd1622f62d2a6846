"""SQL of apps, authorizations and grants; it crosses firms, so it runs as the system and names its tenant."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg.rows import TupleRow
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from conecta.kit.db import Database, SessionReads

APP_COLUMNS = (
    "id", "tenant_id", "tenant_name", "name", "kind", "for_clients", "pkce_required", "dpop_required",
    "pushed_requests_required", "redirect_uris", "scopes", "grant_types", "auth_method", "website", "logo",
    "registered_itself", "secret_hashes",
)  # fmt: skip

APP = """
select a.id, a.tenant_id, coalesce(firm.name, t.name), a.name, a.kind, a.for_clients, a.pkce_required,
  a.dpop_required, a.pushed_requests_required, a.redirect_uris, a.scopes, a.grant_types, a.auth_method,
  a.website, a.logo, a.registered is not null,
  array(select s.hash from oauth_app_secrets s where s.tenant_id = a.tenant_id and s.app_id = a.id
    and (s.expires_at is null or s.expires_at > statement_timestamp()) order by s.id)
from oauth_apps a
join tenants t on t.id = a.tenant_id
left join tenants firm on firm.id = t.sandbox_of
where a.id = %(id)s and a.deleted_at is null
"""

# Who works for a firm works in its sandbox too; who left the firm has left its sandbox. Somebody may also
# belong to a sandbox alone.
MEMBERSHIP = """
select u.active, u.role, u.name from users u
where u.person_id = {person} and u.tenant_id in (firm.id, t.id)
order by u.tenant_id = firm.id desc limit 1
"""
_MEMBER = f"""
select coalesce(own.id, mine.id), m.role, m.name
from tenants t
join tenants firm on firm.id = coalesce(t.sandbox_of, t.id)
join lateral ({MEMBERSHIP.format(person="%(person)s")}) m on m.active
left join users mine on mine.tenant_id = firm.id and mine.person_id = %(person)s
left join users own on own.tenant_id = t.id and own.person_id = %(person)s
where t.id = %(tenant)s
"""

# A client may come in while they are a client, the firm lets clients in, and nobody shut this one out.
CLIENT_MAY = "c.status = 'active' and t.client_access <> 'off' and coalesce(x.status, '') <> 'revoked'"
# Whoever gave a grant (`g`) may still act in its firm; an app on its own always may.
MAY_ACT = f"""exists (
  select from tenants t
  join tenants firm on firm.id = coalesce(t.sandbox_of, t.id)
  left join lateral ({MEMBERSHIP.format(person="g.person_id")}) m on true
  left join clients c on c.tenant_id = g.tenant_id and c.id = g.client_id
  left join client_access x on x.tenant_id = g.tenant_id and x.client_id = g.client_id
  where t.id = g.tenant_id
    and case g.subject_kind when 'person' then m.active when 'client' then {CLIENT_MAY} else true end)"""

_CLIENT = f"""
select c.name from clients c
join tenants t on t.id = c.tenant_id
left join client_access x on x.tenant_id = c.tenant_id and x.client_id = c.id
where c.tenant_id = %(tenant)s and c.id = %(client)s and {CLIENT_MAY}
"""

# One grant each of an app in a firm: it grows with what is consented, and starts anew after a revocation.
_GIVE = """
insert into oauth_grants as g (tenant_id, id, app_tenant_id, app_id, subject_kind, subject, person_id,
  user_id, client_id, scopes, version, given_at)
values (%(tenant)s, %(id)s, %(app_tenant)s, %(app)s, %(kind)s, %(subject)s, %(person)s,
  %(user)s, %(client)s, %(scopes)s, 1, %(now)s)
on conflict (tenant_id, app_id, subject) do update set
  scopes = case when g.revoked_at is null
    then array(select distinct s from unnest(g.scopes || excluded.scopes) s order by s)
    else excluded.scopes end,
  given_at = excluded.given_at, user_id = excluded.user_id, revoked_at = null
returning g.id, g.version
"""

_OPEN_FAMILY = """
insert into oauth_families (tenant_id, id, grant_id, scopes, created_at, expires_at)
values (%(tenant)s, %(family)s, %(grant)s, %(scopes)s, %(now)s, %(until)s)
"""

_ADD_CODE = """
insert into oauth_codes (tenant_id, id, family_id, app_id, hash, redirect_uri, code_challenge, dpop_jkt,
  expires_at)
values (%(tenant)s, %(id)s, %(family)s, %(app)s, %(hash)s, %(redirect_uri)s, %(challenge)s, %(jkt)s,
  %(until)s)
"""

_GRANTED = """
select g.scopes from oauth_grants g
where g.tenant_id = %(tenant)s and g.app_id = %(app)s and g.subject = %(subject)s and g.revoked_at is null
"""

_GRANTS = """
select g.id, a.id, a.name, owner.name, a.website, t.id, t.name, t.sandbox_of is not null, g.scopes,
  g.given_at, g.last_used_at, g.subject_kind, g.person_id, coalesce(p.name, c.name, a.name)
from oauth_grants g
join oauth_apps a on a.tenant_id = g.app_tenant_id and a.id = g.app_id
join tenants owner on owner.id = a.tenant_id
join tenants t on t.id = g.tenant_id
left join people p on p.id = g.person_id
left join clients c on c.tenant_id = g.tenant_id and c.id = g.client_id
where g.revoked_at is null and a.deleted_at is null and {whose}
order by g.given_at desc, g.id
"""
_GRANTS_OF_PERSON = _GRANTS.format(whose="g.person_id = %(person)s")
_GRANTS_OF_CLIENT = _GRANTS.format(whose="g.tenant_id = %(tenant)s and g.client_id = %(client)s")
# The firm's own apps, acting for nobody else, are managed where apps are.
_GRANTS_OF_TENANT = _GRANTS.format(whose="g.tenant_id = %(tenant)s and g.subject_kind <> 'app'")

# The version grows so that tokens of before the revocation stay dead when the app is allowed again.
_REVOKE = """
update oauth_grants g set revoked_at = %(now)s, version = g.version + 1, scopes = '{}'
from oauth_apps a
where g.id = %(id)s and g.revoked_at is null and a.tenant_id = g.app_tenant_id and a.id = g.app_id
  and (%(tenant)s::text is null or g.tenant_id = %(tenant)s)
  and (%(person)s::text is null or g.person_id = %(person)s)
  and (%(client)s::text is null or g.client_id = %(client)s)
returning g.tenant_id, g.id, a.id, a.name
"""

_END_FAMILIES = """
update oauth_families f set revoked_at = %(now)s, revoked_for = %(why)s
where f.tenant_id = %(tenant)s and f.grant_id = %(grant)s and f.revoked_at is null
"""

_NAME_OF_TENANT = "select t.name, t.sandbox_of is not null from tenants t where t.id = %(tenant)s"


def run(session: Session, sql: str, params: Mapping[str, Any]) -> Sequence[TupleRow]:
    """Run a statement in a synchronous session's transaction and return its rows."""
    result = session.connection().exec_driver_sql(sql, dict(params))
    return result.fetchall() if result.returns_rows else []


async def membership(session: AsyncSession, tenant_id: str, person_id: str) -> tuple[str, str, str] | None:
    """Return user id, role and name of a person who works in a firm, or in the firm of a sandbox."""
    rows = await SessionReads(session).rows(_MEMBER, {"tenant": tenant_id, "person": person_id})
    return (rows[0][0], rows[0][1], rows[0][2]) if rows else None


async def client_name(session: AsyncSession, tenant_id: str, client_id: str) -> str | None:
    """Return the name of a client of a firm who may sign in."""
    rows = await SessionReads(session).rows(_CLIENT, {"tenant": tenant_id, "client": client_id})
    return str(rows[0][0]) if rows else None


def give(session: Session, values: Mapping[str, Any]) -> tuple[str, int]:
    """Write what somebody allowed an app; return the grant's id and version."""
    (row,) = run(session, _GIVE, values)
    return row[0], row[1]


def open_family(
    session: Session,
    *,
    tenant_id: str,
    family_id: str,
    grant_id: str,
    scopes: Sequence[str],
    now: datetime,
    until: datetime,
) -> None:
    """Begin the family of an authorization's tokens."""
    values = {"tenant": tenant_id, "family": family_id, "grant": grant_id, "now": now, "until": until}
    run(session, _OPEN_FAMILY, {**values, "scopes": list(scopes)})


def add_code(session: Session, values: Mapping[str, Any]) -> None:
    """Store a code by its hash."""
    run(session, _ADD_CODE, values)


async def granted(database: Database, tenant_id: str, app_id: str, subject: str) -> Sequence[str] | None:
    """Return the scopes of a live grant."""
    params = {"tenant": tenant_id, "app": app_id, "subject": subject}
    rows = await database.read(_GRANTED, params, system=True)
    return rows[0][0] if rows else None


async def grants_of_person(database: Database, person_id: str) -> Sequence[TupleRow]:
    """Return the live grants of a person, in every firm."""
    return await database.read(_GRANTS_OF_PERSON, {"person": person_id}, system=True)


async def grants_of_client(database: Database, tenant_id: str, client_id: str) -> Sequence[TupleRow]:
    """Return the live grants of a client of a firm."""
    return await database.read(_GRANTS_OF_CLIENT, {"tenant": tenant_id, "client": client_id}, system=True)


async def grants_of_tenant(database: Database, tenant_id: str) -> Sequence[TupleRow]:
    """Return the live grants that act in a firm."""
    return await database.read(_GRANTS_OF_TENANT, {"tenant": tenant_id}, system=True)


async def revoke(session: AsyncSession, values: Mapping[str, Any]) -> TupleRow | None:
    """Revoke a grant and end its families; return tenant, grant, app and its name, or None."""
    reads = SessionReads(session)
    rows = await reads.rows(_REVOKE, values)
    if not rows:
        return None
    ended = {"tenant": rows[0][0], "grant": rows[0][1], "now": values["now"], "why": "revoked"}
    await session.run_sync(lambda sync: run(sync, _END_FAMILIES, ended))
    return rows[0]


_ADD_PUSHED = """
insert into oauth_pushed_requests (tenant_id, id, app_id, hash, params, expires_at)
values (%(tenant)s::text, %(id)s::text, %(app)s::text, %(hash)s::bytea, %(params)s::jsonb,
  %(until)s::timestamptz)
"""

_PUSHED = """
select r.id, r.params from oauth_pushed_requests r
where r.tenant_id = %(tenant)s and r.app_id = %(app)s and r.hash = %(hash)s::bytea
  and r.used_at is null and r.expires_at > %(now)s::timestamptz
"""

_USE_PUSHED = """
update oauth_pushed_requests r set used_at = %(now)s
where r.tenant_id = %(tenant)s and r.id = %(id)s and r.used_at is null and r.expires_at > %(now)s
returning r.id
"""


async def add_pushed_request(database: Database, values: Mapping[str, Any]) -> None:
    """Store a pushed request."""
    await database.read(_ADD_PUSHED, {**values, "params": json.dumps(values["params"])}, system=True)


async def pushed_request(
    database: Database, tenant_id: str, app_id: str, hash_: bytes, now: datetime
) -> TupleRow | None:
    """Return id and parameters of a pushed request that is still open."""
    params = {"tenant": tenant_id, "app": app_id, "hash": hash_, "now": now}
    rows = await database.read(_PUSHED, params, system=True)
    return rows[0] if rows else None


async def use_pushed_request(session: AsyncSession, tenant_id: str, pushed_id: str, now: datetime) -> bool:
    """Close a pushed request; only one caller is told that it did."""
    params = {"tenant": tenant_id, "id": pushed_id, "now": now}
    return bool(await SessionReads(session).rows(_USE_PUSHED, params))
