"""The apps that a person has let in: shown with what they may do and when they did, and put out again."""

from urllib.parse import urlsplit

from conecta.auth.scopes import SENTENCES, Scope

from .arrange import add_member
from .browserless import consent_form


async def listed(browser):
    page = await browser.open("/account/apps")
    assert page.status == 200
    return page


async def revoke(browser, page):
    """Press the one button there is, and the one on the page that asks again."""
    (link,) = [link for link in page.html.links if link.endswith("/revoke")]
    asked = await browser.open(link)
    form = next(form for form in asked.html.forms if urlsplit(form.action).path == link)
    return await browser.submit(asked, form)


async def test_without_any_there_is_a_page_that_says_so(browser, owner):
    await browser.sign_in(*owner.login)
    assert "Ninguna aplicación actúa por ti" in (await listed(browser)).text


async def test_an_app_is_listed_with_what_it_may_do_and_when_it_last_did(app, firm, browser, owner, vendor):
    tokens = await vendor.tokens(browser, owner, scope="read:cases")
    page = await listed(browser)
    for text in ("Agenda Clara", "Bufete Prueba", SENTENCES[Scope.CASES_READ].es, "Todavía no lo ha usado"):
        assert text in page.text
    assert SENTENCES[Scope.BOOKINGS_WRITE].es not in page.text
    assert (await vendor.api("GET", "/cases", tokens["access_token"])).status_code == 200
    await app.state.tokens.write_uses()
    assert "Todavía no lo ha usado" not in (await listed(browser)).text


async def test_revoking_stops_the_tokens(app, api, browser, owner, vendor):
    tokens = await vendor.tokens(browser, owner)
    page = await revoke(browser, await listed(browser))
    assert "Permiso retirado" in page.text
    assert "Agenda Clara" not in page.text
    assert (await vendor.api("GET", "/cases", tokens["access_token"])).status_code == 401
    assert (await vendor.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await vendor.introspect(tokens["access_token"])).json() == {"active": False}
    entries = (await api.get("/audit-log", params={"action": "oauth_grant.revoked"})).json()["data"]
    assert [entry["target"] for entry in entries] == [vendor.id]


async def test_whoever_is_let_in_again_starts_anew(browser, owner, vendor):
    old = await vendor.tokens(browser, owner)
    await revoke(browser, await listed(browser))
    asked = await browser.open(vendor.url(), site="cross-site")
    assert consent_form(asked)
    new = await vendor.tokens(browser, owner)
    assert (await vendor.api("GET", "/cases", new["access_token"])).status_code == 200
    # What was revoked stays dead.
    assert (await vendor.api("GET", "/cases", old["access_token"])).status_code == 401
    assert (await vendor.refresh(old["refresh_token"])).status_code == 400


async def test_everybody_sees_their_own_only(app, api, browser, other_browser, owner, vendor, superuser):
    tokens = await vendor.tokens(browser, owner)
    colleague = await add_member(api, app, superuser, "admin", "colega@example.com")
    await other_browser.sign_in(*colleague.login)
    assert "Ninguna aplicación actúa por ti" in (await listed(other_browser)).text
    (grant,) = superuser.execute("select id from oauth_grants").fetchone()
    assert (await other_browser.open(f"/account/apps/{grant}/revoke")).status == 404
    # Even with a form of their own, which proves nothing about this permission.
    page = await listed(other_browser)
    token = page.html.forms[0].all("csrf_token")[0].value
    await other_browser.post(f"/account/apps/{grant}/revoke", {"csrf_token": token}, site="same-origin")
    assert (await vendor.api("GET", "/cases", tokens["access_token"])).status_code == 200


async def test_revoking_cannot_be_forged(browser, owner, vendor, superuser):
    tokens = await vendor.tokens(browser, owner)
    (grant,) = superuser.execute("select id from oauth_grants").fetchone()
    answer = await browser.post(f"/account/apps/{grant}/revoke", {})
    assert answer.status == 403
    assert (await vendor.api("GET", "/cases", tokens["access_token"])).status_code == 200


async def test_each_firm_has_its_own_entry(app, firm, other_firm, browser, owner, vendor, superuser):
    async with other_firm.client(app) as theirs:
        body = {"email": owner.email, "name": "Núria", "role": "provider"}
        assert (await theirs.post("/users", json=body)).status_code == 201
    here = await vendor.tokens(browser, owner, firm=firm.id)
    there = await vendor.tokens(browser, owner, firm=other_firm.id)
    sandbox = await vendor.tokens(browser, owner, firm=firm.sandbox_id)
    page = await listed(browser)
    assert page.text.count("Retirar el permiso…") == 3
    (grant,) = superuser.execute(
        "select id from oauth_grants where tenant_id = %s", [other_firm.id]
    ).fetchone()
    asked = await browser.open(f"/account/apps/{grant}/revoke")
    assert "Otra Firma" in asked.text
    await browser.submit(
        asked, next(f for f in asked.html.forms if urlsplit(f.action).path.endswith("/revoke"))
    )
    for tokens, status in ((here, 200), (there, 401), (sandbox, 200)):
        assert (await vendor.api("GET", "/cases", tokens["access_token"])).status_code == status


async def test_nobody_else_opens_it(browser, owner):
    page = await browser.open("/account/apps")
    assert urlsplit(page.url).path == "/sign-in"
    back = await browser.sign_in(*owner.login, page=page)
    assert urlsplit(back.url).path == "/account/apps"


async def test_a_lost_membership_ends_what_was_allowed_in_it(firm, browser, owner, vendor, superuser):
    tokens = await vendor.tokens(browser, owner)
    superuser.execute("update users set active = false where id = %s", [firm.owner_id])
    assert (await vendor.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
