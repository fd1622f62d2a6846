"""Access tokens: JWTs of type `at+jwt` (RFC 9068), signed RS256, checked without asking the database."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from authlib.common.security import generate_token  # type: ignore[import-untyped]
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

from . import rules
from .registered_app import RegisteredApp
from .subjects import Subject

LIFETIME: Final = 3600  # seconds; the seed's expires_in
ALGORITHM: Final = "RS256"
_TYPES = frozenset({"at+jwt", "application/at+jwt"})
_LONGEST = 8_192
_SKEW = 30  # seconds that another of our servers' clocks may run ahead

# Nothing in a token's header may choose the key or the algorithm.
_REGISTRY = JWSRegistry(algorithms=[ALGORITHM])


@dataclass(frozen=True)
class SigningKey:
    """The key that signs now."""

    kid: str
    key: RSAKey


def make(
    key: SigningKey,
    *,
    issuer: str,
    app: RegisteredApp,
    subject: Subject,
    scopes: Sequence[str],
    jkt: str | None,
) -> str:
    """Sign an access token for our own API; `jkt` binds it to a DPoP key."""
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": rules.audiences(issuer)[0],
        "sub": subject.get_user_id() or app.id,
        "client_id": app.id,
        "exp": now + LIFETIME,
        "iat": now,
        "jti": generate_token(22),
        "scope": " ".join(scopes),
        "tid": subject.tenant_id,
        "gid": subject.grant_id,
        "gv": subject.grant_version,
        "fam": subject.family_id,
    }
    if subject.client_id:
        claims["cid"] = subject.client_id
    if jkt:
        claims["cnf"] = {"jkt": jkt}
    header = {"alg": ALGORITHM, "typ": "at+jwt", "kid": key.kid}
    return jwt.encode(header, claims, key.key, registry=_REGISTRY)


class UnknownKey(Exception):
    """A token names a key that this process has not heard of, and perhaps nobody has."""


def check(token: str, keys: Mapping[str, RSAKey], *, issuer: str) -> dict[str, Any] | None:
    """Return the claims of a token of ours that is still good, and its `kid`; None for every other text.

    Raises UnknownKey when it names a key that is not among `keys`, which may be newer than they are.
    """

    def named(jws: Any) -> RSAKey:
        kid = jws.headers().get("kid")
        if not isinstance(kid, str) or kid not in keys:
            raise UnknownKey
        return keys[kid]

    if len(token) > _LONGEST:
        return None
    try:
        found = jwt.decode(token, named, registry=_REGISTRY)
    except (JoseError, ValueError, TypeError):
        return None
    return (
        {**found.claims, "kid": found.header["kid"]} if _is_good(found.header, found.claims, issuer) else None
    )


def _is_good(header: Mapping[str, Any], claims: Mapping[str, Any], issuer: str) -> bool:
    now = time.time()
    texts = ("sub", "client_id", "jti", "scope", "tid", "gid", "fam")
    return (
        str(header.get("typ")).lower() in _TYPES
        and claims.get("iss") == issuer
        and claims.get("aud") == rules.audiences(issuer)[0]
        and _is_number(claims.get("exp"))
        and _is_number(claims.get("iat"))
        and claims["exp"] > now
        and claims["iat"] <= now + _SKEW
        and all(isinstance(claims.get(name), str) for name in texts)
        and isinstance(claims.get("gv"), int)
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
