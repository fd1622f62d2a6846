"""Hours on the wall clock: `HH:MM` on the wire, minutes from the day's midnight inside; no SQL, no HTTP."""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import pairwise

from conecta.kit.language import Text
from conecta.kit.validation import Refused

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY_MINUTES = 24 * 60
_WEEK_MINUTES = 7 * DAY_MINUTES
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")

Span = tuple[int, int]


def minutes(text: str) -> int:
    """Return the minutes from midnight that `HH:MM` says; `24:00` is the next midnight. Raises Refused."""
    if text == "24:00":
        return DAY_MINUTES
    found = _CLOCK.match(text)
    if not found:
        raise Refused(
            "invalid_time", Text("Formato: 09:30, de 00:00 a 24:00.", "Format: 09:30, up to 24:00.")
        )
    return int(found[1]) * 60 + int(found[2])


def day(text: str) -> date | None:
    """Return the date that `YYYY-MM-DD` says, or None when there is none."""
    try:
        return date.fromisoformat(text) if _DATE.match(text) else None
    except ValueError:
        return None


def span(start: str, end: str) -> Span:
    """Return the minutes of a span; one that ends at or before its start ends on the next day.

    Raises Refused when it starts at `24:00`, which is the next day's `00:00`.
    """
    first, last = minutes(start), minutes(end)
    if first == DAY_MINUTES:
        raise Refused(
            "invalid_time",
            Text("Un tramo no puede empezar a las 24:00.", "A span cannot start at 24:00."),
        )
    return first, last if last > first else last + DAY_MINUTES


def sorted_week(spans: Sequence[tuple[int, Span]]) -> list[tuple[int, Span]]:
    """Return a week's spans (ISO weekday and minutes) in their order; raise Refused when two overlap.

    A span past midnight meets the next day's, Sunday's the next Monday's; touching is no overlap.
    """
    in_order = sorted(spans)
    on_line = [
        ((day - 1) * DAY_MINUTES + start, (day - 1) * DAY_MINUTES + end) for day, (start, end) in in_order
    ]
    _refuse_overlap(on_line)
    if on_line and on_line[-1][1] - _WEEK_MINUTES > on_line[0][0]:
        raise _overlap()
    return in_order


def sorted_day(spans: Iterable[Span]) -> list[Span]:
    """Return a day's spans in their order; raise Refused when two overlap."""
    in_order = sorted(spans)
    _refuse_overlap(in_order)
    return in_order


def _refuse_overlap(in_order: Sequence[Span]) -> None:
    if any(later[0] < earlier[1] for earlier, later in pairwise(in_order)):
        raise _overlap()


def _overlap() -> Refused:
    return Refused("overlap", Text("Dos tramos se solapan.", "Two spans overlap."))
