"""The firm's own app signs its clients in: through the portal's door, on to consent, and out again."""

import pytest
from pydantic import ValidationError

from conecta.settings import Settings
from tests.clients.access import (
    EMAIL,
    ask_for_link,
    come_in,
    door_form,
    links_in,
    mails,
    new_client,
    set_rule,
)
from tests.clients.signed_in_app import SCOPES, browser_of, own_app, token_of
from tests.oauth.arrange import code_of, give_password, register_app
from tests.oauth.browserless import Browser, consent, consent_form, in_process, on_to


@pytest.fixture
async def oauth(app, firm):
    registered = await own_app(app, firm)
    async with registered.http:
        yield registered


@pytest.fixture
async def browser(app):
    async with in_process(app) as http:
        yield Browser(http)


async def test_the_door_is_between_the_app_and_consent(api, firm, oauth, browser):
    """The way the seed's mobile app goes: nobody is signed in, and the link is opened in the same browser."""
    await set_rule(api, "self_service")
    client = await new_client(api)
    door = await browser.open(oauth.url(scope="read:cases read:clients", state="xyz"), site="cross-site")
    assert door.url.startswith(f"http://testserver/portal/{firm.id}/sign-in?next=")
    seen = await browser.submit(door, door.html.form("email", "csrf_token"), email=EMAIL)
    assert seen.status == 200
    page = await come_in(browser, links_in((await mails(api))[0])[0])
    assert page.url.startswith("http://testserver/oauth/authorize?")
    assert "App del despacho" in page.text
    seen = on_to(await consent(browser, page))
    assert seen.query["state"] == "xyz"
    answer = await oauth.exchange(code_of(seen))
    assert answer.status_code == 200, answer.text
    own = await oauth.api("GET", "/clients", answer.json()["access_token"])
    assert [row["id"] for row in own.json()["data"]] == [client]


async def test_a_passenger_of_the_link_is_no_way_out(api, firm, oauth, browser):
    """The path to go on to is kept by us, so that nobody can change it between asking and opening."""
    await set_rule(api, "self_service")
    await new_client(api)
    await ask_for_link(browser, firm.id, next_path="/portal/access")
    (link,) = links_in((await mails(api))[0])
    seen = await browser.open(f"{link}?next=https://evil.example/")
    seen = await browser.submit(seen, door_form(seen))
    assert seen.url == "http://testserver/portal/access"


async def test_connected_apps_are_shown_and_taken_back(app, api, firm, oauth):
    client = await new_client(api)
    async with browser_of(app, api, client, EMAIL) as browser:
        token = await token_of(oauth, browser)
        page = await browser.open("/portal/access")
        assert "App del despacho" in page.text
        (revoke,) = [link for link in page.html.links if link.endswith("/revoke")]
        page = await browser.open(revoke)
        form = next(f for f in page.html.forms if f.action not in {"/language", "/portal/sign-out"})
        page = await browser.submit(page, form)
        assert "Permiso retirado" in page.text
        assert "App del despacho" not in page.text
        assert (await oauth.refresh(token.refresh)).json()["error"] == "invalid_grant"


async def test_nobody_takes_back_anothers_permission(app, api, firm, oauth):
    ana, ben = await new_client(api), await new_client(api, "Ben", email="ben@cliente.example")
    async with browser_of(app, api, ana, EMAIL) as of_ana:
        token = await token_of(oauth, of_ana)
        page = await of_ana.open("/portal/access")
        (revoke,) = [link for link in page.html.links if link.endswith("/revoke")]
        own_sessions = [f.action for f in page.html.forms if "/sessions/" in f.action]
        assert own_sessions == []
        async with browser_of(app, api, ben, "ben@cliente.example") as of_ben:
            assert (await of_ben.open(revoke)).status == 404
            page = await of_ben.open("/portal/access")
            field = page.html.form("csrf_token", "language").all("csrf_token")[0].value
            await of_ben.post(revoke, {"csrf_token": field}, site="same-origin")
    assert (await oauth.refresh(token.refresh)).status_code == 200


async def test_a_revoked_client_has_no_token_that_works(app, api, oauth):
    client = await new_client(api)
    async with browser_of(app, api, client, EMAIL) as browser:
        token = await token_of(oauth, browser)
    assert (await token.call("GET", "/cases")).status_code == 200
    assert (await api.delete(f"/clients/{client}/access")).status_code == 204
    assert (await token.call("GET", "/cases")).status_code == 401
    assert (await oauth.refresh(token.refresh)).json()["error"] == "invalid_grant"
    # Invited anew, they start anew: what the app had stays worthless.
    await api.post(f"/clients/{client}/access")
    assert (await token.call("GET", "/cases")).status_code == 401


def test_a_server_finds_out_within_a_minute():
    """For so long at most it takes what it read of a grant for true; here it asks each time."""
    field = Settings.model_fields["oauth_grant_seconds"]
    assert field.default <= 60
    with pytest.raises(ValidationError):
        Settings(_env_file=None, oauth_grant_seconds=61)


@pytest.mark.parametrize("how", ["off", "archived"])
async def test_a_suspended_client_has_no_token_that_works(app, api, oauth, how):
    client = await new_client(api)
    async with browser_of(app, api, client, EMAIL) as browser:
        token = await token_of(oauth, browser)
    assert (await token.call("GET", "/cases")).status_code == 200
    if how == "off":
        await set_rule(api, "off")
    else:
        await api.post(f"/clients/{client}/archive")
    assert (await token.call("GET", "/cases")).status_code == 401
    assert (await oauth.refresh(token.refresh)).json()["error"] == "invalid_grant"


async def test_the_clients_app_is_not_for_members_of_the_firm(app, firm, oauth, browser, superuser):
    owner = await give_password(app, superuser, firm.owner_id)
    await browser.sign_in(*owner.login)
    seen = await browser.open(oauth.url(scope="read:cases"))
    assert seen.url.startswith(f"http://testserver/portal/{firm.id}/sign-in")


async def test_another_firms_client_must_come_in_by_this_firms_door(app, api, other_firm, oauth, firm):
    async with other_firm.client(app) as others:
        stranger = await new_client(others, email="eva@cliente.example")
        async with browser_of(app, others, stranger, "eva@cliente.example") as browser:
            seen = await browser.open(oauth.url(scope="read:cases"))
            assert seen.url.startswith(f"http://testserver/portal/{firm.id}/sign-in")


async def test_a_client_cannot_let_a_vendors_app_act_for_the_firm(app, api, firm, oauth):
    """An app for people of firms sends a client to the people's sign-in."""
    vendor = await register_app(app, firm)
    client = await new_client(api)
    async with vendor.http, browser_of(app, api, client, EMAIL) as browser:
        seen = await browser.open(vendor.url())
        assert seen.url.startswith("http://testserver/sign-in?next=")


async def test_a_client_is_offered_what_clients_may_have_only(app, api, firm):
    oauth = await own_app(app, firm)
    client = await new_client(api)
    async with oauth.http, browser_of(app, api, client, EMAIL) as browser:
        page = await browser.open(oauth.url(scope=" ".join(SCOPES)))
        form = consent_form(page)
        assert sorted(control.value for control in form.all("scope")) == SCOPES
        assert [control.value for control in form.all("firm")] == [firm.id]
