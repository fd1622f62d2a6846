"""One endpoint's trouble is nobody else's: concurrency, fairness, and the plan of the claim."""

import asyncio
import contextlib
from collections import Counter
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from conecta.kit.db import Database
from conecta.webhooks import delivery_queries as queries
from conecta.webhooks.dispatcher import SLOW, START, Dispatcher

from .dispatching import emit, new_endpoint, statuses, until, worker_of, working
from .receiver import dawdles, receiving, waits


async def test_a_hanging_endpoint_with_500_waiting_delays_nobody(app, api, firm, other_firm, superuser):
    gate = asyncio.Event()
    async with receiving(hung=waits(gate)) as receiver, working(app):
        async with other_firm.client(app) as other_api:
            hung = await new_endpoint(other_api, receiver.url("/hung"))
        fine = await new_endpoint(api, receiver.url("/fine"))
        await emit(app, other_firm.id, 500)
        await receiver.until_hits(1, "/hung")
        await emit(app, firm.id, 100)
        await receiver.until_hits(100, "/fine")
        await until(lambda: statuses(superuser, fine) == {"delivered": 100})
        # All that while the other held no more than its lane, and was not given up either.
        assert statuses(superuser, hung) == {"pending": 500}
        assert receiver.running["/hung"] == receiver.peak["/hung"] == START
        gate.set()
        await until(lambda: statuses(superuser, hung) == {"delivered": 500})
    assert Counter(hit.event_id for hit in receiver.at("/hung")).most_common(1)[0][1] == 1


async def test_an_endpoint_that_hangs_in_one_place_is_asked_less(app, api, firm, superuser):
    """Timeouts narrow its lane, and its deliveries are not forgotten."""
    gate = asyncio.Event()
    async with (
        receiving(hook=waits(gate)) as receiver,
        working(app, webhook_timeout_seconds=0.2, webhook_retry_seconds=[0.5] * 50),
    ):
        endpoint = await new_endpoint(api, receiver.url())
        await emit(app, firm.id, 20)
        await receiver.until_hits(START * 3)
        receiver.peak.clear()
        await receiver.until_hits(START * 3 + 6)
        assert receiver.peak["/hook"] <= SLOW
        gate.set()
        await until(lambda: statuses(superuser, endpoint) == {"delivered": 20})


async def test_no_more_posts_run_than_the_setting_allows(app, api, firm, superuser):
    async with (
        receiving(hook=dawdles(0.01)) as receiver,
        working(app, webhook_endpoint_concurrency=8),
    ):
        endpoint = await new_endpoint(api, receiver.url())
        await emit(app, firm.id, 200)
        await until(lambda: statuses(superuser, endpoint) == {"delivered": 200})
    assert receiver.peak["/hook"] == 8


@pytest.mark.parametrize("health", ["unhealthy", "warning"])
async def test_an_ailing_endpoint_is_asked_little(app, api, firm, superuser, health):
    async with receiving(hook=dawdles(0.02)) as receiver:
        endpoint = await new_endpoint(api, receiver.url())
        superuser.execute(
            "update webhook_endpoints set health = %s, failures = 9, failing_since = now() where id = %s",
            [health, endpoint.id],
        )
        await emit(app, firm.id, 30)
        gate = asyncio.Event()
        receiver.behaviours["/hook"] = waits(gate)
        async with working(app):
            await receiver.until_hits(SLOW)
            # Time enough for several claims; were it wider, more would come.
            await until(lambda: statuses(superuser, endpoint) == {"pending": 30})
            other = await new_endpoint(api, receiver.url("/other"))
            await emit(app, firm.id, 30)
            await until(lambda: statuses(superuser, other) == {"delivered": 30})
            assert receiver.peak["/hook"] == SLOW
            gate.set()
            await until(lambda: statuses(superuser, endpoint) == {"delivered": 60})


@contextlib.asynccontextmanager
async def dispatching(app, in_flight: int):
    worker = worker_of(app)
    dispatcher = Dispatcher(worker._settings, app.state.database, app.state.keyring, in_flight=in_flight)
    running = asyncio.create_task(dispatcher.run())
    try:
        yield dispatcher
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def test_a_worker_shares_its_room_fairly(app, api, firm, superuser):
    """Four endpoints with a hundred deliveries each and room for twelve: three for each."""
    gate = asyncio.Event()
    async with receiving() as receiver:
        endpoints = []
        for number in range(4):
            receiver.behaviours[f"/{number}"] = waits(gate)
            endpoints.append(await new_endpoint(api, receiver.url(f"/{number}")))
        await emit(app, firm.id, 100)
        async with dispatching(app, in_flight=12):
            await receiver.until_hits(12)
            assert dict(receiver.running) == {f"/{number}": 3 for number in range(4)}
            gate.set()
            for endpoint in endpoints:
                await until(lambda endpoint=endpoint: statuses(superuser, endpoint) == {"delivered": 100})
    assert len(receiver.hits) == 400


async def test_more_endpoints_than_room_are_all_served(app, api, firm, superuser):
    async with receiving() as receiver:
        endpoints = [await new_endpoint(api, receiver.url(f"/{number}")) for number in range(9)]
        await emit(app, firm.id, 10)
        async with dispatching(app, in_flight=2):
            for endpoint in endpoints:
                await until(lambda endpoint=endpoint: statuses(superuser, endpoint) == {"delivered": 10})
    assert sum(receiver.peak.values()) >= 9
    assert len(receiver.hits) == 90


def pending_rows(superuser: psycopg.Connection, tenant_id: str, endpoints: int, each: int) -> None:
    """Arrange endpoints with many due deliveries; nobody listens behind them."""
    superuser.execute(
        "insert into webhook_endpoints (tenant_id, id, url, events, status, sealed_secret, health, failures,"
        " created_at, updated_at, version) select %(tenant)s, 'whk_' || lpad(e::text, 26, '0'),"
        " 'http://127.0.0.1:9/', '{*}', 'enabled', 'x', 'healthy', 0, now(), now(), 1"
        " from generate_series(1, %(endpoints)s) e",
        {"tenant": tenant_id, "endpoints": endpoints},
    )
    superuser.execute(
        "insert into events (tenant_id, id, type, resource_id, payload, created_at)"
        " select %(tenant)s, 'wh_evt_' || lpad(n::text, 26, '0'), 'case.created', 'cas_1', '{}', now()"
        " from generate_series(1, %(each)s) n",
        {"tenant": tenant_id, "each": each},
    )
    superuser.execute(
        "insert into webhook_deliveries (tenant_id, id, endpoint_id, event_id, status, attempts, due_at,"
        " created_at) select %(tenant)s, 'dlv_' || e || '_' || n, 'whk_' || lpad(e::text, 26, '0'),"
        " 'wh_evt_' || lpad(n::text, 26, '0'), 'pending', 0, now() - interval '1 hour', now()"
        " from generate_series(1, %(endpoints)s) e, generate_series(1, %(each)s) n",
        {"tenant": tenant_id, "endpoints": endpoints, "each": each},
    )
    superuser.execute("analyze webhook_deliveries, webhook_endpoints, events")


async def test_a_claim_reads_no_more_than_it_takes_whatever_waits(app, firm, superuser):
    """The plan hops over the index: with 30,000 waiting it reads a few hundred pages, not the table."""
    pending_rows(superuser, firm.id, endpoints=3, each=10_000)
    database: Database = app.state.database
    now = datetime.now(UTC)
    room = queries.Room(500, START, SLOW, {"whk_" + "1".zfill(26): 0})
    taken = await queries.claim(database, room, now=now, lease=timedelta(seconds=60))
    assert Counter(claim.endpoint_id[-1] for claim in taken.claims) == {"2": START, "3": START}

    params = {"free": 500, "start": START, "slow": SLOW, "busy": [], "rooms": [], "now": now}
    with psycopg.connect(database.dsn, autocommit=True) as connection:
        connection.execute("set role conecta_system")
        cursor = psycopg.ClientCursor(connection)
        explained = cursor.execute(
            "explain (analyze, buffers, format json) " + queries._CLAIM,
            {**params, "lease": now + timedelta(seconds=60)},
        ).fetchone()
    plan = explained[0][0]["Plan"]
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 1000
    assert scans(plan, "webhook_deliveries") <= {"Index Scan", "Index Only Scan", "ModifyTable"}


def scans(plan: dict, table: str) -> set[str]:
    """Name the kinds of nodes that read a table anywhere in a plan."""
    found = {plan["Node Type"]} if plan.get("Relation Name") == table else set()
    for child in plan.get("Plans", ()):
        found |= scans(child, table)
    return found
