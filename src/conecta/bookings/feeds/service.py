"""Calendar feeds: made, listed, revoked, and written for whoever shows their address."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.audit import service as audit
from conecta.auth.caller import Caller
from conecta.bookings import ics
from conecta.kit import clock, language
from conecta.kit.crypto import KeyRing
from conecta.kit.db import Database, Reads, SessionReads
from conecta.kit.errors import NotFound, ValidationFailed
from conecta.kit.ids import canonical, new_id
from conecta.kit.language import Text
from conecta.kit.pages import PageOfRows, Pager
from conecta.users import service as users

from . import queries, rules
from .models import CalendarFeed
from .schemas import CalendarFeedCreate, CalendarFeedFilters

_HASH_PURPOSE: Final = "calendar feeds"
_SECRET_BYTES: Final = 24
_LONGEST: Final = 64  # what nobody was given is not worth hashing
# What a calendar program is shown of the past and of the future.
_PAST, _FUTURE = timedelta(days=60), timedelta(days=400)
_CANCELLED_FOR = timedelta(days=30)
_MOST: Final = 5_000


@dataclass(frozen=True)
class NewFeed:
    """A feed that was just made; its secret is stored nowhere."""

    id: str
    secret: str
    json_text: str


async def list_feeds(
    reads: Reads, pager: Pager, *, tenant_id: str, filters: CalendarFeedFilters
) -> PageOfRows:
    """Return a page of the firm's feeds, revoked ones too."""
    return await queries.page(reads, pager, tenant_id, filters)


async def create_feed(
    session: AsyncSession, keyring: KeyRing, *, caller: Caller, wanted: CalendarFeedCreate
) -> NewFeed:
    """Create a feed; raise ValidationFailed when there is no such member."""
    await _refuse_unknown_member(session, caller.tenant_id, wanted.user_id)
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    feed = CalendarFeed(
        tenant_id=caller.tenant_id,
        id=new_id("feed"),
        name=wanted.name,
        user_id=wanted.user_id,
        privacy=wanted.privacy,
        language=language.current(),
        hash=keyring.hashes(_HASH_PURPOSE, secret)[0],
        hint=secret[-4:],
    )
    session.add(feed)
    await _record(session, caller, feed, "calendar_feed.created")
    text = await queries.one(SessionReads(session), caller.tenant_id, feed.id)
    assert text is not None
    return NewFeed(feed.id, secret, text)


async def revoke_feed(session: AsyncSession, *, caller: Caller, feed_id: str) -> None:
    """Stop serving a feed at once; revoking twice is no error. Raises NotFound."""
    key = canonical("feed", feed_id)
    feed = await queries.for_change(session, caller.tenant_id, key) if key else None
    if feed is None:
        raise NotFound
    if feed.revoked_at is None:
        feed.revoked_at = clock.now()
        await _record(session, caller, feed, "calendar_feed.revoked")


@dataclass(frozen=True)
class OpenCalendar:
    """What stands at the address of a feed, not written yet."""

    feed: queries.OpenFeed
    bookings: Sequence[queries.FeedBooking]

    @property
    def version(self) -> str:
        """Changes whenever what is written would."""
        return hashlib.blake2b(repr((self.feed, self.bookings)).encode(), digest_size=12).hexdigest()

    def write(self, host: str) -> bytes:
        """Write the calendar; `host` is the name of this installation, which every booking's UID ends in."""
        return ics.feed(self.feed.name, (rules.entry(self.feed, booking, host) for booking in self.bookings))


async def open_feed(database: Database, keyring: KeyRing, *, secret: str) -> OpenCalendar | None:
    """Return the calendar at an address; None when there is no such feed, or it was revoked."""
    fits = 0 < len(secret) <= _LONGEST and secret.isascii()
    feed = await queries.find(database, keyring.hashes(_HASH_PURPOSE, secret)) if fits else None
    if feed is None:
        return None
    now = clock.real_now() + timedelta(seconds=feed.clock_offset_seconds)
    found = await queries.bookings(
        database,
        feed,
        now=now,
        start=now - _PAST,
        end=now + _FUTURE,
        cancelled_since=now - _CANCELLED_FOR,
        limit=_MOST,
    )
    return OpenCalendar(feed, found)


async def _refuse_unknown_member(session: AsyncSession, tenant_id: str, user_id: str | None) -> None:
    if user_id is None:
        return
    try:
        await users.read_user(SessionReads(session), tenant_id=tenant_id, user_id=user_id)
    except NotFound:
        sentence = Text("No hay ningún miembro con ese id.", "There is no member with that id.")
        raise ValidationFailed.at("/user_id", "unknown_user", sentence) from None


async def _record(session: AsyncSession, caller: Caller, feed: CalendarFeed, action: str) -> None:
    await audit.record(
        session,
        tenant_id=caller.tenant_id,
        action=action,
        actor=audit.actor_of(caller),
        target=feed.id,
        details={"name": feed.name, "user_id": feed.user_id, "privacy": feed.privacy},
    )
