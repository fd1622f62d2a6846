"""Proof of work instead of a captcha: a visitor's machine spends a moment, and nobody is tracked.

A challenge is stateless, signed by us and bound to the firm; its solution is a number that makes the SHA-256
of both begin with enough zero bits. Each is good once: the counters of the limits remember those spent until
the day (UTC) is over, so that one solved just before midnight might pay once more just after.
"""

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from conecta.kit import clock
from conecta.kit.crypto import KeyRing
from conecta.kit.rate_limit import Limits, RateLimitStore

ALGORITHM = "sha-256"
BITS = 16  # about 65,000 hashes: a fraction of a second on a telephone
LIFETIME = timedelta(minutes=30)

_PURPOSE = "proof of work"
_ONCE = Limits(1, 1)
_LONGEST = 500


@dataclass(frozen=True)
class Challenge:
    """What a visitor is to solve."""

    token: str
    expires_at: datetime


def challenge(keyring: KeyRing, tenant_id: str) -> Challenge:
    """Make a challenge for a visitor of a firm."""
    expires_at = clock.real_now() + LIFETIME
    payload = json.dumps([tenant_id, int(expires_at.timestamp()), secrets.token_urlsafe(9)])
    return Challenge(keyring.sign(_PURPOSE, payload.encode()), expires_at)


def zero_bits(token: str, solution: str) -> int:
    """Return with how many zero bits the hash of a challenge and its solution begins."""
    digest = hashlib.sha256(f"{token}.{solution}".encode()).digest()
    return 256 - int.from_bytes(digest).bit_length()


async def is_paid(
    keyring: KeyRing, limits: RateLimitStore, *, tenant_id: str, token: str, solution: str
) -> bool:
    """Say whether this is the solution of a challenge of ours for this firm, and use it up."""
    if len(token) > _LONGEST or not 0 < len(solution) <= 20 or not solution.isascii():
        return False
    payload = keyring.verify(_PURPOSE, token) if token.isascii() else None
    if payload is None or zero_bits(token, solution) < BITS:
        return False
    of_tenant, expires_at, nonce = json.loads(payload)
    if of_tenant != tenant_id or expires_at < clock.real_now().timestamp():
        return False
    return (await limits.charge(f"proof:{nonce}:{expires_at}", _ONCE)).allowed
