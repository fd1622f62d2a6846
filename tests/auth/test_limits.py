"""Limits over HTTP: the plan's requests a minute and a day, and the headers on every answer.

Every test runs with the counters in Postgres and in Redis. Windows are arranged a minute and a day ahead
(a store never goes back), so that no test depends on when in the minute it runs.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI

from conecta.auth.scopes import Scope
from conecta.kit.rate_limit import DAY, MINUTE
from tests.conftest import http_client
from tests.firms import Firm, make_firm, make_key
from tests.odd_routes import SECRET, odd_app
from tests.redis_server import RedisServer, running_redis

ADDRESS = "address:203.0.113.7"


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


class Limited:
    """An application with misbehaving routes, and a hand on its counters."""

    def __init__(self, app: FastAPI, superuser, redis_server: RedisServer | None) -> None:
        self.app, self._superuser, self._redis = app, superuser, redis_server

    def arrange(self, subject: str, minute_used: int, day_used: int) -> None:
        now = int(time.time())
        row = (now - now % MINUTE + MINUTE, minute_used, now - now % DAY + DAY, day_used)
        if self._redis is not None:
            with self._redis.client() as client:
                names = ("ms", "mu", "ds", "du")
                client.hset(f"conecta:rate:{subject}", mapping=dict(zip(names, row, strict=True)))
            return
        self._superuser.execute("delete from rate_windows where subject = %s", [subject])
        self._superuser.execute(
            "insert into rate_windows (subject, minute_start, minute_used, day_start, day_used)"
            " values (%s, %s, %s, %s, %s)",
            [subject, *row],
        )

    def used(self, subject: str) -> tuple[int, int]:
        if self._redis is not None:
            with self._redis.client() as client:
                found = client.hmget(f"conecta:rate:{subject}", "mu", "du")
                return int(found[0] or 0), int(found[1] or 0)
        row = self._superuser.execute(
            "select minute_used, day_used from rate_windows where subject = %s", [subject]
        ).fetchone()
        return row or (0, 0)


@pytest.fixture(scope="module", params=["postgres", "redis"])
async def running(request, settings, dsn) -> AsyncIterator[tuple[FastAPI, RedisServer | None]]:
    server = request.getfixturevalue("redis_server") if request.param == "redis" else None
    settings = settings.model_copy(update={"redis_url": server.url if server else None})
    async with odd_app(settings, dsn) as app:
        yield app, server


@pytest.fixture
async def limited(running, superuser) -> Limited:
    app, server = running
    if server is not None:
        with server.client() as client:
            client.flushall()
    return Limited(app, superuser, server)


@pytest.fixture
async def free(limited) -> Firm:
    return await make_firm(limited.app, plan="free")


@pytest.fixture
async def api(limited, free) -> AsyncIterator[httpx.AsyncClient]:
    async with free.client(limited.app) as client:
        yield client


def limits_of(answer: httpx.Response) -> tuple[int, int, int]:
    """Return limit, remaining and reset; each of the five headers must be there once, well formed."""
    for name in ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"):
        assert len(answer.headers.get_list(name)) == 1, name
    window = r'"(minute|day)";r=\d+;t=\d+'
    assert re.fullmatch(rf"{window},{window}", answer.headers["ratelimit"])
    policy = r'"minute";q=\d+;w=60,"day";q=\d+;w=86400'
    assert re.fullmatch(policy, answer.headers["ratelimit-policy"])
    return tuple(int(answer.headers[f"x-ratelimit-{n}"]) for n in ("limit", "remaining", "reset"))


# --- how many -----------------------------------------------------------------------------------------


async def test_two_hundred_at_once_on_the_free_plan_get_exactly_sixty(limited, free, api):
    limited.arrange(free.id, 0, 0)
    answers = await asyncio.gather(*(api.get("/clients") for _ in range(200)))
    assert sorted(answer.status_code for answer in answers) == [200] * 60 + [429] * 140
    assert limited.used(free.id) == (60, 60)
    remaining = sorted(limits_of(a)[1] for a in answers if a.status_code == 200)
    assert remaining == list(range(60))


async def test_all_keys_of_a_firm_share_its_limit(limited, free, api):
    limited.arrange(free.id, 58, 58)
    key = await make_key(limited.app, free.id, [Scope.CLIENTS_READ])
    async with free.client(limited.app, key) as other:
        statuses = [(await client.get("/usage")).status_code for client in (api, other, api, other)]
    assert statuses == [200, 200, 429, 429]


async def test_firms_do_not_share(limited, free, api):
    limited.arrange(free.id, 60, 60)
    other = await make_firm(limited.app, name="Otra", plan="free")
    async with other.client(limited.app) as other_api:
        assert (await other_api.get("/usage")).status_code == 200
    assert (await api.get("/usage")).status_code == 429


async def test_sandbox_has_its_own_bucket_of_the_same_size(limited, free, api):
    limited.arrange(free.id, 60, 60)
    async with free.client(limited.app, free.sandbox_key) as sandbox:
        answer = await sandbox.get("/usage")
    assert answer.status_code == 200
    assert limits_of(answer)[:2] == (60, 59)
    assert (await api.get("/usage")).status_code == 429
    assert limited.used(free.sandbox_id) == (1, 1)


@pytest.mark.parametrize(
    ("plan", "minute", "day"), [("professional", 300, 10_000), ("enterprise", 1000, 100_000)]
)
async def test_plan_change_takes_effect_on_the_next_call(limited, free, api, superuser, plan, minute, day):
    limited.arrange(free.id, 60, 60)
    assert (await api.get("/usage")).status_code == 429
    superuser.execute("update tenants set plan_id = %s where id = %s", [plan, free.id])
    answer = await api.get("/usage")
    assert answer.status_code == 200
    assert answer.json()["plan"] == plan
    assert limits_of(answer)[:2] == (minute, minute - 61)
    assert answer.headers["ratelimit-policy"] == f'"minute";q={minute};w=60,"day";q={day};w=86400'


async def test_override_of_one_firm(limited):
    firm = await make_firm(limited.app, plan="free", per_minute=5, per_day=7)
    for tenant_id, key in ((firm.id, firm.key), (firm.sandbox_id, firm.sandbox_key)):
        limited.arrange(tenant_id, 0, 0)
        async with firm.client(limited.app, key) as client:
            statuses = [(await client.get("/usage")).status_code for _ in range(6)]
        assert statuses == [200] * 5 + [429]


@pytest.mark.parametrize(
    ("left", "plan"), [(timedelta(seconds=-1), "free"), (timedelta(hours=1), "professional")]
)
async def test_trial_falls_to_free_when_it_is_over(limited, superuser, left, plan):
    firm = await make_firm(limited.app, plan="professional")
    superuser.execute(
        "update tenants set trial_until = %s where id = %s", [datetime.now(UTC) + left, firm.id]
    )
    for key in (firm.key, firm.sandbox_key):
        async with firm.client(limited.app, key) as client:
            answer = await client.get("/usage")
        assert answer.json()["plan"] == plan
        assert limits_of(answer)[0] == {"free": 60, "professional": 300}[plan]


# --- what is charged ----------------------------------------------------------------------------------


async def test_full_day_does_not_charge_the_minute(limited, free, api):
    limited.arrange(free.id, 3, 1000)
    answer = await api.get("/usage")
    assert answer.status_code == 429
    assert answer.json()["violated-policies"] == ["day"]
    assert limits_of(answer)[:2] == (1000, 0)
    assert limited.used(free.id) == (3, 1000)


async def test_full_minute_does_not_charge_the_day(limited, free, api):
    limited.arrange(free.id, 60, 500)
    for _ in range(3):
        answer = await api.get("/usage")
        assert (answer.status_code, answer.json()["violated-policies"]) == (429, ["minute"])
    assert limited.used(free.id) == (60, 500)


async def test_not_modified_is_free(limited, free, api):
    limited.arrange(free.id, 10, 10)
    first = await api.get("/clients")
    assert limited.used(free.id) == (11, 11)
    for _ in range(3):
        again = await api.get("/clients", headers={"If-None-Match": first.headers["etag"]})
        assert again.status_code == 304
        assert limits_of(again)[1] == 49
    assert limited.used(free.id) == (11, 11)


@pytest.mark.parametrize(("method", "path"), [("GET", "boom"), ("POST", "boom"), ("GET", "bare-boom")])
async def test_our_own_faults_are_free(limited, free, api, method, path):
    limited.arrange(free.id, 10, 10)
    answer = await api.request(method, f"/odd/{path}")
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal_error"
    assert SECRET not in answer.text
    assert limits_of(answer)[1] == 50
    assert limited.used(free.id) == (10, 10)


@pytest.mark.parametrize(
    ("method", "path", "headers", "content", "status"),
    [
        ("POST", "/clients", {}, b"{", 400),
        ("GET", "/clients?limit=0", {}, None, 400),
        ("GET", "/usage", {"X-Tenant-ID": "tenant_other"}, None, 403),
        ("GET", "/clients/cli_nobody", {}, None, 404),
        ("GET", "/nowhere", {}, None, 404),
        ("GET", "/odd/bare-refusal", {}, None, 404),
        ("PUT", "/clients", {}, None, 405),
        ("GET", "/clients", {"Accept": "text/html"}, None, 406),
        ("POST", "/clients", {}, b" " * 1_048_577, 413),
        ("POST", "/clients", {"Content-Type": "text/plain"}, b"x", 415),
        ("POST", "/clients", {}, b"{}", 422),
    ],
)
async def test_refusals_are_charged_and_show_the_limits(
    limited, free, api, method, path, headers, content, status
):
    limited.arrange(free.id, 10, 10)
    if content is not None:
        headers = {"Content-Type": "application/json", **headers}
    answer = await api.request(method, path, headers=headers, content=content)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert limits_of(answer)[:2] == (60, 49)
    assert limited.used(free.id) == (11, 11)


# --- what is said -------------------------------------------------------------------------------------


async def test_answer_of_a_full_minute(limited, free, api):
    limited.arrange(free.id, 60, 60)
    before = int(time.time())
    answer = await api.get("/usage", headers={"Accept-Language": "en"})
    after = int(time.time())
    body = answer.json()
    limit, remaining, reset = limits_of(answer)
    assert (limit, remaining) == (60, 0)
    assert reset % MINUTE == 0
    assert before <= reset - int(answer.headers["retry-after"]) <= after
    assert body["type"] == "https://iana.org/assignments/http-problem-types#quota-exceeded"
    assert (body["status"], body["code"], body["violated-policies"]) == (429, "rate_limited", ["minute"])
    assert body["detail"].startswith("The limit of 60 per minute is used up.")


async def test_when_both_are_full_the_later_one_is_named(limited, free, api):
    limited.arrange(free.id, 60, 1000)
    answer = await api.get("/usage")
    assert answer.json()["violated-policies"] == ["day"]
    assert int(answer.headers["retry-after"]) > 2 * MINUTE
    assert limits_of(answer)[2] % DAY == 0


async def test_tighter_window_is_shown(limited, free, api):
    limited.arrange(free.id, 10, 990)
    assert limits_of(await api.get("/usage"))[:2] == (1000, 9)
    limited.arrange(free.id, 55, 800)
    assert limits_of(await api.get("/usage"))[:2] == (60, 4)


async def test_usage_shows_both_windows(limited, free, api):
    limited.arrange(free.id, 10, 400)
    answer = await api.get("/usage")
    body = answer.json()
    assert (body["tenant_id"], body["plan"]) == (free.id, "free")
    numbers = {name: [body[name][n] for n in ("limit", "used", "remaining")] for name in ("minute", "day")}
    assert numbers == {"minute": [60, 11, 49], "day": [1000, 401, 599]}
    for name in ("minute", "day"):
        resets = datetime.fromisoformat(body[name]["resets_at"])
        assert body[name]["resets_at"].endswith("Z")
        assert resets > datetime.now(UTC)
    assert limited.used(free.id) == (11, 401)


# --- those who may not come in ------------------------------------------------------------------------


async def test_refused_credentials_have_a_bucket_of_their_address(limited, free, api):
    limited.arrange(ADDRESS, 0, 0)
    async with free.client(limited.app, "sk_live_nonsense") as stranger:
        answers = await asyncio.gather(*(stranger.get("/usage") for _ in range(40)))
    assert sorted(answer.status_code for answer in answers) == [401] * 30 + [429] * 10
    assert {limits_of(answer)[0] for answer in answers} == {30}
    assert limited.used(ADDRESS) == (30, 30)
    assert limited.used(free.id) == (0, 0)
    # The same address with a good key is served.
    assert (await api.get("/usage")).status_code == 200


async def test_addresses_do_not_share_their_refusals(limited):
    limited.arrange(ADDRESS, 30, 30)
    async with http_client(limited.app) as elsewhere:  # this client has another address
        assert (await elsewhere.get("/v1/servicios/usage")).status_code == 401


@pytest.mark.parametrize(
    ("bucket", "address", "shared"),
    [
        ("203.0.113.7", "203.0.113.7", True),
        ("203.0.113.7", "203.0.113.8", False),
        ("203.0.113.7", "::ffff:203.0.113.7", True),
        ("2001:db8:1:2::/64", "2001:db8:1:2::5", True),
        ("2001:db8:1:2::/64", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::/64", "2001:db8:1:3::5", False),
        ("fe80::/64", "fe80::1%eth0", True),
        ("not an address", "not an address", True),
    ],
)
async def test_network_of_one_customer_is_one_address(limited, bucket, address, shared):
    limited.arrange(f"address:{bucket}", 30, 30)
    transport = httpx.ASGITransport(limited.app, client=(address, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        answer = await client.get("/v1/servicios/usage")
    assert answer.status_code == (429 if shared else 401)


async def test_charge_that_cannot_be_given_back_spoils_no_answer(app, firm, superuser):
    """A counter that cannot be lowered must not turn our answer into another."""
    async with firm.client(app) as api:
        await _not_modified_while_counters_are_stuck(api, superuser)


async def _not_modified_while_counters_are_stuck(api: httpx.AsyncClient, superuser) -> None:
    etag = (await api.get("/clients")).headers["etag"]
    superuser.execute(
        "create function stuck() returns trigger language plpgsql as"
        " $$ begin if new.day_used < old.day_used then raise 'stuck'; end if; return new; end $$"
    )
    superuser.execute(
        "create trigger stuck before update on rate_windows for each row execute function stuck()"
    )
    try:
        answer = await api.get("/clients", headers={"If-None-Match": etag})
    finally:
        superuser.execute("drop trigger stuck on rate_windows")
        superuser.execute("drop function stuck()")
    assert answer.status_code == 304
    limits_of(answer)
