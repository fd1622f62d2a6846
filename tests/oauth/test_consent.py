"""The page where a person decides: what it says, what it offers, and what it takes for an answer."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from conecta.auth.roles import SCOPES_OF_ROLE
from conecta.auth.scopes import SEED_SCOPES, SENTENCES, Scope
from conecta.kit import clock
from tests.clients.access import EMAIL, new_client
from tests.clients.signed_in_app import browser_of, own_app

from .arrange import add_member, code_of, pkce, register_app
from .browserless import Browser, authorize, consent, consent_form, in_process, on_to


@pytest.fixture
async def everything(app, firm):
    """An app that asks for all there is."""
    return await register_app(app, firm, name="Contable 360", scopes=list(SEED_SCOPES))


async def shown(browser, person, app, **parameters):
    page = await browser.open(app.url(prompt="consent", **parameters), site="cross-site")
    return await browser.sign_in(*person.login, page=page) if urlsplit(page.url).path == "/sign-in" else page


async def test_it_says_who_asks_for_what_and_where_the_answer_goes(firm, browser, owner, vendor):
    page = await shown(browser, owner, vendor)
    for text in ("Agenda Clara", "https://app.example", "Bufete Prueba", owner.email):
        assert text in page.text
    for scope in ("read:cases", "write:bookings"):
        assert SENTENCES[Scope(scope)].es in page.text
    form = consent_form(page)
    assert {(c.value, c.on) for c in form.all("scope")} == {("read:cases", True), ("write:bookings", True)}
    # The firm one is in is chosen, and its sandbox is offered.
    assert [(c.value, c.on) for c in form.all("firm")] == [(firm.id, True), (firm.sandbox_id, False)]


async def test_it_says_what_the_app_will_not_be_able_to_do(browser, owner, vendor):
    page = await shown(browser, owner, vendor)
    _, _, below = page.text.partition("No podrá")
    for scope in set(Scope) - {Scope.CASES_READ, Scope.BOOKINGS_WRITE}:
        assert SENTENCES[scope].es in below, scope
    assert SENTENCES[Scope.CASES_READ].es not in below


async def test_scopes_outside_the_role_are_shown_as_not_granted(app, api, browser, everything, superuser):
    assistant = await add_member(api, app, superuser, "assistant", "asistente@example.com")
    page = await shown(browser, assistant, everything, scope=" ".join(SEED_SCOPES))
    _, _, refused = page.text.partition("Lo pide, pero no se le concederá")
    assert SENTENCES[Scope.WEBHOOKS].es in refused.partition("No podrá")[0]
    offered = {control.value for control in consent_form(page).all("scope")}
    assert offered == SCOPES_OF_ROLE["assistant"]


async def test_with_two_firms_it_says_where_a_scope_can_be_had(
    app, firm, other_firm, browser, owner, everything, superuser
):
    async with other_firm.client(app) as theirs:
        body = {"email": owner.email, "name": "Núria", "role": "assistant"}
        assert (await theirs.post("/users", json=body)).status_code == 201
    page = await shown(browser, owner, everything, scope="webhooks read:cases")
    form = consent_form(page)
    assert len(form.all("firm")) == 4
    assert "Solo en Bufete Prueba" in page.text
    form.tick("firm", other_firm.id)
    form.tick("scope", "webhooks")
    refused = await browser.submit(page, form, button=("action", "approve"))
    assert (refused.outside, refused.status) == (False, 422)
    again = consent_form_of_refusal(refused)
    assert [c.value for c in again.all("firm") if c.on] == [other_firm.id]
    again.tick("scope", "webhooks", "read:cases")
    seen = on_to(await browser.submit(refused, again, button=("action", "approve")))
    assert (await everything.exchange(code_of(seen))).json()["scope"] == "read:cases"


def consent_form_of_refusal(page):
    return page.html.form("csrf_token", "request", "firm", "scope")


async def test_nothing_ticked_is_no_consent(browser, owner, vendor, superuser):
    page = await shown(browser, owner, vendor)
    refused = await consent(browser, page, scopes=[])
    assert (refused.outside, refused.status) == (False, 422)
    assert not any(control.on for control in consent_form_of_refusal(refused).all("scope"))
    assert superuser.execute("select count(*) from oauth_grants").fetchone() == (0,)


async def test_who_may_give_nothing_can_only_refuse(app, firm, api, browser, superuser):
    hooks = await register_app(app, firm, scopes=["webhooks"])
    assistant = await add_member(api, app, superuser, "assistant", "asistente@example.com")
    page = await shown(browser, assistant, hooks, scope="webhooks")
    assert page.status == 200
    form = page.html.form("csrf_token", "request")
    buttons = [(c.name, c.value) for c in form.controls if c.kind == "submit"]
    assert buttons == [("action", "deny")]
    seen = on_to(await browser.submit(page, form, button=("action", "deny")))
    assert seen.query["error"] == "access_denied"


async def test_refusing_is_told_to_the_app_and_kept_nowhere(browser, owner, vendor, superuser):
    seen = on_to(await consent(browser, await shown(browser, owner, vendor), button="deny"))
    assert seen.query == {
        "error": "access_denied",
        "error_description": seen.query["error_description"],
        "state": "af0ifjsldkj",
        "iss": vendor.issuer,
    }
    assert superuser.execute("select count(*) from oauth_grants").fetchone() == (0,)


async def test_pressing_enter_in_no_button_is_no_consent(browser, owner, vendor):
    page = await shown(browser, owner, vendor)
    seen = on_to(await browser.submit(page, consent_form(page)))
    assert seen.query["error"] == "access_denied"


async def test_an_old_page_has_to_be_opened_anew(browser, owner, vendor, monkeypatch):
    page = await shown(browser, owner, vendor)
    later = clock.real_now() + timedelta(minutes=31)
    monkeypatch.setattr(clock, "real_now", lambda: later)
    answer = await consent(browser, page)
    assert (answer.outside, answer.status) == (False, 403)


async def test_it_speaks_english_to_those_who_ask_for_it(app, owner, vendor):
    async with in_process(app, **{"Accept-Language": "en"}) as client:
        page = await shown(Browser(client), owner, vendor)
        assert SENTENCES[Scope.CASES_READ].en in page.text
        assert "Let Agenda Clara act for you?" in page.text
        assert SENTENCES[Scope.CASES_READ].es not in page.text


async def test_the_error_page_says_what_is_wrong_and_links_home_only(browser, vendor):
    unknown = await browser.open(vendor.url(client_id="app_nobody"), site="cross-site")
    assert "client_id" in unknown.text
    wrong = await browser.open(vendor.url(redirect_uri="https://evil.example/"), site="cross-site")
    assert "redirect_uri" in wrong.text
    assert all(link.startswith(("/", "#")) for page in (unknown, wrong) for link in page.html.links)


async def test_a_form_that_leads_outside_is_allowed_to_that_origin_only(browser, owner, vendor):
    page = await shown(browser, owner, vendor)
    policy = page.headers["content-security-policy"]
    assert "form-action 'self' https://app.example;" in policy


async def test_a_private_scheme_is_answered_by_a_redirect(app, firm, browser, owner):
    """Phones open an app for a redirect that began with a press of a button, not for a page that moves on."""
    phone = await register_app(app, firm, kind="public", redirect_uris=["com.example.agenda:/callback"])
    verifier, challenge = pkce()
    asked = {"code_challenge": challenge, "code_challenge_method": "S256"}
    page = await shown(browser, owner, phone, **asked)
    assert "com.example.agenda:" in page.text
    assert "form-action 'self' com.example.agenda:;" in page.headers["content-security-policy"]
    seen = await consent(browser, page)
    assert seen.outside
    assert seen.url.startswith("com.example.agenda:/callback?code=")
    assert (await phone.exchange(seen.query["code"], verifier)).status_code == 200


async def test_whoever_leaves_through_a_form_gets_a_page_that_leads_on(browser, owner, vendor):
    """Chromium would not follow a form's redirect past the first host, where many apps redirect on."""
    page = await shown(browser, owner, vendor)
    left = await consent(browser, page)
    assert (left.outside, left.status) == (False, 200)
    assert left.html.refresh.startswith("https://app.example/callback?code=")
    assert left.html.refresh in left.html.links
    assert left.headers["cache-control"] == "no-store"
    # Whoever comes straight from the app goes straight back.
    back = await browser.open(vendor.url(), site="cross-site")
    assert back.outside


async def test_the_audit_log_tells_who_allowed_what(app, firm, api, browser, owner, vendor):
    await vendor.tokens(browser, owner)
    entries = (await api.get("/audit-log", params={"action": "oauth_grant.given"})).json()["data"]
    assert len(entries) == 1
    assert entries[0]["actor_id"] == firm.owner_id
    assert entries[0]["target"] == vendor.id
    assert entries[0]["details"]["scopes"] == ["read:cases", "write:bookings"]


async def test_an_app_of_any_firm_may_ask(app, other_firm, browser, owner):
    """A vendor registers once and is let in by the people of every firm."""
    foreign = await register_app(app, other_firm, name="De otra casa")
    page = await shown(browser, owner, foreign)
    assert "La registró Otra Firma" in page.text
    assert (await foreign.tokens(browser, owner))["scope"] == "read:cases write:bookings"
    seen = await authorize(browser, foreign.url())
    assert code_of(seen)


async def test_an_app_may_want_the_person_to_prove_again_who_they_are(browser, owner, vendor, superuser):
    await browser.sign_in(*owner.login)
    fresh = await browser.open(vendor.url(prompt="login"), site="cross-site")
    assert consent_form(fresh)
    superuser.execute("update sessions set authenticated_at = now() - interval '11 minutes'")
    asked = await browser.open(vendor.url(prompt="login"), site="cross-site")
    assert urlsplit(asked.url).path == "/account/confirm"
    form = asked.html.form("password", "csrf_token", "next")
    proven = await browser.submit(asked, form, password=owner.password)
    assert urlsplit(proven.url).path == "/oauth/authorize"
    assert code_of(on_to(await consent(browser, proven)))


async def test_who_sits_at_anothers_session_can_sign_in_as_themselves(
    app, api, browser, owner, vendor, superuser
):
    colleague = await add_member(api, app, superuser, "provider", "colega@example.com")
    page = await shown(browser, owner, vendor)
    form = next(form for form in page.html.forms if urlsplit(form.action).path == "/sign-out")
    door = await browser.submit(page, form)
    assert urlsplit(door.url).path == "/sign-in"
    page = await browser.sign_in(*colleague.login, page=door)
    assert colleague.email in page.text
    assert code_of(on_to(await consent(browser, page)))


async def test_a_client_proves_anew_who_they_are_at_the_firms_own_door(app, api, firm, superuser):
    theirs = await own_app(app, firm)
    client = await new_client(api)
    async with browser_of(app, api, client, EMAIL) as browser:
        fresh = await browser.open(theirs.url(scope="read:cases", prompt="login"), site="cross-site")
        assert "Solo lo que es tuyo" in fresh.text
        superuser.execute("update sessions set authenticated_at = now() - interval '11 minutes'")
        asked = await browser.open(theirs.url(scope="read:cases", prompt="login"), site="cross-site")
        assert urlsplit(asked.url).path == f"/portal/{firm.id}/sign-in"
