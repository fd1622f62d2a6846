"""How a feature declares an event: once, with its name, payload, sentence and example."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from conecta.kit.language import Text
from conecta.kit.schemas import ReadSchema


@dataclass(frozen=True)
class EventType:
    """One entry of the catalogue (seed §4.2)."""

    name: str
    payload: type[ReadSchema]
    sentence: Text
    example: Mapping[str, Any]


def patterns_for(name: str) -> list[str]:
    """Return every filter that lets an event through: its name, `group.*` and `*`."""
    group = name.partition(".")[0]
    return ["*", f"{group}.*", name]


def is_known_pattern(pattern: str, names: Iterable[str]) -> bool:
    """Say whether a filter lets any event of the catalogue through."""
    return any(pattern in patterns_for(name) for name in names)
