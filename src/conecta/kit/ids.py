"""Public ids: `prefix_` and 26 characters of lower-case Crockford base32 of a UUIDv7.

They sort by the time they were made, say what they name, and are stored as people see them.
A bare UUID of the same row is accepted wherever an id is (the seed shows both forms).
"""

import os
import re
import time
import uuid

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]
_SAFE = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_BARE_UUID = re.compile(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}\Z")


def uuid7() -> int:
    """Return a new UUIDv7 (RFC 9562 §5.7) as a 128-bit integer: Unix milliseconds, then random bits."""
    milliseconds = time.time_ns() // 1_000_000
    random_bits = int.from_bytes(os.urandom(10), "big")
    return (
        (milliseconds & 0xFFFF_FFFF_FFFF) << 80
        | 0x7 << 76
        | (random_bits >> 68) << 64
        | 0b10 << 62
        | random_bits & 0x3FFF_FFFF_FFFF_FFFF
    )


def encode(prefix: str, number: int) -> str:
    """Write a 128-bit number as a public id of that prefix."""
    pairs = _PAIRS
    return f"{prefix}_" + "".join(pairs[(number >> shift) & 0x3FF] for shift in range(120, -10, -10))


def new_id(prefix: str) -> str:
    """Make a new id, later than every id made in an earlier millisecond."""
    return encode(prefix, uuid7())


def canonical(prefix: str, text: str) -> str | None:
    """Return the stored form of an id somebody sent, or None when no row can have it.

    A bare UUID becomes the prefixed form; anything else is opaque and left to the look-up.
    """
    if _BARE_UUID.match(text):
        return encode(prefix, uuid.UUID(text).int)
    return text if _SAFE.match(text) else None
