"""What the engine is told: rules, hosts, rooms and what they have already."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from .ranges import Range, Ranges
from .zones import Zone, zone

# Minutes on the wall from the midnight a span begins after; beyond 1440 is the day after.
Span = tuple[int, int]
Week = tuple[tuple[Span, ...], ...]


@dataclass(frozen=True)
class Schedule:
    """Hours of somebody or something: seven weekdays from Monday, dates that differ, and closed holidays."""

    zone_name: str
    weekly: Week
    overrides: Mapping[int, tuple[Span, ...]] = field(default_factory=dict)
    holidays: frozenset[int] = frozenset()

    @cached_property
    def zone(self) -> Zone:
        """The clock that the hours are read on."""
        return zone(self.zone_name)


@dataclass(frozen=True, slots=True)
class Absence:
    """Time off. A `block` always counts; a vacation gives way to a date with hours of its own."""

    start: int
    end: int
    block: bool = False


class Busy(NamedTuple):
    """Time that somebody has taken, with the buffers of what took it; external calendars know no buffers."""

    start: int
    end: int
    holder: str = ""
    kind: str = "booking"


@dataclass(frozen=True)
class Host:
    """Somebody who can give the service. `booked` are the starts that count for the limits."""

    id: str
    schedule: Schedule
    fixed: bool = False
    weight: int = 1
    absences: tuple[Absence, ...] = ()
    busy: tuple[Busy, ...] = ()
    booked: tuple[int, ...] = ()


@dataclass(frozen=True)
class Room:
    """Something that only one can have; without a schedule it is always open."""

    id: str
    schedule: Schedule | None = None
    absences: tuple[Absence, ...] = ()
    busy: tuple[Busy, ...] = ()


@dataclass(frozen=True, slots=True)
class Session:
    """A group session that somebody has a place in already."""

    id: str
    host_ids: tuple[str, ...]
    start: int
    end: int
    free: int
    room_id: str | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """How a service may be booked. Lengths are seconds; `day_before` is a time on the wall, or None.

    `step` 0 lets a booking start at any second; `notice` None lets it start in the past.
    """

    length: int
    before: int = 0
    after: int = 0
    within_hours: bool = False
    capacity: int = 1
    notice: int | None = 0
    day_before: int | None = None
    horizon_days: int | None = None
    horizon_working: bool = False
    step: int = 0
    by_clock: bool = False
    max_per_day: int | None = None
    max_per_week: int | None = None
    collective: bool = False
    bypass: bool = False


@dataclass(frozen=True)
class Question:
    """Which starts within [start, end) are free, as seen at `now`, with all that is known about it.

    `rooms` None means that no room is needed; `provider` is whom somebody insists on. `former` are hosts
    who begin nothing new, and have sessions that others may still join.
    """

    rules: Rules
    hosts: tuple[Host, ...]
    now: int
    start: int
    end: int
    rooms: tuple[Room, ...] | None = None
    sessions: tuple[Session, ...] = ()
    former: tuple[Host, ...] = ()
    provider: str | None = None
    seats: int = 1

    @property
    def around(self) -> Range:
        """Where hours and claims matter: what begins at the ends of the period, with its buffers."""
        margin = self.rules.length + self.rules.before + self.rules.after
        return (self.start - margin, self.end + margin)


class Offer(NamedTuple):
    """A free start: who can host it, and how many places there are at most with one of them."""

    start: int
    host_ids: tuple[str, ...]
    seats: int


__all__ = [
    "Absence",
    "Busy",
    "Host",
    "Offer",
    "Question",
    "Range",
    "Ranges",
    "Room",
    "Rules",
    "Schedule",
    "Session",
    "Span",
    "Week",
]
