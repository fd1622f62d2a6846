"""Free time in whole ranges, for calendars that do not show single slots."""

from dataclasses import dataclass
from typing import Final

from .facts import Question
from .ranges import Ranges, clip, intersect, merge, subtract
from .slots import Sweep

_MINUTE: Final = 60


@dataclass(frozen=True, slots=True)
class FreeRanges:
    """Free time of each host, and of any of them."""

    of_hosts: dict[str, Ranges]
    of_any: Ranges


def free_ranges(question: Question, *, whole: bool) -> FreeRanges:
    """Return when something of the question's length could take place, off the grid too.

    `whole` leaves the length out: then free is every moment at which somebody works and has nothing else.
    """
    sweep = Sweep(question)
    found: dict[str, Ranges] = {}
    for team in sweep.teams:
        if whole:
            free = _whole(sweep, team.ids[0])
        else:
            allowed = sweep.team_starts(team)
            if question.rooms is not None:
                allowed = intersect(allowed, sweep.any_room)
            free = clip(_reached(allowed, question.rules.length), question.start, question.end)
        for host_id in team.ids:
            found[host_id] = merge([*found.get(host_id, ()), *free])
    together = merge(one for free in found.values() for one in free)
    return FreeRanges(dict(sorted(found.items())), together)


def _reached(starts: Ranges, length: int) -> Ranges:
    """Return what appointments of a length can take that begin at a whole minute of these starts."""
    minutes = ((-(-start // _MINUTE) * _MINUTE, (end - 1) // _MINUTE * _MINUTE) for start, end in starts)
    return merge((first, last + length) for first, last in minutes if first <= last)


def _whole(sweep: Sweep, host_id: str) -> Ranges:
    question = sweep.question
    host = next(host for host in question.hosts if host.id == host_id)
    opened = sweep.layers(host.schedule).open(host.absences)
    free = subtract(opened, merge((taken.start, taken.end) for taken in host.busy))
    return clip(free, max(question.start, question.now), question.end)
