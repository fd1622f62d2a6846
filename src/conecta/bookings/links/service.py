"""Links to a booking: made for each message, opened without an account, revoked when the firm says so."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.audit import service as audit
from conecta.auth.caller import Caller
from conecta.kit import clock
from conecta.kit.crypto import KeyRing
from conecta.kit.db import Database, SessionReads
from conecta.kit.errors import NotFound
from conecta.kit.ids import canonical, new_id

from . import queries
from .queries import OpenLink
from .schemas import BookingLinkRead, BookingLinks

__all__ = [
    "OpenLink",
    "delete_expired_links",
    "keep_links",
    "make_links",
    "open_link",
    "revoke_links",
    "share_links",
]

_HASH_PURPOSE: Final = "booking links"
# 128 bits, in the few letters that a text message can spare.
_SECRET_BYTES: Final = 16
_LONGEST: Final = 64  # what nobody was given is not worth hashing
# How long after a booking its links still show it.
_SHOWN_FOR: Final = timedelta(days=30)


async def make_links(
    session: AsyncSession,
    keyring: KeyRing,
    *,
    tenant_id: str,
    booking_id: str,
    attendee_ids: Sequence[str],
    ends_at: datetime,
) -> Mapping[str, str]:
    """Return a new secret for each of these attendees; it works until some time after the booking's end."""
    made = {attendee_id: secrets.token_urlsafe(_SECRET_BYTES) for attendee_id in attendee_ids}
    links = [
        (new_id("bln"), attendee_id, keyring.hashes(_HASH_PURPOSE, secret)[0])
        for attendee_id, secret in made.items()
    ]
    if links:
        expires_at = _expiry(ends_at)
        await queries.add(session, tenant_id, booking_id, links, now=clock.now(), expires_at=expires_at)
    return made


async def keep_links(session: AsyncSession, *, tenant_id: str, booking_id: str, ends_at: datetime) -> None:
    """Let the links that were made before go on working after a booking has moved."""
    await queries.keep(session, tenant_id, booking_id, _expiry(ends_at))


async def share_links(
    session: AsyncSession, keyring: KeyRing, *, tenant_id: str, booking_id: str, base_url: str
) -> BookingLinks:
    """Make a link for everybody who comes, for the firm to hand over itself; raise NotFound."""
    key = canonical("bkg", booking_id)
    found = await queries.attendees(SessionReads(session), tenant_id, key) if key else []
    if not key or not found:
        raise NotFound
    names = {who.id: who.name or "" for who in found if who.id}
    ends_at = found[0].ends_at
    made = await make_links(
        session, keyring, tenant_id=tenant_id, booking_id=key, attendee_ids=list(names), ends_at=ends_at
    )
    return BookingLinks(
        data=[
            BookingLinkRead(
                attendee_id=attendee_id,
                name=names[attendee_id],
                url=f"{base_url}/c/{secret}",
                expires_at=_expiry(ends_at),
            )
            for attendee_id, secret in made.items()
        ]
    )


async def open_link(database: Database, keyring: KeyRing, secret: str) -> OpenLink | None:
    """Return what a link opens; None when it is unknown, revoked or has expired."""
    if not (0 < len(secret) <= _LONGEST and secret.isascii()):
        return None
    return await queries.find(database, keyring.hashes(_HASH_PURPOSE, secret), clock.real_now())


async def revoke_links(session: AsyncSession, *, caller: Caller, booking_id: str) -> None:
    """Stop every link to a booking that was ever sent; raise NotFound. Later messages bring new ones."""
    tenant_id, key = caller.tenant_id, canonical("bkg", booking_id)
    if not key or not await queries.attendees(SessionReads(session), tenant_id, key):
        raise NotFound
    if await queries.revoke(session, tenant_id, key, clock.now()):
        await audit.record(
            session,
            tenant_id=tenant_id,
            action="booking_links.revoked",
            actor=audit.actor_of(caller),
            target=key,
        )


async def delete_expired_links(database: Database) -> int:
    """Delete links that have expired; return how many."""
    # A sandbox may be ahead by years; those it left behind go when the machine's time gets there.
    before, deleted = clock.real_now(), 0
    while batch := await queries.delete_expired(database, before):
        deleted += batch
    return deleted


def _expiry(ends_at: datetime) -> datetime:
    return max(ends_at, clock.now()) + _SHOWN_FOR
