"""Real Postgres, the real application, real keys over HTTP: what every test stands on.

One server for the whole run, one database a worker (cloned once from a migrated template), emptied
between tests. Nothing here replaces a part of the product.
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import hypothesis
import psycopg
import pytest
from fastapi import FastAPI

from conecta.app import create_app
from conecta.kit import logs
from conecta.kit.db import Database
from conecta.kit.embedded_postgres import EmbeddedPostgres
from conecta.kit.migrate import SCRIPTS, migrate
from conecta.settings import Settings
from tests.firms import Firm, make_firm

# A property is true or false, however busy the machine is.
hypothesis.settings.register_profile(
    "conecta", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("conecta")


@pytest.fixture(scope="session")
def run_folder() -> Iterator[Path]:
    """A folder that all workers of the run share.

    It is not pytest's own, whose parents another run starting at the same moment closes to the account
    that Postgres runs under.
    """
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    folder = Path(tempfile.gettempdir()) / f"conecta-tests-{run[:12]}"
    folder.mkdir(mode=0o755, exist_ok=True)
    yield folder
    if not any((folder / "postgres").rglob("postmaster.pid")):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(run_folder: Path) -> Iterator[EmbeddedPostgres]:
    """One Postgres for all workers of the run; the last to leave stops it."""
    settings = {
        "fsync": "off",
        "full_page_writes": "off",
        "log_line_prefix": "%m [%p] %d ",  # whose statements they are: all workers' are in one log
    }
    server = EmbeddedPostgres(run_folder / "postgres", settings=settings)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def template(postgres: EmbeddedPostgres, run_folder: Path) -> str:
    """The name of a migrated database, made once a run."""
    name = "template_" + _fingerprint(SCRIPTS)
    with (run_folder / "template.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with psycopg.connect(postgres.dsn("postgres"), autocommit=True) as connection:
            exists = connection.execute("select from pg_database where datname = %s", [name]).fetchone()
            if exists is None:
                connection.execute(f'create database "{name}_new"')
                migrate(postgres.dsn(f"{name}_new"))
                connection.execute(f'alter database "{name}_new" rename to "{name}"')
    return name


@pytest.fixture(scope="session")
def dsn(postgres: EmbeddedPostgres, template: str, run_folder: Path) -> str:
    """This worker's database."""
    name = f"test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    with (
        (run_folder / "template.lock").open("a") as lock,
        psycopg.connect(postgres.dsn("postgres"), autocommit=True) as connection,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)
        connection.execute(f'create database "{name}" template "{template}"')
    return postgres.dsn(name)


@pytest.fixture(scope="session")
def superuser(dsn: str) -> Iterator[psycopg.Connection]:
    """A connection that row-level security does not bind: for looking and arranging, never for calling."""
    # It shares the event loop's thread: a lock that a broken test left would block both for ever.
    with psycopg.connect(dsn, autocommit=True, options="-c lock_timeout=20s") as connection:
        yield connection


@pytest.fixture(scope="session")
def settings(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The settings of the application under test."""
    return Settings(
        _env_file=None,
        data_dir=tmp_path_factory.mktemp("data"),
        database_url=dsn,
        base_url="http://testserver",
        webhook_allow_private=True,
        database_pool=5,
        oauth_grant_seconds=0,  # a revocation is seen at once; tests/oauth tries what is kept for longer
        log_level="ERROR",
    )


@pytest.fixture(scope="session")
async def app(settings: Settings, dsn: str) -> AsyncIterator[FastAPI]:
    """The running application, without its background worker."""
    logs.configure(fmt="console", level="ERROR")
    app = create_app(settings, dsn=dsn)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture(scope="session")
def database(app: FastAPI) -> Database:
    """The application's database."""
    return app.state.database


# Making a signing key takes as long as a test; the application keeps the one it made first.
_KEPT = ("plans", "alembic_version", "oauth_signing_keys")


@pytest.fixture(autouse=True)
def _empty_database(request: pytest.FixtureRequest) -> Iterator[None]:
    """Delete every row after a test that used the database."""
    if "dsn" not in request.fixturenames:
        yield
        return
    connection: psycopg.Connection = request.getfixturevalue("emptying")
    yield
    connection.execute("select pg_temp.empty_all_tables()")


@pytest.fixture(scope="session")
def emptying(superuser: psycopg.Connection) -> psycopg.Connection:
    """The connection whose function deletes every row: planned once, it costs a test next to nothing."""
    tables = superuser.execute(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
        " and relname <> all(%s)",
        [list(_KEPT)],
    ).fetchall()
    statements = " ".join(f'delete from "{name}";' for (name,) in tables)
    superuser.execute(f"""
        create function pg_temp.empty_all_tables() returns void language plpgsql
        set session_replication_role = replica as $$ begin {statements} end $$
    """)
    return superuser


@asynccontextmanager
async def http_client(app: FastAPI, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client that speaks to the application in process, through all of its middleware."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://testserver", headers=headers
    ) as client:
        yield client


@pytest.fixture
async def anonymous(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A caller without a credential."""
    async with http_client(app) as client:
        yield client


@pytest.fixture
async def firm(app: FastAPI) -> Firm:
    """A firm on the Enterprise plan, with keys."""
    return await make_firm(app)


@pytest.fixture
async def other_firm(app: FastAPI) -> Firm:
    """Another firm, which must never see anything of the first."""
    return await make_firm(app, name="Otra Firma")


@pytest.fixture
async def api(app: FastAPI, firm: Firm) -> AsyncIterator[httpx.AsyncClient]:
    """A caller with a live key of `firm` that has every scope; paths are those under /v1/servicios."""
    async with firm.client(app) as client:
        yield client


def _fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line what was left out, and why."""
    reasons = {
        report.longrepr[2].removeprefix("Skipped: ") for report in terminalreporter.getreports("skipped")
    }
    if reasons:
        terminalreporter.write_line(f"Left out on this machine: {'; '.join(sorted(reasons))}.", yellow=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where everything can be installed (CONECTA_TESTS_NO_SKIP), leaving a test out is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CONECTA_TESTS_NO_SKIP") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
