"""The pages' cookies: their names, and the language that one of them keeps."""

from starlette.requests import Request

from conecta.kit import language
from conecta.settings import Settings


def cookie_name(settings: Settings, short: str) -> str:
    """Return a cookie's whole name: bound to this host where https allows it (`__Host-`)."""
    prefix = "__Host-" if settings.base_url.startswith("https://") else ""
    return f"{prefix}conecta_{short}"


def chosen_language(request: Request, default: str = "es") -> str:
    """Return the language a person chose on a page, or else their browser's; the default without either."""
    chosen = request.cookies.get(cookie_name(request.app.state.settings, "language"))
    if chosen in {"es", "en"}:
        return chosen
    return language.choose(request.headers.get("accept-language", ""), default)
