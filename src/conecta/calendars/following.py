"""The worker's part: calendars are read when they are due, and bookings written when they have changed."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import psycopg
import structlog
from sqlalchemy.exc import OperationalError

from conecta.kit import background, clock, language
from conecta.kit.crypto import DecryptionError, KeyRing
from conecta.kit.db import Database
from conecta.settings import Settings

from . import mirror_queries, rules, telling
from . import sync_queries as queries
from .accounts import Accounts, push_address
from .http import Http
from .mirroring import Writer
from .provider import NotAuthorized, ProviderDelays, ProviderFailure
from .sync_queries import Claimed
from .syncing import Reader

POLL_SECONDS: Final = 5.0
# Longer than one account takes; what a dead worker had begun is taken up again after it.
_LEASE: Final = timedelta(minutes=10)
_AT_A_TIME: Final = 3

log = structlog.get_logger()


class CalendarSync:
    """One worker's calendars; `run` until cancelled."""

    def __init__(self, database: Database, keyring: KeyRing, settings: Settings) -> None:
        """Prepare; nothing is opened before it runs.

        Args:
            database: an open database.
            keyring: opens the accounts' tokens.
            settings: who we are to the providers, how often to ask them, and where they reach us.
        """
        self._database = database
        self._interval = timedelta(seconds=settings.calendar_poll_seconds)
        self._http = Http()
        self._accounts = Accounts(database, keyring, settings, self._http)
        self._reader = Reader(database, keyring, base_url=settings.base_url, push_url=push_address(settings))
        self._writer = Writer(database, keyring)
        self._keyring = keyring

    async def run(self) -> None:
        """Keep calendars in step until cancelled; an outage of the database only delays it."""
        if not self._accounts.providers:
            return
        try:
            await background.repeat(self._follow_and_wait, name="calendars")
        finally:
            await self.close()

    async def _follow_and_wait(self) -> None:
        await self.write_due()
        await self.sync_due()
        await asyncio.sleep(POLL_SECONDS)

    async def close(self) -> None:
        """Close the connections to the providers."""
        await self._http.close()

    async def sync_due(self) -> int:
        """Read every connection that is due now; return how many."""
        return await _drain(self._sync_one)

    async def write_due(self) -> int:
        """Write every event that is to be written now; return how many."""
        return await _drain(self._write_one)

    async def _sync_one(self) -> bool:
        now = clock.real_now()
        async with self._database.transaction(system=True) as session:
            claimed = await queries.claim(session, now, now + _LEASE, now + self._interval)
        if claimed is None:
            return False
        clock.move_for_this_context(timedelta(seconds=claimed.clock_offset_seconds))
        language.speak(claimed.language)
        try:
            await self._read(claimed)
        except NotAuthorized as failure:
            await self._refuse(claimed, str(failure))
        except ProviderFailure as failure:
            seconds = failure.seconds if isinstance(failure, ProviderDelays) else None
            await self._delay(claimed, str(failure), seconds)
        except Exception as error:
            log.exception("calendar_sync_broke", connection=claimed.id)
            await self._delay(claimed, type(error).__name__, None)
        else:
            await self._release(claimed)
        finally:
            clock.move_for_this_context(clock.STILL)
        return True

    async def _read(self, claimed: Claimed) -> None:
        provider, leaving = self._accounts.providers.get(claimed.provider), claimed.state == "disconnected"
        api = None
        if provider is not None:
            try:
                api = self._accounts.open(
                    provider, claimed.tenant_id, claimed.id, claimed.version, claimed.tokens
                )
            except DecryptionError:
                if not leaving:
                    raise NotAuthorized("What opens the account cannot be read any more.") from None
        if leaving:
            await self._reader.say_goodbye(claimed, provider, api)
        elif provider is None or api is None:
            raise ProviderFailure("This installation has no client of the provider.")
        else:
            await self._reader.read(claimed, provider, api)

    async def _refuse(self, claimed: Claimed, error: str) -> None:
        title = self._accounts.providers[claimed.provider].title
        async with self._database.transaction(tenant_id=claimed.tenant_id) as session:
            await telling.refuse(
                session,
                self._keyring,
                claimed.tenant_id,
                claimed.id,
                claimed.version,
                title=title,
                error=error,
            )
            await queries.release(session, claimed, next_at=clock.real_now() + self._interval)

    async def _release(self, claimed: Claimed) -> None:
        synced = clock.now() if claimed.state == "active" else None
        async with self._database.transaction(tenant_id=claimed.tenant_id) as session:
            await queries.release(session, claimed, synced=synced, next_at=clock.real_now() + self._interval)

    async def _delay(self, claimed: Claimed, error: str, seconds: float | None) -> None:
        wait = max(rules.pause(claimed.failures), timedelta(seconds=seconds or 0))
        async with self._database.transaction(tenant_id=claimed.tenant_id) as session:
            await queries.delay(session, claimed, error=error, next_at=clock.real_now() + wait)

    async def _write_one(self) -> bool:
        now = clock.real_now()
        async with self._database.transaction(system=True) as session:
            wanted = await mirror_queries.claim(session, now, now + _LEASE)
        if wanted is None:
            return False
        provider = self._accounts.providers.get(wanted.provider)
        try:
            if provider is None:
                await self._writer.fail(wanted, "This installation has no client of the provider.")
                return True
            api = self._accounts.open(
                provider, wanted.tenant_id, wanted.connection_id, wanted.account, wanted.tokens
            )
            await self._writer.write(wanted, provider, api)
        except (psycopg.OperationalError, OperationalError, OSError):
            raise
        except Exception as error:
            log.exception("calendar_event_broke", booking=wanted.booking_id)
            await self._writer.fail(wanted, type(error).__name__)
        return True


async def _drain(one: Callable[[], Awaitable[bool]]) -> int:
    """Work until nothing is due, on several at a time: one provider that is slow delays no other."""

    async def work() -> int:
        count = 0
        while await one():
            count += 1
        return count

    return sum(await asyncio.gather(*(work() for _ in range(_AT_A_TIME))))
