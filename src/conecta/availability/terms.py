"""The words in which other features ask for time and are given it; times are instants, in UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """What a booking takes over from its service. Times are minutes, money is minor units."""

    id: str
    name: str
    name_en: str | None
    active: bool
    public: bool
    durations: tuple[int, ...]
    price_amount: int | None
    price_currency: str | None
    buffer_before: int
    buffer_after: int
    capacity: int
    confirmation: str
    location_kind: str
    location_detail: str | None
    policy: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to book: a service, or without one the time of one provider.

    Args:
        start: when it begins.
        minutes: how long; None is the service's first duration.
        service_id: what; None is a free appointment, which the rules of no service bind.
        provider_id: with whom; None is whoever may and can.
        room_id: where; None is any free room of the service, when it needs one.
        seats: how many places of a group session.
        ignoring: the booking that is being moved, whose own claims do not count.
        agreed_minutes: how long that booking is, which its service need not offer any more.
        agreed_room: where it is; a service that needs no room leaves it there.
        bypass: let only conflicts refuse; notice, horizon, limits, grid and hours do not bind.
        from_outside: whether nobody of the firm wishes it: services that are not public are unknown, rooms
            are the service's to give, nothing begins in the past, and who is away is not told.
    """

    start: datetime
    minutes: int | None
    service_id: str | None
    provider_id: str | None = None
    room_id: str | None = None
    seats: int = 1
    ignoring: str | None = None
    agreed_minutes: int | None = None
    agreed_room: str | None = None
    bypass: bool = False
    from_outside: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a wish may take place: who, where, and from when to when they are taken, buffers included.

    `occurrence_id` is the group session to join; None is none yet. `schedule_zone` is the IANA zone of the
    first host's schedule.
    """

    start: datetime
    end: datetime
    host_ids: tuple[str, ...]
    room_id: str | None
    blocked_from: datetime
    blocked_to: datetime
    schedule_zone: str
    service: ServiceFacts | None
    occurrence_id: str | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """A time that is free: `seats` places, with any of the providers (with all, for a collective service)."""

    start: datetime
    end: datetime
    seats: int
    provider_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SlotQuery:
    """Which slots to list: those that start in [start, end).

    `time_zone` is the invitee's: it decides the days that slots are listed under. The rest is as in a Wish;
    without a service the free time of one provider is cut into pieces of `minutes`.
    """

    start: datetime
    end: datetime
    time_zone: str
    service_id: str | None = None
    provider_id: str | None = None
    minutes: int | None = None
    seats: int = 1
    ignoring: str | None = None
    public_only: bool = False


@dataclass(frozen=True, slots=True)
class SlotDays:
    """Slots by the invitee's days; days without a slot are left out. `version` changes when they may."""

    time_zone: str
    version: str
    days: tuple[tuple[date, tuple[Slot, ...]], ...]

    @property
    def slots(self) -> tuple[Slot, ...]:
        """All slots, in the order of their start."""
        return tuple(slot for _, slots in self.days for slot in slots)
