"""What the protocol needs no more is deleted; what can still tell a replay is kept."""

import pytest

from conecta.oauth import cleanup

from .arrange import CALLBACK, Prover, pkce

TABLES = ("oauth_codes", "oauth_refresh_tokens", "oauth_families", "oauth_pushed_requests", "oauth_proofs")


@pytest.fixture
async def used(browser, owner, vendor, initial_token) -> dict:
    """One of everything."""
    body = {"redirect_uri": CALLBACK, "response_type": "code", "scope": "read:cases"}
    assert (await vendor.call("/oauth/par", body)).status_code == 201
    proof = Prover().proof("POST", f"{vendor.issuer}/oauth/token")
    assert (await vendor.token(grant_type="client_credentials", dpop=proof)).status_code == 200
    return await vendor.tokens(browser, owner)


def counts(superuser) -> dict[str, int]:
    return {
        table: superuser.execute(f"select count(*) from {table}").fetchone()[0]
        for table in (*TABLES, "oauth_initial_tokens", "oauth_grants", "oauth_apps")
    }


def later(superuser, by: str) -> None:
    """Let time go by: everything ends so much earlier."""
    for table in (*TABLES, "oauth_initial_tokens"):
        superuser.execute(f"update {table} set expires_at = expires_at - interval '{by}'")


async def test_what_is_alive_or_ended_today_is_kept(app, superuser, vendor, used):
    before = counts(superuser)
    assert all(count for count in before.values())
    await cleanup.delete_expired(app.state.database)
    assert counts(superuser) == before
    later(superuser, "12 hours")
    await cleanup.delete_expired(app.state.database)
    # A proof or a pushed request that is refused by its time alone need not be remembered.
    assert counts(superuser) == before | {"oauth_proofs": 0, "oauth_pushed_requests": 0}
    assert (await vendor.refresh(used["refresh_token"])).status_code == 200


async def test_after_a_day_codes_are_gone_and_the_authorization_stays(app, superuser, vendor, used):
    later(superuser, "3 days")
    await cleanup.delete_expired(app.state.database)
    left = counts(superuser)
    assert (left["oauth_codes"], left["oauth_pushed_requests"], left["oauth_initial_tokens"]) == (0, 0, 0)
    assert left["oauth_refresh_tokens"] == 1
    assert left["oauth_families"] == 1, "the family of the app's own token is over"
    assert (await vendor.refresh(used["refresh_token"])).status_code == 200


async def test_what_nobody_used_for_a_month_is_gone_and_what_was_allowed_is_remembered(
    app, superuser, vendor, used
):
    later(superuser, "32 days")
    await cleanup.delete_expired(app.state.database)
    left = counts(superuser)
    assert {table: left[table] for table in TABLES} == dict.fromkeys(TABLES, 0)
    assert (left["oauth_grants"], left["oauth_apps"]) == (2, 1)
    assert (await vendor.refresh(used["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await vendor.api("GET", "/cases", used["access_token"])).status_code == 401


async def test_using_an_authorization_keeps_it(app, superuser, browser, owner, vendor):
    verifier, challenge = pkce()
    asked = {"code_challenge": challenge, "code_challenge_method": "S256"}
    tokens = (await vendor.exchange(await vendor.code(browser, owner, **asked), verifier)).json()
    for _ in range(3):
        later(superuser, "20 days")
        await cleanup.delete_expired(app.state.database)
        tokens = (await vendor.refresh(tokens["refresh_token"])).json()
    assert (await vendor.api("GET", "/cases", tokens["access_token"])).status_code == 200


async def test_batches_go_on_until_nothing_is_left(app, superuser, monkeypatch):
    monkeypatch.setattr("conecta.oauth.cleanup_queries.BATCH", 10)
    superuser.execute(
        "insert into oauth_proofs select sha256(n::text::bytea), now() - interval '1 day'"
        " from generate_series(1, 35) n"
    )
    assert await cleanup.delete_expired(app.state.database) == 35
