"""Why a start is not offered: the same rules, asked one by one (rule 14)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from .bounds import full_days, full_weeks
from .facts import Host, Question, Session
from .hours import layers
from .ranges import holds
from .slots import Sweep, Team, conflicts

# In the order in which they are told; what only somebody else's booking keeps from being free comes first
# among what binds nobody, so that two who want the same time are told that it is taken.
RULES = (
    "seats",
    "host",
    "notice",
    "horizon",
    "outside_hours",
    "holiday",
    "time_off",
    "buffers",
    "grid",
    "seat_full",
    "slot_taken",
    "room",
    "limit_day",
    "limit_week",
)
TAKEN = ("seat_full", "slot_taken")


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule that keeps somebody (None: everybody) from being offered."""

    rule: str
    host_id: str | None


def reasons(question: Question) -> list[Reason]:
    """Return what keeps `question.start` from being offered, the most telling reason first.

    A team that can is silent; when there is one, the start is offered and the list is empty.
    """
    sweep = Sweep(replace(question, end=question.start + 1))
    if question.seats > question.rules.capacity:
        return [Reason("seats", None)]
    if any(True for team in sweep.former_teams for _ in sweep.joinable(team)):
        return []
    if not sweep.teams:
        return [Reason("host", None)]
    each = [
        sorted(_of_team(sweep, team), key=lambda reason: RULES.index(reason.rule)) for team in sweep.teams
    ]
    if not all(each):
        return []
    # Whoever gets furthest says most about what to ask for instead, and a taken time most of all.
    each.sort(key=lambda found: (found[0].rule not in TAKEN, -RULES.index(found[0].rule)))
    return list(dict.fromkeys(reason for found in each for reason in found))


def _of_team(sweep: Sweep, team: Team) -> Iterator[Reason]:
    start = sweep.question.start
    if next(sweep.joinable(team), None) is not None:
        return
    if next((s for s in sweep.fresh(team) if s == start), None) is not None:
        return
    session = _session(sweep, team)
    if session is not None:
        yield from _of_session(sweep, team, session)
        return
    for host in team.hosts:
        yield from _of_host(sweep, host)
    # Outside of hours there is no grid to be off.
    within = all(_hours_rule(sweep, host) in {None, "time_off"} for host in team.hosts)
    if within and not sweep.rules.bypass and start not in sweep.on_grid(team, [(start, start + 1)]):
        yield Reason("grid", None)
    yield from _of_rooms(sweep)


def _session(sweep: Sweep, team: Team) -> Session | None:
    question = sweep.question
    for session in question.sessions:
        same = session.start == question.start and session.end - session.start == sweep.rules.length
        if same and set(session.host_ids) == set(team.ids):
            return session
    return None


def _of_session(sweep: Sweep, team: Team, session: Session) -> Iterator[Reason]:
    if session.free < sweep.question.seats:
        yield Reason("seat_full", None)
    if sweep.rules.bypass:
        return
    for host in team.hosts:
        first, last = sweep.bounds(host.schedule)
        if session.start < first:
            yield Reason("notice", host.id)
        elif session.start >= last:
            yield Reason("horizon", host.id)
        elif not sweep.is_open(host, session):
            yield Reason("time_off", host.id)


def _of_host(sweep: Sweep, host: Host) -> Iterator[Reason]:
    start, rules = sweep.question.start, sweep.rules
    if any(first <= start < last for first, last in conflicts(rules, host.busy)):
        yield Reason("slot_taken", host.id)
    if rules.bypass:
        return
    first, last = sweep.bounds(host.schedule)
    if start < first:
        yield Reason("notice", host.id)
    if start >= last:
        yield Reason("horizon", host.id)
    rule = _hours_rule(sweep, host)
    if rule:
        yield Reason(rule, host.id)
    for name, full in (("limit_day", full_days(rules, host)), ("limit_week", full_weeks(rules, host))):
        if holds(full, start, start + 1):
            yield Reason(name, host.id)


def _hours_rule(sweep: Sweep, host: Host) -> str | None:
    start, rules = sweep.question.start, sweep.rules
    end = start + rules.length
    written = sweep.layers(host.schedule)
    opened = written.open(host.absences)
    if holds(opened, start, end):
        inside = not rules.within_hours or holds(opened, start - rules.before, end + rules.after)
        return None if inside else "buffers"
    if holds(written.open(()), start, end):
        return "time_off"
    every_day = layers(host.schedule, sweep.question.around, holidays=False)
    return "holiday" if holds(every_day.open(()), start, end) else "outside_hours"


def _of_rooms(sweep: Sweep) -> Iterator[Reason]:
    start, rooms = sweep.question.start, sweep.question.rooms
    if rooms is None or any(holds(sweep.room_starts(room), start, start + 1) for room in rooms):
        return
    open_ones = [room for room in rooms if holds(sweep.room_starts(replace(room, busy=())), start, start + 1)]
    yield Reason("slot_taken" if open_ones else "room", None)
