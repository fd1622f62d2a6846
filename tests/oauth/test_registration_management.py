"""What the holder of a registration access token may do with the app it registered (RFC 7592)."""

import pytest

from .arrange import CALLBACK, OAuthApp, Prover


@pytest.fixture
async def registered(http, initial_token) -> dict:
    body = {
        "client_name": "Sola",
        "redirect_uris": [CALLBACK],
        "scope": "read:cases",
        "token_endpoint_auth_method": "client_secret_post",
        "contacts": ["dev@app.example"],
    }
    answer = await http.post(
        "/oauth/register", json=body, headers={"Authorization": f"Bearer {initial_token}"}
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


def managing(registered: dict) -> dict[str, str]:
    return {"Authorization": f"Bearer {registered['registration_access_token']}"}


async def test_it_reads_what_is_registered_but_no_secret(http, registered):
    path = registered["registration_client_uri"].removeprefix(str(http.base_url).rstrip("/"))
    answer = await http.get(path, headers=managing(registered))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    shown = answer.json()
    assert shown.items() <= registered.items()
    assert shown["contacts"] == ["dev@app.example"]
    assert not {"client_secret", "registration_access_token"} & shown.keys()


async def test_it_shows_what_the_firm_has_changed_meanwhile(api, http, registered):
    path = f"/oauth/register/{registered['client_id']}"
    await api.patch(f"/oauth-apps/{registered['client_id']}", json={"name": "Acompañada"})
    assert (await http.get(path, headers=managing(registered))).json()["client_name"] == "Acompañada"


async def test_it_deletes_its_app(api, http, registered):
    path = f"/oauth/register/{registered['client_id']}"
    assert (await api.get(f"/oauth-apps/{registered['client_id']}")).json()["registered_itself"] is True
    gone = await http.delete(path, headers=managing(registered))
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await http.get(path, headers=managing(registered))).status_code == 401
    assert (await api.get("/oauth-apps")).json()["data"] == []
    entries = (await api.get("/audit-log", params={"action": "oauth_app.*"})).json()["data"]
    assert [entry["action"] for entry in entries] == ["oauth_app.deleted", "oauth_app.created"]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_nobody_else_does(http, registered, initial_token, vendor, method):
    own = f"/oauth/register/{registered['client_id']}"
    tries = [
        (own, {}),
        (own, {"Authorization": "Bearer cnt_registration_guess"}),
        (own, {"Authorization": f"Bearer {initial_token}"}),
        (own, {"Authorization": f"Basic {registered['registration_access_token']}"}),
        (f"/oauth/register/{vendor.id}", managing(registered)),
        ("/oauth/register/app_nobody", managing(registered)),
    ]
    for path, headers in tries:
        answer = await http.request(method, path, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token"), path
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert (await http.get(own, headers=managing(registered))).status_code == 200


async def test_it_authenticates_as_it_said_it_would(http, registered):
    app = OAuthApp(http, registered["client_id"], registered["client_secret"])
    for how, status in (("post", 400), ("basic", 401)):
        answer = await app.token(how=how, grant_type="refresh_token", refresh_token="x")
        assert answer.status_code == status, how


async def test_no_registration_gets_to_act_without_consent(http, initial_token):
    body = {"redirect_uris": [CALLBACK], "grant_types": ["authorization_code", "client_credentials"]}
    answer = await http.post(
        "/oauth/register", json=body, headers={"Authorization": f"Bearer {initial_token}"}
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


async def test_a_refused_registration_leaves_the_token_its_use(http, initial_token, superuser):
    superuser.execute("update oauth_initial_tokens set uses_left = 1")
    headers = {"Authorization": f"Bearer {initial_token}"}
    wrong = await http.post("/oauth/register", json={"redirect_uris": ["http://a.example"]}, headers=headers)
    assert wrong.status_code == 400
    right = await http.post("/oauth/register", json={"redirect_uris": [CALLBACK]}, headers=headers)
    assert right.status_code == 201


async def test_guessing_tokens_is_slowed_down(http, settings):
    statuses = []
    for guess in range(settings.sign_in_failures_per_minute + 2):
        headers = {"Authorization": f"Bearer cnt_initial_{guess}"}
        statuses.append(
            (
                await http.post("/oauth/register", json={"redirect_uris": [CALLBACK]}, headers=headers)
            ).status_code
        )
    assert statuses[0] == 401
    assert statuses[-1] == 429


async def test_a_pushed_request_binds_its_code_to_the_key_it_was_pushed_with(vendor, browser, owner):
    prover, thief = Prover(), Prover()
    body = {"redirect_uri": CALLBACK, "response_type": "code", "scope": "read:cases", "state": "x"}
    proof = prover.proof("POST", f"{vendor.issuer}/oauth/par")
    other = {**body, "dpop_jkt": thief.thumbprint}
    assert (await vendor.call("/oauth/par", other, DPoP=proof)).status_code == 400
    proof = prover.proof("POST", f"{vendor.issuer}/oauth/par")
    pushed = (await vendor.call("/oauth/par", body, DPoP=proof)).json()["request_uri"]
    asked = {"request_uri": pushed, "redirect_uri": None, "response_type": None, "scope": None, "state": None}
    code = await vendor.code(browser, owner, prompt=None, **asked)
    unbound = await vendor.exchange(code)
    assert (unbound.status_code, unbound.json()["error"]) == (400, "invalid_grant")
