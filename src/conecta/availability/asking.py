"""From the parameters of a request to what is asked of the availability."""

from datetime import datetime, timedelta
from typing import Any

from conecta.auth.caller import Caller
from conecta.kit.errors import FieldError, InvalidParameter
from conecta.kit.language import Text

from . import rules
from .terms import SlotQuery

LONGEST = timedelta(days=62)
# The longest period may have the hour more that a night gives when clocks go back.
_AN_HOUR_MORE = timedelta(hours=1)


def query_of(query: Any, caller: Caller, now: datetime) -> SlotQuery:
    """Return the question of a request; raise InvalidParameter (400)."""
    start, end = period_of(query, caller, now)
    return SlotQuery(
        start=start,
        end=end,
        time_zone=query.time_zone or caller.time_zone,
        service_id=query.service_id,
        provider_id=query.provider_id,
        minutes=query.duration,
        seats=query.seats,
        public_only=caller.kind == "client",
    )


def period_of(query: Any, caller: Caller, now: datetime) -> tuple[datetime, datetime]:
    """Return the period of a request; raise InvalidParameter (400)."""
    first, last, day = getattr(query, "from"), query.to, getattr(query, "date", None)
    if day is not None and (first or last):
        _refuse("date", "one_of", Text("O `date`, o `from` y `to`.", "Either `date`, or `from` and `to`."))
    at = getattr(query, "at", None)
    if day is None and at is not None and first is None and last is None:
        # Who asks why a moment is not offered is shown what is offered that day.
        day = rules.day_of(at, query.time_zone or caller.time_zone).isoformat()
    bounds = rules.Bounds(day or first, day or last)
    start, end = rules.period(bounds, query.time_zone or caller.time_zone, around=now)
    if start >= end:
        _refuse("to", "range_empty", Text("Termina antes de empezar.", "It ends before it begins."))
    if end - start > LONGEST + _AN_HOUR_MORE:
        _refuse("to", "too_large", Text("Como mucho, 62 días.", "At most 62 days."))
    return start, end


def moment_of(query: Any, caller: Caller) -> datetime | None:
    """Return the moment to explain, if any; raise InvalidParameter (400)."""
    if not query.explain and query.at is None:
        return None
    if query.at is None or not query.explain:
        text = Text("`explain=1` y `at` van juntos.", "`explain=1` and `at` go together.")
        _refuse("explain" if query.at else "at", "required", text)
    if caller.kind == "client":
        # The reasons tell who is away, which is the firm's own affair.
        text = Text("Solo para la firma.", "Only for the firm.")
        _refuse("explain", "not_allowed", text)
    moment: datetime = query.at
    return moment


def _refuse(name: str, code: str, message: Text) -> None:
    raise InvalidParameter(errors=[FieldError(name, code, str(message))])
