"""DPoP (RFC 9449): a token is worth nothing to who cannot sign with the key it was given to."""

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from conecta.kit import clock
from conecta.kit.crypto import KeyRing, fingerprint
from conecta.kit.db import Database

from . import proof_queries

ALGORITHMS: Final = ("ES256", "ES384", "Ed25519", "PS256", "RS256")
_KEY_TYPES: Final[Mapping[str, type[RSAKey | ECKey | OKPKey]]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
# Seconds that a proof's time may be away from ours; and that it is remembered, so that it is good once only.
WINDOW: Final = 60
_NONCE_PURPOSE: Final = "dpop nonces"
_NONCE_LIFETIME: Final = 300
_LONGEST: Final = 8_192
_RSA_BITS: Final = range(2048, 4097)
_LONGEST_RSA: Final = {"n": 684, "e": 8}  # in base64url
_SHORTEST_RSA: Final = 342
_JTI: Final = re.compile(r"[\x21-\x7e]{8,256}\Z")


class _Registry(JWSRegistry):
    # The header has the whole public key in it.
    max_header_length = 4_096


_REGISTRY = _Registry(algorithms=list(ALGORITHMS))


class BadProof(Exception):
    """A proof that proves nothing; the text says in English ASCII why."""


class NonceNeeded(Exception):
    """The proof has to carry a nonce of ours, and a fresh one."""


@dataclass(frozen=True)
class Proof:
    """A proof whose signature and claims are right; it may still have been used before."""

    jkt: str
    jti: str


class Dpop:
    """Checks proofs and remembers them."""

    def __init__(self, database: Database, keyring: KeyRing, *, nonces: bool) -> None:
        self._database, self._keyring, self._nonces = database, keyring, nonces

    async def check(
        self, proofs: Sequence[str], *, method: str, url: str, access_token: str | None = None
    ) -> str:
        """Return the thumbprint of the key that a request has proven to hold.

        Raises BadProof, and NonceNeeded when this installation demands nonces.

        Args:
            proofs: the values of the request's DPoP headers.
            method: of the request.
            url: of the request, as we are known to the public.
            access_token: the token that came with it, at a resource.
        """
        if len(proofs) != 1:
            raise BadProof("There must be one DPoP header.")
        key, claims = _opened(proofs[0])
        _check_claims(claims, method=method, url=url, access_token=access_token)
        if self._nonces and not self._is_ours(claims.get("nonce")):
            raise NonceNeeded
        jkt = key.thumbprint()
        until = clock.real_now() + timedelta(seconds=2 * WINDOW)
        hash_ = fingerprint(jkt.encode(), str(claims["jti"]).encode())
        if not await proof_queries.remember(self._database, hash_, until):
            raise BadProof("The proof was used before.")
        return jkt

    def new_nonce(self) -> str | None:
        """Return a nonce for the next proof, None when none is demanded."""
        if not self._nonces:
            return None
        return self._keyring.sign(_NONCE_PURPOSE, int(time.time()).to_bytes(8, "big"))

    def _is_ours(self, nonce: Any) -> bool:
        if not isinstance(nonce, str) or not nonce.isascii():
            return False
        made = self._keyring.verify(_NONCE_PURPOSE, nonce)
        return made is not None and time.time() - int.from_bytes(made, "big") <= _NONCE_LIFETIME


def _opened(proof: str) -> tuple[RSAKey | ECKey | OKPKey, dict[str, Any]]:
    """Return the key and the claims of a proof that this key has signed."""
    if len(proof) > _LONGEST or not proof.isascii():
        raise BadProof("The proof cannot be read.")
    keys: list[RSAKey | ECKey | OKPKey] = []

    def embedded(signature: Any) -> RSAKey | ECKey | OKPKey:
        keys.append(_public_key(signature.headers().get("jwk")))
        return keys[0]

    try:
        found = jws.deserialize_compact(proof, embedded, registry=_REGISTRY)
        claims = json.loads(found.payload or b"")
    except (JoseError, ValueError, TypeError, KeyError, OverflowError):
        raise BadProof("The proof is no JWS, or its signature is wrong.") from None
    if found.headers().get("typ") != "dpop+jwt":
        raise BadProof("The type of the proof is not dpop+jwt.")
    if not isinstance(claims, dict):
        raise BadProof("The proof has no claims.")
    return keys[0], claims


def _public_key(jwk: Any) -> RSAKey | ECKey | OKPKey:
    kind = _KEY_TYPES.get(str(jwk.get("kty"))) if isinstance(jwk, dict) else None
    if kind is None or _PRIVATE & jwk.keys():
        raise BadProof("The jwk of the proof is not one public key.")
    members = {name: jwk[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in jwk}
    # Before it is used: checking a signature by an enormous key takes as long as its sender likes.
    if any(len(str(members.get(name, ""))) > most for name, most in _LONGEST_RSA.items()):
        raise BadProof("The RSA key of the proof is longer than 4096 bits.")
    if kind is RSAKey and len(str(members.get("n", ""))) < _SHORTEST_RSA:
        raise BadProof("The RSA key of the proof is shorter than 2048 bits.")
    key = kind.import_key(members)
    if isinstance(key, RSAKey) and key.public_key.key_size not in _RSA_BITS:
        raise BadProof("The RSA key of the proof is not 2048 to 4096 bits long.")
    return key


def _check_claims(claims: Mapping[str, Any], *, method: str, url: str, access_token: str | None) -> None:
    issued = claims.get("iat")
    if not isinstance(claims.get("jti"), str) or not _JTI.match(claims["jti"]):
        raise BadProof("The jti of the proof must be 8 to 256 visible characters.")
    if claims.get("htm") != method:
        raise BadProof("The htm of the proof is not the method of the request.")
    if not isinstance(claims.get("htu"), str) or _normal(claims["htu"]) != _normal(url):
        raise BadProof("The htu of the proof is not the URL of the request.")
    if not isinstance(issued, int) or abs(time.time() - issued) > WINDOW:
        raise BadProof("The iat of the proof is too far from now.")
    if access_token is not None and not _is_hash_of(claims.get("ath"), access_token):
        raise BadProof("The ath of the proof is not the hash of the access token.")


def _is_hash_of(ath: Any, access_token: str) -> bool:
    digest = hashlib.sha256(access_token.encode()).digest()
    wanted = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return isinstance(ath, str) and ath.isascii() and hmac.compare_digest(ath, wanted)


def _normal(url: str) -> tuple[str, str, int | None, str] | None:
    """Return what is compared of a URL: without query and fragment, normalised (RFC 3986 §6.2)."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return None
    return parts.scheme, parts.hostname or "", port, unquote(parts.path) or "/"
