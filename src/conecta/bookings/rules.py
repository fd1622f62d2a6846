"""What a booking may become, who may do it and until when; no SQL, no HTTP."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from conecta.kit.language import Text
from conecta.kit.validation import Refused

STATUSES = ("pending", "confirmed", "completed", "no_show", "cancelled")
CLAIM_STATES = ("held", "pending", "confirmed", "done", "released")
# The states in which a claim keeps everybody else out of its time.
BLOCKING = ("held", "pending", "confirmed")
ATTENDEE_STATUSES = ("invited", "confirmed", "declined", "attended", "no_show")
ACTOR_TYPES = ("firm", "user", "client", "link", "visitor", "system")
SOURCES = ("api", "panel", "client", "link", "web", "sync")
LOCATION_KINDS = ("office", "phone", "video", "client_address")
CONFIRMATIONS = ("automatic", "client", "firm")
ACTIONS = ("created", "updated", "confirmed", "rescheduled", "cancelled", "completed", "no_show")

# The one table of states: what is not here is refused.
TRANSITIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "pending": ("confirmed", "cancelled"),
    "confirmed": ("completed", "no_show", "cancelled"),
    "completed": ("no_show",),
    "no_show": ("completed",),
    "cancelled": (),
}
# The states in which a booking may still be moved.
MOVABLE: Final = ("pending", "confirmed")

# What other systems call our states.
STATUS_WORDS: Final[Mapping[str, str]] = {
    "canceled": "cancelled",
    "no-show": "no_show",
    "noshow": "no_show",
    "done": "completed",
}
RESCHEDULED: Final = "rescheduled"

_NO_POLICY: Final[Mapping[str, Any]] = {
    "free_cancel_minutes": 0,
    "reschedule_minutes": 0,
    "max_reschedules": None,
    "reason_required": False,
}


def may_become(status: str, target: str) -> bool:
    """Say whether a booking may go from one state to another."""
    return target in TRANSITIONS[status]


def first_status(confirmation: str, *, by_firm: bool) -> str:
    """Return the state of a new booking: what the firm itself books needs no confirmation of the firm's."""
    if confirmation == "automatic" or (confirmation == "firm" and by_firm):
        return "confirmed"
    return "pending"


def snapshot(policy: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the policy that a booking keeps, whatever becomes of its service's."""
    return {name: (policy or {}).get(name, default) for name, default in _NO_POLICY.items()}


def deadline(starts_at: datetime, minutes: int | None) -> datetime:
    """Return until when somebody may change their booking: so long before it begins, that moment included."""
    return starts_at - timedelta(minutes=minutes or 0)


def wall_time(moment: datetime, zone: str) -> str:
    """Return what the clock on the wall says at a moment: `2026-10-25T10:00`."""
    return moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M")


def instant(day: date, clock_time: str, zone: str) -> datetime:
    """Return the instant of a wall time; the first of a repeated hour.

    Raises Refused for an hour that the night of the change skips.
    """
    local = datetime.combine(day, time.fromisoformat(clock_time), tzinfo=ZoneInfo(zone))
    moment = local.astimezone(UTC)
    if moment.astimezone(local.tzinfo).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise Refused("nonexistent_time", _SKIPPED.fill(zone=zone))
    return moment


def instant_agreed(wall: str, zone: str, known: datetime) -> datetime:
    """Return the instant of a wall time by the rules of today; of a repeated hour, `known` if it is one.

    An hour that is skipped now is read as it would go on from before.
    """
    local = datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(zone))
    both = [local.replace(fold=fold).astimezone(UTC) for fold in (0, 1)]
    return known if known in both else both[0]


def bound(text: str, zone: str, *, end: bool = False) -> datetime:
    """Return the moment of a filter: an instant as it is, a date as midnight there (`end`: the next one)."""
    if len(text) > len("2026-01-17"):
        return datetime.fromisoformat(text).astimezone(UTC)
    day = date.fromisoformat(text) + timedelta(days=1 if end else 0)
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


_SKIPPED = Text(
    "Esa noche el reloj se adelanta en {zone} y esa hora no existe.",
    "That night the clock goes forward in {zone} and that hour does not exist.",
)
