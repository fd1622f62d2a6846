"""Both signature schemes, checked by code that is not ours."""

import base64
import hashlib
import hmac
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from conecta.webhooks.signing import legacy_signature, new_secret, signature_headers, standard_signature

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
EVENT_ID = "evt_01J9ZK3T4N5P6Q7R8S9T0V1W2X"
BODY = (
    b'{"id":"evt_01J9ZK3T4N5P6Q7R8S9T0V1W2X","type":"case.created","timestamp":"2026-11-20T10:00:00Z",'
    b'"data":{"id":"case_01J9ZK3T4N5P6Q7R8S9T0V1W2Y"}}'
)

secrets = st.binary(min_size=24, max_size=64).map(lambda key: "whsec_" + base64.b64encode(key).decode())
# HMAC pads a short key with zeros (RFC 2104), so only keys of one length are sure to differ in effect.
alike_secrets = st.binary(min_size=32, max_size=32).map(lambda key: "whsec_" + base64.b64encode(key).decode())
bodies = st.binary(max_size=2000)
texts = st.text(max_size=500).map(str.encode)


def github_accepts(secret: str, body: bytes, signature: str) -> bool:
    """The verifier that GitHub's documentation prints for X-Hub-Signature-256."""
    expected = "sha256=" + hmac.new(secret.encode("utf-8"), msg=body, digestmod=hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, signature)


def standard_accepts(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    try:
        Webhook(secret).verify(body, headers, json_parse=False)
    except WebhookVerificationError:
        return False
    return True


def headers_for(
    body: bytes, *live: str, legacy: str | None = None, timestamp: int | None = None
) -> dict[str, str]:
    moment = int(time.time()) if timestamp is None else timestamp
    return signature_headers(
        event_id=EVENT_ID, timestamp=moment, body=body, legacy_secret=legacy or live[-1], secrets=live
    )


def test_published_vectors():
    assert (
        legacy_signature(SECRET, BODY)
        == "sha256=f3b5af2f27f342a84ebc4c824a94523bcee0b0311cabe67050bb6718aaf1f6c9"
    )
    assert (
        standard_signature(SECRET, EVENT_ID, 1763632800, BODY)
        == "v1,cu70gwmXfE64iIn1OegxcwrwLlhTRnKVKyFz5LFPY1Y="
    )


def test_headers_of_an_attempt():
    assert headers_for(BODY, SECRET, timestamp=1763632800) == {
        "X-Webhook-Signature": "sha256=f3b5af2f27f342a84ebc4c824a94523bcee0b0311cabe67050bb6718aaf1f6c9",
        "X-Webhook-ID": EVENT_ID,
        "webhook-id": EVENT_ID,
        "webhook-timestamp": "1763632800",
        "webhook-signature": "v1,cu70gwmXfE64iIn1OegxcwrwLlhTRnKVKyFz5LFPY1Y=",
    }


def test_the_public_library_and_a_github_verifier_accept_a_delivery():
    secret = new_secret()
    headers = headers_for(BODY, secret)
    assert Webhook(secret).verify(BODY, headers)["type"] == "case.created"
    assert github_accepts(secret, BODY, headers["X-Webhook-Signature"])


def test_each_scheme_has_its_own_key():
    """Swapping the two derivations of the key fails in both verifiers."""
    decoded = base64.b64decode(SECRET.removeprefix("whsec_"))
    swapped = "whsec_" + base64.b64encode(SECRET.encode()).decode()
    headers = headers_for(BODY, SECRET)
    assert not standard_accepts(swapped, BODY, headers)
    assert headers["X-Webhook-Signature"] != "sha256=" + hmac.new(decoded, BODY, hashlib.sha256).hexdigest()


def test_a_rotation_signs_with_every_live_secret_newest_first():
    old, new = new_secret(), new_secret()
    headers = headers_for(BODY, new, old)
    first, second = headers["webhook-signature"].split(" ")
    moment = int(headers["webhook-timestamp"])
    assert (first, second) == tuple(standard_signature(s, EVENT_ID, moment, BODY) for s in (new, old))
    assert standard_accepts(new, BODY, headers)
    assert standard_accepts(old, BODY, headers)
    assert not standard_accepts(new_secret(), BODY, headers)
    assert github_accepts(old, BODY, headers["X-Webhook-Signature"])
    assert not github_accepts(new, BODY, headers["X-Webhook-Signature"])


def test_the_library_refuses_an_old_attempt_and_another_event():
    assert not standard_accepts(SECRET, BODY, headers_for(BODY, SECRET, timestamp=int(time.time()) - 301))
    assert not standard_accepts(SECRET, BODY, headers_for(BODY, SECRET) | {"webhook-id": "evt_other"})


def test_new_secrets_are_32_random_bytes():
    made = {new_secret() for _ in range(1000)}
    assert len(made) == 1000
    assert {len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) for secret in made} == {32}
    assert all(secret.startswith("whsec_") for secret in made)


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "MDEyMzQ1", "sk_MDEyMzQ1", "whsec_MDEy MzQ1", "whsec_MDEyMzQ", "whsec_ñ"]
)
def test_a_malformed_secret_signs_nothing(secret):
    with pytest.raises(ValueError, match="secret"):
        standard_signature(secret, EVENT_ID, 1, BODY)


def test_what_cannot_be_signed_safely_raises():
    with pytest.raises(ValueError, match="empty"):
        legacy_signature("", BODY)
    with pytest.raises(ValueError, match="dot"):
        standard_signature(SECRET, "evt.1", 1, BODY)
    with pytest.raises(ValueError, match="at least one secret"):
        signature_headers(event_id=EVENT_ID, timestamp=1, body=BODY, legacy_secret=SECRET, secrets=[])


# The public library reads the body as UTF-8 text, so it is given text; the GitHub verifier takes any bytes.
@given(secrets, texts)
def test_any_text_verifies_in_the_public_library(secret, body):
    assert standard_accepts(secret, body, headers_for(body, secret))


@given(secrets, bodies)
def test_any_bytes_verify_in_the_github_scheme(secret, body):
    assert github_accepts(secret, body, legacy_signature(secret, body))


@given(secrets, bodies.filter(bool), st.data())
def test_a_flipped_bit_fails(secret, body, data):
    place = data.draw(st.integers(0, len(body) * 8 - 1))
    changed = bytearray(body)
    changed[place // 8] ^= 1 << place % 8
    assert not github_accepts(secret, bytes(changed), legacy_signature(secret, body))
    assert standard_signature(secret, EVENT_ID, 1, body) != standard_signature(
        secret, EVENT_ID, 1, bytes(changed)
    )


@given(secrets, texts, texts)
def test_another_text_fails_in_the_public_library(secret, body, other):
    assert standard_accepts(secret, other, headers_for(body, secret)) == (body == other)


@given(alike_secrets, alike_secrets, bodies)
def test_another_secret_fails(secret, other, body):
    if secret != other:
        assert not github_accepts(other, body, legacy_signature(secret, body))
        assert standard_signature(secret, EVENT_ID, 1, body) != standard_signature(other, EVENT_ID, 1, body)
