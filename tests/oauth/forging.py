"""Tokens as somebody might make them: with our own key and other claims, or with another key altogether."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from fastapi import FastAPI
from joserfc.jwk import RSAKey

from .arrange import b64, parts_of


async def sign_as_server(
    app: FastAPI, claims: Mapping[str, Any], header: Mapping[str, Any] | None = None
) -> str:
    """Sign what one likes with the server's own key: what a mistake of ours, not a stranger, could make."""
    key = await app.state.oauth.keys.current()
    head = {"alg": "RS256", "typ": "at+jwt", "kid": key.kid, **(header or {})}
    return sign(key.key, claims, head)


def sign(key: RSAKey | rsa.RSAPrivateKey, claims: Mapping[str, Any], header: Mapping[str, Any]) -> str:
    """Sign claims by RS256 without a library's opinion of the header; members that are None are left out."""
    private = key.private_key if isinstance(key, RSAKey) else key
    kept = [{name: value for name, value in part.items() if value is not None} for part in (header, claims)]
    content = ".".join(_encoded(part) for part in kept)
    return f"{content}.{b64(private.sign(content.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def unsigned(token: str, **header: Any) -> str:
    """Return a token with `alg: none` and no signature."""
    head, claims = parts_of(token)
    return f"{_encoded({**head, 'alg': 'none', **header})}.{_encoded(claims)}."


def signed_with_public_key(token: str, public: Mapping[str, Any]) -> list[str]:
    """Return tokens whose HMAC is keyed with our public key: the classic confusion of algorithms."""
    head, claims = parts_of(token)
    key = RSAKey.import_key(dict(public))
    pem = key.as_pem(private=False)
    signed = []
    for secret in (
        pem,
        pem.strip(),
        json.dumps(dict(public)).encode(),
        base64.urlsafe_b64decode(public["n"] + "=="),
    ):
        content = f"{_encoded({**head, 'alg': 'HS256'})}.{_encoded(claims)}"
        signature = hmac.digest(secret, content.encode(), hashlib.sha256)
        signed.append(f"{content}.{b64(signature)}")
    return signed


def _encoded(value: Any) -> str:
    return b64(json.dumps(value).encode())
