"""The client's own bookings: which there are, where and with whom; confirming, moving or cancelling one."""

import json
from typing import Any

from starlette.datastructures import FormData
from starlette.responses import Response

from conecta.bookings import service as bookings
from conecta.bookings.messages import service as messages
from conecta.bookings.messages.service import Appointment
from conecta.bookings.service import Actor, BookingChange, BookingFilters, Sender
from conecta.kit import clock
from conecta.kit.errors import Problem
from conecta.kit.etags import Precondition
from conecta.kit.language import Text
from conecta.pages import forms, lists
from conecta.pages.forms import FormErrors
from conecta.pages.moving import Move, may_move
from conecta.pages.web import Page, page_router

from .page import PortalPage
from .words import BOOKING_FILTERS, BOOKING_STATUS, LOCATIONS

router = page_router("/portal/bookings")

_HERE = "/portal/bookings"


@router.get("")
async def list_bookings(page: PortalPage) -> Response:
    """The client's bookings: those to come, the next one first, unless told."""
    shown = page.request.query_params.get("show", "")
    shown = shown if shown in BOOKING_FILTERS else "next"
    fixed: dict[str, Any] = {"status": BOOKING_FILTERS[shown][0]}
    if shown == "next":
        fixed |= {"sort": "start", "from": clock.wire(clock.now())}
    filters = lists.filters(page, BookingFilters, **fixed)
    found = await bookings.list_bookings(page.reads, page.pager, caller=page.caller, filters=filters)
    return page.render(
        "portal/bookings.html",
        bookings=lists.listing(page, found),
        shown=shown,
        tabs=[(f"{_HERE}?show={name}", words, name == shown) for name, (_, words) in BOOKING_FILTERS.items()],
        status_words=BOOKING_STATUS,
    )


@router.get("/{booking_id}")
async def read_booking(page: PortalPage, booking_id: str) -> Response:
    """One booking: when, where, and what the client may still do about it."""
    return await _detail(page, booking_id)


@router.post("/{booking_id}/confirm")
async def confirm_booking(page: PortalPage, booking_id: str) -> Response:
    """Confirm a booking that waits for its client."""
    await page.form()
    try:
        async with page.transaction() as session:
            await bookings.confirm(
                session,
                _sender(page),
                actor=Actor.of(page.caller),
                booking_id=booking_id,
                wanted=BookingChange(),
                precondition=Precondition(None),
            )
    except Problem as refusal:
        return await _detail(page, booking_id, errors=forms.errors_of(refusal), status=refusal.status)
    page.notice(Text("Tu cita está confirmada.", "Your appointment is confirmed."))
    return page.redirect(f"{_HERE}/{booking_id}")


@router.get("/{booking_id}/cancel")
async def ask_to_cancel(page: PortalPage, booking_id: str) -> Response:
    """Ask once more, and why, before a booking is cancelled."""
    return await _asking(page, booking_id, FormData())


@router.post("/{booking_id}/cancel")
async def cancel_booking(page: PortalPage, booking_id: str) -> Response:
    """Cancel a booking, within the firm's policy."""
    form = await page.form()
    try:
        wanted = forms.read(BookingChange, {"reason": form.get("reason") or None})
        async with page.transaction() as session:
            await bookings.cancel(
                session,
                _sender(page),
                actor=Actor.of(page.caller),
                booking_id=booking_id,
                wanted=wanted,
                precondition=Precondition(None),
            )
    except Problem as refusal:
        errors = forms.errors_of(refusal)
        return await _asking(page, booking_id, form, errors=errors, status=refusal.status)
    page.notice(Text("Tu cita está cancelada.", "Your appointment is cancelled."))
    return page.redirect(f"{_HERE}/{booking_id}")


@router.get("/{booking_id}/reschedule")
async def choose_time(page: PortalPage, booking_id: str) -> Response:
    """Free times to move a booking to; with one chosen, ask whether it is the right one."""
    return await (await _move(page, booking_id)).ask()


@router.post("/{booking_id}/reschedule")
async def reschedule_booking(page: PortalPage, booking_id: str) -> Response:
    """Move a booking, within the firm's policy."""
    form = await page.form()
    return await (await _move(page, booking_id)).make(form, page.transaction())


async def _move(page: Page, booking_id: str) -> Move:
    booking = await _booking(page, booking_id)

    def render(template: str, *, errors: FormErrors | None = None, **context: Any) -> Response:
        status = errors.status if errors else 200
        return page.render(
            f"portal/booking_{template}.html", status=status, booking=booking, errors=errors, **context
        )

    async def show(errors: FormErrors) -> Response:
        return await _detail(page, booking_id, errors=errors, status=errors.status)

    return Move(
        page,
        Actor.of(page.caller),
        await _appointment(page, booking["id"]),
        page.reads,
        booking["time_zone"],
        f"{_HERE}/{booking['id']}",
        render,
        show,
    )


async def _appointment(page: Page, booking_id: str) -> Appointment:
    """Return a booking of the client's, whose it is having been checked."""
    async with page.transaction() as session:
        found = await messages.read_booking(session, booking_id)
    assert found is not None
    return found


async def _booking(page: Page, booking_id: str) -> dict[str, Any]:
    text, _ = await bookings.read_booking(page.reads, actor=Actor.of(page.caller), booking_id=booking_id)
    booking: dict[str, Any] = json.loads(text)
    return booking


async def _detail(
    page: Page, booking_id: str, *, errors: FormErrors | None = None, status: int = 200
) -> Response:
    booking = await _booking(page, booking_id)
    until, appointment = bookings.cancellable_until(booking), await _appointment(page, booking["id"])
    return page.render(
        "portal/booking.html",
        status=status,
        booking=booking,
        errors=errors,
        time_zone=booking["time_zone"],
        status_words=BOOKING_STATUS,
        location=LOCATIONS[booking["location"]["kind"]],
        movable_until=appointment.move_until if may_move(appointment) else None,
        cancellable_until=until if until and clock.now() <= until else None,
        confirmable=booking["status"] == "pending" and booking["confirmation"] != "firm",
    )


async def _asking(
    page: Page,
    booking_id: str,
    form: FormData,
    *,
    errors: FormErrors | None = None,
    status: int = 200,
) -> Response:
    booking = await _booking(page, booking_id)
    return page.render(
        "portal/cancel_booking.html",
        status=status,
        booking=booking,
        form=form,
        errors=errors,
        time_zone=booking["time_zone"],
    )


def _sender(page: Page) -> Sender:
    return Sender(page.keyring, page.settings.base_url)
