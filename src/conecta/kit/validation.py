"""Turns what Pydantic found wrong into field errors: a JSON pointer, our code and a bilingual sentence."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from .errors import FieldError
from .language import Text

# Pydantic's error types with our words for them; `{…}` come from the error's own context.
_SENTENCES: dict[str, tuple[str, Text]] = {
    "missing": ("required", Text("Es obligatorio.", "It is required.")),
    "extra_forbidden": ("unknown_field", Text("No existe ese campo.", "There is no such field.")),
    "string_type": ("type", Text("Tiene que ser un texto.", "It must be a string.")),
    "string_too_short": (
        "too_short",
        Text("Mínimo {min_length} caracteres.", "At least {min_length} characters."),
    ),
    "string_too_long": (
        "too_long",
        Text("Máximo {max_length} caracteres.", "At most {max_length} characters."),
    ),
    "string_pattern_mismatch": ("pattern", Text("Formato: {pattern}", "Format: {pattern}")),
    "int_type": ("type", Text("Tiene que ser un número entero.", "It must be an integer.")),
    "int_parsing": ("type", Text("Tiene que ser un número entero.", "It must be an integer.")),
    "int_from_float": ("type", Text("Tiene que ser un número entero.", "It must be an integer.")),
    "int_parsing_size": ("too_large", Text("El número es demasiado grande.", "The number is too large.")),
    "float_type": ("type", Text("Tiene que ser un número.", "It must be a number.")),
    "float_parsing": ("type", Text("Tiene que ser un número.", "It must be a number.")),
    "finite_number": ("type", Text("Tiene que ser un número finito.", "It must be a finite number.")),
    "bool_type": ("type", Text("Tiene que ser true o false.", "It must be true or false.")),
    "bool_parsing": ("type", Text("Tiene que ser true o false.", "It must be true or false.")),
    "list_type": ("type", Text("Tiene que ser una lista.", "It must be an array.")),
    "dict_type": ("type", Text("Tiene que ser un objeto.", "It must be an object.")),
    "model_type": ("type", Text("Tiene que ser un objeto.", "It must be an object.")),
    "model_attributes_type": ("type", Text("Tiene que ser un objeto JSON.", "It must be a JSON object.")),
    "too_long": ("too_many", Text("Máximo {max_length} elementos.", "At most {max_length} items.")),
    "too_short": ("too_few", Text("Mínimo {min_length} elementos.", "At least {min_length} items.")),
    "literal_error": ("not_allowed", Text("Valores admitidos: {expected}.", "Accepted values: {expected}.")),
    "enum": ("not_allowed", Text("Valores admitidos: {expected}.", "Accepted values: {expected}.")),
    "greater_than_equal": ("too_small", Text("El mínimo es {ge}.", "The minimum is {ge}.")),
    "greater_than": ("too_small", Text("Tiene que ser mayor que {gt}.", "It must be greater than {gt}.")),
    "less_than_equal": ("too_large", Text("El máximo es {le}.", "The maximum is {le}.")),
    "less_than": ("too_large", Text("Tiene que ser menor que {lt}.", "It must be less than {lt}.")),
    "timezone_aware": (
        "timezone",
        Text("Falta la zona: 2026-01-17T14:30:00Z.", "The zone is missing: 2026-01-17T14:30:00Z."),
    ),
    "datetime_type": ("type", Text("Formato: 2026-01-17T14:30:00Z.", "Format: 2026-01-17T14:30:00Z.")),
    "datetime_parsing": ("type", Text("Formato: 2026-01-17T14:30:00Z.", "Format: 2026-01-17T14:30:00Z.")),
    "datetime_from_date_parsing": (
        "type",
        Text("Formato: 2026-01-17T14:30:00Z.", "Format: 2026-01-17T14:30:00Z."),
    ),
    "datetime_object_invalid": (
        "type",
        Text("Formato: 2026-01-17T14:30:00Z.", "Format: 2026-01-17T14:30:00Z."),
    ),
    "date_type": ("type", Text("Formato: 2026-01-17.", "Format: 2026-01-17.")),
    "date_parsing": ("type", Text("Formato: 2026-01-17.", "Format: 2026-01-17.")),
    "date_from_datetime_parsing": ("type", Text("Formato: 2026-01-17.", "Format: 2026-01-17.")),
    "url_parsing": ("type", Text("Tiene que ser una URL.", "It must be a URL.")),
}
# A minimum of one has words of its own, for people read them at forms.
_AT_LEAST_ONE = {
    "string_too_short": Text("No puede estar vacío.", "It cannot be empty."),
    "too_short": Text("Hace falta al menos un elemento.", "At least one item is needed."),
}
_FALLBACK = ("invalid", Text("Valor no válido.", "Invalid value."))


class Refused(ValueError):
    """Raised by our own validators: a code and a sentence in both languages."""

    def __init__(self, code: str, text: Text) -> None:
        self.code, self.text = code, text
        super().__init__(text.en)


def field_errors(errors: Iterable[Mapping[str, Any]], known: Sequence[str] = ()) -> list[FieldError]:
    """Translate Pydantic's errors; `known` are the names to suggest for an unknown one."""
    return [_field_error(error, known) for error in list(errors)[:100]]


def field_errors_of_query(errors: Iterable[Mapping[str, Any]]) -> list[FieldError]:
    """Translate what Pydantic found wrong in a query string; the place is the parameter's name."""
    return field_errors({**error, "loc": ("query", *error["loc"])} for error in errors)


def pointer(path: Sequence[str | int]) -> str:
    """Write a JSON pointer (RFC 6901) in printable characters."""
    return "".join("/" + _printable(part).replace("~", "~0").replace("/", "~1") for part in path)


def suggestion(name: str, known: Sequence[str]) -> Text:
    """Say what a misspelt name may have meant, and else which names exist."""
    close = get_close_matches(name, known, n=1)
    if close:
        return Text(f"¿Querías decir {close[0]}?", f"Did you mean {close[0]}?")
    names = ", ".join(known)
    return Text(f"Se admiten: {names}.", f"Accepted: {names}.") if names else Text("", "")


def _field_error(error: Mapping[str, Any], known: Sequence[str]) -> FieldError:
    place, *path = error["loc"]
    context = error.get("ctx") or {}
    cause = context.get("error")
    if isinstance(cause, Refused):
        code, text = cause.code, cause.text
    else:
        code, sentence = _SENTENCES.get(error["type"], _FALLBACK)
        if context.get("min_length") == 1:
            sentence = _AT_LEAST_ONE.get(error["type"], sentence)
        text = _fill(sentence, context)
    if error["type"] == "extra_forbidden" and path and known:
        hint = suggestion(str(path[-1]), known)
        text = Text(f"{text.es} {hint.es}", f"{text.en} {hint.en}")
    if path and path[-1] == "[key]":
        path.pop()  # Pydantic's word for the name of a member, which JSON pointers cannot point at
    where = pointer(path) if place == "body" else _printable(path[0] if path else place)
    return FieldError(where, code, str(text))


def _fill(sentence: Text, context: Mapping[str, Any]) -> Text:
    try:
        return sentence.fill(**context)
    except (KeyError, IndexError):
        return _FALLBACK[1]


def _printable(part: str | int) -> str:
    return str(part)[:100].encode("utf-8", "replace").decode()
