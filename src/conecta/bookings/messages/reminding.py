"""Sends reminders when they are due: each once, however many workers run and whenever one of them dies.

A reminder becomes a message in the transaction that settles it; sending the message is the postman's.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Final

import psycopg
import structlog
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit import background, clock
from conecta.kit.crypto import KeyRing
from conecta.kit.db import Database, act_for

from . import queries, rules, service
from .queries import Due

POLL_SECONDS: Final = 10.0

log = structlog.get_logger()


class Reminders:
    """One worker's reminders; `run` until cancelled."""

    def __init__(self, database: Database, keyring: KeyRing, *, base_url: str) -> None:
        """Prepare; nothing is opened before it runs.

        Args:
            database: an open database.
            keyring: encrypts what is written.
            base_url: where people reach us.
        """
        self._database, self._keyring, self._base_url = database, keyring, base_url

    async def run(self) -> None:
        """Send what is due until cancelled; an outage of the database only delays it."""
        await background.repeat(self._send_and_wait, name="reminders")

    async def _send_and_wait(self) -> None:
        await self.send_due()
        await asyncio.sleep(POLL_SECONDS)

    async def send_due(self) -> int:
        """Send every reminder that is due now; return how many."""
        sent = 0
        while (state := await self._settle_one()) is not None:
            sent += state == "sent"
        return sent

    async def _settle_one(self) -> str | None:
        due = None
        try:
            async with self._database.transaction(system=True) as session:
                due = await queries.claim_due(session, clock.real_now())
                if due is None:
                    return None
                # As of here everything is done as the firm, on its clock.
                await act_for(session, due.tenant_id)
                clock.move_for_this_context(timedelta(seconds=due.clock_offset_seconds))
                return await self._settled(session, due)
        except (psycopg.OperationalError, OperationalError, OSError):
            raise
        except Exception:
            if due is None:
                raise
            # One that cannot be written must not keep all others waiting.
            log.exception("reminder_broke", booking=due.booking_id)
            async with self._database.transaction(system=True) as session:
                await queries.settle(session, due, "skipped", clock.now())
            return "skipped"
        finally:
            clock.move_for_this_context(clock.STILL)

    async def _settled(self, session: AsyncSession, due: Due) -> str:
        booking = await service.read_booking(session, due.booking_id)
        state = "skipped"
        if booking is not None and not due.overtaken and _is_to_come(booking, due.starts_at):
            later = _put_off_until(booking, due)
            if later and later < due.starts_at:
                await queries.put_off(session, due, later)
                return "waiting"
            if not later and await self._sent(session, due, booking):
                state = "sent"
        await queries.settle(session, due, state, clock.now())
        return state

    async def _sent(self, session: AsyncSession, due: Due, booking: service.Appointment) -> bool:
        return await service.remind(
            session,
            self._keyring,
            tenant_id=due.tenant_id,
            booking=booking,
            attendee_id=due.attendee_id,
            channel=due.channel,
            base_url=self._base_url,
        )


def _put_off_until(booking: service.Appointment, due: Due) -> datetime | None:
    """Return the end of the quiet hours of whom it is for, when it comes late, after an outage, into them."""
    zone = next((guest.time_zone for guest in booking.guests if guest.id == due.attendee_id), None)
    return rules.put_off_until(clock.now(), due.due_at, zone, booking.rules) if zone else None


def _is_to_come(booking: service.Appointment, start: datetime) -> bool:
    sure = booking.status == "confirmed" or booking.awaits_guest
    return sure and booking.start == start > clock.now()
