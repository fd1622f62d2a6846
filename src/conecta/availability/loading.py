"""From what the database knows to the facts of the engine: two reads, then no more than dictionaries."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from math import ceil
from typing import Any

from conecta.kit.db import Reads

from . import queries
from .engine.assignment import Turn
from .engine.facts import Absence, Busy, Host, Question, Room, Rules, Schedule, Session, Span
from .engine.zones import DAY
from .terms import ServiceFacts

Json = dict[str, Any]

# Days around a period that matter for it: what spills over from the day before and what a claim reaches,
# the working day before a long closure, and the rest of a week that has a limit.
_AROUND, _CLOSURE, _WEEK = 3, 34, 8
# How far back and ahead turns are counted.
_TURNS_BACK, _TURNS_AHEAD = timedelta(days=30), timedelta(days=90)
_MARGIN = timedelta(days=_AROUND)
_GAVE_TURN = {"pending", "confirmed", "completed", "held"}


class Setup:
    """What can be booked, with whom and where, as `queries.setup` found it."""

    def __init__(self, found: Json, service_id: str | None) -> None:
        self._found, self.service_id = found, service_id
        row: Json | None = found["service"]
        self.row = row
        self.service = _service(row) if row else None
        rows: list[Json] = found["hosts"]
        self.hosts = [host for host in rows if host["hosting"] or host["wanted"]]
        self.in_sessions = [host for host in rows if host["in_session"]]
        self.rooms: list[Json] = found["rooms"]
        self.needs_room: bool = found["needs_room"]

    def former(self, rules: Rules, hosts: Sequence[Json]) -> list[Json]:
        """Return who is not among some hosts, but has group sessions to come with places to sell."""
        ids = {host["id"] for host in hosts}
        return [host for host in self.in_sessions if host["id"] not in ids] if rules.capacity > 1 else []

    @property
    def hosting(self) -> list[Json]:
        """Who gives the service; who was asked for without giving it is left out."""
        return [host for host in self.hosts if host["hosting"]]

    def those(self, provider_id: str | None, *, of: Sequence[Json]) -> list[Json]:
        """Return which of some hosts matter when somebody insists on one: nobody whose turn it is not."""
        collective = self.row is not None and self.row["assignment"] == "collective"
        if provider_id is None or collective:
            return list(of)
        # Who insists on a fixed host takes any of the rotating ones with them.
        if any(host["id"] == provider_id and host["kind"] == "fixed" for host in of):
            return list(of)
        return [host for host in of if host["id"] == provider_id or host["kind"] == "fixed"]

    def version(self, concerned: Sequence[Json]) -> str:
        """Return a text that changes whenever the availability of those concerned may have."""
        ids = {"", *(row["id"] for row in concerned)}
        found = self._found["versions"] or ()
        versions = ";".join(f"{resource}:{version}" for resource, version in found if resource in ids)
        return hashlib.blake2b(versions.encode(), digest_size=9).hexdigest()

    @cached_property
    def schedules(self) -> dict[str, Json]:
        """The weekly hours concerned, by id."""
        return {schedule["id"]: schedule for schedule in self._found["schedules"]}


@dataclass(frozen=True)
class Asked:
    """What is asked of the availability, once the service is known: instants of the period, and for whom."""

    rules: Rules
    start: int
    end: int
    now: datetime
    hosts: Sequence[Json]
    rooms: Sequence[Json] | None
    time_zone: str
    provider: str | None = None
    seats: int = 1
    room: str | None = None
    ignoring: str | None = None
    turns: bool = False
    former: Sequence[Json] = ()

    @property
    def concerned(self) -> list[Json]:
        """Whose time is asked for: hosts and rooms."""
        return [*self.hosts, *self.former, *(self.rooms or ())]


async def setup(
    reads: Reads,
    tenant_id: str,
    now: datetime,
    service_id: str | None,
    provider_id: str | None,
    room_id: str | None = None,
) -> Setup:
    """Read what can be booked."""
    found = await queries.setup(
        reads, tenant_id, now, service_id=service_id, provider_id=provider_id, room_id=room_id
    )
    return Setup(found, service_id)


def rules(known: Setup, minutes: int, *, step: int | None = None, bypass: bool = False) -> Rules:
    """Return the engine's rules of a service, or those of a free appointment, which are few."""
    row = known.row
    if row is None:
        return Rules(
            minutes * 60, notice=None, step=0 if bypass or step is None else step * 60, bypass=bypass
        )
    day_before = row["notice_day_before"]
    return Rules(
        length=minutes * 60,
        before=row["buffer_before"] * 60,
        after=row["buffer_after"] * 60,
        within_hours=row["buffers_within_hours"],
        capacity=row["capacity"],
        notice=row["notice_minutes"] * 60,
        day_before=None if day_before is None else int(day_before[:2]) * 60 + int(day_before[3:5]),
        horizon_days=row["horizon_days"],
        horizon_working=row["horizon_kind"] == "working",
        step=0 if bypass else row["slot_step"] * 60,
        by_clock=row["slot_anchor"] == "clock",
        max_per_day=row["max_per_day"],
        max_per_week=row["max_per_week"],
        collective=row["assignment"] == "collective",
        bypass=bypass,
    )


async def question(
    reads: Reads, tenant_id: str, known: Setup, asked: Asked
) -> tuple[Question, dict[str, Turn]]:
    """Read what the period holds and put the question; the turns are those of a round robin."""
    facts = await queries.period(reads, tenant_id, _period(known, asked))
    return _Facts(known, asked, facts).question()


def _period(known: Setup, asked: Asked) -> queries.Period:
    start, end = moment(asked.start), moment(asked.end)
    day, last = min(asked.start, int(asked.now.timestamp())) // DAY, asked.end // DAY
    used = {row["schedule_id"] for row in asked.concerned if row["schedule_id"]}
    limited = asked.rules.max_per_day is not None or asked.rules.max_per_week is not None
    count_from, count_to = start - timedelta(days=_WEEK), end + timedelta(days=_WEEK)
    if asked.turns:
        count_from, count_to = (
            min(count_from, asked.now - _TURNS_BACK),
            max(count_to, asked.now + _TURNS_AHEAD),
        )
    grouped = known.service_id if asked.rules.capacity > 1 else None
    return queries.Period(
        start=start - _MARGIN,
        end=end + _MARGIN,
        first_day=day - _CLOSURE,
        last_day=max(last, int(asked.now.timestamp()) // DAY + _CLOSURE) + _AROUND,
        count_from=count_from,
        count_to=count_to,
        now=asked.now,
        schedules=sorted(used),
        calendars=sorted({c for s in used if (c := known.schedules[s]["calendar_id"]) is not None}),
        resources=[row["id"] for row in asked.concerned],
        grouped=grouped,
        counted=known.service_id if limited or asked.turns or grouped else None,
        ignoring=asked.ignoring,
    )


class _Facts:
    """One period's rows, sorted by whom they concern."""

    def __init__(self, known: Setup, asked: Asked, found: Json) -> None:
        self._known, self._asked, self._found = known, asked, found
        self._overrides: dict[str, dict[int, tuple[Span, ...]]] = defaultdict(dict)
        for schedule, day, spans in found["overrides"]:
            self._overrides[schedule][day] = tuple((span["start"], span["end"]) for span in spans)
        self._holidays: dict[str, set[int]] = defaultdict(set)
        for calendar, day in found["holidays"]:
            self._holidays[calendar].add(day)
        self._absences: dict[str | None, list[Absence]] = defaultdict(list)
        for user, room, start, end, block in found["absences"]:
            self._absences[user or room].append(Absence(start, end, block))
        self._schedules: dict[str | None, Schedule] = {}

    def question(self) -> tuple[Question, dict[str, Turn]]:
        asked = self._asked
        sessions, empty = self._sessions()
        busy: dict[str, list[Busy]] = defaultdict(list)
        for resource, holder, start, end in self._found["claims"]:
            if holder not in empty:
                busy[resource].append(Busy(start, end, holder))
        for user, start, end in self._found["external"]:
            busy[user].append(Busy(start, end, kind="external"))
        booked, turns = self._booked()
        everybody = tuple(self._absences[None])

        def host(row: Json) -> Host:
            return Host(
                id=row["id"],
                schedule=self._schedule(row["schedule_id"]),
                fixed=row["kind"] == "fixed",
                weight=row["weight"],
                absences=(*everybody, *self._absences[row["id"]]),
                busy=tuple(busy[row["id"]]),
                booked=tuple(booked[row["id"]]),
            )

        asking = Question(
            rules=asked.rules,
            hosts=tuple(map(host, asked.hosts)),
            former=tuple(map(host, asked.former)),
            now=ceil(asked.now.timestamp()),
            start=asked.start,
            end=asked.end,
            rooms=self._rooms(busy),
            sessions=sessions,
            provider=asked.provider,
            seats=asked.seats,
        )
        return asking, turns

    def _rooms(self, busy: Mapping[str, Sequence[Busy]]) -> tuple[Room, ...] | None:
        if self._asked.rooms is None:
            return None
        return tuple(
            Room(
                id=row["id"],
                schedule=self._schedule(row["schedule_id"]) if row["schedule_id"] else None,
                absences=tuple(self._absences[row["id"]]),
                busy=tuple(busy.get(row["id"], ())),
            )
            for row in self._asked.rooms
        )

    def _schedule(self, schedule_id: str | None) -> Schedule:
        # Hosts who share hours share the object too: the engine reads it once.
        if schedule_id not in self._schedules:
            self._schedules[schedule_id] = self._read(schedule_id)
        return self._schedules[schedule_id]

    def _read(self, schedule_id: str | None) -> Schedule:
        if schedule_id is None:
            # Without any schedule, nobody works.
            return Schedule(self._asked.time_zone, ((),) * 7)
        row = self._known.schedules[schedule_id]
        days: list[list[Span]] = [[] for _ in range(7)]
        for span in row["weekly"]:
            days[span["day"] - 1].append((span["start"], span["end"]))
        return Schedule(
            zone_name=row["time_zone"],
            weekly=tuple(tuple(day) for day in days),
            overrides=self._overrides[schedule_id],
            holidays=frozenset(self._holidays[row["calendar_id"]]),
        )

    def _sessions(self) -> tuple[tuple[Session, ...], set[str]]:
        """Return the sessions that somebody comes to, and the ids of those that nobody does any more."""
        back: Counter[str] = Counter()
        for _, session, _, _, seats, _, expired in self._found["booked"]:
            if expired and session:
                back[session] += seats
        if self._found["ignored"] and self._found["ignored"][0]:
            session, seats = self._found["ignored"]
            back[session] += seats
        sessions, empty = [], set()
        for session, hosts, start, end, taken, room in self._found["sessions"]:
            left = taken - back[session]
            if left <= 0:
                empty.add(session)
            elif self._asked.room is None or room in {None, self._asked.room}:
                # A session has the places that the service has now, as whoever books one is told.
                free = self._asked.rules.capacity - left
                sessions.append(Session(session, tuple(hosts), start, end, free, room))
        return tuple(sessions), empty

    def _booked(self) -> tuple[dict[str, list[int]], dict[str, Turn]]:
        """Return each host's starts that count for the limits, and their turns; a session counts once."""
        booked: dict[str, list[int]] = defaultdict(list)
        turns: dict[str, Turn] = defaultdict(Turn)
        seen: set[str] = set()
        for holder, session, hosts, start, _, status, expired in self._found["booked"]:
            if expired or holder == self._asked.ignoring or (session or holder) in seen:
                continue
            seen.add(session or holder)
            for host in hosts:
                booked[host].append(start)
                if status in _GAVE_TURN:
                    turn = turns[host]
                    turns[host] = Turn(turn.count + 1, max(turn.last, start))
        return booked, turns


def moment(instant: int) -> datetime:
    """Return an instant of the engine as a datetime, in UTC."""
    return datetime.fromtimestamp(instant, UTC)


def _service(row: Json) -> ServiceFacts:
    return ServiceFacts(
        id=row["id"],
        name=row["name"],
        name_en=row["name_en"],
        active=row["active"],
        public=row["public"],
        durations=tuple(row["durations"]),
        price_amount=row["price_amount"],
        price_currency=row["price_currency"],
        buffer_before=row["buffer_before"],
        buffer_after=row["buffer_after"],
        capacity=row["capacity"],
        confirmation=row["confirmation"],
        location_kind=row["location_kind"],
        location_detail=row["location_detail"],
        policy=row["policy"],
    )
