"""Whatever bytes arrive at a machine endpoint: a form is read or refused, and nothing is an error of ours."""

import base64
import contextlib
import json

import pytest
from authlib.oauth2.rfc6749 import OAuth2Error
from hypothesis import given
from hypothesis import strategies as st

from conecta.oauth import access_tokens, dpop, machine_request
from conecta.oauth.client_authentication import read_credentials
from conecta.oauth.dpop import BadProof

from .arrange import basic

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PATHS = ["/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/par"]
AT_MOST = 64_000


def refusal(call, *arguments) -> str | None:
    """Return the code of the refusal that a call ends in, None when it gives an answer."""
    try:
        assert call(*arguments)
    except OAuth2Error as error:
        return str(error.error)
    return None


@given(st.binary(min_size=1, max_size=200))
def test_any_body_is_read_or_refused(body):
    assert refusal(lambda: [machine_request._parameters(body)]) in {None, "invalid_request"}


@given(
    st.lists(st.text(max_size=60), max_size=2), st.dictionaries(st.text(max_size=10), st.text(max_size=10))
)
def test_any_credentials_are_read_or_refused(authorization, parameters):
    for values in (authorization, ["Basic " + value for value in authorization]):
        assert refusal(read_credentials, values, parameters) in {None, "invalid_client", "invalid_request"}


@given(st.binary(max_size=60))
def test_any_basic_credentials_are_read_or_refused(raw):
    header = "Basic " + base64.b64encode(raw).decode()
    assert refusal(read_credentials, [header], {}) in {None, "invalid_client"}


@given(st.text(max_size=200))
def test_any_text_is_a_token_or_none(text):
    for token in (text, "eyJ" + text, f"eyJhbGciOiJSUzI1NiJ9.{text}.x"):
        with contextlib.suppress(access_tokens.UnknownKey):
            assert access_tokens.check(token, {}, issuer="https://a.example") is None


_VALUES = st.one_of(
    st.sampled_from(["RSA", "EC", "OKP", "oct", "P-256", "Ed25519", "AQAB", "A" * 43, "A" * 342]),
    st.integers(),
    st.none(),
    st.text(max_size=9),
)


@given(
    st.sampled_from([*dpop.ALGORITHMS, "none", "HS256", "", None, 7]),
    st.one_of(
        _VALUES,
        st.dictionaries(st.sampled_from(["kty", "crv", "x", "y", "n", "e", "d", "use", "kid"]), _VALUES),
    ),
    st.dictionaries(st.sampled_from(["typ", "crit", "b64", "kid"]), _VALUES),
)
def test_any_header_of_a_proof_is_refused(alg, jwk, more):
    header = {"typ": "dpop+jwt", "alg": alg, "jwk": jwk, **more}
    encoded = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
    with pytest.raises(BadProof):
        dpop._opened(f"{encoded}.e30.{'A' * 86}")


@pytest.mark.parametrize("path", PATHS)
async def test_odd_requests_are_answered_in_oauth(http, vendor, path):
    known = {"Authorization": basic(vendor.id, vendor.secret)}
    bodies = [
        b"",
        b"=",
        b"&&&",
        b"grant_type",
        b"grant_type=%ff",
        b"grant_type=%00",
        b"grant_type=x&grant_type=y",
        "grant_type=ñ".encode(),
        b"grant_type=" + b"x" * AT_MOST,
        b"&".join(b"a%d=1" % n for n in range(60)),
        b"token=" + b"x" * 5_000,
        b"token=eyJhbGciOiJub25lIn0.e30.&token_type_hint=access_token",
        b"response_type=code&redirect_uri=javascript:alert(1)",
    ]
    for body in bodies:
        answer = await http.post(path, content=body, headers={**FORM, **known})
        assert answer.status_code in {200, 400}, (body[:40], answer.status_code)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-type"] == "application/json"
        if answer.status_code == 400:
            assert set(answer.json()) <= {"error", "error_description"}
            assert answer.text.isascii()


async def test_a_body_beyond_the_servers_limit_is_a_413_in_oauth(http, vendor, settings):
    body = b"grant_type=" + b"x" * settings.max_body_bytes
    answer = await http.post("/oauth/token", content=body, headers=FORM)
    assert (answer.status_code, answer.json()["error"]) == (413, "invalid_request")


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
async def test_a_form_in_another_encoding_is_refused(http, encoding):
    body = "grant_type=ñ".encode(encoding)
    answer = await http.post("/oauth/token", content=body, headers=FORM)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
