"""Links that open once: made, looked at, used up."""

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit import clock
from conecta.kit.crypto import KeyRing
from conecta.kit.db import Database, SessionReads
from conecta.kit.ids import new_id

from . import queries
from .queries import Link

__all__ = ["Link", "close_links", "delete_expired_links", "make_link", "peek_link", "use_link"]

_HASH_PURPOSE = "one-time links"
_KEPT = timedelta(days=1)
_LONGEST = 200  # what nobody was given is not worth hashing


async def make_link(
    session: AsyncSession,
    keyring: KeyRing,
    *,
    purpose: str,
    lifetime: timedelta,
    tenant_id: str | None = None,
    person_id: str | None = None,
    client_id: str | None = None,
    email: str | None = None,
    data: Mapping[str, Any] | None = None,
) -> str:
    """Return a new secret that opens once, within its lifetime; needs a system session.

    What it is good for is the purpose: a link of one purpose opens nothing of another. `data` is what
    whoever uses it has to know, fit for JSON; it is stored as it is, so it holds no secret.
    """
    secret = secrets.token_urlsafe(32)
    now = clock.real_now()
    values = {
        "id": new_id("lnk"),
        "purpose": purpose,
        "hash": keyring.hashes(_HASH_PURPOSE, secret)[0],
        "at_tenant": tenant_id,
        "person_id": person_id,
        "client_id": client_id,
        "email": email,
        "data": dict(data or {}),
        "created_at": now,
        "expires_at": now + lifetime,
    }
    queries.add(session, values)
    await session.flush()
    return secret


async def peek_link(session: AsyncSession, keyring: KeyRing, *, purpose: str, secret: str) -> Link | None:
    """Return an open link and leave it open; needs a system session."""
    hashes = _hashes(keyring, secret)
    return await queries.peek(SessionReads(session), hashes, purpose, clock.real_now()) if hashes else None


async def use_link(session: AsyncSession, keyring: KeyRing, *, purpose: str, secret: str) -> Link | None:
    """Use an open link up; None when it is unknown, used or expired. Needs a system session.

    Of many at once one gets it. A rollback opens it again.
    """
    hashes = _hashes(keyring, secret)
    return await queries.use(session, hashes, purpose, clock.real_now()) if hashes else None


async def close_links(
    session: AsyncSession,
    *,
    purpose: str,
    person_id: str | None = None,
    tenant_id: str | None = None,
    client_id: str | None = None,
) -> None:
    """Use up every open link of a purpose that a person, or a client of a firm, was given."""
    subject = {"person": person_id, "tenant": tenant_id, "client": client_id}
    await queries.close(session, purpose, subject, clock.real_now())


async def delete_expired_links(database: Database) -> int:
    """Delete links that expired a day ago; return how many."""
    before, deleted = clock.real_now() - _KEPT, 0
    while batch := await queries.delete_old(database, before):
        deleted += batch
    return deleted


def _hashes(keyring: KeyRing, secret: str) -> list[bytes]:
    fits = 0 < len(secret) <= _LONGEST and secret.isascii()
    return keyring.hashes(_HASH_PURPOSE, secret) if fits else []
