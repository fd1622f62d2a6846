"""Signatures of webhook deliveries: one secret, two schemes, both on every delivery.

The legacy scheme (`X-Webhook-Signature`, byte for byte the scheme of GitHub's `X-Hub-Signature-256`) keys the
HMAC with the UTF-8 bytes of the whole secret. Standard Webhooks 1.0.0 keys it with the bytes that the part
after `whsec_` encodes in base64. Swapping the two keys fails in every verifier. All functions are pure.
"""

import hmac
import secrets as entropy
from base64 import b64decode, b64encode
from collections.abc import Sequence

SECRET_PREFIX = "whsec_"  # noqa: S105 - it marks a secret and is none
SECRET_BYTES = 32
EMPTY_SECRET = "A webhook secret is not empty."  # noqa: S105 - it is a sentence


def new_secret() -> str:
    """Make a signing secret: `whsec_` and the base64 of 32 random bytes.

    Standard Webhooks asks for 24 to 64 bytes; 32 is the strength of SHA-256.
    """
    return SECRET_PREFIX + b64encode(entropy.token_bytes(SECRET_BYTES)).decode("ascii")


def legacy_signature(secret: str, body: bytes) -> str:
    """Sign the raw body: `sha256=` and the hexadecimal HMAC-SHA256 keyed by the secret's own text.

    Raises:
        ValueError: the secret is empty, so anybody could sign.
    """
    if not secret:
        raise ValueError(EMPTY_SECRET)
    return "sha256=" + hmac.digest(secret.encode(), body, "sha256").hex()


def standard_signature(secret: str, event_id: str, timestamp: int, body: bytes) -> str:
    """Sign `<event id>.<timestamp>.<body>` by Standard Webhooks 1.0.0: `v1,` and the HMAC-SHA256 in base64.

    Args:
        secret: `whsec_` followed by padded base64.
        event_id: the event's id; it must hold no dot, for the dots separate what is signed.
        timestamp: time of the attempt in whole seconds since the Unix epoch.
        body: the bytes that are sent.

    Raises:
        ValueError: the secret lacks the prefix or is not base64, or the event id holds a dot.
    """
    if "." in event_id:
        raise ValueError("An event id that is signed may not hold a dot.")
    signed = b"%b.%d.%b" % (event_id.encode(), timestamp, body)
    return "v1," + b64encode(hmac.digest(_standard_key(secret), signed, "sha256")).decode("ascii")


def signature_headers(
    *, event_id: str, timestamp: int, body: bytes, legacy_secret: str, secrets: Sequence[str]
) -> dict[str, str]:
    """Make the headers that identify and sign one delivery attempt.

    While a secret rotates, the single-valued legacy header keeps the secret its receivers know, whereas
    `webhook-signature` carries one signature per live secret, separated by spaces.

    Args:
        event_id: the event's id, the same for every attempt and endpoint.
        timestamp: time of the attempt in whole seconds since the Unix epoch.
        body: the bytes that are sent.
        legacy_secret: the secret of `X-Webhook-Signature`.
        secrets: the live secrets of `webhook-signature`, newest first.

    Raises:
        ValueError: there is no secret, or one of them or the event id is malformed.
    """
    if not secrets:
        raise ValueError("A delivery needs at least one secret to sign with.")
    return {
        "X-Webhook-Signature": legacy_signature(legacy_secret, body),
        "X-Webhook-ID": event_id,
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(standard_signature(s, event_id, timestamp, body) for s in secrets),
    }


def _standard_key(secret: str) -> bytes:
    if not secret.startswith(SECRET_PREFIX):
        raise ValueError("A webhook secret starts with whsec_.")
    try:
        key = b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except ValueError as error:
        raise ValueError("The part of a webhook secret after whsec_ is base64.") from error
    if not key:
        raise ValueError(EMPTY_SECRET)
    return key
