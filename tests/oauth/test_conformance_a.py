"""RFC 6749 and RFC 6750: lines A1 to A11 of the server's list of musts."""

import asyncio
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

import pytest

from conecta import doctor
from conecta.api import PREFIX
from conecta.settings import Settings

from .arrange import CALLBACK, add_member, basic, code_of, register_app
from .browserless import authorize, consent, consent_form, in_process, on_to
from .servers import server_at

STATES = [
    "af0ifjsldkj",
    "a b+c%20d&e=f;g",
    "ñandú 漢字 🙂",
    "'\"<script>alert(1)</script>",
    "https://evil.example/?x=1#y",
    "x" * 1500,
]


# --- A1: TLS ------------------------------------------------------------------------------------------


async def test_a1_every_endpoint_is_https_wherever_the_issuer_is(app):
    """Nothing is announced or sent by plain http when the public address is https."""
    async with server_at(app, "https://api.example") as http:
        document = (await http.get("/.well-known/oauth-authorization-server")).json()
        ends = ("issuer", "_endpoint", "_uri", "_documentation")
        addresses = [value for name, value in document.items() if name.endswith(ends)]
        assert len(addresses) >= 9
        assert all(address.startswith("https://api.example") for address in addresses)
        page = await http.get("/sign-in")
        assert "max-age=" in page.headers["strict-transport-security"]
        cookies = page.headers.get_list("set-cookie")
        assert cookies
        assert all(cookie.startswith("__Host-") and "; Secure" in cookie for cookie in cookies)


@pytest.mark.parametrize(
    ("base_url", "level"),
    [
        ("https://api.example", "ok"),
        ("http://127.0.0.1:8000", "ok"),
        ("http://api.example", "WARNING"),
        ("http://10.0.0.1:8000", "WARNING"),
        ("http://127.0.0.1.evil.example", "WARNING"),
        ("http://localhost.evil.example", "WARNING"),
    ],
)
def test_a1_an_operator_is_told_when_people_would_come_by_plain_http(tmp_path, base_url, level):
    unreachable = "postgresql://nobody@127.0.0.1:1/x"
    settings = Settings(_env_file=None, data_dir=tmp_path, base_url=base_url, database_url=unreachable)
    found = doctor.examine(settings)
    (finding,) = [one for one in found if base_url in one.sentence]
    assert finding.level == level


# --- A2: /authorize -----------------------------------------------------------------------------------


async def test_a2_unknown_parameters_are_ignored(browser, owner, vendor):
    seen = await vendor.consented(browser, owner, utm_source="newsletter", ui_locales="es", nonce="n-0S6")
    assert code_of(seen)


async def test_a2_empty_parameters_count_as_left_out(browser, owner, vendor):
    seen = await vendor.consented(
        browser, owner, state="", scope="", code_challenge="", dpop_jkt="", prompt=""
    )
    assert code_of(seen)
    assert "state" not in seen.query


@pytest.mark.parametrize("name", ["scope", "state", "response_type", "code_challenge", "prompt", "anything"])
async def test_a2_repeated_parameters_are_an_error_for_the_app(browser, owner, vendor, name):
    await browser.sign_in(*owner.login)
    seen = await browser.open(vendor.url(**{name: "read:cases"}) + f"&{name}=read:cases", site="cross-site")
    assert seen.outside
    assert seen.url.startswith(CALLBACK + "?")
    assert seen.query["error"] == "invalid_request"
    assert "code" not in seen.query


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
async def test_a2_a_repeated_client_or_redirect_uri_leads_nowhere(browser, owner, vendor, name):
    await browser.sign_in(*owner.login)
    value = {"client_id": vendor.id, "redirect_uri": CALLBACK}[name]
    seen = await browser.open(f"{vendor.url()}&{name}={quote(value, safe='')}")
    assert (seen.outside, seen.status) == (False, 400)


async def test_a2_a_posted_request_without_our_form_is_refused(browser, owner, vendor):
    await browser.sign_in(*owner.login)
    seen = await browser.post("/oauth/authorize", parse_qsl(urlsplit(vendor.url()).query))
    assert (seen.outside, seen.status) == (False, 403)


# --- A3: no redirect without a trusted target ---------------------------------------------------------


async def test_a3_a_bad_client_or_redirect_uri_gets_a_page_and_no_redirect(browser, owner, vendor):
    changes = [
        {"client_id": None},
        {"client_id": ""},
        {"client_id": "app_00000000000000000000000000"},
        {"client_id": "' or 1=1 --"},
        {"client_id": "\x00"},
        {"client_id": "ñ" * 500},
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": "//evil.example"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": "data:text/html,x"},
        {"redirect_uri": "https://app.example/callback\x00"},
    ]
    for signed_in in (False, True):
        if signed_in:
            await browser.sign_in(*owner.login)
        for change in changes:
            seen = await browser.open(vendor.url(**change), site="cross-site")
            assert (seen.outside, seen.status) == (False, 400), change
            assert seen.html.refresh == ""
            assert not [link for link in seen.html.links if "evil" in link or ":" in link]
            assert "evil.example" not in seen.source


# --- A4: state ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
async def test_a4_state_comes_back_byte_for_byte(browser, owner, vendor, state):
    allowed = await vendor.consented(browser, owner, state=state)
    assert allowed.query["state"] == state
    refused = await authorize(browser, vendor.url(state=state, prompt="consent"), button="deny")
    assert (refused.query["error"], refused.query["state"]) == ("access_denied", state)
    wrong = await authorize(browser, vendor.url(state=state, scope="read:minds"))
    assert (wrong.query["error"], wrong.query["state"]) == ("invalid_scope", state)


# --- A5: codes ----------------------------------------------------------------------------------------


async def test_a5_code_is_single_use_and_its_replay_revokes_the_tokens(browser, owner, vendor):
    code = await vendor.code(browser, owner)
    tokens = (await vendor.exchange(code)).json()
    assert (await vendor.api("GET", "/cases", tokens["access_token"])).status_code == 200
    again = await vendor.exchange(code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert (await vendor.introspect(tokens["access_token"])).json() == {"active": False}
    assert (await vendor.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await vendor.api("GET", "/cases", tokens["access_token"])).status_code == 401


async def test_a5_of_fifty_parallel_redemptions_one_wins(browser, owner, vendor):
    code = await vendor.code(browser, owner)
    answers = await asyncio.gather(*(vendor.exchange(code) for _ in range(50)))
    won = [answer for answer in answers if answer.status_code == 200]
    assert len(won) == 1
    assert {answer.json()["error"] for answer in answers if answer.status_code != 200} == {"invalid_grant"}
    # Somebody used it twice, so nothing of it lives on.
    assert (await vendor.introspect(won[0].json()["refresh_token"])).json() == {"active": False}


async def test_a5_a_code_belongs_to_its_client(app, firm, browser, owner, vendor):
    thief = await register_app(app, firm, name="Otra")
    code = await vendor.code(browser, owner)
    stolen = await thief.exchange(code)
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    # The attempt of a stranger takes nothing from its owner.
    assert (await vendor.exchange(code)).status_code == 200


async def test_a5_a_code_belongs_to_its_redirect_uri(app, firm, browser, owner):
    twofold = await register_app(app, firm, redirect_uris=[CALLBACK, "https://app.example/other"])
    for wrong in ("https://app.example/other", "https://evil.example/", CALLBACK + "/"):
        code = await twofold.code(browser, owner)
        answer = await twofold.exchange(code, redirect_uri=wrong)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant"), wrong
    code = await twofold.code(browser, owner)
    missing = await twofold.token(grant_type="authorization_code", code=code)
    assert (missing.status_code, missing.json()["error"]) == (400, "invalid_grant")


async def test_a5_a_code_lives_for_a_minute(browser, owner, vendor, superuser):
    code = await vendor.code(browser, owner)
    (lifetime,) = superuser.execute(
        "select extract(epoch from c.expires_at - f.created_at) from oauth_codes c"
        " join oauth_families f on f.id = c.family_id"
    ).fetchone()
    assert 0 < lifetime <= 61
    superuser.execute("update oauth_codes set expires_at = now() - interval '1 second'")
    answer = await vendor.exchange(code)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_a5_no_code_or_token_or_secret_is_stored_in_the_clear(browser, owner, vendor, superuser):
    code = await vendor.code(browser, owner)
    tokens = (await vendor.exchange(code)).json()
    texts = [code, vendor.secret, tokens["access_token"], tokens["refresh_token"]]
    tables = superuser.execute(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
    ).fetchall()
    for (table,) in tables:
        for text in texts:
            for form in (text, text.encode().hex()):
                query = f'select count(*) from "{table}" t where strpos(t::text, %s) > 0'
                assert superuser.execute(query, [form]).fetchone()[0] == 0, table


# --- A6: /token ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_a6_the_token_endpoint_takes_post_only(http, method):
    answer = await http.request(method, "/oauth/token")
    assert answer.status_code == 405
    assert "POST" in answer.headers["allow"]


async def test_a6_basic_credentials_are_decoded_as_a_form(browser, owner, vendor):
    """RFC 6749 §2.3.1: both are encoded as in a form first; any byte may come percent-encoded."""
    odd = "".join(f"%{byte:02X}" for byte in vendor.secret.encode())
    for client_id, secret in [(quote_plus(vendor.id), quote_plus(vendor.secret)), (vendor.id, odd)]:
        code = await vendor.code(browser, owner)
        body = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        headers = {"Authorization": basic(client_id, secret)}
        answer = await vendor.http.post("/oauth/token", data=body, headers=headers)
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("how", ["basic", "post"])
async def test_a6_both_ways_to_send_a_secret_are_taken(browser, owner, vendor, how):
    answer = await vendor.exchange(await vendor.code(browser, owner), how=how)
    assert answer.status_code == 200


async def test_a6_no_credentials_in_the_address(browser, owner, vendor):
    code = await vendor.code(browser, owner)
    body = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    query = {"client_id": vendor.id, "client_secret": vendor.secret}
    answer = await vendor.http.post("/oauth/token", data=body, params=query)
    assert answer.status_code in {400, 401}
    everything = await vendor.http.post("/oauth/token", params={**body, **query})
    assert everything.status_code in {400, 401}
    assert vendor.secret not in everything.text
    assert (await vendor.exchange(code)).status_code == 200


async def test_a6_one_way_to_authenticate_per_request(browser, owner, vendor):
    code = await vendor.code(browser, owner)
    both = await vendor.exchange(code, client_id=vendor.id, client_secret=vendor.secret)
    assert (both.status_code, both.json()["error"]) == (400, "invalid_request")
    assert (await vendor.exchange(code)).status_code == 200


async def test_a6_parameters_sent_twice_are_refused(vendor):
    headers = {
        "Authorization": basic(vendor.id, vendor.secret),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    body = "grant_type=client_credentials&scope=read:cases&scope=write:cases"
    answer = await vendor.http.post("/oauth/token", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", "text/plain"])
async def test_a6_the_body_is_a_form(vendor, kind):
    headers = {"Authorization": basic(vendor.id, vendor.secret), "Content-Type": kind}
    answer = await vendor.http.post(
        "/oauth/token", content=b'{"grant_type":"client_credentials"}', headers=headers
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


# --- A7: errors ---------------------------------------------------------------------------------------


async def test_a7_invalid_client_is_a_401_that_names_basic_when_basic_was_tried(vendor):
    for how, secret in [("basic", "wrong"), ("post", "wrong")]:
        imposter = type(vendor)(vendor.http, vendor.id, secret)
        answer = await imposter.token(how=how, grant_type="client_credentials")
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        assert answer.headers["cache-control"] == "no-store"
        if how == "basic":
            assert answer.headers["www-authenticate"].lower().startswith("basic")


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !!!", "Basic /w==", "Basic AA==", "Bearer x", "Digest a=b"]
)
async def test_a7_unreadable_credentials_are_a_401_and_no_fault_of_ours(vendor, header):
    answer = await vendor.http.post(
        "/oauth/token", data={"grant_type": "client_credentials"}, headers={"Authorization": header}
    )
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert "www-authenticate" in answer.headers


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "magic"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "nobody's", "redirect_uri": CALLBACK}, "invalid_grant"),
        ({"grant_type": "authorization_code", "code": "\x00ñ", "redirect_uri": CALLBACK}, None),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "nobody's"}, "invalid_grant"),
        ({"grant_type": "client_credentials", "scope": "read:minds"}, "invalid_scope"),
        ({"grant_type": "client_credentials", "scope": "admin"}, "invalid_scope"),
    ],
    ids=str,
)
async def test_a7_other_errors_are_400_and_kept_by_nobody(vendor, fields, error):
    answer = await vendor.token(**fields)
    assert answer.status_code == 400
    assert error is None or answer.json()["error"] == error
    assert set(answer.json()) <= {"error", "error_description", "error_uri"}
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["cache-control"] == "no-store"


async def test_a7_tokens_are_kept_by_nobody_in_between(browser, owner, vendor):
    answer = await vendor.exchange(await vendor.code(browser, owner))
    assert answer.headers["cache-control"] == "no-store"
    assert set(answer.json()) >= {"access_token", "token_type", "expires_in", "refresh_token", "scope"}
    assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("Bearer", 3600)


# --- A8, A9: scopes -----------------------------------------------------------------------------------


async def test_a8_the_scope_that_was_granted_is_told(app, api, browser, owner, vendor, superuser):
    seen = await vendor.consented(browser, owner, scopes=["read:cases"])
    tokens = (await vendor.exchange(code_of(seen))).json()
    assert tokens["scope"] == "read:cases"
    assert (await vendor.api("GET", "/cases", tokens["access_token"])).status_code == 200


async def test_a8_what_the_role_does_not_allow_is_not_granted(app, firm, api, browser, superuser):
    hooks = await register_app(app, firm, scopes=["read:cases", "webhooks"])
    assistant = await add_member(api, app, superuser, "assistant", "asistente@example.com")
    tokens = await hooks.tokens(browser, assistant, scope="read:cases webhooks")
    assert tokens["scope"] == "read:cases"
    assert (await hooks.api("GET", "/webhooks", tokens["access_token"])).status_code == 403


async def test_a9_a_refresh_token_belongs_to_its_client(app, firm, browser, owner, vendor):
    thief = await register_app(app, firm, name="Otra")
    tokens = await vendor.tokens(browser, owner)
    stolen = await thief.refresh(tokens["refresh_token"])
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    assert (await vendor.refresh(tokens["refresh_token"])).status_code == 200


async def test_a9_refreshing_never_widens_the_scope(browser, owner, vendor):
    tokens = (
        await vendor.exchange(code_of(await vendor.consented(browser, owner, scopes=["read:cases"])))
    ).json()
    for wider in ("read:cases write:bookings", "write:bookings", "read:cases admin", "webhooks"):
        answer = await vendor.refresh(tokens["refresh_token"], scope=wider)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope"), wider
    same = await vendor.refresh(tokens["refresh_token"], scope="read:cases")
    assert same.json()["scope"] == "read:cases"


async def test_a9_a_narrower_refresh_narrows_the_access_token_only(browser, owner, vendor):
    tokens = await vendor.tokens(browser, owner)
    narrow = (await vendor.refresh(tokens["refresh_token"], scope="read:cases")).json()
    assert narrow["scope"] == "read:cases"
    assert (await vendor.introspect(narrow["access_token"])).json()["scope"] == "read:cases"
    wide = (await vendor.refresh(narrow["refresh_token"])).json()
    assert set(wide["scope"].split()) == {"read:cases", "write:bookings"}


# --- A10: guessing ------------------------------------------------------------------------------------


async def test_a10_guessing_secrets_is_slowed_down(app, settings, vendor):
    imposter = type(vendor)(vendor.http, vendor.id, "guess")
    statuses = []
    for guess in range(settings.sign_in_failures_per_minute + 3):
        imposter.secret = f"guess-{guess}"
        # Who says to come from elsewhere is believed by no one: only a trusted proxy may say so.
        forged = {"X-Forwarded-For": f"192.0.2.{guess}"}
        statuses.append(
            (await imposter.call("/oauth/token", {"grant_type": "client_credentials"}, **forged)).status_code
        )
    assert statuses[0] == 401
    assert statuses[-1] == 429
    blocked = await vendor.token(grant_type="client_credentials")
    assert blocked.status_code == 429
    assert int(blocked.headers["retry-after"]) > 0
    async with in_process(app, address="198.51.100.99") as elsewhere:
        honest = type(vendor)(elsewhere, vendor.id, vendor.secret)
        assert (await honest.token(grant_type="client_credentials")).status_code == 200


# --- A11: bearer tokens -------------------------------------------------------------------------------


async def test_a11_a_token_is_taken_from_the_header_only(browser, owner, vendor):
    token = (await vendor.tokens(browser, owner))["access_token"]
    assert (await vendor.api("GET", "/cases", token)).status_code == 200
    in_query = await vendor.http.get(f"{PREFIX}/cases", params={"access_token": token})
    assert in_query.status_code == 401
    in_body = await vendor.http.post(f"{PREFIX}/cases", data={"access_token": token})
    assert in_body.status_code == 401
    both = await vendor.http.get(
        f"{PREFIX}/cases", params={"access_token": token}, headers={"Authorization": f"Bearer {token}"}
    )
    assert both.status_code == 400


async def test_a11_refusals_say_what_is_wrong_in_www_authenticate(browser, owner, vendor):
    nothing = await vendor.http.get(f"{PREFIX}/cases")
    assert nothing.status_code == 401
    assert nothing.headers["www-authenticate"].startswith("Bearer")
    assert "error=" not in nothing.headers["www-authenticate"]
    assert "resource_metadata=" in nothing.headers["www-authenticate"]
    token = (await vendor.tokens(browser, owner, scope="read:cases"))["access_token"]
    forged = await vendor.api("GET", "/cases", token[:-6] + "AAAAAA")
    assert forged.status_code == 401
    assert 'error="invalid_token"' in forged.headers["www-authenticate"]
    poor = await vendor.api("GET", "/clients", token)
    assert poor.status_code == 403
    assert 'error="insufficient_scope"' in poor.headers["www-authenticate"]
    assert 'scope="read:clients"' in poor.headers["www-authenticate"]


async def test_the_seeds_own_request_works_verbatim(browser, owner, vendor):
    """Seed §2.1: no PKCE, the secret in the body, scopes with a space, the same answer fields."""
    query = (
        f"client_id={vendor.id}&redirect_uri={quote(CALLBACK, safe='')}&response_type=code"
        "&scope=read:cases write:bookings&state=random".replace(" ", "%20")
    )
    await browser.sign_in(*owner.login)
    page = await browser.open(f"/oauth/authorize?{query}", site="cross-site")
    assert {control.value for control in consent_form(page).all("scope")} == {"read:cases", "write:bookings"}
    seen = on_to(await consent(browser, page))
    assert seen.query["state"] == "random"
    body = {
        "grant_type": "authorization_code",
        "code": code_of(seen),
        "client_id": vendor.id,
        "client_secret": vendor.secret,
        "redirect_uri": CALLBACK,
    }
    answer = await vendor.http.post("/oauth/token", data=body)
    assert answer.status_code == 200
    assert answer.json()["expires_in"] == 3600
