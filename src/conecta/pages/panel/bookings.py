"""One booking: all its facts, what happened to it, and what may be done with it now."""

import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData
from starlette.responses import Response

from conecta.bookings import rules
from conecta.bookings import service as bookings
from conecta.bookings.history import service as history
from conecta.bookings.history.schemas import HistoryFilters
from conecta.bookings.service import Actor, BookingChange, BookingOutcome, Sender
from conecta.cases import service as cases
from conecta.clients import service as clients
from conecta.kit import clock
from conecta.kit.errors import PreconditionFailed, Problem
from conecta.kit.etags import Precondition, etag
from conecta.kit.language import Text
from conecta.pages import forms, lists, times
from conecta.pages.forms import FormErrors
from conecta.pages.web import Page, PersonPage, page_router

from . import booking_words as words
from . import colleagues

router = page_router("/panel/bookings")

CHANGED: Final = Text(
    "La cita ha cambiado mientras la mirabas y no se ha hecho nada. Así está ahora.",
    "The booking changed while you were looking at it, and nothing was done. This is how it is now.",
)
Act = Callable[..., Awaitable[Any]]


def path_of(booking_id: str) -> str:
    """Return the address of a booking's page."""
    return f"/panel/bookings/{booking_id}"


@router.get("/{booking_id}")
async def read_booking(page: PersonPage, booking_id: str) -> Response:
    """One booking."""
    booking = await read(page, booking_id)
    zone = ZoneInfo(page.person.time_zone)
    start, end = (datetime.fromisoformat(booking[name]) for name in ("start", "end"))
    names = colleagues.names_of(await colleagues.members(page))
    rooms = await colleagues.room_names(page) if booking["room_id"] else {}
    filters = lists.filters(page, HistoryFilters, sort="-at")
    found = await history.list_history(
        page.reads,
        page.pager,
        tenant_id=page.person.tenant_id,
        booking_id=booking["id"],
        filters=filters,
    )
    return page.render(
        "panel/agenda/booking.html",
        booking=booking,
        words=words,
        here_path=path_of(booking["id"]),
        when=times.moment_name(start, end, zone),
        day=start.astimezone(zone).date().isoformat(),
        zone=times.zone_name(zone),
        people=[names.get(member, member) for member in booking["provider_ids"]],
        room=rooms.get(booking["room_id"]),
        may=allowed(booking),
        guests=[
            {**guest, "when": _on_their_clock(guest, start, end, zone)} for guest in booking["attendees"]
        ],
        until=bookings.cancellable_until(booking),
        history=lists.listing(page, found),
        **await _of_whom(page, booking),
    )


@router.post("/{booking_id}/confirm")
async def confirm_booking(page: PersonPage, booking_id: str) -> Response:
    """Confirm a booking that waits for it."""
    done = Text("La cita está confirmada.", "The booking is confirmed.")
    return await _mark(page, booking_id, bookings.confirm, BookingChange(), done)


@router.post("/{booking_id}/complete")
async def complete_booking(page: PersonPage, booking_id: str) -> Response:
    """Note that a booking took place."""
    done = Text("La cita consta como celebrada.", "The booking is noted as having taken place.")
    return await _mark(page, booking_id, bookings.complete, BookingOutcome(), done)


@router.post("/{booking_id}/no-show")
async def mark_no_show(page: PersonPage, booking_id: str) -> Response:
    """Note that nobody came."""
    done = Text("Consta que no se presentó nadie.", "It is noted that nobody came.")
    return await _mark(page, booking_id, bookings.no_show, BookingOutcome(), done)


@router.get("/{booking_id}/cancel")
async def ask_to_cancel(page: PersonPage, booking_id: str) -> Response:
    """Ask once more, and why, before a booking is cancelled."""
    booking = await read(page, booking_id)
    if "cancel" not in allowed(booking):
        return page.redirect(path_of(booking["id"]))
    return _asking(page, booking, FormData({"notify": "yes"}), errors=None)


@router.post("/{booking_id}/cancel")
async def cancel_booking(page: PersonPage, booking_id: str) -> Response:
    """Cancel a booking; its time is free again."""
    form = await page.form()
    booking = await read(page, booking_id)
    try:
        values = {"reason": str(form.get("reason", "")).strip() or None, "notify": notifies(form)}
        wanted = forms.read(BookingChange, values)
        async with page.transaction() as session:
            await do(page, session, bookings.cancel, booking["id"], form, wanted)
    except Problem as refusal:
        if refusal.status != 422:
            return refused(page, refusal, booking["id"])
        return _asking(page, booking, form, errors=forms.errors_of(refusal))
    page.notice(Text("La cita está cancelada.", "The booking is cancelled."))
    return page.redirect(path_of(booking["id"]))


async def read(page: Page, booking_id: str) -> dict[str, Any]:
    """Return a booking of the firm as the API writes it, with its `version`; raise NotFound."""
    actor = Actor.of(page.caller)
    text, version = await bookings.read_booking(page.reads, actor=actor, booking_id=booking_id)
    return {**json.loads(text), "version": version}


def allowed(booking: dict[str, Any]) -> set[str]:
    """Say what may be done with a booking now: what became of it is only known once it has begun."""
    status, begun = booking["status"], datetime.fromisoformat(booking["start"]) <= clock.now()
    targets = {"confirm": "confirmed", "cancel": "cancelled"}
    if begun:
        targets |= {"complete": "completed", "no_show": "no_show"}
    found = {act for act, target in targets.items() if rules.may_become(status, target)}
    return found | ({"move"} if status in rules.MOVABLE else set())


def notifies(form: FormData) -> bool:
    """Say whether those who come are to be told."""
    return form.get("notify") == "yes"


async def do(
    page: Page, session: AsyncSession, act: Act, booking_id: str, form: FormData, wanted: Any
) -> None:
    """Do something with a booking as whoever is signed in, if it is still what they saw."""
    await act(
        session,
        Sender(page.keyring, page.settings.base_url),
        actor=Actor.of(page.caller),
        booking_id=booking_id,
        wanted=wanted,
        precondition=Precondition(etag(str(form.get("version", "")))),
    )


def refused(page: Page, refusal: Problem, booking_id: str) -> Response:
    """Say on the booking's page why something was not done; raise what is no conflict."""
    if isinstance(refusal, PreconditionFailed):
        page.notice(CHANGED, kind="warning")
        return page.redirect(path_of(booking_id))
    return page.back(refusal, path_of(booking_id))


async def _mark(page: Page, booking_id: str, act: Act, wanted: Any, done: Text) -> Response:
    form = await page.form()
    booking = await read(page, booking_id)
    try:
        async with page.transaction() as session:
            await do(page, session, act, booking["id"], form, wanted)
    except Problem as refusal:
        return refused(page, refusal, booking["id"])
    page.notice(done)
    return page.redirect(path_of(booking["id"]))


def _asking(page: Page, booking: dict[str, Any], form: FormData, *, errors: FormErrors | None) -> Response:
    start, end = (datetime.fromisoformat(booking[name]) for name in ("start", "end"))
    return page.render(
        "panel/agenda/cancel.html",
        status=errors.status if errors else 200,
        booking=booking,
        when=times.moment_name(start, end, ZoneInfo(page.person.time_zone)),
        form=form,
        errors=errors,
        notify=notifies(form),
    )


def _on_their_clock(guest: dict[str, Any], start: datetime, end: datetime, zone: ZoneInfo) -> str | None:
    """Return when it is where somebody lives; None when that is no different from here."""
    theirs = ZoneInfo(guest["time_zone"])
    when = times.moment_name(start, end, theirs)
    return None if when == times.moment_name(start, end, zone) else f"{when} ({times.zone_name(theirs)})"


async def _of_whom(page: Page, booking: dict[str, Any]) -> dict[str, Any]:
    """Return the client and the case of a booking, if it has them."""
    client = case = None
    if booking["client_id"]:
        text, _ = await clients.read_client(
            page.reads, tenant_id=page.person.tenant_id, client_id=booking["client_id"]
        )
        client = json.loads(text)
    if booking["case_id"]:
        text, _ = await cases.read_case(page.reads, caller=page.caller, case_id=booking["case_id"])
        case = json.loads(text)
    return {"client": client, "case": case}
