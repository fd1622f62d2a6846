"""One installation on one machine: its settings, its root secrets and its database, opened and closed.

The server, the worker and every command of the CLI start here.
"""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Foreign keys name tables by text: SQLAlchemy must know them all before the first write.
import conecta.models  # noqa: F401
from conecta.kit.crypto import KeyRing, root_secret
from conecta.kit.embedded_postgres import EmbeddedPostgres
from conecta.kit.migrate import migrate
from conecta.settings import Settings

_ADDRESS_FILE = "server.json"


@contextmanager
def open_database(settings: Settings) -> Iterator[str]:
    """Give the DSN of a migrated database: the external one, or our own Postgres, started if need be.

    Raises EmbeddedPostgresError and DatabaseUnusable, each one sentence for the operator.
    """
    if settings.database_url:
        migrate(settings.database_url)
        yield settings.database_url
        return
    with EmbeddedPostgres(settings.data_dir / "postgres") as postgres:
        migrate(postgres.dsn())
        yield postgres.dsn()


def keyring_of(settings: Settings) -> KeyRing:
    """Return the installation's root secrets: those of the settings, else the one in the data folder."""
    former = [secret.get_secret_value() for secret in settings.old_secret_keys]
    newest = settings.secret_key.get_secret_value() if settings.secret_key else root_secret(settings.data_dir)
    return KeyRing(newest, *former)


def announce(settings: Settings) -> Path:
    """Leave the server's address in the data folder, for commands that run beside it."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    path = settings.data_dir / _ADDRESS_FILE
    path.write_text(json.dumps({"base_url": settings.base_url, "pid": os.getpid()}))
    return path


def address_of_running_server(settings: Settings) -> str:
    """Return the address the running server left, else the one of the settings."""
    try:
        found = json.loads((settings.data_dir / _ADDRESS_FILE).read_text())
        os.kill(found["pid"], 0)
    except (OSError, ValueError, KeyError):
        return settings.base_url
    return str(found["base_url"])


def listen(host: str, port: int) -> socket.socket:
    """Take the port before anything else is started; raise OSError when it is busy."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken = socket.socket(family)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((host, port))
        taken.listen(2048)
    except OSError:
        taken.close()
        raise
    taken.set_inheritable(True)
    return taken
