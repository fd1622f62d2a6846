"""A connection made for hot reads: one round trip, no planning, no cursor, no second look at the socket."""

import asyncio
import hashlib
import re
from collections.abc import Generator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from psycopg import AsyncConnection
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg.rows import TupleRow, tuple_row
from psycopg.waiting import Ready, Wait

# A text that needs no escaping, such as an id: nine of ten values are, and the general way is slow.
_PLAIN = re.compile(r"[\w.:@ -]*\Z", re.ASCII)
_PLACEHOLDER = re.compile(r"%(?:\((\w+)\)s|%)")
_MOST_PREPARED = 500
_USES_BETWEEN_CHECKS = 1000
_FAILED = {ExecStatus.FATAL_ERROR, ExecStatus.BAD_RESPONSE}

Params = Mapping[str, Any]


class _Prepared(NamedTuple):
    """A statement as one connection prepares it and runs it."""

    name: bytes
    prepare: bytes
    template: bytes
    parameters: tuple[str, ...]


@lru_cache(maxsize=4096)
def _prepared(sql: str) -> _Prepared:
    """Turn `%(name)s` parameters into those of PREPARE, and of EXECUTE."""
    numbers: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        return f"${numbers.setdefault(match[1], len(numbers) + 1)}" if match[1] else "%"

    body = _PLACEHOLDER.sub(number, sql)
    name = b"s" + hashlib.blake2b(sql.encode(), digest_size=12).hexdigest().encode()
    places = b",".join([b"%s"] * len(numbers))
    template = b"execute %s" % name + (b"(" + places + b")" if numbers else b"")
    return _Prepared(name, b"prepare %s as %s; " % (name, body.encode()), template, tuple(numbers))


class PreparingConnection(AsyncConnection[TupleRow]):
    """A connection that sends who is asking and what they ask, both prepared, as one simple query.

    That is one round trip and one implicit transaction, without planning the statement again; and it
    spares the cursor, whose bookkeeping costs more than the query itself.
    """

    def __init__(self, pgconn: PGconn, row_factory: Any = tuple_row) -> None:
        super().__init__(pgconn, row_factory)
        self._names: set[bytes] = set()
        self._uncertain = False
        self._literals = Transformer(self)
        self._uses = 0
        self._watched_by: asyncio.AbstractEventLoop | None = None
        self._waiter: asyncio.Future[None] | None = None

    def is_worn(self) -> bool:
        """Say, once in many uses, that the pool should look at this connection again."""
        return self._uses % _USES_BETWEEN_CHECKS == 0

    async def run(self, *statements: tuple[str, Params], opening: bytes = b"") -> list[TupleRow]:
        """Run statements after the text `opening`; return the last one's rows, or raise psycopg's errors."""
        self._uses += 1
        if self._uncertain or len(self._names) >= _MOST_PREPARED:
            await self._forget()
        prepared = [_prepared(sql) for sql, _ in statements]
        new = [statement for statement in prepared if statement.name not in self._names]
        executed = [
            statement.template % tuple([self.literal(params[name]) for name in statement.parameters])
            for statement, (_, params) in zip(prepared, statements, strict=True)
        ]
        # What is prepared anew is so before anything runs: a role may be taken on the way.
        text = opening + b"".join([statement.prepare for statement in new]) + b"; ".join(executed)
        # Until it has answered, whether the text got as far as PREPARE is unknown: it may fail, and a
        # caller who hangs up cancels it half-way. The next to use the connection then starts afresh.
        self._uncertain = True
        result = await self._last_result(text)
        if result.status in _FAILED:
            raise error_from_result(result)
        self._uncertain = False
        if new:
            self._names.update([statement.name for statement in new])
        transformer = Transformer(self)
        transformer.set_pgresult(result)
        return transformer.load_rows(0, result.ntuples, tuple)

    async def command(self, text: bytes) -> None:
        """Run statements that give no rows, such as a COMMIT; raise psycopg's errors."""
        result = await self._last_result(text)
        if result.status in _FAILED:
            raise error_from_result(result)

    async def _last_result(self, query: bytes) -> PGresult:
        """Send a query text and return the result of its last statement (libpq's asynchronous way)."""
        self.pgconn.send_query(query)
        while self.pgconn.flush():
            await self.wait(_until_writable())
        last: PGresult | None = None
        while True:
            while self.pgconn.is_busy():
                await self._readable()
                self.pgconn.consume_input()
            result = self.pgconn.get_result()
            if result is None:
                assert last is not None
                return last
            last = result

    async def _readable(self) -> None:
        """Wait until the server has said something.

        The event loop keeps watching the socket between two queries: starting and stopping to watch
        costs more than all the rest that this process does for a read.
        """
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        if self._watched_by is not loop:
            loop.add_reader(self.pgconn.socket, self._on_readable)
            self._watched_by = loop
        await self._waiter

    def _on_readable(self) -> None:
        if self._waiter is None or self._waiter.done():
            # Nobody asked: the server has hung up, and would wake us for ever.
            self.unwatch()
        else:
            self._waiter.set_result(None)

    def unwatch(self) -> None:
        """Stop watching the socket; needed before anybody else uses or closes the connection."""
        if self._watched_by is not None and not self.closed:
            self._watched_by.remove_reader(self.pgconn.socket)
        self._watched_by = None

    def literal(self, value: Any) -> bytes:
        """Write a value as it may stand in a query text."""
        if value is None:
            return b"NULL"
        if type(value) is str and _PLAIN.match(value):
            return b"'%s'" % value.encode()
        return self._literals.as_literal(value)

    async def _forget(self) -> None:
        await self.command(b"deallocate all")
        self._names.clear()
        self._uncertain = False


def _until_writable() -> Generator[Wait, Ready | int, None]:
    yield Wait.W
