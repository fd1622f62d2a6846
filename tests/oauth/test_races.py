"""Fifty at once: of whatever may happen once only, one caller wins, at one server or at several."""

import asyncio
import secrets
import time

import pytest

from .arrange import CALLBACK, OAuthApp, Prover, pkce
from .browserless import Browser, consent_form, in_process
from .servers import running

MANY = 50
DISCOVERED = {"code_challenge_method": "S256"}


@pytest.fixture
async def servers(app):
    """Three servers over one database."""
    async with running(app) as second, running(app) as third:
        yield [app, second, third]


@pytest.fixture
async def everywhere(servers, vendor):
    """The vendor's app, talking to each of them."""
    clients = [in_process(server, address="198.51.100.20") for server in servers]
    yield [OAuthApp(client, vendor.id, vendor.secret) for client in clients]
    for client in clients:
        await client.aclose()


async def at_once(calls):
    return await asyncio.gather(*calls)


def statuses(answers) -> dict[int, int]:
    found = [answer.status_code for answer in answers]
    return {status: found.count(status) for status in set(found)}


async def test_a_code_is_redeemed_once_among_several_servers(everywhere, browser, owner, vendor, superuser):
    verifier, challenge = pkce()
    code = await vendor.code(browser, owner, code_challenge=challenge, **DISCOVERED)
    answers = await at_once(everywhere[i % 3].exchange(code, verifier) for i in range(MANY))
    assert statuses(answers) == {200: 1, 400: MANY - 1}
    assert {answer.json()["error"] for answer in answers if answer.status_code == 400} == {"invalid_grant"}
    (won,) = [answer.json() for answer in answers if answer.status_code == 200]
    # Somebody else had the code too: what the winner was given is worth nothing any more.
    assert (await vendor.api("GET", "/cases", won["access_token"])).status_code == 401
    assert (await vendor.refresh(won["refresh_token"])).json()["error"] == "invalid_grant"
    told = superuser.execute("select count(*) from audit_entries where action = 'oauth_grant.replayed'")
    assert told.fetchone() == (1,)


async def test_a_refresh_token_used_by_many_at_once_gives_each_a_pair_of_one_family(
    everywhere, browser, owner, vendor, superuser
):
    tokens = await vendor.tokens(browser, owner)
    answers = await at_once(everywhere[i % 3].refresh(tokens["refresh_token"]) for i in range(MANY))
    assert statuses(answers) == {200: MANY}
    pairs = [answer.json() for answer in answers]
    assert len({pair["refresh_token"] for pair in pairs}) == MANY
    assert superuser.execute("select count(*) from oauth_families").fetchone() == (1,)
    # All of them are twins: the use of one ends the others, whoever had them.
    assert (await vendor.refresh(pairs[7]["refresh_token"])).status_code == 200
    superuser.execute(
        "update oauth_refresh_tokens set used_at = used_at - interval '1 minute' where used_at is not null"
    )
    assert (await vendor.refresh(pairs[8]["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await vendor.api("GET", "/cases", pairs[7]["access_token"])).status_code == 401


async def test_a_stolen_refresh_token_used_by_many_at_once_ends_the_family_once(
    everywhere, browser, owner, vendor, superuser
):
    tokens = await vendor.tokens(browser, owner)
    fresh = (await vendor.refresh(tokens["refresh_token"])).json()
    superuser.execute(
        "update oauth_refresh_tokens set used_at = now() - interval '1 minute' where used_at is not null"
    )
    calls = [everywhere[i % 3].refresh(tokens["refresh_token"]) for i in range(MANY - 1)]
    answers = await at_once([*calls, vendor.refresh(fresh["refresh_token"])])
    assert statuses(answers[:-1]) == {400: MANY - 1}
    assert (await vendor.api("GET", "/cases", fresh["access_token"])).status_code == 401
    told = superuser.execute("select count(*) from audit_entries where action = 'oauth_grant.replayed'")
    assert told.fetchone() == (1,)


async def test_twins_used_at_once_do_not_block_each_other(browser, owner, vendor):
    tokens = await vendor.tokens(browser, owner)
    twins = [(await vendor.refresh(tokens["refresh_token"])).json()["refresh_token"] for _ in range(10)]
    answers = await at_once(vendor.refresh(twin) for twin in twins * 3)
    assert statuses(answers) == {200: 30}


async def test_a_pushed_request_is_answered_once(servers, browser, owner, vendor):
    body = {"redirect_uri": CALLBACK, "response_type": "code", "scope": "read:cases", "state": "x"}
    request_uri = (await vendor.call("/oauth/par", body)).json()["request_uri"]
    url = f"/oauth/authorize?client_id={vendor.id}&request_uri={request_uri}"
    page = await browser.sign_in(*owner.login, page=await browser.open(url))
    form = consent_form(page)
    fields = form.sent(button=("action", "approve"))
    cookies = browser.http.cookies

    async def answer(i: int):
        async with in_process(servers[i % 3], address="203.0.113.9") as http:
            http.cookies = cookies
            return await Browser(http).post("/oauth/authorize", fields, site="none")

    seen = await at_once(answer(i) for i in range(20))
    outcomes = [found.query.get("error", "code") for found in seen if found.outside]
    assert outcomes.count("code") == 1
    # Those who came later found no open request, or lost the race for it.
    assert set(outcomes) <= {"code", "invalid_request_uri"}
    assert {found.status for found in seen if not found.outside} <= {400}


async def test_a_proof_is_good_once_at_the_token_endpoint_too(everywhere, vendor):
    proof = Prover().proof("POST", f"{vendor.issuer}/oauth/token")
    answers = await at_once(
        everywhere[i % 3].token(grant_type="client_credentials", dpop=proof) for i in range(MANY)
    )
    assert statuses(answers) == {200: 1, 400: MANY - 1}


async def test_an_initial_access_token_registers_as_often_as_it_may(app, http, initial_token, superuser):
    superuser.execute("update oauth_initial_tokens set uses_left = 3")
    headers = {"Authorization": f"Bearer {initial_token}"}
    body = {"redirect_uris": [CALLBACK], "client_name": "Muchas"}
    answers = await at_once(http.post("/oauth/register", json=body, headers=headers) for _ in range(20))
    assert statuses(answers) == {201: 3, 401: 17}
    assert superuser.execute("select count(*) from oauth_apps").fetchone() == (3,)


async def test_consents_of_one_person_at_once_are_one_grant(browser, owner, vendor, superuser):
    await vendor.code(browser, owner)
    page = await browser.open(vendor.url(prompt="consent", state=secrets.token_hex(4)))
    fields = consent_form(page).sent(button=("action", "approve"))
    started = time.monotonic()
    seen = await at_once(browser.post("/oauth/authorize", fields, site="none") for _ in range(20))
    assert time.monotonic() - started < 30
    codes = {found.query["code"] for found in seen}
    assert len(codes) == 20
    assert superuser.execute("select count(*) from oauth_grants").fetchone() == (1,)
    answers = await at_once(vendor.exchange(code) for code in codes)
    assert statuses(answers) == {200: 20}
