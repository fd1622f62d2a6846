"""RFC 9700, the best current practice for security: lines B1 to B16 of the server's list of musts."""

import json
from urllib.parse import quote, urlsplit

import pytest

from conecta.api import PREFIX

from .arrange import CALLBACK, code_of, parts_of, pkce, register_app
from .browserless import authorize, consent_form, in_process, on_to
from .forging import sign_as_server
from .servers import running

# What a redirect URI must not be taken for, though something about it looks right.
LOOKALIKES = [
    CALLBACK + "/",
    CALLBACK + "/../callback",
    CALLBACK + "/.",
    CALLBACK + "x",
    CALLBACK + "?x=1",
    CALLBACK + "#fragment",
    CALLBACK + "%2f",
    CALLBACK + "%00",
    CALLBACK + ".evil.example",
    CALLBACK.replace("callback", "CALLBACK"),
    CALLBACK.replace("callback", "%63allback"),
    CALLBACK.replace("callback", "%2563allback"),
    CALLBACK.replace("/callback", "//callback"),
    CALLBACK.replace("/callback", "\\callback"),
    CALLBACK.replace("https", "http"),
    CALLBACK.replace("https", "HTTPS"),
    "https:/app.example/callback",
    "https:app.example/callback",
    "https://app.example",
    "https://app.example.evil.example/callback",
    "https://evil.example/https://app.example/callback",
    "https://app.example@evil.example/callback",
    "https://app.example%40evil.example/callback",
    "https://evil.example#@app.example/callback",
    "https://evil.example\\@app.example/callback",
    "https://user:secret@app.example/callback",
    "https://app.example:443/callback",
    "https://app.example:8443/callback",
    "https://app.example./callback",
    "https://APP.example/callback",
    "https://sub.app.example/callback",
    "https://app。example/callback",
    "https://аpp.example/callback",
    "https://xn--pp-7kc.example/callback",
    " https://app.example/callback",
    "https://app.example/callback ",
    "https://app.example/callback\n",
    "https://app.example/call\tback",
]

# What differs from a registered loopback URI in more than its port.
NO_LOOPBACKS_OF_OURS = [
    "http://127.0.0.1:51004/other",
    "http://127.0.0.1:51004/callback/",
    "http://127.0.0.1:0/callback",
    "http://127.0.0.1:99999/callback",
    "http://127.0.0.1:51004@evil.example/callback",
    "http://127.0.0.1.evil.example/callback",
    "http://127.0.0.2:51004/callback",
    "http://localhost:51004/callback",
    "http://[::1]:51004/callback",
    "https://127.0.0.1:51004/callback",
    "http://127.1:51004/callback",
    "http://0x7f.0.0.1:51004/callback",
]


async def test_b1_the_redirect_uri_is_the_registered_one_character_by_character(browser, owner, vendor):
    await browser.sign_in(*owner.login)
    seen = {uri: await browser.open(vendor.url(redirect_uri=uri), site="cross-site") for uri in LOOKALIKES}
    assert [uri for uri, page in seen.items() if page.outside or page.status != 400] == []
    assert consent_form(await browser.open(vendor.url(), site="cross-site"))


@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1/callback", "http://127.0.0.1:51004/callback", "http://127.0.0.1:1/callback"]
)
async def test_b1_a_native_apps_loopback_port_may_be_any(browser, owner, native, uri):
    verifier, challenge = pkce()
    asked = {"code_challenge": challenge, "code_challenge_method": "S256", "redirect_uri": uri}
    code = await native.code(browser, owner, **asked)
    assert (await native.exchange(code, verifier, redirect_uri=uri)).status_code == 200


async def test_b1_but_nothing_else_of_a_loopback_uri_varies(browser, owner, native):
    await browser.sign_in(*owner.login)
    _, challenge = pkce()
    asked = {"code_challenge": challenge, "code_challenge_method": "S256"}
    for uri in NO_LOOPBACKS_OF_OURS:
        seen = await browser.open(native.url(redirect_uri=uri, **asked), site="cross-site")
        assert (seen.outside, seen.status) == (False, 400), uri


async def test_b1_a_confidential_apps_loopback_port_is_exact(app, firm, browser, owner):
    local = await register_app(app, firm, redirect_uris=["http://127.0.0.1:8765/callback"])
    await browser.sign_in(*owner.login)
    other = await browser.open(local.url(redirect_uri="http://127.0.0.1:8766/callback"))
    assert (other.outside, other.status) == (False, 400)


async def test_b2_no_open_redirector_behind_sign_in(browser, owner):
    targets = [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "/\t/evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/panel\r\nLocation: https://evil.example",
        "http:evil.example",
        "https%3A%2F%2Fevil.example",
    ]
    for target in targets:
        browser.http.cookies.clear()
        page = await browser.open(f"/sign-in?next={quote(target, safe='')}", site="cross-site")
        seen = await browser.sign_in(*owner.login, page=page)
        assert not seen.outside, target
        assert {urlsplit(url).netloc for url in browser.trail} == {urlsplit(browser.origin).netloc}, target


async def test_b2_an_unknown_app_cannot_make_us_redirect(browser, owner, vendor):
    await browser.sign_in(*owner.login)
    for error in ("&error=x", "&response_type=token", "&prompt=none", "&scope=nonsense"):
        seen = await browser.open(vendor.url(redirect_uri="https://evil.example/") + error, site="cross-site")
        assert not seen.outside


async def test_b3_public_clients_must_use_pkce(browser, owner, native):
    await browser.sign_in(*owner.login)
    seen = on_to(await browser.open(native.url(), site="cross-site"))
    assert seen.outside
    assert seen.query["error"] == "invalid_request"
    assert "code_challenge" in seen.query["error_description"]


async def test_b3_a_confidential_app_may_be_made_to_use_pkce(app, firm, browser, owner):
    strict = await register_app(app, firm, pkce_required=True)
    seen = await authorize(browser, strict.url(), person=owner.login)
    assert seen.query["error"] == "invalid_request"
    tokens = await strict.tokens(browser, owner)
    assert tokens["token_type"] == "Bearer"


async def test_b3_a_challenge_that_was_sent_is_enforced(browser, owner, vendor):
    for verifier in (None, "", pkce()[0]):
        _, challenge = pkce()
        code = await vendor.code(browser, owner, code_challenge=challenge, code_challenge_method="S256")
        answer = await vendor.exchange(code, verifier)
        assert answer.status_code == 400
        assert answer.json()["error"] in {"invalid_grant", "invalid_request"}


async def test_b3_a_verifier_without_a_challenge_is_refused(browser, owner, vendor):
    """The downgrade: somebody took the challenge out of the request, so that a stolen code would fit."""
    code = await vendor.code(browser, owner)
    answer = await vendor.exchange(code, pkce()[0])
    assert answer.status_code == 400
    assert answer.json()["error"] in {"invalid_grant", "invalid_request"}
    assert (await vendor.exchange(code)).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("method", ["plain", "", "s256", "S512", None])
async def test_b3_s256_is_the_only_method(browser, owner, vendor, method):
    verifier, challenge = pkce()
    for value in (challenge, verifier):
        url = vendor.url(code_challenge=value, code_challenge_method=method)
        seen = await authorize(browser, url, person=owner.login)
        assert seen.query["error"] == "invalid_request"
        assert "code" not in seen.query


async def test_b4_pkce_support_can_be_detected(http):
    document = (await http.get("/.well-known/oauth-authorization-server")).json()
    assert document["code_challenge_methods_supported"] == ["S256"]


async def test_b5_refresh_tokens_rotate_and_a_replay_ends_the_family(browser, owner, native, superuser):
    first = await native.tokens(browser, owner)
    second = (await native.refresh(first["refresh_token"])).json()
    assert second["refresh_token"] != first["refresh_token"]
    superuser.execute("update oauth_refresh_tokens set used_at = used_at - interval '31 seconds'")
    replay = await native.refresh(first["refresh_token"])
    assert (replay.status_code, replay.json()["error"]) == (400, "invalid_grant")
    # The thief and the honest app look the same to us: both lose.
    assert (await native.refresh(second["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await native.api("GET", "/cases", second["access_token"])).status_code == 401


async def test_b5_a_lost_answer_may_be_asked_for_again_for_half_a_minute(browser, owner, native):
    first = await native.tokens(browser, owner)
    pairs = [(await native.refresh(first["refresh_token"])).json() for _ in range(3)]
    assert len({pair["refresh_token"] for pair in pairs}) == 3
    assert (await native.refresh(pairs[-1]["refresh_token"])).status_code == 200


async def test_b5_a_twin_of_a_lost_answer_dies_with_the_use_of_the_other(browser, owner, native, superuser):
    first = await native.tokens(browser, owner)
    lost = (await native.refresh(first["refresh_token"])).json()
    kept = (await native.refresh(first["refresh_token"])).json()
    assert (await native.refresh(kept["refresh_token"])).status_code == 200
    superuser.execute("update oauth_refresh_tokens set used_at = used_at - interval '31 seconds'")
    assert (await native.refresh(lost["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await native.refresh(kept["refresh_token"])).json()["error"] == "invalid_grant"


async def test_b5_refresh_tokens_are_bound_to_the_consented_scope_and_resource(browser, owner, native):
    tokens = await native.tokens(browser, owner, scope="read:cases")
    other = await native.refresh(tokens["refresh_token"], resource="https://other.example/api")
    assert (other.status_code, other.json()["error"]) == (400, "invalid_target")
    wider = await native.refresh(tokens["refresh_token"], scope="read:cases write:bookings")
    assert (wider.status_code, wider.json()["error"]) == (400, "invalid_scope")
    assert (await native.refresh(tokens["refresh_token"])).json()["scope"] == "read:cases"


async def test_b5_an_idle_refresh_token_expires(browser, owner, native, superuser):
    tokens = await native.tokens(browser, owner)
    (days,) = superuser.execute(
        "select extract(day from max(expires_at) - now()) from oauth_refresh_tokens"
    ).fetchone()
    assert 1 <= days <= 90
    superuser.execute("update oauth_refresh_tokens set expires_at = now() - interval '1 second'")
    assert (await native.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("grant", ["password", "implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer"])
async def test_b6_grants_that_must_not_exist_do_not(vendor, owner, grant):
    answer = await vendor.token(grant_type=grant, username=owner.email, password=owner.password)
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


@pytest.mark.parametrize("kind", ["token", "id_token", "code token", "code id_token", "none", "CODE"])
async def test_b6_code_is_the_only_response_type(browser, owner, vendor, http, kind):
    seen = await authorize(browser, vendor.url(response_type=kind), person=owner.login)
    assert seen.query["error"] == "unsupported_response_type"
    assert "#" not in seen.url
    document = (await http.get("/.well-known/oauth-authorization-server")).json()
    assert document["response_types_supported"] == ["code"]
    assert set(document["grant_types_supported"]) == {
        "authorization_code",
        "refresh_token",
        "client_credentials",
    }


async def test_b7_redirect_uris_that_may_not_be_registered(api):
    unfit = [
        ("confidential", "http://app.example/callback"),
        ("public", "http://app.example/callback"),
        ("public", "http://10.0.0.1/callback"),
        ("public", "http://127.0.0.1.evil.example/callback"),
        ("public", "http://localhost.evil.example/callback"),
        ("confidential", "https://app.example/callback#fragment"),
        ("confidential", "https://user@app.example/callback"),
        ("confidential", "https://*.app.example/callback"),
        ("confidential", "https://аpp.example/callback"),
        ("confidential", "javascript:alert(1)"),
        ("public", "javascript:alert(1)"),
        ("public", "data:text/html,x"),
        ("public", "myapp:/callback"),
        ("confidential", "com.example.app:/callback"),
        ("confidential", "/callback"),
        ("confidential", ""),
    ]
    for kind, uri in unfit:
        body = {"name": "X", "kind": kind, "redirect_uris": [uri], "scopes": ["read:cases"]}
        answer = await api.post("/oauth-apps", json=body)
        assert answer.status_code == 422, (kind, uri)
        assert answer.json()["errors"][0]["pointer"].startswith("/redirect_uris")


@pytest.mark.parametrize("path", ["/oauth/authorize", "/sign-in", "/account/apps"])
async def test_b8_pages_know_no_cors(http, vendor, path):
    origin = {"Origin": "https://spa.example"}
    asked = vendor.url() if path == "/oauth/authorize" else path
    preflight = {
        **origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    for answer in (
        await http.get(asked, headers=origin),
        await http.post(path, headers=origin),
        await http.options(path, headers=preflight),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control-allow")], name_of(
            answer
        )


async def test_b8_origins_that_may_call_the_api_may_not_read_pages(app, vendor):
    async with running(app, cors_origins=["*"]) as open_to_all, in_process(open_to_all) as http:
        origin = {"Origin": "https://spa.example"}
        api = await http.get(f"{PREFIX}/cases", headers=origin)
        assert api.headers["access-control-allow-origin"] == "*"
        for path in (vendor.url(), "/sign-in", "/account/apps", "/panel"):
            answer = await http.get(path, headers=origin)
            assert not [name for name in answer.headers if name.startswith("access-control")], path


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke", "/oauth/par"])
async def test_b8_machine_endpoints_may_be_called_from_a_web_page(http, path):
    preflight = {
        "Origin": "https://spa.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type, dpop",
    }
    asked = await http.options(path, headers=preflight)
    assert asked.status_code in {200, 204}
    assert asked.headers["access-control-allow-origin"] in {"*", "https://spa.example"}
    assert "POST" in asked.headers["access-control-allow-methods"]
    allowed = asked.headers["access-control-allow-headers"].lower()
    assert "dpop" in allowed
    assert "content-type" in allowed
    answer = await http.post(path, headers={"Origin": "https://spa.example"})
    assert answer.headers["access-control-allow-origin"] in {"*", "https://spa.example"}
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        "/oauth/jwks",
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        f"/.well-known/oauth-protected-resource{PREFIX}",
    ],
)
async def test_b8_documents_may_be_read_from_a_web_page(http, path):
    answer = await http.get(path, headers={"Origin": "https://spa.example"})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] in {"*", "https://spa.example"}


async def test_b9_redirects_are_303(http, browser, owner, vendor):
    """A 307 would send the person's password, or their consent, on to the application."""
    to_sign_in = await http.get(vendor.url(), headers={"Sec-Fetch-Site": "cross-site"})
    assert to_sign_in.status_code == 303
    page = await browser.sign_in(*owner.login, page=await browser.open(vendor.url(), site="cross-site"))
    form = consent_form(page)
    content = form.sent(button=("action", "approve"))
    # A browser of before Fetch metadata says nothing of where a form was.
    allowed = await browser.http.post("/oauth/authorize", data=dict(content))
    assert allowed.status_code == 303
    assert allowed.headers["location"].startswith(CALLBACK + "?code=")


async def test_b10_nobody_can_frame_what_people_decide_on(browser, owner, vendor):
    for seen in (
        await browser.open(vendor.url(), site="cross-site"),
        await browser.sign_in(*owner.login),
        await browser.open(vendor.url(), site="cross-site"),
        await browser.open(vendor.url(client_id="nobody")),
        await browser.open("/account/apps"),
    ):
        assert "frame-ancestors 'none'" in seen.headers["content-security-policy"]
        assert seen.headers["x-frame-options"] == "DENY"
        assert "unsafe" not in seen.headers["content-security-policy"]


@pytest.mark.parametrize(
    "wrong",
    [{"scope": "nonsense"}, {"response_type": "token"}, {"code_challenge": "x"}, {"request": "x"}],
    ids=str,
)
async def test_b11_strangers_are_signed_in_before_errors_are_redirected(browser, owner, vendor, wrong):
    """Otherwise anybody who registers an app has links to us that lead to a phishing page of theirs."""
    asked = await browser.open(vendor.url(**wrong), site="cross-site")
    assert not asked.outside
    assert urlsplit(asked.url).path == "/sign-in"
    told = on_to(await browser.sign_in(*owner.login, page=asked))
    assert told.url.startswith(CALLBACK + "?")
    assert "error" in told.query


async def test_b12_spoofable_headers_change_nothing(http, vendor):
    """Who we are comes from the settings; a proxy's headers are only believed of a trusted proxy."""
    forged = {
        "Host": "evil.example",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
        "Forwarded": "host=evil.example;proto=https",
        "X-Original-URL": "/healthz",
        "X-Rewrite-URL": "/healthz",
    }
    honest = await http.get("/.well-known/oauth-authorization-server")
    for name, value in forged.items():
        answer = await http.get("/.well-known/oauth-authorization-server", headers={name: value})
        assert answer.json() == honest.json(), name
        page = await http.get(vendor.url(), headers={name: value, "Sec-Fetch-Site": "cross-site"})
        assert page.headers["location"].startswith("/sign-in?"), name


async def test_b13_a_client_cannot_choose_an_identity(api, vendor, http):
    for name in ("client_id", "id", "sub", "uuid"):
        body = {"name": "X", "redirect_uris": [CALLBACK], "scopes": ["read:cases"], name: "usr_1"}
        assert (await api.post("/oauth-apps", json=body)).status_code == 422
    token = (await vendor.token(grant_type="client_credentials")).json()["access_token"]
    _, claims = parts_of(token)
    assert claims["sub"] == claims["client_id"] == vendor.id
    assert vendor.id.startswith("app_")


async def test_b14_tokens_are_for_our_api_and_no_other_audience_is_served(app, browser, owner, vendor):
    tokens = await vendor.tokens(browser, owner)
    _, claims = parts_of(tokens["access_token"])
    assert claims["aud"] == vendor.issuer + PREFIX
    for audience in ("https://other.example", vendor.id, vendor.issuer + PREFIX + "/", [], "", None):
        foreign = await sign_as_server(app, {**claims, "aud": audience})
        assert (await vendor.api("GET", "/cases", foreign)).status_code == 401, audience
    good = await sign_as_server(app, claims)
    assert (await vendor.api("GET", "/cases", good)).status_code == 200


async def test_b14_no_other_resource_can_be_asked_for(browser, owner, vendor):
    seen = await authorize(browser, vendor.url(resource="https://other.example/"), person=owner.login)
    assert seen.query["error"] == "invalid_target"
    own = await vendor.consented(browser, owner, resource=vendor.issuer + PREFIX)
    assert (await vendor.exchange(code_of(own), resource=vendor.issuer + PREFIX)).status_code == 200


async def test_b15_no_answer_travels_by_post_message(browser, owner, vendor, http):
    for mode in ("web_message", "form_post", "fragment", "jwt"):
        seen = await authorize(browser, vendor.url(response_mode=mode), person=owner.login)
        assert seen.query["error"] == "invalid_request"
    page = await browser.open(vendor.url(prompt="consent"), site="cross-site")
    scripts = [part.split('"')[0] for part in page.source.split('src="')[1:] if ".js" in part.split('"')[0]]
    assert scripts
    for script in scripts:
        assert "postMessage" not in (await http.get(script)).text


async def test_b16_codes_and_tokens_stay_out_of_referer(browser, owner, vendor):
    page = await browser.open(vendor.url(), site="cross-site")
    consenting = await browser.sign_in(*owner.login, page=page)
    form = consent_form(consenting)
    left = await browser.submit(consenting, form, button=("action", "approve"))
    for seen in (page, consenting, left):
        assert seen.headers["referrer-policy"] == "no-referrer"
        assert seen.headers["cache-control"] == "no-store"
        # Nothing of these pages is fetched from elsewhere, which would be told where it was.
        assert "default-src 'none'" in seen.headers["content-security-policy"]


def name_of(answer) -> str:
    return json.dumps({"url": str(answer.url), "status": answer.status_code, "headers": dict(answer.headers)})
