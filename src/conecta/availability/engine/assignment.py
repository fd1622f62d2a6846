"""Whose turn it is: the share by weight, then who has waited longest, then the id (rule 12)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .facts import Question, Session
from .ranges import holds
from .slots import Sweep, Team


@dataclass(frozen=True, slots=True)
class Turn:
    """How much a host has had of a service lately; what was cancelled or not attended gives the turn back."""

    count: int = 0
    last: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """Who gives an appointment, where, and which session it joins."""

    host_ids: tuple[str, ...]
    room_id: str | None
    session: Session | None


def choose(question: Question, turns: dict[str, Turn]) -> Choice | None:
    """Return who gives the appointment at `question.start`; None when nobody can.

    Sessions that somebody comes to already are filled first, the fullest of them before the others.
    """
    sweep = Sweep(replace(question, end=question.start + 1))
    teams = (*sweep.teams, *sweep.former_teams)
    joined = [(session, team) for team in teams for session in sweep.joinable(team)]
    if joined:
        session, team = min(joined, key=lambda pair: (pair[0].free, pair[0].id))
        return Choice(_in_order(team), session.room_id, session)
    able = [team for team in sweep.teams if question.start in sweep.fresh(team)]
    if not able:
        return None
    team = min(able, key=lambda team: _rank(team, turns))
    return Choice(_in_order(team), _room(sweep), None)


def _rank(team: Team, turns: dict[str, Turn]) -> tuple[float, int, str]:
    host = next((host for host in team.hosts if host.id == team.rotating), None)
    if host is None:
        return (0.0, 0, "")
    turn = turns.get(host.id, Turn())
    return (turn.count / host.weight, turn.last, host.id)


def _in_order(team: Team) -> tuple[str, ...]:
    # The one whose turn it is answers for the appointment, so they are named first.
    others = tuple(host_id for host_id in team.ids if host_id != team.rotating)
    return others if team.rotating is None else (team.rotating, *others)


def _room(sweep: Sweep) -> str | None:
    start, rooms = sweep.question.start, sweep.question.rooms
    free: Sequence[str] = [
        room.id for room in rooms or () if holds(sweep.room_starts(room), start, start + 1)
    ]
    return min(free, default=None)
