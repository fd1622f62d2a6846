"""Brings a database to the newest version: one migrator at a time, and none waits long for a lock."""

import re
from pathlib import Path

import psycopg

from .db import APP_ROLE, SYSTEM_ROLE

SCRIPTS = Path(__file__).parents[3] / "migrations"
OLDEST_SERVER = 16
_REVISION = re.compile(r'^revision = "(.+)"$', re.MULTILINE)
_DOWN_REVISION = re.compile(r'^down_revision = "(.+)"$', re.MULTILINE)
_LOCK = 0x636F6E6563746131  # "conecta1": one migrator at a time in a database

# Roles belong to the whole server, so a second database finds them there already. A role's creator may
# not SET it on a managed server until it is granted to them.
ROLES = f"""
do $$
declare r text;
begin
  foreach r in array array['{APP_ROLE}', '{SYSTEM_ROLE}'] loop
    begin
      if not exists (select from pg_roles where rolname = r) then
        execute format('create role %I nologin nobypassrls', r);
      end if;
    exception when duplicate_object or unique_violation then null;
    end;
    if not pg_has_role(current_user, r, 'set') then
      execute format('grant %I to current_user', r);
    end if;
  end loop;
end $$
"""


class DatabaseUnusable(Exception):
    """One sentence for the operator: the database is down, too old, or not ours."""


def migrate(dsn: str) -> None:
    """Upgrade the database at `dsn` to the newest migration.

    Raises DatabaseUnusable when the server does not answer or is older than Postgres 16.
    """
    check_server(dsn)
    with psycopg.connect(dsn, autocommit=True) as guard:
        guard.execute("select pg_advisory_lock(%s)", [_LOCK])
        guard.execute(ROLES)
        if _version(guard) != newest():
            _upgrade(dsn)
            guard.execute(f"grant select on alembic_version to {SYSTEM_ROLE}")


def newest() -> str:
    """Return the newest migration, read from the files: importing Alembic takes half a second."""
    texts = [path.read_text(encoding="utf-8") for path in (SCRIPTS / "versions").glob("*.py")]
    names = {match[1] for text in texts if (match := _REVISION.search(text))}
    earlier = {match[1] for text in texts if (match := _DOWN_REVISION.search(text))}
    (head,) = names - earlier
    return head


def _version(connection: psycopg.Connection) -> str | None:
    found = connection.execute("select to_regclass('public.alembic_version') is not null").fetchone()
    if not found or not found[0]:
        return None
    version = connection.execute("select version_num from public.alembic_version").fetchone()
    return str(version[0]) if version else None


def _upgrade(dsn: str) -> None:
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    engine = create_engine(dsn.replace("postgres://", "postgresql://", 1))
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("set lock_timeout = '5s'")
            connection.commit()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
    finally:
        engine.dispose()


def check_server(dsn: str) -> int:
    """Return the server's version number (180004, say); raise DatabaseUnusable when it is no use."""
    try:
        with psycopg.connect(dsn, connect_timeout=10) as connection:
            version = connection.info.server_version
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DatabaseUnusable(f"The database does not answer: {reason}") from None
    if version < OLDEST_SERVER * 10_000:
        raise DatabaseUnusable(
            f"The database server is Postgres {version // 10_000}; Conecta needs {OLDEST_SERVER} or newer."
        )
    return version
