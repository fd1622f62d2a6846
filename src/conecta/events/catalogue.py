"""The catalogue (integration guide §4.1): every event the product declares, collected from its features."""

from collections.abc import Mapping

from conecta.bookings.events import EVENTS as BOOKINGS
from conecta.cases.events import EVENTS as CASES
from conecta.inquiries.events import EVENTS as INQUIRIES
from conecta.kit.language import Text
from conecta.kit.pages import Where
from conecta.kit.validation import Refused, suggestion
from conecta.reviews.events import EVENTS as REVIEWS
from conecta.webhooks.events import EVENTS as WEBHOOKS

from . import announced
from .types import EventType, is_known_pattern, patterns_for

CATALOGUE: tuple[EventType, ...] = (*CASES, *BOOKINGS, *announced.EVENTS, *INQUIRIES, *REVIEWS, *WEBHOOKS)
BY_NAME: Mapping[str, EventType] = {event.name: event for event in CATALOGUE}

_GROUPS = dict.fromkeys(f"{name.partition('.')[0]}.*" for name in BY_NAME)
PATTERNS: tuple[str, ...] = ("*", *_GROUPS, *BY_NAME)
"""Every filter that lets some event through: all, each group, each name."""


def known_pattern(pattern: str) -> str:
    """Return the pattern; raise Refused, which names the nearest one and lists them all, when it is none."""
    if is_known_pattern(pattern, BY_NAME):
        return pattern
    raise _unknown(pattern, PATTERNS)


def known_name(name: str) -> str:
    """Return the name of an event; raise Refused, like `known_pattern`, when it is none."""
    if name in BY_NAME:
        return name
    raise _unknown(name, tuple(BY_NAME))


def narrow(where: Where, pattern: str | None) -> Where:
    """Narrow a list, whose source calls events `e`, to the types that a filter lets through.

    The names are ours and stand in the statement itself: only then does the planner know how common they
    are, which decides whether to begin with the types or with the order.
    """
    if pattern is None or pattern == "*":
        return where
    names = ", ".join(f"'{name}'" for name in BY_NAME if pattern in patterns_for(name))
    return where.add(f"e.type in ({names})")


def _unknown(word: str, known: tuple[str, ...]) -> Refused:
    near, all_of_them = suggestion(word, known), suggestion("", known)
    hints = dict.fromkeys([near, all_of_them])
    es, en = " ".join(hint.es for hint in hints), " ".join(hint.en for hint in hints)
    return Refused("unknown_event", Text(f"No existe ese evento. {es}", f"There is no such event. {en}"))
