"""One delivery, one attempt: sign, send, judge the answer, decide what happens next.

Every attempt sends the stored payload byte for byte. What goes wrong on our side (a secret that cannot be
read, a proxy that is down) is recorded and tried again, but never charged to the endpoint's health.
"""

import random
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple

import structlog

from conecta import __version__
from conecta.kit import clock
from conecta.kit.crypto import DecryptionError, KeyRing
from conecta.kit.logs import redact
from conecta.kit.outbound_http import OutboundClient, OutboundFailure, OutboundResponse, TargetRefused

from . import rules, signing

USER_AGENT: Final = f"Conecta-Webhooks/{__version__}"
JITTER: Final = 0.2
LONGEST_RETRY_AFTER: Final = timedelta(hours=24)
# These statuses ask for patience; in others a Retry-After says nothing about the next try.
PATIENT_STATUSES: Final = frozenset({429, 502, 503, 504})
EXCERPT_BYTES: Final = 1024
MAX_SECRETS_KEPT: Final = 4096

log = structlog.get_logger()


class Claim(NamedTuple):
    """A delivery that this worker holds until `lease_until`, with all that sending it takes.

    `room` is how many deliveries the claim could have taken for this endpoint: as many as it took means
    that more may be waiting.
    """

    tenant_id: str
    id: str
    endpoint_id: str
    event_id: str
    attempts: int
    payload: str
    url: str
    sealed_secret: bytes
    sealed_pending_secret: bytes | None
    rotation_ends_at: datetime | None
    healthy: bool
    room: int
    lease_until: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """What an attempt brought: a status with the start of the body, or the reason why none came."""

    status: int | None
    error: str | None
    excerpt: str | None = None
    retry_after: str | None = None
    charged: bool = True

    @property
    def ok(self) -> bool:
        """Say whether the receiver took the delivery."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """Say whether the receiver wants nothing more, ever."""
        return self.status == 410


@dataclass(frozen=True, slots=True)
class Result:
    """One attempt, ready to be recorded. `due_at` stands with the status `pending` only."""

    claim: Claim
    number: int
    started_at: datetime
    ended_at: datetime
    duration_ms: int
    answer: Answer
    status: str
    due_at: datetime | None


class Secrets:
    """Opens each sealed secret once: decrypting on every attempt would cost more than signing."""

    def __init__(self, keyring: KeyRing) -> None:
        self._keyring = keyring
        self._opened: OrderedDict[bytes, str] = OrderedDict()

    def of(self, claim: Claim, now: datetime) -> tuple[str, Sequence[str]]:
        """Return the secret of the legacy header and all live ones, newest first.

        Raises DecryptionError when no root secret of the settings fits.
        """
        pending = claim.sealed_pending_secret
        return rules.active_secrets(
            self._open(claim.sealed_secret),
            None if pending is None else self._open(pending),
            claim.rotation_ends_at,
            now,
        )

    def _open(self, sealed: bytes) -> str:
        secret = self._opened.get(sealed)
        if secret is None:
            secret = self._keyring.decrypt(rules.SECRET_PURPOSE, sealed).decode()
            self._opened[sealed] = secret
            if len(self._opened) > MAX_SECRETS_KEPT:
                self._opened.popitem(last=False)
        return secret


class Courier:
    """Makes attempts, with one client, one set of secrets and one schedule."""

    def __init__(self, client: OutboundClient, secrets: Secrets, schedule: Sequence[float]) -> None:
        self._client, self._secrets, self._schedule = client, secrets, schedule

    async def attempt(self, claim: Claim) -> Result:
        """Send a delivery once and judge what comes back; whatever happens, there is a result."""
        started_at = clock.real_now()
        answer = await self._send(claim, started_at)
        ended_at = clock.real_now()
        number = claim.attempts + 1
        status, due_at = verdict(answer, number, self._schedule, ended_at)
        duration = max(0, round((ended_at - started_at).total_seconds() * 1000))
        return Result(claim, number, started_at, ended_at, duration, answer, status, due_at)

    async def _send(self, claim: Claim, now: datetime) -> Answer:
        body = claim.payload.encode()
        try:
            response = await self._client.post(claim.url, body=body, headers=self._headers(claim, body, now))
        except TargetRefused as refusal:
            return Answer(None, str(refusal))
        except OutboundFailure as failure:
            return Answer(None, failure.message, charged=failure.kind != "proxy")
        except DecryptionError:
            log.error("webhook_secret_unreadable", endpoint=claim.endpoint_id)
            return Answer(None, "The delivery could not be signed by the server.", charged=False)
        except Exception:
            log.exception("webhook_attempt_broke", delivery=claim.id)
            return Answer(None, "The server could not make the attempt.", charged=False)
        return read(response)

    def _headers(self, claim: Claim, body: bytes, now: datetime) -> dict[str, str]:
        legacy, live = self._secrets.of(claim, now)
        signatures = signing.signature_headers(
            event_id=claim.event_id,
            timestamp=int(now.timestamp()),
            body=body,
            legacy_secret=legacy,
            secrets=live,
        )
        return {
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
            **signatures,
            "X-Webhook-Attempt": str(claim.attempts + 1),
            "X-Webhook-Delivery-ID": claim.id,
        }


def read(response: OutboundResponse) -> Answer:
    """Keep of a response what the firm may see of it; only 2xx is a success."""
    status = response.status
    if 200 <= status < 300:
        error = None
    elif 300 <= status < 400:
        error = f"The endpoint answered {status}, a redirect; redirects are not followed."
    elif status == 410:
        error = "The endpoint answered 410 and wants no more deliveries."
    else:
        error = f"The endpoint answered {status}."
    return Answer(status, error, excerpt(response.body), response.headers.get("retry-after"))


def excerpt(body: bytes) -> str | None:
    """Return the first KiB of a response as text that Postgres takes, without secrets or personal data."""
    if not body:
        return None
    return redact(body[:EXCERPT_BYTES].decode(errors="replace").replace("\x00", ""))


def verdict(
    answer: Answer, number: int, schedule: Sequence[float], now: datetime
) -> tuple[str, datetime | None]:
    """Return what an attempt makes of its delivery: its status, and when it is due again.

    Args:
        answer: what the attempt brought.
        number: which attempt it was, from 1.
        schedule: seconds before each new try; after the last one a delivery has failed.
        now: when the attempt ended.
    """
    if answer.ok:
        return "delivered", None
    if answer.gone or number > len(schedule):
        return "failed", None
    # Jitter keeps the deliveries of an outage from coming back all at once.
    chance = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - nobody gains by guessing it
    delay = timedelta(seconds=schedule[number - 1] * chance)
    asked = retry_after(answer.retry_after, now) if answer.status in PATIENT_STATUSES else None
    if asked is not None:
        delay = max(delay, min(asked, LONGEST_RETRY_AFTER))
    return "pending", now + delay


def retry_after(value: str | None, now: datetime) -> timedelta | None:
    """Read a Retry-After (RFC 9110 §10.2.3): seconds or an HTTP date; None when it is neither."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        digits = text.lstrip("0") or "0"
        # Beyond a day it does not matter how much, and very long numbers overflow.
        return LONGEST_RETRY_AFTER if len(digits) > 5 else timedelta(seconds=int(digits))
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now


def outcome(result: Result) -> str:
    """Name a result for the metrics."""
    return {"delivered": "delivered", "pending": "retry"}.get(result.status, "failed")
