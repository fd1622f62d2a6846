"""What people are told of their bookings: confirmations, changes, cancellations and reminders."""

from typing import Final
from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.bookings.links.service import keep_links, make_links
from conecta.kit import clock
from conecta.kit.crypto import KeyRing
from conecta.kit.db import SessionReads
from conecta.messages import service as messages
from conecta.messages.service import Mail
from conecta.reviews import service as reviews

from . import queries, rules, words
from .told import Appointment, Change, Guest, Told

__all__ = ["Appointment", "Change", "Guest", "on_answer", "on_change", "read_booking", "remind", "words"]

# Whoever was there need not be told that it took place.
_TOLD: Final[dict[Change, Told]] = {
    "created": "created",
    "confirmed": "confirmed",
    "rescheduled": "rescheduled",
    "cancelled": "cancelled",
}


async def on_change(
    session: AsyncSession,
    keyring: KeyRing,
    *,
    tenant_id: str,
    booking_id: str,
    change: Change,
    base_url: str,
    notify: bool = True,
) -> None:
    """Tell whom it concerns of a change, in the transaction that made it, and plan the reminders anew.

    Everybody who comes is told, in their language and on their clock; of the firm's hosts all but whoever
    made the change. What is over already is told to nobody; of what took place the client is asked for a
    review, if the firm wants that.

    Args:
        session: of the firm, or of a client of it; what was changed is written already, its history too.
        keyring: encrypts what is written, and makes the links.
        tenant_id: the firm.
        booking_id: which booking.
        change: what happened to it.
        base_url: where people reach us.
        notify: whether to tell anybody; reminders are planned all the same.
    """
    booking = await read_booking(session, booking_id)
    if booking is None:
        return
    now = clock.now()
    if change == "completed" and notify:
        await reviews.ask_of_booking(
            session, keyring, tenant_id=tenant_id, booking_id=booking.id, base_url=base_url
        )
    if change == "rescheduled":
        await keep_links(session, tenant_id=tenant_id, booking_id=booking.id, ends_at=booking.end)
    told = _TOLD.get(change)
    if notify and told and booking.end > now:
        # Who does not come is told of another time, at which they might.
        guests = [guest for guest in booking.guests if told == "rescheduled" or not guest.declined]
        secrets = await make_links(
            session,
            keyring,
            tenant_id=tenant_id,
            booking_id=booking.id,
            attendee_ids=[guest.id for guest in guests if rules.channels(guest, sms=False)],
            ends_at=booking.end,
        )
        for guest in guests:
            for channel in rules.channels(guest, sms=False):
                url = f"{base_url}/c/{secrets[guest.id]}"
                await _tell(session, keyring, tenant_id, booking, guest, told, channel=channel, url=url)
        await _tell_hosts(session, keyring, tenant_id, booking, told)
    await queries.plan(session, tenant_id, booking, rules.planned(booking, now), now)


async def on_answer(
    session: AsyncSession,
    keyring: KeyRing,
    *,
    tenant_id: str,
    booking_id: str,
    attendee_id: str,
    notify: bool = True,
) -> None:
    """Tell the hosts that somebody comes or does not, and remind only those who do."""
    booking = await read_booking(session, booking_id)
    guest = next((guest for guest in booking.guests if guest.id == attendee_id), None) if booking else None
    if booking is None or guest is None:
        return
    now = clock.now()
    if notify:
        await _mail_hosts(session, keyring, tenant_id, booking, words.of_answer(booking, guest))
    await queries.plan(session, tenant_id, booking, rules.planned(booking, now), now)


async def read_booking(session: AsyncSession, booking_id: str) -> Appointment | None:
    """Return a booking of the session's firm with all that its messages say."""
    return await queries.told(SessionReads(session), booking_id)


async def remind(
    session: AsyncSession,
    keyring: KeyRing,
    *,
    tenant_id: str,
    booking: Appointment,
    attendee_id: str,
    channel: str,
    base_url: str,
) -> bool:
    """Remind somebody of a booking; False when they do not come any more, or cannot be reached that way."""
    guest = next((guest for guest in booking.guests if guest.id == attendee_id), None)
    if guest is None or guest.declined or channel not in rules.channels(guest, sms=True):
        return False
    secrets = await make_links(
        session,
        keyring,
        tenant_id=tenant_id,
        booking_id=booking.id,
        attendee_ids=[guest.id],
        ends_at=booking.end,
    )
    url = f"{base_url}/c/{secrets[guest.id]}"
    await _tell(session, keyring, tenant_id, booking, guest, "reminder", channel=channel, url=url)
    return True


async def _tell(
    session: AsyncSession,
    keyring: KeyRing,
    tenant_id: str,
    booking: Appointment,
    guest: Guest,
    told: Told,
    *,
    channel: str,
    url: str,
) -> None:
    if channel == "sms":
        assert guest.phone
        text = words.text_for_guest(booking, guest, told, url=url)
        await messages.send_text(
            session, keyring, tenant_id=tenant_id, to=guest.phone, language=guest.language, text=text
        )
        return
    assert guest.email
    host = urlsplit(url).hostname or "localhost"
    mail = words.for_guest(booking, guest, told, url=url, host=host, stamp=clock.now())
    await messages.send_mail(
        session, keyring, tenant_id=tenant_id, to=guest.email, language=guest.language, mail=mail
    )


async def _tell_hosts(
    session: AsyncSession, keyring: KeyRing, tenant_id: str, booking: Appointment, told: Told
) -> None:
    await _mail_hosts(session, keyring, tenant_id, booking, words.for_host(booking, told))


async def _mail_hosts(
    session: AsyncSession, keyring: KeyRing, tenant_id: str, booking: Appointment, mail: Mail
) -> None:
    for host in booking.hosts:
        if host.id != booking.acted:
            await messages.send_mail(
                session,
                keyring,
                tenant_id=tenant_id,
                to=host.email,
                language=booking.firm_language,
                mail=mail,
            )
