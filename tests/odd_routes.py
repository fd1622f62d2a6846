"""Routes that misbehave on purpose, on an application of their own: what no real route may do.

They use the same route class, guards, transaction and gate as every native route.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Annotated

import psycopg
from fastapi import APIRouter, FastAPI, Request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from conecta.api import PREFIX
from conecta.app import create_app
from conecta.auth.caller import Caller
from conecta.auth.require import require
from conecta.clients import service as clients
from conecta.clients.schemas import ClientCreate
from conecta.kit import clock
from conecta.kit.db import Writes
from conecta.kit.errors import NotFound, PreconditionFailed
from conecta.kit.ids import new_id
from conecta.kit.pages import json_object
from conecta.kit.routing import ApiRoute, DbReads, DbSession, DbWrites
from conecta.settings import Settings

SECRET = "whsec_never_shown_to_anybody"
NAME = "Xenia Querol"
GATE_LOCK = 4711

AnyCaller = Annotated[Caller, require(None)]
router = APIRouter(route_class=ApiRoute, prefix=f"{PREFIX}/odd")
# Without our route class: what a mistake in wiring would look like.
bare_router = APIRouter(prefix=f"{PREFIX}/odd")


@asynccontextmanager
async def odd_app(settings: Settings, dsn: str) -> AsyncIterator[FastAPI]:
    """Run an application that has these routes besides the real ones."""
    app = create_app(settings, dsn=dsn)
    app.include_router(router)
    app.include_router(bare_router)
    async with app.router.lifespan_context(app):
        yield app


@router.get("/boom")
async def boom(caller: AnyCaller) -> Response:
    raise RuntimeError(f"select * from people -- {SECRET}")


@router.post("/boom")
async def boom_after_writing(caller: AnyCaller, session: DbSession) -> Response:
    await _add_client(session, caller)
    raise RuntimeError(f"select * from people -- {SECRET}")


@bare_router.get("/bare-boom")
async def bare_boom() -> Response:
    raise RuntimeError(f"select * from people -- {SECRET}")


@bare_router.get("/bare-refusal")
async def bare_refusal() -> Response:
    raise NotFound


@router.get("/echo")
async def echo(caller: AnyCaller, reads: DbReads) -> Response:
    rows = await reads.rows("select current_user, current_setting('conecta.tenant_id')", {})
    return json_object(f'{{"role":"{rows[0][0]}","tenant":"{rows[0][1]}"}}')


@router.get("/slow-read")
async def slow_read(caller: AnyCaller, reads: DbReads) -> Response:
    rows = await reads.rows("select pg_sleep(%(seconds)s), 'done' as word", {"seconds": 0.3})
    return json_object(f'{{"word":"{rows[0][1]}"}}')


@router.post("/swallowed")
async def swallowed(caller: AnyCaller, session: DbSession) -> Response:
    """Write, let the database fail, and say that all is well."""
    await _add_client(session, caller)
    with suppress(DBAPIError):
        await (await session.connection()).exec_driver_sql("select 1/0")
    return json_object('{"stored": true}', status=201)


@router.post("/late-conflict")
async def late_conflict(caller: AnyCaller, session: DbSession) -> Response:
    """Break a constraint that Postgres only checks at the commit."""
    await _add_client(session, caller)
    connection = await session.connection()
    await connection.exec_driver_sql(
        "create temp table late (a int unique deferrable initially deferred) on commit drop"
    )
    await connection.exec_driver_sql("insert into late values (1), (1)")
    return json_object('{"stored": true}', status=201)


@router.post("/write")
async def write(caller: AnyCaller, session: DbSession) -> Response:
    client_id = await _add_client(session, caller)
    return json_object(f'{{"id":"{client_id}"}}', status=201)


@router.post("/write-and-refuse/{status}")
async def write_and_refuse(caller: AnyCaller, session: DbSession, status: int) -> Response:
    await _add_client(session, caller)
    if status == 412:
        raise PreconditionFailed(headers={"ETag": '"v1"'}, current='"v1"')
    raise NotFound


@router.post("/write-and-wait")
async def write_and_wait(caller: AnyCaller, session: DbSession) -> Response:
    """Write, then wait until the test lets go of a lock."""
    client_id = await _add_client(session, caller)
    await (await session.connection()).exec_driver_sql(f"select pg_advisory_xact_lock({GATE_LOCK})")
    return json_object(f'{{"id":"{client_id}"}}', status=201)


@router.post("/retried/{failures}")
async def retried(caller: AnyCaller, session: DbSession, request: Request, failures: int) -> Response:
    """Fail the way two concurrent writers fail, so many times, then succeed."""
    await _add_client(session, caller)
    tried = request.app.state.tried = getattr(request.app.state, "tried", 0) + 1
    if tried <= failures:
        connection = await session.connection()
        await connection.exec_driver_sql("do $$ begin raise exception using errcode = '40P01'; end $$")
    return json_object(f'{{"tried":{tried}}}', status=201)


@router.post("/leak")
async def leak(caller: AnyCaller, session: DbSession, wanted: ClientCreate) -> Response:
    """Make the database refuse a statement and quote, in its error, the personal data it was given."""
    connection = await session.connection()
    await connection.exec_driver_sql("select %(name)s::json", {"name": wanted.name})
    return Response()


@router.post("/leak-parameters")
async def leak_parameters(caller: AnyCaller, session: DbSession, wanted: ClientCreate) -> Response:
    """Make the database refuse a statement whose parameters are personal data."""
    connection = await session.connection()
    values = {"name": wanted.name, "phone": wanted.phone}
    await connection.exec_driver_sql("select %(name)s::text, %(phone)s::text, 1/0", values)
    return Response()


@router.get("/leak-read")
async def leak_read(caller: AnyCaller, reads: DbReads) -> Response:
    """Make the database refuse a hot read, whose text holds its parameters."""
    await reads.rows("select %(name)s::json, nowhere", {"name": NAME})
    return Response()


# The same on prepared statements, without an ORM session.


@router.post("/hot/boom")
async def hot_boom(caller: AnyCaller, writes: DbWrites) -> Response:
    await _add_client_hot(writes, caller)
    raise RuntimeError(f"select * from people -- {SECRET}")


@router.post("/hot/swallowed")
async def hot_swallowed(caller: AnyCaller, writes: DbWrites) -> Response:
    await _add_client_hot(writes, caller)
    with suppress(psycopg.Error):
        await writes.rows("select 1/0", {})
    return json_object('{"stored": true}', status=201)


@router.post("/hot/late-conflict")
async def hot_late_conflict(caller: AnyCaller, writes: DbWrites) -> Response:
    await _add_client_hot(writes, caller)
    await writes.rows("select make_late_conflict()", {})
    return json_object('{"stored": true}', status=201)


@router.post("/hot/write")
async def hot_write(caller: AnyCaller, writes: DbWrites) -> Response:
    return json_object(f'{{"id":"{await _add_client_hot(writes, caller)}"}}', status=201)


@router.post("/hot/write-and-refuse/{status}")
async def hot_write_and_refuse(caller: AnyCaller, writes: DbWrites, status: str) -> Response:
    await _add_client_hot(writes, caller)
    if status == "412":
        raise PreconditionFailed(headers={"ETag": '"v1"'}, current='"v1"')
    raise NotFound


@router.post("/hot/write-and-wait")
async def hot_write_and_wait(caller: AnyCaller, writes: DbWrites) -> Response:
    client_id = await _add_client_hot(writes, caller)
    await writes.rows(f"select pg_advisory_xact_lock({GATE_LOCK})", {})
    return json_object(f'{{"id":"{client_id}"}}', status=201)


@router.post("/hot/retried/{failures}")
async def hot_retried(caller: AnyCaller, writes: DbWrites, request: Request, failures: str) -> Response:
    await _add_client_hot(writes, caller)
    tried = request.app.state.tried = getattr(request.app.state, "tried", 0) + 1
    if tried <= int(failures):
        await writes.rows("select fail_as_a_deadlock()", {})
    return json_object(f'{{"tried":{tried}}}', status=201)


@router.post("/hot/leak")
async def hot_leak(caller: AnyCaller, writes: DbWrites, wanted: ClientCreate) -> Response:
    await writes.rows("select %(name)s::json", {"name": wanted.name})
    return Response()


async def _add_client_hot(writes: Writes, caller: Caller) -> str:
    values = {"tenant": caller.tenant_id, "id": new_id("cli"), "now": clock.now()}
    await writes.rows(_ADD_CLIENT, values)
    return str(values["id"])


_ADD_CLIENT = """
insert into clients (tenant_id, id, kind, name, additional_emails, additional_phones, language, custom_fields,
  status, search_words, created_at, updated_at, version)
values (%(tenant)s, %(id)s, 'person', 'Escrito de paso', '{}', '{}', 'es', '{}', 'active', 'escrito',
  %(now)s::timestamptz, %(now)s::timestamptz, 1)
returning id
"""


async def _add_client(session: AsyncSession, caller: Caller) -> str:
    client_id, _ = await clients.create_client(
        session, tenant_id=caller.tenant_id, wanted=ClientCreate(name="Escrito de paso")
    )
    return client_id
