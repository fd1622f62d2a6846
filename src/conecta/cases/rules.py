"""What a case may become, how it is numbered and how it is searched; no SQL, no HTTP."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from conecta.kit.language import Text
from conecta.kit.validation import Refused

STATUSES = ("open", "on_hold", "closed", "archived")
PRIORITIES = ("low", "normal", "high", "urgent")
FINISHED = ("closed", "archived")


@dataclass(frozen=True)
class Transition:
    """One allowed change of state: the activity it leaves, its sentence, and whether it closes the case."""

    activity: str
    sentence: str
    closes: bool = False


# The one table of states: what is not here is refused.
TRANSITIONS: Mapping[tuple[str, str], Transition] = {
    ("open", "on_hold"): Transition("status_changed", "Expediente en espera"),
    ("open", "closed"): Transition("closed", "Expediente cerrado", closes=True),
    ("on_hold", "open"): Transition("status_changed", "Expediente reanudado"),
    ("on_hold", "closed"): Transition("closed", "Expediente cerrado", closes=True),
    ("closed", "open"): Transition("reopened", "Expediente reabierto"),
    ("closed", "archived"): Transition("status_changed", "Expediente archivado"),
    ("archived", "closed"): Transition("status_changed", "Expediente recuperado del archivo"),
}


def allowed_from(status: str) -> list[str]:
    """Return the states a case in this one may go to."""
    return [target for source, target in TRANSITIONS if source == status]


# One number, as many digits as it wants or at least so many, beside a year and plain characters.
_MAX_FORMAT = 60
_NUMBER_FORMAT = re.compile(
    r"(?=.*\{(?:year|yy)\})(?!.*\{number.*\{number)(?=.*\{number)"
    r"(?:[\w ./#-]|\{(?:year|yy|number(?::0[1-9])?)\}){1,60}\Z"
)


def check_number_format(number_format: str) -> None:
    """Raise Refused unless a firm can number its cases like this, such as `EXP-{year}-{number:04}`.

    The tokens are {year}, {yy}, {number} and {number:0N} (at least N digits, 1 to 9). A number and a year
    are needed, because numbers start again every year; nothing else may be in braces. The database's
    function `case_number` writes the number.
    """
    if len(number_format) > _MAX_FORMAT or not _NUMBER_FORMAT.match(number_format):
        raise Refused("number_format", _BAD_FORMAT)


def year_of(moment: datetime, time_zone: str) -> int:
    """Return the calendar year of a moment where the firm is."""
    return moment.astimezone(ZoneInfo(time_zone)).year


# Postgres' web search means nothing by these, but for the minus: and some thirty of that in a row, even
# with the others between them, are too much for its parser.
_NO_OPERATORS = re.compile(r"[!&|()<>:*\\']")
_MINUSES = re.compile(r"-(?:\s*-)+")
_LAST_WORD = re.compile(r"(?:^|(?<=\s))\w{2,}\Z")


@dataclass(frozen=True)
class Search:
    """What somebody looks for: the text itself, its words, and those before one still being typed."""

    text: str
    words: str
    head: str
    last_word: str | None


def search(text: str) -> Search:
    """Split a search; in quotes or after a sign the last word must be whole."""
    words = _MINUSES.sub("-", _NO_OPERATORS.sub(" ", text)).strip()
    found = _LAST_WORD.search(words) if words.count('"') % 2 == 0 else None
    head, last_word = (words[: found.start()], found[0]) if found else (words, None)
    return Search(text.strip(), words, head, last_word)


def unique(texts: Iterable[str]) -> list[str]:
    """Return the texts in their order, each once."""
    return list(dict.fromkeys(texts))


def changed(current: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the members whose value really changes, each with what it was and what it becomes."""
    return {
        name: {"before": current[name], "after": value}
        for name, value in wanted.items()
        if not same(current[name], value)
    }


def same(one: Any, other: Any) -> bool:
    """Compare JSON values; unlike Python, JSON tells true from 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def parties_with_ids(
    wanted: list[dict[str, Any]], current: list[dict[str, Any]], make_id: Callable[[], str]
) -> list[dict[str, Any]]:
    """Give every party an id: the one it names, that of an equal party the case has, or a new one.

    Raises UnknownParty for an id the case does not have, or that comes twice.
    """
    free = {party["id"]: party for party in current}
    named: list[dict[str, Any]] = []
    for index, party in enumerate(wanted):
        party_id = party.get("id")
        if party_id is not None and free.pop(party_id, None) is None:
            raise UnknownParty(index)
        named.append({"id": party_id} | {key: value for key, value in party.items() if key != "id"})
    for party in named:
        if party["id"] is None:
            twin = next((key for key, held in free.items() if held == {**party, "id": key}), None)
            party["id"] = twin or make_id()
            free.pop(party["id"], None)
    return named


_MEMBER_NAMES = {
    "client_id": "cliente",
    "category": "categoría",
    "title": "título",
    "description": "descripción",
    "status_reason": "motivo del estado",
    "priority": "prioridad",
    "tags": "etiquetas",
    "parties": "partes",
    "external_id": "referencia externa",
    "custom_fields": "campos propios",
}
_STATE_MEMBERS = ("status", "status_reason", "closed_at")


def activities(
    changes: Mapping[str, Mapping[str, Any]], transition: Transition | None, make_id: Callable[[], str]
) -> list[dict[str, Any]]:
    """Return the lines of the timeline that a change leaves: members, who is in charge, state."""
    state = [name for name in changes if transition and name in _STATE_MEMBERS]
    others = [name for name in changes if name not in state and name != "assigned_provider_id"]
    lines: list[tuple[str, str, list[str]]] = []
    if others:
        names = ", ".join(_MEMBER_NAMES[name] for name in others)
        lines.append(("updated", f"Expediente actualizado: {names}", others))
    if "assigned_provider_id" in changes:
        assigned = changes["assigned_provider_id"]["after"]
        sentence = "Responsable asignado" if assigned else "Expediente sin responsable"
        lines.append(("provider_assigned", sentence, ["assigned_provider_id"]))
    if transition:
        lines.append((transition.activity, transition.sentence, state))
    ids = sorted(make_id() for _ in lines)  # equal moments are told apart by id
    return [
        {
            "id": activity_id,
            "type": kind,
            "description": sentence,
            "data": {"changes": {name: changes[name] for name in members}, "note_id": None},
        }
        for activity_id, (kind, sentence, members) in zip(ids, lines, strict=True)
    ]


class UnknownParty(Exception):
    """A party names an id that this case does not have (any more)."""

    def __init__(self, index: int) -> None:
        self.index = index
        super().__init__(index)


_BAD_FORMAT = Text(
    "El formato lleva {number} o {number:04} una vez y {year} o {yy}, con letras, cifras y . / # - _",
    "The format has {number} or {number:04} once and {year} or {yy}, with letters, digits and . / # - _",
)
