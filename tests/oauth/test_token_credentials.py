"""Access tokens at the gate: what they cost, how late a revocation may come, whose limits they spend."""

import asyncio
import re
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from .arrange import OAuthApp, register_app
from .browserless import in_process
from .servers import running

# Both are written in batches, whenever their time comes.
_IN_BATCHES = ("last_used_at", "logged_requests")


@contextmanager
def statements(superuser, run_folder):
    """Give a function that tells what Postgres itself says it was asked, by connections opened meanwhile."""
    name, log = superuser.info.dbname, run_folder / "postgres" / "postgres.log"
    start = log.stat().st_size
    # A statement of several lines goes on behind tabs; those of other workers' databases do not match.
    of_ours = re.compile(rf"\] {name} LOG:  (?:statement|execute [^:]*): (.*(?:\n\t.*)*)")

    def so_far() -> list[str]:
        with log.open("rb") as file:
            file.seek(start)
            found = of_ours.findall(file.read().decode())
        return [text for text in found if not any(word in text for word in _IN_BATCHES)]

    superuser.execute(f"alter database \"{name}\" set log_statement = 'all'")
    try:
        yield so_far
    finally:
        superuser.execute(f'alter database "{name}" reset log_statement')


async def until(condition, seconds: float = 20.0) -> float:
    """Wait for a condition; return how long it took."""
    started = time.monotonic()
    while not await condition():
        assert time.monotonic() - started < seconds
        await asyncio.sleep(0.05)
    return time.monotonic() - started


@pytest.fixture
async def token(browser, owner, vendor) -> str:
    return (await vendor.tokens(browser, owner))["access_token"]


def at(http, vendor) -> OAuthApp:
    return OAuthApp(http, vendor.id, vendor.secret)


async def test_in_the_common_case_no_query_is_asked_of_it(app, vendor, token, superuser, run_folder):
    """Keys and grant are asked for once; then a call costs what each costs: the limits, and its rows."""
    with statements(superuser, run_folder) as so_far:
        async with running(app, oauth_grant_seconds=30) as other, in_process(other) as http:
            for _ in range(3):
                assert (await at(http, vendor).api("GET", "/cases", token)).status_code == 200
            first = so_far()
            assert sum("from oauth_signing_keys" in text for text in first) == 1
            assert sum("from oauth_families" in text for text in first) == 1
            for _ in range(5):
                assert (await at(http, vendor).api("GET", "/cases", token)).status_code == 200
            assert len(so_far()) - len(first) == 5 * 2


async def test_a_revocation_is_seen_by_every_server_when_it_looks_again(app, firm, browser, vendor, token):
    async with (
        running(app, oauth_grant_seconds=1.5) as first,
        running(app, oauth_grant_seconds=1.5) as second,
        in_process(first) as one,
        in_process(second) as two,
    ):
        apps = [at(one, vendor), at(two, vendor)]
        for there in apps:
            assert (await there.api("GET", "/cases", token)).status_code == 200
        assert (await vendor.revoke(token)).status_code == 200
        # Where the grant was seen a moment ago, it is still believed; no longer than the setting says.
        for there in apps:

            async def refused(there=there) -> bool:
                return (await there.api("GET", "/cases", token)).status_code == 401

            assert await until(refused) < 4


async def test_no_server_may_be_told_to_trust_a_grant_for_longer_than_a_minute(settings):
    from pydantic import ValidationError

    from conecta.settings import Settings

    with pytest.raises(ValidationError):
        Settings(_env_file=None, oauth_grant_seconds=61)


async def test_a_token_spends_the_limits_of_its_firm(app, firm, vendor, token, api):
    left = int((await api.get("/usage")).headers["x-ratelimit-remaining"])
    answer = await vendor.api("GET", "/cases", token)
    assert int(answer.headers["x-ratelimit-remaining"]) == left - 1
    assert (await vendor.api("GET", "/usage", token)).json()["tenant_id"] == firm.id


async def test_a_refused_token_spends_nobodys(firm, vendor, token, superuser):
    await vendor.revoke(token)
    superuser.execute("delete from rate_windows")
    assert (await vendor.api("GET", "/cases", token)).status_code == 401
    assert superuser.execute("select subject from rate_windows").fetchall() == [("address:198.51.100.20",)]


async def test_the_clock_of_a_sandbox_is_never_kept(app, firm, browser, owner, vendor):
    tokens = await vendor.tokens(browser, owner, firm=firm.sandbox_id, scope="read:cases write:bookings")
    async with running(app, oauth_grant_seconds=30) as other, in_process(other) as http:
        there = at(http, vendor)
        assert (await there.api("GET", "/cases", tokens["access_token"])).status_code == 200
        async with firm.client(app, firm.sandbox_key) as sandbox:
            moved = await sandbox.put("/sandbox/clock", json={"advance_seconds": 86_400 * 40})
            assert moved.status_code == 200, moved.text
        usage = (await there.api("GET", "/usage", tokens["access_token"])).json()
        assert usage["tenant_id"] == firm.sandbox_id
        # The test clock moves business, never what is secure: the token has not expired.
        assert (await there.api("GET", "/cases", tokens["access_token"])).status_code == 200


async def test_who_acts_is_the_member_and_not_the_app(app, firm, api, browser, owner):
    writer = await register_app(app, firm, scopes=["read:cases", "write:cases", "write:clients"])
    token = (await writer.tokens(browser, owner, scope="read:cases write:cases write:clients"))[
        "access_token"
    ]
    client = (await writer.api("POST", "/clients", token, json={"name": "Ana Gil"})).json()["id"]
    wanted = {"client_id": client, "category": "civil", "title": "Linde"}
    case = (await writer.api("POST", "/cases", token, json=wanted)).json()
    activity = (await api.get(f"/cases/{case['id']}/activities")).json()["data"][0]
    assert (activity["author_type"], activity["author_id"]) == ("user", firm.owner_id)


async def test_last_uses_are_written_without_a_write_per_call(app, vendor, token, superuser):
    async with running(app) as other, in_process(other) as http:
        for _ in range(3):
            assert (await at(http, vendor).api("GET", "/cases", token)).status_code == 200
    # Whoever stops writes what is left.
    for table in ("oauth_grants", "oauth_apps"):
        (used,) = superuser.execute(f"select last_used_at from {table}").fetchone()
        assert datetime.now(UTC) - used < timedelta(minutes=1)


@pytest.mark.parametrize("scheme", ["DPoP", "Basic", "Token"])
async def test_a_bearer_token_comes_as_bearer(vendor, token, scheme):
    answer = await vendor.http.get("/v1/servicios/cases", headers={"Authorization": f"{scheme} {token}"})
    assert answer.status_code == 401


async def test_an_api_key_is_no_dpop_token(firm, vendor):
    answer = await vendor.http.get("/v1/servicios/cases", headers={"Authorization": f"DPoP {firm.key}"})
    assert answer.status_code == 401


async def test_a_token_may_name_its_firm_and_no_other(firm, other_firm, vendor, token):
    own = await vendor.api("GET", "/usage", token, headers={"X-Tenant-ID": firm.id})
    assert own.status_code == 200
    other = await vendor.api("GET", "/usage", token, headers={"X-Tenant-ID": other_firm.id})
    assert (other.status_code, other.json()["code"]) == (403, "tenant_mismatch")
