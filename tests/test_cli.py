"""The `conecta` command in processes of its own; what an operator can mend is one line."""

import contextlib
import json
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.processes import Installation, free_port, installation


@pytest.fixture(scope="module")
def house() -> Iterator[Installation]:
    with tempfile.TemporaryDirectory(prefix="conecta-cli-") as folder, installation(Path(folder)) as made:
        made.serve("--no-worker")
        yield made


def call(house: Installation, key: str) -> int:
    return httpx.get(f"{house.url}/clients", headers={"Authorization": f"Bearer {key}"}).status_code


def test_tenants_create_prints_id_and_key_only(house):
    made = house.json("tenants", "create", "--name", "Bufete Ñandú", "--plan", "professional")
    assert made.keys() == {"tenant_id", "api_key"}
    answer = httpx.get(f"{house.url}/usage", headers={"Authorization": f"Bearer {made['api_key']}"})
    assert answer.json()["tenant_id"] == made["tenant_id"]
    assert answer.json()["minute"]["limit"] == 300


def test_limits_may_be_overridden(house):
    made = house.json(
        "tenants", "create", "--name", "Corta", "--plan", "free", "--per-minute", "2", "--per-day", "9"
    )
    answer = httpx.get(f"{house.url}/usage", headers={"Authorization": f"Bearer {made['api_key']}"})
    assert (answer.json()["minute"]["limit"], answer.json()["day"]["limit"]) == (2, 9)


def test_keys_are_created_with_scopes_and_revoked_by_id_or_by_themselves(house):
    tenant = house.json("tenants", "create", "--name", "Llaves", "--plan", "free")["tenant_id"]
    first = house.json("keys", "create", "--tenant", tenant, "--scopes", "read:clients read:cases")
    second = house.json("keys", "create", "--tenant", tenant, "--scopes", "read:cases")
    assert call(house, first["api_key"]) == 200
    assert call(house, second["api_key"]) == 403
    house.run("keys", "revoke", first["id"])
    assert call(house, first["api_key"]) == 401
    house.run("keys", "revoke", second["api_key"])
    assert call(house, second["api_key"]) == 401


def test_demo_works_beside_the_server_and_names_its_address(house):
    first, second = house.json("demo"), house.json("demo")
    assert first["base_url"] == f"http://127.0.0.1:{house.port}"
    assert first["tenant_id"] == second["tenant_id"]
    assert first["api_key"] != second["api_key"]
    assert [call(house, key) for key in (first["api_key"], second["api_key"])] == [200, 200]


def test_parked_webhooks_are_replayed(house):
    firm = house.json("tenants", "create", "--name", "Repetida", "--plan", "free")
    headers = {"Authorization": f"Bearer {firm['api_key']}"}
    with httpx.Client(base_url=house.url, headers=headers) as api:
        hook = api.post("/webhooks", json={"url": "http://127.0.0.1:9/x", "events": ["case.*"]}).json()["id"]
        api.patch(f"/webhooks/{hook}", json={"status": "disabled"})
        client = api.post("/clients", json={"name": "Ana"}).json()["id"]
        api.post("/cases", json={"client_id": client, "category": "civil", "title": "Uno"})
        words = ("webhooks", "replay", "--tenant", firm["tenant_id"], "--endpoint", hook, "--since")
        assert house.json(*words, "2026-01-01T00:00:00Z", "--dry-run") == {"count": 1, "dry_run": True}
        api.patch(f"/webhooks/{hook}", json={"status": "enabled"})
        assert house.json(*words, "2026-01-01T00:00:00Z") == {"count": 1, "dry_run": False}
        (delivery,) = api.get(f"/webhooks/{hook}/deliveries").json()["data"]
    assert delivery["status"] == "pending"
    assert_one_line(house.run(*words, "yesterday", check=False), "no moment with a zone")


def test_doctor_finds_a_sound_house(house):
    done = house.run("doctor")
    assert done.returncode == 0
    assert "BROKEN" not in done.stdout
    assert "Postgres 18" in done.stdout


def test_openapi_prints_the_document(house):
    command = house.run("openapi", bare=True)
    assert json.loads(command.stdout)["openapi"].startswith("3.1")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("tenants", "create", "--name", "X", "--plan", "gold"), "There is no plan 'gold'"),
        (("keys", "create", "--tenant", "tenant_x", "--scopes", "read:everything"), "Unknown scopes"),
        (("keys", "create", "--tenant", "tenant_x", "--scopes", "read:cases"), "There is no firm tenant_x"),
        (("keys", "revoke", "key_x"), "There is no such key"),
    ],
)
def test_wrong_words_get_one_line(house, arguments, said):
    assert_one_line(house.run(*arguments, check=False), said)


def test_a_busy_port_gets_one_line(house):
    assert_one_line(house.run("serve", "--port", str(house.port), check=False), "Cannot listen on 127.0.0.1")


def test_a_database_that_is_down_gets_one_line(house):
    house.environment["CONECTA_DATABASE_URL"] = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    try:
        assert_one_line(house.run("migrate", check=False), "The database does not answer")
    finally:
        del house.environment["CONECTA_DATABASE_URL"]


def test_an_old_database_server_gets_one_line(house):
    with PostgresOfVersion("15.8") as port:
        house.environment["CONECTA_DATABASE_URL"] = f"postgresql://x@127.0.0.1:{port}/x?sslmode=disable"
        try:
            assert_one_line(house.run("migrate", check=False), "needs 16 or newer")
        finally:
            del house.environment["CONECTA_DATABASE_URL"]


def assert_one_line(done, said: str) -> None:
    assert done.returncode == 1, done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert said in lines[0]


class PostgresOfVersion:
    """A server that greets as Postgres of another version does, and ends there (protocol 3.0)."""

    def __init__(self, version: str) -> None:
        self._version = version.encode()

    def __enter__(self) -> int:
        self._server = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._greet, daemon=True).start()
        return self._server.getsockname()[1]

    def __exit__(self, *_: object) -> None:
        self._server.close()

    def _greet(self) -> None:
        with contextlib.suppress(OSError), self._server.accept()[0] as connection:
            connection.recv(4096)
            parameter = b"server_version\0" + self._version + b"\0"
            encoding = b"client_encoding\0UTF8\0"
            connection.sendall(
                b"R" + (8).to_bytes(4, "big") + (0).to_bytes(4, "big")
                + b"S" + (4 + len(parameter)).to_bytes(4, "big") + parameter
                + b"S" + (4 + len(encoding)).to_bytes(4, "big") + encoding
                + b"Z" + (5).to_bytes(4, "big") + b"I"
            )  # fmt: skip
            while connection.recv(4096):
                connection.sendall(b"I" + (4).to_bytes(4, "big") + b"Z" + (5).to_bytes(4, "big") + b"I")
