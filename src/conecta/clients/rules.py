"""What a client's names, tax id and phone must look like; no SQL, no HTTP."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

import phonenumbers
import stdnum.eu.vat
from stdnum.es import cif, dni, nie
from stdnum.exceptions import ValidationError

from conecta.kit.language import Text
from conecta.kit.validation import Refused

_SPANISH = {"nif": dni, "nie": nie, "cif": cif}
_FOREIGN_ID = re.compile(r"[A-Z0-9][A-Z0-9./-]{2,29}\Z")
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
    `vat` the check digits of its country; `passport` and `other` only need a plausible form.
    Raises Refused.
    """
    spanish = re.sub(r"[\s.-]", "", value).upper()
    if kind is None:
        kind = next((name for name, module in _SPANISH.items() if module.is_valid(spanish)), None)
        if kind is None:
            raise Refused("invalid_tax_id", _NOT_SPANISH)
    if kind in _SPANISH:
        return TaxId(_checked(_SPANISH[kind], spanish, kind), kind, "ES")
    if kind == "vat":
        compact = _checked(stdnum.eu.vat, value, kind)
        return TaxId(compact, kind, "GR" if compact.startswith("EL") else compact[:2])
    compact = re.sub(r"\s", "", value).upper()
    if not _FOREIGN_ID.match(compact):
        raise Refused("invalid_tax_id", _BAD_FOREIGN)
    if country is None:
        raise Refused("country_required", _COUNTRY_NEEDED)
    return TaxId(compact, kind, country)


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


def words(texts: Iterable[str]) -> list[str]:
    """Return the search words of some texts: lower case, no accents, each once."""
    plain = unicodedata.normalize("NFD", " ".join(texts).lower())
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    return sorted(set(_WORD.findall(plain)))


def search_words(name: str, tax_id_value: str | None, emails: Iterable[str], phones: Iterable[str]) -> str:
    """Return what a client is found by: name, tax id, addresses, numbers with and without prefix."""
    found = [name, tax_id_value or "", *emails]
    for number in phones:
        parsed = phonenumbers.parse(number, None)
        found += [number.removeprefix("+"), str(parsed.national_number)]
    return " ".join(words(found))


def search_query(text: str) -> str | None:
    """Return a tsquery that finds clients with a word starting with each word of the text; None: no words."""
    digits = re.sub(r"[\s.+-]", "", text)
    found = [digits] if digits.isdecimal() and len(digits) >= 3 else words([text])
    return " & ".join("'" + word.lstrip("+") + "':*" for word in found[:8] if word.lstrip("+")) or None


def _checked(module: object, value: str, kind: str) -> str:
    try:
        return str(module.validate(value))  # type: ignore[attr-defined]
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
