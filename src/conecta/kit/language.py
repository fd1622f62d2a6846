"""Spanish first, English second: texts for people, and which of the two a caller wants (RFC 9110 §12.5.4)."""

from contextvars import ContextVar
from typing import NamedTuple

_OF_SPAIN = {"es", "ca", "gl", "eu", "oc", "an"}

_language: ContextVar[str] = ContextVar("language", default="es")


class Text(NamedTuple):
    """One sentence in the two languages of the product; `{names}` are filled in by the reader."""

    es: str
    en: str

    def fill(self, **values: object) -> "Text":
        """Put the values into both languages."""
        return Text(self.es.format(**values), self.en.format(**values))

    def __str__(self) -> str:
        """Return the sentence in the language of the current caller."""
        return self.en if _language.get() == "en" else self.es


def choose(accept_language: str, default: str = "es") -> str:
    """Return `es` or `en`, whichever an Accept-Language header likes better; else the default."""
    best, best_quality = default, 0.0
    for part in accept_language[:500].split(","):
        tag, _, parameter = part.strip().partition(";")
        language = tag.strip().lower().partition("-")[0]
        if language not in {"es", "en"}:
            continue
        quality = _quality(parameter)
        if quality > best_quality:
            best, best_quality = language, quality
    return best


def spoken(language: str) -> str:
    """Return which of our two to speak with somebody whose language is another (ISO 639-1)."""
    return "es" if language in _OF_SPAIN else "en"


def current() -> str:
    """Return the language of the current caller: `es` or `en`."""
    return _language.get()


def speak(language: str) -> None:
    """Use this language for the rest of the current request or task."""
    _language.set(language)


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
