"""Writes our bookings into the calendars of those who host them."""

from datetime import timedelta
from typing import Final

from conecta.kit import clock
from conecta.kit.crypto import KeyRing
from conecta.kit.db import Database
from conecta.kit.language import Text

from . import mirror_queries as queries
from . import rules, telling
from .mirror_queries import Booked, Wanted
from .provider import Api, CalendarProvider, NotAuthorized, OurEvent, ProviderDelays, ProviderFailure

_BOOKING: Final = Text("Cita", "Appointment")
_LIVE: Final = {"pending", "confirmed"}
# What came about keeps its event; only what was called off loses it.
_KEPT: Final = {"completed", "no_show"}
_RETRIED: Final = {404, 408, 409, 410, 412, 425, 429}


class Writer:
    """Writes one event at a time."""

    def __init__(self, database: Database, keyring: KeyRing) -> None:
        self._database, self._keyring = database, keyring

    async def write(self, wanted: Wanted, provider: CalendarProvider, api: Api) -> None:
        """Bring an event to what its booking says, or note why not."""
        try:
            await self._bring(wanted, provider, api)
        except NotAuthorized as failure:
            async with self._database.transaction(tenant_id=wanted.tenant_id) as session:
                await telling.refuse(
                    session, self._keyring, wanted.tenant_id, wanted.connection_id, wanted.account,
                    title=provider.title, error=str(failure),
                )  # fmt: skip
            await self._later(wanted, str(failure), timedelta(0))
        except ProviderDelays as failure:
            wait = rules.pause(wanted.tries)
            if failure.seconds is not None:
                wait = max(wait, timedelta(seconds=failure.seconds))
            await self._later(wanted, str(failure), wait)
        except ProviderFailure as failure:
            if failure.status in _RETRIED or wanted.tries < 3:
                await self._later(wanted, str(failure), rules.pause(wanted.tries))
            else:
                await self._give_up(wanted, str(failure))

    async def fail(self, wanted: Wanted, error: str) -> None:
        """Note that something of ours broke, so that it is tried again and keeps no other waiting."""
        await self._later(wanted, error, rules.pause(wanted.tries))

    async def _bring(self, wanted: Wanted, provider: CalendarProvider, api: Api) -> None:
        async with self._database.transaction(tenant_id=wanted.tenant_id) as session:
            booked = await queries.booking(session, wanted)
        if booked is None:
            return
        event = _event(wanted, booked)
        if booked.status in _KEPT:
            async with self._database.transaction(tenant_id=wanted.tenant_id) as session:
                await queries.done(
                    session, wanted, now=clock.real_now(), external_id=wanted.external_id,
                    start=booked.start, end=booked.end,
                )  # fmt: skip
        elif booked.status in _LIVE and booked.hosted:
            written = await provider.write(api, wanted.calendar_id, event, wanted.external_id)
            async with self._database.transaction(tenant_id=wanted.tenant_id) as session:
                await queries.done(
                    session, wanted, now=clock.real_now(), external_id=written.id, etag=written.etag,
                    start=booked.start, end=booked.end,
                )  # fmt: skip
        else:
            await provider.remove(api, wanted.calendar_id, event, wanted.external_id)
            async with self._database.transaction(tenant_id=wanted.tenant_id) as session:
                await queries.done(session, wanted, now=clock.real_now())

    async def _later(self, wanted: Wanted, error: str, wait: timedelta) -> None:
        async with self._database.transaction(tenant_id=wanted.tenant_id) as session:
            await queries.failed(session, wanted, error=error, next_at=clock.real_now() + wait)

    async def _give_up(self, wanted: Wanted, error: str) -> None:
        async with self._database.transaction(tenant_id=wanted.tenant_id) as session:
            await queries.give_up(session, wanted, error)


def _event(wanted: Wanted, booked: Booked) -> OurEvent:
    title = booked.service or (_BOOKING.en if booked.language == "en" else _BOOKING.es)
    guests = ", ".join(booked.guests)
    return OurEvent(
        key=rules.event_key(wanted.connection_id, wanted.booking_id),
        booking_id=wanted.booking_id,
        summary=f"{title}: {guests}" if guests else title,
        description=booked.notes or "",
        location=booked.location or "",
        start=booked.start,
        end=booked.end,
        tentative=booked.status == "pending",
        version=wanted.version,
    )
