"""Runs the server and the worker as processes: port, database, demo, signals."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from conecta import demo, installation
from conecta.app import create_app
from conecta.kit import logs
from conecta.kit.db import Database
from conecta.settings import Settings

_DSN = "CONECTA_INTERNAL_DSN"


@dataclass(frozen=True)
class Options:
    """What the command line decides about a server."""

    host: str
    port: int
    workers: int
    demo: bool
    worker: bool


class PortBusy(OSError):
    """Somebody else listens there."""


def serve(settings: Settings, options: Options) -> None:
    """Serve until SIGINT or SIGTERM, then stop everything that was started here."""
    logs.configure(fmt=settings.log_format, level=settings.log_level)
    try:
        socket = installation.listen(options.host, options.port)
    except OSError as error:
        raise PortBusy(f"Cannot listen on {options.host}:{options.port}: {error.strerror}.") from None
    settings = _with_address(settings, options.host, socket.getsockname()[1])
    # With one process uvicorn raises the signal again after its shutdown; leaving by SystemExit lets
    # the embedded Postgres be stopped by its context manager.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with contextlib.suppress(KeyboardInterrupt), installation.open_database(settings) as dsn:
        if options.demo:
            print(describe_demo(asyncio.run(_demo(settings, dsn))), flush=True)
        address = installation.announce(settings)
        try:
            _run(settings, options, dsn, socket)
        finally:
            address.unlink(missing_ok=True)


def work(settings: Settings) -> None:
    """Run the background worker alone until SIGINT or SIGTERM."""
    import uvloop

    from conecta.worker import Worker

    logs.configure(fmt=settings.log_format, level=settings.log_level)

    async def run(dsn: str) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        worker = Worker(settings, dsn, installation.keyring_of(settings))
        await worker.start()
        await stop.wait()
        await worker.stop()

    with (
        installation.open_database(settings) as dsn,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(run(dsn))


def app_from_environment() -> FastAPI:
    """Build the application of one of several server processes; `serve` has set the environment."""
    settings = Settings()
    logs.configure(fmt=settings.log_format, level=settings.log_level)
    return create_app(settings, dsn=os.environ[_DSN])


def describe_demo(found: dict[str, Any]) -> str:
    """Write the demo's credentials for people, with a request to paste."""
    request = {"client_id": found["client_id"], "category": "civil", "title": "Reclamación de cantidad"}
    body = json.dumps(request, ensure_ascii=False)
    return f"""
  Conecta is at      {found["base_url"]}      reference: {found["base_url"]}/docs
  Firm               {found["tenant_id"]}
  API key            {found["api_key"]}
  Sandbox key        {found["sandbox"]["api_key"]}
  Panel              {found["base_url"]}/panel
    e-mail           {found["user"]["email"]}
    password         {found["user"]["password"]}

  Try it:

  curl -s {found["base_url"]}/v1/servicios/cases \\
    -H 'Authorization: Bearer {found["api_key"]}' \\
    -H 'Content-Type: application/json' \\
    -d '{body}'
"""


def _run(settings: Settings, options: Options, dsn: str, socket: Any) -> None:
    common: dict[str, Any] = {
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "loop": "uvloop",
        "http": "httptools",
        "forwarded_allow_ips": settings.trusted_proxies,
        "timeout_graceful_shutdown": settings.shutdown_seconds,
    }
    if options.workers == 1:
        app = create_app(settings, dsn=dsn, with_worker=options.worker)
        uvicorn.Server(uvicorn.Config(app, **common)).run(sockets=[socket])
        return
    if options.worker:
        warning = "NONE of them delivers webhooks or sends mail: start `conecta worker` beside them."
        print(f"{options.workers} server processes run. {warning}", file=sys.stderr, flush=True)
    with _environment_of_children(settings, dsn):
        config = uvicorn.Config(
            "conecta.server:app_from_environment", factory=True, workers=options.workers, **common
        )
        Multiprocess(config, sockets=[socket]).run()


@contextlib.contextmanager
def _environment_of_children(settings: Settings, dsn: str) -> Iterator[None]:
    # Spawned processes read their settings anew; what the command line changed must reach them.
    os.environ["CONECTA_DATA_DIR"] = str(settings.data_dir)
    os.environ["CONECTA_BASE_URL"] = settings.base_url
    os.environ["CONECTA_WEBHOOK_ALLOW_PRIVATE"] = str(settings.webhook_allow_private)
    os.environ[_DSN] = dsn
    with tempfile.TemporaryDirectory(prefix="conecta-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        yield


def _with_address(settings: Settings, host: str, port: int) -> Settings:
    if "base_url" in settings.model_fields_set:
        return settings
    named = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - compared, not bound
    shown = f"[{named}]" if ":" in named else named
    return settings.model_copy(update={"base_url": f"http://{shown}:{port}"})


async def _demo(settings: Settings, dsn: str) -> dict[str, Any]:
    database = Database(dsn, pool_size=2)
    await database.open()
    try:
        return await demo.credentials(database, installation.keyring_of(settings), base_url=settings.base_url)
    finally:
        await database.close()
