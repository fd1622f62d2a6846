"""What tests of the management of webhooks stand on: endpoints made over HTTP, rows arranged by hand."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import httpx
import psycopg

from conecta.kit.ids import new_id

URL = "http://127.0.0.1:9/hook"
CHANNEL = "conecta_deliveries"


async def new_endpoint(api: httpx.AsyncClient, *events: str, **more: Any) -> dict[str, Any]:
    """Create an endpoint and return it, with its secret."""
    answer = await api.post("/webhooks", json={"url": URL, "events": list(events or ["*"]), **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


def add_event(
    superuser: psycopg.Connection,
    tenant_id: str,
    *,
    kind: str = "case.created",
    resource_id: str = "cas_x",
    created_at: datetime | None = None,
    data: Any = None,
) -> str:
    """Write an event by hand and return its id."""
    event_id, at = new_id("wh_evt"), created_at or datetime.now(UTC)
    body = {
        "id": event_id,
        "type": kind,
        "created": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "tenant_id": tenant_id,
        "data": data or {"n": 1},
    }
    superuser.execute(
        "insert into events (tenant_id, id, type, resource_id, payload, created_at)"
        " values (%s, %s, %s, %s, %s, %s)",
        [tenant_id, event_id, kind, resource_id, json.dumps(body), at],
    )
    return event_id


def add_delivery(
    superuser: psycopg.Connection,
    tenant_id: str,
    endpoint_id: str,
    status: str = "delivered",
    *,
    event_id: str | None = None,
    due_in: float = 0,
    attempts: int = 0,
    created_at: datetime | None = None,
    **event: Any,
) -> str:
    """Write a delivery, and its event unless there is one, by hand; return the delivery's id."""
    at = created_at or datetime.now(UTC)
    event_id = event_id or add_event(superuser, tenant_id, created_at=at, **event)
    delivery_id = f"dlv_{event_id[-26:]}_{endpoint_id[-26:]}"
    due_at = datetime.now(UTC) + timedelta(seconds=due_in) if status == "pending" else None
    superuser.execute(
        "insert into webhook_deliveries (tenant_id, id, endpoint_id, event_id, status, attempts, due_at,"
        " created_at) values (%s, %s, %s, %s, %s, %s, %s, %s)",
        [tenant_id, delivery_id, endpoint_id, event_id, status, attempts, due_at, at],
    )
    return delivery_id


def add_attempt(
    superuser: psycopg.Connection, tenant_id: str, delivery_id: str, number: int, **columns: Any
) -> None:
    """Write an attempt by hand."""
    row = {
        "tenant_id": tenant_id,
        "delivery_id": delivery_id,
        "number": number,
        "at": datetime(2026, 11, 1, tzinfo=UTC) + timedelta(minutes=number),
        "duration_ms": 12,
        "status_code": 500,
        "error": None,
        "response_excerpt": None,
        **columns,
    }
    places = ", ".join(["%s"] * len(row))
    superuser.execute(
        f"insert into webhook_attempts ({', '.join(row)}) values ({places})", list(row.values())
    )


def states(superuser: psycopg.Connection, endpoint_id: str) -> dict[str, str]:
    """Return the status of every delivery of an endpoint."""
    rows = superuser.execute(
        "select id, status from webhook_deliveries where endpoint_id = %s", [endpoint_id]
    )
    return dict(rows.fetchall())


def everything(superuser: psycopg.Connection) -> dict[str, list[Any]]:
    """Return every row of events and webhooks, to say afterwards that nothing changed."""
    tables = ("events", "webhook_endpoints", "webhook_deliveries", "webhook_attempts", "webhook_notices")
    return {name: superuser.execute(f"select t::text from {name} t order by 1").fetchall() for name in tables}


class Wakes:
    """Counts the calls that wake the dispatcher."""

    def __init__(self, dsn: str) -> None:
        self._connection = psycopg.connect(dsn, autocommit=True)
        self._connection.execute(f"listen {CHANNEL}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def count(self) -> int:
        """Return how many calls have come since the last count.

        Postgres hands a call over with the commit, so one that was sent is there after one more query.
        """
        self._connection.execute("select 1")
        return len(list(self._connection.notifies(timeout=0)))


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    """Wait until something is so; fail after the deadline."""
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.01)
