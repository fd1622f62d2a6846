"""The rules of free time once more, as slowly and as plainly as they can be said: minute by minute.

Nothing here is shared with the engine but the shape of its facts: walls are read from `zoneinfo` for every
minute, and each candidate asks every rule. All facts must fall on whole minutes.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

from conecta.availability.engine.facts import Busy, Host, Question, Room, Schedule, Session

EPOCH = date(1970, 1, 1)


@lru_cache(maxsize=4096)
def clock(zone: str, day: int) -> list[datetime]:
    """Return what the wall shows at every minute of a day of UTC."""
    here = ZoneInfo(zone)
    minutes = range(day * 1440, (day + 1) * 1440)
    return [
        datetime.fromtimestamp(minute * 60, UTC).astimezone(here).replace(tzinfo=None, fold=0)
        for minute in minutes
    ]


@lru_cache(maxsize=4096)
def shown(zone: str, date: date) -> dict[datetime, list[int]]:
    """Return when the wall shows each time of a date: never, once or twice."""
    times: dict[datetime, list[int]] = {}
    number = (date - EPOCH).days
    for day in (number - 1, number, number + 1):
        for minute, wall in enumerate(clock(zone, day), start=day * 1440):
            if wall.date() == date:
                times.setdefault(wall, []).append(minute)
    return times


class Oracle:
    """Answers one question, in minutes."""

    def __init__(self, question: Question) -> None:
        self.question, self.rules = question, question.rules
        self._near: dict = {}
        self._open: dict = {}

    def offers(self) -> dict[int, tuple[set[str], int]]:
        """Return every free start with who can host it and how many places there are."""
        minutes = range(-(-self.question.start // 60), -(-self.question.end // 60))
        offered = ((minute * 60, self.offer(minute)) for minute in minutes)
        return {start: offer for start, offer in offered if offer is not None}

    def offer(self, start: int) -> tuple[set[str], int] | None:
        """Return who can host a start and how many places there are with one of them; None if nobody can."""
        able = [(team, self.places(team, start)) for team in (*self.teams, *self.former)]
        able = [(team, places) for team, places in able if places and places >= self.question.seats]
        if not able:
            return None
        return {host.id for team, _ in able for host in team}, max(places for _, places in able)

    def choice(
        self, start: int, turns: dict[str, tuple[int, int]]
    ) -> tuple[set[str], str | None, str | None]:
        """Return who gives an appointment that is offered, whose turn that was, and where.

        The fullest session first; then who has had least for their weight, then who waits longest.
        """
        sessions = [
            (session.free, session.id, team, session)
            for team in (*self.teams, *self.former)
            for session in self.question.sessions
            if self.is_of(session, team, start) and self.places(team, start) >= self.question.seats
        ]
        if sessions:
            _, _, team, session = min(sessions, key=lambda one: one[:2])
            turn = self.rotating(team) if team in self.teams else None
            return {host.id for host in team}, turn, session.room_id
        able = [team for team in self.teams if self.is_fresh(team, start)]
        waiting = [
            (turns[host.id][0] / host.weight, turns[host.id][1], host.id, team)
            for team in able
            for host in team
            if host.id == self.rotating(team)
        ]
        team = min(waiting, key=lambda one: one[:3])[3] if waiting else able[0]
        rooms = [room.id for room in self.question.rooms or () if self.has_room(room, start)]
        return {host.id for host in team}, self.rotating(team), min(rooms, default=None)

    def free(self) -> dict[str, set[int]]:
        """Return the minutes of the period that an appointment could cover, grid or not, host by host."""
        minutes = range(-(-self.question.start // 60), -(-self.question.end // 60))
        found: dict[str, set[int]] = {host.id: set() for team in self.teams for host in team}
        for team in self.teams:
            for start in minutes:
                if self.is_free(team, start):
                    for host in team:
                        found[host.id].update(range(start, start + self.rules.length // 60))
        return {host: covered & set(minutes) for host, covered in found.items()}

    def unoccupied(self, host: Host) -> set[int]:
        """Return the minutes of the period, from now on, at which a host works and has nothing else."""
        minutes = range(-(-self.question.start // 60), -(-self.question.end // 60))
        return {
            minute
            for minute in minutes
            if minute * 60 >= self.question.now
            and self.all_open(host.schedule, host.absences, minute, minute + 1)
            and not any(self.overlap(minute * 60, minute * 60 + 1, b.start, b.end) for b in host.busy)
        }

    @cached_property
    def teams(self) -> list[list[Host]]:
        """Return who gives an appointment together: whoever is fixed and one of the others."""
        everybody = list(self.question.hosts)
        fixed = [host for host in everybody if host.fixed or self.rules.collective]
        rotating = [host for host in everybody if host not in fixed]
        teams = [[*fixed, host] for host in rotating] or ([fixed] if fixed else [])
        return [team for team in teams if self.question.provider in {None, *(host.id for host in team)}]

    @cached_property
    def former(self) -> list[list[Host]]:
        """Return who has a session together and is no team (any more): nothing new is theirs to begin."""
        everybody = [*self.question.hosts, *self.question.former]
        found = []
        for session in self.question.sessions:
            team = [host for host in everybody if host.id in session.host_ids]
            whole = len(team) == len(session.host_ids)
            if whole and self.question.provider in {None, *session.host_ids} and not self.is_team(team):
                found.append(team)
        return found

    def is_team(self, hosts: list[Host]) -> bool:
        return any({host.id for host in hosts} == {host.id for host in team} for team in self.teams)

    def rotating(self, team: list[Host]) -> str | None:
        changing = [host.id for host in team if not host.fixed and not self.rules.collective]
        return changing[0] if changing else None

    def places(self, team: list[Host], start: int) -> int:
        for session in self.question.sessions:
            if self.is_of(session, team, start):
                if self.rules.bypass:
                    return session.free
                away = any(self.away(host, session) for host in team)
                soon = any(self.too_soon(host, start) or self.too_far(host, start) for host in team)
                return 0 if away or soon else session.free
        return self.rules.capacity if self.is_team(team) and self.is_fresh(team, start) else 0

    def is_of(self, session: Session, team: list[Host], start: int) -> bool:
        same_time = session.start == start * 60 and session.end == session.start + self.rules.length
        return same_time and set(session.host_ids) == {host.id for host in team}

    def is_fresh(self, team: list[Host], start: int) -> bool:
        return self.is_free(team, start) and (self.rules.bypass or self.on_grid(team, start))

    def is_free(self, team: list[Host], start: int) -> bool:
        for host in team:
            if self.is_taken(host.busy, start):
                return False
            if self.rules.bypass:
                continue
            if not self.works(host, start):
                return False
            if self.too_soon(host, start) or self.too_far(host, start) or self.at_limit(host, start):
                return False
        rooms = self.question.rooms
        return rooms is None or any(self.has_room(room, start) for room in rooms)

    # --- each rule --------------------------------------------------------------------------------

    def too_soon(self, host: Host, start: int) -> bool:
        now = self.question.now
        if self.rules.notice is not None and start * 60 < now + self.rules.notice:
            return True
        if self.rules.day_before is None:
            return False
        day = self.date(host.schedule, start)
        before = day - timedelta(days=1)
        for back in range(1, 32):
            if self.is_working_day(host.schedule, day - timedelta(days=back)):
                before = day - timedelta(days=back)
                break
        return now > self.early(host.schedule, before, self.rules.day_before) * 60

    def too_far(self, host: Host, start: int) -> bool:
        if self.rules.horizon_days is None:
            return False
        today = self.date(host.schedule, self.question.now // 60)
        day = self.date(host.schedule, start)
        if not self.rules.horizon_working:
            return (day - today).days > self.rules.horizon_days
        before = [today + timedelta(days=n) for n in range(1, (day - today).days)]
        worked = sum(self.is_working_day(host.schedule, d) for d in before)
        return day > today and worked >= self.rules.horizon_days

    def at_limit(self, host: Host, start: int) -> bool:
        day = self.date(host.schedule, start)
        days = [self.date(host.schedule, booked // 60) for booked in host.booked]
        weeks = [d.isocalendar()[:2] for d in days]
        most_day, most_week = self.rules.max_per_day, self.rules.max_per_week
        full_day = most_day is not None and days.count(day) >= most_day
        return full_day or (most_week is not None and weeks.count(day.isocalendar()[:2]) >= most_week)

    def works(self, host: Host, start: int) -> bool:
        end = start + self.rules.length // 60
        if self.rules.within_hours:
            start, end = start - self.rules.before // 60, end + self.rules.after // 60
        return self.all_open(host.schedule, host.absences, start, end)

    def is_taken(self, busy: tuple[Busy, ...], start: int) -> bool:
        first = start * 60 - self.rules.before
        last = start * 60 + self.rules.length + self.rules.after
        return any(self.overlap(first, last, taken.start, taken.end) for taken in busy)

    def has_room(self, room: Room, start: int) -> bool:
        end = start + self.rules.length // 60
        if self.is_taken(room.busy, start):
            return False
        if self.rules.bypass:
            return True
        if room.schedule is not None:
            return self.all_open(room.schedule, room.absences, start, end)
        return not any(self.overlap(start * 60, end * 60, a.start, a.end) for a in room.absences)

    def on_grid(self, team: list[Host], start: int) -> bool:
        step = self.rules.step // 60
        if self.rules.by_clock:
            wall = self.wall(team[0].schedule, start)
            return (wall.hour * 60 + wall.minute) % step == 0
        begun = [self.grid_start(host.schedule, start) for host in team]
        return None not in begun and (start - max(begun)) % step == 0

    # --- hours ------------------------------------------------------------------------------------

    def all_open(self, schedule: Schedule, absences, start: int, end: int) -> bool:
        known = self._open.setdefault((id(schedule), absences), {})
        for minute in range(start, end):
            if minute not in known:
                known[minute] = self.is_open(schedule, absences, minute)
            if not known[minute]:
                return False
        return True

    def is_open(self, schedule: Schedule, absences, minute: int) -> bool:
        today = self.date(schedule, minute)
        if schedule.overrides.get((today - EPOCH).days) == ():
            return False
        away = blocked = False
        for absence in absences:
            if absence.start <= minute * 60 < absence.end:
                away, blocked = True, blocked or absence.block
        if blocked:
            return False
        for explicit, first, last in self.spans_near(schedule, today):
            if first <= minute < last and (explicit or not away):
                return True
        return False

    def grid_start(self, schedule: Schedule, minute: int) -> int | None:
        """The grid begins anew where a span begins, and after a date that is unavailable."""
        today = self.date(schedule, minute)
        starts = [first for _, first, last in self.spans_near(schedule, today) if first <= minute]
        for back in range(4):
            day = today - timedelta(days=back)
            if schedule.overrides.get((day - EPOCH).days) == ():
                starts.append(self.early(schedule, day + timedelta(days=1), 0))
        return max((start for start in starts if start <= minute), default=None)

    def spans_near(self, schedule: Schedule, today: date) -> list[tuple[bool, int, int]]:
        key = (id(schedule), today)
        if key not in self._near:
            self._near[key] = [
                span for back in range(3) for span in self.spans(schedule, today - timedelta(days=back))
            ]
        return self._near[key]

    def spans(self, schedule: Schedule, day: date) -> list[tuple[bool, int, int]]:
        number = (day - EPOCH).days
        explicit = number in schedule.overrides
        if not explicit and number in schedule.holidays:
            return []
        written = schedule.overrides[number] if explicit else schedule.weekly[day.weekday()]
        spans = [
            (explicit, self.early(schedule, day, start), self.late(schedule, day, end))
            for start, end in written
        ]
        return [span for span in spans if span[1] < span[2]]

    def is_working_day(self, schedule: Schedule, day: date) -> bool:
        number = (day - EPOCH).days
        if number in schedule.overrides:
            return bool(schedule.overrides[number])
        return number not in schedule.holidays and bool(schedule.weekly[day.weekday()])

    def away(self, host: Host, session: Session) -> bool:
        number = (self.date(host.schedule, session.start // 60) - EPOCH).days
        outranked = number in host.schedule.overrides
        return any(
            self.overlap(session.start, session.end, absence.start, absence.end)
            and (absence.block or not outranked)
            for absence in host.absences
        )

    # --- walls ------------------------------------------------------------------------------------

    def early(self, schedule: Schedule, day: date, minutes: int) -> int:
        return self.shown_at(schedule, day, minutes)[0]

    def late(self, schedule: Schedule, day: date, minutes: int) -> int:
        return self.shown_at(schedule, day, minutes)[-1]

    def shown_at(self, schedule: Schedule, day: date, minutes: int) -> list[int]:
        wall = datetime.combine(day, time()) + timedelta(minutes=minutes)
        times = shown(schedule.zone_name, wall.date()).get(wall)
        if times is not None:
            return times
        # The clock skipped it: the first minute that it shows after the skip.
        while times is None:
            wall += timedelta(minutes=1)
            times = shown(schedule.zone_name, wall.date()).get(wall)
        return times[:1]

    def date(self, schedule: Schedule, minute: int) -> date:
        return self.wall(schedule, minute).date()

    def wall(self, schedule: Schedule, minute: int) -> datetime:
        return clock(schedule.zone_name, minute // 1440)[minute % 1440]

    @staticmethod
    def overlap(start: int, end: int, other_start: int, other_end: int) -> bool:
        return start < other_end and other_start < end


def offers(question: Question) -> dict[int, tuple[set[str], int]]:
    """Return what is free, by the slow way."""
    return Oracle(question).offers()
