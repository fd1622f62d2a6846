"""What attackers try at the authorization endpoint and with what they have stolen."""

import asyncio
import base64
import json
from urllib.parse import quote, urlsplit

import pytest

from conecta.api import PREFIX

from .arrange import CALLBACK, SCOPE, add_member, code_of, give_password, pkce, register_app
from .browserless import authorize, consent, consent_form, on_to


async def shown(browser, owner, vendor, **parameters):
    """Bring a person as far as the consent page."""
    page = await browser.open(vendor.url(prompt="consent", **parameters), site="cross-site")
    if urlsplit(page.url).path == "/sign-in":
        page = await browser.sign_in(*owner.login, page=page)
    assert consent_form(page)
    return page


# --- mix-up and injection -----------------------------------------------------------------------------


async def test_an_honest_client_can_tell_that_an_answer_is_not_its_servers(browser, owner, vendor):
    """Mix-up: the answer names its issuer, once, also when the redirect URI has an `iss` of its own."""
    seen = await vendor.consented(browser, owner)
    assert seen.query["iss"] == vendor.issuer


async def test_a_redirect_uri_may_not_bring_its_own_answer(api):
    for uri in (
        f"{CALLBACK}?code=x",
        f"{CALLBACK}?iss=https://evil.example",
        f"{CALLBACK}?state=x",
        f"{CALLBACK}?error=x",
    ):
        body = {"name": "X", "redirect_uris": [uri], "scopes": ["read:cases"]}
        answer = await api.post("/oauth-apps", json=body)
        assert answer.status_code == 422, uri


async def test_an_injected_code_fits_nobody_elses_verifier(
    browser, other_browser, app, api, superuser, owner, vendor
):
    """The attacker's own code, put into the victim's session, or the victim's into the attacker's."""
    victim = await add_member(api, app, superuser, "provider", "victima@example.com")
    own_verifier, challenge = pkce()
    stolen = await vendor.code(other_browser, victim, code_challenge=challenge, code_challenge_method="S256")
    attackers_verifier, _ = pkce()
    assert (await vendor.exchange(stolen, attackers_verifier)).json()["error"] == "invalid_grant"
    assert (await vendor.exchange(stolen, own_verifier)).json()["error"] == "invalid_grant"


async def test_a_code_without_its_clients_secret_is_worth_nothing(browser, owner, vendor):
    code = await vendor.code(browser, owner)
    fields = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "client_id": vendor.id,
    }
    answer = await vendor.http.post("/oauth/token", data=fields)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    # Whoever cannot say who they are does not use somebody's code up.
    assert (await vendor.exchange(code)).status_code == 200


# --- the form between the page and the answer ---------------------------------------------------------


async def test_consent_cannot_be_forged_from_another_site(browser, owner, vendor, superuser):
    page = await shown(browser, owner, vendor)
    form = consent_form(page)
    fields = form.sent(button=("action", "approve"))
    without = [pair for pair in fields if pair[0] != "csrf_token"]
    for attempt in (
        await browser.post("/oauth/authorize", without),
        await browser.post("/oauth/authorize", without, site="same-origin"),
        await browser.post("/oauth/authorize", [*without, ("csrf_token", "guess")]),
        await browser.post("/oauth/authorize", fields),  # the right form, sent from elsewhere
        await browser.post("/oauth/authorize", fields, site="same-site"),
        await browser.post("/oauth/authorize", [*without, ("csrf_token", "")], Origin="https://evil.example"),
    ):
        assert (attempt.outside, attempt.status) == (False, 403)
    assert superuser.execute("select count(*) from oauth_grants").fetchone() == (0,)


async def test_another_persons_form_is_worth_nothing(
    app, api, browser, other_browser, owner, vendor, superuser
):
    """An attacker cannot have a victim send the form that the attacker was shown."""
    attacker = await add_member(api, app, superuser, "provider", "atacante@example.com")
    page = await shown(other_browser, attacker, vendor)
    theirs = consent_form(page).sent(button=("action", "approve"))
    own = consent_form(await shown(browser, owner, vendor))
    mixed = [(n, v) for n, v in theirs if n != "csrf_token"] + [
        ("csrf_token", own.all("csrf_token")[0].value)
    ]
    for fields in (theirs, mixed):
        answer = await browser.post("/oauth/authorize", fields, site="same-origin")
        assert (answer.outside, answer.status) == (False, 403)


async def test_what_was_shown_is_what_is_granted(browser, owner, vendor):
    """Whatever is added to the form or its address between the page and the answer changes nothing."""
    page = await shown(browser, owner, vendor, scope="read:cases")
    fields = consent_form(page).sent(button=("action", "approve"))
    forged = [
        *fields,
        ("scope", "write:bookings"),
        ("scope", "admin"),
        ("redirect_uri", "https://evil.example/"),
        ("state", "forged"),
        ("client_id", "app_x"),
        ("code_challenge", pkce()[1]),
    ]
    path = "/oauth/authorize?redirect_uri=https://evil.example/&scope=write:cases&state=forged"
    seen = on_to(await browser.post(path, forged, site="same-origin"))
    assert seen.url.startswith(CALLBACK + "?")
    assert seen.query["state"] == "af0ifjsldkj"
    tokens = (await vendor.exchange(code_of(seen))).json()
    assert tokens["scope"] == "read:cases"


async def test_the_sealed_request_cannot_be_changed(browser, owner, vendor):
    page = await shown(browser, owner, vendor)
    form = consent_form(page)
    (sealed,) = form.all("request")
    raw = base64.urlsafe_b64decode(sealed.value + "==")
    tag, payload = raw[:16], json.loads(raw[16:])
    changed = json.dumps(payload).replace("read%3Acases", "x").replace("read:cases", "read:invoices").encode()
    assert changed != raw[16:]
    for value in (
        base64.urlsafe_b64encode(tag + changed).decode().rstrip("="),
        sealed.value[:-4],
        "",
        "x" * 100_000,
        "ñ",
    ):
        fields = [(n, value if n == "request" else v) for n, v in form.sent(button=("action", "approve"))]
        answer = await browser.post("/oauth/authorize", fields, site="same-origin")
        assert (answer.outside, answer.status) == (False, 403)


async def test_what_changed_at_the_app_meanwhile_counts(app, firm, browser, owner, vendor):
    """The request is judged anew when the answer comes."""
    async with firm.client(app) as api:
        page = await shown(browser, owner, vendor)
        patched = await api.patch(
            f"/oauth-apps/{vendor.id}", json={"redirect_uris": ["https://new.example/"]}
        )
        assert patched.status_code == 200
        moved = await consent(browser, page)
        assert (moved.outside, moved.status) == (False, 400)
        assert (await api.delete(f"/oauth-apps/{vendor.id}")).status_code == 204
        gone = await consent(browser, page)
        assert (gone.outside, gone.status) == (False, 400)


async def test_signing_out_midway_ends_it(browser, owner, vendor, superuser):
    page = await shown(browser, owner, vendor)
    panel = await browser.open("/panel")
    form = next(form for form in panel.html.forms if urlsplit(form.action).path == "/sign-out")
    await browser.submit(panel, form)
    answer = await consent(browser, page)
    assert (answer.outside, answer.status) == (False, 403)
    assert superuser.execute("select count(*) from oauth_grants").fetchone() == (0,)


async def test_somebody_else_signing_in_midway_ends_it(app, api, browser, owner, vendor, superuser):
    page = await shown(browser, owner, vendor)
    other = await add_member(api, app, superuser, "assistant", "otra@example.com")
    browser.http.cookies.clear()
    await browser.sign_in(*other.login)
    answer = await consent(browser, page)
    assert (answer.outside, answer.status) == (False, 403)
    assert superuser.execute("select count(*) from oauth_grants").fetchone() == (0,)


async def test_two_presses_of_a_button_give_two_codes_of_one_grant_and_no_fault(
    browser, owner, vendor, superuser
):
    page = await shown(browser, owner, vendor)
    form = consent_form(page)
    answers = await asyncio.gather(
        *(browser.submit(page, form, button=("action", "approve")) for _ in range(5))
    )
    codes = {code_of(on_to(answer)) for answer in answers}
    assert len(codes) == 5
    assert superuser.execute("select count(*) from oauth_grants").fetchone() == (1,)


# --- firms --------------------------------------------------------------------------------------------


@pytest.fixture
async def worker_of_two(app, firm, other_firm, superuser):
    """Somebody who works for both firms: an owner of the first, an assistant of the second."""
    person = await give_password(app, superuser, firm.owner_id)
    async with other_firm.client(app) as theirs:
        body = {"email": person.email, "name": "Núria Íñiguez", "role": "assistant"}
        assert (await theirs.post("/users", json=body)).status_code == 201
    return person


async def test_the_token_is_of_the_firm_that_was_chosen(
    app, firm, other_firm, browser, worker_of_two, vendor
):
    async with firm.client(app) as one, other_firm.client(app) as two:
        first = (await one.post("/clients", json={"name": "De la primera"})).json()["id"]
        second = (await two.post("/clients", json={"name": "De la segunda"})).json()["id"]
    reader = await register_app(app, firm, scopes=["read:clients"])
    for chosen, own, foreign in ((firm, first, second), (other_firm, second, first)):
        tokens = await reader.tokens(browser, worker_of_two, firm=chosen.id, scope="read:clients")
        token = tokens["access_token"]
        assert (await reader.api("GET", f"/clients/{own}", token)).status_code == 200
        assert (await reader.api("GET", f"/clients/{foreign}", token)).status_code == 404
        listed = (await reader.api("GET", "/clients", token)).text
        assert own in listed
        assert foreign not in listed
        named = {"X-Tenant-ID": (other_firm if chosen is firm else firm).id}
        refused = await reader.api("GET", "/clients", token, headers=named)
        assert (refused.status_code, refused.json()["code"]) == (403, "tenant_mismatch")


async def test_consent_in_one_firm_is_none_in_another(
    firm, other_firm, browser, worker_of_two, vendor, superuser
):
    await vendor.tokens(browser, worker_of_two, firm=firm.id)
    superuser.execute("update sessions set at_tenant = %s", [other_firm.id])
    seen = await browser.open(vendor.url(), site="cross-site")
    assert not seen.outside
    assert consent_form(seen)
    silent = on_to(await browser.open(vendor.url(prompt="none"), site="cross-site"))
    assert silent.query["error"] == "consent_required"


async def test_a_firm_that_one_does_not_work_for_cannot_be_chosen(
    other_firm, browser, owner, vendor, superuser
):
    page = await shown(browser, owner, vendor)
    fields = consent_form(page).sent(button=("action", "approve"))
    for foreign in (other_firm.id, other_firm.sandbox_id, "", "tenant_x", "*"):
        forged = [(n, foreign if n == "firm" else v) for n, v in fields]
        answer = await browser.post("/oauth/authorize", forged, site="same-origin")
        assert (answer.outside, answer.status) == (False, 403)
    assert superuser.execute("select count(*) from oauth_grants").fetchone() == (0,)


async def test_the_sandbox_is_a_place_of_its_own(app, firm, browser, owner, vendor):
    async with firm.client(app) as live:
        case = (await live.get("/cases")).json()
    tokens = await vendor.tokens(browser, owner, firm=firm.sandbox_id)
    answer = await vendor.api("GET", "/cases", tokens["access_token"])
    assert answer.status_code == 200
    assert case["data"] == answer.json()["data"] == []
    named = await vendor.api(
        "GET", "/cases", tokens["access_token"], headers={"X-Tenant-ID": firm.sandbox_id}
    )
    assert named.status_code == 200


async def test_who_leaves_the_firm_takes_their_tokens_along(app, api, browser, vendor, superuser):
    leaving = await add_member(api, app, superuser, "provider", "se-va@example.com")
    tokens = await vendor.tokens(browser, leaving)
    assert (await vendor.api("GET", "/cases", tokens["access_token"])).status_code == 200
    (user,) = [u for u in (await api.get("/users")).json()["data"] if u["email"] == leaving.email]
    assert (await api.patch(f"/users/{user['id']}", json={"active": False})).status_code == 200
    assert (await vendor.api("GET", "/cases", tokens["access_token"])).status_code == 401
    assert (await vendor.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await vendor.introspect(tokens["access_token"])).json() == {"active": False}
    page = await browser.open(vendor.url(), site="cross-site")
    assert not page.outside
    assert urlsplit(page.url).path == "/sign-in"


async def test_a_lesser_role_takes_scopes_from_living_tokens(app, firm, api, browser, superuser):
    hooks = await register_app(app, firm, scopes=["webhooks", "read:cases"])
    admin = await add_member(api, app, superuser, "admin", "baja@example.com")
    tokens = await hooks.tokens(browser, admin, scope="webhooks read:cases")
    assert (await hooks.api("GET", "/webhooks", tokens["access_token"])).status_code == 200
    (user,) = [u for u in (await api.get("/users")).json()["data"] if u["email"] == admin.email]
    assert (await api.patch(f"/users/{user['id']}", json={"role": "assistant"})).status_code == 200
    assert (await hooks.api("GET", "/webhooks", tokens["access_token"])).status_code == 403
    assert (await hooks.api("GET", "/cases", tokens["access_token"])).status_code == 200


# --- escalation ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "scope", ["admin", "read:cases admin", "firm", "*", "read:*", "READ:CASES", "read:cases,write:cases"]
)
async def test_no_app_is_granted_more_than_the_seeds_scopes(browser, owner, vendor, scope):
    seen = await authorize(browser, vendor.url(scope=scope), person=owner.login)
    assert seen.query["error"] == "invalid_scope"


async def test_an_app_cannot_register_for_admin(api):
    body = {"name": "X", "redirect_uris": [CALLBACK], "scopes": ["admin"]}
    assert (await api.post("/oauth-apps", json=body)).status_code == 422


async def test_an_app_asks_for_no_more_than_it_was_registered_for(browser, owner, vendor):
    seen = await authorize(browser, vendor.url(scope=f"{SCOPE} read:invoices"), person=owner.login)
    assert seen.query["error"] == "invalid_scope"


async def test_no_token_administers_the_firm(app, firm, browser, owner):
    greedy = await register_app(
        app,
        firm,
        scopes=["webhooks", "read:clients"],
        grant_types=["authorization_code", "client_credentials"],
    )
    user = (await greedy.tokens(browser, owner, scope="webhooks read:clients"))["access_token"]
    own = (await greedy.token(grant_type="client_credentials")).json()["access_token"]
    for token in (user, own):
        for path in ("/api-keys", "/users", "/tenant", "/oauth-apps", "/audit-log", "/requests", "/messages"):
            answer = await greedy.api("GET", path, token)
            assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope"), path


async def test_an_access_token_opens_no_page_and_a_session_no_api(browser, owner, vendor):
    token = (await vendor.tokens(browser, owner))["access_token"]
    with_token = await vendor.http.get("/account/apps", headers={"Authorization": f"Bearer {token}"})
    assert with_token.status_code == 303
    with_cookie = await browser.http.get(f"{PREFIX}/cases")
    assert with_cookie.status_code == 401


# --- silence ------------------------------------------------------------------------------------------


async def test_prompt_none_shows_nothing(browser, owner, vendor):
    asked = vendor.url(prompt="none")
    nobody = on_to(await browser.open(asked, site="cross-site"))
    assert (nobody.outside, nobody.query["error"]) == (True, "login_required")
    await browser.sign_in(*owner.login)
    unknown = on_to(await browser.open(asked, site="cross-site"))
    assert unknown.query["error"] == "consent_required"
    await vendor.consented(browser, owner)
    assert code_of(on_to(await browser.open(asked, site="cross-site")))


async def test_consent_is_remembered_of_those_who_can_prove_who_they_are(browser, owner, vendor, native):
    await vendor.consented(browser, owner)
    assert code_of(on_to(await browser.open(vendor.url(), site="cross-site")))
    wider = await browser.open(vendor.url(prompt="consent"), site="cross-site")
    assert consent_form(wider)
    verifier, challenge = pkce()
    asked = {"code_challenge": challenge, "code_challenge_method": "S256"}
    await native.consented(browser, owner, **asked)
    # Anybody can open a port of this machine and say that it is the app.
    assert consent_form(await browser.open(native.url(**asked), site="cross-site"))
    assert verifier


async def test_a_narrower_consent_is_no_consent_to_more(browser, owner, vendor):
    await vendor.consented(browser, owner, scopes=["read:cases"])
    assert consent_form(await browser.open(vendor.url(), site="cross-site"))
    assert code_of(on_to(await browser.open(vendor.url(scope="read:cases"), site="cross-site")))


async def test_names_of_apps_are_shown_as_text(app, firm, browser, owner):
    name = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'"
    evil = await register_app(app, firm, name=name)
    page = await shown(browser, owner, evil)
    assert "<script>alert" not in page.source
    assert "<img src=x" not in page.source
    assert name in page.text
    left = await browser.submit(page, consent_form(page), button=("action", "deny"))
    assert "<script>alert" not in left.source


async def test_a_code_asked_for_by_a_link_in_a_mail_needs_a_person(browser, owner, vendor):
    """Following a link alone never gives anything away the first time."""
    await browser.sign_in(*owner.login)
    seen = await browser.open(vendor.url(), site="cross-site")
    assert not seen.outside
    again = await browser.open(f"/sign-in?next={quote(vendor.url(), safe='')}", site="cross-site")
    assert not again.outside
