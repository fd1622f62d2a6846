"""RFC 7009 and RFC 7662: lines E1 and E2 of the server's list of musts."""

import pytest

from .arrange import OAuthApp, register_app


async def test_e1_a_revoked_refresh_token_takes_its_access_tokens_along(browser, owner, vendor):
    tokens = await vendor.tokens(browser, owner)
    newer = (await vendor.refresh(tokens["refresh_token"])).json()
    answer = await vendor.revoke(newer["refresh_token"])
    assert (answer.status_code, answer.content in {b"", b"{}"}) == (200, True)
    for token in (tokens["access_token"], newer["access_token"], newer["refresh_token"]):
        assert (await vendor.introspect(token)).json() == {"active": False}
    for token in (tokens["access_token"], newer["access_token"]):
        assert (await vendor.api("GET", "/cases", token)).status_code == 401
    for token in (tokens["refresh_token"], newer["refresh_token"]):
        assert (await vendor.refresh(token)).json()["error"] == "invalid_grant"


async def test_e1_a_revoked_access_token_stops(browser, owner, vendor):
    tokens = await vendor.tokens(browser, owner)
    assert (await vendor.revoke(tokens["access_token"])).status_code == 200
    assert (await vendor.api("GET", "/cases", tokens["access_token"])).status_code == 401


async def test_e1_one_authorization_ends_and_another_of_the_same_app_does_not(browser, owner, vendor):
    first, second = await vendor.tokens(browser, owner), await vendor.tokens(browser, owner)
    await vendor.revoke(first["refresh_token"])
    assert (await vendor.api("GET", "/cases", second["access_token"])).status_code == 200
    assert (await vendor.refresh(second["refresh_token"])).status_code == 200


@pytest.mark.parametrize("token", ["nobody's", "eyJhbGciOiJub25lIn0.e30.", "ñ", "x" * 10_000])
async def test_e1_an_unknown_token_is_a_200(vendor, token):
    assert (await vendor.revoke(token)).status_code == 200


async def test_e1_a_hint_is_only_a_hint(browser, owner, vendor):
    tokens = await vendor.tokens(browser, owner)
    fields = {"token": tokens["refresh_token"], "token_type_hint": "access_token"}
    assert (await vendor.call("/oauth/revoke", fields)).status_code == 200
    assert (await vendor.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_e1_clients_authenticate_and_public_ones_say_who_they_are(browser, owner, vendor, native, http):
    token = (await vendor.tokens(browser, owner))["refresh_token"]
    imposter = OAuthApp(vendor.http, vendor.id, "wrong")
    assert (await imposter.revoke(token)).status_code == 401
    assert (await imposter.revoke(token, how="none")).status_code == 401
    assert (await http.post("/oauth/revoke", data={"token": token})).status_code == 401
    assert (await vendor.refresh(token)).status_code == 200
    own = await native.tokens(browser, owner)
    assert (await native.revoke(own["refresh_token"])).status_code == 200
    assert (await native.refresh(own["refresh_token"])).json()["error"] == "invalid_grant"


async def test_e1_nobody_revokes_anothers_tokens(app, firm, browser, owner, vendor):
    stranger = await register_app(app, firm, name="Otra")
    tokens = await vendor.tokens(browser, owner)
    for token in (tokens["access_token"], tokens["refresh_token"]):
        answer = await stranger.revoke(token)
        assert answer.status_code in {200, 400}
    assert (await vendor.api("GET", "/cases", tokens["access_token"])).status_code == 200
    assert (await vendor.refresh(tokens["refresh_token"])).status_code == 200


@pytest.mark.parametrize("path", ["/oauth/revoke", "/oauth/introspect"])
async def test_e1_e2_a_token_is_asked_for(vendor, path):
    answer = await vendor.call(path, {})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_e2_the_endpoint_is_protected(browser, owner, vendor, native, http):
    token = (await vendor.tokens(browser, owner))["access_token"]
    assert (await http.post("/oauth/introspect", data={"token": token})).status_code == 401
    assert (await OAuthApp(vendor.http, vendor.id, "wrong").introspect(token)).status_code == 401
    # Whoever can prove nothing about themselves could go fishing with stolen tokens.
    assert (await native.introspect(token)).status_code == 401
    bearer = {"Authorization": f"Bearer {token}"}
    assert (await http.post("/oauth/introspect", data={"token": token}, headers=bearer)).status_code == 401


async def test_e2_a_good_token_is_described(firm, browser, owner, vendor):
    tokens = await vendor.tokens(browser, owner)
    answer = await vendor.introspect(tokens["access_token"])
    found = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert found["active"] is True
    assert (found["client_id"], found["sub"], found["token_type"]) == (vendor.id, firm.owner_id, "Bearer")
    assert found["scope"] == tokens["scope"]
    assert found["exp"] - found["iat"] == 3600
    refresh = (await vendor.introspect(tokens["refresh_token"])).json()
    assert refresh["active"] is True


async def test_e2_everything_else_is_inactive_and_nothing_more(app, firm, browser, owner, vendor, superuser):
    stranger = await register_app(app, firm, name="Otra")
    tokens = await vendor.tokens(browser, owner)
    for token in (tokens["access_token"], tokens["refresh_token"]):
        foreign = await stranger.introspect(token)
        assert (foreign.status_code, foreign.json()) == (200, {"active": False})
        assert foreign.headers["cache-control"] == "no-store"
    for token in ("unknown", "eyJhbGciOiJub25lIn0.e30.", firm.key, "ñ"):
        assert (await vendor.introspect(token)).json() == {"active": False}
    superuser.execute("update oauth_refresh_tokens set expires_at = now() - interval '1 second'")
    assert (await vendor.introspect(tokens["refresh_token"])).json() == {"active": False}
    await vendor.revoke(tokens["refresh_token"])
    assert (await vendor.introspect(tokens["access_token"])).json() == {"active": False}
