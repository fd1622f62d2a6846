"""What a booking takes over from the place that was found for it, and a hold keeps for the booking."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from conecta.availability.service import Place

from . import rules


@dataclass(frozen=True, slots=True)
class Promise:
    """What the service promised when the time was found; times are minutes, money is minor units."""

    service: str | None
    schedule_zone: str
    buffer_before: int
    buffer_after: int
    capacity: int
    confirmation: str
    location_kind: str
    location_detail: str | None
    price_amount: int | None
    price_currency: str | None
    policy: dict[str, Any]

    def dump(self) -> dict[str, Any]:
        """Return it as JSON values, for a hold."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Terms:
    """When, with whom and where; `occurrence_id` is the group session whose seats are taken."""

    service_id: str | None
    provider_ids: tuple[str, ...]
    room_id: str | None
    starts_at: datetime
    ends_at: datetime
    promise: Promise
    occurrence_id: str | None = None

    @property
    def blocked_from(self) -> datetime:
        """From when hosts and room are taken, the buffer before included."""
        return self.starts_at - timedelta(minutes=self.promise.buffer_before)

    @property
    def blocked_to(self) -> datetime:
        """Until when they are taken, the buffer after included."""
        return self.ends_at + timedelta(minutes=self.promise.buffer_after)

    @property
    def resources(self) -> list[str]:
        """Everybody and everything that is taken."""
        return sorted({*self.provider_ids, *([self.room_id] if self.room_id else [])})

    @property
    def is_group(self) -> bool:
        """Whether several may book the same session."""
        return self.promise.capacity > 1


def of_place(place: Place) -> Terms:
    """Return the terms of a place that the availability found."""
    service = place.service
    promise = Promise(
        service=service.name if service else None,
        schedule_zone=place.schedule_zone,
        buffer_before=_minutes(place.start - place.blocked_from),
        buffer_after=_minutes(place.blocked_to - place.end),
        capacity=service.capacity if service else 1,
        confirmation=service.confirmation if service else "automatic",
        location_kind=service.location_kind if service else "office",
        location_detail=service.location_detail if service else None,
        price_amount=service.price_amount if service else None,
        price_currency=service.price_currency if service else None,
        policy=rules.snapshot(service.policy if service else None),
    )
    return Terms(
        service_id=service.id if service else None,
        provider_ids=place.host_ids,
        room_id=place.room_id,
        starts_at=place.start,
        ends_at=place.end,
        promise=promise,
    )


def promise_of(kept: Mapping[str, Any]) -> Promise:
    """Return what a hold has kept."""
    return Promise(**kept)


def _minutes(length: timedelta) -> int:
    return int(length.total_seconds() // 60)
