"""What the operator sees of the OAuth2 server: commands, the demo's app, and logs without a single secret."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.processes import Installation, installation

from .arrange import basic, parts_of


@pytest.fixture(scope="module")
def house() -> Iterator[Installation]:
    """A server that logs all that it can."""
    with tempfile.TemporaryDirectory(prefix="conecta-oauth-") as folder, installation(Path(folder)) as made:
        made.environment["CONECTA_LOG_LEVEL"] = "DEBUG"
        made.serve("--no-worker")
        yield made


@pytest.fixture(scope="module")
def demo(house: Installation) -> dict:
    return house.json("demo")


def origin(house: Installation) -> str:
    return f"http://127.0.0.1:{house.port}"


def token_of(house: Installation, client_id: str, secret: str) -> httpx.Response:
    fields = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    return httpx.post(f"{origin(house)}/oauth/token", data=fields)


def usage(house: Installation, token: str) -> int:
    return httpx.get(f"{house.url}/usage", headers={"Authorization": f"Bearer {token}"}).status_code


def keys_of(house: Installation) -> list[str]:
    return [key["kid"] for key in httpx.get(f"{origin(house)}/oauth/jwks").json()["keys"]]


def test_the_demo_has_an_app_whose_secret_is_fresh_each_time(house, demo):
    again = house.json("demo")
    assert demo["oauth"]["redirect_uri"] == "http://127.0.0.1:8765/callback"
    assert again["oauth"]["client_id"] == demo["oauth"]["client_id"]
    assert again["oauth"]["client_secret"] != demo["oauth"]["client_secret"]
    for given in (demo, again):
        app = given["oauth"]
        answer = token_of(house, app["client_id"], app["client_secret"])
        assert answer.status_code == 200
        assert usage(house, answer.json()["access_token"]) == 200


def test_an_initial_access_token_is_made_by_command(house, demo):
    made = house.json("oauth", "initial-access-token", "--tenant", demo["tenant_id"])
    headers = {"Authorization": f"Bearer {made['initial_access_token']}"}
    body = {"client_name": "Sola", "redirect_uris": ["https://app.example/cb"]}
    first = httpx.post(f"{origin(house)}/oauth/register", json=body, headers=headers)
    assert first.status_code == 201, first.text
    assert httpx.post(f"{origin(house)}/oauth/register", json=body, headers=headers).status_code == 401
    nowhere = house.run("oauth", "initial-access-token", "--tenant", "tenant_nobody", check=False)
    assert (nowhere.returncode, nowhere.stdout) == (1, "")
    assert "tenant_nobody" in nowhere.stderr
    assert nowhere.stderr.count("\n") == 1


def test_nothing_secret_is_in_the_logs(house, demo):
    """Good requests and bad ones, at the most talkative level: no secret, code or token is written."""
    app = demo["oauth"]
    secret, wrong = app["client_secret"], "cnt_secret_wrong-but-typed-by-somebody"
    token = token_of(house, app["client_id"], secret).json()["access_token"]
    assert token_of(house, app["client_id"], wrong).status_code == 401
    at = f"{origin(house)}/oauth"
    code, refresh = "Zm9yZ2VkLWNvZGUtb2Ytc29tZWJvZHk", "Zm9yZ2VkLXJlZnJlc2gtdG9rZW4"
    headers = {"Authorization": basic(app["client_id"], secret)}
    for fields in (
        {"grant_type": "authorization_code", "code": code, "redirect_uri": app["redirect_uri"]},
        {"grant_type": "refresh_token", "refresh_token": refresh},
        {"grant_type": "client_credentials", "scope": "no such scope"},
    ):
        assert httpx.post(f"{at}/token", data=fields, headers=headers).status_code == 400
    for path in ("introspect", "revoke"):
        assert httpx.post(f"{at}/{path}", data={"token": token}, headers=headers).status_code == 200
    httpx.get(f"{house.url}/cases?access_token={token}")
    httpx.get(f"{house.url}/cases", headers={"Authorization": f"DPoP {token}", "DPoP": token})
    httpx.get(f"{at}/authorize?client_id={app['client_id']}&code={code}&client_secret={secret}")
    log = (house.folder.parent / "processes.log").read_text()
    assert "/oauth/token" in log
    for hidden in (secret, wrong, token, token.rpartition(".")[2], code, refresh, headers["Authorization"]):
        assert hidden not in log
    assert "PRIVATE KEY" not in log
    assert json.dumps(demo["api_key"]) not in log


def test_keys_are_rotated_by_command_and_no_token_breaks(house, demo):
    app = demo["oauth"]
    token = token_of(house, app["client_id"], app["client_secret"]).json()["access_token"]
    before = keys_of(house)
    new = house.json("oauth", "rotate-keys")["kid"]
    assert new not in before
    again = house.run("oauth", "rotate-keys", check=False)
    assert again.returncode == 1
    assert again.stderr.count("\n") == 1
    assert usage(house, token) == 200
    # The new one does not sign yet: whoever keeps a copy of the set has not seen it.
    fresh = token_of(house, app["client_id"], app["client_secret"]).json()["access_token"]
    assert parts_of(fresh)[0]["kid"] == parts_of(token)[0]["kid"]
    # A leaked key does not wait for anybody.
    assert house.json("oauth", "rotate-keys", "--leaked")["kid"] not in {new, *before}
