"""Independent clients against the real server over HTTP: nothing of ours on their side but the addresses."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from .browserless import Browser, authorize, over_network
from .houses import CALLBACK, SCOPE, House
from .npm import CLIENTS, NODE


async def run(script: Path, house: House, **told: Any) -> Any:
    """Run a script of the clients, be the person it sends to us, and return its report."""
    process = await asyncio.create_subprocess_exec(
        *NODE,
        str(script),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=1_000_000,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with over_network(house.origin) as http:
            browser, line = Browser(http), told
            while True:
                process.stdin.write(json.dumps(line).encode() + b"\n")
                said = await asyncio.wait_for(process.stdout.readline(), 60)
                if not said:
                    raise AssertionError((await process.stderr.read()).decode())
                message = json.loads(said)
                if "result" in message:
                    return message["result"]
                seen = await authorize(browser, message["visit"], person=house.person)
                assert seen.outside, (seen.url, seen.status, seen.text[:500])
                line = {"arrived": seen.url}
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.trial
async def test_oauth4webapi_uses_all_that_the_server_offers(house, node_clients):
    app = house.register(
        name="oauth4webapi", grant_types=["authorization_code", "refresh_token", "client_credentials"]
    )
    report = await run(
        node_clients / "oauth4webapi.mjs",
        house,
        issuer=house.origin,
        resource=house.api,
        client_id=app["id"],
        client_secret=app["client_secret"],
        redirect_uri=CALLBACK,
        scope=SCOPE,
        initial_access_token=house.initial_access_token(),
    )
    assert report["same"] is True
    assert report["resource"]["authorization_servers"] == [house.origin]
    assert report["metadata"]["code_challenge_methods_supported"] == ["S256"]
    assert report["tokens"] == {"token_type": "bearer", "expires_in": 3600, "scope": SCOPE}
    assert (report["claims"]["aud"], report["claims"]["tid"]) == (house.api, house.demo["tenant_id"])
    assert (report["introspection"]["active"], report["introspection"]["scope"]) == (True, SCOPE)
    assert report["afterwards"] == {"active": False}
    assert report["late"] == {"error": "invalid_grant", "status": 400}
    assert report["statuses"] == [200, 200, 200, 200]
    assert report["registered"]["token_endpoint_auth_method"] == "none"
    assert report["bound"] == "dpop"
    assert report["boundClaims"]["cnf"]["jkt"]
    assert report["stolen"] == {"error": "invalid_grant", "status": 400}


@pytest.mark.trial
async def test_openid_client_does_what_its_readme_says(house, node_clients):
    app = house.register(
        name="openid-client", grant_types=["authorization_code", "refresh_token", "client_credentials"]
    )
    report = await run(
        node_clients / "openid-client.mjs",
        house,
        issuer=house.origin,
        resource=house.api,
        client_id=app["id"],
        client_secret=app["client_secret"],
        redirect_uri=CALLBACK,
        scope=SCOPE,
    )
    assert report["statuses"] == [200, 200, 200, 200]
    assert report["introspection"]["active"] is True
    assert report["late"] == {"error": "invalid_grant", "status": 400}
    assert (report["token_type"], report["bound"], report["own"]) == ("bearer", "dpop", "read:cases")


def test_the_lock_file_names_no_registry():
    """Whoever installs takes what the lock file's hashes say from where they like."""
    lock = json.loads((CLIENTS / "package-lock.json").read_text("utf-8"))
    packages = [package for name, package in lock["packages"].items() if name]
    assert len(packages) >= 3
    assert all(
        package["integrity"].startswith("sha512-") and "resolved" not in package for package in packages
    )
