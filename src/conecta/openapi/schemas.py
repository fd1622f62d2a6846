"""Schemas as the document wants them: without generated titles, collected under one roof."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

Json = dict[str, Any]

REF = "#/components/schemas/"
_FASTAPIS_OWN = {"HTTPValidationError", "ValidationError"}
_DATA = {"example", "examples", "default", "enum", "const"}  # values, not schemas


def tidied(thing: Any) -> Any:
    """Drop the titles that were generated from names, and FastAPI's own error schemas."""
    if isinstance(thing, list):
        return [tidied(item) for item in thing]
    if not isinstance(thing, dict):
        return thing
    return {
        key: value if key in _DATA else tidied(value)
        for key, value in thing.items()
        if not (key == "title" and isinstance(value, str)) and key not in _FASTAPIS_OWN
    }


def collect(models: Iterable[type[BaseModel]], mode: JsonSchemaMode, into: Json) -> None:
    """Add the schemas of models, and of all they refer to, to the components."""
    _, found = models_json_schema([(model, mode) for model in models], ref_template=REF + "{model}")
    for name, schema in found.get("$defs", {}).items():
        made = tidied(schema)
        assert into.setdefault(name, made) == made, f"Two schemas are called {name}."


def resolved(schema: Json, schemas: Json) -> Json:
    """Follow a reference, keeping what stands beside it."""
    if "$ref" not in schema:
        return schema
    beside = {key: value for key, value in schema.items() if key != "$ref"}
    return {**schemas[schema["$ref"].removeprefix(REF)], **beside}


def without_null(schema: Json) -> Json:
    """Return what a schema says of a value that is there."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    if len(kinds) != 1 or len(schema["anyOf"]) == 1:
        return schema
    return {**kinds[0], **{key: value for key, value in schema.items() if key not in {"anyOf", "default"}}}


def renamed(made: Json, new_name: Callable[[str], str]) -> Json:
    """Give the components' schemas other names, wherever they are referred to."""
    names = {name: new_name(name) for name in made["components"]["schemas"]}
    text = json.dumps(made, ensure_ascii=False)
    for old, new in names.items():
        if old != new:
            text = text.replace(f'"{REF}{old}"', f'"{REF}{new}"').replace(f'"{old}": {{', f'"{new}": {{')
    answer: Json = json.loads(text)
    return answer
