"""The libraries that most Python applications use, against the real server over HTTP."""

from typing import Any

import pytest
from authlib.integrations.requests_client import OAuth2Session
from jose import jwt as python_jose
from requests_oauthlib import OAuth2Session as RequestsSession

import requests

from .browserless import Browser, authorize, over_network
from .houses import CALLBACK, SCOPE, House


@pytest.fixture(autouse=True)
def _loopback(monkeypatch):
    """Let the libraries speak plain http to this machine, which they ask to be told."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")


async def arrived(house: House, url: str) -> str:
    """Be the person whom an application sends to us; return the address of its callback."""
    async with over_network(house.origin) as http:
        seen = await authorize(Browser(http), url, person=house.person)
    assert seen.outside, (seen.url, seen.status, seen.text[:300])
    return seen.url


def published(url: str) -> dict[str, Any]:
    """Read one of the server's documents."""
    return requests.get(url, timeout=10).json()


def given(house: House, app: dict[str, Any]) -> str:
    """Return a token of the application itself."""
    fields = {"grant_type": "client_credentials", "scope": "read:cases"}
    by_basic = (app["id"], app["client_secret"])
    answer = requests.post(f"{house.origin}/oauth/token", data=fields, auth=by_basic, timeout=10)
    return answer.json()["access_token"]


async def test_requests_oauthlib_with_pkce(house):
    app = house.register(name="requests-oauthlib", pkce_required=True)
    with RequestsSession(app["id"], redirect_uri=CALLBACK, scope=SCOPE.split(), pkce="S256") as client:
        url, _state = client.authorization_url(f"{house.origin}/oauth/authorize")
        callback = await arrived(house, url)
        token = client.fetch_token(
            f"{house.origin}/oauth/token", authorization_response=callback, client_secret=app["client_secret"]
        )
        assert (token["token_type"], token["expires_in"]) == ("Bearer", 3600)
        assert client.get(f"{house.api}/cases").status_code == 200
        renewed = client.refresh_token(
            f"{house.origin}/oauth/token", auth=(app["id"], app["client_secret"]), timeout=10
        )
        assert renewed["refresh_token"] != token["refresh_token"]
        assert client.get(f"{house.api}/cases").status_code == 200
        assert client.get(f"{house.api}/clients").status_code == 403


async def test_authlibs_client_with_basic_and_with_the_secret_in_the_body(house):
    document = published(f"{house.origin}/.well-known/oauth-authorization-server")
    for how in ("client_secret_basic", "client_secret_post"):
        app = house.register(name=f"Authlib {how}")
        with OAuth2Session(
            app["id"],
            app["client_secret"],
            scope=SCOPE,
            redirect_uri=CALLBACK,
            token_endpoint_auth_method=how,
            code_challenge_method="S256",
        ) as client:
            verifier = "a" * 64
            url, state = client.create_authorization_url(
                document["authorization_endpoint"], code_verifier=verifier
            )
            token = client.fetch_token(
                document["token_endpoint"],
                authorization_response=await arrived(house, url),
                state=state,
                code_verifier=verifier,
            )
            assert client.get(f"{house.api}/cases").status_code == 200
            told = client.introspect_token(document["introspection_endpoint"], token=token["access_token"])
            assert told.json()["active"] is True
            client.refresh_token(document["token_endpoint"], token["refresh_token"])
            assert client.get(f"{house.api}/cases").status_code == 200
            newest = client.token["refresh_token"]
            assert client.revoke_token(document["revocation_endpoint"], token=newest).status_code == 200
            assert client.get(f"{house.api}/cases").status_code == 401


async def test_python_jose_verifies_what_a_third_party_was_given(house):
    app = house.register(name="python-jose", grant_types=["client_credentials"], redirect_uris=[])
    token = given(house, app)
    resource = published(f"{house.origin}/.well-known/oauth-protected-resource/v1/servicios")
    keys = published(resource["jwks_uri"])
    claims = python_jose.decode(
        token,
        keys,
        algorithms=["RS256"],
        audience=resource["resource"],
        issuer=resource["authorization_servers"][0],
        options={"require_exp": True, "require_iat": True, "require_sub": True, "require_jti": True},
    )
    assert (claims["sub"], claims["scope"], claims["tid"]) == (
        app["id"],
        "read:cases",
        house.demo["tenant_id"],
    )
