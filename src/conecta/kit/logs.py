"""Structured logs without secrets: structlog, with a last filter over every value."""

import json
import logging
import re
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any

import structlog

_SECRETS = re.compile(
    r"(?P<keep>sk_(?:live|test)_cnt_|whsec_|Bearer\s+|auth_token=|client_secret=|code=|token=)[^\s&\"']+"
)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
# NIF, NIE and CIF: a letter or digit, seven digits, a letter or digit.
_TAX_ID = re.compile(r"\b(?:[XYZxyz]\d{7}[A-Za-z]|\d{8}[A-Za-z]|[A-HJNP-SUVWa-hjnp-suvw]\d{7}[0-9A-Ja-j])\b")

# What we write ourselves, on every line: ids and words without anything to hide.
_OURS = frozenset({"event", "level", "timestamp", "request_id", "tenant_id", "credential_id", "method"})


def redact(text: str) -> str:
    """Mask keys, webhook secrets, tokens, e-mail addresses and Spanish tax ids in a text."""
    text = _SECRETS.sub(lambda match: match["keep"] + "***", text)
    return _TAX_ID.sub("***", _EMAIL.sub("***@***", text))


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
    handler.addFilter(_redact_record)
    handler.setFormatter(logging.Formatter("%(asctime)s [%(levelname)s] %(name)s: %(message)s"))
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.basicConfig(level=max(numeric, logging.INFO), handlers=[handler], force=True)


class AccessLog:
    """One line for each request, written straight: the chain above costs as much as a query."""

    def __init__(self) -> None:
        self._level, self._as_json = logging.INFO, False

    def configure(self, *, level: int, as_json: bool) -> None:
        """Choose from which level on lines are written, and how."""
        self._level, self._as_json = level, as_json

    def write(self, *, method: str, path: str, status: int, ms: float) -> None:
        """Write the line of an answered request with the ids of its caller."""
        if self._level > logging.INFO:
            return
        known = structlog.contextvars.get_contextvars()
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        path = redact(path)
        if self._as_json:
            fields = {"event": "request", "level": "info", "timestamp": moment, "method": method}
            line = json.dumps({**fields, "path": path, "status": status, "ms": ms, **known})
        else:
            ids = " ".join(f"{name}={value}" for name, value in known.items())
            line = f"{moment} {status} {method} {path} {ms} ms {ids}"
        sys.stderr.write(line + "\n")


access_log = AccessLog()


def _redact_values(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if isinstance(value, str) and key not in _OURS:
            event[key] = redact(value)
    return event


def _redact_record(record: logging.LogRecord) -> bool:
    record.msg, record.args = redact(record.getMessage()), None
    return True
