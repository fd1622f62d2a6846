"""Notes are written in batches; an outage loses none up to a bound, and what is lost is counted."""

import asyncio
import time

import psycopg
import pytest
from prometheus_client import REGISTRY

from conecta.app import create_app
from conecta.auth.caller import Caller
from conecta.kit.db import Database
from conecta.kit.rate_limit import Limits
from conecta.requests import recorder
from conecta.requests.recorder import RequestLog
from conecta.requests.rules import Call
from tests.webhooks.dispatching import until


def call(tenant_id: str, number: int = 0, **changes) -> Call:
    caller = Caller("firm", tenant_id, frozenset(), "key_1", "CRM", "free", Limits(1, 1))
    made = Call(
        time.time(), 0.001, 200, caller, f"request-{number}", "GET", "/v1/servicios/clients", b"", None, [],
        None, None, None,
    )  # fmt: skip
    return made._replace(**changes)


def count(superuser: psycopg.Connection) -> int:
    return superuser.execute("select count(*) from logged_requests").fetchone()[0]


def lost() -> float:
    return REGISTRY.get_sample_value("conecta_request_log_lost_total")


@pytest.fixture
def counted():
    """How many calls were lost since the test began, as the metric tells."""
    before = lost()
    return lambda: lost() - before


async def test_many_calls_are_few_inserts(app, firm, superuser):
    await app.state.request_log.flush()  # what is left of other tests
    superuser.execute("create table inserts (at timestamptz default clock_timestamp())")
    superuser.execute(
        "create function note() returns trigger language plpgsql security definer set search_path = public as"
        " $$begin insert into inserts default values; return null; end$$;"
        " create trigger noted after insert on logged_requests for each statement execute function note()"
    )
    try:
        notes = RequestLog(app.state.database)
        for number in range(1_200):
            notes.add(call(firm.id, number))
        await notes.flush()
        assert count(superuser) == 1_200
        assert superuser.execute("select count(*) from inserts").fetchone() == (3,)
    finally:
        superuser.execute("drop trigger noted on logged_requests; drop function note(); drop table inserts")


async def test_notes_are_written_without_being_asked(app, api, superuser):
    await api.get("/clients")
    await until(lambda: count(superuser) == 1)


async def test_a_full_batch_does_not_wait(app, firm, superuser, monkeypatch):
    monkeypatch.setattr(recorder, "GATHER_SECONDS", 3600)
    notes = RequestLog(app.state.database)
    notes.start()
    for number in range(recorder.BATCH):
        notes.add(call(firm.id, number))
    await until(lambda: count(superuser) == recorder.BATCH)
    await notes.stop()


async def test_a_stop_writes_what_is_left(settings, dsn, firm, superuser):
    app = create_app(settings, dsn=dsn)
    async with app.router.lifespan_context(app), firm.client(app) as client:
        await client.get("/clients")
    assert count(superuser) == 1


async def test_the_same_note_is_written_once(app, firm, superuser):
    """After a commit whose answer was lost the batch is written again."""
    notes = RequestLog(app.state.database)
    again = call(firm.id)
    for _ in range(2):
        notes.add(again)
        await notes.flush()
    assert count(superuser) == 1


async def test_an_outage_loses_nothing_up_to_the_bound(dsn, firm, superuser, counted):
    database = Database(dsn, pool_size=2)  # not opened yet: it refuses as an absent server does
    notes = RequestLog(database, most_waiting=100)
    for number in range(130):
        notes.add(call(firm.id, number))
        if number == 50:
            await notes.flush()
    assert counted() == 30
    assert count(superuser) == 0
    await database.open()
    await notes.flush()
    await database.close()
    assert count(superuser) == 100
    assert counted() == 30


async def test_what_cannot_be_written_at_the_stop_is_counted(dsn, firm, counted):
    notes = RequestLog(Database(dsn, pool_size=2))
    notes.add(call(firm.id))
    await notes.stop()
    assert counted() == 1


async def test_one_bad_note_does_not_take_the_others_with_it(app, firm, superuser, counted):
    notes = RequestLog(app.state.database)
    for number in range(50):
        notes.add(call(firm.id, number, status=2**40 if number == 17 else 200))
    await notes.flush()
    assert count(superuser) == 49
    assert counted() == 1


async def test_a_firm_that_is_gone_has_no_log(app, firm, superuser, counted):
    notes = RequestLog(app.state.database)
    notes.add(call("tenant_gone"))
    notes.add(call(firm.id))
    await notes.flush()
    assert count(superuser) == 1
    assert counted() == 0


async def test_a_caller_who_hangs_up_is_noted(app, firm, superuser):
    """The server cancels the request: it has no status of its own."""
    started = asyncio.Event()
    middleware = recorder.RequestLogMiddleware(
        _dawdling(firm.id, started), log=app.state.request_log, prefix="/"
    )
    running = asyncio.create_task(middleware(_scope(), _receive, _send))
    await started.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await app.state.request_log.flush()
    assert superuser.execute("select status from logged_requests").fetchall() == [(499,)]


def _dawdling(tenant_id: str, started: asyncio.Event):
    async def app(scope, _receive, _send) -> None:
        scope["state"]["caller"] = call(tenant_id).caller
        started.set()
        await asyncio.Event().wait()

    return app


def _scope() -> dict:
    return {
        "type": "http", "method": "GET", "path": "/x", "query_string": b"", "headers": [],
        "state": {"request_id": "request-1"},
    }  # fmt: skip


async def _receive() -> dict:
    return {"type": "http.request"}


async def _send(_message) -> None:
    return None


async def test_a_note_costs_microseconds(app, firm):
    """Loose enough for a busy machine, and far below what a query costs."""

    async def bare(scope, _receive, send) -> None:
        scope["state"]["caller"] = caller
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    caller = call(firm.id).caller
    notes = RequestLog(app.state.database, most_waiting=1_000_000)
    middleware = recorder.RequestLogMiddleware(bare, log=notes, prefix="/")

    async def cost(wrapped) -> float:
        best = 1.0
        for _ in range(5):
            started = time.perf_counter()
            for _ in range(2_000):
                await wrapped(_scope(), _receive, _send)
            best = min(best, (time.perf_counter() - started) / 2_000)
        return best

    assert await cost(middleware) - await cost(bare) < 20e-6
