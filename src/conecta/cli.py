"""The `conecta` command: serves, works, migrates, and gives out credentials. Imports late, to start fast."""

import asyncio
import gc
import json
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from conecta.kit.crypto import KeyRing
    from conecta.kit.db import Database
    from conecta.settings import Settings

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
tenants_app = typer.Typer(no_args_is_help=True, help="Firms.")
keys_app = typer.Typer(no_args_is_help=True, help="API keys.")
webhooks_app = typer.Typer(no_args_is_help=True, help="Webhooks.")
oauth_app = typer.Typer(no_args_is_help=True, help="OAuth2 server.")
app.add_typer(tenants_app, name="tenants")
app.add_typer(webhooks_app, name="webhooks")
app.add_typer(keys_app, name="keys")
app.add_typer(oauth_app, name="oauth")

DataDir = Annotated[Path | None, typer.Option(help="Data folder (CONECTA_DATA_DIR).")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def main() -> None:
    """Run the command; whatever an operator can mend is one line, without a traceback."""
    from conecta.kit.embedded_postgres import EmbeddedPostgresError
    from conecta.kit.migrate import DatabaseUnusable

    try:
        app()
    except (EmbeddedPostgresError, DatabaseUnusable, OSError) as error:
        fail(str(error))


def fail(sentence: str) -> NoReturn:
    """Say in one line what is wrong and leave with status 1."""
    print(f"conecta: {sentence}", file=sys.stderr)
    raise SystemExit(1)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8000,
    data_dir: DataDir = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Server processes.")] = 1,
    demo: Annotated[
        bool, typer.Option("--demo", help="Make the demo firm and print its credentials.")
    ] = False,
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="Do not deliver webhooks or send mail here.")
    ] = False,
) -> None:
    """Migrate and serve the API; with one server process, deliver webhooks too."""
    # What is imported stays for good: looking for garbage in it would take a tenth of the start.
    gc.disable()
    from conecta import server

    gc.enable()
    options = server.Options(host=host, port=port, workers=workers, demo=demo, worker=not no_worker)
    server.serve(_settings(data_dir, demo=demo), options)


@app.command()
def worker(data_dir: DataDir = None) -> None:
    """Deliver webhooks, send mail and keep house, apart from any server; several may run."""
    from conecta import server

    server.work(_settings(data_dir))


@app.command()
def migrate(data_dir: DataDir = None) -> None:
    """Bring the database to the newest version."""
    from conecta.installation import open_database

    with open_database(_settings(data_dir)):
        print("The database is at the newest version.")


@app.command()
def doctor(data_dir: DataDir = None) -> None:
    """Check the installation and say what is wrong with it."""
    from conecta.doctor import examine

    findings = examine(_settings(data_dir))
    for finding in findings:
        print(finding)
    raise SystemExit(1 if any(finding.broken for finding in findings) else 0)


@app.command()
def openapi() -> None:
    """Print the OpenAPI 3.1 document."""
    from conecta.openapi import document_without_database

    print(json.dumps(document_without_database(), ensure_ascii=False, indent=2))


@app.command()
def demo(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Make the demo firm if it is missing and print fresh credentials."""
    from conecta.demo import credentials
    from conecta.installation import address_of_running_server
    from conecta.server import describe_demo

    settings = _settings(data_dir)
    base_url = address_of_running_server(settings)
    found = _with_database(settings, lambda db, keys: credentials(db, keys, base_url=base_url))
    print(json.dumps(found, ensure_ascii=False) if as_json else describe_demo(found))


@app.command()
def mailbox(
    to: Annotated[str | None, typer.Option(help="Only mail to this address.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 20,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Show captured mail: without a mail server, all of it; invitations, resets, links."""

    async def read(database: "Database", keyring: "KeyRing") -> dict[str, Any]:
        from conecta.messages import service as messages

        return {"messages": await messages.mailbox(database, keyring, to=to, limit=limit)}

    found = _with_database(_settings(data_dir), read)
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
        return
    for mail in found["messages"]:
        subject = mail["subject"] or "SMS"
        print(f"{mail['created_at']}  {mail['to']}  {subject}\n\n{mail['text']}\n{'-' * 72}")


@tenants_app.command("create")
def create_tenant(
    name: Annotated[str, typer.Option(help="Name of the firm.")],
    plan: Annotated[str, typer.Option(help="free, professional or enterprise.")] = "free",
    owner_email: Annotated[str, typer.Option(help="E-mail address of its owner.")] = "",
    trial_days: Annotated[int | None, typer.Option(min=1, help="Days until it falls back to free.")] = None,
    per_minute: Annotated[int | None, typer.Option(min=1, help="Instead of the plan's limit.")] = None,
    per_day: Annotated[int | None, typer.Option(min=1, help="Instead of the plan's limit.")] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Create a firm with its sandbox and a live key of every scope."""
    if plan not in {"free", "professional", "enterprise"}:
        fail(f"There is no plan {plan!r}; choose free, professional or enterprise.")

    async def create(database: "Database", keyring: "KeyRing") -> dict[str, Any]:
        from conecta.api_keys import service as api_keys
        from conecta.api_keys.schemas import ApiKeyCreate
        from conecta.auth.scopes import Scope
        from conecta.kit import clock
        from conecta.kit.ids import new_id
        from conecta.tenants import service as tenants

        until = clock.real_now() + timedelta(days=trial_days) if trial_days else None
        async with database.transaction(system=True) as session:
            firm = await tenants.create_firm(
                session,
                name=name,
                plan=plan,
                owner_name=name,
                owner_email=owner_email or f"{new_id('owner')}@localhost",
                trial_until=until,
                per_minute=per_minute,
                per_day=per_day,
            )
            wanted = ApiKeyCreate(name="CLI", scopes=list(Scope))
            key = await api_keys.add_key(
                session, keyring, tenant_id=firm.tenant_id, mode="live", wanted=wanted
            )
        return {"tenant_id": firm.tenant_id, "api_key": key.secret}

    _show(_with_database(_settings(data_dir), create), as_json)


@keys_app.command("create")
def create_key(
    tenant: Annotated[str, typer.Option(help="Id of the firm or of its sandbox.")],
    scopes: Annotated[str, typer.Option(help='Scopes, separated by blanks: "read:cases write:cases".')],
    name: Annotated[str, typer.Option(help="What it is for.")] = "CLI",
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Create an API key and print it, this once."""
    from conecta.auth.scopes import Scope

    unknown = [scope for scope in scopes.split() if scope not in set(Scope)]
    if unknown or not scopes.split():
        fail(f"Unknown scopes: {' '.join(unknown) or '(none given)'}. There are: {' '.join(Scope)}.")

    async def create(database: "Database", keyring: "KeyRing") -> dict[str, Any]:
        from conecta.api_keys import service as api_keys
        from conecta.api_keys.schemas import ApiKeyCreate

        wanted = ApiKeyCreate(name=name, scopes=[Scope(scope) for scope in scopes.split()])
        async with database.transaction(system=True) as session:
            key = await api_keys.add_key_by_operator(session, keyring, tenant_id=tenant, wanted=wanted)
        if key is None:
            fail(f"There is no firm {tenant}.")
        return {"id": key.id, "tenant_id": tenant, "api_key": key.secret}

    _show(_with_database(_settings(data_dir), create), as_json)


@keys_app.command("revoke")
def revoke_key(
    key: Annotated[str, typer.Argument(help="The key's id (key_…) or the key itself.")],
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Stop an API key from working at once."""

    async def revoke(database: "Database", keyring: "KeyRing") -> dict[str, Any]:
        from conecta.api_keys import service as api_keys

        async with database.transaction(system=True) as session:
            found = await api_keys.revoke_by_operator(session, keyring, key=key)
        if found is None:
            fail("There is no such key.")
        return {"id": found, "status": "revoked"}

    _show(_with_database(_settings(data_dir), revoke), as_json)


@webhooks_app.command("replay")
def replay_webhooks(
    tenant: Annotated[str, typer.Option(help="Id of the firm or of its sandbox.")],
    endpoint: Annotated[str, typer.Option(help="Id of the endpoint (whk_…).")],
    since: Annotated[str, typer.Option(help="Events from this moment on: 2026-01-17T14:30:00Z.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Deliver again what failed or was parked since a moment: the same bytes, the same event ids."""
    from pydantic import ValidationError

    from conecta.webhooks.schemas import Recover

    try:
        wanted = Recover(since=since, dry_run=dry_run)  # type: ignore[arg-type]
    except ValidationError:
        fail(f"{since} is no moment with a zone, such as 2026-01-17T14:30:00Z.")

    async def replay(database: "Database", _keyring: "KeyRing") -> dict[str, Any]:
        from conecta.kit.errors import Problem
        from conecta.webhooks import service as webhooks

        try:
            async with database.transaction(tenant_id=tenant) as session:
                count = await webhooks.recover(session, tenant_id=tenant, endpoint_id=endpoint, wanted=wanted)
        except Problem as problem:
            fail(problem.sentence.en)
        return {"count": count, "dry_run": dry_run}

    _show(_with_database(_settings(data_dir), replay), as_json)


@oauth_app.command("rotate-keys")
def rotate_keys(
    leaked: Annotated[
        bool, typer.Option("--leaked", help="Drop all other keys at once: every token ends within a minute.")
    ] = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Make the next key that signs access tokens; it is published before it is used."""

    async def rotate(database: "Database", keyring: "KeyRing") -> dict[str, Any]:
        from conecta.oauth import service as oauth

        kid = await oauth.rotate_keys(database, keyring, drop_others=leaked)
        if kid is None:
            fail("A new key is published already and about to sign.")
        return {"kid": kid}

    _show(_with_database(_settings(data_dir), rotate), as_json)


@oauth_app.command("initial-access-token")
def initial_access_token(
    tenant: Annotated[str, typer.Option(help="Id of the firm, or of its sandbox, that will own the apps.")],
    uses: Annotated[int, typer.Option(min=1, max=1000, help="How many apps it may register.")] = 1,
    hours: Annotated[int, typer.Option(min=1, max=8760, help="How long it is valid.")] = 24,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Make a token with which apps register themselves (RFC 7591), and print it, this once."""

    async def make(database: "Database", keyring: "KeyRing") -> dict[str, Any]:
        from conecta.oauth import service as oauth

        async with database.transaction(system=True) as session:
            token = await oauth.make_initial_token(
                session, keyring, tenant_id=tenant, uses=uses, lifetime=timedelta(hours=hours)
            )
        if token is None:
            fail(f"There is no firm {tenant}.")
        return {"tenant_id": tenant, "initial_access_token": token, "uses": uses}

    _show(_with_database(_settings(data_dir), make), as_json)


def _settings(data_dir: Path | None, *, demo: bool = False) -> "Settings":
    from pydantic import ValidationError

    from conecta.settings import Settings

    changes: dict[str, Any] = {"data_dir": data_dir} if data_dir else {}
    if demo:
        changes["webhook_allow_private"] = True
    try:
        return Settings(**changes)
    except ValidationError as error:
        wrong = "; ".join(f"CONECTA_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        fail(f"A setting is not usable: {wrong}")


def _with_database(
    settings: "Settings", work: Callable[["Database", "KeyRing"], Awaitable[dict[str, Any]]]
) -> dict[str, Any]:
    from conecta.installation import keyring_of, open_database
    from conecta.kit.db import Database

    async def run(dsn: str) -> dict[str, Any]:
        database = Database(dsn, pool_size=2)
        await database.open()
        try:
            return await work(database, keyring_of(settings))
        finally:
            await database.close()

    with open_database(settings) as dsn:
        return asyncio.run(run(dsn))


def _show(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        print("\n".join(f"{name}: {value}" for name, value in found.items()))
