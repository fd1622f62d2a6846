"""From when, until when and how often somebody may be booked (rules 8 and 10)."""

from collections import Counter

from .facts import Host, Rules, Schedule
from .hours import works_on
from .ranges import Range, Ranges, merge

_LONGEST_CLOSURE = 31
# Beyond ten years nobody counts working days: there are none, or the horizon has come long before.
_FAR = 3660
FOREVER = 2**62


def earliest(rules: Rules, schedule: Schedule, now: int) -> int:
    """Return the first start that is not too soon."""
    first = -FOREVER if rules.notice is None else now + rules.notice
    if rules.day_before is None:
        return first
    day = schedule.zone.day(now)
    while now > _deadline(schedule, day, rules.day_before):
        day += 1
    return max(first, schedule.zone.midnight(day))


def latest(rules: Rules, schedule: Schedule, now: int, end: int) -> int:
    """Return the end of the last date that may be booked already; days beyond `end` are not looked at."""
    if rules.horizon_days is None:
        return FOREVER
    clock = schedule.zone
    today = clock.day(now)
    if not rules.horizon_working:
        return clock.midnight(today + rules.horizon_days + 1)
    left, day, stop = rules.horizon_days, today, min(clock.day(end), today + _FAR)
    while left:
        day += 1
        if day > stop:
            return FOREVER
        left -= works_on(schedule, day)
    return clock.midnight(day + 1)


def full_days(rules: Rules, host: Host) -> Ranges:
    """Return the days on which the host takes no more bookings of the service."""
    if rules.max_per_day is None:
        return []
    clock = host.schedule.zone
    counts = Counter(clock.day(start) for start in host.booked)
    full = (day for day, count in counts.items() if count >= rules.max_per_day)
    return merge((clock.midnight(day), clock.midnight(day + 1)) for day in full)


def full_weeks(rules: Rules, host: Host) -> Ranges:
    """Return the weeks, from Monday, in which the host takes no more bookings of the service."""
    if rules.max_per_week is None:
        return []
    counts = Counter(monday(host.schedule.zone.day(start)) for start in host.booked)
    full = (day for day, count in counts.items() if count >= rules.max_per_week)
    return merge(week(host.schedule, day) for day in full)


def week(schedule: Schedule, day: int) -> Range:
    """Return the week that begins on a Monday."""
    return (schedule.zone.midnight(day), schedule.zone.midnight(day + 7))


def monday(day: int) -> int:
    """Return the Monday of a day's week."""
    return day - (day + 3) % 7


def _deadline(schedule: Schedule, day: int, minutes: int) -> int:
    # "By this time of the previous working day"; who never works is taken to work the day before.
    before = day - 1
    for earlier in range(day - 1, day - 1 - _LONGEST_CLOSURE, -1):
        if works_on(schedule, earlier):
            before = earlier
            break
    return schedule.zone.instant(before * 86400 + minutes * 60)
