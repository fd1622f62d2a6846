"""How much of a booking a feed shows, by its privacy. Pure."""

from conecta.bookings import ics

from .queries import FeedBooking, OpenFeed

_WORDS = {
    "es": {"busy": "Ocupado", "booking": "Cita", "with": "Con", "of": "Lo lleva"},
    "en": {"busy": "Busy", "booking": "Appointment", "with": "With", "of": "Held by"},
}


def entry(feed: OpenFeed, booking: FeedBooking, host: str) -> ics.Entry:
    """Return a booking as the feed shows it."""
    words = _WORDS["en" if feed.language == "en" else "es"]
    title = booking.service or words["booking"]
    summary, description, location = words["busy"], "", ""
    if feed.privacy == "title":
        summary = title
    elif feed.privacy == "full":
        guests = ", ".join(booking.attendees)
        summary = f"{title}: {guests}" if guests else title
        lines = [f"{words['of']}: {', '.join(booking.hosts)}"] if feed.user_id is None else []
        description = "\n".join([*lines, *([booking.notes] if booking.notes else [])])
        location = booking.location_detail or ""
    return ics.Entry(
        uid=ics.uid(booking.id, host),
        sequence=booking.sequence,
        status=ics.STATUSES[booking.status],
        start=booking.starts_at,
        end=booking.ends_at,
        created=booking.created_at,
        changed=booking.updated_at,
        summary=summary,
        description=description,
        location=location,
    )
