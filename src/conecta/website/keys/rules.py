"""Publishable keys and the origins they are accepted from; no SQL, no HTTP."""

import re
from urllib.parse import urlsplit

from conecta.kit.language import Text
from conecta.kit.rate_limit import Limits
from conecta.kit.validation import Refused

PREFIX = "pk_"
# How much one address may ask of a firm's website, whoever shows it; writing has limits of its own.
_CALLS_OF_ONE_PLACE = Limits(120, 5_000)

_FORM = re.compile(r"pk_(live|test)_cnt_[0-9A-Za-z]{36}\Z")
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\Z")
_LOOPBACK = {"localhost", "127.0.0.1"}
_BAD_ORIGIN = Text(
    "Formato: https://www.ejemplo.es, sin ruta; http solo en localhost.",
    "Format: https://www.example.com, without a path; http on localhost only.",
)


def calls_of_one_place(whole: Limits) -> Limits:
    """Return how much one address may ask, and it never gets all that the whole website has."""
    most = _CALLS_OF_ONE_PLACE
    share = Limits(max(1, whole.per_minute // 2), max(1, whole.per_day // 4))
    return Limits(min(most.per_minute, share.per_minute), min(most.per_day, share.per_day))


def is_well_formed(key: str) -> bool:
    """Say whether a text has the form of a publishable key."""
    return bool(_FORM.match(key))


def origin(value: str) -> str:
    """Return a web origin as browsers write it (`https://www.ejemplo.es`); raise Refused when it is none."""
    try:
        parts = urlsplit(value.strip())
        host, port = (parts.hostname or "").encode("idna").decode().lower(), parts.port
    except (ValueError, UnicodeError):
        raise Refused("invalid_origin", _BAD_ORIGIN) from None
    secure = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    more = parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc
    if not secure or more or not _HOST.match(host):
        raise Refused("invalid_origin", _BAD_ORIGIN)
    usual = port is None or (parts.scheme, port) in {("https", 443), ("http", 80)}
    return f"{parts.scheme}://{host}" + ("" if usual else f":{port}")
