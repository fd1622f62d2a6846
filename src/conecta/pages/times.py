"""Days and times as people read them, and the days and moments that addresses name."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, get_timezone_location

from conecta.kit import clock, language
from conecta.kit.schemas import time_zones

_FIRST_YEAR, _LAST_YEAR = 2000, 2100


def day_name(day: date) -> str:
    """Return `Martes 24 de noviembre`."""
    pattern = "EEEE d MMMM" if language.current() == "en" else "EEEE d 'de' MMMM"
    return capitalised(str(format_date(day, pattern, locale=language.current())))


def moment_name(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    """Return `Martes 24 de noviembre de 2026, 10:00` and the end."""
    pattern = "EEEE d MMMM y" if language.current() == "en" else "EEEE d 'de' MMMM 'de' y"
    day = format_datetime(start, pattern, tzinfo=zone, locale=language.current())
    return f"{capitalised(day)}, {clock.wall(start, zone)}\u2013{clock.wall(end, zone)}"


def capitalised(text: str) -> str:
    """Return a text with a capital at its beginning."""
    return text[:1].upper() + text[1:]


def labels(starts: Sequence[datetime], zone: ZoneInfo) -> list[tuple[str, str]]:
    """Give each start with what the clock will say."""
    return [(clock.wire(start), clock.wall(start, zone)) for start in starts]


def zone_name(zone: ZoneInfo) -> str:
    """Return the place whose clock a zone is."""
    return str(get_timezone_location(zone, locale=language.current(), return_city=True))


def zone_of(text: str | None) -> ZoneInfo | None:
    """Return the IANA zone that a text names, or None."""
    return ZoneInfo(text) if text in time_zones() else None


def day_of(text: str | None) -> date | None:
    """Return the day that a text names, or None; days beyond reckoning are none."""
    try:
        found = date.fromisoformat(text or "")
    except ValueError:
        return None
    return found if _FIRST_YEAR < found.year < _LAST_YEAR else None


def moment_of(text: str | None) -> datetime | None:
    """Return the moment that a text with an offset names, in UTC, or None."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo and _FIRST_YEAR < found.year < _LAST_YEAR else None
