"""Publishable keys: create, list, change, revoke."""

import secrets
import string

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.audit import service as audit
from conecta.auth.caller import Caller
from conecta.kit import clock
from conecta.kit.db import Reads, SessionReads
from conecta.kit.errors import NotFound
from conecta.kit.etags import Precondition
from conecta.kit.ids import canonical, new_id
from conecta.kit.pages import PageOfRows, Pager
from conecta.website.errors import PublishableKeyRevoked, TooManyPublishableKeys
from conecta.website.models import PublishableKey

from . import queries
from .schemas import PublishableKeyCreate, PublishableKeyFilters, PublishableKeyUpdate

MOST_KEYS = 50
_ALPHABET = string.ascii_letters + string.digits


async def list_keys(
    reads: Reads, pager: Pager, *, tenant_id: str, filters: PublishableKeyFilters
) -> PageOfRows:
    """Return a page of the firm's publishable keys, revoked ones too."""
    return await queries.page(reads, pager, tenant_id, filters)


async def read_key(reads: Reads, *, tenant_id: str, key_id: str) -> tuple[str, int]:
    """Return one key as JSON text and version; raise NotFound."""
    key = canonical("pub", key_id)
    found = await queries.one(reads, tenant_id, key) if key else None
    if found is None:
        raise NotFound
    return found


async def create_key(
    session: AsyncSession, *, caller: Caller, wanted: PublishableKeyCreate
) -> tuple[str, tuple[str, int]]:
    """Create a key; return its id, and its JSON text and version. Raises TooManyPublishableKeys (409)."""
    reads = SessionReads(session)
    if await queries.count_active(reads, caller.tenant_id) >= MOST_KEYS:
        raise TooManyPublishableKeys(limit=MOST_KEYS)
    mode = "test" if await queries.is_sandbox(reads, caller.tenant_id) else "live"
    key = PublishableKey(
        tenant_id=caller.tenant_id,
        id=new_id("pub"),
        name=wanted.name,
        key=f"pk_{mode}_cnt_" + "".join(secrets.choice(_ALPHABET) for _ in range(36)),
        origins=_each_once(wanted.origins),
        created_by=caller.credential_id,
    )
    session.add(key)
    await _record(session, caller, "publishable_key.created", key)
    return key.id, await read_key(reads, tenant_id=caller.tenant_id, key_id=key.id)


async def update_key(
    session: AsyncSession,
    *,
    caller: Caller,
    key_id: str,
    wanted: PublishableKeyUpdate,
    precondition: Precondition,
) -> tuple[str, int]:
    """Change a key's name or origins. Raises NotFound, PreconditionFailed, PublishableKeyRevoked (409)."""
    key = await _for_change(session, caller, key_id)
    precondition.check(key.version)
    if key.revoked_at:
        raise PublishableKeyRevoked(id=key.id)
    before = {"name": key.name, "origins": key.origins}
    after = {"name": wanted.name or key.name, "origins": _each_once(wanted.origins or key.origins)}
    if after != before:
        key.name, key.origins = wanted.name or key.name, _each_once(wanted.origins or key.origins)
        await _record(session, caller, "publishable_key.changed", key)
    return await read_key(SessionReads(session), tenant_id=caller.tenant_id, key_id=key.id)


async def revoke_key(session: AsyncSession, *, caller: Caller, key_id: str) -> None:
    """Stop a key from working; revoking twice is no error. Raises NotFound."""
    key = await _for_change(session, caller, key_id)
    if key.revoked_at is None:
        key.revoked_at = clock.real_now()
        await _record(session, caller, "publishable_key.revoked", key)


async def _for_change(session: AsyncSession, caller: Caller, key_id: str) -> PublishableKey:
    found = canonical("pub", key_id)
    key = await queries.for_change(session, caller.tenant_id, found) if found else None
    if key is None:
        raise NotFound
    return key


async def _record(session: AsyncSession, caller: Caller, action: str, key: PublishableKey) -> None:
    await audit.record(
        session,
        tenant_id=caller.tenant_id,
        action=action,
        actor=audit.actor_of(caller),
        target=key.id,
        details={"name": key.name, "origins": list(key.origins)},
    )


def _each_once(origins: list[str]) -> list[str]:
    return list(dict.fromkeys(origins))
