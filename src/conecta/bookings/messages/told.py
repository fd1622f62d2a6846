"""A booking as messages tell of it: what, when, where, with whom, and who is to hear of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Self

from conecta.bookings.rules import deadline
from conecta.kit.language import spoken

Change = Literal["created", "confirmed", "rescheduled", "cancelled", "completed", "no_show"]
# What people are told of; the rest they were there for.
Told = Literal["created", "confirmed", "rescheduled", "cancelled", "reminder"]


@dataclass(frozen=True)
class ReminderRules:
    """When a firm reminds people: minutes before the start, and by text message too if `sms`.

    In quiet hours, minutes from midnight on the recipient's wall clock, nobody is reminded; equal: none.
    """

    minutes_before: Sequence[int] = (1_440, 120)
    sms: bool = False
    quiet_from: int = 22 * 60
    quiet_until: int = 8 * 60


@dataclass(frozen=True)
class Guest:
    """Somebody who was asked to a booking; `language` is one of our two."""

    id: str
    name: str
    email: str | None
    phone: str | None
    language: str
    time_zone: str
    status: str

    @property
    def declined(self) -> bool:
        """Whether they said that they would not come."""
        return self.status == "declined"


@dataclass(frozen=True)
class Host:
    """A member of the firm with whom it is."""

    id: str
    name: str
    email: str


@dataclass(frozen=True)
class Appointment:
    """One booking with all that its messages say; `acted` is the id of the member who changed it last."""

    id: str
    sequence: int
    status: str
    status_reason: str | None
    confirmation: str
    start: datetime
    end: datetime
    created: datetime
    changed: datetime
    service_id: str | None
    service: str | None
    service_en: str | None
    provider_id: str
    seats: int
    policy: Mapping[str, Any]
    client_moves: int
    location_kind: str
    location_detail: str | None
    firm: str
    firm_language: str
    firm_zone: str
    hosts: Sequence[Host]
    guests: Sequence[Guest]
    acted: str | None
    rules: ReminderRules

    def is_for(self, attendee_id: str) -> bool:
        """Whether it was made for this guest, who alone may confirm, move and cancel it: the first one."""
        return bool(self.guests) and self.guests[0].id == attendee_id

    @property
    def awaits_guest(self) -> bool:
        """Whether it is the guest who has to confirm it."""
        return self.status == "pending" and self.confirmation == "client"

    @property
    def is_open(self) -> bool:
        """Whether it may still take place."""
        return self.status in {"pending", "confirmed"}

    @property
    def cancel_until(self) -> datetime:
        """Until when the guests may cancel it."""
        return deadline(self.start, self.policy.get("free_cancel_minutes"))

    @property
    def move_until(self) -> datetime:
        """Until when the guests may move it."""
        return deadline(self.start, self.policy.get("reschedule_minutes"))

    @property
    def may_move_again(self) -> bool:
        """Whether the guests have not moved it too often yet."""
        most = self.policy.get("max_reschedules")
        return most is None or self.client_moves < most

    @property
    def needs_a_reason(self) -> bool:
        """Whether the guests have to say why they cancel."""
        return bool(self.policy.get("reason_required"))

    @classmethod
    def load(cls, found: Mapping[str, Any]) -> Self:
        """Read what the database gathered."""
        actor, rules = found["actor"] or {}, found["reminders"]
        return cls(
            **{name: found[name] for name in _AS_THEY_ARE},
            start=datetime.fromisoformat(found["starts_at"]),
            end=datetime.fromisoformat(found["ends_at"]),
            created=datetime.fromisoformat(found["created_at"]),
            changed=datetime.fromisoformat(found["updated_at"]),
            hosts=[Host(h["id"], h["name"], h["email"]) for h in found["hosts"] if h["active"]],
            guests=[
                Guest(**{**guest, "language": spoken(guest["language"])}) for guest in found["attendees"]
            ],
            acted=actor.get("id") if actor.get("type") == "user" else None,
            rules=ReminderRules(**rules) if rules else ReminderRules(),
        )


_AS_THEY_ARE = (
    "id", "sequence", "status", "status_reason", "confirmation", "service_id", "service", "service_en",
    "provider_id", "seats", "policy", "client_moves", "location_kind", "location_detail", "firm",
    "firm_language", "firm_zone",
)  # fmt: skip
