"""`kill -9` of server and worker while cases are created: nothing lost, nothing doubled."""

import itertools
import json
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.processes import Installation, wait_until
from tests.trials.receivers import receiver

CASES, CLIENTS, KILLS = 500, 8, 6


@pytest.mark.trial
@pytest.mark.timeout(420)
def test_500_cases_through_six_kills(house: Installation):
    firm = house.json(
        "tenants", "create", "--name", "Resistente", "--plan", "enterprise",
        "--per-minute", "1000000", "--per-day", "1000000",
    )  # fmt: skip
    server = house.serve("--no-worker")
    worker = house.start("worker")
    headers = {"Authorization": f"Bearer {firm['api_key']}"}
    with receiver() as sink, httpx.Client(base_url=house.url, headers=headers, timeout=30) as api:
        api.post("/webhooks", json={"url": sink.url, "events": ["case.created"]}).raise_for_status()
        client_id = api.post("/clients", json={"name": "Ana Gil"}).raise_for_status().json()["id"]
        finished = threading.Event()
        with ThreadPoolExecutor(CLIENTS + 1) as pool:
            # The killer first: the pool runs what it was given in that order.
            killer = pool.submit(_kill_now_and_then, house, server, worker, finished)
            created = list(pool.map(lambda n: _create(house.url, headers, client_id, n), range(CASES)))
            finished.set()
            assert killer.result() >= 4, "the cases were made before anything was killed"
        numbers = sorted(_all_numbers(api))
        assert len({case["id"] for case in created}) == CASES
        assert numbers == list(range(1, CASES + 1))
        expected = set(_all_events(api))
        assert len(expected) == CASES
        wait_until(lambda: expected <= sink.bodies.keys(), seconds=120, what="every event to arrive")
        for bodies in sink.bodies.values():
            assert len(set(bodies)) == 1, "a repeated delivery must be the same bytes"


def _create(url: str, headers: dict[str, str], client_id: str, number: int) -> dict[str, str]:
    """Create one case as a careful client does: the same key until an answer comes."""
    key = {"Idempotency-Key": str(uuid.uuid4())}
    body = {"client_id": client_id, "category": "civil", "title": f"Expediente {number}"}
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        try:
            answer = httpx.post(f"{url}/cases", json=body, headers={**headers, **key}, timeout=10)
        except httpx.TransportError:
            time.sleep(0.05)
            continue
        if answer.status_code == 201:
            return answer.json()
        assert answer.status_code in {409, 429, 500, 503}, answer.text
        time.sleep(0.05)
    raise AssertionError(f"case {number} was never created")


def _kill_now_and_then(house: Installation, server, worker, finished: threading.Event) -> int:
    for turn in itertools.count():
        if finished.wait(0.8) or turn >= KILLS:
            break
        if turn % 2:
            house.kill(worker)
            worker = house.start("worker")
        else:
            house.kill(server)
            server = house.serve("--no-worker")
    return turn


def _all_numbers(api: httpx.Client) -> list[int]:
    return [int(case["number"].rsplit("-", 1)[1]) for case in _pages(api, "/cases")]


def _all_events(api: httpx.Client) -> list[str]:
    return [event["id"] for event in _pages(api, "/events?type=case.created")]


def _pages(api: httpx.Client, path: str):
    glue = "&" if "?" in path else "?"
    cursor = ""
    while True:
        page = api.get(f"{path}{glue}limit=100{cursor}").raise_for_status().json()
        yield from page["data"]
        if not page["has_more"]:
            return
        cursor = f"&cursor={page['next_cursor']}"


@pytest.mark.trial
@pytest.mark.timeout(120)
def test_a_killed_server_restarts_on_its_folder(house: Installation):
    demo = house.json("demo")
    server = house.serve()
    house.kill(server)
    house.serve()
    headers = {"Authorization": f"Bearer {demo['api_key']}"}
    answer = httpx.get(f"{house.url}/clients", headers=headers)
    assert [client["id"] for client in answer.json()["data"]] == [demo["client_id"]]
    assert json.loads(house.run("demo", "--json").stdout)["tenant_id"] == demo["tenant_id"]
