"""The one clock of business rows. A sandbox tenant may move its own; the machine's clock never moves."""

from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

STILL = timedelta(0)

_offset: ContextVar[timedelta] = ContextVar("clock_offset", default=STILL)


def now() -> datetime:
    """Return the caller's business time, in UTC: real time plus the test clock of its sandbox."""
    return datetime.now(UTC) + _offset.get()


def real_now() -> datetime:
    """Return the machine's time, in UTC: for leases, retries and limits, which no test clock moves."""
    return datetime.now(UTC)


def move_for_this_context(offset: timedelta) -> None:
    """Let `now()` run ahead by `offset` in the current request or task."""
    _offset.set(offset)


def wall(moment: datetime, zone: ZoneInfo) -> str:
    """Return what the clock of a zone says: `10:00`; with the offset in an hour that it says twice."""
    local = moment.astimezone(zone)
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return local.strftime("%H:%M (UTC%z)" if twice else "%H:%M")


def wire(moment: datetime) -> str:
    """Write a moment as the API does: UTC, whole seconds, `Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
