"""The ladder of an endpoint's health, step by step."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conecta.webhooks.health import Mark, State, Step, after, notice

START = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def failing(hours: float, failures: int, health: str = "healthy") -> State:
    """An endpoint that has failed for so long when the next attempt is made at START."""
    return State(health=health, failing_since=START - timedelta(hours=hours), failures=failures)


FAILED = Mark(START, ok=False)


@pytest.mark.parametrize(
    ("hours", "failures", "health", "expected"),
    [
        (0.99, 5, "healthy", "healthy"),
        (1, 5, "healthy", "unhealthy"),
        (23.99, 5, "unhealthy", "unhealthy"),
        (24, 5, "unhealthy", "warning"),
        (24, 1, "healthy", "warning"),  # nothing was sent for a day: one notice, not two
        (119.99, 500, "warning", "warning"),
        (120, 18, "warning", "warning"),  # the 19th failure: too few to say that it is dead
        (500, 18, "warning", "warning"),
        (120, 19, "warning", "disabled"),
        (0.01, 5, "warning", "warning"),  # a clock that was set back leads nobody up the ladder
    ],
)
def test_a_failure_leads_down_by_the_age_of_the_run(hours, failures, health, expected):
    state, steps = after(failing(hours, failures, health), [FAILED])
    assert (state.health, state.failures) == (expected, failures + 1)
    assert state.failing_since == START - timedelta(hours=hours)
    assert state.last_failure_at == START
    assert (state.status, state.disabled_reason) == (
        ("disabled", "failing") if expected == "disabled" else ("enabled", None)
    )
    assert [step.health for step in steps] == ([] if expected == health else [expected])


def test_the_first_failure_starts_a_run():
    state, steps = after(State(), [FAILED])
    assert (state.failing_since, state.failures, state.health, steps) == (START, 1, "healthy", [])


@pytest.mark.parametrize("health", ["healthy", "unhealthy", "warning"])
def test_a_success_clears_and_is_told_only_to_who_was_worried(health):
    state, steps = after(failing(30, 7, health), [Mark(START, ok=True)])
    assert state == State(last_success_at=START)
    since = START - timedelta(hours=30)
    assert steps == ([] if health == "healthy" else [Step("healthy", None, START, since, 7)])


def test_gone_disables_at_once():
    state, steps = after(State(), [Mark(START, ok=False, gone=True)])
    assert (state.status, state.disabled_reason, state.health) == ("disabled", "gone", "disabled")
    assert steps == [Step("disabled", "gone", START, START, 1)]


@pytest.mark.parametrize("mark", [FAILED, Mark(START, ok=True), Mark(START, ok=False, gone=True)])
def test_what_somebody_disabled_stays_as_it_was(mark):
    """A last answer that comes in late neither enables it nor overwrites the reason."""
    before = State(status="disabled", disabled_reason="manual", health="warning", failures=50)
    state, steps = after(before, [mark])
    assert (state.status, state.disabled_reason, state.health) == ("disabled", "manual", "warning")
    assert steps == []


def test_a_batch_counts_in_the_order_of_time():
    minute = timedelta(minutes=1)
    marks = [Mark(START + 3 * minute, ok=False), Mark(START + minute, ok=True), FAILED]
    state, _ = after(State(), marks)
    assert (state.failures, state.failing_since) == (1, START + 3 * minute)
    assert (state.last_success_at, state.last_failure_at) == (START + minute, START + 3 * minute)


def test_a_batch_tells_every_step():
    marks = [FAILED, Mark(START + timedelta(seconds=1), ok=True)]
    _, steps = after(failing(2, 3), marks)
    assert [(step.health, step.failures) for step in steps] == [("unhealthy", 4), ("healthy", 4)]


@pytest.mark.parametrize(
    ("step", "spanish", "english"),
    [
        (
            Step("unhealthy", None, START, START, 1),
            ["crm.example.com", "1 intento fallido", "20/11/2026"],
            ["crm.example.com", "1 failed attempt", "20/11/2026"],
        ),
        (
            Step("warning", None, START, START - timedelta(hours=24), 9),
            ["9 intentos fallidos", "19/11/2026 a las 10:00 UTC", "antes del 24/11/2026 a las 10:00 UTC"],
            ["9 failed attempts", "19/11/2026 at 10:00 UTC", "before 24/11/2026 at 10:00 UTC"],
        ),
        (
            Step("disabled", "failing", START, START, 20),
            ["desactivado", "20 intentos", "recupera"],
            ["disabled", "20 failed attempts", "recover"],
        ),
        (
            Step("disabled", "gone", START, START, 1),
            ["desactivado", "410", "recupera"],
            ["disabled", "410", "recover"],
        ),
        (
            Step("healthy", None, START, START, 7),
            ["normalidad", "7 intentos fallidos"],
            ["again", "7 failed attempts"],
        ),
    ],
)
def test_a_notice_says_who_since_when_how_often_and_what_to_do(step, spanish, english):
    text = notice(step, "https://crm.example.com/hook?token=secret")
    for sentence, words in ((text.es, spanish), (text.en, english)):
        assert [word for word in words if word not in sentence] == []
        assert "secret" not in sentence
        assert sentence.endswith(".")


marks = st.builds(
    Mark, st.integers(0, 400).map(lambda h: START + timedelta(hours=h)), st.booleans(), st.booleans()
)


@given(st.lists(marks, max_size=40), st.integers(0, 40))
def test_batches_may_be_cut_anywhere(all_marks, cut):
    """Several workers record in batches of any size: only the order of time counts."""
    ordered = sorted(all_marks)
    whole, steps = after(State(), ordered)
    first, early = after(State(), ordered[:cut])
    second, late = after(first, ordered[cut:])
    assert (second, early + late) == (whole, steps)
    assert (whole.status == "disabled") == (whole.health == "disabled")
    assert (whole.failures == 0) == (whole.failing_since is None)
