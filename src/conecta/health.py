"""`/healthz` (the process lives), `/readyz` (it can answer), `/metrics` (Prometheus)."""

import os

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.responses import JSONResponse, Response

router = APIRouter(include_in_schema=False)

_READY = "select version_num from alembic_version"


@router.get("/healthz")
async def healthz() -> JSONResponse:
    """Answer that the process lives, whatever the database does."""
    return JSONResponse({"status": "ok"})


@router.get("/readyz")
async def readyz(request: Request) -> JSONResponse:
    """Answer 200 when the database answers and is migrated, else 503."""
    try:
        await request.app.state.database.read(_READY, {}, system=True)
    except Exception:  # noqa: BLE001 - whatever keeps it from answering, it is not ready
        return JSONResponse({"status": "unavailable"}, 503)
    return JSONResponse({"status": "ready"})


@router.get("/metrics")
async def metrics() -> Response:
    """Write the metrics of this process, or of all server processes when there are several."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
