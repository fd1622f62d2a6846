"""Corners that chance seldom meets, one by one: what the engine offers there, and that the oracle agrees."""

from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from conecta.availability.engine.assignment import Turn, choose
from conecta.availability.engine.facts import Absence, Busy, Host, Question, Room, Rules, Schedule, Session
from conecta.availability.engine.slots import Sweep
from tests.availability import oracle

MADRID, HOUR = "Europe/Madrid", 3600
DAY = (date(2026, 6, 16) - date(1970, 1, 1)).days  # a Tuesday


def at(hour, minute=0, day=16, month=6):
    return int(datetime(2026, month, day, hour, minute, tzinfo=ZoneInfo(MADRID)).timestamp())


def hours(*spans, **more):
    return Schedule(MADRID, (spans,) * 7, **more)


OPEN = hours((540, 780))  # from nine to one
GROUP = Rules(HOUR, capacity=3, step=HOUR)


def host(number=0, schedule=OPEN, **more):
    return Host(f"usr_{number}", schedule, **more)


def session(number, start, free, *, minutes=60):
    return Session(f"occ_{number}", (f"usr_{number}",), start, start + minutes * 60, free)


FIRST, MIDNIGHT, NEXT = at(0, day=1), at(0), at(0, day=17)


def ask(rules, *hosts, now=FIRST, start=MIDNIGHT, end=NEXT, **more):
    taken = [
        (one, Busy(s.start - rules.before, s.end + rules.after, s.id))
        for s in more.get("sessions", ())
        for one in s.host_ids
    ]
    hosts = tuple(replace(h, busy=(*h.busy, *(busy for one, busy in taken if one == h.id))) for h in hosts)
    return Question(rules=rules, hosts=hosts, now=now, start=start, end=end, **more)


def block(start, end):
    return Absence(start, end, block=True)


BEFORE_SIX = Rules(HOUR, step=HOUR, day_before=18 * 60)
DATED = {DAY: ((540, 780),)}

CORNERS = {
    "a gap into which it just fits": (
        ask(
            Rules(HOUR, before=300, after=600, step=300),
            host(busy=(Busy(at(9), at(9, 55)), Busy(at(11, 10), at(13)))),
        ),
        ["10:00"],
    ),
    "a gap that lacks a minute": (
        ask(
            Rules(HOUR, before=300, after=600, step=300),
            host(busy=(Busy(at(9), at(9, 55)), Busy(at(11, 9), at(13)))),
        ),
        [],
    ),
    "notice to the second": (
        ask(Rules(HOUR, step=HOUR, notice=2 * HOUR), host(), now=at(9)),
        ["11:00", "12:00"],
    ),
    "at six of the day before itself": (
        ask(BEFORE_SIX, host(), now=at(18, day=15)),
        ["09:00", "10:00", "11:00", "12:00"],
    ),
    "a second after six": (ask(BEFORE_SIX, host(), now=at(18, day=15) + 1), []),
    "both notices: the later binds": (
        ask(replace(BEFORE_SIX, notice=24 * HOUR), host(), now=at(10, 30, day=15)),
        ["11:00", "12:00"],
    ),
    "who works on that date only": (
        ask(BEFORE_SIX, host(0, hours(overrides=DATED)), now=at(12, day=15)),
        ["09:00", "10:00", "11:00", "12:00"],
    ),
    "the day before was a holiday": (
        ask(BEFORE_SIX, host(0, replace(OPEN, holidays=frozenset({DAY - 1}))), now=at(12, day=15)),
        [],
    ),
    "the last day of the horizon": (
        ask(Rules(HOUR, step=2 * HOUR, horizon_days=1), host(), now=at(12, day=15), end=at(0, day=18)),
        ["09:00", "11:00"],
    ),
    "a holiday is no working day of the horizon": (
        ask(
            Rules(HOUR, step=2 * HOUR, horizon_days=1, horizon_working=True),
            host(0, replace(OPEN, holidays=frozenset({DAY - 1}))),
            now=at(12, day=14),
            end=at(0, day=18),
        ),
        ["09:00", "11:00"],
    ),
    "a full week ends at its own midnight, an hour later than usual": (
        ask(
            Rules(HOUR, step=HOUR, max_per_week=1),
            host(0, hours((0, 60), (1380, 1440)), booked=(at(10, day=20, month=10),)),
            start=at(12, day=25, month=10),
            end=at(12, day=26, month=10),
        ),
        ["00:00"],
    ),
    "and so does a full day": (
        ask(
            Rules(HOUR, step=HOUR, max_per_day=1),
            host(0, hours((0, 60), (1380, 1440)), booked=(at(10, day=25, month=10),)),
            start=at(12, day=25, month=10),
            end=at(12, day=26, month=10),
        ),
        ["00:00"],
    ),
    "those who come together begin where the last of them does": (
        ask(Rules(HOUR, step=HOUR, collective=True), host(), host(1, hours((560, 780)))),
        ["09:20", "10:20", "11:20"],
    ),
    "a room that is away, and one with other hours": (
        ask(
            Rules(HOUR, step=HOUR // 2),
            host(),
            rooms=(
                Room("room_0", absences=(Absence(at(10), at(13)),)),
                Room("room_1", OPEN, absences=(Absence(at(9), at(12)),)),
            ),
        ),
        ["09:00", "12:00"],
    ),
    "vacation gives way to a date of its own": (
        ask(Rules(HOUR, step=HOUR), host(0, hours(overrides=DATED), absences=(Absence(at(9), at(13)),))),
        ["09:00", "10:00", "11:00", "12:00"],
    ),
    "a block does not": (
        ask(Rules(HOUR, step=HOUR), host(0, hours(overrides=DATED), absences=(block(at(9), at(11)),))),
        ["11:00", "12:00"],
    ),
    "nor for a session": (
        ask(
            GROUP,
            host(0, hours(overrides=DATED), absences=(block(at(9), at(11)),)),
            sessions=(session(0, at(10), 2),),
        ),
        ["11:00", "12:00"],
    ),
    "absences that touch a session": (
        ask(
            GROUP,
            host(absences=(Absence(at(9), at(10)), Absence(at(11), at(13)))),
            sessions=(session(0, at(10), 2),),
        ),
        ["10:00"],
    ),
    "a session outside of hours, and one too soon": (
        ask(
            replace(GROUP, notice=HOUR),
            host(0, hours()),
            host(1, hours()),
            now=at(9, 30),
            sessions=(session(0, at(10), 2), session(1, at(20, 10), 2)),
        ),
        ["20:10"],
    ),
    "a session beyond the horizon": (
        ask(
            replace(GROUP, horizon_days=1),
            host(0, hours()),
            now=at(9, day=14),
            sessions=(session(0, at(10), 2),),
        ),
        [],
    ),
    "a session of another length": (
        ask(GROUP, host(), sessions=(session(0, at(10), 2, minutes=30),)),
        ["09:00", "11:00", "12:00"],
    ),
    "a session with too few places": (
        ask(GROUP, host(), seats=2, sessions=(session(0, at(10), 1),)),
        ["09:00", "11:00", "12:00"],
    ),
    "the clock's grid over the night of the change": (
        ask(
            Rules(HOUR // 2, step=3000, by_clock=True),
            host(0, hours((0, 230))),
            now=at(0, day=1, month=3),
            start=at(0, day=29, month=3),
            end=at(0, day=30, month=3),
        ),
        ["00:00", "00:50", "01:40", "03:20"],
    ),
    "the clock's grid begins anew at midnight": (
        ask(
            Rules(HOUR, step=6000, by_clock=True),
            host(0, hours((1320, 1560))),
            start=at(12),
            end=at(12, day=17),
        ),
        ["23:20", "00:00"],
    ),
}


@pytest.mark.parametrize("corner", CORNERS)
def test_a_corner(corner):
    question, expected = CORNERS[corner]
    offers = Sweep(question).offers()
    here = ZoneInfo(MADRID)
    assert [datetime.fromtimestamp(offer.start, here).strftime("%H:%M") for offer in offers] == expected
    found = {offer.start: (set(offer.host_ids), offer.seats) for offer in offers}
    assert found == oracle.offers(question)


def test_of_two_sessions_the_fullest_is_filled_and_the_emptiest_is_told():
    question = ask(GROUP, host(), host(1), sessions=(session(0, at(10), 2), session(1, at(10), 1)))
    (offer,) = [offer for offer in Sweep(question).offers() if offer.start == at(10)]
    assert (set(offer.host_ids), offer.seats) == ({"usr_0", "usr_1"}, 2)
    chosen = choose(replace(question, start=at(10)), {})
    assert chosen is not None
    assert chosen.session is question.sessions[1]


def test_a_session_of_two_is_joined_with_both():
    pair = replace(session(0, at(10), 2), host_ids=("usr_0", "usr_1"))
    question = ask(GROUP, host(), host(1), sessions=(pair,))
    (offer,) = [offer for offer in Sweep(question).offers() if offer.start == at(10)]
    assert (set(offer.host_ids), offer.seats) == ({"usr_0", "usr_1"}, 2)
    chosen = choose(replace(question, start=at(10)), {})
    assert chosen is not None
    assert (set(chosen.host_ids), chosen.session) == ({"usr_0", "usr_1"}, pair)


def test_nothing_but_what_is_taken_binds_the_firm():
    rules = Rules(HOUR, before=600, notice=None, horizon_days=1, bypass=True)
    away = Absence(at(0), at(0, day=17))
    room = Room("room_0", hours(), absences=(away,), busy=(Busy(at(22), at(23)),))
    question = ask(rules, host(0, hours(), absences=(away,), busy=(Busy(at(18), at(19)),)), rooms=(room,))

    def given(start):
        chosen = choose(replace(question, start=start), {})
        return chosen and (chosen.host_ids, chosen.room_id)

    assert given(at(17)) == given(at(19, 10)) == (("usr_0",), "room_0")
    assert given(at(17, 1)) is given(at(19, 9)) is given(at(22, 30)) is None


def test_whose_turn_it_is_and_in_which_room():
    """Who had least for their weight, then who waits longest, named first; in a room that is free."""
    rooms = (Room("room_0", busy=(Busy(at(10), at(11)),)), Room("room_1"))
    question = ask(
        Rules(HOUR, step=HOUR),
        host(0),
        host(1, weight=3),
        host(2, fixed=True),
        start=at(10),
        rooms=rooms,
    )

    def given(**turns):
        chosen = choose(question, {name: Turn(*turn) for name, turn in turns.items()})
        return chosen and (chosen.host_ids, chosen.room_id)

    assert given(usr_0=(1, 50), usr_1=(2, 60)) == (("usr_1", "usr_2"), "room_1")
    assert given(usr_0=(1, 50), usr_1=(3, 60)) == (("usr_0", "usr_2"), "room_1")
    assert given(usr_0=(1, 60), usr_1=(3, 50)) == (("usr_1", "usr_2"), "room_1")
