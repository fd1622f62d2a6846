"""RFC 7591, RFC 9126 and RFC 9449: lines F1 to F3 of the server's list of musts."""

import time
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from conecta.api import PREFIX

from .arrange import CALLBACK, SCOPE, OAuthApp, Prover, b64, code_of, parts_of, pkce, register_app
from .browserless import authorize, in_process
from .forging import sign
from .servers import running

METADATA = {
    "client_name": "Aplicación que se registra",
    "redirect_uris": [CALLBACK],
    "token_endpoint_auth_method": "none",
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
    "scope": SCOPE,
    "client_uri": "https://app.example/",
    "software_id": "4NRB1-0XZABZI9E6-5SM3R",
}


async def register(http, token: str | None, **changed):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body = {name: value for name, value in {**METADATA, **changed}.items() if value is not None}
    return await http.post("/oauth/register", json=body, headers=headers)


# --- F1: dynamic registration -------------------------------------------------------------------------


async def test_f1_a_registration_is_answered_with_all_that_was_registered(http, initial_token):
    answer = await register(http, initial_token)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert told.items() >= METADATA.items()
    assert told["client_id"].startswith("app_")
    assert told["client_id_issued_at"] == pytest.approx(time.time(), abs=10)
    assert "client_secret" not in told


async def test_f1_a_confidential_client_gets_a_secret_that_works(http, initial_token):
    answer = await register(
        http,
        initial_token,
        token_endpoint_auth_method="client_secret_post",
        grant_types=["authorization_code", "refresh_token"],
    )
    told = answer.json()
    assert told["client_secret_expires_at"] == 0
    registered = OAuthApp(http, told["client_id"], told["client_secret"])
    right = await registered.introspect("x", how="post")
    assert (right.status_code, right.json()) == (200, {"active": False})
    # It said how it would authenticate.
    assert (await registered.introspect("x", how="basic")).status_code == 401


async def test_f1_a_registered_app_completes_the_flow(http, initial_token, browser, owner):
    told = (await register(http, initial_token)).json()
    tokens = await OAuthApp(http, told["client_id"]).tokens(browser, owner)
    assert tokens["scope"] == SCOPE


async def test_f1_registration_needs_an_initial_access_token(http, firm, initial_token, superuser):
    before = superuser.execute("select count(*) from oauth_apps").fetchone()
    for token in (None, "wrong", firm.key, initial_token[:-1]):
        answer = await register(http, token)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert superuser.execute("select count(*) from oauth_apps").fetchone() == before


@pytest.mark.parametrize(
    ("uris", "error"),
    [
        ([], "invalid_redirect_uri"),
        (["http://app.example/callback"], "invalid_redirect_uri"),
        (["https://app.example/callback#x"], "invalid_redirect_uri"),
        (["https://user@app.example/"], "invalid_redirect_uri"),
        (["javascript:alert(1)"], "invalid_redirect_uri"),
        ([CALLBACK, "http://evil.example"], "invalid_redirect_uri"),
        (["https://*.example/"], "invalid_redirect_uri"),
        ([7], None),
        ("https://app.example/callback", None),
    ],
    ids=str,
)
async def test_f1_redirect_uris_are_validated(http, initial_token, uris, error):
    answer = await register(http, initial_token, redirect_uris=uris)
    assert answer.status_code == 400
    assert error is None or answer.json()["error"] == error


async def test_f1_metadata_that_we_do_not_honour_is_refused_and_not_ignored(http, initial_token):
    changes = [
        {"scope": "read:cases admin"},
        {"scope": "read:minds"},
        {"grant_types": ["password"]},
        {"grant_types": ["implicit"]},
        {"response_types": ["token"]},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"token_endpoint_auth_method": 7},
        {"client_name": "x" * 5000},
        {"client_name": ""},
        {"client_uri": "javascript:alert(1)"},
        {"logo_uri": "data:text/html,x"},
    ]
    for change in changes:
        answer = await register(http, initial_token, **change)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata"), change


async def test_f1_a_client_does_not_choose_who_it_is(http, initial_token):
    told = (await register(http, initial_token, client_id="usr_1", client_secret="mine", sub="usr_1")).json()
    assert told["client_id"].startswith("app_")
    assert told.get("client_secret") != "mine"


# --- F2: pushed authorization requests ----------------------------------------------------------------


async def push(app, **changed):
    query = dict(parse_qsl(urlsplit(app.url(prompt="consent")).query))
    del query["client_id"]
    fields = {**query, **changed}
    return await app.call("/oauth/par", {name: value for name, value in fields.items() if value is not None})


def pushed_url(app, request_uri: str, **more: str) -> str:
    return "/oauth/authorize?" + urlencode({"client_id": app.id, "request_uri": request_uri, **more})


async def test_f2_a_pushed_request_is_used_in_place_of_the_address(browser, owner, vendor):
    answer = await push(vendor)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert 0 < told["expires_in"] <= 600
    assert told["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")
    seen = await authorize(browser, pushed_url(vendor, told["request_uri"]), person=owner.login)
    assert seen.query["state"] == "af0ifjsldkj"
    assert (await vendor.exchange(code_of(seen))).status_code == 200


async def test_f2_what_the_address_adds_to_a_pushed_request_is_ignored(browser, owner, vendor):
    """Nobody between the app and us can change a request that was pushed."""
    uri = (await push(vendor, scope="read:cases")).json()["request_uri"]
    url = pushed_url(vendor, uri, scope=SCOPE, state="forged", redirect_uri="https://evil.example/")
    seen = await authorize(browser, url, person=owner.login)
    assert seen.url.startswith(CALLBACK)
    assert seen.query["state"] == "af0ifjsldkj"
    assert (await vendor.exchange(code_of(seen))).json()["scope"] == "read:cases"


async def test_f2_pushing_authenticates_as_the_token_endpoint_does(vendor, native, http):
    assert (await push(OAuthApp(http, vendor.id, "wrong"))).status_code == 401
    assert (await push(OAuthApp(http, vendor.id))).status_code == 401
    _, challenge = pkce()
    open_app = await push(native, code_challenge=challenge, code_challenge_method="S256")
    assert open_app.status_code == 201


async def test_f2_a_pushed_request_holds_no_request_uri(vendor):
    inner = (await push(vendor)).json()["request_uri"]
    answer = await push(vendor, request_uri=inner)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
        ({"scope": "nonsense"}, "invalid_scope"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"code_challenge": "short", "code_challenge_method": "S256"}, "invalid_request"),
        ({"resource": "https://other.example/"}, "invalid_target"),
    ],
    ids=str,
)
async def test_f2_a_request_is_judged_when_it_is_pushed(vendor, change, error):
    answer = await push(vendor, **change)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


async def test_f2_a_pushed_request_is_answered_once(browser, owner, vendor):
    uri = (await push(vendor)).json()["request_uri"]
    seen = await authorize(browser, pushed_url(vendor, uri), person=owner.login)
    assert code_of(seen)
    again = await browser.open(pushed_url(vendor, uri), site="cross-site")
    assert (again.outside, again.status) == (False, 400)


async def test_f2_a_pushed_request_survives_signing_in_and_reloading(browser, owner, vendor):
    uri = (await push(vendor)).json()["request_uri"]
    await browser.open(pushed_url(vendor, uri), site="cross-site")
    await browser.open(pushed_url(vendor, uri), site="cross-site")
    assert code_of(await authorize(browser, pushed_url(vendor, uri), person=owner.login))


async def test_f2_a_pushed_request_is_bound_to_its_client_and_to_its_time(
    app, firm, browser, owner, vendor, superuser
):
    stranger = await register_app(app, firm, name="Otra")
    await browser.sign_in(*owner.login)
    uri = (await push(vendor)).json()["request_uri"]
    foreign = await browser.open(pushed_url(stranger, uri), site="cross-site")
    assert (foreign.outside, foreign.status) == (False, 400)
    superuser.execute("update oauth_pushed_requests set expires_at = now() - interval '1 second'")
    late = await browser.open(pushed_url(vendor, uri), site="cross-site")
    assert (late.outside, late.status) == (False, 400)


async def test_f2_an_app_can_be_held_to_pushing(app, firm, browser, owner):
    strict = await register_app(app, firm, pushed_requests_required=True)
    seen = await authorize(browser, strict.url(), person=owner.login)
    assert seen.query["error"] == "invalid_request"
    uri = (await push(strict)).json()["request_uri"]
    assert code_of(await authorize(browser, pushed_url(strict, uri)))


# --- F3: DPoP -----------------------------------------------------------------------------------------


@pytest.fixture
def prover() -> Prover:
    return Prover()


def token_url(app) -> str:
    return app.issuer + "/oauth/token"


async def bound_tokens(app, browser, owner, prover, **parameters):
    verifier, challenge = pkce()
    asked = {"code_challenge": challenge, "code_challenge_method": "S256", **parameters}
    code = await app.code(browser, owner, **asked)
    answer = await app.exchange(code, verifier, dpop=prover.proof("POST", token_url(app)))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def call_with(app, token: str, proof: str | None, *, scheme: str = "DPoP", path: str = "/cases"):
    headers = {"Authorization": f"{scheme} {token}", **({"DPoP": proof} if proof else {})}
    return await app.http.get(PREFIX + path, headers=headers)


async def test_f3_a_token_is_bound_to_the_key_that_asked_for_it(browser, owner, native, prover):
    tokens = await bound_tokens(native, browser, owner, prover)
    assert tokens["token_type"] == "DPoP"
    assert parts_of(tokens["access_token"])[1]["cnf"] == {"jkt": prover.thumbprint}
    token, url = tokens["access_token"], native.issuer + PREFIX + "/cases"
    assert (await call_with(native, token, prover.proof("GET", url, token=token))).status_code == 200


async def test_f3_a_stolen_token_opens_nothing(browser, owner, native, prover):
    token = (await bound_tokens(native, browser, owner, prover))["access_token"]
    url, thief = native.issuer + PREFIX + "/cases", Prover()
    for answer in (
        await call_with(native, token, None, scheme="Bearer"),
        await call_with(native, token, prover.proof("GET", url, token=token), scheme="Bearer"),
        await call_with(native, token, None),
        await call_with(native, token, thief.proof("GET", url, token=token)),
    ):
        assert answer.status_code == 401
        assert "DPoP" in answer.headers["www-authenticate"]


async def test_f3_an_unbound_token_is_no_dpop_token(browser, owner, native, prover):
    token = (await native.tokens(browser, owner))["access_token"]
    proof = prover.proof("GET", native.issuer + PREFIX + "/cases", token=token)
    assert (await call_with(native, token, proof)).status_code == 401


async def test_f3_every_claim_of_a_proof_is_checked(browser, owner, native, prover):
    changes = [
        {"htm": "POST"},
        {"htm": None},
        {"htu": "https://evil.example/v1/servicios/cases"},
        {"htu": "http://testserver/v1/servicios/clients"},
        {"htu": None},
        {"iat": 1},
        {"iat": 9_999_999_999},
        {"iat": None},
        {"iat": "now"},
        {"jti": None},
        {"jti": ""},
        {"ath": None},
        {"ath": "AAAA"},
    ]
    token = (await bound_tokens(native, browser, owner, prover))["access_token"]
    url = native.issuer + PREFIX + "/cases"
    for wrong in changes:
        claims = {"htm": "GET", "htu": url, **wrong}
        proof = prover.proof(claims.pop("htm"), claims.pop("htu"), token=token, **claims)
        answer = await call_with(native, token, proof)
        assert answer.status_code == 401, wrong
        assert 'error="invalid_dpop_proof"' in answer.headers["www-authenticate"], wrong


@pytest.mark.parametrize(
    "kind", ["typ", "no typ", "private key", "no key", "symmetric", "other key", "signature", "two"]
)
async def test_f3_the_header_of_a_proof_is_checked(native, browser, owner, prover, kind):
    url = token_url(native)
    good = prover.proof("POST", url)
    public = prover.key.as_dict(private=False)
    proofs = {
        "typ": prover.proof("POST", url, header={"typ": "JWT"}),
        "no typ": prover.proof("POST", url, header={"typ": None}),
        "private key": prover.proof("POST", url, header={"jwk": prover.key.as_dict(private=True)}),
        "no key": prover.proof("POST", url, header={"jwk": None}),
        "symmetric": prover.proof("POST", url, header={"jwk": {"kty": "oct", "k": "c2VjcmV0"}}),
        "other key": prover.proof("POST", url, header={"jwk": Prover().key.as_dict(private=False)}),
        "signature": good[:-4] + ("AAAA" if good[-4:] != "AAAA" else "BBBB"),
        "two": f"{good}, {good}",
    }
    assert public["kty"] == "EC"
    verifier, challenge = pkce()
    code = await native.code(browser, owner, code_challenge=challenge, code_challenge_method="S256")
    answer = await native.exchange(code, verifier, dpop=proofs[kind])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof")


async def test_f3_a_proof_is_good_once(browser, owner, native, prover):
    token = (await bound_tokens(native, browser, owner, prover))["access_token"]
    proof = prover.proof("GET", native.issuer + PREFIX + "/cases", token=token)
    assert (await call_with(native, token, proof)).status_code == 200
    again = await call_with(native, token, proof)
    assert again.status_code == 401
    assert 'error="invalid_dpop_proof"' in again.headers["www-authenticate"]


async def test_f3_a_proof_is_good_once_at_all_servers_together(app, browser, owner, native, prover):
    token = (await bound_tokens(native, browser, owner, prover))["access_token"]
    proof = prover.proof("GET", native.issuer + PREFIX + "/cases", token=token)
    assert (await call_with(native, token, proof)).status_code == 200
    async with running(app) as other, in_process(other) as client:
        elsewhere = OAuthApp(client, native.id)
        assert (await call_with(elsewhere, token, proof)).status_code == 401


async def test_f3_refresh_tokens_of_public_clients_are_bound_as_well(browser, owner, native, prover):
    tokens = await bound_tokens(native, browser, owner, prover)
    refresh = tokens["refresh_token"]
    assert (await native.refresh(refresh)).status_code == 400
    stolen = await native.refresh(refresh, dpop=Prover().proof("POST", token_url(native)))
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    own = await native.refresh(refresh, dpop=prover.proof("POST", token_url(native)))
    assert (own.status_code, own.json()["token_type"]) == (200, "DPoP")


async def test_f3_a_code_can_be_bound_to_a_key_beforehand(browser, owner, native, prover):
    for proof, expected in ((Prover(), 400), (None, 400), (prover, 200)):
        verifier, challenge = pkce()
        asked = {"code_challenge": challenge, "code_challenge_method": "S256"}
        code = await native.code(browser, owner, dpop_jkt=prover.thumbprint, **asked)
        sent = proof.proof("POST", token_url(native)) if proof else None
        assert (await native.exchange(code, verifier, dpop=sent)).status_code == expected


async def test_f3_an_app_can_be_held_to_dpop(app, firm, browser, owner, prover):
    strict = await register_app(app, firm, kind="public", redirect_uris=[CALLBACK], dpop_required=True)
    verifier, challenge = pkce()
    code = await strict.code(browser, owner, code_challenge=challenge, code_challenge_method="S256")
    answer = await strict.exchange(code, verifier)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof")
    assert (await bound_tokens(strict, browser, owner, prover))["token_type"] == "DPoP"


async def test_f3_the_query_and_the_case_of_the_host_do_not_matter_to_a_proof(browser, owner, native, prover):
    token = (await bound_tokens(native, browser, owner, prover))["access_token"]
    url = native.issuer + PREFIX + "/cases"
    for htu in (
        url,
        url.replace("http://testserver", "HTTP://TESTSERVER"),
        url.replace("testserver", "testserver:80"),
    ):
        answer = await call_with(native, token, prover.proof("GET", htu, token=token), path="/cases?limit=1")
        assert answer.status_code == 200, htu


async def test_f3_a_nonce_can_be_demanded(app, browser, owner, native, prover):
    async with running(app, oauth_dpop_nonce=True) as strict, in_process(strict) as client:
        there = OAuthApp(client, native.id, redirect_uri=native.redirect_uri)
        verifier, challenge = pkce()
        asked = {"code_challenge": challenge, "code_challenge_method": "S256"}
        code = await native.code(browser, owner, **asked)
        url = token_url(native)
        asking = await there.exchange(code, verifier, dpop=prover.proof("POST", url))
        assert (asking.status_code, asking.json()["error"]) == (400, "use_dpop_nonce")
        nonce = asking.headers["dpop-nonce"]
        wrong = await there.exchange(code, verifier, dpop=prover.proof("POST", url, nonce=nonce + "x"))
        assert wrong.json()["error"] == "use_dpop_nonce"
        answer = await there.exchange(code, verifier, dpop=prover.proof("POST", url, nonce=nonce))
        assert answer.status_code == 200
        token = answer.json()["access_token"]
        at_resource = native.issuer + PREFIX + "/cases"
        refused = await call_with(there, token, prover.proof("GET", at_resource, token=token))
        assert refused.status_code == 401
        assert 'error="use_dpop_nonce"' in refused.headers["www-authenticate"]
        fresh = refused.headers["dpop-nonce"]
        good = await call_with(there, token, prover.proof("GET", at_resource, token=token, nonce=fresh))
        assert good.status_code == 200


async def test_f3_keys_and_algorithms_that_are_weak_are_refused(http, vendor):
    document = (await http.get("/.well-known/oauth-authorization-server")).json()
    assert not {"none", "HS256"} & set(document["dpop_signing_alg_values_supported"])
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    numbers = weak.public_key().public_numbers()
    jwk = {"kty": "RSA", "e": "AQAB", "n": b64(numbers.n.to_bytes(128, "big"))}
    claims = {"jti": "a-jti-of-some-length", "htm": "POST", "htu": token_url(vendor), "iat": int(time.time())}
    proof = sign(weak, claims, {"typ": "dpop+jwt", "alg": "RS256", "jwk": jwk})
    answer = await vendor.token(grant_type="client_credentials", dpop=proof)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof")
