"""What RFC 6749, 7636, 8252 and 9700 demand of redirect URIs, scopes and challenges."""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from urllib.parse import parse_qsl, urlencode, urlsplit

from conecta.auth.scopes import SEED_SCOPES, Scope
from conecta.kit.language import Text

GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials")
NATIVE_AUDIENCE = "/v1/servicios"

# Visible ASCII without quotes, backslash and the like: everything a URI may be written with (RFC 3986 §2).
_URI = re.compile(r"[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=%-]{1,2000}\Z")
# ASCII names only, as DNS has them: letters of other scripts can be taken for these.
_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*\Z")
# What we answer with: an app must be able to believe whatever stands in its redirect by these names.
_ANSWERS = frozenset({"code", "state", "iss", "error", "error_description", "error_uri"})
_STEPS = re.compile(r"/\.{1,2}/|%2[ef]|%5c", re.IGNORECASE)
_PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9-]*(\.[a-z0-9-]+)+\Z")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_THUMBPRINT = _CHALLENGE
_UNSAFE_IN_DESCRIPTION = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")


def redirect_uri_fault(uri: str, *, public: bool) -> Text | None:
    """Say what makes a URI unfit for registration, or None when it is fit.

    https everywhere; http to the loopback interface, where developers and native apps listen; a private-use
    scheme (RFC 8252 §7.1) for public apps.
    """
    try:
        parts = urlsplit(uri) if _URI.match(uri) else None
        port = parts.port if parts else None
    except ValueError:
        parts = None
    if parts is None:
        return Text("No es una URI, o pasa de 2000 caracteres.", "It is no URI, or longer than 2000.")
    if "#" in uri:
        return Text("No puede llevar fragmento (#).", "It cannot have a fragment (#).")
    if "@" in parts.netloc:
        return Text("No puede llevar usuario (@).", "It cannot have user information (@).")
    if _ANSWERS & {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}:
        return Text("Su consulta lleva parámetros de nuestra respuesta.", "Its query has parameters of ours.")
    if parts.scheme in {"http", "https"}:
        return _web_fault(parts.scheme, parts.hostname or "", port, parts.path)
    if not public or not _PRIVATE_SCHEME.match(parts.scheme):
        return Text(
            "Tiene que ser https; una aplicación pública puede usar un esquema propio: com.example.app:/fin.",
            "It must be https; a public app may use a scheme of its own: com.example.app:/done.",
        )
    if parts.netloc:
        return Text(
            "Un esquema propio no lleva dominio: com.example.app:/fin.",
            "A scheme of its own has no host: com.example.app:/done.",
        )
    return None


def _web_fault(scheme: str, host: str, port: int | None, path: str) -> Text | None:
    if port == 0 or not (_HOST.match(host) or _is_ip_address(host)):
        return Text(
            "El dominio tiene que escribirse en ASCII, como en el DNS.",
            "The host must be written in ASCII, as in the DNS.",
        )
    if _STEPS.search(f"{path}/"):
        return Text("La ruta no puede subir de carpeta.", "The path cannot have steps upwards.")
    if scheme == "http" and not is_loopback(host):
        return Text(
            "Tiene que ser https; http solo vale en este mismo equipo (127.0.0.1).",
            "It must be https; http is for this same machine only (127.0.0.1).",
        )
    return None


def is_loopback(host: str) -> bool:
    """Say whether a host can only be this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_ip_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_registered(uri: str, registered: Iterable[str], *, public: bool) -> bool:
    """Say whether a redirect URI is one of the registered ones, character by character.

    But the port of a public app's loopback URI may be any, for native apps are given theirs by the system
    (RFC 8252 §7.3).
    """
    wanted = _without_port(uri) if public else None
    return any(
        uri == known or (wanted is not None and wanted == _without_port(known)) for known in registered
    )


_LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]|localhost))(?::(\d{1,5}))?(?=[/?]|\Z)")


def _without_port(uri: str) -> str | None:
    """Return a loopback URI without its port, or None when it is no loopback URI."""
    found = _LOOPBACK.match(uri)
    if found is None or (found[2] is not None and not 0 < int(found[2]) < 65536):
        return None
    return found[1] + uri[found.end() :]


def origin_of(uri: str) -> str:
    """Return what people should look at in a redirect URI: scheme and host, or the private scheme."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"


def with_parameters(uri: str, parameters: Sequence[tuple[str, str]]) -> str:
    """Add parameters to a redirect URI, whose own query stays as it is."""
    join = "&" if "?" in uri else "?"
    return f"{uri}{'' if uri.endswith(('?', '&')) else join}{urlencode(parameters)}"


def read_scopes(text: str) -> tuple[Scope, ...] | None:
    """Read a scope parameter; None when it names one that OAuth never grants."""
    names = text.split()
    known = {scope.value: scope for scope in SEED_SCOPES}
    return tuple(known[name] for name in dict.fromkeys(names)) if set(names) <= known.keys() else None


def in_order(scopes: Iterable[str]) -> tuple[Scope, ...]:
    """Return scopes in the order of the catalogue, as they are shown and stored."""
    wanted = set(scopes)
    return tuple(scope for scope in SEED_SCOPES if scope in wanted)


def is_challenge(text: str) -> bool:
    """Say whether a text can be an S256 code challenge: 32 bytes in base64url."""
    return bool(_CHALLENGE.match(text))


def is_thumbprint(text: str) -> bool:
    """Say whether a text can be a SHA-256 thumbprint of a key (RFC 7638)."""
    return bool(_THUMBPRINT.match(text))


def description(text: str) -> str:
    """Leave of a text what an error_description may have (RFC 6749 §5.2)."""
    return _UNSAFE_IN_DESCRIPTION.sub("?", text)


def audiences(issuer: str) -> tuple[str, str]:
    """Return the identifier of our API, which tokens carry, and the other name it goes by (RFC 8707)."""
    return issuer + NATIVE_AUDIENCE, issuer
