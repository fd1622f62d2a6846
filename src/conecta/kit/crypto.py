"""Keyed hashes, encryption at rest and signed tokens, all derived from the root secret of the settings.

Rotation: the newest root secret writes, the former ones are still tried when reading.
"""

import base64
import fcntl
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12


class DecryptionError(Exception):
    """The stored value was not written with any root secret of the settings."""


class KeyRing:
    """The root secrets of an installation; every use derives its own key (HKDF, RFC 5869)."""

    def __init__(self, newest: str, *former: str) -> None:
        self._roots = [newest.encode(), *(secret.encode() for secret in former)]
        self._derived: dict[tuple[str, int], bytes] = {}

    def hashes(self, purpose: str, value: str) -> list[bytes]:
        """Return the keyed hashes a stored secret may have; the first is the one to store."""
        text = value.encode()
        return [hmac.digest(self._key(purpose, i), text, "sha256") for i in range(len(self._roots))]

    def encrypt(self, purpose: str, value: bytes) -> bytes:
        """Encrypt with AES-256-GCM under the newest root secret."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + AESGCM(self._key(purpose, 0)).encrypt(nonce, value, purpose.encode())

    def decrypt(self, purpose: str, stored: bytes) -> bytes:
        """Give back what `encrypt` was given; raise DecryptionError when no root secret fits."""
        nonce, sealed = stored[:_NONCE_BYTES], stored[_NONCE_BYTES:]
        for i in range(len(self._roots)):
            try:
                return AESGCM(self._key(purpose, i)).decrypt(nonce, sealed, purpose.encode())
            except (InvalidTag, ValueError):  # ValueError: too short to hold a nonce
                continue
        raise DecryptionError(purpose)

    def sign(self, purpose: str, payload: bytes) -> str:
        """Return a URL-safe token that carries the payload and proves that we wrote it."""
        tag = hmac.digest(self._key(purpose, 0), payload, "sha256")[:16]
        return base64.urlsafe_b64encode(tag + payload).decode().rstrip("=")

    def verify(self, purpose: str, token: str) -> bytes | None:
        """Return the payload of a token made by `sign`, or None when it is forged or damaged."""
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except ValueError:
            return None
        tag, payload = raw[:16], raw[16:]
        for i in range(len(self._roots)):
            if hmac.compare_digest(tag, hmac.digest(self._key(purpose, i), payload, "sha256")[:16]):
                return payload
        return None

    def _key(self, purpose: str, index: int) -> bytes:
        key = self._derived.get((purpose, index))
        if key is None:
            derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"conecta {purpose}".encode())
            key = self._derived[purpose, index] = derivation.derive(self._roots[index])
        return key


def root_secret(data_dir: Path) -> str:
    """Return the root secret kept in the data folder, made on first use and readable by its owner only."""
    path = data_dir / "secret.key"
    if path.exists() and (secret := path.read_text().strip()):
        return secret
    data_dir.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
        # Processes that start together must not read what another has not written yet.
        fcntl.flock(file, fcntl.LOCK_EX)
        secret = file.read().strip()
        if not secret:
            secret = secrets.token_urlsafe(48)
            file.write(secret)
            file.flush()
            os.fsync(file.fileno())
    return secret


def fingerprint(*parts: bytes) -> bytes:
    """Return a SHA-256 that differs whenever any of the parts differs."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()
