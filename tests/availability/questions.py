"""Random questions around the nights when clocks change, for the engine and its oracle to answer alike.

Where all rules bind at once nothing is free, and any two answers agree: so each question has a few themes,
and what belongs to none of them is left plain. What rules turn on, as a deadline or a gap that just fits, is
hit on purpose.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from conecta.availability.engine.facts import (
    Absence,
    Busy,
    Host,
    Question,
    Room,
    Rules,
    Schedule,
    Session,
)

# Clocks that change by night, by half an hour, at midnight itself, and never; east, west, a quarter off.
ZONES = {
    "Europe/Madrid": [(2026, 3, 29), (2026, 10, 25), (2027, 3, 28), (2027, 10, 31)],
    "Atlantic/Canary": [(2026, 3, 29), (2026, 10, 25)],
    "Pacific/Auckland": [(2026, 4, 5), (2026, 9, 27)],
    "Asia/Kathmandu": [(2026, 1, 1), (2026, 6, 15)],
    "Australia/Lord_Howe": [(2026, 4, 5), (2026, 10, 4)],
    "America/Havana": [(2026, 3, 8), (2026, 11, 1)],
}
MINUTE, DAY = 60, 86400
EPOCH = date(1970, 1, 1)

THEMES = (
    "dates", "away", "busy", "notice", "horizon", "limits", "rooms", "sessions", "team", "grid", "buffers",
)  # fmt: skip
# Which of three drawings each weekday has: none the same as the day before or after it.
_WEEK = (0, 1, 2, 0, 1, 2, 1)
# What firms write, the hours that exist twice or never, and shifts past midnight.
_STARTS = st.sampled_from([0, 30, 60, 90, 120, 150, 480, 605, 900, 1200, 1320, 1410])
_LENGTHS = st.sampled_from([30, 60, 185, 240, 300, 480, 720, 1440])
_SPANS = st.tuples(_STARTS, _LENGTHS).map(lambda pair: (pair[0], min(sum(pair), 2880)))
_HOURS = st.lists(_SPANS, min_size=1, max_size=2).map(lambda spans: tuple(sorted(spans)))
_SHIFTS = st.sampled_from([((1320, 1560),), ((1200, 2880),), ((0, 1440),), ((1410, 1530), (60, 120))])
# Around the moment that a question is about; most times are round, as those of people are.
_MINUTES = st.one_of(*[st.integers(-48, 48).map(lambda number: number * 5)] * 4, st.integers(-720, 1440))
# What is worth trying together with sessions: they obey fewer rules than what is new.
_WITH_SESSIONS = st.sampled_from([{"away"}, {"notice"}, {"horizon"}, {"team"}, set()])


@st.composite
def _schedules(draw, zone, day, themes):
    written = [_SHIFTS] if themes & {"limits", "grid"} else [_HOURS, _SHIFTS, _SHIFTS]
    drawn = [draw(st.one_of(*written, *written, *[st.just(())] * len(written[1:]))) for _ in range(3)]
    if "dates" in themes and draw(st.integers(0, 5)) == 0:
        drawn = [()] * 3  # who works on certain dates only
    overrides: Mapping[int, Any] = {}
    holidays: frozenset[int] = frozenset()
    if themes & {"dates", "away"}:
        days = st.integers(day - 1, day + 1)
        overrides = draw(
            st.dictionaries(days, st.one_of(_HOURS, _SHIFTS, st.just(())), min_size=1, max_size=2)
        )
        if draw(st.integers(0, 3)) == 0:
            first = draw(st.integers(day - 1, day))
            overrides = {first: draw(st.sampled_from([((1320, 1560),), ((600, 2000),)])), first + 1: ()}
    if themes & {"dates", "notice", "horizon"}:
        holidays = draw(st.frozensets(st.integers(day - 2, day + 1), min_size=1, max_size=2))
    return Schedule(zone, tuple(drawn[number] for number in _WEEK), overrides, holidays)


@st.composite
def _absences(draw, near):
    found = []
    for _ in range(draw(st.integers(1, 2))):
        start = near + draw(_MINUTES) * MINUTE
        length = draw(st.sampled_from([1, 30, 60, 180, 400, 1000]))
        found.append(Absence(start, start + length * MINUTE, draw(st.booleans())))
    return tuple(found)


@st.composite
def _busy(draw, near, rules, prefix):
    found = []
    for number in range(draw(st.integers(1, 3))):
        start = near + draw(_MINUTES) * MINUTE
        end = start + draw(st.sampled_from([1, 10, 30, 60, 65, 180])) * MINUTE
        found.append(Busy(start, end, f"{prefix}{number}"))
        if draw(st.booleans()):
            # A gap into which one appointment just fits, with its buffers, or lacks a minute to do so.
            end += rules.before + rules.length + rules.after - draw(st.sampled_from([0, 0, MINUTE]))
            found.append(Busy(end, end + 30 * MINUTE, f"{prefix}{number}+"))
    return tuple(found)


@st.composite
def _rules(draw, themes):
    buffers = st.sampled_from([0, 5, 10, 30]).map(lambda minutes: minutes * MINUTE)
    has = {
        "before": draw(buffers) if themes & {"buffers", "busy"} else 0,
        "after": draw(buffers) if themes & {"buffers", "busy"} else 0,
        "within_hours": draw(st.booleans()) if "buffers" in themes else False,
        "capacity": 3 if "sessions" in themes else 1,
        "collective": draw(st.integers(0, 3)) == 0 if "team" in themes else False,
    }
    if "notice" in themes:
        early, kind = draw(st.sampled_from([0, 120, 150, 1080, 1439])), draw(st.integers(0, 4))
        has["day_before"] = early if kind > 1 else None
        has["notice"] = draw(st.sampled_from([0, 1800, 3600, 86400, 90000])) if kind < 3 else None
    if "horizon" in themes:
        has["horizon_days"], has["horizon_working"] = draw(st.integers(1, 3)), draw(st.integers(0, 2)) > 0
    if "limits" in themes:
        has["max_per_day"], has["max_per_week"] = draw(
            st.sampled_from([(1, None), (2, None), (None, 1), (None, 2), (1, 2)])
        )
    steps = [5, 10, 15, 30]
    if "grid" in themes:
        steps = [20, 25, 45, 50, 60, 90, 100]  # some do not go into an hour, or into a day
    return Rules(
        length=draw(st.sampled_from([5, 15, 30, 60, 90, 180])) * MINUTE,
        step=draw(st.sampled_from(steps)) * MINUTE,
        by_clock=draw(st.booleans()),
        **{"notice": None, **has},
    )


@st.composite
def questions(draw, zone, zones=None):
    """A question in a zone; with `zones`, the others of a team may live somewhere else."""
    day = (date(*draw(st.sampled_from(ZONES[zone]))) - EPOCH).days
    themes = draw(st.frozensets(st.sampled_from(THEMES), min_size=1, max_size=2))
    if "sessions" in themes:
        themes |= draw(_WITH_SESSIONS)
    rules = draw(_rules(themes))
    schedule = draw(_schedules(zone, day, themes))
    start = day * DAY + draw(st.sampled_from([-360, -300, -60, 0, 7, 60, 360])) * MINUTE
    focus = start + draw(st.integers(0, 250)) * 5 * MINUTE
    hosts = []
    most = st.integers(2, 3) if themes & {"team", "sessions"} or zones else st.sampled_from([1, 1, 2])
    for number in range(draw(most)):
        elsewhere = draw(st.sampled_from(sorted(zones))) if zones and number else zone
        own = (
            schedule
            if elsewhere == zone and draw(st.booleans())
            else draw(_schedules(elsewhere, day, themes))
        )
        hosts.append(draw(_hosts(f"usr_{number}", own, focus, rules, themes)))
    sessions = draw(_sessions(focus, hosts, rules)) if "sessions" in themes else ()
    return Question(
        rules=rules,
        hosts=tuple(_with_claims(host, sessions, rules) for host in hosts),
        now=draw(_nows(zone, day, start, rules)),
        start=start,
        end=start + draw(st.sampled_from([600, 1500, 1800, 2400])) * MINUTE,
        rooms=draw(_rooms(zone, day, focus, rules)) if "rooms" in themes else None,
        sessions=sessions,
        provider=draw(st.sampled_from([None, "usr_0", "usr_1"])) if "team" in themes else None,
        seats=draw(st.integers(1, 3)) if "sessions" in themes else draw(st.sampled_from([1] * 19 + [2])),
    )


@st.composite
def _hosts(draw, host_id, schedule, focus, rules, themes):
    booked = draw(st.lists(_MINUTES, min_size=1, max_size=3)) if "limits" in themes else ()
    return Host(
        host_id,
        schedule,
        fixed=draw(st.booleans()) if "team" in themes else False,
        weight=draw(st.integers(1, 3)),
        absences=draw(_absences(focus)) if "away" in themes else (),
        busy=draw(_busy(focus, rules, "b")) if "busy" in themes else (),
        booked=tuple(focus + minute * MINUTE for minute in booked),
    )


@st.composite
def _nows(draw, zone, day, start, rules):
    """Moments that let what notice and horizon turn on fall into the period, to the minute."""
    if rules.day_before is not None and draw(st.booleans()):
        there = EPOCH + timedelta(days=day - draw(st.sampled_from([0, 1, 1, 2])))
        deadline = datetime.combine(there, time(), ZoneInfo(zone)) + timedelta(minutes=rules.day_before)
        return int(deadline.timestamp()) + draw(st.sampled_from([-MINUTE, 0, 0, MINUTE]))
    if rules.notice is not None:
        return start + draw(st.integers(0, 150)) * 5 * MINUTE - rules.notice
    ago = (draw(st.integers(0, 1)) + (rules.horizon_days or 0)) * DAY
    return start - ago + draw(st.sampled_from([-1440, -700, -30, 0, 61, 700])) * MINUTE


def _with_claims(host, sessions, rules):
    """A session that somebody comes to takes its hosts' time, buffers included."""
    claims = [
        Busy(session.start - rules.before, session.end + rules.after, session.id)
        for session in sessions
        if host.id in session.host_ids
    ]
    return replace(host, busy=(*host.busy, *claims))


@st.composite
def _rooms(draw, zone, day, focus, rules):
    rooms = []
    for number in range(draw(st.integers(1, 2))):
        hours = draw(st.one_of(st.none(), _schedules(zone, day, frozenset())))
        busy = draw(st.one_of(st.just(()), _busy(focus, rules, "r")))
        rooms.append(Room(f"room_{number}", hours, draw(st.one_of(st.just(()), _absences(focus))), busy))
    return tuple(rooms)


@st.composite
def _sessions(draw, focus, hosts, rules):
    """Sessions of a few hosts, some at the same time, some of another length of the service."""
    sessions, taken = [], set()
    for number in range(draw(st.integers(1, 3))):
        ids = [host.id for host in draw(st.permutations(hosts))[: draw(st.sampled_from([1, 1, 2]))]]
        at = focus + draw(st.sampled_from([0, 0, 120])) * MINUTE
        length = rules.length + draw(st.sampled_from([0, 0, 0, 15])) * MINUTE
        free = draw(st.integers(0, rules.capacity - 1))
        if taken.isdisjoint(ids):  # nobody gives two at a time
            sessions.append(Session(f"occ_{number}", tuple(ids), at, at + length, free, f"room_{number}"))
            taken.update(ids)
    return tuple(sessions)


def instant(*parts):
    """Return a UTC moment in the engine's seconds."""
    return int(datetime(*parts, tzinfo=UTC).timestamp())
