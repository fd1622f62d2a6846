"""When a reminder is due: so long before, and never in the quiet hours of whoever is reminded."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conecta.bookings.messages import rules
from conecta.bookings.messages.told import ReminderRules

ZONES = ("Europe/Madrid", "Atlantic/Canary", "America/New_York", "Asia/Kathmandu", "Pacific/Auckland", "UTC")
USUAL = ReminderRules()


def wall(zone, *parts):
    return datetime(*parts, tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("start", "minutes", "due"),
    [
        ((2026, 11, 24, 10), 1440, (2026, 11, 23, 10)),
        ((2026, 11, 24, 10), 120, (2026, 11, 24, 8)),
        ((2026, 11, 24, 9), 120, (2026, 11, 24, 8)),  # 07:00 is too early: an hour is left at 08:00
        ((2026, 11, 24, 8, 30), 120, (2026, 11, 23, 21, 59)),  # half an hour would not do: the night before
        ((2026, 11, 24, 23, 30), 1440, (2026, 11, 24, 8)),  # 23:30 the day before waits for the morning
        ((2026, 11, 24, 22, 30), 30, (2026, 11, 24, 21, 59)),
        # The day of the change: 24 hours are 24 hours, whatever the clock says.
        ((2026, 10, 25, 10), 1440, (2026, 10, 24, 11)),
        ((2026, 3, 29, 10), 1440, (2026, 3, 28, 9)),
    ],
)
def test_when_it_is_due(start, minutes, due):
    found = rules.due_at(wall("Europe/Madrid", *start), minutes, "Europe/Madrid", USUAL)
    assert found == wall("Europe/Madrid", *due)


def test_quiet_hours_are_the_recipients():
    start = wall("Europe/Madrid", 2026, 11, 24, 12)
    assert rules.due_at(start, 120, "Europe/Madrid", USUAL) == wall("Europe/Madrid", 2026, 11, 24, 10)
    # In New York it is 04:00 then; the day before there, at 21:59.
    found = rules.due_at(start, 120, "America/New_York", USUAL)
    assert found == wall("America/New_York", 2026, 11, 23, 21, 59)


@given(
    start=st.integers(1_767_225_600, 1_861_919_999).map(lambda second: datetime.fromtimestamp(second, UTC)),
    minutes=st.integers(15, 20_160),
    zone=st.sampled_from(ZONES),
    quiet_from=st.integers(0, 1439),
    length=st.integers(0, 1200),
)
def test_never_in_quiet_hours_and_always_before_the_start(start, minutes, zone, quiet_from, length):
    quiet = ReminderRules(quiet_from=quiet_from, quiet_until=(quiet_from + length) % 1440)
    due = rules.due_at(start, minutes, zone, quiet)
    assert due < start
    local = due.astimezone(ZoneInfo(zone))
    minute = local.hour * 60 + local.minute
    assert not (length and (minute - quiet_from) % 1440 < length)
    wanted = start - timedelta(minutes=minutes)
    if not rules.is_quiet(wanted, zone, quiet):
        assert due == wanted
