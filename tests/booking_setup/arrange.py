"""What tests of the setup of bookings stand on."""

from typing import Any

import httpx
import psycopg

WEEK = [{"day": "monday", "from": "09:00", "to": "14:00"}]


async def made(api: httpx.AsyncClient, path: str, **body: Any) -> dict[str, Any]:
    """POST and return what was created, having read it again where it says it is."""
    answer = await api.post(path, json=body)
    assert answer.status_code == 201, answer.text
    created = answer.json()
    where = answer.headers["location"]
    assert where == f"/v1/servicios{path}/{created['id']}"
    read = await api.get(where.removeprefix("/v1/servicios"))
    assert (read.status_code, read.json()) == (200, created)
    assert read.headers["etag"] == answer.headers["etag"] == '"v1"'
    return created


async def the(api: httpx.AsyncClient, path: str) -> dict[str, Any]:
    """Return the one item of a list."""
    (found,) = (await api.get(path)).json()["data"]
    return found


def places(answer: httpx.Response, status: int = 422) -> list[tuple[str, str]]:
    """Return where a refusal points and which rules it names."""
    assert answer.status_code == status, answer.text
    return [(error["pointer"], error["code"]) for error in answer.json()["errors"]]


def versions(superuser: psycopg.Connection, tenant_id: str) -> dict[str, int]:
    """Return how often the availability of each resource of a firm has changed."""
    rows = superuser.execute(
        "select resource_id, version from availability_versions where tenant_id = %s", [tenant_id]
    )
    return dict(rows.fetchall())


def setup_rows(superuser: psycopg.Connection) -> dict[str, int]:
    """Count the rows of every table of the setup."""
    tables = (
        "booking_services", "booking_service_hosts", "booking_service_rooms", "rooms", "schedules",
        "schedule_overrides", "time_off", "holiday_calendars", "holidays",
    )  # fmt: skip
    row = superuser.execute(
        "select " + ", ".join(f"(select count(*) from {table})" for table in tables)
    ).fetchone()
    assert row is not None
    return dict(zip(tables, row, strict=True))
