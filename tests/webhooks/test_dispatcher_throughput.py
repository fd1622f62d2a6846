"""How fast one worker process delivers: prints figures and judges none, for they are the machine's too."""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop

from .dispatching import emit, new_endpoint, worker_of, working
from .receiver import receiving

DELIVERIES = 20_000


@pytest.fixture
def sink_port() -> Iterator[int]:
    """A sink in a process of its own."""
    script = Path(__file__).with_name("sink.py")
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


@pytest.mark.trial
@pytest.mark.timeout(300)
@pytest.mark.parametrize("endpoints", [1, 10, 100])
async def test_deliveries_per_second(app, api, firm, superuser, sink_port, endpoints):
    """Claim, sign, post, record: all of it, to a sink in another process, on the loop a worker runs on."""
    first = await new_endpoint(api, f"http://127.0.0.1:{sink_port}/hook")
    # The API allows fewer than a hundred endpoints a firm; rows are copied past it.
    superuser.execute(
        "insert into webhook_endpoints select (jsonb_populate_record(w, jsonb_build_object("
        "'id', 'whk_' || lpad(n::text, 26, '0')))).* from webhook_endpoints w, generate_series(2, %s) n"
        " where w.id = %s",
        [endpoints, first.id],
    )
    await emit(app, firm.id, DELIVERIES // endpoints)
    superuser.execute("analyze")
    seconds, cpu = await asyncio.to_thread(_deliver_all, app, superuser)
    recorded = superuser.execute(
        "select count(*), count(distinct delivery_id) from webhook_attempts where status_code = 200"
    ).fetchone()
    assert recorded == (DELIVERIES, DELIVERIES)
    rate, share = DELIVERIES / seconds, 100 * cpu / seconds
    print(f"\n{endpoints} endpoints: {rate:.0f} deliveries/s, {share:.0f} % of a core")  # noqa: T201


def _deliver_all(app, superuser) -> tuple[float, float]:
    async def run() -> tuple[float, float]:
        worker = worker_of(app)
        started, cpu = time.perf_counter(), time.process_time()
        await worker.start()
        pending = "select exists (select from webhook_deliveries where status = 'pending')"
        while superuser.execute(pending).fetchone() == (True,):  # noqa: ASYNC110 - it asks the database
            await asyncio.sleep(0.05)
        taken = time.perf_counter() - started, time.process_time() - cpu
        await worker.stop()
        return taken

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())


@pytest.mark.trial
async def test_time_from_commit_to_arrival(app, api, firm):
    """One event at a time, the worker idle: what an integrator feels."""
    taken = []
    async with receiving() as receiver, working(app):
        await new_endpoint(api, receiver.url())
        loop = asyncio.get_running_loop()
        for number in range(1, 301):
            await emit(app, firm.id)
            committed = loop.time()
            hits = await receiver.until_hits(number)
            taken.append((hits[-1].at - committed) * 1000)
            await asyncio.sleep(0.03)
    cuts = statistics.quantiles(taken[10:], n=100)
    print(f"\ncommit to arrival: p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms")  # noqa: T201
