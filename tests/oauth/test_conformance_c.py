"""RFC 7636, RFC 9207 and RFC 8414: lines C1 to C3 of the server's list of musts."""

import hashlib

import pytest

from conecta.api import PREFIX
from conecta.oauth import rules

from .arrange import CALLBACK, b64, code_of, pkce, register_app
from .browserless import authorize
from .servers import server_at


@pytest.mark.parametrize("length", [43, 128])
async def test_c1_verifiers_of_43_to_128_unreserved_characters(browser, owner, vendor, length):
    verifier = ("abcXYZ0189-._~" * 10)[:length]
    code = await vendor.code(
        browser, owner, code_challenge=_challenge(verifier), code_challenge_method="S256"
    )
    assert (await vendor.exchange(code, verifier)).status_code == 200


@pytest.mark.parametrize(
    "verifier", ["a" * 42, "a" * 129, "a" * 42 + "+", "a" * 42 + " ", "ñ" * 43, "a" * 42 + "=", "a" * 5000]
)
async def test_c1_other_verifiers_are_refused_even_when_they_fit(browser, owner, vendor, verifier):
    code = await vendor.code(
        browser, owner, code_challenge=_challenge(verifier), code_challenge_method="S256"
    )
    answer = await vendor.exchange(code, verifier)
    assert answer.status_code == 400
    assert answer.json()["error"] in {"invalid_grant", "invalid_request"}


async def test_c1_a_wrong_verifier_is_an_invalid_grant_and_uses_the_code_up(browser, owner, vendor):
    verifier, challenge = pkce()
    code = await vendor.code(browser, owner, code_challenge=challenge, code_challenge_method="S256")
    wrong = await vendor.exchange(code, pkce()[0])
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant")
    # Whoever guesses verifiers has one try.
    assert (await vendor.exchange(code, verifier)).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("challenge", ["short", "a" * 44, "a" * 42 + "=", "a" * 42 + "+", "ñ" * 43])
async def test_c1_a_challenge_that_is_none_is_an_invalid_request(browser, owner, vendor, challenge):
    seen = await authorize(
        browser, vendor.url(code_challenge=challenge, code_challenge_method="S256"), person=owner.login
    )
    assert seen.query["error"] == "invalid_request"


async def test_c2_the_issuer_is_in_every_answer(browser, owner, vendor, http):
    document = (await http.get("/.well-known/oauth-authorization-server")).json()
    assert document["authorization_response_iss_parameter_supported"] is True
    allowed = await vendor.consented(browser, owner)
    assert allowed.query["iss"] == document["issuer"] == vendor.issuer
    refused = await authorize(browser, vendor.url(prompt="consent"), button="deny")
    assert (refused.query["error"], refused.query["iss"]) == ("access_denied", vendor.issuer)
    wrong = await authorize(browser, vendor.url(scope="nonsense"))
    assert (wrong.query["error"], wrong.query["iss"]) == ("invalid_scope", vendor.issuer)
    silent = await authorize(browser, vendor.url(prompt="none", scope="read:cases write:bookings"))
    assert silent.query["iss"] == vendor.issuer


async def test_c2_an_issuer_in_the_request_is_not_echoed(browser, owner, vendor):
    """The mix-up attack: an answer says who gave it, whatever the request pretended."""
    seen = await vendor.consented(browser, owner, iss="https://honest.example")
    assert seen.query["iss"] == vendor.issuer


async def test_c3_both_documents_say_the_same_and_name_the_issuer_exactly(http, vendor):
    oauth = (await http.get("/.well-known/oauth-authorization-server")).json()
    openid = (await http.get("/.well-known/openid-configuration")).json()
    assert oauth["issuer"] == openid["issuer"] == vendor.issuer
    assert {name: openid[name] for name in oauth} == oauth
    assert not oauth["issuer"].endswith("/")


@pytest.mark.parametrize(
    "issuer", ["https://api.example", "https://api.example/conecta", "https://api.example:8443/a/b"]
)
async def test_c3_issuers_with_a_path_are_found_in_both_forms(app, issuer):
    host, _, path = issuer.removeprefix("https://").partition("/")
    path = f"/{path}" if path else ""
    async with server_at(app, issuer) as http:
        for address in (
            f"/.well-known/oauth-authorization-server{path}",
            f"/.well-known/openid-configuration{path}",
            "/.well-known/openid-configuration",
        ):
            document = (await http.get(address)).json()
            assert document["issuer"] == issuer
            for name, value in document.items():
                if name.endswith(("_endpoint", "jwks_uri")):
                    assert value.startswith(f"https://{host}{path}/oauth/"), name
        resource = f"/.well-known/oauth-protected-resource{path}{PREFIX}"
        described = (await http.get(resource)).json()
        assert described["resource"] == rules.audiences(issuer)[0] == issuer + PREFIX
        assert described["authorization_servers"] == [issuer]


async def test_c3_a_stranger_finds_the_server_from_the_api_alone(http):
    """RFC 9728: a refusal names the resource's metadata, which names the server, which names its keys."""
    refused = await http.get(f"{PREFIX}/cases")
    (found,) = [
        part.partition("=")[2].strip('"')
        for part in refused.headers["www-authenticate"].replace("Bearer ", "").split(", ")
        if part.startswith("resource_metadata=")
    ]
    resource = (await http.get(found)).json()
    assert resource["resource"].endswith(PREFIX)
    (issuer,) = resource["authorization_servers"]
    document = (await http.get(f"{issuer}/.well-known/oauth-authorization-server")).json()
    assert document["issuer"] == issuer
    keys = (await http.get(document["jwks_uri"])).json()["keys"]
    assert keys
    assert all({"kty", "n", "e", "kid", "alg", "use"} == set(key) for key in keys)


async def test_c3_what_is_announced_is_there(http):
    document = (await http.get("/.well-known/oauth-authorization-server")).json()
    for name, address in document.items():
        if name.endswith("_endpoint") and name != "authorization_endpoint":
            assert (await http.post(address)).status_code in {400, 401}, name
        elif name == "authorization_endpoint":
            assert (await http.get(address)).status_code == 400


async def test_the_answer_keeps_the_query_that_the_redirect_uri_had(app, firm, browser, owner):
    uri = CALLBACK + "?tenant=a%20b&x="
    with_query = await register_app(app, firm, redirect_uris=[uri])
    seen = await with_query.consented(browser, owner)
    assert seen.url.startswith(uri + "&code=")
    assert code_of(seen)


def _challenge(verifier: str) -> str:
    return b64(hashlib.sha256(verifier.encode()).digest())
