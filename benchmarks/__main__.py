"""Runs every row, prints one table and writes `bench.json`.

Each rate is the best of several short rounds in which product and limit take turns, so that a busy
moment of the machine hits both. Read the ratios; absolute numbers belong to one machine.
"""

import argparse
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psutil
import psycopg

from benchmarks import availability
from conecta.kit.embedded_postgres import EmbeddedPostgres

TARGETS = {
    "list of 25": 0.40, "detail": 0.40, "create": 0.20, "list of 25, by token": 0.85, "detail, by token": 0.85,
    "create, by token": 0.85, "deliveries": 1500.0,
}  # fmt: skip
CONNECTIONS = 8


class Machine:
    """The product's processes for one benchmark, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.processes = folder, []  # type: ignore[var-annotated]
        self.environment = {
            **os.environ,
            "CONECTA_LOG_FORMAT": "json",
            "CONECTA_WEBHOOK_ALLOW_PRIVATE": "true",
        }
        self.log = (folder / "processes.log").open("w")

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(command, env=self.environment, stderr=self.log, stdout=self.log)
        self.processes.append(process)
        return process

    def conecta(self, *arguments: str) -> Any:
        command = [sys.executable, "-m", "conecta", *arguments, "--data-dir", str(self.folder), "--json"]
        return json.loads(
            subprocess.run(command, env=self.environment, capture_output=True, check=True).stdout
        )

    def serve(self, port: int) -> subprocess.Popen[bytes]:
        arguments = ("serve", "--port", str(port), "--data-dir", str(self.folder), "--no-worker")
        process = self.start(sys.executable, "-m", "conecta", *arguments)
        wait_for(f"http://127.0.0.1:{port}/readyz")
        return process

    def stop(self, process: subprocess.Popen[bytes]) -> None:
        process.terminate()
        process.wait(30)
        self.processes.remove(process)

    def stop_all(self) -> None:
        for process in list(self.processes):
            self.stop(process)
        self.log.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--rounds", type=int, default=3, help="turns of product and limit")
    parser.add_argument("--seconds", type=float, default=4.0, help="length of a turn")
    parser.add_argument("--rates-only", action="store_true", help="leave out memory, start-up and deliveries")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="conecta-bench-") as name:
        # Postgres may run under an account of its own, which must be able to pass through.
        Path(name).chmod(0o755)
        machine = Machine(Path(name))
        with EmbeddedPostgres(Path(name) / "postgres") as postgres:
            try:
                rows = measure(machine, postgres, options)
            except TimeoutError:
                print((Path(name) / "processes.log").read_text()[-4000:], file=sys.stderr)
                raise
            finally:
                machine.stop_all()
    print(table(rows))
    Path("bench.json").write_text(json.dumps(rows, indent=2))


def measure(
    machine: Machine, postgres: EmbeddedPostgres, options: argparse.Namespace
) -> list[dict[str, Any]]:
    firm = machine.conecta(
        "tenants", "create", "--name", "Bench", "--plan", "enterprise",
        "--per-minute", "1000000000", "--per-day", "1000000000",
    )  # fmt: skip
    port, bare_port = free_port(), free_port()
    began = time.perf_counter()
    server = machine.serve(port)
    start_up = time.perf_counter() - began
    api = Api(port, firm["api_key"])
    client = api.post("/clients", {"first_name": "Ana", "last_name": "Gil"})["id"]
    wanted = {"client_id": client, "category": "civil", "title": "Reclamación de cantidad",
              "description": "Deuda de 5.000€ por servicios prestados"}  # fmt: skip
    cases = [api.post("/cases", wanted)["id"] for _ in range(200)]
    with psycopg.connect(postgres.dsn(), autocommit=True) as connection:
        connection.execute("create sequence if not exists bench_numbers")
        connection.execute("vacuum analyze")
    machine.start(
        sys.executable,
        "-m",
        "benchmarks.bare_limit",
        postgres.dsn(),
        firm["tenant_id"],
        cases[0],
        str(bare_port),
    )
    wait_for(f"http://127.0.0.1:{bare_port}/one")
    pairs = {
        "list of 25": (get("/v1/servicios/cases", api.key), get("/list")),
        "detail": (get(f"/v1/servicios/cases/{cases[0]}", api.key), get("/one")),
        "create": (post("/v1/servicios/cases", api.key, wanted), post("/create", api.key, {})),
    }
    rows = [
        rate(name, requests, (port, bare_port), options.rounds, options.seconds)
        for name, requests in pairs.items()
    ]
    token = api.token()
    # The limit of a token is the same request with a key.
    rows += [
        rate(
            f"{name}, by token",
            (asked.replace(api.key, token), asked),
            (port, port),
            options.rounds,
            options.seconds,
        )
        for name, (asked, _) in pairs.items()
    ]
    tools = sys.modules[__name__]
    rows += availability.rows(tools, machine, api, postgres.dsn(), firm["tenant_id"], port)
    if options.rates_only:
        return rows
    machine.stop(server)
    rows.append(memory(machine, api, free_port()))
    rows.append({"row": "start-up", "value": round(start_up, 2), "unit": "s (database already there)"})
    return rows + deliveries(machine, postgres, firm)


def rate(
    name: str, requests: tuple[str, str], ports: tuple[int, int], rounds: int, seconds: float
) -> dict[str, Any]:
    """Let product and limit take turns; keep each one's best turn."""
    turns: list[list[dict[str, Any]]] = [[], []]
    for _ in range(rounds):
        for side in (0, 1):
            turns[side].append(load(requests[side], ports[side], seconds))
    ours, bare = (max(turn, key=lambda t: t["per_second"]) for turn in turns)
    wrong = {status for turn in turns[0] for status in turn["statuses"] if not status.startswith("2")}
    assert not wrong, f"{name}: answers {wrong}"
    ratio = ours["per_second"] / bare["per_second"]
    return {
        "row": name, "per_second": round(ours["per_second"]), "limit_per_second": round(bare["per_second"]),
        "ratio": round(ratio, 2), "p50_ms": round(ours["p50_ms"], 2), "p99_ms": round(ours["p99_ms"], 2),
        "target": TARGETS[name], "met": ratio >= TARGETS[name],
    }  # fmt: skip


def memory(machine: Machine, api: "Api", port: int) -> dict[str, Any]:
    """Return the growth of a fresh server over 10,000 requests, after a warm-up of 1,000."""
    server = machine.serve(port)
    request = get("/v1/servicios/cases", api.key)
    load(request, port, 60, most=1_000)
    before = psutil.Process(server.pid).memory_info().rss
    load(request, port, 120, most=10_000)
    after = psutil.Process(server.pid).memory_info().rss
    machine.stop(server)
    grown = (after - before) / 1e6
    return {"row": "memory", "value": round(after / 1e6), "unit": f"MB, {grown:+.1f} MB over 10,000 requests"}


def deliveries(machine: Machine, postgres: EmbeddedPostgres, firm: dict[str, Any]) -> list[dict[str, Any]]:
    """Measure commit→arrival while idle, then how fast one worker process clears a backlog."""
    port, sink_port = free_port(), free_port()
    server = machine.serve(port)
    api = Api(port, firm["api_key"])
    machine.start(sys.executable, "-m", "benchmarks.sink", str(sink_port))
    wait_for(f"http://127.0.0.1:{sink_port}/")
    api.post("/webhooks", {"url": f"http://127.0.0.1:{sink_port}/hook", "events": ["case.*"]})
    worker = machine.start(sys.executable, "-m", "conecta", "worker", "--data-dir", str(machine.folder))
    idle = _idle_latency(api, sink_port, postgres)
    machine.stop(worker)
    before = arrived(sink_port)
    backlog = 10_000
    _fill(postgres, firm["tenant_id"], backlog)
    worker = machine.start(sys.executable, "-m", "conecta", "worker", "--data-dir", str(machine.folder))
    first = last = 0.0
    while (count := arrived(sink_port) - before) < backlog and (not first or time.time() - first < 120):
        first = first or (time.time() if count else 0.0)
        time.sleep(0.02)
    last = time.time()
    machine.stop(worker)
    machine.stop(server)
    speed = round(backlog / (last - first))
    return [
        {"row": "deliveries", "value": speed, "unit": "per second, one worker process",
         "target": TARGETS["deliveries"], "met": speed >= TARGETS["deliveries"]},
        {"row": "commit→arrival", "value": round(idle[0], 1), "unit": f"ms p50, {idle[1]:.1f} ms p99 (idle)"},
    ]  # fmt: skip


def _idle_latency(api: "Api", sink_port: int, postgres: EmbeddedPostgres) -> tuple[float, float]:
    client = api.post("/clients", {"first_name": "Eva", "last_name": "Sanz"})["id"]
    committed: dict[str, float] = {}
    api.post("/cases", {"client_id": client, "category": "civil", "title": "Calentamiento"})
    deadline = time.time() + 60
    while not arrived(sink_port):  # the worker is up when the first delivery has come
        assert time.time() < deadline, "the worker delivers nothing"
        time.sleep(0.05)
    with psycopg.connect(postgres.dsn(), autocommit=True) as connection:
        for number in range(120):
            wanted = {"client_id": client, "category": "civil", "title": f"Latencia {number}"}
            case = api.post("/cases", wanted)["id"]
            moment = time.time()  # the commit came before this answer, so the figure is a lower bound
            query = "select id from events where resource_id = %s and type = 'case.created'"
            (event,) = connection.execute(query, [case]).fetchone()  # type: ignore[misc]
            committed[event] = moment
            time.sleep(0.03)
    deadline = time.time() + 20
    while (times := json.loads(read(f"http://127.0.0.1:{sink_port}/times"))).keys() < committed.keys():
        assert time.time() < deadline, "deliveries are missing"
        time.sleep(0.1)
    waits = sorted(max(0.0, times[event] - moment) * 1000 for event, moment in list(committed.items())[20:])
    return waits[len(waits) // 2], waits[int(len(waits) * 0.99)]


def _fill(postgres: EmbeddedPostgres, tenant: str, count: int) -> None:
    """Write a backlog as the product would: events of real cases and one delivery each."""
    with psycopg.connect(postgres.dsn(), autocommit=True) as connection:
        connection.execute(
            """with source as (select e.* from events e where e.tenant_id = %(t)s and e.type = 'case.created' limit 1),
            made as (insert into events (tenant_id, id, type, resource_id, payload, created_at)
              select s.tenant_id, 'wh_evt_bench' || lpad(n::text, 20, '0'), s.type, s.resource_id, s.payload, now()
              from source s, generate_series(1, %(n)s) n returning tenant_id, id)
            insert into webhook_deliveries (tenant_id, id, endpoint_id, event_id, status, attempts, due_at, created_at)
            select m.tenant_id, 'dlv_' || m.id, w.id, m.id, 'pending', 0, now(), now()
            from made m join webhook_endpoints w on w.tenant_id = m.tenant_id""",
            {"t": tenant, "n": count},
        )
        connection.execute("vacuum analyze webhook_deliveries, events")


class Api:
    """Arranges things over the real API."""

    def __init__(self, port: int, key: str) -> None:
        self.base, self.key = f"http://127.0.0.1:{port}/v1/servicios", key

    def post(self, path: str, body: dict[str, Any]) -> Any:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.base + path, json.dumps(body).encode(), headers)
        return json.load(urllib.request.urlopen(request, timeout=30))

    def etag(self, path: str) -> str:
        """Return the ETag of an answer."""
        headers = {"Authorization": f"Bearer {self.key}"}
        request = urllib.request.Request(self.base.removesuffix("/v1/servicios") + path, headers=headers)
        return str(urllib.request.urlopen(request, timeout=30).headers["ETag"])

    def token(self) -> str:
        """Register an app of the firm and let it ask for a token of its own."""
        wanted = {
            "name": "Bench",
            "scopes": ["read:cases", "write:cases"],
            "grant_types": ["client_credentials"],
        }
        app = self.post("/oauth-apps", wanted)
        order = {
            "grant_type": "client_credentials",
            "client_id": app["id"],
            "client_secret": app["client_secret"],
        }
        address = self.base.removesuffix("/v1/servicios") + "/oauth/token"
        answer = urllib.request.urlopen(address, urlencode(order).encode(), timeout=30)
        return str(json.load(answer)["access_token"])


def load(request: str, port: int, seconds: float, **more: Any) -> dict[str, Any]:
    order = {"request": request, "port": port, "seconds": seconds, "connections": CONNECTIONS, **more}
    command = [sys.executable, "-m", "benchmarks.load"]
    done = subprocess.run(command, input=json.dumps(order), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def get(path: str, key: str = "none") -> str:
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n\r\n"


def post(path: str, key: str, body: dict[str, Any]) -> str:
    text = json.dumps(body)
    return (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n{text}"
    )


def arrived(port: int) -> int:
    return int(read(f"http://127.0.0.1:{port}/"))


def read(url: str) -> bytes:
    return urllib.request.urlopen(url, timeout=10).read()  # type: ignore[no-any-return]


def wait_for(url: str) -> None:
    deadline = time.time() + 60
    while time.time() < deadline:
        with contextlib.suppress(OSError):
            read(url)
            return
        time.sleep(0.02)
    raise TimeoutError(url)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def table(rows: list[dict[str, Any]]) -> str:
    return "\n".join(_lines(rows))


def _lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    yield f"{'':22}{'product':>10}{'limit':>10}{'ratio':>8}{'target':>8}   "
    for row in rows:
        verdict = {True: "met", False: "MISSED", None: ""}[row.get("met")]
        if "ratio" in row:
            rates = (
                f"{row['per_second']:>8}/s{row['limit_per_second']:>8}/s{row['ratio']:>8}{row['target']:>8}"
            )
            yield f"{row['row']:22}{rates}   {verdict}   p50 {row['p50_ms']} ms, p99 {row['p99_ms']} ms"
        else:
            target = f"   target {row['target']:.0f}: {verdict}" if "target" in row else ""
            yield f"{row['row']:22}{row['value']:>10} {row['unit']}{target}"


if __name__ == "__main__":
    main()
