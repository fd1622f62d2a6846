"""Passkeys of clients: whole ceremonies over HTTP with real keys, and whose key opens nothing."""

import pytest

from tests.clients.access import EMAIL, come_in, invited, new_client, set_rule
from tests.oauth.browserless import Browser, in_process
from tests.people.arrange import PASSWORD, give_password
from tests.people.authenticator import Authenticator

HERE = "/portal/passkeys"
REFUSED = "No hemos podido comprobar esa llave de acceso"


async def options_for(browser, at: str, address: str):
    """Ask as the page's script does, with the form's own token."""
    page = await browser.open(at)
    form = next(form for form in page.html.forms if "credential" in form.names())
    return await browser.http.post(address, files=[(name, (None, value)) for name, value in form.sent()])


async def send(browser, at: str, **values: str):
    page = await browser.open(at)
    form = next(form for form in page.html.forms if "credential" in form.names())
    return await browser.submit(page, form, **values)


async def add(browser, device: Authenticator):
    options = await options_for(browser, HERE, f"{HERE}/options")
    assert options.status_code == 200, options.text
    return await send(browser, HERE, credential=device.make(options.json()), name="Mi móvil")


async def use(browser, firm_id: str, device: Authenticator):
    door = f"/portal/{firm_id}/sign-in?next=/portal/details"
    options = await options_for(browser, door, f"/portal/{firm_id}/passkey/options")
    assert options.status_code == 200, options.text
    return await send(browser, door, credential=device.prove(options.json()))


@pytest.fixture
async def client(api):
    return await new_client(api)


@pytest.fixture
async def signed_in(app, api, client):
    async with in_process(app) as http:
        browser = Browser(http)
        await come_in(browser, await invited(api, client))
        yield browser


@pytest.fixture
async def device(signed_in) -> Authenticator:
    """A device with a passkey of the client."""
    device = Authenticator()
    seen = await add(signed_in, device)
    assert (seen.status, "La llave de acceso está añadida." in seen.text) == (200, True)
    return device


@pytest.fixture
async def browser(app):
    async with in_process(app, address="203.0.113.77") as http:
        yield Browser(http)


async def test_one_comes_in_with_it_alone(api, firm, client, device, browser, superuser):
    seen = await use(browser, firm.id, device)
    assert seen.url == "http://testserver/portal/details"
    assert "Ana Gil" in seen.text
    rows = superuser.execute(
        "select action, actor_id, details->>'by' from audit_entries where actor_kind = 'client' order by id"
    ).fetchall()
    assert rows == [
        ("client.signed_in", client, "link"),
        ("passkey.added", client, None),
        ("client.signed_in", client, "passkey"),
    ]
    assert "Mi móvil" in (await browser.open(HERE)).text


async def test_it_opens_neither_another_firm_nor_the_panel(
    app, api, firm, other_firm, device, browser, superuser
):
    seen = await use(browser, other_firm.id, device)
    assert (seen.status, REFUSED in seen.text) == (422, True)
    options = await options_for(browser, "/sign-in", "/sign-in/passkey/options")
    seen = await send(browser, "/sign-in", credential=device.prove(options.json()))
    assert (seen.status, REFUSED in seen.text) == (422, True)
    assert superuser.execute("select count(*) from sessions").fetchone() == (1,)


async def test_a_members_passkey_opens_no_portal(app, api, firm, browser, superuser):
    person = await give_password(app, superuser, firm.owner_id)
    await browser.sign_in(person.email, PASSWORD)
    device = Authenticator()
    options = await options_for(browser, "/account/passkeys", "/account/passkeys/options")
    await send(browser, "/account/passkeys", credential=device.make(options.json()), name="Llave")
    async with in_process(app) as http:
        seen = await use(Browser(http), firm.id, device)
        assert (seen.status, REFUSED in seen.text) == (422, True)


@pytest.mark.parametrize("how", ["revoked", "archived", "off"])
async def test_whoever_lost_their_access_does_not_come_in(api, firm, client, device, browser, how, superuser):
    if how == "revoked":
        await api.delete(f"/clients/{client}/access")
    elif how == "archived":
        await api.post(f"/clients/{client}/archive")
    else:
        door = f"/portal/{firm.id}/sign-in"
        options = await options_for(browser, door, f"/portal/{firm.id}/passkey/options")
        page = await browser.open(door)
        form = next(form for form in page.html.forms if "credential" in form.names())
        await set_rule(api, "off")
        seen = await browser.submit(page, form, credential=device.prove(options.json()))
        assert seen.status == 404
        return
    seen = await use(browser, firm.id, device)
    assert (seen.status, REFUSED in seen.text) == (422, True)
    assert superuser.execute("select count(*) from sessions").fetchone() == (1,)


async def test_a_revocation_forgets_the_keys(api, firm, client, device, browser, superuser):
    """Whoever is invited again may no longer have the device that was the reason."""
    await api.delete(f"/clients/{client}/access")
    assert superuser.execute("select count(*) from passkeys").fetchone() == (0,)
    await api.post(f"/clients/{client}/access")
    assert (await use(browser, firm.id, device)).status == 422


async def test_an_answer_is_good_once(firm, device, browser, app):
    door = f"/portal/{firm.id}/sign-in"
    options = await options_for(browser, door, f"/portal/{firm.id}/passkey/options")
    answer = device.prove(options.json())
    assert (await send(browser, door, credential=answer)).url == "http://testserver/portal"
    async with in_process(app) as http:
        assert (await send(Browser(http), door, credential=answer)).status == 422


async def test_nonsense_is_refused(firm, browser):
    door = f"/portal/{firm.id}/sign-in"
    for answer in ("", "x", "{}", '{"id": 1}', "[]"):
        assert (await send(browser, door, credential=answer)).status == 422, answer


async def test_keys_change_only_soon_after_coming_in(firm, client, signed_in, device, superuser):
    superuser.execute("update sessions set authenticated_at = authenticated_at - interval '11 minutes'")
    seen = await signed_in.open(HERE)
    assert seen.url == f"http://testserver/portal/{firm.id}/sign-in?again=1&next=%2Fportal%2Fpasskeys"
    assert "Entra otra vez" in seen.text
    assert "Ya has entrado" not in seen.text
    token = seen.html.form("email", "csrf_token").all("csrf_token")[0].value
    key = superuser.execute("select id from passkeys").fetchone()[0]
    await signed_in.post(f"{HERE}/{key}/remove", {"csrf_token": token}, site="same-origin")
    await signed_in.post(HERE, {"csrf_token": token, "credential": "x", "name": "x"}, site="same-origin")
    asked = await signed_in.http.post(f"{HERE}/options", data={"csrf_token": token})
    assert asked.status_code == 403
    assert asked.json()["next"].startswith(f"/portal/{firm.id}/sign-in?again=1")
    assert superuser.execute("select count(*) from passkeys").fetchone() == (1,)
    # The key itself is proof enough.
    page = await use(signed_in, firm.id, device)
    assert page.url == "http://testserver/portal/details"
    assert (await signed_in.open(HERE)).url == f"http://testserver{HERE}"


async def test_a_key_is_removed_by_its_owner_alone(app, api, firm, signed_in, device, superuser):
    key = superuser.execute("select id from passkeys").fetchone()[0]
    other = await new_client(api, "Ben", email="ben@cliente.example")
    async with in_process(app) as http:
        ben = Browser(http)
        page = await come_in(ben, await invited(api, other, "ben@cliente.example"))
        token = page.html.form("csrf_token", "language").all("csrf_token")[0].value
        answer = await ben.post(f"{HERE}/{key}/remove", {"csrf_token": token}, site="same-origin")
        assert answer.status == 404
    assert superuser.execute("select count(*) from passkeys").fetchone() == (1,)
    page = await signed_in.open(HERE)
    remove = next(form for form in page.html.forms if form.action.endswith("/remove"))
    page = await signed_in.submit(page, remove)
    assert "La llave de acceso está eliminada." in page.text
    assert superuser.execute("select count(*) from passkeys").fetchone() == (0,)


async def test_too_many_tries_from_one_place_wait(firm, browser, superuser):
    door = f"/portal/{firm.id}/sign-in"
    answers = [await send(browser, door, credential="x") for _ in range(21)]
    assert [seen.status for seen in answers] == [422] * 20 + [429]
    assert int(answers[-1].headers["retry-after"]) >= 1


async def test_the_portal_says_how_many_there_are(signed_in, device):
    assert "Tienes 1 llave de acceso." in (await signed_in.open("/portal/access")).text
    assert EMAIL in (await signed_in.open("/portal/access")).text
