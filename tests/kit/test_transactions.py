"""One request, one transaction: committed before the answer leaves, and never half."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from conecta.api import PREFIX
from tests.odd_routes import odd_app


@pytest.fixture(scope="module")
async def odd(settings, dsn, superuser) -> AsyncIterator[FastAPI]:
    superuser.execute(_FUNCTIONS)
    async with odd_app(settings, dsn) as app:
        yield app
    superuser.execute("drop function make_late_conflict(), fail_as_a_deadlock()")


_FUNCTIONS = """
create function make_late_conflict() returns void language plpgsql as $$ begin
  create temp table late (a int unique deferrable initially deferred) on commit drop;
  insert into late values (1), (1);
end $$;
create function fail_as_a_deadlock() returns void language plpgsql as $$ begin
  raise exception using errcode = '40P01';
end $$
"""

# Both kinds of transaction: an ORM session, and prepared statements.
KINDS = pytest.mark.parametrize("kind", ["", "hot/"])


@pytest.fixture
async def odd_api(odd, firm) -> AsyncIterator[httpx.AsyncClient]:
    async with firm.client(odd) as client:
        yield client


def stored_clients(superuser, firm) -> int:
    return superuser.execute("select count(*) from clients where tenant_id = %s", [firm.id]).fetchone()[0]


@KINDS
@pytest.mark.parametrize("key", [None, "key-1"])
async def test_commit_comes_before_the_answer(odd, firm, superuser, key, kind):
    seen_at_start = []

    async def watched(scope, receive, send):
        async def sending(message):
            if message["type"] == "http.response.start":
                seen_at_start.append(stored_clients(superuser, firm))
            await send(message)

        await odd(scope, receive, sending)

    headers = {"Authorization": f"Bearer {firm.key}"} | ({"Idempotency-Key": key} if key else {})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(watched), base_url="http://x") as client:
        answer = await client.post(f"{PREFIX}/odd/{kind}write", headers=headers)
    assert answer.status_code == 201
    assert seen_at_start == [1]


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "key-1"}])
@pytest.mark.parametrize(
    ("route", "status"),
    [
        ("swallowed", 500),
        ("boom", 500),
        ("late-conflict", 409),
        ("write-and-refuse/404", 404),
        ("write-and-refuse/412", 412),
    ],
)
@KINDS
async def test_refused_write_leaves_nothing(odd_api, firm, superuser, route, status, headers, kind):
    answer = await odd_api.post(f"/odd/{kind}{route}", headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert stored_clients(superuser, firm) == 0
    # The connection that failed is fit for the next caller.
    assert (await odd_api.post(f"/odd/{kind}write")).status_code == 201
    assert stored_clients(superuser, firm) == 1


@KINDS
async def test_deadlock_is_tried_again_and_writes_once(odd, odd_api, firm, superuser, kind):
    odd.state.tried = 0
    answer = await odd_api.post(f"/odd/{kind}retried/2")
    assert (answer.status_code, answer.json()) == (201, {"tried": 3})
    assert stored_clients(superuser, firm) == 1


@KINDS
async def test_deadlock_that_never_ends_is_a_503(odd, odd_api, firm, superuser, kind):
    odd.state.tried = 0
    answer = await odd_api.post(f"/odd/{kind}retried/99", headers={"Idempotency-Key": "key-1"})
    assert (answer.status_code, odd.state.tried) == (503, 3)
    assert answer.headers["retry-after"] == "5"
    assert stored_clients(superuser, firm) == 0
    assert superuser.execute("select count(*) from idempotency_keys").fetchone() == (0,)


async def test_role_and_tenant_are_the_callers_on_every_connection(odd_api, firm, other_firm, odd):
    async with other_firm.client(odd) as other_api:
        calls = [client.get("/odd/echo") for _ in range(15) for client in (odd_api, other_api)]
        answers = await asyncio.gather(*calls)
    expected = [{"role": "conecta_app", "tenant": tenant} for tenant in (firm.id, other_firm.id)] * 15
    assert [answer.json() for answer in answers] == expected


@pytest.mark.parametrize("delay", [0.005, 0.02, 0.05, 0.1, 0.2])
async def test_caller_who_hangs_up_spoils_no_connection(odd_api, delay):
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(delay):
            await odd_api.get("/odd/slow-read")
    for _ in range(2):
        answer = await odd_api.get("/odd/slow-read")
        assert (answer.status_code, answer.json()) == (200, {"word": "done"})


@KINDS
async def test_writer_who_hangs_up_leaves_nothing_and_holds_nothing(odd_api, firm, superuser, kind):
    superuser.execute("select pg_advisory_lock(4711)")
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.3):
                await odd_api.post(f"/odd/{kind}write-and-wait", headers={"Idempotency-Key": "key-1"})
    finally:
        superuser.execute("select pg_advisory_unlock(4711)")
    assert stored_clients(superuser, firm) == 0
    again = await odd_api.post(f"/odd/{kind}write-and-wait", headers={"Idempotency-Key": "key-1"})
    assert again.status_code == 201
    assert stored_clients(superuser, firm) == 1
