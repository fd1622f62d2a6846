"""Reads JSON strictly: UTF-8 (RFC 8259 §8.1), no NaN, no NUL or lone surrogate, no absurd depth or number."""

import json
import math
import re
from collections import Counter
from typing import Any, NoReturn

from .errors import FieldError, MalformedRequest, ValidationFailed
from .language import Text
from .validation import pointer

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_LONGEST_NUMBER = 400


def parse(body: bytes) -> Any:
    """Return the value of a JSON body.

    Raises MalformedRequest (400) with the place where it stops being JSON, and ValidationFailed (422)
    with the pointer of a string that no database column can hold.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise MalformedRequest(Text("El cuerpo no es UTF-8.", "The body is not UTF-8.")) from None
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        es = f"El cuerpo no es JSON: línea {error.lineno}, columna {error.colno}."
        en = f"The body is not JSON: line {error.lineno}, column {error.colno} ({error.msg})."
        raise MalformedRequest(Text(es, en)) from None
    except RecursionError:
        raise MalformedRequest(
            Text("El JSON está anidado a demasiada profundidad.", "The JSON is nested too deeply.")
        ) from None
    if "\\u" in text:
        _refuse_unstorable(value)
    return value


def _integer(digits: str) -> int:
    if len(digits) > _LONGEST_NUMBER:
        raise _too_big()
    return int(digits)


def _float(digits: str) -> float:
    # Python would make 1e999 infinite, which is no JSON and no Postgres number either.
    value = float(digits)
    if not math.isfinite(value):
        raise _too_big()
    return value


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    # Readers disagree on which of two equal names counts (RFC 8259 §4), so neither does here.
    value = dict(members)
    if len(value) != len(members):
        name = next(name for name, count in Counter(name for name, _ in members).items() if count > 1)
        shown = pointer([name])[1:]
        raise MalformedRequest(Text(f"El miembro {shown} se repite.", f"The member {shown} appears twice."))
    return value


def _too_big() -> MalformedRequest:
    return MalformedRequest(Text("Un número es demasiado grande.", "A number is too big."))


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedRequest(Text(f"{name} no es JSON.", f"{name} is not JSON."))


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_refuse_constant, parse_int=_integer, parse_float=_float
)


def _refuse_unstorable(value: Any) -> None:
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), value)]
    while waiting:
        path, item = waiting.pop()
        if isinstance(item, str):
            _check(item, path)
        elif isinstance(item, list):
            waiting.extend(((*path, index), element) for index, element in enumerate(item))
        elif isinstance(item, dict):
            for key, element in item.items():
                _check(key, path)
                waiting.append(((*path, key), element))


def _check(text: str, path: tuple[str | int, ...]) -> None:
    if _UNSTORABLE.search(text):
        message = Text(
            "No se admiten el carácter NUL ni mitades sueltas de un par sustituto (surrogates).",
            "NUL characters and lone surrogates are not accepted.",
        )
        raise ValidationFailed(errors=[FieldError(pointer(path), "unstorable_text", str(message))])
