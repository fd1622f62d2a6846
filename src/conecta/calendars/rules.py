"""What counts of calendars elsewhere: zones, windows, whose event is whose. Pure."""

import hashlib
import uuid
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from .provider import Window

_PAST: Final = timedelta(days=2)
# What is kept of the future at least; as far as the firm can be booked, if that is further.
_LEAST_FUTURE: Final = 390
# A window is moved on by reading everything anew, which once a month is often enough.
_AHEAD: Final = timedelta(days=35)
_NAMESPACE = uuid.UUID("0d3f5a2e-6a5f-5c1e-9a55-7f2f0f0b6c11")
_LONGEST_PAUSE, _FIRST_PAUSE = 3600.0, 15.0

# Windows names its zones otherwise, and Graph with it; of what shares a name, what a firm here means by it.
_WINDOWS_ZONES: Final = {
    **WINDOWS_TO_OLSON,
    "Romance Standard Time": "Europe/Madrid",
    "tzone://Microsoft/Utc": "UTC",
}


def zone_of(name: str | None, otherwise: str) -> str:
    """Return the IANA zone of a name, be it one of Windows; `otherwise` when nobody knows it."""
    for wanted in (_WINDOWS_ZONES.get(name or "", name), otherwise):
        try:
            if wanted:
                return ZoneInfo(wanted).key
        except (ZoneInfoNotFoundError, ValueError):
            continue
    return "UTC"


def midnight(day: str, zone: str) -> datetime:
    """Return the instant a day begins in a zone."""
    begins = datetime.combine(date.fromisoformat(day), time(), ZoneInfo(zone_of(zone, "UTC")))
    return begins.astimezone(UTC)


def window(now: datetime, reach: int) -> Window:
    """Return the period that is kept of a calendar, as seen now; `reach` is how many days can be booked."""
    return Window(now - _PAST, _needed(now, reach) + _AHEAD)


def window_ends(ends_at: datetime | None, now: datetime, reach: int) -> bool:
    """Whether a window that ends there no longer reaches far enough."""
    return ends_at is None or ends_at < _needed(now, reach)


def _needed(now: datetime, reach: int) -> datetime:
    return now + timedelta(days=max(reach, _LEAST_FUTURE))


def event_key(connection_id: str, booking_id: str) -> str:
    """Return the id of a booking's event in one account: hexadecimal digits, which Google allows in ids."""
    return hashlib.blake2b(f"{connection_id} {booking_id}".encode(), digest_size=20).hexdigest()


def transaction_id(key: str) -> str:
    """Return the same as the UUID that Graph knows the request by."""
    return str(uuid.uuid5(_NAMESPACE, key))


def pause(tries: int) -> timedelta:
    """Return how long to wait after so many tries."""
    return timedelta(seconds=min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(tries, 12)))
