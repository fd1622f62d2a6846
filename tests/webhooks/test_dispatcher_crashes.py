"""Workers come, go and die; connections break; endpoints vanish: nothing is lost."""

import asyncio
import contextlib
import os
import signal
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from conecta.webhooks import delivery_queries as queries
from conecta.webhooks.delivery import Answer, Result
from conecta.webhooks.notices import Herald
from conecta.webhooks.recorder import Recorder

from .dispatching import (
    attempts,
    condition,
    emit,
    github_accepts,
    new_endpoint,
    standard_accepts,
    statuses,
    until,
    worker_of,
    working,
)
from .receiver import dawdles, receiving, waits


async def test_two_workers_deliver_each_exactly_once(app, api, firm, superuser):
    async with receiving() as receiver, working(app), working(app):
        endpoints = [await new_endpoint(api, receiver.url(f"/{number}")) for number in range(5)]
        wanted = []
        for _ in range(20):
            wanted += await emit(app, firm.id, 10)
        for endpoint in endpoints:
            await until(lambda endpoint=endpoint: statuses(superuser, endpoint) == {"delivered": 200}, 40)
    for number in range(5):
        assert Counter(hit.event_id for hit in receiver.at(f"/{number}")) == Counter(wanted)


async def test_a_graceful_stop_loses_nothing_and_repeats_nothing(app, api, firm, superuser):
    async with receiving(hook=dawdles(0.02)) as receiver:
        endpoint = await new_endpoint(api, receiver.url())
        wanted = await emit(app, firm.id, 300)
        async with working(app):
            await receiver.until_hits(50)
        sent = len(receiver.hits)
        assert statuses(superuser, endpoint) == {"delivered": sent, "pending": 300 - sent}
        # What was claimed but not sent is due at once, not when its lease has run out.
        row = superuser.execute("select count(*) from webhook_deliveries where due_at > now()").fetchone()
        assert row == (0,)
        async with working(app):
            await until(lambda: statuses(superuser, endpoint) == {"delivered": 300})
    assert Counter(hit.event_id for hit in receiver.hits) == Counter(wanted)


async def test_posts_that_outlast_a_stop_come_due_again(app, api, firm, superuser):
    gate = asyncio.Event()
    async with receiving(hook=waits(gate)) as receiver:
        endpoint = await new_endpoint(api, receiver.url())
        wanted = await emit(app, firm.id, 30)
        async with working(app):
            await receiver.until_hits(5)
        assert statuses(superuser, endpoint) == {"pending": 30}
        assert attempts(superuser, endpoint) == []
        gate.set()
        async with working(app):
            await until(lambda: statuses(superuser, endpoint) == {"delivered": 30})
    assert {hit.event_id for hit in receiver.hits} == set(wanted)
    # They were sent as first attempts twice: nobody knows whether the first arrived.
    assert {hit.headers["X-Webhook-Attempt"] for hit in receiver.hits} == {"1"}


async def test_a_cancelled_worker_winds_up(app, api, firm, superuser):
    async with receiving(hook=dawdles(0.01)) as receiver:
        endpoint = await new_endpoint(api, receiver.url())
        wanted = await emit(app, firm.id, 200)
        running = asyncio.create_task(worker_of(app).run())
        await receiver.until_hits(20)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        async with working(app):
            await until(lambda: statuses(superuser, endpoint) == {"delivered": 200})
    assert Counter(hit.event_id for hit in receiver.hits) == Counter(wanted)


async def test_a_killed_worker_repeats_but_loses_nothing(app, api, firm, superuser):
    """`kill -9` in the middle: what it held comes due again when its lease has run out."""
    settings = app.state.settings
    environment = os.environ | {
        "CONECTA_DATABASE_URL": app.state.database.dsn,
        "CONECTA_DATA_DIR": str(settings.data_dir),
        "CONECTA_WEBHOOK_ALLOW_PRIVATE": "true",
        "CONECTA_WEBHOOK_TIMEOUT_SECONDS": "2",
    }
    async with receiving(hook=dawdles(0.02)) as receiver:
        endpoint = await new_endpoint(api, receiver.url())
        wanted = await emit(app, firm.id, 500)
        victim = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "conecta", "worker", env=environment, cwd=settings.data_dir
        )
        try:
            await receiver.until_hits(60, seconds=60)
        finally:
            victim.send_signal(signal.SIGKILL)
            await victim.wait()
        held = superuser.execute("select count(*) from webhook_deliveries where due_at > now()").fetchone()
        assert held is not None
        assert held[0] > 0
        # Time passes.
        superuser.execute("update webhook_deliveries set due_at = now() where status = 'pending'")
        async with working(app):
            await until(lambda: statuses(superuser, endpoint) == {"delivered": 500})
    sent = Counter(hit.event_id for hit in receiver.hits)
    assert set(sent) == set(wanted)
    # Only what was under way or not yet written down was sent twice.
    assert sum(count - 1 for count in sent.values()) <= held[0]
    assert all(standard_accepts(endpoint.secret, hit) for hit in receiver.hits)


def backends(superuser: psycopg.Connection, name: str | None = None) -> set[int]:
    rows = superuser.execute(
        "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        " and (%(name)s::text is null or application_name = %(name)s::text)",
        {"name": name},
    )
    return {pid for (pid,) in rows.fetchall()}


def terminate(superuser: psycopg.Connection, pids: set[int]) -> None:
    superuser.execute("select pg_terminate_backend(pid) from unnest(%s::int[]) as pid", [list(pids)])


async def test_a_lost_listener_is_replaced(app, api, firm, superuser):
    async with receiving() as receiver, working(app):
        endpoint = await new_endpoint(api, receiver.url())
        await until(lambda: backends(superuser, "conecta-webhooks"))
        first = backends(superuser, "conecta-webhooks")
        terminate(superuser, first)
        await emit(app, firm.id)
        await receiver.until_hits(1)
        await until(lambda: backends(superuser, "conecta-webhooks") - first)
        await emit(app, firm.id)
        await receiver.until_hits(2)
        await until(lambda: statuses(superuser, endpoint) == {"delivered": 2})


async def test_a_database_that_hangs_up_again_and_again_only_delays(app, api, firm, superuser):
    async with receiving(hook=dawdles(0.01)) as receiver:
        endpoint = await new_endpoint(api, receiver.url())
        wanted = await emit(app, firm.id, 400)
        before = backends(superuser)
        async with working(app):
            for hits in (20, 80, 150):
                await receiver.until_hits(hits)
                terminate(superuser, backends(superuser) - before)
            await until(lambda: statuses(superuser, endpoint) == {"delivered": 400}, 40)
    assert {hit.event_id for hit in receiver.hits} == set(wanted)


async def test_a_result_that_is_written_twice_counts_once(app, api, firm, superuser):
    """The answer to a commit may be lost with the connection; then the batch is written again."""
    endpoint = await new_endpoint(api, "http://127.0.0.1:9/")
    await emit(app, firm.id, 3)
    now = datetime.now(UTC)
    room = queries.Room(10, 5, 2, {})
    found = await queries.claim(app.state.database, room, now=now, lease=timedelta(seconds=60))
    answer = Answer(500, "The endpoint answered 500.")
    results = [Result(claim, 1, now, now, 1, answer, "failed", None) for claim in found.claims]
    assert len(results) == 3
    for _ in range(2):
        herald = Herald(app.state.keyring, "http://testserver")
        recorder = Recorder(app.state.database, herald=herald, recorded=lambda _: None, closed=lambda _: None)
        running = asyncio.create_task(recorder.run())
        for result in results:
            recorder.add(result)
        await recorder.drain()
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        assert condition(superuser, endpoint) == ("enabled", None, "healthy", 3)
        assert len(attempts(superuser, endpoint)) == 3
        assert statuses(superuser, endpoint) == {"failed": 3}


async def test_an_endpoint_deleted_while_posting_disturbs_nobody(app, api, firm, superuser):
    gate = asyncio.Event()
    async with receiving(doomed=waits(gate)) as receiver, working(app):
        doomed = await new_endpoint(api, receiver.url("/doomed"))
        other = await new_endpoint(api, receiver.url("/other"))
        await emit(app, firm.id, 50)
        await receiver.until_hits(5, "/doomed")
        answer = await api.delete(f"/webhooks/{doomed.id}")
        assert answer.status_code == 204, answer.text
        gate.set()
        await until(lambda: statuses(superuser, other) == {"delivered": 50})
        await emit(app, firm.id)
        await until(lambda: statuses(superuser, other) == {"delivered": 51})
    assert statuses(superuser, doomed) == {}
    assert len(receiver.at("/doomed")) <= 10


@pytest.mark.parametrize("change", [("delete", None), ("patch", {"status": "disabled"})])
async def test_endpoints_that_go_under_load_do_not_deadlock(app, api, firm, superuser, change):
    """Deleting and disabling while results are being written: every call is answered, nobody waits."""
    method, body = change
    async with receiving() as receiver, working(app), working(app):
        kept = await new_endpoint(api, receiver.url("/kept"))
        going = [await new_endpoint(api, receiver.url(f"/{number}")) for number in range(10)]
        for endpoint in going:
            await emit(app, firm.id, 30)
            await receiver.until_hits(5, endpoint.url.removeprefix(receiver.base))
            answer = await api.request(method, f"/webhooks/{endpoint.id}", json=body)
            assert answer.is_success, answer.text
        await until(lambda: statuses(superuser, kept) == {"delivered": 300})
        for endpoint in going:
            await until(lambda endpoint=endpoint: "pending" not in statuses(superuser, endpoint))


@pytest.mark.parametrize("change", [("delete", None), ("patch", {"status": "disabled"})])
async def test_what_a_worker_holds_back_is_not_sent_after_an_endpoint_closed(
    app, api, firm, superuser, change
):
    """A proven endpoint has as many claims in reserve as under way; they die with it."""
    gate = asyncio.Event()
    async with receiving() as receiver, working(app, webhook_endpoint_concurrency=20):
        endpoint = await new_endpoint(api, receiver.url())
        await emit(app, firm.id, 200)
        await until(lambda: statuses(superuser, endpoint) == {"delivered": 200})
        receiver.behaviours["/hook"] = waits(gate)
        await emit(app, firm.id, 200)
        await receiver.until(lambda: receiver.running["/hook"] == 20)
        method, body = change
        answer = await api.request(method, f"/webhooks/{endpoint.id}", json=body)
        assert answer.is_success, answer.text
        # One slow post ends; the lane could send another, unless its record tells that nobody wants it.
        receiver.behaviours["/hook"] = dawdles(0.3)
        gate.set()
        other = await new_endpoint(api, receiver.url("/other"))
        await emit(app, firm.id, 50)
        await until(lambda: statuses(superuser, other) == {"delivered": 50})
        await until(lambda: receiver.running["/hook"] == 0)
    assert len(receiver.at("/hook")) <= 200 + 2 * 20
    assert "pending" not in statuses(superuser, endpoint)


async def test_a_delivery_taken_after_its_endpoint_was_disabled_counts(app, api, firm, superuser):
    gate = asyncio.Event()
    async with receiving(hook=waits(gate)) as receiver, working(app):
        endpoint = await new_endpoint(api, receiver.url())
        await emit(app, firm.id, 50)
        await receiver.until_hits(5)
        answer = await api.patch(f"/webhooks/{endpoint.id}", json={"status": "disabled"})
        assert answer.status_code == 200, answer.text
        assert statuses(superuser, endpoint) == {"parked": 50}
        gate.set()
        await until(lambda: statuses(superuser, endpoint).get("delivered", 0) >= 5)
        counted = statuses(superuser, endpoint)
    assert set(counted) == {"delivered", "parked"}
    assert counted["delivered"] == len(receiver.hits) <= 10


async def test_a_rotation_under_load_never_fails_to_verify(app, api, firm, superuser):
    """A receiver knows the old secret until it promotes, the new one from then on: it accepts everything."""
    async with receiving(hook=dawdles(0.002)) as receiver, working(app), working(app):
        endpoint = await new_endpoint(api, receiver.url())
        stop = asyncio.Event()

        async def load() -> None:
            while not stop.is_set():
                await emit(app, firm.id, 20)
                await asyncio.sleep(0.01)

        loading = asyncio.create_task(load())
        await receiver.until_hits(100)
        rotated = await api.post(f"/webhooks/{endpoint.id}/secret/rotate")
        assert rotated.status_code == 201, rotated.text
        new = rotated.json()["secret"]
        await receiver.until_hits(len(receiver.hits) + 300)
        before = len(receiver.hits)
        promoted = await api.post(f"/webhooks/{endpoint.id}/secret/promote")
        assert promoted.status_code == 200, promoted.text
        after = len(receiver.hits)
        await receiver.until_hits(after + 300)
        stop.set()
        await loading
        await until(lambda: set(statuses(superuser, endpoint)) == {"delivered"})
    old = endpoint.secret
    assert all(standard_accepts(old, hit) and github_accepts(old, hit) for hit in receiver.hits[:before])
    assert all(standard_accepts(new, hit) for hit in receiver.hits[after:])
    assert all(
        (standard_accepts(old, hit) or standard_accepts(new, hit))
        and (github_accepts(old, hit) or github_accepts(new, hit))
        for hit in receiver.hits
    )
    last = receiver.hits[-1]
    assert github_accepts(new, last)
    assert not standard_accepts(old, last)
