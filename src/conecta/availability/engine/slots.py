"""The sweep: rules take ranges away from the starts of hosts and rooms; a grid is laid over the rest."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from .bounds import earliest, full_days, full_weeks, latest
from .facts import Busy, Host, Offer, Question, Room, Rules, Schedule, Session
from .hours import Layers, is_away, layers
from .ranges import Range, Ranges, clip, intersect, merge, subtract
from .zones import DAY, Zone


@dataclass(frozen=True, slots=True)
class Team:
    """Hosts who give one appointment together: the fixed ones, and one of the rotating ones if any rotate."""

    hosts: tuple[Host, ...]
    rotating: str | None

    @property
    def ids(self) -> tuple[str, ...]:
        """Whose time it takes."""
        return tuple(host.id for host in self.hosts)


class Sweep:
    """One question being answered; what several hosts share is worked out once."""

    def __init__(self, question: Question) -> None:
        self.question, self.rules = question, question.rules
        self._layers: dict[int, Layers] = {}
        self._pieces: dict[int, Ranges] = {}
        self._bounds: dict[int, Range] = {}
        self._starts: dict[str, Ranges] = {}

    @cached_property
    def teams(self) -> list[Team]:
        """Who could give the appointment, in the order of their ids."""
        question, hosts = self.question, sorted(self.question.hosts, key=lambda host: host.id)
        fixed = tuple(host for host in hosts if host.fixed or self.rules.collective)
        rotating = [host for host in hosts if not (host.fixed or self.rules.collective)]
        if rotating:
            teams = [Team((*fixed, host), host.id) for host in rotating]
        else:
            teams = [Team(fixed, None)] if fixed else []
        wanted = question.provider
        return [team for team in teams if wanted is None or wanted in team.ids]

    @cached_property
    def former_teams(self) -> list[Team]:
        """Who gives sessions together without being a team any more: those may still be joined."""
        everybody = {host.id: host for host in (*self.question.hosts, *self.question.former)}
        current = {frozenset(team.ids) for team in self.teams}
        wanted = self.question.provider
        return [
            Team(tuple(everybody[host_id] for host_id in ids), None)
            for ids in dict.fromkeys(session.host_ids for session in self.question.sessions)
            if frozenset(ids) not in current
            and everybody.keys() >= set(ids)
            and (wanted is None or wanted in ids)
        ]

    def offers(self) -> list[Offer]:
        """Return the free starts of the period, in order."""
        hosts: dict[int, list[str]] = {}
        # The places of sessions; who could begin something new has all of them.
        joined: dict[int, int] = {}
        for team in self.teams:
            name = team.rotating or ""
            for start in self.fresh(team):
                if start in hosts:
                    hosts[start].append(name)
                else:
                    hosts[start] = [name]
            if self.question.sessions:
                joined.update(dict.fromkeys(self.fresh(team), self.rules.capacity))
            for session in self.joinable(team):
                hosts.setdefault(session.start, []).append(name)
                joined[session.start] = max(joined.get(session.start, 0), session.free)
        former: dict[int, tuple[str, ...]] = {}
        for team in self.former_teams:
            for session in self.joinable(team):
                former[session.start] = (*former.get(session.start, ()), *team.ids)
                joined[session.start] = max(joined.get(session.start, 0), session.free)
        # The fixed ones are in every team.
        fixed = self.teams[0] if self.teams else Team((), None)
        common = tuple(host_id for host_id in fixed.ids if host_id != fixed.rotating)
        known: dict[tuple[str, ...], tuple[str, ...]] = {}
        offers = []
        for start in sorted(hosts.keys() | former.keys()) if former else sorted(hosts):
            rotating = tuple(hosts.get(start, ()))
            ids = known.get(rotating)
            if ids is None:
                ids = known[rotating] = (*common, *(name for name in rotating if name)) if rotating else ()
            if start in former:
                ids = tuple(dict.fromkeys((*ids, *former[start])))
            offers.append(Offer(start, ids, joined.get(start, self.rules.capacity)))
        return offers

    def fresh(self, team: Team) -> list[int]:
        """Return the starts at which a team can begin something new."""
        if self.question.seats > self.rules.capacity:
            return []
        allowed = self.team_starts(team)
        if self.question.rooms is not None:
            allowed = intersect(allowed, self.any_room)
        return self.on_grid(team, allowed) if allowed else []

    def joinable(self, team: Team) -> Iterator[Session]:
        """Give the group sessions of a team that still have as many places.

        The firm has agreed to them, so that hours, grid and limits do not bind them any more.
        """
        ids = set(team.ids)
        for session in self.question.sessions:
            fits = set(session.host_ids) == ids and session.free >= self.question.seats
            if not fits or not self._within(session):
                continue
            if self.rules.bypass or all(self.is_open(host, session) for host in team.hosts):
                yield session

    def team_starts(self, team: Team) -> Ranges:
        """Return when all of a team are free to begin, on the grid or not."""
        allowed = self.host_starts(team.hosts[0])
        for host in team.hosts[1:]:
            allowed = intersect(allowed, self.host_starts(host))
        return allowed

    def host_starts(self, host: Host) -> Ranges:
        """Return when a host is free to begin."""
        if host.id not in self._starts:
            self._starts[host.id] = self._host_starts(host)
        return self._starts[host.id]

    def room_starts(self, room: Room) -> Ranges:
        """Return when a room is free for something to begin."""
        period = (self.question.start, self.question.end)
        if room.schedule is None or self.rules.bypass:
            absences = () if self.rules.bypass else room.absences
            away = merge((a.start - self.rules.length + 1, a.end) for a in absences)
            allowed = subtract([period], away)
        else:
            opened = self.layers(room.schedule).open(room.absences)
            allowed = clip(_beginnings(opened, self.rules.length), *period)
        return subtract(allowed, conflicts(self.rules, room.busy))

    @cached_property
    def any_room(self) -> Ranges:
        """Return when at least one of the rooms is free for something to begin."""
        rooms = self.question.rooms or ()
        return merge(free for room in rooms for free in self.room_starts(room))

    def on_grid(self, team: Team, allowed: Ranges) -> list[int]:
        """Return the starts within ranges that are on the team's grid."""
        if not self.rules.step:
            return [start for first, last in allowed for start in range(first, last)]
        pieces = self.pieces(team.hosts[0].schedule)
        for host in team.hosts[1:]:
            pieces = intersect(pieces, self.pieces(host.schedule))
        if self.rules.by_clock:
            clock = team.hosts[0].schedule.zone
            return _by_clock(clock, intersect(allowed, pieces), self.rules.step)
        return _by_piece(allowed, pieces, self.rules.step)

    def layers(self, schedule: Schedule) -> Layers:
        """Return the hours of a schedule around the period."""
        if id(schedule) not in self._layers:
            self._layers[id(schedule)] = layers(schedule, self.question.around)
        return self._layers[id(schedule)]

    def pieces(self, schedule: Schedule) -> Ranges:
        """Return the hours of a schedule as written, split where grids begin."""
        if id(schedule) not in self._pieces:
            self._pieces[id(schedule)] = self.layers(schedule).pieces()
        return self._pieces[id(schedule)]

    def bounds(self, schedule: Schedule) -> Range:
        """Return the starts that notice and horizon leave."""
        if id(schedule) not in self._bounds:
            question = self.question
            self._bounds[id(schedule)] = (
                earliest(self.rules, schedule, question.now),
                latest(self.rules, schedule, question.now, question.end),
            )
        return self._bounds[id(schedule)]

    def is_open(self, host: Host, session: Session) -> bool:
        """Say whether notice, horizon and absences of a host still let somebody join a session."""
        first, last = self.bounds(host.schedule)
        away = is_away(host.schedule, host.absences, session.start, session.end)
        return first <= session.start < last and not away

    def _host_starts(self, host: Host) -> Ranges:
        rules, question = self.rules, self.question
        period = (question.start, question.end)
        if rules.bypass:
            return subtract([period], conflicts(rules, host.busy))
        opened = self.layers(host.schedule).open(host.absences)
        margin = (rules.before, rules.after) if rules.within_hours else (0, 0)
        allowed = clip(_beginnings(opened, rules.length, *margin), *period)
        allowed = clip(allowed, *self.bounds(host.schedule))
        for holes in (conflicts(rules, host.busy), full_days(rules, host), full_weeks(rules, host)):
            allowed = subtract(allowed, holes)
        return allowed

    def _within(self, session: Session) -> bool:
        question = self.question
        length = session.end - session.start
        return question.start <= session.start < question.end and length == self.rules.length


def conflicts(rules: Rules, busy: Iterable[Busy]) -> Ranges:
    """Return the starts whose time, buffers included, would overlap with time that is taken (rule 6)."""
    reach = rules.length + rules.after - 1
    return merge((taken.start - reach, taken.end + rules.before) for taken in busy)


def _beginnings(opened: Ranges, length: int, before: int = 0, after: int = 0) -> Ranges:
    ends = length + after - 1
    return [(start + before, end - ends) for start, end in opened if start + before < end - ends]


def _by_piece(allowed: Ranges, pieces: Ranges, step: int) -> list[int]:
    starts: list[int] = []
    index, count = 0, len(pieces)
    for start, end in allowed:
        while index < count and pieces[index][1] <= start:
            index += 1
        at = index
        while at < count and pieces[at][0] < end:
            first, last = pieces[at]
            begin = max(start, first)
            starts += range(begin + (first - begin) % step, min(end, last), step)
            at += 1
    return starts


def _by_clock(clock: Zone, allowed: Ranges, step: int) -> list[int]:
    starts: list[int] = []
    for start, end in allowed:
        for begin, until in pairwise([start, *clock.offset_changes(start, end), end]):
            offset = clock.wall(begin) - begin
            for day in range((begin + offset) // DAY, (until - 1 + offset) // DAY + 1):
                midnight = day * DAY
                first = max(begin + offset, midnight)
                first += (midnight - first) % step
                starts += range(first - offset, min(until, midnight + DAY - offset), step)
    return starts
