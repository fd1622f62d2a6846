"""A booking moves to another time that is free, chosen from a list; perhaps with somebody else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData
from starlette.responses import Response

from conecta.bookings import service as bookings
from conecta.bookings.service import BookingReschedule
from conecta.kit import clock
from conecta.kit.errors import InvalidParameter, Problem
from conecta.kit.language import Text
from conecta.pages import forms, moving, times
from conecta.pages.forms import FormErrors
from conecta.pages.moving import FreeTimes
from conecta.pages.web import Page, PersonPage, page_router

from . import colleagues
from .bookings import allowed, do, notifies, path_of, read, refused

router = page_router("/panel/bookings")

_NOT_THEIRS = Text(
    "Con esa persona no hay horas: no presta este servicio o ya no atiende citas.",
    "There are no times with them: they do not give this service, or host no bookings any more.",
)


@dataclass(frozen=True)
class _Move:
    """A booking that is to move, and with whom: `members` is empty where several give it together."""

    page: Page
    booking: dict[str, Any]
    members: Sequence[tuple[str, str]]
    member: str

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.page.person.time_zone)

    @property
    def start(self) -> datetime:
        return datetime.fromisoformat(self.booking["start"])

    @property
    def end(self) -> datetime:
        return datetime.fromisoformat(self.booking["end"])

    @property
    def is_handed_over(self) -> bool:
        """Whether somebody else is to be the host."""
        return bool(self.member) and self.member != self.booking["provider_id"]

    def link(self, **query: str) -> str:
        """Return an address of these pages that keeps with whom."""
        kept = {"member": self.member} if self.is_handed_over else {}
        return f"{path_of(self.booking['id'])}/move?{urlencode(query | kept, safe=':')}"

    def name(self, start: datetime) -> str:
        """Return when the booking would be if it began at a moment."""
        return times.moment_name(start, start + (self.end - self.start), self.zone)

    def render(self, template: str, *, errors: FormErrors | None, **context: Any) -> Response:
        """Answer a page about the move."""
        return self.page.render(
            f"panel/agenda/{template}.html",
            status=errors.status if errors else 200,
            booking=self.booking,
            errors=errors,
            move=self,
            when=self.name(self.start),
            zone=times.zone_name(self.zone),
            **context,
        )


@router.get("/{booking_id}/move")
async def choose_time(page: PersonPage, booking_id: str) -> Response:
    """Free times to choose from; with one chosen, ask whether it is the right one."""
    query = page.request.query_params
    move = await _move(page, booking_id, query)
    if "move" not in allowed(move.booking):
        return page.redirect(path_of(move.booking["id"]))
    start = times.moment_of(query.get("start"))
    if start is None:
        return await _times(move, first=times.day_of(query.get("from")))
    return _asking(move, start, FormData({"notify": "yes"}), errors=None)


@router.post("/{booking_id}/move")
async def move_booking(page: PersonPage, booking_id: str) -> Response:
    """Move the booking to the time that was chosen; when it is gone, show the next free ones."""
    form = await page.form()
    move = await _move(page, booking_id, form)
    start = times.moment_of(str(form.get("start", "")))
    if start is None:
        return await _times(move)
    try:
        values = {
            "start": clock.wire(start),
            "provider_id": move.member if move.is_handed_over else None,
            "reason": str(form.get("reason", "")).strip() or None,
            "notify": notifies(form),
        }
        wanted = forms.read(BookingReschedule, values)
        async with page.transaction() as session:
            await do(page, session, bookings.reschedule, move.booking["id"], form, wanted)
    except Problem as refusal:
        return await _refused(move, start, form, refusal)
    page.notice(Text("La cita tiene una hora nueva.", "The appointment has a new time."))
    return page.redirect(path_of(move.booking["id"]))


async def _move(page: Page, booking_id: str, values: Mapping[str, Any]) -> _Move:
    booking = await read(page, booking_id)
    own = booking["provider_id"]
    if len(booking["provider_ids"]) > 1:
        return _Move(page, booking, [], "")
    people = await colleagues.members(page)
    others = [(member, name) for member, name in colleagues.assignable(people) if member != own]
    members = [(own, colleagues.names_of(people).get(own, own)), *others]
    chosen = str(values.get("member", ""))
    return _Move(page, booking, members, chosen if chosen in dict(members) else own)


async def _refused(move: _Move, start: datetime, form: FormData, refusal: Problem) -> Response:
    places = {error.pointer for error in refusal.errors}
    if "next_slots" in refusal.extensions or places & {"/start", "/provider_id"}:
        free = [datetime.fromisoformat(slot["start"]) for slot in refusal.extensions.get("next_slots", [])]
        # The API's own sentence tells programs where to look for the free ones; people see them below.
        said = FormErrors(general=[str(refusal.title)], status=refusal.status)
        return await _times(move, first=start.astimezone(move.zone).date(), errors=said, next_free=free)
    if refusal.status == 422:
        return _asking(move, start, form, errors=forms.errors_of(refusal))
    return refused(move.page, refusal, move.booking["id"])


def _asking(move: _Move, start: datetime, form: FormData, *, errors: FormErrors | None) -> Response:
    return move.render(
        "moving",
        errors=errors,
        form=form,
        notify=notifies(form),
        start=clock.wire(start),
        new_when=move.name(start),
        new_host=dict(move.members)[move.member] if move.is_handed_over else None,
    )


async def _times(
    move: _Move,
    *,
    first: date | None = None,
    errors: FormErrors | None = None,
    next_free: Sequence[datetime] = (),
) -> Response:
    today = clock.now().astimezone(move.zone).date()
    # Most go somewhere near; the list may begin on any other day.
    first = max(today, first or move.start.astimezone(move.zone).date())
    free = None
    try:
        free = await _free(move, first)
    except InvalidParameter:
        errors = errors or FormErrors(general=[str(_NOT_THEIRS)], status=409)
    return move.render(
        "times",
        errors=errors,
        first=first,
        today=today,
        others=[(move.link(start=clock.wire(start)), move.name(start)) for start in next_free],
        days=free.named(move.zone, lambda start: move.link(start=start)) if free else None,
        earlier=move.link(**{"from": str(today)}) if free and not free.are_first else None,
        later=move.link(**{"from": str(free.later)}) if free else None,
    )


async def _free(move: _Move, first: date) -> FreeTimes:
    booking = move.booking
    return await moving.times_to_move(
        move.page.reads,
        tenant_id=move.page.person.tenant_id,
        booking_id=booking["id"],
        service_id=booking["service_id"],
        provider_ids=[move.member] if move.member else booking["provider_ids"],
        start=move.start,
        end=move.end,
        seats=booking["seats"],
        zone=move.zone,
        first=first,
        keeps_start=move.is_handed_over,
    )
