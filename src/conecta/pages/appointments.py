"""`/c/{secret}`: somebody without an account sees, confirms, moves and cancels their booking.

The secret of the link says which booking, and is all that it takes; what may be done with it is up to the
policy that the booking was made under. Whom it was made for, the first of those who come, may do it; the
others say whether they come.
"""

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.responses import Response

from conecta.auth.errors import RateLimited
from conecta.bookings import attendance, ics
from conecta.bookings import service as bookings
from conecta.bookings.links import service as links
from conecta.bookings.links.service import OpenLink
from conecta.bookings.messages import service as messages
from conecta.bookings.messages.service import Appointment
from conecta.kit import clock, language
from conecta.kit.db import HotReads
from conecta.kit.errors import NotFound, Problem
from conecta.kit.etags import Precondition
from conecta.kit.language import Text
from conecta.kit.rate_limit import Limits, RateLimitStore
from conecta.pages import forms
from conecta.pages.moving import Move, may_move
from conecta.pages.portal.page import speak_to
from conecta.pages.refusals import PageRefusal
from conecta.pages.web import Page, VisitorPage, page_router

router = page_router("/c/{secret}")

_CHANGES_OF_ONE_GUEST: Final = Limits(6, 30)

_STATUS = {
    "pending": (Text("Por confirmar", "To be confirmed"), "warning"),
    "confirmed": (Text("Confirmada", "Confirmed"), "success"),
    "completed": (Text("Celebrada", "Took place"), "neutral"),
    "no_show": (Text("No acudiste", "You did not come"), "neutral"),
    "cancelled": (Text("Cancelada", "Cancelled"), "danger"),
}
_GONE = Text("Este enlace ya no sirve", "This link does not work any more")
_GONE_DETAIL = Text(
    "Ha caducado o se ha retirado. Busca el correo más reciente sobre tu cita, o llama a tu despacho.",
    "It has expired or was taken back. Look for the latest mail about your appointment, or call your firm.",
)
_NOT_YOURS = Text("Eso lo decide quien pidió la cita", "Whoever made the appointment decides that")
_NOT_YOURS_DETAIL = Text(
    "Con este enlace puedes decir si vienes. Para cambiarla o cancelarla, habla con quien la pidió.",
    "With this link you can say whether you come. To move or cancel it, talk to whoever made it.",
)
_COMING = Text("Les hemos dicho que vienes.", "We have told them that you come.")
_NOT_COMING = Text("Les hemos dicho que no vienes.", "We have told them that you do not come.")


@dataclass(frozen=True)
class _Visit:
    """One look at a booking by its link."""

    page: Page
    link: OpenLink
    appointment: Appointment
    base: str

    @property
    def leads(self) -> bool:
        """Whether the booking was made for whoever holds the link."""
        return self.appointment.is_for(self.link.attendee_id)

    @property
    def move(self) -> Move:
        """The booking as one to be moved."""

        async def show(errors: forms.FormErrors) -> Response:
            return _show(self, errors=errors)

        return Move(
            self.page,
            self.actor,
            self.appointment,
            self.reads,
            self.link.time_zone,
            self.base,
            self.render,
            show,
        )

    @property
    def actor(self) -> bookings.Actor:
        return bookings.Actor(
            kind="link",
            tenant_id=self.link.tenant_id,
            id=self.link.id,
            name=self.link.attendee,
            time_zone=self.appointment.firm_zone,
        )

    @property
    def sender(self) -> bookings.Sender:
        return bookings.Sender(self.page.keyring, self.page.settings.base_url)

    @property
    def reads(self) -> HotReads:
        return HotReads(self.page.database, self.link.tenant_id, "")

    def render(self, template: str, *, errors: forms.FormErrors | None = None, **context: Any) -> Response:
        """Answer a page about the booking, on the clock and in the language of whom the link is for."""
        appointment, words = self.appointment, messages.words
        return self.page.render(
            f"appointments/{template}.html",
            status=errors.status if errors else 200,
            errors=errors,
            link=self.link,
            firm={"name": self.link.firm},
            time_zone=self.link.time_zone,
            appointment=appointment,
            **{
                "base": self.base,
                "what": words.what(appointment),
                "when": words.when(appointment, self.link.time_zone),
                "where": words.where(appointment),
                "hosts": [host.name for host in appointment.hosts],
            }
            | context,
        )


@router.get("")
async def show(page: VisitorPage, secret: str) -> Response:
    """The booking, and what can be done with it."""
    return _show(await _visit(page, secret))


@router.get("/calendar.ics")
async def download(page: VisitorPage, secret: str) -> Response:
    """The booking as a file for a calendar program."""
    visit = await _visit(page, secret)
    guest = next((guest for guest in visit.appointment.guests if guest.id == visit.link.attendee_id), None)
    if guest is None:
        raise NotFound
    base_url = page.settings.base_url
    entry = messages.words.entry(
        visit.appointment,
        guest,
        url=f"{base_url}{visit.base}",
        host=urlsplit(base_url).hostname or "localhost",
    )
    content = ics.invitation(entry, method="PUBLISH", stamp=clock.now())
    headers = {
        "Content-Disposition": 'attachment; filename="cita.ics"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return Response(content, media_type=f"{ics.MEDIA_TYPE}; charset=utf-8", headers=headers)


@router.post("/confirm")
async def confirm(page: VisitorPage, secret: str) -> Response:
    """Confirm the booking."""
    await page.form()
    visit = await _leading(page, secret)
    try:
        async with page.database.transaction(tenant_id=visit.link.tenant_id) as session:
            await bookings.confirm(
                session,
                visit.sender,
                actor=visit.actor,
                booking_id=visit.link.booking_id,
                wanted=bookings.BookingChange(),
                precondition=_ANY,
            )
    except Problem as refusal:
        return _show(await _visit(page, secret), errors=forms.errors_of(refusal))
    page.notice(Text("La cita está confirmada.", "The appointment is confirmed."))
    return page.redirect(visit.base)


@router.get("/cancel")
async def ask_to_cancel(page: VisitorPage, secret: str) -> Response:
    """Ask once more before the booking is cancelled."""
    visit = await _visit(page, secret)
    if not visit.leads or not _may_cancel(visit.appointment):
        return page.redirect(visit.base)
    return visit.render("cancel", form={})


@router.post("/cancel")
async def cancel(page: VisitorPage, secret: str) -> Response:
    """Cancel the booking."""
    form = await page.form()
    visit = await _leading(page, secret)
    try:
        reason = str(form.get("reason", "")).strip() or None
        wanted = forms.read(bookings.BookingChange, {"reason": reason})
        async with page.database.transaction(tenant_id=visit.link.tenant_id) as session:
            await bookings.cancel(
                session,
                visit.sender,
                actor=visit.actor,
                booking_id=visit.link.booking_id,
                wanted=wanted,
                precondition=_ANY,
            )
    except Problem as refusal:
        return visit.render("cancel", errors=forms.errors_of(refusal), form=form)
    page.notice(Text("La cita está cancelada.", "The appointment is cancelled."))
    return page.redirect(visit.base)


@router.get("/reschedule")
async def choose_time(page: VisitorPage, secret: str) -> Response:
    """Free times to choose from; with one chosen, ask whether it is the right one."""
    visit = await _visit(page, secret)
    return await visit.move.ask() if visit.leads else page.redirect(visit.base)


@router.post("/reschedule")
async def reschedule(page: VisitorPage, secret: str) -> Response:
    """Move the booking to the time that was chosen."""
    form = await page.form()
    visit = await _leading(page, secret)
    return await visit.move.make(form, page.database.transaction(tenant_id=visit.link.tenant_id))


@router.post("/attendance")
async def answer(page: VisitorPage, secret: str) -> Response:
    """Say that one comes, or that one does not."""
    form = await page.form()
    visit = await _visit(page, secret)
    if visit.leads:
        # Whom it was made for comes, or cancels it for all.
        raise _not_yours()
    if form.get("comes") not in {"yes", "no"}:
        raise PageRefusal(422, _SAY_WHETHER, _SAY_WHETHER_DETAIL)
    comes = form.get("comes") == "yes"
    try:
        async with page.database.transaction(tenant_id=visit.link.tenant_id) as session:
            await attendance.answer(
                session,
                visit.sender,
                actor=visit.actor,
                booking_id=visit.link.booking_id,
                attendee_id=visit.link.attendee_id,
                comes=comes,
            )
    except Problem as refusal:
        return _show(visit, errors=forms.errors_of(refusal))
    page.notice(_COMING if comes else _NOT_COMING)
    return page.redirect(visit.base)


_ANY: Final = Precondition(None)
_SAY_WHETHER = Text("¿Vienes o no?", "Are you coming or not?")
_SAY_WHETHER_DETAIL = Text(
    "La respuesta no lo dice. Vuelve atrás y elige una de las dos.",
    "The answer does not say. Go back and choose one of the two.",
)


async def _visit(page: Page, secret: str) -> _Visit:
    link = await links.open_link(page.database, page.keyring, secret)
    if link is None:
        raise PageRefusal(410, _GONE, _GONE_DETAIL)
    if page.request.method == "POST":
        await _count_change(page, link)
    clock.move_for_this_context(timedelta(seconds=link.clock_offset_seconds))
    speak_to(page, language.spoken(link.language))
    async with page.database.transaction(tenant_id=link.tenant_id) as session:
        appointment = await messages.read_booking(session, link.booking_id)
    assert appointment is not None  # a link goes with its booking
    return _Visit(page, link, appointment, f"/c/{secret}")


async def _count_change(page: Page, link: OpenLink) -> None:
    """Count a change by somebody who comes: the hosts are mailed each. Raises RateLimited."""
    limits: RateLimitStore = page.request.app.state.limits
    charge = await limits.charge(f"booking-link:{link.attendee_id}", _CHANGES_OF_ONE_GUEST)
    if not charge.allowed:
        raise RateLimited(charge, int(time.time()))


async def _leading(page: Page, secret: str) -> _Visit:
    """Open the booking for whom it was made; raise a 403 page for others who come."""
    visit = await _visit(page, secret)
    if not visit.leads:
        raise _not_yours()
    return visit


def _not_yours() -> PageRefusal:
    return PageRefusal(403, _NOT_YOURS, _NOT_YOURS_DETAIL)


def _show(visit: _Visit, *, errors: forms.FormErrors | None = None) -> Response:
    appointment = visit.appointment
    return visit.render(
        "show",
        errors=errors,
        state=_STATUS[appointment.status],
        to_come=clock.now() < appointment.start,
        leads=visit.leads,
        attendance=next(g.status for g in appointment.guests if g.id == visit.link.attendee_id),
        may_move=may_move(appointment),
        may_cancel=_may_cancel(appointment),
    )


def _may_cancel(appointment: Appointment) -> bool:
    return appointment.is_open and clock.now() <= appointment.cancel_until
