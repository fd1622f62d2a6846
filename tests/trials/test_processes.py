"""Several server processes on one database: limits are exact, answers are the same."""

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest

from tests.processes import Installation, wait_until

PROCESSES, CALLS = 4, 200


@pytest.mark.trial
@pytest.mark.timeout(180)
def test_four_processes_let_exactly_sixty_through(house: Installation):
    firm = house.json("tenants", "create", "--name", "Gratuita", "--plan", "free")
    house.serve("--workers", str(PROCESSES), "--no-worker")
    headers = {"Authorization": f"Bearer {firm['api_key']}"}
    _wait_for_a_fresh_minute()
    ready = threading.Barrier(CALLS)

    def call(_: int) -> tuple[int, str | None]:
        with httpx.Client(timeout=30) as client:
            ready.wait()
            answer = client.get(f"{house.url}/clients", headers=headers)
        return answer.status_code, answer.headers.get("retry-after")

    minute = int(time.time()) // 60
    with ThreadPoolExecutor(CALLS) as pool:
        answers = list(pool.map(call, range(CALLS)))
    assert int(time.time()) // 60 == minute, "the calls must fit into one clock minute"
    statuses = [status for status, _ in answers]
    assert (statuses.count(200), statuses.count(429)) == (60, CALLS - 60)
    assert all(retry and 1 <= int(retry) <= 60 for status, retry in answers if status == 429)
    metrics = httpx.get(f"http://127.0.0.1:{house.port}/metrics").text
    counted = [line for line in metrics.splitlines() if line.startswith("conecta_requests_total{")]
    assert sum(float(line.rsplit(" ", 1)[1]) for line in counted if "clients" in line) >= 60


@pytest.mark.trial
@pytest.mark.timeout(120)
def test_a_used_up_minute_survives_a_restart(house: Installation):
    firm = house.json("tenants", "create", "--name", "Gratuita", "--plan", "free", "--per-minute", "3")
    headers = {"Authorization": f"Bearer {firm['api_key']}"}
    server = house.serve("--no-worker")
    _wait_for_a_fresh_minute()
    assert [httpx.get(f"{house.url}/usage", headers=headers).status_code for _ in range(4)] == [200] * 3 + [
        429
    ]
    house.kill(server)
    house.serve("--no-worker")
    assert httpx.get(f"{house.url}/usage", headers=headers).status_code == 429


@pytest.mark.trial
@pytest.mark.timeout(120)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_stop_signal_stops_everything(house: Installation, number: signal.Signals, processes: str):
    server = house.serve("--workers", processes)
    assert _postgres_of(house)
    assert house.stop(server, number) == 0
    wait_until(lambda: not _postgres_of(house), seconds=20, what="Postgres to be gone")
    assert not (house.folder / "server.json").exists()


@pytest.mark.trial
@pytest.mark.timeout(120)
def test_a_second_start_keeps_the_data(house: Installation):
    server = house.serve("--demo")
    demo = house.json("demo")
    house.stop(server)
    house.serve("--demo")
    headers = {"Authorization": f"Bearer {demo['api_key']}"}
    assert httpx.get(f"{house.url}/clients/{demo['client_id']}", headers=headers).status_code == 200


def _postgres_of(house: Installation) -> list[int]:
    """Return the Postgres processes that run on this installation's folder."""
    found = []
    for process in psutil.process_iter(["name", "cmdline"]):
        arguments = process.info["cmdline"] or []
        if process.info["name"] == "postgres" and any(str(house.folder) in text for text in arguments):
            found.append(process.pid)
    return found


def _wait_for_a_fresh_minute() -> None:
    """Start early in a clock minute, so that the calls do not spill into the next one."""
    while time.time() % 60 > 25:
        time.sleep(0.2)
