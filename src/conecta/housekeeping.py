"""What nobody waits for: deleting what has had its time, and reviving the jobs of dead workers.

The jobs run through procrastinate, on the same Postgres: whichever worker is first at the minute of a
schedule queues its job, and one worker runs it. Every job may be run again at any time.
"""

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from conecta import housekeeping_queries as queries
from conecta.availability.holidays import service as holidays
from conecta.bookings import service as bookings
from conecta.bookings import zones
from conecta.bookings.actors import Sender
from conecta.bookings.links import service as links
from conecta.calendars import service as calendars
from conecta.kit import clock, idempotency
from conecta.kit.crypto import KeyRing
from conecta.kit.db import APP_ROLE, Database
from conecta.oauth import service as oauth
from conecta.people import service as people
from conecta.sessions import service as sessions
from conecta.settings import Settings

if TYPE_CHECKING:
    from procrastinate import App, JobContext

WINDOWS_KEPT: Final = timedelta(days=2)
# A failed job stays for a week, for whoever looks into it.
JOBS_KEPT_HOURS: Final = 7 * 24
CONNECTIONS: Final = 3

log = structlog.get_logger()


def job_queue(dsn: str) -> "App":
    """Make the queue of a database; nothing is opened before it is used."""
    # Imported late: its cron parser starts a process (`file`) when it is imported.
    from procrastinate import App, PsycopgConnector

    return App(
        connector=PsycopgConnector(
            conninfo=dsn,
            min_size=1,
            max_size=CONNECTIONS,
            kwargs={
                "options": f"-c role={APP_ROLE} -c search_path=public,procrastinate",
                "application_name": "conecta-jobs",
            },
        )
    )


def add_jobs(queue: "App", database: Database, settings: Settings, keyring: KeyRing) -> None:
    """Teach a queue the jobs of the house and when each is due (times in UTC)."""
    _add_booking_jobs(queue, database, Sender(keyring, settings.base_url))

    @queue.periodic(cron="7 * * * *")
    @queue.task(name="delete_expired_answers", queueing_lock="delete_expired_answers")
    async def answers(timestamp: int) -> None:  # noqa: ARG001 - when it was due
        await delete_expired_answers(database)

    @queue.periodic(cron="17 * * * *")
    @queue.task(name="delete_old_events", queueing_lock="delete_old_events")
    async def events(timestamp: int) -> None:  # noqa: ARG001
        await delete_old_events(database, days=settings.event_retention_days)

    @queue.periodic(cron="23 * * * *")
    @queue.task(name="delete_old_logs", queueing_lock="delete_old_logs")
    async def logs(timestamp: int) -> None:  # noqa: ARG001
        await delete_old_requests(database, days=settings.request_retention_days)
        await delete_old_audit_entries(database, days=settings.audit_retention_days)
        await delete_old_messages(database, days=settings.message_retention_days)

    @queue.periodic(cron="27 3 * * *")
    @queue.task(name="delete_old_rate_windows", queueing_lock="delete_old_rate_windows")
    async def windows(timestamp: int) -> None:  # noqa: ARG001
        await delete_old_rate_windows(database)

    @queue.periodic(cron="*/10 * * * *")
    @queue.task(name="delete_expired_oauth", queueing_lock="delete_expired_oauth")
    async def oauth_rows(timestamp: int) -> None:  # noqa: ARG001
        log.info("expired_oauth_deleted", count=await oauth.delete_expired(database))

    @queue.periodic(cron="53 * * * *")
    @queue.task(name="delete_expired_sign_ins", queueing_lock="delete_expired_sign_ins")
    async def sign_ins(timestamp: int) -> None:  # noqa: ARG001
        deleted = await sessions.delete_expired(database) + await people.delete_expired_links(database)
        log.info("expired_sign_ins_deleted", count=deleted)

    @queue.periodic(cron="11 4 1 * *")
    @queue.task(name="rotate_signing_keys", queueing_lock="rotate_signing_keys")
    async def signing_keys(timestamp: int) -> None:  # noqa: ARG001
        log.info("signing_key_made", kid=await oauth.rotate_keys(database, keyring))

    @queue.periodic(cron="* * * * *")
    @queue.task(name="revive_jobs", queueing_lock="revive_jobs", pass_context=True)
    async def jobs(context: "JobContext", timestamp: int) -> None:  # noqa: ARG001
        await revive_jobs(context.app)

    @queue.periodic(cron="37 3 * * *")
    @queue.task(name="delete_old_jobs", queueing_lock="delete_old_jobs", pass_context=True)
    async def finished(context: "JobContext", timestamp: int) -> None:  # noqa: ARG001
        await context.app.job_manager.delete_old_jobs(
            JOBS_KEPT_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
        )


def _add_booking_jobs(queue: "App", database: Database, sender: Sender) -> None:
    @queue.periodic(cron="*/5 * * * *")
    @queue.task(name="delete_expired_holds", queueing_lock="delete_expired_holds")
    async def holds(timestamp: int) -> None:  # noqa: ARG001
        log.info("expired_holds_deleted", count=await bookings.delete_expired_holds(database))

    @queue.periodic(cron="41 4 * * *")
    @queue.task(name="add_coming_holidays", queueing_lock="add_coming_holidays")
    async def coming_holidays(timestamp: int) -> None:  # noqa: ARG001
        log.info("holidays_added", calendars=await holidays.add_coming_years(database))

    @queue.periodic(cron="19 3 * * *")
    @queue.task(name="delete_past_calendar_time", queueing_lock="delete_past_calendar_time")
    async def calendar_time(timestamp: int) -> None:  # noqa: ARG001
        log.info("past_calendar_time_deleted", count=await calendars.delete_past(database))

    @queue.periodic(cron="29 4 * * *")
    @queue.task(name="follow_time_zones", queueing_lock="follow_time_zones")
    async def time_zones(timestamp: int) -> None:  # noqa: ARG001
        moved, stuck = await zones.follow(database, sender)
        log.info("time_zones_followed", moved=moved, stuck=stuck)

    @queue.periodic(cron="47 * * * *")
    @queue.task(name="delete_expired_booking_links", queueing_lock="delete_expired_booking_links")
    async def booking_links(timestamp: int) -> None:  # noqa: ARG001
        log.info("expired_booking_links_deleted", count=await links.delete_expired_links(database))


async def delete_expired_answers(database: Database) -> int:
    """Delete the answers remembered for an Idempotency-Key longer than they are replayed; return how many."""
    before = clock.real_now() - idempotency.LIFETIME
    deleted = 0
    while batch := await queries.delete_answers(database, before):
        deleted += batch
    log.info("expired_answers_deleted", count=deleted)
    return deleted


async def delete_old_events(database: Database, *, days: int) -> int:
    """Delete events past their retention, with their deliveries and attempts; return how many events."""
    before = clock.real_now() - timedelta(days=days)
    deleted = 0
    while batch := await queries.delete_events(database, before):
        deleted += batch
    log.info("old_events_deleted", count=deleted)
    return deleted


async def delete_old_requests(database: Database, *, days: int) -> int:
    """Delete logged calls past their retention; return how many."""
    return await _delete_old(database, "logged_requests", days)


async def delete_old_audit_entries(database: Database, *, days: int) -> int:
    """Delete entries of the audit log past their retention; return how many."""
    return await _delete_old(database, "audit_entries", days)


async def delete_old_messages(database: Database, *, days: int) -> int:
    """Delete mail past its retention, but for what still waits to be sent; return how many."""
    firms = await _delete_old(database, "messages", days)
    return firms + await _delete_old(database, "personal_messages", days)


async def _delete_old(database: Database, table: str, days: int) -> int:
    before = clock.real_now() - timedelta(days=days)
    deleted = 0
    while batch := await queries.delete_old(database, table, before):
        deleted += batch
    log.info("old_rows_deleted", table=table, count=deleted)
    return deleted


async def delete_old_rate_windows(database: Database) -> int:
    """Delete the request counters of who has not been seen for two days; return how many."""
    deleted = await queries.delete_windows(database, clock.real_now() - WINDOWS_KEPT)
    log.info("old_rate_windows_deleted", count=deleted)
    return deleted


async def revive_jobs(queue: "App") -> int:
    """Queue again what a worker was doing when it died; return how many jobs.

    procrastinate itself leaves such a job `doing` for ever.
    """
    stalled = list(await queue.job_manager.get_stalled_jobs())
    for job in stalled:
        log.warning("job_revived", job=job.id, task=job.task_name)
        await queue.job_manager.retry_job(job, retry_at=clock.real_now())
    return len(stalled)
