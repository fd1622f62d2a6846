"""When somebody works: override before absence before holiday before week (rules 1 to 5)."""

from collections.abc import Iterable
from dataclasses import dataclass

from .facts import Absence, Schedule, Span
from .ranges import Range, Ranges, merge, split_at_starts, subtract
from .zones import DAY, Zone

# A span ends at most one day after the day it began on.
_SPILL = 2


@dataclass(frozen=True, slots=True)
class Layers:
    """Spans of the week and of dates with hours of their own, and the dates that are unavailable."""

    weekly: Ranges
    explicit: Ranges
    closed: Ranges

    def pieces(self) -> Ranges:
        """Return the hours as written, absences or not, each up to where the next span begins.

        Their starts are where grids begin: so neither an absence nor the period that somebody asks about
        moves the times at which bookings may start.
        """
        return subtract(split_at_starts([*self.weekly, *self.explicit]), self.closed)

    def open(self, absences: Iterable[Absence]) -> Ranges:
        """Return the hours without absences."""
        away = merge((a.start, a.end) for a in absences if not a.block)
        blocked = merge((a.start, a.end) for a in absences if a.block)
        worked = merge([*subtract(merge(self.weekly), away), *self.explicit])
        return subtract(subtract(worked, self.closed), blocked)


def layers(schedule: Schedule, around: Range, *, holidays: bool = True) -> Layers:
    """Read a schedule over a period; without `holidays` as though there were none."""
    clock, overrides = schedule.zone, schedule.overrides
    skipped = schedule.holidays if holidays else frozenset()
    first, last = clock.day(around[0]) - _SPILL, clock.day(around[1]) + 1
    weekly: Ranges = []
    explicit: Ranges = []
    closed: Ranges = []
    for day in range(first, last + 1):
        spans = overrides.get(day)
        if spans is None:
            if day not in skipped:
                weekly += [_instants(clock, day, span) for span in schedule.weekly[weekday(day)]]
        elif spans:
            explicit += [_instants(clock, day, span) for span in spans]
        else:
            closed.append((clock.midnight(day), clock.midnight(day + 1)))
    return Layers(weekly, explicit, merge(closed))


def works_on(schedule: Schedule, day: int) -> bool:
    """Say whether a date is a working day: it has hours, whoever is away."""
    spans = schedule.overrides.get(day)
    if spans is None:
        return day not in schedule.holidays and bool(schedule.weekly[weekday(day)])
    return bool(spans)


def is_away(schedule: Schedule, absences: tuple[Absence, ...], start: int, end: int) -> bool:
    """Say whether an absence touches [start, end), which begins on a date that does not outrank it."""
    explicit = schedule.zone.day(start) in schedule.overrides
    return any(a.start < end and a.end > start and (a.block or not explicit) for a in absences)


def weekday(day: int) -> int:
    """Return the weekday of a day number, Monday 0."""
    return (day + 3) % 7


def _instants(clock: Zone, day: int, span: Span) -> Range:
    midnight = day * DAY
    return (clock.instant(midnight + span[0] * 60), clock.instant(midnight + span[1] * 60, late=True))
