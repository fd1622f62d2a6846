"""The health ladder of an endpoint: what a run of failures, a success or a farewell makes of it.

Pure rules. Only failures that are the endpoint's own come here; a fault of our egress proxy, say, does not.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from conecta.kit.language import Text

UNHEALTHY_AFTER: Final = timedelta(hours=1)
WARNING_AFTER: Final = timedelta(hours=24)
DISABLED_AFTER: Final = timedelta(hours=120)
# A single event is tried ten times in 75 hours: one event alone must never disable an endpoint.
DISABLED_FAILURES: Final = 20


class Mark(NamedTuple):
    """How one attempt ended; `gone` is the answer 410, by which a receiver takes its leave."""

    at: datetime
    ok: bool
    gone: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """An endpoint's condition, as its row tells it.

    `failing_since` and `failures` speak of the current run of failures only.
    """

    status: str = "enabled"
    disabled_reason: str | None = None
    health: str = "healthy"
    failing_since: datetime | None = None
    failures: int = 0
    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None


class Step(NamedTuple):
    """A change of health that the firm is told of: where it leads, and the run of failures behind it."""

    health: str
    reason: str | None
    at: datetime
    since: datetime | None
    failures: int


def after(state: State, marks: Iterable[Mark]) -> tuple[State, list[Step]]:
    """Return the condition after these attempts, oldest first, and every change of health on the way."""
    steps: list[Step] = []
    for mark in sorted(marks):
        before = state
        state = _after_success(state, mark) if mark.ok else _after_failure(state, mark)
        if state.health != before.health:
            run = before if mark.ok else state
            step = Step(state.health, state.disabled_reason, mark.at, run.failing_since, run.failures)
            steps.append(step)
    return state, steps


def _after_success(state: State, mark: Mark) -> State:
    # What was disabled stays so until somebody enables it, even if a last attempt still gets through.
    health = "healthy" if state.status == "enabled" else state.health
    return replace(state, health=health, failing_since=None, failures=0, last_success_at=mark.at)


def _after_failure(state: State, mark: Mark) -> State:
    failing_since = state.failing_since or mark.at
    state = replace(state, failing_since=failing_since, failures=state.failures + 1, last_failure_at=mark.at)
    if state.status != "enabled":
        return state
    if mark.gone:
        return replace(state, status="disabled", disabled_reason="gone", health="disabled")
    health = _rung(mark.at - failing_since, state.failures)
    if health == "disabled":
        return replace(state, status="disabled", disabled_reason="failing", health=health)
    # A run of failures only leads down: the age of a run cannot shrink, but clocks may.
    return replace(state, health=max(state.health, health, key=_LADDER.index))


_LADDER: Final = ("healthy", "unhealthy", "warning", "disabled")


def _rung(age: timedelta, failures: int) -> str:
    if age >= DISABLED_AFTER and failures >= DISABLED_FAILURES:
        return "disabled"
    if age >= WARNING_AFTER:
        return "warning"
    return "unhealthy" if age >= UNHEALTHY_AFTER else "healthy"


def notice(step: Step, url: str) -> Text:
    """Say a step to the people of the firm: which host, since when, how often, what to do."""
    return Text(_spanish(step, host_of(url)), _english(step, host_of(url)))


def host_of(url: str) -> str:
    """Return what people know an endpoint by; the rest of its URL may be secret."""
    return urlsplit(url).hostname or url


def _spanish(step: Step, host: str) -> str:
    failed = "1 intento fallido" if step.failures == 1 else f"{step.failures} intentos fallidos"
    run = f"{failed} desde el {_spoken(step.since or step.at, 'a las')}"
    if step.health == "healthy":
        return f"{host} vuelve a recibir webhooks con normalidad ({run}). No tienes que hacer nada."
    if step.health == "unhealthy":
        return (
            f"{host} no acepta webhooks: {run}, ninguno con éxito. Comprueba que el servidor responde 2xx;"
            " mientras tanto seguimos reintentando."
        )
    if step.health == "warning":
        limit = _spoken((step.since or step.at) + DISABLED_AFTER, "a las")
        return (
            f"{host} sigue sin aceptar webhooks: {run}. Si no responde 2xx antes del {limit},"
            " lo desactivaremos. Corrige el servidor o la URL."
        )
    why = "ha respondido 410 (Gone)" if step.reason == "gone" else f"no acepta webhooks: {run}"
    return (
        f"Hemos desactivado el webhook de {host}, que {why}. Sus eventos quedan guardados: corrige el"
        " servidor o la URL, actívalo de nuevo y recupera lo pendiente."
    )


def _english(step: Step, host: str) -> str:
    failed = "1 failed attempt" if step.failures == 1 else f"{step.failures} failed attempts"
    run = f"{failed} since {_spoken(step.since or step.at, 'at')}"
    if step.health == "healthy":
        return f"{host} receives webhooks again ({run}). You need not do anything."
    if step.health == "unhealthy":
        return (
            f"{host} does not accept webhooks: {run}, none successful. Check that the server answers 2xx;"
            " meanwhile we keep trying."
        )
    if step.health == "warning":
        limit = _spoken((step.since or step.at) + DISABLED_AFTER, "at")
        return (
            f"{host} still does not accept webhooks: {run}. Unless it answers 2xx before {limit}, we will"
            " disable it. Mend the server or the URL."
        )
    why = "answered 410 (Gone)" if step.reason == "gone" else f"does not accept webhooks: {run}"
    return (
        f"We have disabled the webhook of {host}, which {why}. Its events are kept: mend the server or the"
        " URL, enable it again and recover what is pending."
    )


def _spoken(moment: datetime, at: str) -> str:
    return moment.strftime(f"%d/%m/%Y {at} %H:%M UTC")
