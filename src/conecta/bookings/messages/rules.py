"""When a reminder is due: so long before the start, and never in somebody's quiet hours. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from .told import Appointment, Guest, ReminderRules

REMINDED = ("pending", "confirmed")
# What is late by no more than this was on its way, and still goes.
_LATE = timedelta(minutes=15)
_MINUTE = timedelta(minutes=1)
# What a gateway can dial: the country, then the number (E.164).
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")


@dataclass(frozen=True)
class Planned:
    """A reminder to come."""

    attendee_id: str
    channel: str
    minutes: int
    due_at: datetime


def planned(booking: Appointment, now: datetime) -> Iterator[Planned]:
    """Give the reminders that are still to come: whoever books within the window of one needs none."""
    if booking.status not in REMINDED:
        return
    for guest in booking.guests:
        if guest.declined:
            continue
        for channel in channels(guest, sms=booking.rules.sms):
            for minutes in sorted(set(booking.rules.minutes_before)):
                due = due_at(booking.start, minutes, guest.time_zone, booking.rules)
                if due > now:
                    yield Planned(guest.id, channel, minutes, due)


def channels(guest: Guest, *, sms: bool) -> list[str]:
    """Say by what to reach somebody: mail; text message when the firm wants it, or there is no address."""
    found = ["mail"] if guest.email else []
    reachable = guest.phone is not None and _PHONE.fullmatch(guest.phone) is not None
    return [*found, "sms"] if reachable and (sms or not guest.email) else found


def due_at(start: datetime, minutes: int, zone: str, rules: ReminderRules) -> datetime:
    """Return when to remind somebody, in UTC.

    What falls into quiet hours waits for their end, unless less than half of the time would then be left:
    then it comes before they begin.
    """
    wanted = start.astimezone(UTC) - minutes * _MINUTE
    latest = wanted + (start - wanted) / 2
    later = _first_loud(wanted, _MINUTE, zone, rules)
    return later if later <= latest else _first_loud(wanted, -_MINUTE, zone, rules)


def put_off_until(now: datetime, due: datetime, zone: str, rules: ReminderRules) -> datetime | None:
    """Return until when a late reminder waits, because it is quiet hours by now; None when it may go."""
    if now - due <= _LATE or not is_quiet(now, zone, rules):
        return None
    return _first_loud(now, _MINUTE, zone, rules)


def is_quiet(moment: datetime, zone: str, rules: ReminderRules) -> bool:
    """Say whether it is quiet hours where somebody is."""
    local = moment.astimezone(ZoneInfo(zone))
    minute, begin, end = local.hour * 60 + local.minute, rules.quiet_from, rules.quiet_until
    return begin <= minute < end if begin <= end else minute >= begin or minute < end


def _first_loud(moment: datetime, step: timedelta, zone: str, rules: ReminderRules) -> datetime:
    # Minute by minute on the line of time: right in the nights, too, in which clocks change.
    while is_quiet(moment, zone, rules):
        moment += step
    return moment
