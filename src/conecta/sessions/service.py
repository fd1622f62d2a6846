"""Sessions of browsers: opened, found again on every page, turned to another firm, ended."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.audit import service as audit
from conecta.audit.service import Actor
from conecta.auth.caller import Caller
from conecta.auth.roles import SCOPES_OF_CLIENT, SCOPES_OF_ROLE
from conecta.kit import clock
from conecta.kit.crypto import KeyRing
from conecta.kit.db import Database
from conecta.kit.errors import NotFound
from conecta.kit.ids import canonical, new_id
from conecta.kit.language import spoken
from conecta.kit.rate_limit import Limits
from conecta.kit.request_context import origin

from . import queries
from .queries import FirmChoice, OpenSession

__all__ = ["FirmChoice", "NewSession", "OpenSession", "SignedIn", "find"]

_HASH_PURPOSE = "sessions"
_LIFETIME = timedelta(days=14)
_IDLE = timedelta(hours=12)
_BETWEEN_WRITES = timedelta(minutes=5)
# After so long, what protects the account itself (password, second factor, passkeys) asks for proof again.
_FRESH = timedelta(minutes=10)
_KEPT = timedelta(days=7)
_LONGEST = 200  # what we never gave out is not worth hashing


@dataclass(frozen=True)
class NewSession:
    """A session that was just opened; the secret, for the cookie, is stored nowhere."""

    id: str
    secret: str


@dataclass(frozen=True)
class SignedIn:
    """Whoever has the session, and the firm (or its sandbox) that they act in.

    `strong`: they proved two factors, or used a passkey that verified them. `user_id` is their membership
    of the tenant acted in, or, in a sandbox that has none of theirs, of its firm.
    """

    session_id: str
    kind: Literal["person", "client"]
    tenant_id: str
    firm_id: str
    sandbox: bool
    tenant_name: str
    language: str
    time_zone: str
    plan: str
    limits: Limits
    clock_offset: timedelta
    strong: bool
    authenticated_at: datetime
    person_id: str | None
    user_id: str | None
    role: str | None
    client_id: str | None
    name: str
    email: str

    @property
    def is_fresh(self) -> bool:
        """Whether they proved who they are within the last ten minutes."""
        return clock.real_now() - self.authenticated_at < _FRESH


async def open_for_person(
    session: AsyncSession, keyring: KeyRing, *, person_id: str, tenant_id: str, strong: bool
) -> NewSession:
    """Open a session of a person in a firm of theirs; needs a system session."""
    owner = {"person_id": person_id, "client_id": None}
    return await _open(session, keyring, tenant_id=tenant_id, strong=strong, owner=owner)


async def open_for_client(
    session: AsyncSession, keyring: KeyRing, *, tenant_id: str, client_id: str, strong: bool = False
) -> NewSession:
    """Open a session of a client of a firm, whose access must be active; needs a system session."""
    owner = {"person_id": None, "client_id": client_id}
    return await _open(session, keyring, tenant_id=tenant_id, strong=strong, owner=owner)


async def find(database: Database, keyring: KeyRing, secret: str) -> SignedIn | None:
    """Return whoever has the session of this cookie, in one round trip.

    None when it is unknown, ended, expired or was left alone for twelve hours; when the person is no
    active member of the firm any more; when the client is archived or lost their access.
    """
    if not secret or len(secret) > _LONGEST or not secret.isascii():
        return None
    seen = origin()
    params = {
        **_moments(),
        "hashes": keyring.hashes(_HASH_PURPOSE, secret),
        "address": seen.address,
        "agent": seen.user_agent,
    }
    row = await queries.find(database, params)
    return _signed_in(*row) if row else None


def caller_of(signed_in: SignedIn) -> Caller:
    """Return the person as a user of the firm with the scopes of their role, or the client."""
    person = signed_in.kind == "person"
    scopes = SCOPES_OF_ROLE[signed_in.role or ""] if person else SCOPES_OF_CLIENT
    return Caller(
        kind="user" if person else "client",
        tenant_id=signed_in.tenant_id,
        scopes=frozenset(scopes),
        credential_id=signed_in.session_id,
        name=signed_in.name,
        plan=signed_in.plan,
        limits=signed_in.limits,
        sandbox=signed_in.sandbox,
        firm_id=signed_in.firm_id,
        user_id=signed_in.user_id,
        client_id=signed_in.client_id,
        clock_offset=signed_in.clock_offset,
        time_zone=signed_in.time_zone,
    )


async def firms_of(database: Database, *, person_id: str) -> list[FirmChoice]:
    """Return the firms that a person may act in, by name."""
    return await queries.firms(database, person_id)


async def home_of(database: Database, *, person_id: str, wanted: str | None = None) -> str | None:
    """Return the tenant that a new session of a person starts in.

    It is the one they want, else the one where they were last, else the first by name; None when no firm
    has them as an active member.
    """
    firms = await queries.firms(database, person_id)
    open_to_them = {firm.tenant_id for firm in firms} | {firm.sandbox_id for firm in firms}
    for tenant_id in (wanted, await queries.home(database, person_id)):
        if tenant_id is not None and tenant_id in open_to_them:
            return tenant_id
    return firms[0].tenant_id if firms else None


async def switch_firm(session: AsyncSession, *, signed_in: SignedIn, tenant_id: str) -> str:
    """Let a person's session act in another firm of theirs, or in a sandbox; return the tenant's id.

    Needs a system session. Raises NotFound when they are no active member there.
    """
    wanted = canonical("tenant", tenant_id)
    person_id = signed_in.person_id
    if wanted is None or person_id is None or not await queries.may_enter(session, person_id, wanted):
        raise NotFound
    if not await queries.switch(session, signed_in.session_id, person_id, wanted):
        raise NotFound
    actor = Actor("person", person_id, signed_in.name)
    await audit.record(session, tenant_id=wanted, action="session.firm_switched", actor=actor)
    return wanted


async def list_of_person(database: Database, *, person_id: str) -> list[OpenSession]:
    """Return a person's sessions that are alive, the last used first."""
    return await queries.of_person(database, {**_moments(), "person": person_id})


async def prove_again(session: AsyncSession, *, session_id: str, strong: bool = False) -> None:
    """Write that whoever has the session has just proved who they are; needs a system session."""
    await queries.proven(session, session_id, strong=strong, now=clock.real_now())


async def revoke(session: AsyncSession, *, session_id: str, person_id: str | None = None) -> bool:
    """End a session at once; of that person only, when one is named. Needs a system session."""
    now = clock.real_now()
    return bool(await queries.revoke_one(session, session_id=session_id, person_id=person_id, now=now))


async def revoke_others(session: AsyncSession, *, person_id: str, keep: str | None = None) -> int:
    """End all sessions of a person, but for the one to keep; return how many. Needs a system session."""
    return len(await queries.revoke_of_person(session, person_id=person_id, keep=keep, now=clock.real_now()))


async def list_of_client(database: Database, *, tenant_id: str, client_id: str) -> list[OpenSession]:
    """Return the sessions of a client of a firm that are alive, the last used first."""
    return await queries.of_client(database, {**_moments(), "tenant": tenant_id, "client": client_id})


async def revoke_of_client(
    session: AsyncSession, *, tenant_id: str, client_id: str, session_id: str | None = None
) -> int:
    """End all sessions of a client of a firm, or the one named; return how many. Needs a system session."""
    gone = await queries.revoke_of_client(
        session, tenant_id=tenant_id, client_id=client_id, session_id=session_id, now=clock.real_now()
    )
    return len(gone)


async def delete_expired(database: Database) -> int:
    """Delete sessions that expired a week ago; return how many."""
    before, deleted = clock.real_now() - _KEPT, 0
    while batch := await queries.delete_old(database, before):
        deleted += batch
    return deleted


async def _open(
    session: AsyncSession, keyring: KeyRing, *, tenant_id: str, strong: bool, owner: dict[str, Any]
) -> NewSession:
    new = NewSession(new_id("ses"), secrets.token_urlsafe(32))
    now, seen = clock.real_now(), origin()
    values = {
        "id": new.id,
        "hash": keyring.hashes(_HASH_PURPOSE, new.secret)[0],
        "at_tenant": tenant_id,
        "strong": strong,
        "authenticated_at": now,
        "created_at": now,
        "last_seen_at": now,
        "expires_at": now + _LIFETIME,
        "address": seen.address,
        "user_agent": seen.user_agent,
        **owner,
    }
    queries.add(session, values)
    await session.flush()
    return new


def _moments() -> dict[str, datetime]:
    now = clock.real_now()
    return {"now": now, "idle_since": now - _IDLE, "seen_before": now - _BETWEEN_WRITES}


def _signed_in(
    session_id: str,
    person_id: str | None,
    client_id: str | None,
    tenant_id: str,
    firm_id: str,
    sandbox: bool,
    tenant_name: str,
    language: str,
    time_zone: str,
    plan: str,
    per_minute: int,
    per_day: int,
    clock_offset_seconds: int,
    strong: bool,
    authenticated_at: datetime,
    user_id: str | None,
    role: str | None,
    name: str,
    email: str,
) -> SignedIn:
    return SignedIn(
        session_id=session_id,
        kind="person" if person_id else "client",
        tenant_id=tenant_id,
        firm_id=firm_id,
        sandbox=sandbox,
        tenant_name=tenant_name,
        language=spoken(language),
        time_zone=time_zone,
        plan=plan,
        limits=Limits(per_minute, per_day),
        clock_offset=timedelta(seconds=clock_offset_seconds),
        strong=strong,
        authenticated_at=authenticated_at,
        person_id=person_id,
        user_id=user_id if person_id else None,
        role=role,
        client_id=client_id,
        name=name,
        email=email,
    )
