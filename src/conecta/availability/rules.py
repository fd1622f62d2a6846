"""The period that somebody asks about: days of their own clock, or moments."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from .engine.zones import DAY, zone

_EPOCH = date(1970, 1, 1)
# How many days are shown when nobody says until when.
DEFAULT_DAYS = 7
_PERIOD = re.compile(
    r"(?:19[5-9]\d|[2-8]\d{3})-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d))?\Z"
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What came in the query: dates or moments, both inclusive when they are dates."""

    first: str | None
    last: str | None


def check_bound(value: str) -> None:
    """Raise ValueError unless a text is a date, or a moment with its zone."""
    if not _PERIOD.match(value):
        raise ValueError
    bound(value, "UTC")


def bound(value: str, time_zone: str, *, end: bool = False) -> datetime:
    """Return the moment of a bound: a date is its midnight there, or the next one when it is the `end`."""
    if len(value) > len("2026-01-17"):
        return datetime.fromisoformat(value).astimezone(UTC)
    day = (date.fromisoformat(value) - _EPOCH).days + end
    return datetime.fromtimestamp(zone(time_zone).midnight(day), UTC)


def period(bounds: Bounds, time_zone: str, *, around: datetime) -> tuple[datetime, datetime]:
    """Return the asked-for period; without a beginning it is the day of `around`, without an end a week."""
    first = bounds.first or day_of(around, time_zone).isoformat()
    start = bound(first, time_zone)
    if bounds.last is not None:
        return start, bound(bounds.last, time_zone, end=True)
    last = day_of(start, time_zone) + timedelta(days=DEFAULT_DAYS - 1)
    return start, bound(last.isoformat(), time_zone, end=True)


def day_of(moment: datetime, time_zone: str) -> date:
    """Return the date of a moment on the calendar there."""
    return _EPOCH + timedelta(days=zone(time_zone).wall(int(moment.timestamp())) // DAY)
