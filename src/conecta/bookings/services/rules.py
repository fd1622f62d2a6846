"""What a service must look like; no SQL, no HTTP."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import pycountry

from conecta.kit.language import Text
from conecta.kit.validation import Refused

MAX_SLUG = 60
DEFAULT_POLICY: dict[str, Any] = {
    "free_cancel_minutes": 1440,
    "reschedule_minutes": 1440,
    "max_reschedules": 3,
    "reason_required": False,
}


def slug_of(name: str) -> str:
    """Return a service's name as part of an address: lower-case ASCII letters, digits and hyphens."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]+", "-", plain)[:MAX_SLUG].strip("-") or "servicio"


def numbered(slug: str, number: int) -> str:
    """Return the slug to try when the first ones are taken: `consulta-2`, `consulta-3`, …"""
    ending = f"-{number}"
    return slug if number == 1 else slug[: MAX_SLUG - len(ending)].strip("-") + ending


def currency(code: str) -> str:
    """Return a currency that exists (ISO 4217); raise Refused."""
    if pycountry.currencies.get(alpha_3=code) is None:
        raise Refused("unknown_currency", Text("Código ISO 4217, p. ej. EUR.", "ISO 4217 code, e.g. EUR."))
    return code


def each_once(values: Sequence[Any]) -> Sequence[Any]:
    """Return the values; raise Refused when one is there twice."""
    if len(set(values)) != len(values):
        raise Refused("repeated", Text("Hay un valor repetido.", "A value is repeated."))
    return values
