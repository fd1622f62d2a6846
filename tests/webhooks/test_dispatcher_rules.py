"""The pure parts of a delivery: the verdict, Retry-After, the excerpt, and the lane."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conecta.kit.outbound_http import OutboundResponse
from conecta.settings import STANDARD_WEBHOOKS_SCHEDULE
from conecta.webhooks.delivery import Answer, excerpt, read, retry_after, verdict
from conecta.webhooks.dispatcher import SLOW, START, Lane

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
DAY = 86_400


def delay(answer: Answer, number: int, schedule=STANDARD_WEBHOOKS_SCHEDULE) -> float:
    status, due_at = verdict(answer, number, schedule, NOW)
    assert status == "pending"
    return (due_at - NOW).total_seconds()


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_every_2xx_is_delivered(status):
    assert verdict(Answer(status, None), 1, STANDARD_WEBHOOKS_SCHEDULE, NOW) == ("delivered", None)
    assert verdict(Answer(status, None), 10, STANDARD_WEBHOOKS_SCHEDULE, NOW) == ("delivered", None)


@pytest.mark.parametrize("status", [None, 100, 199, 301, 302, 304, 400, 401, 404, 418, 429, 500, 503, 599])
def test_anything_else_follows_the_schedule_with_a_fifth_of_jitter(status):
    answer = Answer(status, "No.")
    for number, seconds in enumerate(STANDARD_WEBHOOKS_SCHEDULE, 1):
        delays = [delay(answer, number) for _ in range(200)]
        assert 0.8 * seconds <= min(delays) < 0.9 * seconds
        assert 1.1 * seconds < max(delays) <= 1.2 * seconds
    assert verdict(answer, 10, STANDARD_WEBHOOKS_SCHEDULE, NOW) == ("failed", None)
    assert verdict(answer, 1, [], NOW) == ("failed", None)


def test_gone_is_never_tried_again():
    assert verdict(Answer(410, "Gone."), 1, STANDARD_WEBHOOKS_SCHEDULE, NOW) == ("failed", None)


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [
        ("120", 120, 120),
        (" 120 ", 120, 120),
        ("0", 4, 6),  # never sooner than the schedule
        ("1", 4, 6),
        ("00000000120", 120, 120),
        ("86400", DAY, DAY),
        ("99999", DAY, DAY),
        ("9" * 2000, DAY, DAY),
        ("Fri, 20 Nov 2026 10:10:00 GMT", 600, 600),
        ("Friday, 20-Nov-26 10:10:00 GMT", 600, 600),  # RFC 850, which recipients must accept
        ("Fri, 20 Nov 2026 09:00:00 GMT", 4, 6),
        ("Fri, 31 Dec 9999 23:59:59 GMT", DAY, DAY),
        ("", 4, 6),
        ("soon", 4, 6),
        ("-5", 4, 6),
        ("1.5", 4, 6),
        ("٣٠٠", 4, 6),
        ("5, 300", 4, 6),
        ("\ufffd", 4, 6),
    ],
)
@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_retry_after_is_honoured_between_the_schedule_and_a_day(status, value, least, most):
    assert least <= delay(Answer(status, "No.", retry_after=value), 1) <= most


@pytest.mark.parametrize("status", [400, 404, 500, 301])
def test_retry_after_means_nothing_elsewhere(status):
    assert delay(Answer(status, "No.", retry_after="3600"), 1) <= 6


def test_retry_after_cannot_lengthen_the_schedule_itself():
    assert verdict(Answer(429, "No.", retry_after="60"), 10, STANDARD_WEBHOOKS_SCHEDULE, NOW)[0] == "failed"


@given(st.text(max_size=40))
def test_no_retry_after_breaks_the_worker(value):
    asked = retry_after(value, NOW)
    assert asked is None or isinstance(asked, timedelta)


def test_the_excerpt_is_short_storable_and_redacted():
    assert excerpt(b"") is None
    assert excerpt("ñ".encode() * 2000) == "ñ" * 512
    assert excerpt(b"x" + "ñ".encode() * 2000) == "x" + "ñ" * 511 + "\ufffd"
    assert excerpt(b"a\x00b\xff\xfec") == "ab\ufffd\ufffdc"
    text = excerpt(b'{"secret":"whsec_MDEyMzQ1Njc4","mail":"ana@example.com","nif":"12345678Z"}')
    assert [bad for bad in ("MDEyMzQ1Njc4", "ana@", "12345678Z") if bad in text] == []


@given(st.binary(max_size=3000))
def test_any_bytes_give_a_text_that_postgres_takes(body):
    text = excerpt(body) or ""
    assert "\x00" not in text
    text.encode()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (204, None),
        (302, "The endpoint answered 302, a redirect; redirects are not followed."),
        (410, "The endpoint answered 410 and wants no more deliveries."),
        (500, "The endpoint answered 500."),
    ],
)
def test_an_answer_is_told_in_one_sentence(status, error):
    response = OutboundResponse(status, {"retry-after": "7"}, b"hola", False, 1, None)
    assert read(response) == Answer(status, error, "hola", "7")


def test_a_lane_widens_with_successes_and_narrows_with_failures():
    lane = Lane("whk_1")
    lane.bound(20)
    assert lane.limit == START
    for _ in range(100):
        lane.learn(ok=True)
    assert (lane.limit, lane.room) == (20, 40)
    for limit in (10, 5, SLOW, SLOW):
        lane.learn(ok=False)
        assert lane.limit == limit
    assert lane.room == SLOW
    for _ in range(3):
        lane.learn(ok=True)
    assert lane.limit == SLOW + 3


def test_a_lane_never_exceeds_its_bound():
    lane = Lane("whk_1")
    lane.bound(1)
    for ok in (True, False, True, True):
        lane.learn(ok=ok)
        assert (lane.limit, lane.room) == (1, 1)
    lane.bound(20)
    assert lane.limit == 1
