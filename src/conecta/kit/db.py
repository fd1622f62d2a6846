"""The database: two ways in, both as a role that row-level security binds.

`transaction()` gives an ORM session for writes; `read()` sends one hot read in one round trip.
Both say who is asking (`conecta.tenant_id`, `conecta.client_id`) for the length of one transaction.
Nothing outside this file commits, but for the claim loop of the webhook worker.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol, cast

import psycopg
from psycopg import AsyncClientCursor, AsyncConnection
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, SessionTransaction

from .preparing_connection import Params, PreparingConnection

APP_ROLE = "conecta_app"
SYSTEM_ROLE = "conecta_system"

# Role, tenant and client, for the length of the transaction.
_WHO = (
    "select set_config('role', %s, true), set_config('conecta.tenant_id', %s, true),"
    " set_config('conecta.client_id', %s, true)"
)
# The same as the hot connections prepare it.
_WHO_PREPARED = _WHO % ("%(role)s", "%(tenant)s", "%(client)s")


_OPEN = {TransactionStatus.INTRANS, TransactionStatus.INERROR}


class AbortedTransaction(Exception):
    """Somebody swallowed a database error: committing now would answer 200 and store nothing."""


class Reads(Protocol):
    """Whoever can run a read written in SQL: a hot read of its own, or inside a transaction."""

    async def rows(self, sql: str, params: Params) -> Sequence[TupleRow]:
        """Run the statement with `%(name)s` parameters and return all of its rows."""
        ...


class Writes(Reads, Protocol):
    """Whoever can run statements that write, all in one transaction that somebody else commits."""

    def savepoint(self) -> AbstractAsyncContextManager[Any]:
        """Undo what a block wrote when an exception leaves it."""
        ...


class _WhoIsAsking(Session):
    """A session that tells Postgres its role, tenant and client at the start of every transaction."""


@event.listens_for(_WhoIsAsking, "after_begin")
def _tell(session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
    connection.exec_driver_sql(_WHO, session.info["who"])


def _engine(dsn: str, pool_size: int) -> AsyncEngine:
    return create_async_engine(
        dsn.replace("postgres://", "postgresql://", 1),
        pool_size=pool_size,
        max_overflow=0,
        hide_parameters=True,  # they are people's data, and errors end up in logs
        connect_args={"options": f"-c role={APP_ROLE} -c search_path=public,procrastinate"},
    )


class Database:
    """The connections of one process to one Postgres: made by `create_app` and by the worker."""

    def __init__(self, dsn: str, *, pool_size: int = 10) -> None:
        self.dsn = dsn
        # The system's transactions have connections of their own: a request may need one while it holds
        # its own, and many such requests at once must not wait for each other.
        self._engines = {APP_ROLE: _engine(dsn, pool_size), SYSTEM_ROLE: _engine(dsn, max(2, pool_size // 2))}
        self._sessions = {
            role: async_sessionmaker(engine, sync_session_class=_WhoIsAsking, expire_on_commit=False)
            for role, engine in self._engines.items()
        }
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
            connection = self._idle.pop()
            connection.unwatch()
            await self._pool.putconn(connection)
        await self._pool.close()
        for engine in self._engines.values():
            await engine.dispose()

    @asynccontextmanager
    async def transaction(
        self, *, tenant_id: str = "", client_id: str = "", system: bool = False
    ) -> AsyncIterator[AsyncSession]:
        """Open one transaction; commit at the end, or roll back when an exception leaves the block.

        `system` acts across tenants (key look-up, claims, retention); it is also the helper for what
        must survive the caller's own rollback. Raises AbortedTransaction instead of a silent rollback.
        """
        role = SYSTEM_ROLE if system else APP_ROLE
        who = {"who": (role, tenant_id, client_id)}
        async with self._sessions[role](info=who) as session, session.begin():
            yield session
            await _refuse_aborted(session)

    async def read(
        self, sql: str, params: Params, *, tenant_id: str = "", client_id: str = "", system: bool = False
    ) -> Sequence[TupleRow]:
        """Run one statement in its own short transaction, in one round trip, and return its rows.

        The statement is prepared once a connection: planning a hot read costs more than running it.
        """
        who = {"role": SYSTEM_ROLE if system else APP_ROLE, "tenant": tenant_id, "client": client_id}
        connection = self._idle.pop() if self._idle else await self._borrow()
        try:
            return await connection.run((_WHO_PREPARED, who), (sql, params))
        finally:
            await self._give_back(connection)

    @asynccontextmanager
    async def hot_transaction(
        self, *, tenant_id: str = "", client_id: str = ""
    ) -> AsyncIterator["HotTransaction"]:
        """Open one transaction of prepared statements, for writes that need no ORM session.

        It begins together with its first statement; it commits at the end, or rolls back when an
        exception leaves the block. Raises AbortedTransaction instead of a silent rollback.
        """
        who = {"role": APP_ROLE, "tenant": tenant_id, "client": client_id}
        connection = self._idle.pop() if self._idle else await self._borrow()
        transaction = HotTransaction(connection, who)
        try:
            yield transaction
            await transaction.commit()
        except BaseException:
            await transaction.roll_back()
            raise
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
            connection.unwatch()
            await self._pool.putconn(connection)
        else:
            self._idle.append(connection)

    async def listen(self, channel: str, wake: asyncio.Event, *, name: str) -> None:
        """Set an event at each commit that notified a channel, for as long as a connection of its own lives.

        Raises psycopg's OperationalError when it ends; `name` is what the server calls the connection.
        """
        async with await AsyncConnection.connect(
            self.dsn,
            autocommit=True,
            application_name=name,
            keepalives_idle=30,
            keepalives_interval=10,
            keepalives_count=3,
        ) as connection:
            await connection.execute(SQL("listen {}").format(Identifier(channel)))
            wake.set()  # Something may have been committed before we listened.
            async for _ in connection.notifies():
                wake.set()

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


class HotTransaction:
    """One transaction on a hot connection; `Database.hot_transaction` opens and ends it."""

    def __init__(self, connection: PreparingConnection, who: Params) -> None:
        self._connection, self._who = connection, who
        self._begun = False

    async def rows(self, sql: str, params: Params) -> Sequence[TupleRow]:
        """Run the statement, after the transaction's beginning when it is the first."""
        if self._begun:
            return await self._connection.run((sql, params))
        self._begun = True
        return await self._connection.run((_WHO_PREPARED, self._who), (sql, params), opening=b"begin; ")

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Undo what the block wrote when an exception leaves it."""
        if not self._begun:
            self._begun = True
            await self._connection.run((_WHO_PREPARED, self._who), opening=b"begin; ")
        await self._connection.command(b"savepoint block")
        try:
            yield
        except Exception:
            await self._connection.command(b"rollback to savepoint block; release savepoint block")
            raise
        await self._connection.command(b"release savepoint block")

    async def commit(self) -> None:
        """Commit what was written; raise AbortedTransaction when a statement had failed."""
        status = self._connection.pgconn.transaction_status
        if status == TransactionStatus.INERROR:
            raise AbortedTransaction
        if status == TransactionStatus.INTRANS:
            await self._connection.command(b"commit")

    async def roll_back(self) -> None:
        """Undo everything, unless the connection was cut off in the middle: then the pool drops it."""
        if self._connection.pgconn.transaction_status in _OPEN:
            await self._connection.command(b"rollback")


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

    def savepoint(self) -> AbstractAsyncContextManager[Any]:
        """Undo what the block wrote when an exception leaves it."""
        return self._session.begin_nested()


async def act_for(session: AsyncSession, tenant_id: str) -> None:
    """Turn the rest of the transaction to another tenant (a firm's own sandbox, say)."""
    await session.flush()
    role, _, client_id = session.info["who"]
    session.info["who"] = (role, tenant_id, client_id)
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
