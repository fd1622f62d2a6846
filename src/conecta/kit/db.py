"""The database: two ways in, both as a role that row-level security binds.

`transaction()` gives an ORM session for writes; `read()` sends one hot read in one round trip.
Both say who is asking (`conecta.tenant_id`, `conecta.client_id`) for the length of one transaction.
Nothing outside this file commits, but for the claim loop of the webhook worker.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol, cast

import psycopg
from psycopg import AsyncClientCursor, AsyncConnection
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow
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
        self._pool: AsyncConnectionPool[AsyncConnection[TupleRow]] = AsyncConnectionPool(
            dsn,
            min_size=1,
            max_size=pool_size,
            open=False,
            kwargs={
                "autocommit": True,
                "cursor_factory": AsyncClientCursor,
                "options": f"-c role={APP_ROLE}",
            },
        )

    async def open(self) -> None:
        """Open the connections; raise psycopg's PoolTimeout when the server does not answer."""
        await self._pool.open(wait=True, timeout=10)

    async def close(self) -> None:
        """Give every connection back."""
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
        """Run one statement in its own short transaction, in one round trip, and return its rows."""
        who = _who(SYSTEM_ROLE if system else APP_ROLE, tenant_id, client_id)
        async with self._pool.connection() as connection:
            cursor = await connection.execute(f"{_WHO}; {sql}", {**params, **who})
            cursor.nextset()
            return await cursor.fetchall() if cursor.description else ()

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
