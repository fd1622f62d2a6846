"""What people are told of a booking, in their language and on their clock. Pure."""

from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, get_timezone_location

from conecta.bookings import ics
from conecta.kit import clock
from conecta.kit.language import Text
from conecta.messages.service import Attachment, Mail

from .told import Appointment, Guest, Told

_SUBJECTS = {
    "created": Text("{firm}: cita confirmada, {when}", "{firm}: appointment confirmed, {when}"),
    "confirmed": Text("{firm}: cita confirmada, {when}", "{firm}: appointment confirmed, {when}"),
    "rescheduled": Text("{firm}: tu cita cambia, {when}", "{firm}: your appointment has moved, {when}"),
    "cancelled": Text("{firm}: cita cancelada, {when}", "{firm}: appointment cancelled, {when}"),
    "reminder": Text("{firm}: recordatorio de tu cita, {when}", "{firm}: your appointment, {when}"),
    "to_confirm": Text("{firm}: confirma tu cita, {when}", "{firm}: please confirm your appointment, {when}"),
    "invited": Text("{firm}: cita por confirmar, {when}", "{firm}: appointment to be confirmed, {when}"),
    "requested": Text("{firm}: hemos recibido tu solicitud de cita", "{firm}: your request has arrived"),
}
_OPENINGS = {
    "created": Text("Tu cita con {firm} está confirmada.", "Your appointment with {firm} is confirmed."),
    "confirmed": Text("Tu cita con {firm} está confirmada.", "Your appointment with {firm} is confirmed."),
    "rescheduled": Text(
        "Tu cita con {firm} tiene una hora nueva.", "Your appointment with {firm} has a new time."
    ),
    "cancelled": Text("Tu cita con {firm} se ha cancelado.", "Your appointment with {firm} was cancelled."),
    "reminder": Text("Te recordamos tu cita con {firm}.", "A reminder of your appointment with {firm}."),
    "to_confirm": Text(
        "{firm} te ha reservado una cita. Confírmala para que no se pierda.",
        "{firm} has reserved an appointment for you. Confirm it so that it is not lost.",
    ),
    "invited": Text(
        "Te han invitado a una cita con {firm}, todavía por confirmar.",
        "You are invited to an appointment with {firm}, still to be confirmed.",
    ),
    "requested": Text(
        "{firm} ha recibido tu solicitud de cita y te escribirá en cuanto la confirme.",
        "{firm} has received your request and will write to you as soon as it is confirmed.",
    ),
}
_BUTTON = Text("Ver, cambiar o cancelar la cita", "See, change or cancel the appointment")
_ANSWER_BUTTON = Text("Ver la cita y decir si vienes", "See the appointment and say if you come")
_CONFIRM_BUTTON = Text("Confirmar la cita", "Confirm the appointment")
_FOOTER = Text(
    "El enlace es personal: quien lo tenga puede cambiar la cita.",
    "The link is personal: whoever has it can change the appointment.",
)
_HOST_SUBJECTS = {
    "created": Text("Cita nueva: {who}, {when}", "New appointment: {who}, {when}"),
    "requested": Text("Cita por confirmar: {who}, {when}", "Appointment to confirm: {who}, {when}"),
    "confirmed": Text("Cita confirmada: {who}, {when}", "Appointment confirmed: {who}, {when}"),
    "rescheduled": Text("Cita cambiada: {who}, {when}", "Appointment moved: {who}, {when}"),
    "cancelled": Text("Cita cancelada: {who}, {when}", "Appointment cancelled: {who}, {when}"),
}
_ANSWERS = {
    True: Text("{who} vendrá: {when}", "{who} is coming: {when}"),
    False: Text("{who} no vendrá: {when}", "{who} is not coming: {when}"),
}
_PLACES = {
    "office": Text("En el despacho", "At the office"),
    "phone": Text("Por teléfono", "By phone"),
    "video": Text("Por videollamada", "By video call"),
    "client_address": Text("En tu domicilio", "At your address"),
}
_TEXTS = {
    "created": Text("{firm}: cita confirmada, {when}. {url}", "{firm}: appointment confirmed, {when}. {url}"),
    "confirmed": Text(
        "{firm}: cita confirmada, {when}. {url}", "{firm}: appointment confirmed, {when}. {url}"
    ),
    "rescheduled": Text(
        "{firm}: tu cita pasa al {when}. {url}", "{firm}: appointment moved to {when}. {url}"
    ),
    "cancelled": Text("{firm}: cita cancelada, {when}.", "{firm}: appointment cancelled, {when}."),
    "reminder": Text("{firm}: te esperamos el {when}. {url}", "{firm}: see you on {when}. {url}"),
    "to_confirm": Text("{firm}: confirma tu cita del {when}: {url}", "{firm}: confirm {when}: {url}"),
    "invited": Text("{firm}: cita por confirmar, {when}. {url}", "{firm}: to be confirmed, {when}. {url}"),
    "requested": Text("{firm}: solicitud recibida, {when}. {url}", "{firm}: request received, {when}. {url}"),
}


def what(booking: Appointment) -> Text:
    """Return what the booking is of."""
    name = booking.service or ""
    return Text(name or "Cita", booking.service_en or name or "Appointment")


def when(booking: Appointment, zone: str) -> Text:
    """Return from when to when, with the day and the city whose clock it is."""
    tz = ZoneInfo(zone)
    written = []
    begin, end = clock.wall(booking.start, tz), clock.wall(booking.end, tz)
    for locale, day, form in (
        ("es", "EEEE d 'de' MMMM 'de' y", "{}, de {} a {} (hora de {})"),
        ("en", "EEEE d MMMM y", "{}, {} to {} ({} time)"),
    ):
        date = format_datetime(booking.start, day, tzinfo=tz, locale=locale)
        written.append(form.format(date, begin, end, _city(tz, booking.start, locale)))
    return Text(*written)


def when_short(booking: Appointment, zone: str) -> Text:
    """Return when it begins, in few letters."""
    tz, form = ZoneInfo(zone), "EEE d MMM"
    days = (format_datetime(booking.start, form, tzinfo=tz, locale=locale) for locale in ("es", "en"))
    return Text(*(f"{day}, {clock.wall(booking.start, tz)}" for day in days))


def where(booking: Appointment) -> Text:
    """Return where it is."""
    kind = _PLACES[booking.location_kind]
    if not booking.location_detail:
        return kind
    return Text(f"{kind.es}: {booking.location_detail}", f"{kind.en}: {booking.location_detail}")


def for_guest(
    booking: Appointment, guest: Guest, told: Told, *, url: str, host: str, stamp: datetime
) -> Mail:
    """Write the mail to somebody who comes, with the booking for their calendar."""
    said, gone, leads = _said(booking, guest, told), told == "cancelled", booking.is_for(guest.id)
    lines = [
        _fill(Text("Hola, {name}:", "Hello {name},"), name=guest.name),
        _fill(_OPENINGS[said], firm=booking.firm),
        *_facts(booking, guest.time_zone, with_whom=True),
    ]
    usual = _BUTTON if leads else _ANSWER_BUTTON
    button = None if gone else (_CONFIRM_BUTTON if leads and booking.awaits_guest else usual, url)
    return Mail(
        subject=_fill(_SUBJECTS[said], firm=booking.firm, when=when_short(booking, guest.time_zone)),
        paragraphs=lines,
        button=button,
        footer=_FOOTER if leads and not gone else None,
        attachments=[_calendar(booking, guest, cancels=gone, url=url, host=host, stamp=stamp)],
    )


def text_for_guest(booking: Appointment, guest: Guest, told: Told, *, url: str) -> Text:
    """Write the text message to somebody who comes."""
    begins = when_short(booking, guest.time_zone)
    return _fill(_TEXTS[_said(booking, guest, told)], firm=booking.firm, when=begins, url=url)


def for_host(booking: Appointment, told: Told) -> Mail:
    """Write the mail to a member of the firm with whom the booking is."""
    said = "requested" if told == "created" and booking.status == "pending" else told
    who = ", ".join(guest.name for guest in booking.guests)
    names = _fill(Text("Con: {who}", "With: {who}"), who=who)
    return Mail(
        subject=_fill(_HOST_SUBJECTS[said], who=who, when=when_short(booking, booking.firm_zone)),
        paragraphs=[*([names] if who else []), *_facts(booking, booking.firm_zone, with_whom=False)],
    )


def of_answer(booking: Appointment, guest: Guest) -> Mail:
    """Write the mail to a host that one of those who were asked comes, or does not."""
    begins = when_short(booking, booking.firm_zone)
    return Mail(
        subject=_fill(_ANSWERS[not guest.declined], who=guest.name, when=begins),
        paragraphs=_facts(booking, booking.firm_zone, with_whom=False),
    )


def entry(booking: Appointment, guest: Guest, *, url: str, host: str) -> ics.Entry:
    """Return the booking as it stands in the calendar of somebody who comes."""
    description = [
        pick(_fill(Text("Con {who}", "With {who}"), who=_hosts(booking)), guest),
        *([f"{pick(_BUTTON if booking.is_for(guest.id) else _ANSWER_BUTTON, guest)}: {url}"] if url else []),
    ]
    return ics.Entry(
        uid=ics.uid(booking.id, host),
        sequence=booking.sequence,
        status=ics.STATUSES[booking.status],
        start=booking.start,
        end=booking.end,
        created=booking.created,
        changed=booking.changed,
        summary=f"{pick(what(booking), guest)} · {booking.firm}",
        description="\n".join(description),
        location=pick(where(booking), guest),
        url=url,
        organizer=ics.Person(booking.firm, booking.hosts[0].email) if booking.hosts else None,
        guests=[ics.Person(guest.name, guest.email)] if guest.email else [],
    )


def pick(text: Text, guest: Guest) -> str:
    """Return what somebody reads."""
    return text.en if guest.language == "en" else text.es


def _calendar(
    booking: Appointment, guest: Guest, *, cancels: bool, url: str, host: str, stamp: datetime
) -> Attachment:
    method: ics.Method = "CANCEL" if cancels else "REQUEST"
    written = entry(booking, guest, url="" if cancels else url, host=host)
    content = ics.invitation(written, method=method, stamp=stamp)
    return Attachment("cita.ics", ics.MEDIA_TYPE, content, {"method": method})


def _said(booking: Appointment, guest: Guest, told: Told) -> str:
    if booking.status == "pending" and told in {"created", "reminder"}:
        if not booking.is_for(guest.id):
            return "invited"
        return "to_confirm" if booking.awaits_guest else "requested"
    return told


def _facts(booking: Appointment, zone: str, *, with_whom: bool) -> list[Text]:
    lines = [(Text("Qué", "What"), what(booking)), (Text("Cuándo", "When"), when(booking, zone))]
    lines.append((Text("Dónde", "Where"), where(booking)))
    if with_whom and booking.hosts:
        lines.append((Text("Con", "With"), Text(_hosts(booking), _hosts(booking))))
    if booking.status == "cancelled" and booking.status_reason:
        lines.append((Text("Motivo", "Reason"), Text(booking.status_reason, booking.status_reason)))
    return [Text(f"{name.es}: {value.es}", f"{name.en}: {value.en}") for name, value in lines]


def _hosts(booking: Appointment) -> str:
    return ", ".join(host.name for host in booking.hosts) or booking.firm


def _fill(text: Text, **values: str | Text) -> Text:
    """Fill both languages, each with its own form of a value."""
    return Text(
        text.es.format(**{n: v.es if isinstance(v, Text) else v for n, v in values.items()}),
        text.en.format(**{n: v.en if isinstance(v, Text) else v for n, v in values.items()}),
    )


def _city(zone: ZoneInfo, moment: datetime, locale: str) -> str:
    return str(get_timezone_location(moment.astimezone(zone), locale=locale, return_city=True))
