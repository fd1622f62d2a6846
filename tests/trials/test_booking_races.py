"""Bookings under a crowd of real clients and several servers: no time is sold twice, nothing fails."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest

from conecta.kit.embedded_postgres import EmbeddedPostgres
from tests.bookings.arrange import overlaps
from tests.processes import Installation

CLIENTS, WRITERS, SECONDS = 200, 16, 60
ZONE = "Europe/Madrid"


@pytest.fixture
def office(house: Installation) -> tuple[Installation, dict[str, str], dict[str, Any]]:
    """Two server processes, and a firm with three members, a room, three services and a day without night."""
    made = house.json(
        "tenants", "create", "--name", "Despacho", "--plan", "enterprise", "--per-minute", "1000000",
        "--per-day", "10000000",
    )  # fmt: skip
    house.serve("--workers", "2", "--no-worker")
    headers = {"Authorization": f"Bearer {made['api_key']}"}
    with httpx.Client(base_url=house.url, headers=headers, timeout=60) as api:

        def add(path: str, **body: Any) -> str:
            answer = api.post(path, json=body)
            assert answer.status_code == 201, answer.text
            return str(answer.json()["id"])

        for name in ("Eva", "Leo"):
            add("/users", name=name, email=f"{name.lower()}@bufete.example", role="provider")
        day = (datetime.now(UTC) + timedelta(days=10)).date()
        (schedule,) = [
            one
            for one in api.get("/schedules").json()["data"]
            if one["is_default"] and not one["provider_id"]
        ]
        spans = {"spans": [{"from": "00:00", "to": "24:00"}]}
        assert api.put(f"/schedules/{schedule['id']}/overrides/{day}", json=spans).is_success
        common = {"durations": [30, 60], "slot_step": 15, "notice_minutes": 0}
        room = add("/rooms", name="Sala")
        services = [
            add("/booking-services", name="A", slug="a", buffer_before=5, buffer_after=10, **common),
            add("/booking-services", name="B", slug="b", room_ids=[room], **common),
            add("/booking-services", name="C", slug="c", capacity=4, **common),
        ]
    return house, headers, {"day": day, "services": services}


@contextmanager
def database_of(house: Installation) -> Iterator[psycopg.Connection]:
    """A connection to the installation's own Postgres, to look at what was written."""
    server = EmbeddedPostgres(house.folder / "postgres")
    server.start()
    try:
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            yield connection
    finally:
        server.stop()


@pytest.mark.trial
@pytest.mark.timeout(300)
def test_trap_6_two_hundred_clients_and_one_time(office: tuple[Installation, dict[str, str], dict[str, Any]]):
    house, headers, things = office
    user = httpx.get(f"{house.url}/users", headers=headers).json()["data"][0]["id"]
    wanted = {"service_id": things["services"][0], "start": f"{things['day']}T10:00:00Z", "provider_id": user}
    ready = threading.Barrier(CLIENTS)

    def book(_: int) -> tuple[int, dict[str, Any]]:
        with httpx.Client(headers=headers, timeout=120) as client:
            ready.wait()
            answer = client.post(f"{house.url}/bookings", json=wanted)
        return answer.status_code, answer.json()

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(book, range(CLIENTS)))
    assert Counter(status for status, _ in answers) == {201: 1, 409: CLIENTS - 1}
    refused = [body for status, body in answers if status == 409]
    assert {(body["code"], len(body["next_slots"])) for body in refused} == {("slot_taken", 3)}
    with database_of(house) as connection:
        assert connection.execute("select count(*) from bookings").fetchall() == [(1,)]
        assert overlaps(connection) == 0


@pytest.mark.trial
@pytest.mark.timeout(300)
def test_a_minute_of_overlapping_writes_leaves_no_overlap(
    office: tuple[Installation, dict[str, str], dict[str, Any]],
):
    """Everybody books, holds, moves, confirms, cancels and releases at random, within a few hours."""
    house, headers, things = office
    deadline = time.monotonic() + SECONDS
    counted: Counter[tuple[str, int]] = Counter()
    lock = threading.Lock()

    def write(seed: int) -> None:
        chance = random.Random(seed)
        own: list[str] = []
        held: list[str] = []
        with httpx.Client(base_url=house.url, headers=headers, timeout=60) as client:
            while time.monotonic() < deadline:
                name, path, body = _next(chance, things, own, held)
                answer = client.request("DELETE" if name == "release" else "POST", path, json=body)
                with lock:
                    counted[name, answer.status_code] += 1
                if answer.status_code == 201:
                    (held if name == "hold" else own).append(answer.json()["id"])

    with ThreadPoolExecutor(WRITERS) as pool:
        for done in [pool.submit(write, seed) for seed in range(WRITERS)]:
            done.result()
    assert sum(counted.values()) > 100, counted
    assert {status for _, status in counted} <= {200, 201, 204, 404, 409, 422}
    for name in ("book", "hold", "move", "cancel", "release", "use"):
        assert any(key[0] == name and key[1] < 300 for key in counted), name
    with database_of(house) as connection:
        assert overlaps(connection) == 0
        _refuse_lost_seats(connection)
        _refuse_stray_claims(connection)


def _next(
    chance: random.Random, things: dict[str, Any], own: list[str], held: list[str]
) -> tuple[str, str, dict[str, Any] | None]:
    """Choose what a writer does next: mostly booking, on a grid that is tighter than the appointments."""
    start = f"{things['day']}T{chance.randrange(8, 14):02}:{chance.choice((0, 15, 30, 45)):02}:00Z"
    wanted = {"service_id": chance.choice(things["services"]), "start": start}
    duration = {"duration": chance.choice((30, 60))}
    does = chance.choices(("book", "hold", "move", "cancel", "release", "use"), (8, 4, 5, 6, 3, 3))[0]
    if does == "move" and own:
        return "move", f"/bookings/{chance.choice(own)}/reschedule", {"start": start}
    if does == "cancel" and own:
        return "cancel", f"/bookings/{own.pop(chance.randrange(len(own)))}/cancel", {}
    if does == "release" and held:
        return "release", f"/bookings/holds/{held.pop(chance.randrange(len(held)))}", None
    if does == "use" and held:
        return "use", "/bookings", {"hold_id": held.pop(chance.randrange(len(held)))}
    if does == "hold":
        return "hold", "/bookings/holds", wanted | duration | {"ttl_seconds": chance.choice((10, 300))}
    return "book", "/bookings", wanted | duration


def _refuse_lost_seats(connection: psycopg.Connection) -> None:
    """Fail unless each session has taken exactly what is booked and held of it."""
    wrong = connection.execute(
        "select o.id, o.taken from booking_occurrences o where o.taken <>"
        " coalesce((select sum(b.seats) from bookings b"
        "   where b.occurrence_id = o.id and b.status in ('pending', 'confirmed')), 0)"
        " + coalesce((select sum(h.seats) from booking_holds h where h.occurrence_id = o.id), 0)"
    ).fetchall()
    assert wrong == []


def _refuse_stray_claims(connection: psycopg.Connection) -> None:
    """Fail unless the claims are those of the bookings, holds and sessions that there are."""
    wrong = connection.execute(
        "select c.holder_id, c.state from booking_claims c"
        " left join bookings b on b.id = c.holder_id left join booking_holds h on h.id = c.holder_id"
        " left join booking_occurrences o on o.id = c.holder_id"
        " where c.state in ('held', 'pending', 'confirmed') and not coalesce("
        "   b.status = c.state and b.starts_at - b.buffer_before * interval '1 minute' = c.starts_at"
        "     and b.ends_at + b.buffer_after * interval '1 minute' = c.ends_at,"
        "   h.expires_at = c.expires_at, o.taken > 0, false)"
    ).fetchall()
    assert wrong == []
    unclaimed = connection.execute(
        "select b.id from bookings b where b.status in ('pending', 'confirmed') and not exists ("
        " select from booking_claims c where c.holder_id in (b.id, b.occurrence_id)"
        " and c.state in ('pending', 'confirmed') and c.resource_id = b.provider_id)"
    ).fetchall()
    assert unclaimed == []
