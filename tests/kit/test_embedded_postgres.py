"""Real servers, real processes, real kills: what the keeper of the embedded Postgres promises."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from conecta.kit.embedded_postgres import EmbeddedPostgres, EmbeddedPostgresError

FAST = {"fsync": "off"}
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")

# A program that holds the server until its standard input ends. It drops to another account only after
# importing, because that account need not be able to read the interpreter.
HOLDER = """
import os, sys
from pathlib import Path
from conecta.kit.embedded_postgres import EmbeddedPostgres, EmbeddedPostgresError

folder, uid = sys.argv[1:]
if uid:
    os.setgroups([])
    os.setgid(int(uid))
    os.setuid(int(uid))
server = EmbeddedPostgres(Path(folder), settings={"fsync": "off"})
try:
    print(server.start(), flush=True)
except EmbeddedPostgresError as error:
    sys.exit(str(error))
sys.stdin.read()
server.stop()
"""


class Holder:
    """Another process that uses the server."""

    def __init__(self, folder: Path, *, uid: int | None = None, through: tuple[str, ...] = ()) -> None:
        self.process = subprocess.Popen(
            [*through, sys.executable, "-c", HOLDER, str(folder), "" if uid is None else str(uid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def dsn(self) -> str:
        """Wait until it has started or attached."""
        line = self.process.stdout.readline().strip()
        assert line, self.process.communicate()[1]
        return line

    def leave(self) -> tuple[int, str]:
        """Let it stop its hold; return its exit code and what it told the operator."""
        _, told = self.process.communicate(timeout=60)
        return self.process.returncode, told

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=60)


@pytest.fixture
def base() -> Iterator[Path]:
    """A folder of our own: pytest closes its own ones to other accounts whenever a run begins."""
    base = Path(tempfile.mkdtemp(prefix="embedded-")).resolve()
    base.chmod(0o755)
    yield base
    try:
        wait_until(lambda: not servers(base) + sessions(base), seconds=5)
    finally:
        for process in servers(base) + sessions(base):
            process.kill()
        shutil.rmtree(base)


@pytest.fixture
def folder(base: Path) -> Path:
    return base / "postgres"


def servers(folder: Path) -> list[psutil.Process]:
    """The living servers whose data are under a folder."""
    found = []
    for process in psutil.process_iter(["name", "cmdline", "status"]):
        seen = process.info
        if seen["name"] == "postgres" and seen["status"] != psutil.STATUS_ZOMBIE:
            found += [process] if any(str(folder) in word for word in seen["cmdline"] or ()) else []
    return found


def sessions(folder: Path) -> list[psutil.Process]:
    """All processes of those servers, whose titles hold no path."""
    everyone = psutil.process_iter(["name", "cwd"])
    return [p for p in everyone if p.info["name"] == "postgres" and str(folder) in (p.info["cwd"] or "")]


def ask(dsn: str, sql: str) -> str:
    with psycopg.connect(dsn, autocommit=True) as connection:
        return connection.execute(sql).fetchone()[0]


def wait_until(condition: Callable[[], object], *, seconds: int = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def refusal(folder: Path) -> str:
    """Start what cannot start; return the sentence, which has one line and names the folder."""
    server = EmbeddedPostgres(folder, settings=FAST)
    with pytest.raises(EmbeddedPostgresError) as caught:
        server.start()
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert str(folder) in sentence
    assert servers(folder) == []
    assert server._users is None
    return sentence


def remember(server: EmbeddedPostgres) -> None:
    """Commit a row that `remembered` finds."""
    with psycopg.connect(server.dsn()) as connection:
        connection.execute("create table memory as select 'kept' as word")


def remembered(server: EmbeddedPostgres) -> bool:
    return ask(server.dsn(), "select word from memory") == "kept"


def kill_server(folder: Path) -> None:
    """Kill the postmaster, so that it cleans nothing up."""
    (process,) = servers(folder)
    process.kill()
    wait_until(lambda: not servers(folder))


def test_data_outlive_a_stop(folder: Path) -> None:
    with EmbeddedPostgres(folder, settings=FAST) as server:
        remember(server)
        assert len(servers(folder)) == 1
    assert servers(folder) == []
    with EmbeddedPostgres(folder, settings=FAST) as server:
        assert remembered(server)


def test_settings(folder: Path) -> None:
    with EmbeddedPostgres(folder, settings={"fsync": "off", "work_mem": "5MB"}) as server:
        shown = {
            name: ask(server.dsn(), f"show {name}")
            for name in ("listen_addresses", "max_connections", "timezone", "fsync", "work_mem")
        }
        collation = "select datlocprovider::text || datlocale from pg_database where datname = 'conecta'"
        assert ask(server.dsn(), collation) == "bC.UTF-8"
        assert ask(server.dsn(), "show server_encoding") == "UTF8"
        assert ask(server.dsn("postgres"), "select current_database()") == "postgres"
    assert shown == {
        "listen_addresses": "",
        "max_connections": "200",
        "timezone": "UTC",
        "fsync": "off",
        "work_mem": "5MB",
    }


@pytest.mark.parametrize(
    "name",
    ["año", "a space, a 'quote', \"another\", $HOME and `id` ñ", "/".join(["long" * 45] * 4)],
    ids=["letters", "marks", "long"],
)
def test_any_folder_will_do(base: Path, name: str) -> None:
    with EmbeddedPostgres(base / name, settings=FAST) as server:
        assert ask(server.dsn(), "select current_database()") == "conecta"
        sockets = Path(ask(server.dsn(), "show unix_socket_directories"))
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        assert (sockets.parent == base / name) == (name == "año")
    assert not sockets.exists()


def test_the_environment_neither_misleads_nor_leaks(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PGPORT": "6543", "PGDATA": "/nowhere", "CONECTA_SECRET_KEY": "hush"}.items():
        monkeypatch.setenv(name, value)
    with EmbeddedPostgres(folder, settings=FAST) as server:
        assert ask(server.dsn(), "select 1") == 1
        (process,) = servers(folder)
        assert "CONECTA_SECRET_KEY" not in process.environ()


def test_eight_start_at_once_and_the_last_to_leave_stops(folder: Path) -> None:
    holders = [Holder(folder) for _ in range(8)]
    for dsn in {holder.dsn() for holder in holders}:
        assert ask(dsn, "select 1") == 1
        assert ask(dsn, "select count(*) from pg_database where datname = 'conecta'") == 1
    assert len(servers(folder)) == 1
    assert [holder.leave()[0] for holder in holders[:7]] == [0] * 7
    assert len(servers(folder)) == 1
    assert holders[7].leave()[0] == 0
    assert servers(folder) == []


def test_the_server_survives_the_one_who_started_it(folder: Path) -> None:
    first = Holder(folder)
    dsn = first.dsn()
    (before,) = servers(folder)
    with EmbeddedPostgres(folder) as second, EmbeddedPostgres(folder) as third:
        assert first.leave() == (0, "")
        third.stop()
        third.stop()
        assert servers(folder) == [before]
        assert second.dsn("postgres") == dsn
        assert ask(dsn, "select 1") == 1
    assert servers(folder) == []


def test_after_a_killed_parent_the_next_user_attaches_and_stops(folder: Path) -> None:
    holder = Holder(folder)
    holder.dsn()
    before = servers(folder)
    holder.kill()
    with EmbeddedPostgres(folder) as server:
        assert servers(folder) == before
        assert ask(server.dsn(), "select 1") == 1
    assert servers(folder) == []


def test_a_stale_pid_of_a_stranger_harms_neither(folder: Path) -> None:
    first = EmbeddedPostgres(folder, settings=FAST)
    first.start()
    remember(first)
    owner = (folder / "data").stat().st_uid
    kill_server(folder)
    # Postgres believes a pid only if it could signal it, so the stranger has its account.
    stranger = subprocess.Popen(["sleep", "300"], user=owner if os.geteuid() == 0 else None)
    try:
        for path in (folder / "data" / "postmaster.pid", folder / "s" / ".s.PGSQL.5432.lock"):
            path.write_text("\n".join([str(stranger.pid), *path.read_text().split("\n")[1:]]))
        with EmbeddedPostgres(folder, settings=FAST) as server:
            assert remembered(server)
            assert stranger.poll() is None
            first.stop()
            assert remembered(server)
        assert stranger.poll() is None
        assert servers(folder) == []
    finally:
        stranger.kill()
        stranger.wait()


def test_a_copy_of_a_running_server_is_not_mistaken_for_it(base: Path) -> None:
    with EmbeddedPostgres(base / "one", settings=FAST):
        pass
    subprocess.run(["cp", "-a", base / "one", base / "two"], check=True)
    with EmbeddedPostgres(base / "one", settings=FAST):
        shutil.copy(base / "one" / "data" / "postmaster.pid", base / "two" / "data")
        with EmbeddedPostgres(base / "two", settings=FAST) as copy:
            assert ask(copy.dsn(), "show data_directory") == str(base / "two" / "data")
        assert len(servers(base)) == 1


def test_one_who_holds_a_dead_server_can_start_it_again(folder: Path) -> None:
    with EmbeddedPostgres(folder, settings=FAST) as server:
        remember(server)
        kill_server(folder)
        server.start()
        assert remembered(server)


def test_stopping_a_dead_server_is_quiet(folder: Path) -> None:
    with EmbeddedPostgres(folder, settings=FAST):
        kill_server(folder)


def test_sessions_of_a_killed_server_are_waited_for(folder: Path) -> None:
    started = EmbeddedPostgres(folder, settings=FAST)
    started.start()
    remember(started)
    with psycopg.connect(started.dsn()) as connection:
        session = psutil.Process(connection.info.backend_pid)
        restart = threading.Thread(target=started.start)
        session.suspend()  # else it would end as soon as it finds the server dead
        try:
            kill_server(folder)
            restart.start()
            log = folder / "postgres.log"
            wait_until(lambda: "pre-existing shared memory block" in log.read_text())
            assert restart.is_alive()
        finally:
            session.resume()
        restart.join(timeout=60)
        connection.close()
    assert remembered(started)
    started.stop()


def test_a_server_that_is_shutting_down_is_waited_for(folder: Path) -> None:
    first, second = EmbeddedPostgres(folder, settings=FAST), EmbeddedPostgres(folder, settings=FAST)
    first.start()
    remember(first)
    (before,) = servers(folder)
    (checkpointer,) = (child for child in before.children() if "checkpointer" in child.cmdline()[0])
    start = threading.Thread(target=second.start)
    checkpointer.suspend()  # so that the end of the server takes as long as we like
    try:
        before.send_signal(signal.SIGINT)
        wait_until(lambda: "fast shutdown request" in (folder / "postgres.log").read_text())
        start.start()
        start.join(timeout=0.5)
        assert start.is_alive()
    finally:
        checkpointer.resume()
    start.join(timeout=60)
    assert "pre-existing" not in (folder / "postgres.log").read_text(), "it was not waited for"
    first.stop()
    assert servers(folder) != [before]
    assert remembered(second)
    second.stop()


def test_what_a_killed_initdb_left_is_made_again(folder: Path) -> None:
    (folder / "data.new" / "base").mkdir(parents=True)
    (folder / "data.new" / "PG_VERSION").write_text("18\n")
    with EmbeddedPostgres(folder, settings=FAST) as server:
        assert ask(server.dsn(), "select 1") == 1


def test_data_of_another_major_version_are_refused(folder: Path) -> None:
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "PG_VERSION").write_text("17\n")
    assert "is of Postgres 17, not 18: dump it" in refusal(folder)
    assert [path.name for path in (folder / "data").iterdir()] == ["PG_VERSION"]


def test_a_folder_of_something_else_is_refused(folder: Path) -> None:
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "letter.txt").write_text("Dear")
    assert "move it away" in refusal(folder)
    assert (folder / "data" / "letter.txt").read_text() == "Dear"


def test_corrupt_data_are_refused_with_the_end_of_the_log(folder: Path) -> None:
    with EmbeddedPostgres(folder, settings=FAST):
        pass
    with (folder / "data" / "global" / "pg_control").open("r+b") as control:
        control.truncate(100)
    sentence = refusal(folder)
    assert "did not start" in sentence
    assert ': PANIC:  could not read file "global/pg_control"' in sentence
    assert str(folder / "postgres.log") in sentence


def test_a_socket_folder_that_others_can_enter_is_refused(folder: Path) -> None:
    (folder / "s").mkdir(parents=True)
    (folder / "s").chmod(0o777)
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        os.chown(folder / "s", nobody.pw_uid, nobody.pw_gid)
    assert "not a private folder" in refusal(folder)
    (folder / "s").chmod(0o700)
    with EmbeddedPostgres(folder, settings=FAST) as server:
        assert ask(server.dsn(), "select 1") == 1


def test_an_installation_without_the_binaries_is_told_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(EmbeddedPostgresError, match="CONECTA_DATABASE_URL"):
        EmbeddedPostgres(folder).start()


def test_there_is_no_address_before_the_start(folder: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match="not started"):
        EmbeddedPostgres(folder).dsn()


@AS_ROOT
def test_another_account_and_root_share_a_folder(base: Path) -> None:
    nobody = pwd.getpwnam("nobody").pw_uid
    folder = base / "postgres"
    folder.mkdir()
    os.chown(folder, nobody, nobody)
    holder = Holder(folder, uid=nobody)
    dsn = holder.dsn()
    assert {process.uids().real for process in servers(folder)} == {nobody}
    with EmbeddedPostgres(folder, settings=FAST) as server:
        assert ask(dsn, "select 1") == 1
        assert holder.leave() == (0, "")
        remember(server)
    with EmbeddedPostgres(folder, settings=FAST) as server:  # root starts it as the owner of the data
        assert remembered(server)
    holder = Holder(folder, uid=nobody)
    assert ask(holder.dsn(), "select count(*) from pg_database") == 4
    assert holder.leave() == (0, "")


@AS_ROOT
def test_a_folder_that_one_may_not_write_is_refused(base: Path) -> None:
    code, told = Holder(base / "postgres", uid=pwd.getpwnam("nobody").pw_uid).leave()
    assert code == 1
    assert told.count("\n") == 1
    assert f"cannot use {base / 'postgres'}: Permission denied" in told
    assert "CONECTA_DATA_DIR" in told


@AS_ROOT
def test_a_full_disk_is_told(base: Path) -> None:
    script = 'mount -t tmpfs -o size=8m,mode=755 none "$0" && exec "$@"'
    through = ("unshare", "--mount", "sh", "-c", script, str(base))
    if subprocess.run([*through, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this root may not mount a small disk")
    code, told = Holder(base / "postgres", through=through).leave()
    assert code == 1
    assert told.count("\n") == 1
    assert f"could not make {base / 'postgres' / 'data'}" in told
    assert "No space left on device" in told
    assert "CONECTA_DATA_DIR" in told


@AS_ROOT
def test_parents_are_opened_only_as_far_as_needed(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (base / "private").mkdir(mode=0o700)
    (base / "open").mkdir(mode=0o755)
    for name in ("private", "private", "open"):
        with EmbeddedPostgres(base / name / "postgres", settings=FAST):
            pass
    assert stat.S_IMODE((base / "private").stat().st_mode) == 0o701
    assert stat.S_IMODE((base / "open").stat().st_mode) == 0o755
    told = [line for line in capsys.readouterr().err.splitlines() if str(base) in line]
    assert len(told) == 1
    assert told[0].endswith(f"may now pass through {base / 'private'}")


@AS_ROOT
def test_a_link_in_the_folder_does_not_lead_root_astray(base: Path) -> None:
    victim = base / "victim"
    victim.touch()
    (base / "postgres").mkdir()
    (base / "postgres" / "start.lock").symlink_to(victim)
    refusal(base / "postgres")
    assert victim.stat().st_uid == 0
