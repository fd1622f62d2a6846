"""Several server processes on one database: limits are exact, answers are the same."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.processes import Installation

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


def _wait_for_a_fresh_minute() -> None:
    """Start early in a clock minute, so that the calls do not spill into the next one."""
    while time.time() % 60 > 25:
        time.sleep(0.2)
