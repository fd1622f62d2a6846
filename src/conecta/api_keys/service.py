"""API keys: create, list, roll with grace, revoke."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.audit import service as audit
from conecta.auth.caller import Caller
from conecta.auth.scopes import Scope
from conecta.kit import clock
from conecta.kit.crypto import KeyRing
from conecta.kit.db import Database, Reads, SessionReads, act_for
from conecta.kit.errors import NotFound, ValidationFailed
from conecta.kit.ids import canonical, new_id
from conecta.kit.language import Text
from conecta.kit.pages import PageOfRows, Pager

from . import queries, rules
from .credentials import HASH_PURPOSE
from .errors import KeyRevoked, ScopeNotYours
from .models import ApiKey
from .schemas import ApiKeyCreate, ApiKeyFilters, ApiKeyRoll


async def list_keys(reads: Reads, pager: Pager, *, tenant_id: str, filters: ApiKeyFilters) -> PageOfRows:
    """Return a page of the firm's keys, revoked ones too."""
    return await queries.page(reads, pager, tenant_id, filters)


async def read_key(reads: Reads, *, tenant_id: str, key_id: str) -> str:
    """Return one key as JSON text; raise NotFound."""
    key = canonical("key", key_id)
    found = await queries.one(reads, tenant_id, key) if key else None
    if found is None:
        raise NotFound
    return found


@dataclass(frozen=True)
class NewKey:
    """A key that was just made; the secret is stored nowhere."""

    id: str
    secret: str
    json_text: str


async def create_key(
    session: AsyncSession, database: Database, keyring: KeyRing, *, caller: Caller, wanted: ApiKeyCreate
) -> NewKey:
    """Create a key for the caller's firm.

    Raises ScopeNotYours when the caller lacks a scope, ValidationFailed when a sandbox asks for a live key.
    """
    _refuse_more_than_own(wanted.scopes, caller)
    _refuse_past(wanted)
    mode = wanted.mode or ("test" if caller.sandbox else "live")
    if caller.sandbox and mode == "live":
        message = Text(
            "Una clave de pruebas solo crea claves de pruebas.", "A test key only creates test keys."
        )
        raise ValidationFailed.at("/mode", "not_allowed", message)
    if mode == "live" or caller.sandbox:
        return await add_key(
            session, keyring, tenant_id=caller.tenant_id, mode=mode, wanted=wanted, author=caller
        )
    # The sandbox is another tenant, but its key and our answer belong in this one transaction.
    sandbox = await queries.sandbox_of(database, caller.tenant_id)
    await act_for(session, sandbox)
    new = await add_key(session, keyring, tenant_id=sandbox, mode=mode, wanted=wanted, author=caller)
    await act_for(session, caller.tenant_id)
    return new


async def add_key(
    session: AsyncSession,
    keyring: KeyRing,
    *,
    tenant_id: str,
    mode: str,
    wanted: ApiKeyCreate,
    author: Caller | None = None,
) -> NewKey:
    """Store a new key of a tenant; without an author it was the operator who asked for it."""
    new = await _store(session, keyring, tenant_id=tenant_id, mode=mode, wanted=wanted, author=author)
    await audit.record(
        session,
        tenant_id=tenant_id,
        action="api_key.created",
        actor=audit.actor_of(author) if author else audit.OPERATOR,
        target=new.id,
        details={"name": wanted.name, "scopes": _ordered(wanted.scopes)},
    )
    return new


async def _store(
    session: AsyncSession,
    keyring: KeyRing,
    *,
    tenant_id: str,
    mode: str,
    wanted: ApiKeyCreate,
    author: Caller | None,
) -> NewKey:
    secret = rules.new_key(mode)
    key = ApiKey(
        tenant_id=tenant_id,
        id=new_id("key"),
        name=wanted.name,
        hash=keyring.hashes(HASH_PURPOSE, secret)[0],
        hint=rules.hint(secret),
        scopes=_ordered(wanted.scopes),
        allowed_addresses=wanted.allowed_addresses,
        created_by=author.credential_id if author else None,
        expires_at=wanted.expires_at,
    )
    session.add(key)
    text = await queries.one(SessionReads(session), tenant_id, key.id)
    assert text is not None
    return NewKey(key.id, secret, text)


async def roll_key(
    session: AsyncSession, keyring: KeyRing, *, caller: Caller, key_id: str, wanted: ApiKeyRoll
) -> NewKey:
    """Replace a key by a new one with the same rights; the old one works for the grace period.

    Raises NotFound, KeyRevoked (409) when there is nothing left to replace, and ScopeNotYours (403): the
    caller gets to see the new key, so it may not have scopes that the caller lacks.
    """
    old = await _active(session, caller.tenant_id, key_id)
    _refuse_more_than_own(old.scopes, caller)
    until = clock.real_now() + timedelta(seconds=wanted.grace_seconds)
    same = ApiKeyCreate(
        name=old.name,
        scopes=[Scope(scope) for scope in old.scopes],
        allowed_addresses=old.allowed_addresses,
        expires_at=old.expires_at,
    )
    mode = "test" if caller.sandbox else "live"
    new = await _store(session, keyring, tenant_id=caller.tenant_id, mode=mode, wanted=same, author=caller)
    old.replaced_by = new.id
    old.expires_at = min(until, old.expires_at) if old.expires_at else until
    await audit.record(
        session,
        tenant_id=caller.tenant_id,
        action="api_key.rolled",
        actor=audit.actor_of(caller),
        target=old.id,
        details={"name": old.name, "new_key": new.id, "grace_seconds": wanted.grace_seconds},
    )
    return new


async def revoke_key(session: AsyncSession, *, caller: Caller, key_id: str) -> None:
    """Stop a key from working at once; revoking twice is no error. Raises NotFound."""
    found = canonical("key", key_id)
    key = await queries.for_change(session, caller.tenant_id, found) if found else None
    if key is None:
        raise NotFound
    await _revoke(session, key, audit.actor_of(caller))


async def _revoke(session: AsyncSession, key: ApiKey, actor: audit.Actor) -> None:
    if key.revoked_at:
        return
    key.revoked_at = clock.real_now()
    await audit.record(
        session,
        tenant_id=key.tenant_id,
        action="api_key.revoked",
        actor=actor,
        target=key.id,
        details={"name": key.name},
    )


async def _active(session: AsyncSession, tenant_id: str, key_id: str) -> ApiKey:
    found = canonical("key", key_id)
    key = await queries.for_change(session, tenant_id, found) if found else None
    if key is None:
        raise NotFound
    expired = key.expires_at is not None and key.expires_at <= clock.real_now()
    if key.revoked_at or key.replaced_by or expired:
        raise KeyRevoked(id=key.id)
    return key


def _refuse_more_than_own(scopes: Iterable[str], caller: Caller) -> None:
    missing = sorted(set(scopes) - caller.scopes)
    if missing:
        raise ScopeNotYours(missing=" ".join(missing))


def _refuse_past(wanted: ApiKeyCreate) -> None:
    if wanted.expires_at is not None and wanted.expires_at <= clock.real_now():
        raise ValidationFailed.at("/expires_at", "in_the_past", Text("Ya ha pasado.", "It is in the past."))


def _ordered(scopes: Sequence[Scope]) -> list[str]:
    return [scope.value for scope in Scope if scope in scopes]


async def add_key_by_operator(
    session: AsyncSession, keyring: KeyRing, *, tenant_id: str, wanted: ApiKeyCreate
) -> NewKey | None:
    """Create a key for any tenant, of the mode that fits it; None when there is no such tenant."""
    mode = await queries.mode_of_tenant(session, tenant_id)
    if mode is None:
        return None
    return await add_key(session, keyring, tenant_id=tenant_id, mode=mode, wanted=wanted)


async def revoke_by_operator(session: AsyncSession, keyring: KeyRing, *, key: str) -> str | None:
    """Revoke a key named by its id or by itself; return its id, or None when there is none."""
    found = await queries.by_id_or_hash(session, key, keyring.hashes(HASH_PURPOSE, key))
    if found is None:
        return None
    await _revoke(session, found, audit.OPERATOR)
    return found.id
