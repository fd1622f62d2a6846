"""What is kept of a call: masked, cut to size, fit for the database. Pure; done when a batch is written."""

import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from conecta.auth.caller import Caller
from conecta.kit.logs import redact

KEPT_BODY_BYTES: Final = 4_096
KEPT_ERROR_BYTES: Final = 8_192
_MASK: Final = "***"
_SECRET_MEMBER: Final = re.compile(
    r"pass(word|wd|phrase)?$|secret|token|authorization|credential|cookie|private|(^|_)key$|(^|_)otp$",
    re.IGNORECASE,
)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# What nothing that `redact` masks can do without.
_SUSPICIOUS: Final = re.compile(r"[@=:%\s]|sk_|eyJ|whsec_|\d\d\.?\d{3}")


class Call(NamedTuple):
    """One call as the middleware saw it; it holds references and works nothing out."""

    at: float
    """Unix seconds when it came in."""
    seconds: float
    status: int
    caller: Caller
    request_id: str
    method: str
    path: str
    query: bytes
    route: Any
    headers: Iterable[tuple[bytes, bytes]]
    client: tuple[str, int] | None
    request_body: bytes | None
    error_body: bytes | None


# The columns of a batch and their types, in the order of `_row`.
COLUMNS: Final[Mapping[str, str]] = {
    "tenant_id": "text",
    "at": "double precision",
    "id": "text",
    "method": "text",
    "path": "text",
    "query": "text",
    "route": "text",
    "status": "integer",
    "duration_ms": "double precision",
    "caller_kind": "text",
    "credential_id": "text",
    "credential_name": "text",
    "user_id": "text",
    "client_id": "text",
    "address": "text",
    "user_agent": "text",
    "error_code": "text",
    "request_body": "text",
    "error_body": "text",
}


def arrays(calls: Iterable[Call]) -> dict[str, str]:
    """Write a batch as one Postgres array a column.

    JSON writes them: of its escapes only those of quote and backslash occur, because no control character
    is left, and in an array they mean the same. Every other way takes Python several times as long.
    """
    columns = zip(*(_row(call) for call in calls), strict=True)
    texts = (json.dumps(values, ensure_ascii=False, separators=(",", ":")) for values in columns)
    return {name: "{" + text[1:-1] + "}" for name, text in zip(COLUMNS, texts, strict=True)}


def _row(call: Call) -> tuple[Any, ...]:
    caller = call.caller
    error = _json(call.error_body)
    return (
        caller.tenant_id,
        call.at,
        call.request_id,
        _text(call.method, 20),
        _text(call.path, 500),
        _text(call.query.decode("latin-1"), 1_000) if call.query else None,
        getattr(call.route, "path", None),
        call.status,
        round(call.seconds * 1000, 1),
        caller.kind,
        caller.credential_id,
        _text(caller.name, 200),
        caller.user_id,
        caller.client_id,
        _text(call.client[0], 100) if call.client else None,
        _user_agent(call.headers),
        error.get("code") if isinstance(error, dict) else None,
        _masked(_json(call.request_body)),
        _masked(error),
    )


def as_curl(entry: Mapping[str, Any], *, base_url: str) -> str:
    """Write a logged call as a curl command; the key, and whatever was masked, is left to fill in."""
    url = base_url + entry["path"] + (f"?{entry['query']}" if entry["query"] else "")
    parts = [f"curl -X {entry['method']} {_quoted(url)}", '-H "Authorization: Bearer $CONECTA_API_KEY"']
    if entry.get("request_body") is not None:
        body = json.dumps(entry["request_body"], ensure_ascii=False)
        parts += ["-H 'Content-Type: application/json'", f"-d {_quoted(body)}"]
    return " \\\n  ".join(parts)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _user_agent(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    for name, value in headers:
        if name == b"user-agent":
            return _text(value.decode("latin-1"), 200)
    return None


# The same programs ask for the same paths, and masking costs more than all the rest of a row.
@lru_cache(maxsize=4096)
def _text(text: str, length: int) -> str:
    text = text[:length]
    if _SUSPICIOUS.search(text):
        text = redact(text)
    return _CONTROL.sub("?", text).encode("utf-8", "replace").decode()


def _json(body: bytes | None) -> Any:
    if not body:
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _masked(value: Any) -> str | None:
    if value is None:
        return None
    try:
        text = json.dumps(_without_secrets(value), ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError):
        return None
    # Escaped as JSON, so that no control character is left in it.
    return _CONTROL.sub("?", text).encode("utf-8", "replace").decode()


def _without_secrets(value: Any) -> Any:
    match value:
        case str():
            return redact(value)
        case dict():
            return {
                redact(name): _MASK if _SECRET_MEMBER.search(name) and item else _without_secrets(item)
                for name, item in value.items()
            }
        case list():
            return [_without_secrets(item) for item in value]
        case _:
            return value
