"""The database: two ways in, both as a role that row-level security binds.

`transaction()` gives an ORM session for writes; `read()` sends one hot read in one round trip.
Both say who is asking (`conecta.tenant_id`, `conecta.client_id`) for the length of one transaction.
Nothing outside this file commits, but for the claim loop of the webhook worker.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any, NamedTuple, Protocol, cast

import psycopg
from psycopg import AsyncClientCursor, AsyncConnection, generators
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg.rows import TupleRow, tuple_row
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, SessionTransaction

APP_ROLE = "conecta_app"
SYSTEM_ROLE = "conecta_system"

_WHO = (
    "select set_config('role', %(_role)s, true), set_config('conecta.tenant_id', %(_tenant)s, true),"
    " set_config('conecta.client_id', %(_client)s, true)"
)

_FAST_WHO = (
    b"select set_config('role', %s, true), set_config('conecta.tenant_id', %s, true),"
    b" set_config('conecta.client_id', %s, true)"
)

_PLACEHOLDER = re.compile(r"%(?:\((\w+)\)s|%)")
_MOST_PREPARED = 500
_USES_BETWEEN_CHECKS = 1000

Params = Mapping[str, Any]


class AbortedTransaction(Exception):
    """Somebody swallowed a database error: committing now would answer 200 and store nothing."""


class Reads(Protocol):
    """Whoever can run a read written in SQL: a hot read of its own, or inside a transaction."""

    async def rows(self, sql: str, params: Params) -> Sequence[TupleRow]:
        """Run the statement with `%(name)s` parameters and return all of its rows."""
        ...


class _WhoIsAsking(Session):
    """A session that tells Postgres its role, tenant and client at the start of every transaction."""


@event.listens_for(_WhoIsAsking, "after_begin")
def _tell(session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
    connection.exec_driver_sql(_WHO, session.info["who"])


def _who(role: str, tenant_id: str, client_id: str) -> dict[str, Any]:
    return {"_role": role, "_tenant": tenant_id, "_client": client_id}


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
    """A connection that sends who is asking and a prepared statement as one simple query.

    That is one round trip and one implicit transaction, without planning the statement again; and it
    spares the cursor, whose bookkeeping costs more than the query itself.
    """

    def __init__(self, pgconn: PGconn, row_factory: Any = tuple_row) -> None:
        super().__init__(pgconn, row_factory)
        self._names: set[bytes] = set()
        self._uncertain = False
        self._literals = Transformer(self)
        self._uses = 0

    def is_worn(self) -> bool:
        """Say, once in many uses, that the pool should look at this connection again."""
        return self._uses % _USES_BETWEEN_CHECKS == 0

    async def run(self, who: Params, sql: str, params: Params) -> list[TupleRow]:
        """Run the statement as `who` and return its rows; raise psycopg's errors."""
        statement = _prepared(sql)
        if self._uncertain or len(self._names) >= _MOST_PREPARED:
            await self._forget()
        prepare = b"" if statement.name in self._names else statement.prepare
        execute = statement.template % tuple(self._literal(params[name]) for name in statement.parameters)
        # Until it has answered, whether the text got as far as PREPARE is unknown: it may fail, and a
        # caller who hangs up cancels it half-way. The next to use the connection then starts afresh.
        self._uncertain = True
        result = await self._last_result(b"%s; %s%s" % (self._filled_who(who), prepare, execute))
        if result.status in {ExecStatus.FATAL_ERROR, ExecStatus.BAD_RESPONSE}:
            raise error_from_result(result)
        self._uncertain = False
        self._names.add(statement.name)
        transformer = Transformer(self)
        transformer.set_pgresult(result)
        return transformer.load_rows(0, result.ntuples, tuple)

    async def _last_result(self, query: bytes) -> PGresult:
        def exchange() -> Any:
            self.pgconn.send_query(query)
            return (yield from generators.execute(self.pgconn))

        results = await self.wait(exchange())
        return cast("PGresult", results[-1])

    def _filled_who(self, who: Params) -> bytes:
        role, tenant, client = (self._literal(who[name]) for name in ("_role", "_tenant", "_client"))
        return _FAST_WHO % (role, tenant, client)

    def _literal(self, value: Any) -> bytes:
        return b"NULL" if value is None else self._literals.as_literal(value)

    async def _forget(self) -> None:
        await self._last_result(b"deallocate all")
        self._names.clear()
        self._uncertain = False


class Database:
    """The connections of one process to one Postgres: made by `create_app` and by the worker."""

    def __init__(self, dsn: str, *, pool_size: int = 10) -> None:
        self.dsn = dsn
        self._engine = create_async_engine(
            dsn.replace("postgres://", "postgresql://", 1),
            pool_size=pool_size,
            max_overflow=0,
            pool_pre_ping=False,
            connect_args={"options": f"-c role={APP_ROLE} -c search_path=public,procrastinate"},
        )
        self._sessions = async_sessionmaker(
            self._engine, sync_session_class=_WhoIsAsking, expire_on_commit=False
        )
        self._pool: AsyncConnectionPool[PreparingConnection] = AsyncConnectionPool(
            dsn,
            connection_class=PreparingConnection,
            min_size=1,
            max_size=pool_size,
            open=False,
            kwargs={
                "autocommit": True,
                "cursor_factory": AsyncClientCursor,
                # Hot statements name their tenant and their limit, so one plan fits all callers; planning
                # them anew would cost several times what they take to run.
                "options": f"-c role={APP_ROLE} -c plan_cache_mode=force_generic_plan -c jit=off",
            },
        )

        self._idle: list[PreparingConnection] = []
        self._waiting = 0

    async def open(self) -> None:
        """Open the connections; raise psycopg's PoolTimeout when the server does not answer."""
        await self._pool.open(wait=True, timeout=10)

    async def close(self) -> None:
        """Give every connection back."""
        while self._idle:
            await self._pool.putconn(self._idle.pop())
        await self._pool.close()
        await self._engine.dispose()

    @asynccontextmanager
    async def transaction(
        self, *, tenant_id: str = "", client_id: str = "", system: bool = False
    ) -> AsyncIterator[AsyncSession]:
        """Open one transaction; commit at the end, or roll back when an exception leaves the block.

        `system` acts across tenants (key look-up, claims, retention); it is also the helper for what
        must survive the caller's own rollback. Raises AbortedTransaction instead of a silent rollback.
        """
        role = SYSTEM_ROLE if system else APP_ROLE
        who = {"who": _who(role, tenant_id, client_id)}
        async with self._sessions(info=who) as session, session.begin():
            yield session
            await _refuse_aborted(session)

    async def read(
        self, sql: str, params: Params, *, tenant_id: str = "", client_id: str = "", system: bool = False
    ) -> Sequence[TupleRow]:
        """Run one statement in its own short transaction, in one round trip, and return its rows.

        The statement is prepared once a connection: planning a hot read costs more than running it.
        """
        who = _who(SYSTEM_ROLE if system else APP_ROLE, tenant_id, client_id)
        connection = self._idle.pop() if self._idle else await self._borrow()
        try:
            return await connection.run(who, sql, params)
        finally:
            await self._give_back(connection)

    async def _borrow(self) -> PreparingConnection:
        self._waiting += 1
        try:
            return await self._pool.getconn()
        finally:
            self._waiting -= 1

    async def _give_back(self, connection: PreparingConnection) -> None:
        # A sound connection is kept at hand: the pool's own giving and taking costs a third of a read.
        # It goes back when it broke or was interrupted, when somebody waits, and every so often for
        # the pool to renew it.
        idle = connection.pgconn.transaction_status == TransactionStatus.IDLE
        if not idle or self._waiting or connection.is_worn():
            await self._pool.putconn(connection)
        else:
            self._idle.append(connection)

    @asynccontextmanager
    async def raw_connection(self) -> AsyncIterator[AsyncConnection[TupleRow]]:
        """Lend a bare autocommit connection (as the app role), for statements that need no session."""
        async with self._pool.connection() as connection:
            yield connection


class HotReads:
    """Reads of one caller, each in its own short transaction."""

    def __init__(self, database: Database, tenant_id: str, client_id: str) -> None:
        self._database, self._tenant_id, self._client_id = database, tenant_id, client_id

    async def rows(self, sql: str, params: Params) -> Sequence[TupleRow]:
        """Run the statement as this caller."""
        return await self._database.read(sql, params, tenant_id=self._tenant_id, client_id=self._client_id)


class SessionReads:
    """Reads inside a running transaction, which see what it has written."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def rows(self, sql: str, params: Params) -> Sequence[TupleRow]:
        """Flush what is pending and run the statement in the session's transaction."""
        await self._session.flush()
        connection = await self._session.connection()
        result = await connection.exec_driver_sql(sql, dict(params))
        return cast("Sequence[TupleRow]", result.fetchall())


async def act_for(session: AsyncSession, tenant_id: str) -> None:
    """Turn the rest of the transaction to another tenant (a firm's own sandbox, say)."""
    await session.flush()
    session.info["who"] = {**session.info["who"], "_tenant": tenant_id}
    connection = await session.connection()
    await connection.exec_driver_sql(_WHO, session.info["who"])


async def _refuse_aborted(session: AsyncSession) -> None:
    await session.flush()
    if not session.in_transaction():
        return
    raw = await (await session.connection()).get_raw_connection()
    driver = cast("psycopg.AsyncConnection[Any]", raw.driver_connection)
    if driver.info.transaction_status == TransactionStatus.INERROR:
        raise AbortedTransaction
