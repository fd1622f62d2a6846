"""A User-Agent header in words: which browser, on what; a guess, for who looks for a device of theirs."""

from conecta.kit.language import Text

_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
_UNKNOWN = Text("Dispositivo desconocido", "Unknown device")


def describe(user_agent: str | None) -> str:
    """Return `Firefox · Linux`, or the beginning of what names neither."""
    if not user_agent:
        return str(_UNKNOWN)
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), None)
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), None)
    return " · ".join(name for name in (browser, system) if name) or user_agent[:60]
