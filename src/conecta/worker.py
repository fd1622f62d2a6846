"""The background worker: webhooks, mail, reminders, calendars, jobs. It runs beside the server or alone."""

import asyncio
import logging
from typing import TYPE_CHECKING, Final

import structlog
from psycopg_pool import PoolTimeout

from conecta import housekeeping
from conecta.bookings.messages.reminding import Reminders
from conecta.calendars.following import CalendarSync
from conecta.kit import background
from conecta.kit.crypto import KeyRing
from conecta.kit.db import Database
from conecta.kit.mail import Mailer
from conecta.kit.sms import Texter
from conecta.messages.postman import Postman
from conecta.settings import Settings
from conecta.webhooks.dispatcher import Dispatcher

if TYPE_CHECKING:
    from procrastinate import App

# One connection claims while another records and a third looks around; jobs share them.
POOL: Final = 4
JOBS_AT_A_TIME: Final = 2
STOP_SECONDS: Final = 5.0
RESTART_SECONDS: Final = 2.0
# Longer than any part takes to wind up.
WOUND_UP_SECONDS: Final = 30.0

log = structlog.get_logger()


class Worker:
    """One worker; several may run over one database, in one process or many."""

    def __init__(
        self, settings: Settings, dsn: str, keyring: KeyRing, *, database: Database | None = None
    ) -> None:
        """Prepare a worker; nothing is opened before it starts.

        Args:
            settings: schedules, limits and retention.
            dsn: a migrated Postgres.
            keyring: opens what is encrypted at rest.
            database: an open database to share; the worker has one of its own if none is given.
        """
        self._settings, self._dsn, self._keyring = settings, dsn, keyring
        self._owns = database is None
        self._database = database or Database(dsn, pool_size=POOL)
        self._running: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to work; raise psycopg's PoolTimeout when the database does not answer."""
        if self._owns:
            await self._database.open()
        dispatcher = Dispatcher(self._settings, self._database, self._keyring)
        postman = Postman(
            self._database, self._keyring, _mailer(self._settings), texter=_texter(self._settings)
        )
        reminders = Reminders(self._database, self._keyring, base_url=self._settings.base_url)
        calendars = CalendarSync(self._database, self._keyring, self._settings)
        parts = (dispatcher.run(), postman.run(), reminders.run(), calendars.run(), self._run_jobs())
        self._running = [asyncio.create_task(part) for part in parts]

    async def stop(self) -> None:
        """Take nothing new, give what runs some seconds, and leave the rest to the next worker."""
        await background.stop(*self._running, again_after=WOUND_UP_SECONDS)
        for part in self._running:
            if not part.cancelled() and (error := part.exception()):
                log.error("worker_part_broke", exc_info=error)
        self._running = []
        if self._owns:
            await self._database.close()

    async def run(self, stop: asyncio.Event | None = None) -> None:
        """Work until `stop` is set or the task is cancelled."""
        await self.start()
        try:
            await (stop or asyncio.Event()).wait()
        finally:
            await self.stop()

    async def _run_jobs(self) -> None:
        """Run jobs until cancelled; an outage of the database only delays them."""
        from procrastinate.exceptions import ConnectorException

        # It tells three lines a minute when all is well; what fails is told as an error.
        logging.getLogger("procrastinate").setLevel(logging.WARNING)
        while True:
            queue = housekeeping.job_queue(self._dsn)
            housekeeping.add_jobs(queue, self._database, self._settings, self._keyring)
            try:
                await _work_off(queue)
            except (ConnectorException, PoolTimeout, OSError) as error:
                log.warning("job_worker_waits_for_the_database", error=str(error))
            except Exception:
                log.exception("job_worker_broke")
            await asyncio.sleep(RESTART_SECONDS)


def _mailer(settings: Settings) -> Mailer | None:
    return Mailer(settings.smtp_url, settings.mail_from) if settings.smtp_url else None


def _texter(settings: Settings) -> Texter | None:
    return Texter(settings.sms_url.get_secret_value()) if settings.sms_url else None


async def _work_off(queue: "App") -> None:
    async with queue.open_async():
        await queue.run_worker_async(
            concurrency=JOBS_AT_A_TIME,
            install_signal_handlers=False,
            delete_jobs="successful",
            shutdown_graceful_timeout=STOP_SECONDS,
        )
