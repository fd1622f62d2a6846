"""The form of a key: `sk_live_cnt_` or `sk_test_cnt_`, 30 base62 characters, and their CRC32 in base62.

The infix keeps leak scanners from taking our keys for another vendor's (`sk_live_` and alphanumerics);
the checksum lets a typo or a fake be refused without asking the database.
"""

import ipaddress
import re
import secrets
import zlib

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM, _CHECK = 30, 6
_FORM = re.compile(r"sk_(live|test)_cnt_([0-9A-Za-z]{30})([0-9A-Za-z]{6})\Z")


def new_key(mode: str) -> str:
    """Make a key of mode `live` or `test`; 178 random bits."""
    body = f"sk_{mode}_cnt_" + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return body + _checksum(body)


def is_well_formed(token: str) -> bool:
    """Say whether a token has the form and the checksum of a key."""
    match = _FORM.match(token)
    return bool(match) and token[-_CHECK:] == _checksum(token[:-_CHECK])


def hint(key: str) -> str:
    """Return what may be shown of a key after its creation."""
    return f"{key[:16]}…{key[-4:]}"


def plain_address(address: str) -> str | None:
    """Return an address as `inet` writes it (IPv4 also when mapped into IPv6), or None when it is none."""
    try:
        source = ipaddress.ip_address(address)
    except ValueError:
        return None
    if isinstance(source, ipaddress.IPv6Address):
        return str(source.ipv4_mapped) if source.ipv4_mapped else address.partition("%")[0]
    return address


def _checksum(body: str) -> str:
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(_CHECK):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
