"""Moving a booking to another free time, by its link and in the portal; and which times are free for it."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData
from starlette.responses import Response

from conecta.availability import service as availability
from conecta.availability.service import Slot, SlotQuery
from conecta.bookings import service as bookings
from conecta.bookings.messages import service as messages
from conecta.bookings.messages.service import Appointment
from conecta.kit import clock
from conecta.kit.db import Reads
from conecta.kit.errors import Problem
from conecta.kit.etags import Precondition
from conecta.kit.language import Text

from . import forms, times
from .web import Page

# How far ahead one look reaches, and how many days with free times are shown of it.
_REACH: Final = timedelta(days=28)
_DAYS_SHOWN: Final = 5


@dataclass(frozen=True)
class FreeTimes:
    """The next days with times that are free for a booking; `later` is the day to go on from."""

    days: Sequence[tuple[date, Sequence[Slot]]]
    later: date
    are_first: bool
    """Whether there are none before them."""

    def named(self, zone: ZoneInfo, link: Callable[[str], str]) -> list[tuple[str, list[tuple[str, str]]]]:
        """Return the days as templates list them; `link` gives the address of a start."""
        return [
            (
                times.day_name(day),
                [(link(start), label) for start, label in times.labels([slot.start for slot in slots], zone)],
            )
            for day, slots in self.days
        ]


async def times_to_move(
    reads: Reads,
    *,
    tenant_id: str,
    booking_id: str,
    service_id: str | None,
    provider_ids: Sequence[str],
    start: datetime,
    end: datetime,
    seats: int,
    zone: ZoneInfo,
    first: date | None = None,
    keeps_start: bool = False,
) -> FreeTimes:
    """Return where a booking may go from a day on (today unless told), in the days of `zone`.

    With the same host as before, unless several give it together; its own time does not stand in its way and
    is not offered again, unless it `keeps_start` because somebody else is to give it.
    """
    today = clock.now().astimezone(zone).date()
    first = max(today, first or today)
    begin = datetime.combine(first, time(), zone).astimezone(UTC)
    found = await availability.slots(
        reads,
        tenant_id=tenant_id,
        query=SlotQuery(
            start=begin,
            end=begin + _REACH,
            time_zone=str(zone),
            service_id=service_id,
            provider_id=provider_ids[0] if len(provider_ids) == 1 else None,
            minutes=int((end - start) / timedelta(minutes=1)),
            seats=seats,
            ignoring=booking_id,
        ),
        now=clock.now(),
    )
    own = None if keeps_start else start
    others = [(day, [slot for slot in slots if slot.start != own]) for day, slots in found.days]
    shown = [(day, slots) for day, slots in others if slots][:_DAYS_SHOWN]
    later = shown[-1][0] + timedelta(days=1) if shown else first + _REACH
    return FreeTimes(shown, later, are_first=first <= today)


def may_move(appointment: Appointment) -> bool:
    """Say whether those who come to a booking may still move it."""
    in_time = clock.now() <= appointment.move_until
    return appointment.is_open and in_time and appointment.may_move_again


@dataclass(frozen=True)
class Move:
    """A booking that somebody who comes to it wants at another time, on pages of their own."""

    page: Page
    actor: bookings.Actor
    appointment: Appointment
    reads: Reads
    time_zone: str
    base: str
    """Address of the booking; that of moving it lies below."""
    render: Callable[..., Response]
    """Answers one of the two pages, `times` or `move`, with what it is given."""
    show: Callable[[forms.FormErrors], Awaitable[Response]]
    """Answers the page of the booking, with why it cannot be moved."""

    async def ask(self) -> Response:
        """Show free times to choose from; with one chosen, ask whether it is the right one."""
        if not may_move(self.appointment):
            return self.page.redirect(self.base)
        start = times.moment_of(self.page.request.query_params.get("start"))
        if start is None:
            return await self._times(None)
        end = start + (self.appointment.end - self.appointment.start)
        moved = replace(self.appointment, start=start, end=end)
        return self.render(
            "move",
            start=clock.wire(start),
            what=messages.words.what(self.appointment),
            new_when=messages.words.when(moved, self.time_zone),
            **self._common(),
        )

    async def make(self, form: FormData, transaction: AbstractAsyncContextManager[AsyncSession]) -> Response:
        """Move the booking to the time that was chosen; when it is gone, show those that are free now."""
        try:
            wanted = forms.read(bookings.BookingReschedule, {"start": str(form.get("start", ""))})
            async with transaction as session:
                await bookings.reschedule(
                    session,
                    bookings.Sender(self.page.keyring, self.page.settings.base_url),
                    actor=self.actor,
                    booking_id=self.appointment.id,
                    wanted=wanted,
                    precondition=Precondition(None),
                )
        except Problem as refusal:
            if not may_move(self.appointment):
                return await self.show(forms.errors_of(refusal))
            return await self._times(forms.FormErrors(general=[str(refusal.sentence)], status=refusal.status))
        self.page.notice(Text("La cita tiene una hora nueva.", "The appointment has a new time."))
        return self.page.redirect(self.base)

    async def _times(self, errors: forms.FormErrors | None) -> Response:
        appointment, zone = self.appointment, ZoneInfo(self.time_zone)
        free = await times_to_move(
            self.reads,
            tenant_id=self.actor.tenant_id,
            booking_id=appointment.id,
            service_id=appointment.service_id,
            provider_ids=[appointment.provider_id] if len(appointment.hosts) <= 1 else [],
            start=appointment.start,
            end=appointment.end,
            seats=appointment.seats,
            zone=zone,
            first=times.day_of(self.page.request.query_params.get("from")),
        )
        return self.render(
            "times",
            errors=errors,
            days=free.named(zone, lambda start: self._below(start=start)),
            earlier=None if free.are_first else self._below(),
            later=self._below(**{"from": free.later.isoformat()}),
            zone=times.zone_name(zone),
            **self._common(),
        )

    def _common(self) -> dict[str, Any]:
        when = messages.words.when(self.appointment, self.time_zone)
        return {"base": self.base, "when": when, "again": self._below()}

    def _below(self, **query: str) -> str:
        return f"{self.base}/reschedule" + (f"?{urlencode(query)}" if query else "")
