"""What a form sent, read by the API's own schemas; and what was wrong with it, field by field."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError

from conecta.kit.errors import FieldError, Problem, ValidationFailed
from conecta.kit.language import Text
from conecta.kit.validation import field_errors, pointer

Model = TypeVar("Model", bound=BaseModel)

_LOCAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?\Z")


@dataclass(frozen=True)
class FormErrors:
    """The sentences of a refusal: at the fields they belong to, and above the form where they do not."""

    by_field: Mapping[str, list[str]] = field(default_factory=dict)
    general: list[str] = field(default_factory=list)
    status: int = 422

    def at(self, name: str) -> list[str]:
        """Return what is wrong with a field."""
        return self.by_field.get(name, [])

    @property
    def fields(self) -> Iterator[tuple[str, str]]:
        """Each field that is wrong with its sentence, for the summary above the form."""
        return ((name, sentence) for name, found in self.by_field.items() for sentence in found)

    def __bool__(self) -> bool:
        return bool(self.by_field or self.general)


NO_ERRORS = FormErrors()


def errors_of(problem: Problem, names: Mapping[str, str] | None = None) -> FormErrors:
    """Say at which fields a refusal belongs.

    Args:
        problem: what the service refused.
        names: the form's field for a member of the body where the two are called differently.
    """
    by_field: dict[str, list[str]] = {}
    for error in problem.errors:
        member = error.pointer.strip("/").split("/")[0]
        said = by_field.setdefault((names or {}).get(member, member), [])
        if error.message not in said:
            said.append(error.message)
    general = by_field.pop("", [])
    sentences = general or ([] if by_field else [str(problem.sentence)])
    return FormErrors(by_field, sentences, problem.status)


def one_error(name: str, sentence: Text) -> FormErrors:
    """Say what is wrong with a single field."""
    return FormErrors({name: [str(sentence)]})


def read(model: type[Model], values: Mapping[str, Any]) -> Model:
    """Read values as the API would read them as a body; raise ValidationFailed, with pointers, like it."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        found = (_as_in_a_form({**item, "loc": ("body", *item["loc"])}) for item in error.errors())
        raise ValidationFailed(errors=field_errors(found, list(model.model_fields))) from None


def _as_in_a_form(error: dict[str, Any]) -> dict[str, Any]:
    """A form sends every field: what the API would call absent, or null, is empty here."""
    shortest = (error.get("ctx") or {}).get("min_length")
    empty = error["input"] in ("", None, [])
    return {**error, "type": "missing"} if empty and (shortest == 1 or error["input"] is None) else error


def whole_number(values: Mapping[str, Any], name: str) -> int | str | None:
    """Return a field as the number it is, None when empty; any other text stays, for the schema to refuse."""
    text = str(values.get(name, "")).strip()
    if not text:
        return None
    return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) else text


def local_moment(values: Mapping[str, Any], name: str, zone: str) -> str | None:
    """Return a `datetime-local` field as a moment with its zone; any other text stays, to be refused."""
    text = str(values.get(name, "")).strip()
    if not text:
        return None
    if not _LOCAL.match(text):
        return text
    try:
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).isoformat()
    except ValueError:
        sentence = Text("Esa fecha no existe.", "There is no such date.")
        raise ValidationFailed(errors=[FieldError(pointer([name]), "type", str(sentence))]) from None


def lines(values: Mapping[str, Any], name: str) -> list[str]:
    """Return the lines (or comma-separated parts) of a text area, without empty ones."""
    return [part.strip() for part in re.split(r"[\n,]", str(values.get(name, ""))) if part.strip()]
