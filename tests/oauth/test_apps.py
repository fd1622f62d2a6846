"""Applications as their firm registers them: `/oauth-apps`."""

import asyncio

import pytest

from conecta.auth.scopes import Scope
from tests.firms import make_key

from .arrange import CALLBACK, OAuthApp, register_app
from .browserless import in_process

WANTED = {"name": "Agenda Clara", "redirect_uris": [CALLBACK], "scopes": ["read:cases", "write:bookings"]}


async def credentials_work(registered: OAuthApp, secret: str) -> bool:
    """Say whether the token endpoint knows the app by a secret."""
    known = OAuthApp(registered.http, registered.id, secret)
    answer = await known.token(grant_type="client_credentials")
    if answer.status_code == 200:
        return True
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), answer.text
    return False


def errors_of(answer) -> set[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    return {(error["pointer"], error["code"]) for error in answer.json()["errors"]}


# --- registering --------------------------------------------------------------------------------------


async def test_a_confidential_app_gets_a_secret_that_is_shown_once(api, superuser):
    answer = await api.post("/oauth-apps", json=WANTED)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    row = answer.json()
    secret = row.pop("client_secret")
    assert answer.headers["location"] == f"/v1/servicios/oauth-apps/{row['id']}"
    assert row["id"].startswith("app_")
    assert row["kind"] == "confidential"
    assert row["grant_types"] == ["authorization_code", "refresh_token"]
    assert (row["pkce_required"], row["dpop_required"], row["pushed_requests_required"]) == (False,) * 3
    assert row["registered_itself"] is False
    assert [found["hint"] for found in row["secrets"]] == [f"cnt_secret_…{secret[-4:]}"]
    read = await api.get(f"/oauth-apps/{row['id']}")
    assert read.json() == row
    assert secret not in read.text
    (stored,) = superuser.execute("select row_to_json(s)::text from oauth_app_secrets s").fetchone()
    assert secret not in stored


async def test_a_public_app_gets_none_and_has_to_use_pkce(api):
    row = (await api.post("/oauth-apps", json={**WANTED, "kind": "public"})).json()
    assert row["client_secret"] is None
    assert row["secrets"] == []
    assert row["pkce_required"] is True
    changed = await api.patch(f"/oauth-apps/{row['id']}", json={"pkce_required": False})
    assert errors_of(changed) == {("/pkce_required", "not_allowed")}


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"redirect_uris": []}, {("/redirect_uris", "required")}),
        (
            {"redirect_uris": ["https://a.example", "http://a.example"]},
            {("/redirect_uris/1", "unfit_redirect_uri")},
        ),
        ({"scopes": []}, {("/scopes", "too_few")}),
        ({"scopes": ["admin"]}, {("/scopes/0", "not_allowed")}),
        ({"scopes": ["read:everything"]}, {("/scopes/0", "not_allowed")}),
        ({"grant_types": ["refresh_token"]}, {("/grant_types", "not_allowed")}),
        ({"grant_types": ["password"]}, {("/grant_types/0", "not_allowed")}),
        ({"grant_types": ["implicit"]}, {("/grant_types/0", "not_allowed")}),
        ({"kind": "public", "grant_types": ["client_credentials"]}, {("/grant_types", "not_allowed")}),
        (
            {"for_clients": True, "scopes": ["read:cases"], "grant_types": ["client_credentials"]},
            {("/grant_types", "not_allowed")},
        ),
        ({"for_clients": True, "scopes": ["write:cases"]}, {("/scopes", "not_allowed")}),
        ({"website": "http://a.example"}, {("/website", "invalid")}),
        ({"website": "javascript:alert(1)"}, {("/website", "invalid")}),
        ({"name": ""}, {("/name", "too_short")}),
        ({"client_id": "mine"}, {("/client_id", "unknown_field")}),
    ],
    ids=str,
)
async def test_what_does_not_go_together_is_refused(api, superuser, change, errors):
    assert errors_of(await api.post("/oauth-apps", json={**WANTED, **change})) == errors
    assert superuser.execute("select count(*) from oauth_apps").fetchone() == (0,)


async def test_lists_are_in_their_own_order_and_without_doubles(api):
    wanted = {
        "redirect_uris": [CALLBACK, CALLBACK],
        "scopes": ["write:bookings", "read:cases", "write:bookings"],
        "grant_types": ["client_credentials", "refresh_token", "authorization_code"],
    }
    row = (await api.post("/oauth-apps", json={**WANTED, **wanted})).json()
    assert row["redirect_uris"] == [CALLBACK]
    assert row["scopes"] == ["read:cases", "write:bookings"]
    assert row["grant_types"] == ["authorization_code", "refresh_token", "client_credentials"]


async def test_a_firm_may_have_many_apps_but_not_without_end(api, firm, superuser):
    superuser.execute(
        "insert into oauth_apps (tenant_id, id, name, kind, for_clients, pkce_required, dpop_required,"
        " pushed_requests_required, redirect_uris, scopes, grant_types, created_at, updated_at, version)"
        " select %s, 'app_' || n, 'A', 'public', false, true, false, false, '{}', '{}', '{}', now(), now(), 1"
        " from generate_series(1, 199) n",
        [firm.id],
    )
    assert (await api.post("/oauth-apps", json=WANTED)).status_code == 201
    full = await api.post("/oauth-apps", json=WANTED)
    assert (full.status_code, full.json()["code"]) == (409, "too_many_apps")
    assert (await api.delete("/oauth-apps/app_7")).status_code == 204
    assert (await api.post("/oauth-apps", json=WANTED)).status_code == 201


async def test_a_retried_registration_gives_the_same_secret(api, superuser):
    headers = {"Idempotency-Key": "register-agenda"}
    first = await api.post("/oauth-apps", json=WANTED, headers=headers)
    again = await api.post("/oauth-apps", json=WANTED, headers=headers)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json() == first.json()
    (kept,) = superuser.execute("select string_agg(k::text, ' ') from idempotency_keys k").fetchone()
    assert first.json()["client_secret"] not in kept
    assert first.json()["client_secret"].encode().hex() not in kept


# --- reading and changing -----------------------------------------------------------------------------


async def test_apps_are_listed_by_kind_the_newest_first(api):
    for name, kind in (("Una", "confidential"), ("Dos", "public"), ("Tres", "confidential")):
        await api.post("/oauth-apps", json={**WANTED, "name": name, "kind": kind})
    listed = (await api.get("/oauth-apps")).json()["data"]
    assert [row["name"] for row in listed] == ["Tres", "Dos", "Una"]
    assert "client_secret" not in listed[0]
    public = (await api.get("/oauth-apps", params={"kind": "public"})).json()["data"]
    assert [row["name"] for row in public] == ["Dos"]


async def test_changes_are_made_to_the_version_one_has_read(api):
    created = await api.post("/oauth-apps", json=WANTED)
    path, etag = f"/oauth-apps/{created.json()['id']}", created.headers["etag"]
    first = await api.patch(
        path, json={"name": "Otra", "website": "https://a.example"}, headers={"If-Match": etag}
    )
    assert first.status_code == 200
    assert (first.json()["name"], first.json()["website"]) == ("Otra", "https://a.example")
    late = await api.patch(path, json={"name": "Tarde"}, headers={"If-Match": etag})
    assert late.status_code == 412
    cleared = await api.patch(path, json={"website": None})
    assert cleared.json()["website"] is None
    assert errors_of(await api.patch(path, json={"name": None})) == {("/name", "required")}


@pytest.mark.parametrize("change", [{"kind": "public"}, {"for_clients": True}])
async def test_what_an_app_is_never_changes(api, change):
    created = (await api.post("/oauth-apps", json=WANTED)).json()
    (member,) = change
    assert errors_of(await api.patch(f"/oauth-apps/{created['id']}", json=change)) == {
        (f"/{member}", "unknown_field")
    }


async def test_scopes_taken_from_an_app_are_gone_from_what_it_refreshes(api, browser, owner, vendor):
    tokens = await vendor.tokens(browser, owner)
    await api.patch(f"/oauth-apps/{vendor.id}", json={"scopes": ["read:cases"]})
    fresh = (await vendor.refresh(tokens["refresh_token"])).json()
    assert fresh["scope"] == "read:cases"
    await api.patch(f"/oauth-apps/{vendor.id}", json={"scopes": ["read:clients"]})
    nothing = await vendor.refresh(fresh["refresh_token"])
    assert (nothing.status_code, nothing.json()["error"]) == (400, "invalid_scope")


async def test_every_act_is_in_the_audit_log(api):
    app_id = (await api.post("/oauth-apps", json=WANTED)).json()["id"]
    await api.patch(f"/oauth-apps/{app_id}", json={"name": "Otra"})
    await api.patch(f"/oauth-apps/{app_id}", json={"name": "Otra"})
    await api.post(f"/oauth-apps/{app_id}/secret/rotate")
    await api.delete(f"/oauth-apps/{app_id}")
    entries = (await api.get("/audit-log", params={"target": app_id})).json()["data"]
    assert [entry["action"] for entry in entries] == [
        "oauth_app.deleted",
        "oauth_app.secret_rotated",
        "oauth_app.changed",
        "oauth_app.created",
    ]
    assert "cnt_secret_" not in str(entries)


# --- secrets ------------------------------------------------------------------------------------------


async def test_a_rotated_secret_works_for_its_grace_beside_the_new_one(api, superuser, vendor):
    answer = await api.post(f"/oauth-apps/{vendor.id}/secret/rotate", json={"grace_seconds": 600})
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    new = answer.json()["client_secret"]
    assert new != vendor.secret
    newest, old = answer.json()["secrets"]
    assert newest["expires_at"] is None
    assert old["expires_at"] is not None
    assert await credentials_work(vendor, new)
    assert await credentials_work(vendor, vendor.secret)
    superuser.execute("update oauth_app_secrets set expires_at = now() where expires_at is not null")
    assert not await credentials_work(vendor, vendor.secret)
    assert await credentials_work(vendor, new)
    assert len((await api.get(f"/oauth-apps/{vendor.id}")).json()["secrets"]) == 1


async def test_without_grace_the_old_secret_ends_at_once(api, vendor):
    answer = await api.post(f"/oauth-apps/{vendor.id}/secret/rotate", json={"grace_seconds": 0})
    assert not await credentials_work(vendor, vendor.secret)
    assert await credentials_work(vendor, answer.json()["client_secret"])


async def test_at_most_two_secrets_work(api, vendor):
    secrets = [vendor.secret]
    for _ in range(3):
        rotated = (await api.post(f"/oauth-apps/{vendor.id}/secret/rotate")).json()
        secrets.append(rotated["client_secret"])
        assert len(rotated["secrets"]) == 2
    assert [await credentials_work(vendor, secret) for secret in secrets] == [False, False, True, True]


async def test_a_public_app_has_no_secret_to_rotate(api, native):
    answer = await api.post(f"/oauth-apps/{native.id}/secret/rotate")
    assert (answer.status_code, answer.json()["code"]) == (409, "app_has_no_secret")


# --- deleting -----------------------------------------------------------------------------------------


async def test_a_deleted_app_is_gone_with_all_it_was_given(api, browser, owner, vendor, superuser):
    tokens = await vendor.tokens(browser, owner)
    assert (await vendor.api("GET", "/cases", tokens["access_token"])).status_code == 200
    assert (await api.delete(f"/oauth-apps/{vendor.id}")).status_code == 204
    assert (await vendor.api("GET", "/cases", tokens["access_token"])).status_code == 401
    refused = await vendor.refresh(tokens["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert (await browser.open(vendor.url())).status == 400
    assert (await api.get(f"/oauth-apps/{vendor.id}")).status_code == 404
    assert (await api.delete(f"/oauth-apps/{vendor.id}")).status_code == 404
    assert (await api.get("/oauth-apps")).json()["data"] == []
    assert superuser.execute("select count(*) from oauth_app_secrets").fetchone() == (0,)


# --- who may give what --------------------------------------------------------------------------------


async def test_a_key_cannot_make_an_app_that_may_do_more_than_it(app, firm, vendor):
    """With client credentials nobody consents, so an app would be a key by another name."""
    admin = await make_key(app, firm.id, [Scope.ADMIN, Scope.CASES_READ])
    alone = {**WANTED, "redirect_uris": [], "grant_types": ["client_credentials"]}
    async with firm.client(app, admin) as client:
        refused = await client.post("/oauth-apps", json=alone)
        assert (refused.status_code, refused.json()["code"]) == (403, "app_scopes_not_yours")
        own = await client.post("/oauth-apps", json={**alone, "scopes": ["read:cases"]})
        assert own.status_code == 201
        path = f"/oauth-apps/{own.json()['id']}"
        wider = await client.patch(path, json={"scopes": ["read:cases", "write:bookings"]})
        assert wider.status_code == 403
        assert (await client.post(f"{path}/secret/rotate")).status_code == 201
        # The secret of the other app would let it write bookings.
        assert (await client.post(f"/oauth-apps/{vendor.id}/secret/rotate")).status_code == 403
        # What people have to consent to may be asked for by anybody.
        assert (await client.post("/oauth-apps", json=WANTED)).status_code == 201


async def test_client_credentials_act_for_the_firm_of_the_app(app, firm, other_firm):
    clerk = await register_app(
        app, firm, grant_types=["client_credentials"], redirect_uris=[], scopes=["read:cases"]
    )
    answer = await clerk.token(grant_type="client_credentials")
    body = answer.json()
    assert list(body) == ["access_token", "token_type", "expires_in", "scope"]
    assert body["scope"] == "read:cases"
    async with firm.client(app) as own, other_firm.client(app) as other:
        for api in (own, other):
            client = (await api.post("/clients", json={"name": "Ana Gil"})).json()["id"]
            await api.post("/cases", json={"client_id": client, "category": "civil", "title": "Linde"})
    listed = (await clerk.api("GET", "/cases", body["access_token"])).json()["data"]
    assert len(listed) == 1
    assert (await clerk.api("POST", "/cases", body["access_token"], json={})).status_code == 403


async def test_an_app_of_the_sandbox_acts_there(app, firm):
    async with firm.client(app, firm.sandbox_key) as sandbox:
        wanted = {**WANTED, "redirect_uris": [], "grant_types": ["client_credentials"]}
        row = (await sandbox.post("/oauth-apps", json=wanted)).json()
        await sandbox.post("/clients", json={"name": "De Prueba"})
    async with in_process(app) as http:
        clerk = OAuthApp(http, row["id"], row["client_secret"])
        token = (await clerk.token(grant_type="client_credentials")).json()["access_token"]
        usage = (await clerk.api("GET", "/usage", token)).json()
        assert usage["tenant_id"] == firm.sandbox_id
        named = {"headers": {"X-Tenant-ID": firm.id}}
        assert (await clerk.api("GET", "/usage", token, **named)).status_code == 200


async def test_an_app_without_the_grant_type_cannot_use_it(app, firm):
    plain = await register_app(app, firm, grant_types=["authorization_code"])
    answer = await plain.token(grant_type="client_credentials")
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")


async def test_an_app_that_may_not_refresh_gets_no_refresh_token(app, firm, browser, owner):
    once = await register_app(app, firm, grant_types=["authorization_code"])
    assert "refresh_token" not in await once.tokens(browser, owner)


async def test_each_token_of_an_app_on_its_own_can_be_revoked_alone(app, firm):
    clerk = await register_app(app, firm, grant_types=["client_credentials"], redirect_uris=[])
    answers = await asyncio.gather(*(clerk.token(grant_type="client_credentials") for _ in range(2)))
    first, second = (answer.json()["access_token"] for answer in answers)
    await clerk.revoke(first)
    assert (await clerk.api("GET", "/usage", first)).status_code == 401
    assert (await clerk.api("GET", "/usage", second)).status_code == 200
