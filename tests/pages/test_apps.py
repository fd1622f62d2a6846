"""OAuth apps on pages: a secret is seen once and works, mistakes stay in the form, access is taken back."""

import re
from html import unescape

import pytest

from tests.pages.conftest import Browser, forms_of, new_browser, sign_in

PATH = "/panel/apps"
CRM = {
    "name": "CRM Ñandú",
    "kind": "confidential",
    "for_clients": "no",
    "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
    "redirect_uris": "https://crm.example.com/vuelta\r\n\r\n https://crm.example.com/otra ",
    "scopes": ["read:cases", "write:bookings"],
    "website": "https://crm.example.com",
}
SECRET = re.compile(r"cnt_secret_[\w-]{20,}")


async def create(browser, **changes):
    return await browser.send(f"{PATH}/new", {**CRM, **changes}, action=PATH)


async def apps(api):
    return (await api.get("/oauth-apps")).json()["data"]


async def token(visitor, app_id, secret):
    return await visitor.client.post(
        "/oauth/token", data={"grant_type": "client_credentials"}, auth=(app_id, secret)
    )


def connect(superuser, firm, app_id):
    """Let the owner of a firm have connected an app, as the consent page writes it."""
    grant_id = f"grt_{firm.id[-26:]}"
    superuser.execute(
        "insert into oauth_grants (tenant_id, id, app_tenant_id, app_id, subject_kind, subject, person_id,"
        " user_id, scopes, version, given_at) select u.tenant_id, %s, a.tenant_id, a.id, 'person',"
        " u.person_id, u.person_id, u.id, '{read:cases}', 1, now() from users u, oauth_apps a"
        " where u.id = %s and a.id = %s",
        [grant_id, firm.owner_id, app_id],
    )
    return grant_id


async def test_a_new_app_shows_its_secret_once_and_it_works(owner, visitor, api):
    answer = await create(owner)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    secret = SECRET.search(answer.text)[0]
    (app,) = await apps(api)
    assert app["redirect_uris"] == ["https://crm.example.com/vuelta", "https://crm.example.com/otra"]
    assert app["scopes"] == CRM["scopes"]
    assert (app["kind"], app["pkce_required"], app["website"]) == ("confidential", False, CRM["website"])
    given = await token(visitor, app["id"], secret)
    assert given.status_code == 200, given.text
    for path in (PATH, f"{PATH}/{app['id']}", f"{PATH}/{app['id']}/edit"):
        page = await owner.get(path)
        assert page.status_code == 200
        assert "CRM Ñandú" in page.text
        assert secret not in page.text


async def test_a_form_sent_twice_makes_one_app_and_shows_the_same_secret(owner, api):
    page = await owner.get(f"{PATH}/new")
    first = await owner.send_from(page, CRM, action=PATH)
    second = await owner.send_from(page, CRM, action=PATH)
    assert SECRET.search(first.text)[0] == SECRET.search(second.text)[0]
    assert len(await apps(api)) == 1


async def test_an_app_without_secret_gets_none_and_must_use_pkce(owner, api):
    answer = await create(owner, kind="public", grant_types=["authorization_code"])
    assert answer.status_code == 200
    assert not SECRET.search(answer.text)
    (app,) = await apps(api)
    assert (app["kind"], app["pkce_required"], app["secrets"]) == ("public", True, [])
    assert "code_challenge_method=S256" in unescape((await owner.get(f"{PATH}/{app['id']}")).text)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, "name"),
        ({"redirect_uris": "http://crm.example.com/vuelta"}, "redirect_uris"),
        ({"redirect_uris": ""}, "redirect_uris"),
        ({"redirect_uris": "https://crm.example.com/#x\nnonsense"}, "redirect_uris"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["admin"]}, "scopes"),
        ({"scopes": ["read:everything"]}, "scopes"),
        ({"grant_types": []}, "grant_types"),
        ({"kind": "public"}, "grant_types"),
        ({"for_clients": "yes"}, "grant_types"),
        ({"website": "http://crm.example.com"}, "website"),
        ({"website": "javascript:alert(1)"}, "website"),
        ({"kind": "secretive"}, "kind"),
    ],
)
async def test_a_mistake_is_said_at_its_field_and_keeps_what_was_typed(owner, api, wrong, field):
    answer = await create(owner, **wrong)
    assert answer.status_code == 422
    assert f'id="e-{field}"' in answer.text
    typed = {**CRM, **wrong}
    kept = next(form for form in forms_of(answer.text) if form.action == PATH).values
    assert kept["name"] == typed["name"]
    assert kept["redirect_uris"].split() == typed["redirect_uris"].split()
    assert kept.get("kind") == (typed["kind"] if typed["kind"] != "secretive" else None)
    assert await apps(api) == []


async def test_an_app_for_clients_asks_for_what_clients_can_give(owner, api):
    plain = {"for_clients": "yes", "grant_types": ["authorization_code"]}
    refused = await create(owner, **plain, scopes=["write:cases"])
    assert refused.status_code == 422
    assert 'id="e-scopes"' in refused.text
    assert (await create(owner, **plain, scopes=["read:cases"])).status_code == 200
    (app,) = await apps(api)
    assert app["for_clients"] is True
    form = await owner.get(f"{PATH}/{app['id']}/edit")
    assert 'value="write:cases"' not in form.text


async def test_an_app_is_changed_and_its_secret_stays(owner, visitor, api):
    secret = SECRET.search((await create(owner)).text)[0]
    (app,) = await apps(api)
    action = f"{PATH}/{app['id']}/edit"
    wanted = {"name": "Otro CRM", "pkce_required": "yes", "scopes": ["read:cases"], "website": ""}
    answer = await owner.send(action, wanted, action=action)
    assert answer.status_code == 303
    (changed,) = await apps(api)
    assert (changed["name"], changed["pkce_required"]) == ("Otro CRM", True)
    assert (changed["scopes"], changed["website"]) == (["read:cases"], None)
    assert changed["redirect_uris"] == app["redirect_uris"]
    assert (await token(visitor, app["id"], secret)).status_code == 200


async def test_what_somebody_else_changed_is_not_overwritten_unseen(owner, api):
    await create(owner)
    (app,) = await apps(api)
    action = f"{PATH}/{app['id']}/edit"
    opened = await owner.get(action)
    await api.patch(f"/oauth-apps/{app['id']}", json={"name": "First"})
    answer = await owner.send_from(opened, {"name": "Second"}, action=action)
    assert answer.status_code == 412
    assert "mientras tanto" in answer.text
    assert (await apps(api))[0]["name"] == "First"
    assert (await owner.send_from(answer, action=action)).status_code == 303
    assert (await apps(api))[0]["name"] == "Second"


async def test_a_new_secret_works_and_so_does_the_old_one_for_as_long_as_was_said(owner, visitor, api):
    old = SECRET.search((await create(owner)).text)[0]
    (app,) = await apps(api)
    action = f"{PATH}/{app['id']}/rotate"
    answer = await owner.send(f"{PATH}/{app['id']}", {"grace_seconds": "3600"}, action=action)
    new = SECRET.search(answer.text)[0]
    assert new != old
    for secret in (old, new):
        assert (await token(visitor, app["id"], secret)).status_code == 200
    answer = await owner.send(f"{PATH}/{app['id']}", {"grace_seconds": "0"}, action=action)
    newest = SECRET.search(answer.text)[0]
    assert (await token(visitor, app["id"], newest)).status_code == 200
    for secret in (old, new):
        assert (await token(visitor, app["id"], secret)).status_code == 401


async def test_a_grace_that_cannot_be_is_refused(owner, visitor, api):
    old = SECRET.search((await create(owner)).text)[0]
    (app,) = await apps(api)
    for grace in ("-1", "999999999", "soon", ""):
        answer = await owner.send(
            f"{PATH}/{app['id']}", {"grace_seconds": grace}, action=f"{PATH}/{app['id']}/rotate"
        )
        assert answer.status_code == 422, grace
        assert not SECRET.search(answer.text)
    assert (await token(visitor, app["id"], old)).status_code == 200


async def test_an_app_is_deleted_after_a_question(owner, visitor, api):
    secret = SECRET.search((await create(owner)).text)[0]
    (app,) = await apps(api)
    action = f"{PATH}/{app['id']}/delete"
    asked = await owner.get(action)
    assert "CRM Ñandú" in asked.text
    assert len(await apps(api)) == 1
    answer = await owner.send_from(asked, action=action)
    assert answer.headers["location"] == PATH
    assert await apps(api) == []
    assert (await owner.get(f"{PATH}/{app['id']}")).status_code == 404
    assert (await token(visitor, app["id"], secret)).status_code == 401


async def test_an_access_is_listed_and_taken_back(owner, firm, api, superuser):
    await create(owner)
    (app,) = await apps(api)
    path = f"{PATH}/grants/{connect(superuser, firm, app['id'])}/revoke"
    page = await owner.get(f"{PATH}/grants")
    for words in ("CRM Ñandú", "Núria Íñiguez", "read:cases", path):
        assert words in page.text
    assert "Núria Íñiguez" in (await owner.get(f"{PATH}/{app['id']}")).text.partition("<main")[2]
    asked = await owner.get(path)
    assert "CRM Ñandú" in asked.text
    answer = await owner.send_from(asked, action=path)
    assert answer.status_code == 303
    page = await owner.get(f"{PATH}/grants")
    assert path not in page.text
    assert "Nadie ha conectado ninguna aplicación" in page.text
    assert (await owner.get(path)).status_code == 404
    kind, target = superuser.execute(
        "select actor_kind, target from audit_entries where action = 'oauth_grant.revoked'"
    ).fetchone()
    assert (kind, target) == ("user", app["id"])


async def test_an_app_of_another_firm_is_shown_where_it_is_connected(owner, firm, app, other_firm, superuser):
    async with other_firm.client(app) as theirs:
        wanted = {"name": "De otra", "redirect_uris": ["https://crm.example.com"], "scopes": ["read:cases"]}
        other = (await theirs.post("/oauth-apps", json=wanted)).json()
    connect(superuser, firm, other["id"])
    page = await owner.get(f"{PATH}/grants")
    assert "De otra" in page.text
    assert "de Otra Firma" in page.text
    assert (await owner.get(f"{PATH}/{other['id']}")).status_code == 404


async def test_apps_and_accesses_of_another_firm_do_not_exist_here(owner, app, other_firm, superuser):
    async with new_browser(app, await sign_in(app, other_firm.id, other_firm.owner_id)) as client:
        theirs = Browser(client)
        await create(theirs)
        async with other_firm.client(app) as their_api:
            (other,) = await apps(their_api)
            grant = connect(superuser, other_firm, other["id"])
            for path in ("", "/edit", "/delete"):
                assert (await owner.get(f"{PATH}/{other['id']}{path}")).status_code == 404
            assert (await owner.get(f"{PATH}/grants/{grant}/revoke")).status_code == 404
            csrf = forms_of((await owner.get(PATH)).text)[0].values["csrf_token"]
            values = {"csrf_token": csrf, "once": "x", "grace_seconds": "0", **CRM, "name": "Robada"}
            own = f"{PATH}/{other['id']}"
            for path in (f"{own}/edit", f"{own}/delete", f"{own}/rotate", f"{PATH}/grants/{grant}/revoke"):
                answer = await owner.post(path, values)
                assert answer.status_code == 404, path
                assert not SECRET.search(answer.text)
            assert "CRM Ñandú" not in (await owner.get(PATH)).text
            assert "CRM Ñandú" not in (await owner.get(f"{PATH}/grants")).text
            assert await apps(their_api) == [other]
        assert (await theirs.get(f"{PATH}/grants/{grant}/revoke")).status_code == 200


@pytest.mark.parametrize("role", ["provider", "assistant"])
async def test_apps_are_for_who_administers(app, firm, api, owner, role):
    await create(owner)
    (found,) = await apps(api)
    new = await api.post("/users", json={"name": "Luis", "email": "luis@example.com", "role": role})
    async with new_browser(app, await sign_in(app, firm.id, new.json()["id"])) as client:
        for path in ("", "/new", "/grants", f"/{found['id']}", f"/{found['id']}/edit"):
            assert (await Browser(client).get(PATH + path)).status_code == 403
        for path in ("", f"/{found['id']}/edit", f"/{found['id']}/rotate", f"/{found['id']}/delete"):
            assert (await Browser(client).post(PATH + path)).status_code == 403
    assert await apps(api) == [found]
