"""Templates, their filters, the files they load, and the headers that every page goes out with."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, format_timedelta
from babel.numbers import format_currency, format_decimal, get_currency_precision
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from starlette.datastructures import MutableHeaders

from conecta.kit import clock, language
from conecta.kit.language import Text

from . import i18n

_HERE = Path(__file__).parent
STATIC = _HERE / "static"
MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
NO_SUCH_FILE = (
    Text("No existe ese archivo", "There is no such file"),
    Text("Comprueba la dirección.", "Check the address."),
)


@cache
def environment() -> Environment:
    """Return the templates, escaped, in two languages, refusing names that nobody gave."""
    found = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.i18n"],
    )
    found.policies["ext.i18n.trimmed"] = True
    found.install_gettext_callables(i18n.gettext, i18n.ngettext, newstyle=True)  # type: ignore[attr-defined]
    found.globals["static"] = static
    found.filters.update(moment=_moment, ago=_ago, number=_number, money=money, pretty_json=_pretty_json)
    return found


@cache
def static_files() -> Mapping[str, Path]:
    """Return the files that `/static/` serves, by name: those of our folder and no others."""
    return {path.name: path for path in STATIC.iterdir() if path.suffix in MEDIA_TYPES}


@cache
def static(name: str) -> str:
    """Return the address of a static file; it changes when the file does, so it is cached for ever."""
    digest = hashlib.blake2b(static_files()[name].read_bytes(), digest_size=6).hexdigest()
    return f"/static/{name}?v={digest}"


def security_headers(*, https: bool, form_action: Iterable[str] = ()) -> dict[str, str]:
    """Return the headers of a page: nothing from elsewhere, nothing inline, no frame around it.

    Args:
        https: whether people reach us by https, which they then must go on doing.
        form_action: where else than to us a form's answer may lead, as Chromium judges redirects, too.
    """
    forms = " ".join(["'self'", *form_action])
    headers = {
        "Content-Security-Policy": (
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:;"
            f" connect-src 'self'; frame-src 'self'; form-action {forms}; frame-ancestors 'none';"
            " base-uri 'none'"
        ),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
        "Cache-Control": "no-store",
        "Content-Language": language.current(),
        "Vary": "Accept-Language, Cookie",
    }
    if https:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return headers


def let_frame(headers: MutableHeaders, origins: Iterable[str]) -> None:
    """Let the pages of these origins put this answer into a frame."""
    policy = headers.get("content-security-policy", "")
    allowed = f"frame-ancestors {' '.join(origins)}"
    headers["Content-Security-Policy"] = policy.replace("frame-ancestors 'none'", allowed)
    headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    for name in ("x-frame-options", "cross-origin-opener-policy"):
        if name in headers:
            del headers[name]


def _read(value: datetime | str) -> datetime:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.astimezone(UTC)


def _zone(context: Context) -> ZoneInfo:
    return ZoneInfo(context.get("time_zone") or "Europe/Madrid")


@pass_context
def _moment(context: Context, value: datetime | str | None, pattern: str = "d MMM y, HH:mm") -> Markup:
    """Write a moment in the firm's zone and the reader's language; the machine's form stands beside it."""
    if value is None:
        return Markup("—")
    moment = _read(value)
    shown = format_datetime(moment, pattern, tzinfo=_zone(context), locale=language.current())
    return Markup('<time datetime="{}">{}</time>').format(clock.wire(moment), shown)


@pass_context
def _ago(context: Context, value: datetime | str | None) -> Markup:
    """Write a moment as the time since or until it; a tooltip gives it in full."""
    if value is None:
        return Markup("—")
    moment = _read(value)
    distance = moment - clock.real_now()
    shown = format_timedelta(distance, add_direction=True, locale=language.current())
    full = format_datetime(moment, "d MMM y, HH:mm:ss", tzinfo=_zone(context), locale=language.current())
    return Markup('<time datetime="{}" title="{}">{}</time>').format(clock.wire(moment), full, shown)


def _number(value: float) -> str:
    return str(format_decimal(value, locale=language.current()))


def money(price: Mapping[str, Any]) -> str:
    """Write an amount of minor units and its currency as people do: `60,00 €`."""
    whole = Decimal(price["amount"]).scaleb(-get_currency_precision(price["currency"]))
    return str(format_currency(whole, price["currency"], locale=language.current()))


def _pretty_json(value: Any) -> str:
    """Write JSON for people: indented, letters as they are; a text that is none stays as it is."""
    try:
        parsed = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return str(value)
    return json.dumps(parsed, ensure_ascii=False, indent=2)
