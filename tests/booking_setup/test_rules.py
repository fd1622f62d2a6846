"""Hours on the wall clock: what is read comes back, and no two spans of a week share a minute."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conecta.availability.schedules import rules
from conecta.bookings.services import rules as services
from conecta.kit.validation import Refused

DAY, WEEK = 1440, 10_080
clocks = st.integers(0, DAY - 1)
spans = st.builds(lambda start, length: (start, start + length), clocks, st.integers(1, DAY))
weeks = st.lists(st.tuples(st.integers(1, 7), spans), max_size=8)


def _written(minutes: int) -> str:
    return "24:00" if minutes == DAY else f"{minutes % DAY // 60:02}:{minutes % 60:02}"


@given(spans)
def test_a_span_is_read_as_it_was_written(span):
    assert rules.span(*(_written(minutes) for minutes in span)) == span


@pytest.mark.parametrize(
    "text", ["24:01", "25:00", "9:00", "09:60", "09:00:00", "09.00", "", "٠٩:٠٠", "09:00\n"]
)
def test_what_is_no_time_is_refused(text):
    with pytest.raises(Refused):
        rules.minutes(text)


def _minutes_of(week) -> list[int]:
    """Every minute of the week that a span covers, as often as it is covered."""
    return [((day - 1) * DAY + minute) % WEEK for day, (start, end) in week for minute in range(start, end)]


@given(weeks)
def test_a_week_is_refused_exactly_when_a_minute_is_there_twice(week):
    minutes = _minutes_of(week)
    if len(set(minutes)) == len(minutes):
        assert rules.sorted_week(week) == sorted(week)
    else:
        with pytest.raises(Refused):
            rules.sorted_week(week)


@given(st.lists(spans, max_size=6))
def test_a_day_is_refused_exactly_when_a_minute_is_there_twice(day):
    minutes = [minute for start, end in day for minute in range(start, end)]
    if len(set(minutes)) == len(minutes):
        assert rules.sorted_day(day) == sorted(day)
    else:
        with pytest.raises(Refused):
            rules.sorted_day(day)


@given(st.text(max_size=150), st.integers(1, 50))
def test_a_slug_of_any_name_is_one(name, number):
    slug = services.numbered(services.slug_of(name), number)
    assert 0 < len(slug) <= services.MAX_SLUG
    assert set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert not slug.startswith("-")
    assert not slug.endswith("-")
    assert "--" not in slug
    assert number == 1 or slug.endswith(f"-{number}")
