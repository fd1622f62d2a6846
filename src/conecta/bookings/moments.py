"""Reads when somebody wants to come: an instant, or a day and a time on the wall, and for how long."""

from dataclasses import dataclass
from datetime import datetime

from conecta.kit.errors import FieldError, ValidationFailed
from conecta.kit.language import Text
from conecta.kit.validation import Refused

from . import rules
from .schemas import When

_STARTS = ("start", "start_at", "starts_at")


@dataclass(frozen=True, slots=True)
class Asked:
    """When it is to begin, in UTC, and how many minutes it takes; None is as long as usual."""

    start: datetime
    minutes: int | None


def asked(wanted: When, zone: str) -> Asked:
    """Return when somebody wants to come; `zone` is what a time on the wall means without one of its own.

    Raises ValidationFailed when it is missing, said twice differently, or no time at all.
    """
    start = given_start(wanted, zone)
    if start is None:
        raise ValidationFailed.at("/start", "required", _NO_START)
    return Asked(start, _minutes(wanted, start))


def given_start(wanted: When, zone: str) -> datetime | None:
    """Return when it is to begin, if that was said."""
    given = {name: moment for name in _STARTS if (moment := getattr(wanted, name)) is not None}
    if wanted.date is not None or wanted.time is not None:
        given["date"] = _on_the_wall(wanted, zone)
    moments = {moment.replace(microsecond=0) for moment in given.values()}
    if len(moments) > 1:
        raise ValidationFailed(
            errors=[FieldError(f"/{name}", "contradiction", str(_TWICE)) for name in given]
        )
    return moments.pop() if moments else None


def _on_the_wall(wanted: When, zone: str) -> datetime:
    if wanted.date is None or wanted.time is None:
        missing = "date" if wanted.date is None else "time"
        raise ValidationFailed.at(f"/{missing}", "required", _BOTH)
    try:
        return rules.instant(wanted.date, wanted.time, wanted.time_zone or zone)
    except Refused as refusal:
        raise ValidationFailed.at("/time", refusal.code, refusal.text) from None


def _minutes(wanted: When, start: datetime) -> int | None:
    given = {
        name: minutes
        for name in ("duration_minutes", "duration")
        if (minutes := getattr(wanted, name)) is not None
    }
    if wanted.end is not None:
        seconds = (wanted.end.replace(microsecond=0) - start).total_seconds()
        if seconds <= 0 or seconds % 60 or seconds > _LONGEST:
            raise ValidationFailed.at("/end", "end", _BAD_END)
        given["end"] = int(seconds // 60)
    if len(set(given.values())) > 1:
        raise ValidationFailed(
            errors=[FieldError(f"/{name}", "contradiction", str(_TWICE)) for name in given]
        )
    return next(iter(given.values()), None)


_LONGEST = 24 * 3600
_NO_START = Text(
    "Falta cuándo empieza: start con su desfase (2026-01-20T09:00:00+01:00), o date y time.",
    "When it begins is missing: start with its offset (2026-01-20T09:00:00+01:00), or date and time.",
)
_BOTH = Text("date y time van juntos.", "date and time go together.")
_TWICE = Text("Se ha dicho dos veces, y no lo mismo.", "It was said twice, and differently.")
_BAD_END = Text(
    "Tiene que ser posterior al inicio, en minutos enteros y en 24 horas.",
    "It must be after the start, in whole minutes and within 24 hours.",
)
