"""What tests of the dispatcher stand on: a running worker, endpoints, events, and what was recorded."""

import asyncio
import contextlib
import hashlib
import hmac
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
from fastapi import FastAPI
from standardwebhooks import Webhook, WebhookVerificationError

from conecta.cases.events import CREATED
from conecta.events import service as events
from conecta.settings import Settings
from conecta.worker import Worker

from .receiver import Hit

# Short enough that a test of retries takes seconds.
QUICK = (0.05, 0.05)


@dataclass(frozen=True)
class Endpoint:
    """An endpoint as its owner knows it."""

    id: str
    secret: str
    url: str


def worker_of(app: FastAPI, **changes: Any) -> Worker:
    """Make a worker of the application under test, with changed settings."""
    state = app.state
    settings: Settings = state.settings
    changed = settings.model_copy(update={"webhook_retry_seconds": list(QUICK), **changes})
    return Worker(changed, state.database.dsn, state.keyring)


@contextlib.asynccontextmanager
async def working(app: FastAPI, **changes: Any) -> AsyncIterator[Worker]:
    """Run a worker."""
    worker = worker_of(app, **changes)
    await worker.start()
    try:
        yield worker
    finally:
        await worker.stop()


async def new_endpoint(api: httpx.AsyncClient, url: str, patterns: Sequence[str] = ("*",)) -> Endpoint:
    """Create an endpoint over the API."""
    answer = await api.post("/webhooks", json={"url": url, "events": list(patterns)})
    assert answer.status_code == 201, answer.text
    body = answer.json()
    return Endpoint(body["id"], body["secret"], url)


async def emit(app: FastAPI, tenant_id: str, count: int = 1) -> list[str]:
    """Let so many cases be created as far as webhooks know; return the ids of the events."""
    async with app.state.database.transaction(tenant_id=tenant_id) as session:
        return [
            await events.emit(
                session, CREATED, tenant_id=tenant_id, resource_id=f"cas_{number}", data=CREATED.example
            )
            for number in range(count)
        ]


async def until(true: Callable[[], object], seconds: float = 20) -> None:
    """Wait until a condition that asks the database holds."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "Not in time."
        await asyncio.sleep(0.02)


def statuses(superuser: psycopg.Connection, endpoint: Endpoint) -> dict[str, int]:
    """Count an endpoint's deliveries by status."""
    rows = superuser.execute(
        "select status, count(*) from webhook_deliveries where endpoint_id = %s group by 1", [endpoint.id]
    )
    return dict(rows.fetchall())


def attempts(superuser: psycopg.Connection, endpoint: Endpoint) -> list[tuple[Any, ...]]:
    """Return number, status code, error and excerpt of every attempt, in order."""
    return superuser.execute(
        "select a.number, a.status_code, a.error, a.response_excerpt from webhook_attempts a"
        " join webhook_deliveries d on d.tenant_id = a.tenant_id and d.id = a.delivery_id"
        " where d.endpoint_id = %s order by a.at, a.number",
        [endpoint.id],
    ).fetchall()


def condition(superuser: psycopg.Connection, endpoint: Endpoint) -> tuple[Any, ...]:
    """Return status, reason, health and failures of an endpoint."""
    row = superuser.execute(
        "select status, disabled_reason, health, failures from webhook_endpoints where id = %s", [endpoint.id]
    ).fetchone()
    assert row is not None
    return row


def notices(superuser: psycopg.Connection, endpoint: Endpoint) -> list[tuple[str, str]]:
    """Return the health and the sentence of every notice, in order."""
    return superuser.execute(
        "select health, detail from webhook_notices where endpoint_id = %s order by id", [endpoint.id]
    ).fetchall()


def github_accepts(secret: str, hit: Hit) -> bool:
    """Verify as GitHub's documentation does, over the raw bytes."""
    expected = (
        "sha256=" + hmac.new(secret.encode("utf-8"), msg=hit.body, digestmod=hashlib.sha256).hexdigest()
    )
    return hmac.compare_digest(expected, hit.headers["X-Webhook-Signature"])


def standard_accepts(secret: str, hit: Hit) -> bool:
    """Verify with the public Standard Webhooks library."""
    try:
        Webhook(secret).verify(hit.body, {name.lower(): value for name, value in hit.headers.items()})
    except WebhookVerificationError:
        return False
    return True
