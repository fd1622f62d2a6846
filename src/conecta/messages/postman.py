"""Sends queued mail and text messages: each once, once more only when a worker died in between.

Several workers may run. A claim is a lease; the mail server or gateway is asked again with growing pauses
for a day, and what it refuses for good is given up at once.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import psycopg
import structlog
from prometheus_client import Counter

from conecta.kit import background, clock
from conecta.kit.crypto import DecryptionError, KeyRing
from conecta.kit.db import Database
from conecta.kit.mail import WHOLE_SECONDS, Email, MailDelayed, Mailer, MailRefused
from conecta.kit.sms import TextDelayed, Texter, TextRefused

from . import sending_queries as queries
from .queries import CHANNEL
from .rules import Body
from .sending_queries import Claim, Outcome
from .service import BODY_PURPOSE

AT_A_TIME: Final = 8
LEASE: Final = timedelta(seconds=3 * WHOLE_SECONDS)
GIVEN_UP_AFTER: Final = timedelta(days=1)
RETRY_SECONDS: Final = (10, 60, 300, 900, 1800, 3600)
POLL_SECONDS: Final = 10.0
RECONNECT_SECONDS: Final = 0.5
GRACE_SECONDS: Final = 5.0

_MAILS = Counter("conecta_mails_total", "Mails by what became of an attempt", ["outcome"])

log = structlog.get_logger()


class Postman:
    """One worker's mail; `run` until cancelled."""

    def __init__(
        self,
        database: Database,
        keyring: KeyRing,
        mailer: Mailer | None,
        *,
        texter: Texter | None = None,
        retry_seconds: Sequence[float] = RETRY_SECONDS,
    ) -> None:
        """Prepare a postman; nothing is opened before it runs.

        Args:
            database: an open database.
            keyring: opens the bodies.
            mailer: the way out of mail; without one all of it is captured.
            texter: the way out of text messages; without one all of them are captured.
            retry_seconds: the pauses between attempts; the last one repeats.
        """
        self._database, self._keyring = database, keyring
        self._mailer, self._texter = mailer, texter
        ways = {"mail": mailer, "sms": texter}
        self._delivers = [channel for channel, way in ways.items() if way is not None]
        self._retry_seconds = retry_seconds
        self._wake = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Send until cancelled; then let what is being sent end for some seconds."""
        steps = (self._claim_and_wait, self._listen)
        repeated = [background.repeat(step, name="postman") for step in steps]
        claiming, listening = map(asyncio.create_task, repeated)
        try:
            await asyncio.shield(claiming)
        finally:
            await background.stop(claiming, listening)
            if self._sending:
                await asyncio.wait(self._sending, timeout=GRACE_SECONDS)
            await background.stop(*self._sending)

    async def _listen(self) -> None:
        await self._database.listen(CHANNEL, self._wake, name="conecta-mail")

    async def _claim_and_wait(self) -> None:
        self._wake.clear()
        pause = await self._claim()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._wake.wait()

    async def _claim(self) -> float:
        """Claim once and begin to send; return after how many seconds to look again."""
        free = AT_A_TIME - len(self._sending)
        if free <= 0:
            return POLL_SECONDS  # whoever ends wakes us
        claims = await queries.claim(
            self._database,
            now=clock.real_now(),
            lease=LEASE,
            limit=free,
            delivers=self._delivers,
        )
        for claim in claims:
            self._begin(claim)
        if claims:
            return 0
        due = await queries.next_due(self._database)
        if due is None:
            return POLL_SECONDS
        return min(POLL_SECONDS, max(0.0, (due - clock.real_now()).total_seconds()))

    def _begin(self, claim: Claim) -> None:
        if claim.status == "captured":
            _MAILS.labels("captured").inc()
            return
        task = asyncio.create_task(self._send(claim))
        self._sending.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._wake.set()
        if not task.cancelled() and task.exception():
            log.error("mail_outcome_lost", exc_info=task.exception())

    async def _send(self, claim: Claim) -> None:
        outcome = await self._attempted(claim)
        _MAILS.labels("retry" if outcome.status == "queued" else outcome.status).inc()
        if outcome.status == "failed":
            log.error("mail_failed", message=claim.id, error=outcome.error)
        while True:
            try:
                await queries.settle(self._database, claim, outcome)
                return
            except (psycopg.OperationalError, OSError) as error:
                # Forgetting that it was sent would send it twice.
                log.warning("mail_outcome_waits_for_the_database", message=claim.id, error=str(error))
                await asyncio.sleep(RECONNECT_SECONDS)

    async def _attempted(self, claim: Claim) -> Outcome:
        try:
            body = Body.load(self._keyring.decrypt(BODY_PURPOSE, claim.sealed_body))
            await self._hand_over(claim, body)
        except (MailRefused, TextRefused) as error:
            return Outcome("failed", None, str(error), None)
        except DecryptionError:
            return Outcome("failed", None, "The root secret that encrypted it is not in the settings.", None)
        except (MailDelayed, TextDelayed) as error:
            return self._delayed(claim, str(error))
        except Exception as error:
            log.exception("mail_attempt_broke", message=claim.id)
            return self._delayed(claim, type(error).__name__)
        return Outcome("sent", None, None, clock.real_now())

    async def _hand_over(self, claim: Claim, body: Body) -> None:
        if claim.channel == "sms":
            assert self._texter is not None  # otherwise it was captured
            await self._texter.send(claim.recipient, body.text)
        else:
            assert self._mailer is not None
            await self._mailer.send(_email(claim, body))

    def _delayed(self, claim: Claim, error: str) -> Outcome:
        now = clock.real_now()
        if now - claim.queued_at >= GIVEN_UP_AFTER:
            return Outcome("failed", None, error, None)
        log.warning("mail_delayed", message=claim.id, attempt=claim.attempt, error=error)
        pause = self._retry_seconds[min(claim.attempt, len(self._retry_seconds)) - 1]
        return Outcome("queued", now + timedelta(seconds=pause), error, None)


def _email(claim: Claim, body: Body) -> Email:
    return Email(
        id=claim.id,
        to=claim.recipient,
        subject=claim.subject or "",
        text=body.text,
        html=body.html or "",
        language=claim.language,
        date=claim.queued_at,
        sender_name=claim.sender_name,
        attachments=body.files,
    )
