"""Writes down what attempts brought, many in one transaction.

Whoever dies between a POST and its record leaves the delivery claimed until its lease runs out; then it is
sent again. So nothing here may lose a result silently, but losing one costs a repetition, never a delivery.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError

from conecta.kit import clock
from conecta.kit.db import Database

from . import delivery_queries as queries
from . import health
from .delivery import Result
from .notices import Herald, Notice

BATCH: Final = 200
GATHER_SECONDS: Final = 0.01
RETRY_SECONDS: Final = 0.2
SEEN_EVERY: Final = timedelta(seconds=1)
MAX_SEEN: Final = 10_000
_NEVER: Final = datetime.min.replace(tzinfo=UTC)

log = structlog.get_logger()


class Recorder:
    """A queue of results and the loop that empties it."""

    def __init__(
        self,
        database: Database,
        *,
        herald: Herald,
        recorded: Callable[[Sequence[Result]], None],
        closed: Callable[[str], None],
    ) -> None:
        """Prepare a recorder.

        Args:
            database: where results go.
            herald: tells the firm of changes of health.
            recorded: called with the results that have been written.
            closed: called with the id of each endpoint that takes nothing more, as we find or made it.
        """
        self._database, self._herald, self._recorded, self._closed = database, herald, recorded, closed
        self._waiting: list[Result] = []
        self._writing: list[Result] = []
        self._arrived = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self._seen: dict[queries.Endpoint, datetime] = {}

    @property
    def backlog(self) -> int:
        """Return how many results are not written yet."""
        return len(self._waiting) + len(self._writing)

    def add(self, result: Result) -> None:
        """Queue a result."""
        self._waiting.append(result)
        self._arrived.set()
        self._drained.clear()

    async def run(self) -> None:
        """Write results as they come, until cancelled."""
        while True:
            if not self.backlog:
                await self._arrived.wait()
            if self.backlog < BATCH:
                # What ends within a few milliseconds shares one transaction.
                await asyncio.sleep(GATHER_SECONDS)
            self._arrived.clear()
            while self.backlog:
                if not self._writing:
                    self._writing, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
                await self._write(self._writing)
                written, self._writing = self._writing, []
                self._recorded(written)
            self._drained.set()

    async def drain(self) -> None:
        """Wait until everything that was queued is written."""
        await self._drained.wait()

    async def _write(self, batch: Sequence[Result]) -> None:
        while True:
            try:
                for endpoint_id in await self._transact(batch):
                    self._closed(endpoint_id)
                return
            except (OperationalError, InterfaceError, TimeoutError, OSError) as error:
                # The database is away, or two workers met in a deadlock: the same batch is tried again.
                log.warning("webhook_results_wait", error=_first_line(error), results=len(batch))
                await asyncio.sleep(RETRY_SECONDS)
            except SQLAlchemyError as error:
                if isinstance(error, DBAPIError) and error.connection_invalidated:
                    await asyncio.sleep(RETRY_SECONDS)
                    continue
                if len(batch) == 1:
                    log.error("webhook_result_lost", delivery=batch[0].claim.id, error=_first_line(error))
                    return
                # One result that cannot be stored must not take the others with it.
                await self._write(batch[: len(batch) // 2])
                await self._write(batch[len(batch) // 2 :])
                return

    async def _transact(self, batch: Sequence[Result]) -> list[str]:
        """Write a batch; return the ids of its endpoints that take nothing more."""
        tried: dict[queries.Endpoint, bool] = defaultdict(bool)
        for result in batch:
            tried[_endpoint(result)] |= not result.answer.ok
        async with self._database.transaction(system=True) as session:
            ailing = await queries.lock_ailing(session, tried)
            # One order for all workers: whoever locks rows in the same order cannot deadlock.
            ordered = sorted(batch, key=lambda result: (result.claim.tenant_id, result.claim.id))
            recorded = await queries.record(session, ordered)
            # After a commit whose answer was lost a batch is written again; nothing may be counted twice.
            marks = _marks(result for result in batch if result.claim.id in recorded.counted)
            states, notices = _judged(ailing, marks)
            successes = self._fresh({key: of_one for key, of_one in marks.items() if key not in states})
            if states or successes:
                told = [(notice.endpoint, notice.step, notice.sentence.es) for notice in notices]
                await queries.settle(
                    session, states=states, successes=successes, notices=told, now=clock.real_now()
                )
                await self._herald.tell(session, notices)
        self._remember(successes)
        return recorded.closed + [n.endpoint[1] for n in notices if n.step.health == "disabled"]

    def _fresh(self, marks: "Marks") -> dict[queries.Endpoint, datetime]:
        """Return the successes worth writing: of a busy endpoint, one in a second."""
        newest = {
            key: max(mark.at for mark in of_one if mark.ok)
            for key, of_one in marks.items()
            if any(mark.ok for mark in of_one)
        }
        return {key: at for key, at in newest.items() if at - self._seen.get(key, _NEVER) > SEEN_EVERY}

    def _remember(self, successes: Mapping[queries.Endpoint, datetime]) -> None:
        if len(self._seen) > MAX_SEEN:
            self._seen.clear()
        self._seen.update(successes)


Marks = Mapping[queries.Endpoint, Sequence[health.Mark]]


def _endpoint(result: Result) -> queries.Endpoint:
    return result.claim.tenant_id, result.claim.endpoint_id


def _marks(results: Iterable[Result]) -> Marks:
    marks: dict[queries.Endpoint, list[health.Mark]] = defaultdict(list)
    for result in results:
        answer = result.answer
        if answer.ok or answer.charged:
            mark = health.Mark(result.ended_at, answer.ok, answer.gone)
            marks[_endpoint(result)].append(mark)
    return marks


def _judged(
    ailing: Sequence[queries.Locked], marks: Marks
) -> tuple[dict[queries.Endpoint, health.State], list[Notice]]:
    states: dict[queries.Endpoint, health.State] = {}
    notices: list[Notice] = []
    for endpoint in ailing:
        if endpoint.key in marks:
            states[endpoint.key], steps = health.after(endpoint.state, marks[endpoint.key])
            notices += [
                Notice(endpoint.key, step, endpoint.url, health.notice(step, endpoint.url)) for step in steps
            ]
    return states, notices


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
