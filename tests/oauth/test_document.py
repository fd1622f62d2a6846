"""docs/oauth.md: its commands and programs run against a real server, and its facts are those of the code."""

import asyncio
import os
import re
import shutil
import sys
from datetime import timedelta

import pytest

from conecta.oauth import access_tokens, code_grant, dpop, protocol, pushed_requests, refresh_grant
from tests.test_docs import ROOT, blocks

from .arrange import code_of
from .browserless import Browser, Seen, authorize, over_network
from .houses import House
from .npm import NODE

TEXT = (ROOT / "docs" / "oauth.md").read_text("utf-8")
CALLBACK = "http://127.0.0.1:8765/callback"


# --- facts ------------------------------------------------------------------------------------------


async def test_the_endpoints_are_those_of_the_metadata(http):
    rows = set(re.findall(r"^\| `(GET|POST) (/oauth/[a-z]+)` \|", TEXT, re.MULTILINE))
    document = (await http.get("/.well-known/oauth-authorization-server")).json()
    announced = {value for name, value in document.items() if name.endswith(("_endpoint", "jwks_uri"))}
    assert {document["issuer"] + path for _, path in rows} == announced


def test_the_numbers_are_those_of_the_code():
    assert timedelta(seconds=60) == code_grant.CODE_LIFETIME
    assert "for 60 seconds" in TEXT
    assert timedelta(seconds=30) == refresh_grant.GRACE
    assert "for 30 seconds you get another new pair" in TEXT
    assert timedelta(days=30) == protocol.REFRESH_IDLE
    assert "uses for 30 days" in TEXT
    assert access_tokens.LIFETIME == 3600
    assert "good for 3,600 seconds" in TEXT
    assert timedelta(minutes=10) == pushed_requests.LIFETIME
    assert "`request_uri` is good for ten minutes" in TEXT
    assert dpop.WINDOW == 60
    assert "within 60 seconds of its\n`iat`" in TEXT


def test_every_error_that_is_answered_is_explained():
    """What the code names, and what the library's classes that it raises are called."""
    sources = "\n".join(path.read_text("utf-8") for path in (ROOT / "src/conecta/oauth").rglob("*.py"))
    named = set(re.findall(r'error="([a-z_]+)"', sources))
    raised = set(re.findall(r"raise (Invalid|Unauthorized|Unsupported)(\w+)Error", sources))
    for first, second in raised:
        words = re.findall("[A-Z][a-z]+", first + second)
        named.add("_".join(word.lower() for word in words))
    at_registration = {"invalid_client_metadata", "invalid_redirect_uri"}
    missing = {
        name
        for name in named - at_registration - {"server_error", "invalid_token"}
        if f"`{name}`" not in TEXT
    }
    assert len(named) > 8
    assert missing == set()


# --- programs ---------------------------------------------------------------------------------------


class Program:
    """A program that prints where the person has to go, and is told where they ended up."""

    def __init__(self, *command: str, **environment: str) -> None:
        self._command = command
        self._environment = {**os.environ, **environment}

    async def run(self, house: House) -> list[str]:
        process = await asyncio.create_subprocess_exec(
            *self._command,
            env=self._environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        try:
            url = (await asyncio.wait_for(process.stdout.readline(), 60)).decode().strip()
            seen = await person_at(house, url) if url else None
            told = f"{seen.url}\n".encode() if seen else b""
            out, err = await asyncio.wait_for(process.communicate(told), 60)
        finally:
            if process.returncode is None:
                process.kill()
        assert process.returncode == 0, err.decode()
        return out.decode().split()


async def person_at(house: House, url: str) -> Seen:
    async with over_network(house.origin) as http:
        seen = await authorize(Browser(http), url, person=house.person)
    assert seen.url.startswith(CALLBACK), (seen.url, seen.status, seen.text[:300])
    return seen


def named(language: str, name: str) -> str:
    (found,) = [block for block in blocks(TEXT, language) if block.splitlines()[0].endswith(f" {name}")]
    return found


def credentials(house: House) -> dict[str, str]:
    oauth = house.demo["oauth"]
    public = house.register(name="Pública", kind="public", redirect_uris=["http://127.0.0.1/callback"])
    return {
        "BASE": house.origin,
        "CLIENT_ID": oauth["client_id"],
        "CLIENT_SECRET": oauth["client_secret"],
        "PUBLIC_CLIENT_ID": public["id"],
    }


@pytest.mark.trial
@pytest.mark.parametrize(
    ("name", "printed"), [("requests-oauthlib", ["200", "200"]), ("Authlib", ["200", "401"])]
)
async def test_the_python_programs_run(house, tmp_path, name, printed):
    script = tmp_path / "example.py"
    script.write_text(named("python", name), "utf-8")
    assert await Program(sys.executable, str(script), **credentials(house)).run(house) == printed


@pytest.mark.trial
@pytest.mark.parametrize(("name", "printed"), [("openid-client", ["200", "200"]), ("oauth4webapi", ["200"])])
async def test_the_javascript_programs_run(house, node_clients, name, printed):
    script = node_clients / f".example-{name}.mjs"
    script.write_text(named("js", name), "utf-8")
    try:
        assert await Program(*NODE, str(script), **credentials(house)).run(house) == printed
    finally:
        script.unlink()


@pytest.mark.trial
async def test_the_curl_commands_run_one_after_the_other(house, tmp_path):
    if shutil.which("curl") is None:
        pytest.skip("there is no curl on this machine")
    commands = [block for block in blocks(TEXT, "sh") if "oauth-apps" not in block]
    demo = f"{sys.executable} -m conecta demo --json --data-dir {house.running.folder}"
    begin = commands[0].replace(".venv/bin/conecta demo --json", demo)
    begin = begin.replace("BASE=http://127.0.0.1:8000", f"BASE={house.origin}")
    kept = tmp_path / "kept.sh"
    names = "BASE DEMO CLIENT_ID CLIENT_SECRET REDIRECT_URI STATE VERIFIER CHALLENGE"
    first = await bash(f"{begin}\n{commands[1]}\n{{ declare -p {names}; declare -f of; }} > {kept}")
    house.__dict__.pop("demo", None)  # the commands made another password
    seen = await person_at(house, first.strip())
    # The demo's password is fresh each time, its app is the same: what was asked stays good.
    rest = "\n".join(commands[2:]).replace("CODE=…", f"CODE={code_of(seen)}")
    out = await bash(f". {kept}\n{rest.replace('-s ', '-sS --fail-with-body ')}")
    assert '"scope":"read:cases write:bookings"' in out
    assert '"has_more":' in out
    assert '"active":true' in out
    assert out.count('"access_token"') == 2


async def bash(script: str) -> str:
    process = await asyncio.create_subprocess_exec(
        "bash", "-euc", script, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), 90)
    assert process.returncode == 0, (out.decode()[-500:], err.decode()[-1500:])
    return out.decode()
