"""The real program in real processes: what the crash, race and start tests start, kill and look at."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

CONECTA = (sys.executable, "-m", "conecta")


class Installation:
    """A data folder with its embedded database, and the processes started on it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.processes: list[subprocess.Popen[str]] = []
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith("CONECTA_")
        }
        self.environment |= {"CONECTA_WEBHOOK_ALLOW_PRIVATE": "true", "CONECTA_LOG_LEVEL": "WARNING"}

    @property
    def url(self) -> str:
        """Where the native API is."""
        return f"http://127.0.0.1:{self.port}/v1/servicios"

    def run(
        self, *arguments: str, check: bool = True, bare: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; `bare` ones know no data folder."""
        folder = [] if bare else ["--data-dir", str(self.folder)]
        command = [*CONECTA, *arguments, *folder]
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=check, timeout=90
        )

    def json(self, *arguments: str) -> Any:
        """Run a command with `--json` and return what it printed."""
        return json.loads(self.run(*arguments, "--json").stdout)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a process in a group of its own and leave it running."""
        command = [*CONECTA, *arguments, "--data-dir", str(self.folder)]
        with (self.folder.parent / "processes.log").open("a") as log:
            process = subprocess.Popen(
                command, env=self.environment, stdout=log, stderr=log, text=True, start_new_session=True
            )
        self.processes.append(process)
        return process

    def serve(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a server and wait until it is ready."""
        process = self.start("serve", "--port", str(self.port), *arguments)
        wait_until(lambda: self._ready(process), seconds=120, what="the server to be ready")
        return process

    def kill(self, process: subprocess.Popen[str]) -> None:
        """Kill a process and its children without warning, as a power cut would."""
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)
        self.processes.remove(process)

    def stop(self, process: subprocess.Popen[str], number: signal.Signals = signal.SIGTERM) -> int:
        """Ask a process to stop and return its exit status."""
        process.send_signal(number)
        status = process.wait(60)
        self.processes.remove(process)
        return status

    def stop_all(self) -> None:
        """Stop whatever still runs; the last one out stops Postgres."""
        for process in list(self.processes):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.stop(process)
        # A killed process leaves Postgres up; the next user to leave stops it.
        self.run("migrate", check=False)

    def _ready(self, process: subprocess.Popen[str]) -> bool:
        assert process.poll() is None, (self.folder.parent / "processes.log").read_text()[-3000:]
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"http://127.0.0.1:{self.port}/readyz").status_code == 200
        return False


@contextlib.contextmanager
def installation(folder: Path) -> Iterator[Installation]:
    """An installation in a folder that the account of Postgres can reach."""
    for parent in (folder, folder.parent, folder.parent.parent):
        parent.chmod(parent.stat().st_mode | 0o011)
    made = Installation(folder / "data")
    try:
        yield made
    finally:
        made.stop_all()


def free_port() -> int:
    """Return a port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], Any], *, seconds: float, what: str) -> None:
    """Wait for a condition; fail with its name when it does not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for {what}"
        time.sleep(0.05)
