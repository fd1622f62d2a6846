"""What people and clients have allowed apps to do: shown, remembered and revoked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from psycopg.rows import TupleRow
from sqlalchemy.ext.asyncio import AsyncSession

from conecta.audit import service as audit
from conecta.audit.service import Actor
from conecta.auth.scopes import Scope
from conecta.kit import clock
from conecta.kit.db import Database

from . import queries, rules
from .authorization import AuthorizationRequest
from .subjects import SignedIn


@dataclass(frozen=True)
class GrantShown:
    """A live grant, as connected apps are shown."""

    id: str
    app_id: str
    app_name: str
    app_firm: str
    website: str | None
    tenant_id: str
    tenant_name: str
    sandbox: bool
    scopes: tuple[Scope, ...]
    given_at: datetime
    last_used_at: datetime | None
    subject_kind: Literal["person", "client", "app"]
    person_id: str | None
    subject_name: str


async def existing_grant(
    database: Database, request: AuthorizationRequest, *, signed_in: SignedIn, tenant_id: str
) -> tuple[Scope, ...] | None:
    """Return what this person or client has allowed the request's app in a firm already, or None.

    Consent may be skipped when it covers the request, unless `request.prompt` has `consent` or the app is
    public: anybody can pretend to be a public app (RFC 6749 §10.2).
    """
    subject = signed_in.client_id if request.app.for_clients else signed_in.person_id
    found = await queries.granted(database, tenant_id, request.app.id, subject) if subject else None
    return None if found is None else rules.in_order(found)


async def list_grants_of_person(database: Database, *, person_id: str) -> list[GrantShown]:
    """Return what a person has allowed, in every firm they work for, the newest first."""
    return [_shown(row) for row in await queries.grants_of_person(database, person_id)]


async def list_grants_of_client(database: Database, *, tenant_id: str, client_id: str) -> list[GrantShown]:
    """Return what a client of a firm has allowed, the newest first."""
    return [_shown(row) for row in await queries.grants_of_client(database, tenant_id, client_id)]


async def list_grants_of_tenant(database: Database, *, tenant_id: str) -> list[GrantShown]:
    """Return what is allowed in a firm, by whomever, the newest first."""
    return [_shown(row) for row in await queries.grants_of_tenant(database, tenant_id)]


async def revoke_grant(
    session_system: AsyncSession,
    *,
    grant_id: str,
    actor: Actor,
    person_id: str | None = None,
    tenant_id: str | None = None,
    client_id: str | None = None,
) -> bool:
    """End a grant: its tokens stop within a minute, its refresh tokens at once.

    Say whose it must be: a person's, a firm's, or (with both) a client's of a firm. Returns False when there
    is no such live grant; raises ValueError when nobody is named.
    """
    if person_id is None and tenant_id is None:
        raise ValueError("Whose grant may be revoked has to be said.")
    values = {"id": grant_id, "person": person_id, "tenant": tenant_id, "client": client_id}
    row = await queries.revoke(session_system, {**values, "now": clock.real_now()})
    if row is None:
        return False
    tenant, _, app_id, app_name = row
    await audit.record(
        session_system,
        tenant_id=tenant,
        action="oauth_grant.revoked",
        actor=actor,
        target=app_id,
        details={"app": app_name},
    )
    return True


def _shown(row: TupleRow) -> GrantShown:
    values = list(row)
    values[8] = rules.in_order(values[8])
    return GrantShown(*values)
