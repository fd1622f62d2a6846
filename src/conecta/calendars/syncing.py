"""Reads what has changed in people's calendars, and keeps the channels that tell us of it open."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from conecta.bookings import service as bookings
from conecta.bookings.service import Sender
from conecta.kit import clock
from conecta.kit.crypto import KeyRing
from conecta.kit.db import Database, HotReads

from . import channel_queries as channels
from . import moves, rules, telling
from . import queries as connections
from . import sync_queries as queries
from .accounts import SECRET_PURPOSE
from .channel_queries import Channel
from .provider import (
    Api,
    CalendarProvider,
    Changes,
    CursorExpired,
    NotAuthorized,
    ProviderDelays,
    ProviderFailure,
    RemoteEvent,
    Window,
)
from .sync_queries import Claimed, Source

# A channel is renewed when this little of its life is left.
_EARLY: Final = timedelta(hours=12)
_LISTED_EVERY: Final = timedelta(days=1)
# What a provider says of a calendar that is no more.
_GONE: Final = {404, 410}

log = structlog.get_logger()


class Reader:
    """Brings one connection up to date."""

    def __init__(self, database: Database, keyring: KeyRing, *, base_url: str, push_url: str | None) -> None:
        self._database, self._keyring, self._push_url = database, keyring, push_url
        self._sender = Sender(keyring, base_url)

    async def read(self, claimed: Claimed, provider: CalendarProvider, api: Api) -> None:
        """Read every calendar of a connection; raise ProviderFailure."""
        reads = HotReads(self._database, claimed.tenant_id, "")
        if claimed.listed_at is None or claimed.listed_at < clock.real_now() - _LISTED_EVERY:
            await self._list(claimed, provider, api)
        sources = await queries.sources(reads, claimed, clock.now())
        # Whoever watches first misses nothing of what changes while it is read.
        await self._watch(claimed, provider, api, sources)
        reach = await queries.reach(reads, claimed.tenant_id)
        refusal: ProviderFailure | None = None
        for source in sources:
            try:
                await self._read_one(claimed, provider, api, source, reach)
            except (NotAuthorized, ProviderDelays):
                raise
            except ProviderFailure as failure:
                # What is wrong with one calendar keeps no other from being read.
                refusal = refusal or failure
        if refusal is not None:
            if refusal.status in _GONE:
                async with self._database.transaction(tenant_id=claimed.tenant_id) as session:
                    await queries.listed(session, claimed, None)
            raise refusal

    async def say_goodbye(self, claimed: Claimed, provider: CalendarProvider | None, api: Api | None) -> None:
        """End the channels of a connection that was disconnected, give its access back, and forget it.

        Without an `api`, what opened the account cannot be used any more: it is just forgotten.
        """
        reads = HotReads(self._database, claimed.tenant_id, "")
        if provider is not None and api is not None:
            async with self._database.transaction(system=True) as session:
                shared = await queries.shared(session, claimed.provider, claimed.account)
            try:
                for channel in await channels.all_of(reads, claimed.tenant_id, claimed.id):
                    if channel.remote_id:
                        await provider.unwatch(api, channel.id, channel.remote_id)
                if not shared:
                    await api.revoke()
            except ProviderFailure as failure:
                # They end by themselves, too.
                log.info("calendar_access_left", connection=claimed.id, error=str(failure))
        async with self._database.transaction(tenant_id=claimed.tenant_id) as session:
            await queries.forget(session, claimed.tenant_id, claimed.id)

    async def _list(self, claimed: Claimed, provider: CalendarProvider, api: Api) -> None:
        """Learn which calendars have come, gone, or been renamed, and what was booked while connecting."""
        calendars = await provider.calendars(api)
        async with self._database.transaction(tenant_id=claimed.tenant_id) as session:
            await connections.mirror_coming(session, claimed.tenant_id, claimed.id, clock.now())
            await connections.store_sources(session, claimed.tenant_id, claimed.id, calendars)
            kept = [calendar.id for calendar in calendars]
            if kept and await queries.lose_sources(session, claimed, kept):
                await telling.lost_calendar(
                    session, self._keyring, claimed.tenant_id, claimed.user_id,
                    title=provider.title, account=claimed.account,
                )  # fmt: skip
            await queries.listed(session, claimed, clock.real_now())

    async def _read_one(
        self, claimed: Claimed, provider: CalendarProvider, api: Api, source: Source, reach: int
    ) -> None:
        asked, window = clock.real_now(), rules.window(clock.now(), reach)
        stale = rules.window_ends(source.window_ends_at, clock.now(), reach)
        cursor = None if stale else source.cursor
        try:
            changes = await provider.changes(
                api, source.calendar_id, source.time_zone, cursor=cursor, window=window
            )
        except CursorExpired:
            changes = await provider.changes(
                api, source.calendar_id, source.time_zone, cursor=None, window=window
            )
        async with self._database.transaction(tenant_id=claimed.tenant_id) as session:
            mirrors = await self._mirrors(session, claimed, source.calendar_id, changes, asked)
            locked = await queries.lock_source(session, claimed, source)
            if locked is None:
                return
            busy, claimed = locked
            ours, others = _sorted(claimed, provider, mirrors, changes, window)
            known = await queries.known(session, claimed.tenant_id, [event.id for event in others])
            others = [event for event in others if event.id not in known]
            for mirror, event in ours:
                await moves.judge(session, self._sender, claimed, provider.title, mirror, event)
            if busy:
                taken = [*known, *(event.id for _, event in ours)]
                await queries.store_busy(
                    session, claimed, source.calendar_id, others, ours=taken, whole=changes.whole
                )
            ends = window.end if changes.whole else None
            await queries.advance(
                session, claimed, source.calendar_id, changes.cursor, changes.time_zone, ends
            )

    async def _mirrors(
        self, session: AsyncSession, claimed: Claimed, calendar_id: str, changes: Changes, asked: datetime
    ) -> list[queries.Mirror]:
        ids, business = [event.id for event in changes.events], clock.now()
        if not await queries.any_ours(
            session, claimed, calendar_id, ids=ids, whole=changes.whole, business=business
        ):
            return []
        # Before any booking is locked, as whoever moves one does: two of them would wait for each other.
        await bookings.take_turn(session, claimed.tenant_id, business)
        return await queries.mirrors(
            session,
            claimed,
            calendar_id,
            ids=ids,
            whole=changes.whole,
            asked=asked,
            now=clock.real_now(),
            business=business,
        )

    async def _watch(
        self, claimed: Claimed, provider: CalendarProvider, api: Api, sources: Sequence[Source]
    ) -> None:
        """Keep one channel a calendar open; a new one is open before the old one is ended."""
        if self._push_url is None:
            return
        reads = HotReads(self._database, claimed.tenant_id, "")
        found = await channels.all_of(reads, claimed.tenant_id, claimed.id)
        lasting = clock.real_now() + _EARLY
        good = {c.calendar_id: c for c in found if not c.renew and c.expires_at and c.expires_at > lasting}
        wanted = {source.calendar_id for source in sources}
        # Some calendars cannot be watched at all; those that could before are, for as long as it lasts.
        unwatched = {
            calendar_id
            for calendar_id in sorted(wanted - set(good))
            if not await self._open_channel(claimed, provider, api, calendar_id)
        }
        kept = {channel.id for calendar_id, channel in good.items() if calendar_id in wanted}
        for channel in found:
            if channel.id not in kept and channel.calendar_id not in unwatched:
                await self._end_channel(claimed, provider, api, channel)

    async def _open_channel(
        self, claimed: Claimed, provider: CalendarProvider, api: Api, calendar_id: str
    ) -> bool:
        channel, secret = secrets.token_hex(16), secrets.token_urlsafe(24)
        hashed = self._keyring.hashes(SECRET_PURPOSE, secret)[0]
        async with self._database.transaction(tenant_id=claimed.tenant_id) as session:
            await channels.add(session, claimed, calendar_id, channel, hashed)
        address = f"{self._push_url}/calendars/push/{provider.name}/{channel}"
        try:
            watch = await provider.watch(api, calendar_id, address=address, channel=channel, secret=secret)
        except ProviderFailure as failure:
            # Without notifications it is still read, only less often.
            log.warning("calendar_channel_refused", connection=claimed.id, error=str(failure))
            async with self._database.transaction(tenant_id=claimed.tenant_id) as session:
                await channels.drop(session, claimed.tenant_id, channel)
            return False
        async with self._database.transaction(tenant_id=claimed.tenant_id) as session:
            await channels.opened(session, claimed.tenant_id, channel, watch.remote_id, watch.expires_at)
        return True

    async def _end_channel(
        self, claimed: Claimed, provider: CalendarProvider, api: Api, channel: Channel
    ) -> None:
        if channel.remote_id:
            try:
                await provider.unwatch(api, channel.id, channel.remote_id)
            except ProviderFailure as failure:
                log.info("calendar_channel_left", connection=claimed.id, error=str(failure))
        async with self._database.transaction(tenant_id=claimed.tenant_id) as session:
            await channels.drop(session, claimed.tenant_id, channel.id)


def _sorted(
    claimed: Claimed,
    provider: CalendarProvider,
    mirrors: Sequence[queries.Mirror],
    changes: Changes,
    window: Window,
) -> tuple[list[tuple[queries.Mirror, RemoteEvent]], list[RemoteEvent]]:
    """Tell our events from those of others.

    An event is ours when we know its id, or when it bears our key while we still wait for the answer that
    tells its id. A copy that somebody made of one bears our tag as well, and is theirs.
    """
    by_id = {mirror.external_id: mirror for mirror in mirrors if mirror.external_id}
    in_doubt = {
        provider.key_of(rules.event_key(claimed.id, mirror.booking_id)): mirror
        for mirror in mirrors
        if mirror.external_id is None
    }
    ours: dict[str, tuple[queries.Mirror, RemoteEvent]] = {}
    others = []
    for event in changes.events:
        mirror = by_id.get(event.id) or (in_doubt.get(event.key) if event.key else None)
        if mirror is None:
            others.append(event)
        else:
            ours[mirror.booking_id] = (mirror, event)
    if changes.whole:
        # What should be within the window and is not was deleted, although nobody says so.
        for mirror in by_id.values():
            inside = (
                mirror.ends_at is not None
                and mirror.starts_at is not None
                and (mirror.ends_at > window.start and mirror.starts_at < window.end)
            )
            if mirror.booking_id not in ours and inside and mirror.external_id:
                ours[mirror.booking_id] = (mirror, RemoteEvent(mirror.external_id, gone=True))
    return list(ours.values()), others
