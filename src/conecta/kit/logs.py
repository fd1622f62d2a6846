"""Structured logs without secrets: structlog, with a last filter over every value."""

import asyncio
import atexit
import json
import logging
import re
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import structlog

_SECRETS = re.compile(
    r"(?P<keep>sk_(?:live|test)_cnt_|cnt_(?:secret|initial|registration)_|whsec_|(?i:bearer|basic)\s+|code="
    r"|(?<!servicios)/(?:reset|invitations|links|c|calendars|reviews|done)/"  # links of mails, feeds
    r"|(?i:token|secret|password)[\"']?\s*[=:]\s*[\"']?)[^\s&\"']+"
)
_URL_PASSWORD = re.compile(r"(?P<keep>://[^\s/:@]*:)[^\s/@]+@")
_JWT = re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*")
_EMAIL = re.compile(r"[\w.+%-]+(?:@|%40)[\w-]+\.[\w.-]+")
# NIF, NIE and CIF, however they are written: a letter or digit, seven digits, a letter or digit.
_TAX_ID = re.compile(
    r"(?i)\b(?:ES)?-?(?:\d{2}\.?\d{3}\.?\d{3}[-.\s]?[A-Z]|[XYZK-M][-.]?\d{7}[-.]?[A-Z]"
    r"|[A-HJNP-SUVW][-.]?\d{7}[-.]?[0-9A-J])\b"
)
# Postgres quotes the values it could not use, and the statement that had them.
_QUOTED_VALUES = re.compile(r"^(?P<keep>DETAIL|CONTEXT|LINE \d+):.*$", re.MULTILINE)
# Whoever writes a line break into a URL must not write lines of our log.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

_SECONDS_BETWEEN_WRITES = 0.05

# What we write ourselves, on every line: ids and words without anything to hide.
_OURS = frozenset({"event", "level", "timestamp", "request_id", "tenant_id", "credential_id", "method"})


def redact(text: str) -> str:
    """Mask keys, webhook secrets, tokens, passwords, e-mail addresses and Spanish tax ids in a text."""
    text = _SECRETS.sub(r"\g<keep>***", text)
    if "://" in text:
        text = _URL_PASSWORD.sub(r"\g<keep>***@", text)
    if "eyJ" in text:
        text = _JWT.sub("***", text)
    if "\n" in text:
        text = _QUOTED_VALUES.sub(r"\g<keep>: ***", text)
    if "@" in text or "%40" in text:
        text = _EMAIL.sub("***@***", text)
    return _TAX_ID.sub("***", text)


def configure(*, fmt: str, level: str) -> None:
    """Send our logs and the libraries' to standard error, as text for people or JSON for machines."""
    chain: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact_values,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if fmt == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    numeric = logging.getLevelNamesMapping()[level]
    access_log.configure(level=numeric, as_json=fmt == "json")
    structlog.configure(
        processors=[*chain, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(numeric),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_LibraryFormatter(as_json=fmt == "json"))
    # httpx tells every URL it calls, with its query; Authlib, at DEBUG, the tokens it gives out.
    for talkative in ("alembic", "authlib", "httpx"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    logging.basicConfig(level=max(numeric, logging.INFO), handlers=[handler], force=True)


class AccessLog:
    """One line for each request, without the chain above, which costs as much as a query.

    Lines are written in bunches, at most some hundredths of a second after the answer.
    """

    def __init__(self) -> None:
        self._level, self._as_json = logging.INFO, False
        self._lines: list[str] = []
        atexit.register(self.flush)

    def configure(self, *, level: int, as_json: bool) -> None:
        """Choose from which level on lines are written, and how."""
        self._level, self._as_json = level, as_json

    def write(self, *, method: str, path: str, status: int, ms: float) -> None:
        """Write the line of an answered request with the ids of its caller."""
        if self._level > logging.INFO:
            return
        known = structlog.contextvars.get_contextvars()
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        path = _safe(path)
        if self._as_json:
            fields = {"event": "request", "level": "info", "timestamp": moment, "method": method}
            line = json.dumps({**fields, "path": path, "status": status, "ms": ms, **known})
        else:
            ids = " ".join(f"{name}={value}" for name, value in known.items())
            line = f"{moment} {status} {method} {path} {ms} ms {ids}"
        if not self._lines:
            asyncio.get_running_loop().call_later(_SECONDS_BETWEEN_WRITES, self.flush)
        self._lines.append(line)

    def flush(self) -> None:
        """Write what is waiting."""
        lines, self._lines = self._lines, []
        if lines:
            sys.stderr.write("\n".join(lines) + "\n")


access_log = AccessLog()


@lru_cache(maxsize=1024)
def _safe(path: str) -> str:
    return _CONTROL.sub("?", redact(path))


def _redact_values(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if key not in _OURS:
            event[key] = _redacted(value)
    return event


def _redacted(value: Any) -> Any:
    match value:
        case str():
            return redact(value)
        case dict():
            return {key: _redacted(item) for key, item in value.items()}
        case list() | tuple() | set():
            return [_redacted(item) for item in value]
        case bool() | int() | float() | None:
            return value
        case _:
            return redact(str(value))


class _LibraryFormatter(logging.Formatter):
    """Writes what libraries log like our own lines: redacted, tracebacks too, and as JSON for machines."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__("%(asctime)s [%(levelname)s] %(name)s: %(message)s")
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        if not self._as_json:
            return redact(super().format(record))
        entry = {
            "event": redact(record.getMessage()),
            "level": record.levelname.lower(),
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "logger": record.name,
        }
        if record.exc_info:
            entry["exception"] = redact(self.formatException(record.exc_info))
        return json.dumps(entry)
