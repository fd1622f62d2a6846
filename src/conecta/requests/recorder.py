"""Notes every call of a known caller, and writes the notes in batches: a call itself pays for an append.

What cannot be written while the database is away waits, up to a bound; what is beyond it is counted as
lost. A call is never refused or delayed for the sake of its log.
"""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from typing import Final

import psycopg
import structlog
from prometheus_client import Counter
from psycopg_pool import PoolTimeout
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from conecta.kit import background
from conecta.kit.db import Database

from . import queries, rules
from .rules import KEPT_BODY_BYTES, KEPT_ERROR_BYTES, Call

BATCH: Final = 500
MOST_WAITING: Final = 10_000
GATHER_SECONDS: Final = 1.0
STOP_SECONDS: Final = 5.0
HUNG_UP: Final = 499
_WITHOUT_BODY: Final = frozenset({"GET", "HEAD", "OPTIONS"})

_LOST = Counter("conecta_request_log_lost_total", "Calls that could not be written into the request log")

log = structlog.get_logger()


class RequestLog:
    """The calls that are not written yet, and the loop that writes them."""

    def __init__(self, database: Database, *, most_waiting: int = MOST_WAITING) -> None:
        self._database, self._most_waiting = database, most_waiting
        self._waiting: list[Call] = []
        self._enough = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()

    def add(self, call: Call) -> None:
        """Note a call."""
        waiting = self._waiting
        if len(waiting) >= self._most_waiting:
            _LOST.inc()
            return
        waiting.append(call)
        if len(waiting) == BATCH:
            self._enough.set()

    def start(self) -> None:
        """Begin to write in the background."""
        self._writer = asyncio.create_task(self._write_for_ever())

    async def stop(self) -> None:
        """Stop, and write what is left, if the database lets us within some seconds."""
        if self._writer:
            await background.stop(self._writer)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await self.flush()
        if self._waiting:
            _LOST.inc(len(self._waiting))
            log.error("request_log_lost", calls=len(self._waiting))

    async def flush(self) -> None:
        """Write everything that waits now; leave it waiting when the database is away."""
        async with self._writing:
            while self._waiting:
                batch = self._waiting[:BATCH]
                try:
                    await self._write(batch)
                except (psycopg.OperationalError, PoolTimeout, OSError) as error:
                    log.warning("request_log_waits_for_the_database", error=str(error)[:500])
                    return
                del self._waiting[: len(batch)]

    async def _write(self, batch: Sequence[Call]) -> None:
        try:
            await queries.add(self._database, rules.arrays(batch))
        except (psycopg.OperationalError, PoolTimeout, OSError):
            raise
        except Exception as error:
            if len(batch) == 1:
                _LOST.inc()
                log.exception("request_log_lost", request=batch[0].request_id, error=type(error).__name__)
                return
            # One call that cannot be stored must not take the others with it.
            await self._write(batch[: len(batch) // 2])
            await self._write(batch[len(batch) // 2 :])

    async def _write_for_ever(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GATHER_SECONDS):
                    await self._enough.wait()
            self._enough.clear()
            await self.flush()


class RequestLogMiddleware:
    """ASGI middleware around the gate: it notes the calls under a prefix whose caller the gate knew."""

    def __init__(self, app: ASGIApp, *, log: RequestLog, prefix: str) -> None:
        self._app, self._log, self._prefix = app, log, prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on, and note it."""
        if scope["type"] != "http" or not scope["path"].startswith(self._prefix):
            await self._app(scope, receive, send)
            return
        at, started = time.time(), time.perf_counter()
        sending = _Sending(send)
        receiving = None if scope["method"] in _WITHOUT_BODY else _Receiving(receive)
        failed = HUNG_UP
        try:
            await self._app(scope, receiving or receive, sending)
        except Exception:
            failed = 500
            raise
        finally:
            state = scope["state"]
            caller = state.get("caller")
            if caller is not None:
                call = Call(
                    at,
                    time.perf_counter() - started,
                    sending.status or failed,
                    caller,
                    state["request_id"],
                    scope["method"],
                    scope["path"],
                    scope["query_string"],
                    scope.get("route"),
                    scope["headers"],
                    scope.get("client"),
                    receiving.body if receiving else None,
                    sending.body,
                )
                self._log.add(call)


class _Sending:
    """Passes an answer on; keeps its status, and its body when it is an error."""

    __slots__ = ("_send", "body", "status")

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0
        self.body: bytes | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif self.status >= 400:
            self.body = _joined(self.body, message.get("body", b""), KEPT_ERROR_BYTES)
        await self._send(message)


class _Receiving:
    """Passes a body on and keeps it, as long as it is short."""

    __slots__ = ("_receive", "body")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.body: bytes | None = None

    async def __call__(self) -> Message:
        message = await self._receive()
        self.body = _joined(self.body, message.get("body", b""), KEPT_BODY_BYTES)
        return message


def _joined(kept: bytes | None, more: bytes, most: int) -> bytes:
    # One byte too many is enough: what was cut is no JSON, and so not stored.
    joined = kept + more if kept else more
    return joined if len(joined) <= most else _TOO_LONG


_TOO_LONG: Final = b"\x00"
