"""Clocks on walls: an IANA zone as integers, with one answer for hours that do not exist or come twice."""

from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY = 86400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = 253_402_000_000  # two days before the year 10000


class Zone:
    """One IANA zone. A wall time is the number of seconds that a clock there shows since 1970-01-01 00:00."""

    def __init__(self, name: str) -> None:
        """Raise KeyError or ValueError when there is no such zone."""
        self.name = name
        self._zone = ZoneInfo(name)
        # When offsets begin to hold, and which; the first holds for all of the time before.
        self._changes: list[int] = []
        self._offsets: list[int] = []
        self._first = self._last = 0

    def wall(self, instant: int) -> int:
        """Return what the clock shows at an instant."""
        self._know(instant, instant)
        return instant + self._offsets[bisect_right(self._changes, instant) - 1]

    def day(self, instant: int) -> int:
        """Return the date on the calendar there, as a day number."""
        return self.wall(instant) // DAY

    def instant(self, wall: int, *, late: bool = False) -> int:
        """Return when the clock shows this.

        What it shows twice is the first time, or the second when `late` (for the end of something); what
        it skips is the moment of the skip.
        """
        # No zone is more than a day away from UTC, and no two changes of one are as near.
        self._know(wall - DAY, wall + DAY)
        changes, offsets = self._changes, self._offsets
        before = bisect_right(changes, wall - DAY) - 1
        after = bisect_right(changes, wall + DAY) - 1
        if before == after:
            return wall - offsets[before]
        found = -1
        for index in range(before, after + 1):
            instant = wall - offsets[index]
            begins = changes[index] if index > before else instant
            ends = changes[index + 1] if index < after else instant + 1
            if begins <= instant < ends:
                if not late:
                    return instant
                found = instant
        return found if found != -1 else self._skipped(wall, before, after)

    def midnight(self, day: int) -> int:
        """Return when a day begins."""
        return self.instant(day * DAY)

    def offset_changes(self, start: int, end: int) -> list[int]:
        """Return the instants within (start, end) at which the clock is put forward or back."""
        self._know(start, end)
        changes = self._changes
        return changes[bisect_right(changes, start) : bisect_right(changes, end - 1)]

    def _skipped(self, wall: int, before: int, after: int) -> int:
        for index in range(before + 1, after + 1):
            if wall - self._offsets[index] < self._changes[index] <= wall - self._offsets[index - 1]:
                return self._changes[index]
        raise AssertionError  # a wall time is shown, or skipped by one change

    def _know(self, start: int, end: int) -> None:
        if self._changes and self._first <= start and end < self._last:
            return
        first, last = start - 400 * DAY, end + 400 * DAY
        # What is known grows, unless somebody asks for another age, which would take long to bridge.
        if self._changes and first <= self._last and self._first <= last:
            first, last = min(first, self._first), max(last, self._last)
        self._changes, self._offsets = self._look(first // DAY * DAY, last // DAY * DAY)
        self._first, self._last = first // DAY * DAY, last // DAY * DAY

    def _look(self, first: int, last: int) -> tuple[list[int], list[int]]:
        changes, offsets = [first], [self._offset(first)]
        for day in range(first, last, DAY):
            if self._offset(day + DAY) != offsets[-1]:
                change = self._change(day, day + DAY)
                changes.append(change)
                offsets.append(self._offset(day + DAY))
        return changes, offsets

    def _change(self, low: int, high: int) -> int:
        before = self._offset(low)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._offset(middle) == before else (low, middle)
        return high

    def _offset(self, instant: int) -> int:
        # Years that a calendar of four digits cannot show keep the offset of the last one.
        shown = min(instant, _LAST)
        offset = (_EPOCH + timedelta(seconds=shown)).astimezone(self._zone).utcoffset()
        assert offset is not None
        return int(offset.total_seconds())


@lru_cache(maxsize=600)
def zone(name: str) -> Zone:
    """Return the zone of a name; raise KeyError or ValueError when there is none."""
    return Zone(name)
