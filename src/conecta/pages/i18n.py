"""The pages' texts: Spanish in the templates, English in `locale/en/*.po`, one file a group of pages."""

from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

from conecta.kit import language

_FOLDER = Path(__file__).parent / "locale" / "en"


@cache
def english() -> dict[str, tuple[str, ...]]:
    """Return the English of every Spanish text; two forms, singular and plural, where the text counts."""
    found: dict[str, tuple[str, ...]] = {}
    for path in sorted(_FOLDER.glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale="en"):
                key = message.id if isinstance(message.id, str) else message.id[0]
                given = message.string or ()
                text = (given,) if isinstance(given, str) else tuple(given)
                if key and text and all(text) and not message.fuzzy:
                    found[key] = text
    return found


def gettext(text: str) -> str:
    """Return a text in the language of the current caller; Spanish when it has no English."""
    if language.current() != "en":
        return text
    return english().get(text, (text,))[0]


def ngettext(singular: str, plural: str, number: int) -> str:
    """Return the form of a counting text that fits the number, in the language of the current caller."""
    forms = english().get(singular) if language.current() == "en" else None
    return (forms if forms and len(forms) > 1 else (singular, plural))[number != 1]
