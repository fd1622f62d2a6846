"""What a client's names, tax id and phone must look like; no SQL, no HTTP."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import phonenumbers
import stdnum.eu.vat
from stdnum.es import cif, dni, nie, nif
from stdnum.exceptions import ValidationError

from conecta.kit.language import Text
from conecta.kit.validation import Refused

_FOREIGN_ID = re.compile(r"[A-Z0-9][A-Z0-9./-]{2,29}\Z")
_SPANISH_ID = re.compile(r"(?:ES)?([A-Z]?[0-9]{7,8}[A-Z0-9]?)\Z")
_SEPARATORS = re.compile(r"[\s.+()/-]")
_WORD = re.compile(r"[^\s,;:()\"'|&!<>*\\]+")


@dataclass(frozen=True)
class TaxId:
    """A tax id in its stored form: compact, upper case."""

    value: str
    type: str
    country: str


def tax_id(value: str, kind: str | None, country: str | None) -> TaxId:
    """Check a tax id; without a kind it must be a Spanish NIF, NIE or CIF, and the kind is found out.

    NIF, NIE and CIF must have the right control character (RD 1065/2007 art. 18-22, Orden EHA/451/2008);
    `vat` the check digits of its country; `passport` and `other` only need a plausible form. A Spanish
    VAT number is the NIF or CIF behind its `ES`. Raises Refused.
    """
    compact = re.sub(r"\s", "", value).upper()
    spanish = re.sub(r"[.-]", "", compact).removeprefix("ES")
    if not compact.isascii():
        raise Refused("invalid_tax_id", _BAD_FOREIGN if kind in {"passport", "other"} else _NOT_SPANISH)
    if kind is None or (kind == "vat" and compact.startswith("ES")):
        return _recognised(spanish)
    if kind in _SPANISH:
        return TaxId(_checked(_SPANISH[kind], spanish, kind), kind, "ES")
    if kind == "vat":
        compact = _checked(stdnum.eu.vat.validate, value, kind)
        return TaxId(compact, kind, "GR" if compact.startswith("EL") else compact[:2])
    if not _FOREIGN_ID.match(compact):
        raise Refused("invalid_tax_id", _BAD_FOREIGN)
    if country is None:
        raise Refused("country_required", _COUNTRY_NEEDED)
    return TaxId(compact, kind, country)


def tax_id_forms(text: str) -> list[str]:
    """Return the forms in which a tax id that somebody looks for may be stored."""
    compact = re.sub(r"\s", "", text).upper()
    spanish = re.sub(r"[.-]", "", compact)
    return sorted({compact, spanish, spanish.removeprefix("ES")})


def phone(value: str) -> str:
    """Return a phone number as E.164 (`+34600111222`); a number without a prefix is Spanish.

    Raises Refused when no such number can exist.
    """
    try:
        number = phonenumbers.parse(value, "ES")
    except phonenumbers.NumberParseException:
        raise Refused("invalid_phone", _BAD_PHONE) from None
    if not phonenumbers.is_possible_number(number):
        raise Refused("invalid_phone", _BAD_PHONE)
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def display_name(kind: str, first_name: str | None, last_name: str | None, name: str | None) -> str:
    """Return how people see the client: a company's name, or first and last name."""
    if kind == "company":
        return name or ""
    return " ".join(part for part in (first_name, last_name) if part) or name or ""


def renamed(current: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, str | None]:
    """Return the name columns after a change: a person's whole name and its parts replace each other.

    A company's name stays when only its contact's changes.
    """
    after = {name: changes.get(name, current[name]) for name in ("first_name", "last_name", "name")}
    if changes.get("kind", current["kind"]) == "company":
        return after
    parts = changes.keys() & {"first_name", "last_name"}
    if any(changes[part] != current[part] for part in parts):
        return after | {"name": changes.get("name")}
    if not parts and after["name"] not in {None, current["name"]}:
        return {"first_name": None, "last_name": None, "name": after["name"]}
    return after


def words(texts: Iterable[str]) -> list[str]:
    """Return the search words of some texts: lower case, no accents, each once."""
    plain = unicodedata.normalize("NFD", " ".join(texts).lower())
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    return sorted(set(_WORD.findall(plain)))


def search_words(name: str, tax_id_value: str | None, emails: Iterable[str], phones: Iterable[str]) -> str:
    """Return what a client is found by: name, tax id, addresses, numbers with and without prefix.

    Names also without their hyphens and dots: of "Ferrer-Ibáñez" either half, "S.L." as "SL". Never empty.
    """
    found = [name, name.replace("-", " "), name.replace(".", ""), tax_id_value or "", *emails]
    for number in phones:
        parsed = phonenumbers.parse(number, None)
        found += [number.removeprefix("+"), phonenumbers.national_significant_number(parsed)]
    return " ".join(words(found)) or "-"


def search_query(text: str) -> str | None:
    """Return a tsquery that finds clients with a word starting with each word of the text; None: no words.

    A phone number or a Spanish tax id is one word, however it is spelt; the zeros before a number may be
    a prefix (0034 600…, 020 7946…) or belong to it.
    """
    compact = _SEPARATORS.sub("", text).upper()
    if compact.isascii() and compact.isdecimal() and len(compact) >= 3:
        return " | ".join(_beginning(digits) for digits in {compact, compact.lstrip("0")} if digits) or None
    if tax_id_match := _SPANISH_ID.match(compact):
        return _beginning(tax_id_match[1].lower())
    found = (word.lstrip("+") for word in words([text])[:8])
    return " & ".join(_beginning(word) for word in found if word) or None


def _beginning(word: str) -> str:
    # A word holds neither quotes nor backslashes.
    return f"'{word}':*"


def _nif(value: str) -> str:
    # K, L and M: minors, Spaniards abroad and foreigners who have no other number.
    return str(nif.validate(value) if value[:1] in {"K", "L", "M"} else dni.validate(value))


_SPANISH: dict[str, Callable[[str], str]] = {"nif": _nif, "nie": nie.validate, "cif": cif.validate}


def _recognised(value: str) -> TaxId:
    for kind, validate in _SPANISH.items():
        try:
            return TaxId(validate(value), kind, "ES")
        except ValidationError:
            continue
    raise Refused("invalid_tax_id", _NOT_SPANISH)


def _checked(validate: Callable[[str], str], value: str, kind: str) -> str:
    try:
        return str(validate(value))
    except ValidationError:
        upper = kind.upper()
        message = Text(f"No es un {upper} válido.", f"It is not a valid {upper}.")
        raise Refused("invalid_tax_id", message) from None


_NOT_SPANISH = Text(
    "No es un NIF, NIE ni CIF válido. Si es extranjero, indica tax_id_type: vat, passport u other.",
    "It is not a valid NIF, NIE or CIF. If it is foreign, say tax_id_type: vat, passport or other.",
)
_BAD_FOREIGN = Text(
    "Admite de 3 a 30 letras, cifras, puntos, barras y guiones.",
    "It takes 3 to 30 letters, digits, dots, slashes and dashes.",
)
_COUNTRY_NEEDED = Text(
    "Con passport u other hace falta tax_id_country (ISO 3166-1, p. ej. FR).",
    "With passport or other, tax_id_country is needed (ISO 3166-1, e.g. FR).",
)
_BAD_PHONE = Text(
    "No es un teléfono posible. Formato: +34600111222.",
    "It is not a possible phone number. Format: +34600111222.",
)
