"""The two WebAuthn ceremonies: what a browser is asked for, and whether what it brings back is true.

The library takes a third of a second to load, so it is imported when the first passkey is used.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from conecta.people.errors import PasskeyRefused

_LONGEST = 20_000  # characters of an answer; real ones have a few thousand
_TIMEOUT_MS = 300_000
_LOOPBACK = ("127.0.0.1", "[::1]", "::1")


@dataclass(frozen=True)
class Site:
    """Whom passkeys are made for: a host name, and the only origin they are accepted from."""

    rp_id: str
    origin: str
    name: str = "ServiciosConecta"


@dataclass(frozen=True)
class Known:
    """A passkey as we keep it."""

    credential_id: bytes
    public_key: bytes
    sign_count: int


@dataclass(frozen=True)
class Made:
    """A passkey that was just made."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    transports: list[str]
    synced: bool


@dataclass(frozen=True)
class Answer:
    """What a browser brought back, read so far as to know which challenge and which passkey it is about."""

    credential: dict[str, Any]
    credential_id: bytes
    challenge: str


def site_of(base_url: str) -> Site:
    """Return the site of an installation.

    Browsers make passkeys for names, never for addresses: a loopback address is tried as `localhost`.
    """
    parts = urlsplit(base_url)
    host = parts.hostname or "localhost"
    if host in _LOOPBACK:
        host = "localhost"
    port = f":{parts.port}" if parts.port else ""
    return Site(rp_id=host, origin=f"{parts.scheme}://{host}{port}")


def ask_to_make(
    site: Site, *, challenge: str, handle: str, account: str, name: str, known: list[bytes]
) -> str:
    """Return the JSON options for a new passkey that verifies its person and is found without a name."""
    import webauthn
    from webauthn.helpers import structs

    options = webauthn.generate_registration_options(
        rp_id=site.rp_id,
        rp_name=site.name,
        user_id=handle.encode(),
        user_name=account,
        user_display_name=name,
        challenge=_decode(challenge),
        timeout=_TIMEOUT_MS,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[structs.PublicKeyCredentialDescriptor(id=one) for one in known],
    )
    return str(webauthn.options_to_json(options))


def ask_to_prove(site: Site, *, challenge: str, known: list[bytes]) -> str:
    """Return the JSON options to use a passkey; any of the site's when none is named."""
    import webauthn
    from webauthn.helpers import structs

    options = webauthn.generate_authentication_options(
        rp_id=site.rp_id,
        challenge=_decode(challenge),
        timeout=_TIMEOUT_MS,
        allow_credentials=[structs.PublicKeyCredentialDescriptor(id=one) for one in known],
        user_verification=structs.UserVerificationRequirement.REQUIRED,
    )
    return str(webauthn.options_to_json(options))


def read(answer: str) -> Answer:
    """Read what a browser brought back; raise PasskeyRefused when it is no such thing."""
    if len(answer) > _LONGEST:
        raise PasskeyRefused
    try:
        credential = json.loads(answer)
        client_data = json.loads(_decode(credential["response"]["clientDataJSON"]))
        found = Answer(credential, _decode(credential["rawId"]), str(client_data["challenge"]))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise PasskeyRefused from error
    return found


def check_made(site: Site, answer: Answer) -> Made:
    """Return the new passkey; raise PasskeyRefused unless a verified person made it for this site."""
    import webauthn
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        made = webauthn.verify_registration_response(
            credential=answer.credential,
            expected_challenge=_decode(answer.challenge),
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise PasskeyRefused from error
    known = {"usb", "nfc", "ble", "smart-card", "internal", "cable", "hybrid"}
    named = answer.credential["response"].get("transports") or []
    transports = sorted(known & {str(way) for way in named}) if isinstance(named, list) else []
    return Made(
        made.credential_id,
        made.credential_public_key,
        made.sign_count,
        transports,
        synced=made.credential_backed_up,
    )


def check_proof(site: Site, answer: Answer, known: Known) -> int:
    """Return the passkey's new counter; raise PasskeyRefused unless a verified person used it on this site.

    A counter that does not grow means a copied key; one that stays 0 belongs to a key that does not count.
    """
    import webauthn
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        proof = webauthn.verify_authentication_response(
            credential=answer.credential,
            expected_challenge=_decode(answer.challenge),
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            credential_public_key=known.public_key,
            credential_current_sign_count=known.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise PasskeyRefused from error
    return int(proof.new_sign_count)


def _decode(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError("This is not base64url.") from error
