"""RFC 9068, JWT access tokens: lines D1 and D2 of the server's list of musts."""

import time

import pytest
from jose import jwt as python_jose
from jose.exceptions import JWTError
from joserfc.jwk import RSAKey

from conecta.api import PREFIX
from conecta.kit.crypto import KeyRing
from conecta.oauth import signing_keys
from tests.test_house_rules import imports, sources

from .arrange import parts_of
from .browserless import in_process
from .forging import sign, sign_as_server, signed_with_public_key, unsigned
from .servers import running


@pytest.fixture
async def token(browser, owner, vendor) -> str:
    return (await vendor.tokens(browser, owner))["access_token"]


async def status_of(vendor, token: str) -> int:
    answer = await vendor.api("GET", "/cases", token)
    if answer.status_code == 401:
        assert answer.headers["www-authenticate"].startswith(("Bearer", "DPoP"))
    return answer.status_code


async def test_d1_header_and_claims_are_those_of_rfc_9068(firm, vendor, token):
    header, claims = parts_of(token)
    assert (header["typ"], header["alg"]) == ("at+jwt", "RS256")
    assert header["kid"]
    assert set(claims) >= {"iss", "exp", "aud", "sub", "client_id", "iat", "jti", "scope"}
    assert claims["iss"] == vendor.issuer
    assert claims["aud"] == vendor.issuer + PREFIX
    assert claims["exp"] - claims["iat"] == 3600
    assert abs(claims["iat"] - time.time()) < 10
    assert (claims["sub"], claims["client_id"], claims["tid"]) == (firm.owner_id, vendor.id, firm.id)
    assert claims["scope"] == "read:cases write:bookings"
    # Nothing about the person that a log or an app should not have.
    assert "@" not in str(claims)


async def test_d1_every_token_has_its_own_jti(browser, owner, vendor, token):
    again = (await vendor.tokens(browser, owner))["access_token"]
    assert parts_of(token)[1]["jti"] != parts_of(again)[1]["jti"]


async def test_d1_python_jose_verifies_a_token_from_the_published_keys(http, vendor, token):
    """An independent library, with nothing of ours but the address of the keys."""
    document = (await http.get("/.well-known/oauth-authorization-server")).json()
    keys = (await http.get(document["jwks_uri"])).json()
    claims = python_jose.decode(
        token, keys, algorithms=["RS256"], audience=document["issuer"] + PREFIX, issuer=document["issuer"]
    )
    assert claims["client_id"] == vendor.id
    with pytest.raises(JWTError):
        python_jose.decode(token[:-8] + "AAAAAAAA", keys, algorithms=["RS256"], audience=claims["aud"])
    with pytest.raises(JWTError):
        python_jose.decode(token, keys, algorithms=["RS256"], audience="https://other.example")


async def test_d1_keys_are_public_halves_only(http):
    (key, *_) = (await http.get("/oauth/jwks")).json()["keys"]
    assert not {"d", "p", "q", "dp", "dq", "qi"} & set(key)
    assert (key["kty"], key["alg"], key["use"]) == ("RSA", "RS256", "sig")
    assert RSAKey.import_key(key).public_key.key_size >= 2048


async def test_d2_none_is_no_algorithm(vendor, token):
    assert await status_of(vendor, token) == 200
    for forged in (
        unsigned(token),
        unsigned(token, typ="JWT"),
        unsigned(token, alg="NONE"),
        token.rpartition(".")[0] + ".",
    ):
        assert await status_of(vendor, forged) == 401


async def test_d2_our_public_key_is_no_secret_to_sign_with(http, vendor, token):
    (key, *_) = (await http.get("/oauth/jwks")).json()["keys"]
    for forged in signed_with_public_key(token, key):
        assert await status_of(vendor, forged) == 401


async def test_d2_the_header_has_to_be_that_of_an_access_token(app, vendor, token):
    changes = [
        {"typ": "JWT"},
        {"typ": "at+jws"},
        {"typ": None},
        {"typ": "dpop+jwt"},
        {"kid": "nobody"},
        {"kid": None},
        {"kid": "../../etc/passwd"},
        {"crit": ["exp"]},
        {"b64": False, "crit": ["b64"]},
    ]
    _, claims = parts_of(token)
    assert await status_of(vendor, await sign_as_server(app, claims)) == 200
    for change in changes:
        assert await status_of(vendor, await sign_as_server(app, claims, change)) == 401, change


async def test_d2_every_claim_is_checked(app, vendor, token):
    changes = [
        {"iss": "https://evil.example"},
        {"iss": "http://testserver/"},
        {"iss": None},
        {"iss": ["http://testserver"]},
        {"aud": "https://other.example"},
        {"aud": None},
        {"exp": 1},
        {"exp": None},
        {"exp": "9999999999"},
        {"exp": True},
        {"iat": 9_999_999_999},
        {"iat": None},
        {"sub": None},
        {"sub": 7},
        {"client_id": None},
        {"jti": None},
        {"tid": None},
        {"tid": "tenant_00000000000000000000000000"},
        {"gid": None},
        {"gv": 99},
        {"gv": None},
        {"fam": "fam_00000000000000000000000000"},
        {"scope": None},
        {"scope": ["read:cases"]},
    ]
    _, claims = parts_of(token)
    assert await status_of(vendor, await sign_as_server(app, claims)) == 200
    for change in changes:
        assert await status_of(vendor, await sign_as_server(app, {**claims, **change})) == 401, change


async def test_d2_the_tenant_and_the_family_of_a_token_belong_together(app, other_firm, vendor, token):
    _, claims = parts_of(token)
    moved = await sign_as_server(app, {**claims, "tid": other_firm.id})
    assert await status_of(vendor, moved) == 401


async def test_d2_scopes_of_a_token_never_exceed_the_role(app, vendor, token):
    """Even a token that we signed by mistake opens nothing that its person may not open."""
    _, claims = parts_of(token)
    inflated = await sign_as_server(app, {**claims, "scope": "read:cases admin"})
    assert (await vendor.api("GET", "/users", inflated)).status_code == 403


async def test_d2_keys_that_a_token_brings_along_are_not_looked_at(vendor, token):
    stranger = RSAKey.generate_key(2048, auto_kid=True)
    header, claims = parts_of(token)
    public = stranger.as_dict(private=False)
    for brought in (
        {"jwk": public},
        {"jwk": public, "kid": public["kid"]},
        {"jku": "https://evil.example/jwks"},
        {"x5u": "https://evil.example/cert"},
        {"x5c": ["MIIB"]},
    ):
        forged = sign(stranger, claims, {**header, **brought})
        assert await status_of(vendor, forged) == 401, brought


@pytest.mark.parametrize(
    "garbage", ["eyJ", "eyJ.eyJ.x", "eyJhbGciOiJSUzI1NiJ9..", "eyJ" + "A" * 60_000, "eyJ\x00"]
)
async def test_d2_garbage_is_a_401(vendor, garbage):
    answer = await vendor.http.get(
        f"{PREFIX}/cases", headers={"Authorization": b"Bearer " + garbage.encode()}
    )
    assert answer.status_code == 401


async def test_d2_an_expired_token_is_refused(app, vendor, token):
    _, claims = parts_of(token)
    late = await sign_as_server(app, {**claims, "exp": int(time.time()) - 1, "iat": int(time.time()) - 3601})
    answer = await vendor.api("GET", "/cases", late)
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_d2_rotating_the_keys_breaks_no_living_token(
    app, browser, owner, vendor, token, http, superuser
):
    before = {key["kid"] for key in (await http.get("/oauth/jwks")).json()["keys"]}
    keyring: KeyRing = app.state.keyring
    new = await signing_keys.rotate(app.state.database, keyring)
    # A process that starts now knows both; the new one is published well before it signs.
    async with running(app) as other, in_process(other) as client:
        published = {key["kid"] for key in (await client.get("/oauth/jwks")).json()["keys"]}
        assert published == before | {new}
        elsewhere = type(vendor)(client, vendor.id, vendor.secret)
        assert await status_of(elsewhere, token) == 200
    superuser.execute("update oauth_signing_keys set signs_from = now() where id = %s", [new])
    async with running(app) as other, in_process(other) as client:
        elsewhere = type(vendor)(client, vendor.id, vendor.secret)
        fresh = (await elsewhere.token(grant_type="client_credentials", scope="read:cases")).json()[
            "access_token"
        ]
        assert parts_of(fresh)[0]["kid"] == new
        assert await status_of(elsewhere, token) == 200
        # The process that has not read the new key yet reads it when it is shown.
        assert await status_of(vendor, fresh) == 200


def test_d2_nothing_of_ours_verifies_with_python_jose():
    """It is the witness of these tests; its checks of algorithms have been broken before."""
    found = [one.place for path in sources() for one in imports(path) if one.module.split(".")[0] == "jose"]
    assert found == []
