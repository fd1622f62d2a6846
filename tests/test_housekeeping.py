"""What has had its time goes, what has not stays, and the jobs of dead workers are revived."""

import asyncio
import contextlib
from datetime import timedelta

import psycopg
import pytest
from fastapi import FastAPI

from conecta import housekeeping, housekeeping_queries
from conecta.kit import clock
from tests.messages.mailing import send
from tests.webhooks.dispatching import emit, new_endpoint, statuses, until, working
from tests.webhooks.receiver import receiving


def count(superuser: psycopg.Connection, table: str) -> int:
    row = superuser.execute(f"select count(*) from {table}").fetchone()
    assert row is not None
    return row[0]


async def test_remembered_answers_go_after_a_day(app, api, superuser):
    for number in range(3):
        answer = await api.post(
            "/clients", json={"name": "Ana"}, headers={"Idempotency-Key": f"key-{number}"}
        )
        assert answer.status_code == 201
    superuser.execute(
        "update idempotency_keys set created_at = now() - interval '24 hours 1 minute' where key = 'key-1'"
    )
    assert await housekeeping.delete_expired_answers(app.state.database) == 1
    kept = superuser.execute("select key from idempotency_keys order by key").fetchall()
    assert kept == [("key-0",), ("key-2",)]
    assert await housekeeping.delete_expired_answers(app.state.database) == 0


async def test_old_events_go_with_their_deliveries_and_attempts(app, api, firm, other_firm, superuser):
    async with receiving() as receiver, working(app):
        endpoint = await new_endpoint(api, receiver.url())
        old = await emit(app, firm.id, 20)
        new = await emit(app, firm.id, 20)
        await until(lambda: statuses(superuser, endpoint) == {"delivered": 40})
    others = await emit(app, other_firm.id, 10)
    superuser.execute(
        "update events set created_at = now() - interval '90 days 1 minute' where id = any(%s)",
        [old + others[:4]],
    )
    superuser.execute(
        "update events set created_at = now() - interval '89 days' where id = any(%s)", [new[:5]]
    )
    assert await housekeeping.delete_old_events(app.state.database, days=90) == 24
    kept = {row[0] for row in superuser.execute("select id from events").fetchall()}
    assert kept == {*new, *others[4:]}
    assert statuses(superuser, endpoint) == {"delivered": 20}
    assert count(superuser, "webhook_attempts") == 20


async def test_an_old_event_that_is_still_being_sent_stays_until_it_is_sent(app, api, firm, superuser):
    async with receiving() as receiver:
        endpoint = await new_endpoint(api, receiver.url())
        await emit(app, firm.id, 3)
        superuser.execute("update events set created_at = now() - interval '1 year'")
        assert await housekeeping.delete_old_events(app.state.database, days=90) == 0
        async with working(app):
            await until(lambda: statuses(superuser, endpoint) == {"delivered": 3})
    assert await housekeeping.delete_old_events(app.state.database, days=90) == 3


async def test_more_than_a_batch_goes(app, firm, superuser):
    many = 2 * housekeeping_queries.BATCH + 1
    superuser.execute(
        "insert into events (tenant_id, id, type, resource_id, payload, created_at)"
        " select %s, 'wh_evt_' || n, 'case.created', 'cas_1', '{}', now() - interval '1 year'"
        " from generate_series(1, %s) n",
        [firm.id, many],
    )
    deleted = await asyncio.gather(
        *(housekeeping.delete_old_events(app.state.database, days=90) for _ in range(2))
    )
    assert sum(deleted) == many
    assert count(superuser, "events") == 0


@pytest.mark.parametrize(
    ("table", "delete", "insert"),
    [
        (
            "logged_requests",
            housekeeping.delete_old_requests,
            (
                "insert into logged_requests (tenant_id, id, created_at, method, path, status, duration_ms,"
                " caller_kind, credential_id, credential_name)"
                " select %(firm)s, %(name)s || n, %(at)s, 'GET', '/', 200, 1, 'firm', 'key_1', 'CRM'"
            ),
        ),
        (
            "audit_entries",
            housekeeping.delete_old_audit_entries,
            (
                "insert into audit_entries"
                " (tenant_id, id, created_at, action, actor_kind, actor_name, details)"
                " select %(firm)s, %(name)s || n, %(at)s, 'clock.moved', 'system', 'Conecta', '{}'"
            ),
        ),
        (
            "messages",
            housekeeping.delete_old_messages,
            (
                "insert into messages"
                " (tenant_id, id, queued_at, created_at, recipient, language, subject, status, attempts)"
                " select %(firm)s, %(name)s || n, %(at)s, now(), 'a@b.example', 'es', 'S', 'sent', 1"
            ),
        ),
    ],
)
async def test_old_rows_of_logs_go_by_real_time(app, firm, other_firm, superuser, table, delete, insert):
    superuser.execute(f"delete from {table}")
    many = housekeeping_queries.BATCH + 1
    for owner, name, age, count_of in (
        (firm.id, "old", 31, many),
        (other_firm.id, "old", 31, 2),
        (firm.id, "new", 29, 3),
        (firm.sandbox_id, "ahead", -365, 1),
    ):
        at = clock.real_now() - timedelta(days=age)
        params = {"firm": owner, "name": name, "at": at, "count": count_of}
        superuser.execute(f"{insert} from generate_series(1, %(count)s) n", params)
    assert await delete(app.state.database, days=30) == many + 2
    kept = {row[0] for row in superuser.execute(f"select id from {table}").fetchall()}
    assert kept == {"new1", "new2", "new3", "ahead1"}
    assert await delete(app.state.database, days=30) == 0


async def test_old_mail_that_waits_to_be_sent_stays(app, firm, superuser):
    for tenant_id in (firm.id, None):
        await send(app, tenant_id)
        await send(app, tenant_id)
    for table in ("messages", "personal_messages"):
        superuser.execute(f"update {table} set queued_at = now() - interval '1 year'")
        superuser.execute(f"update {table} set status = 'captured' where id = (select min(id) from {table})")
    assert await housekeeping.delete_old_messages(app.state.database, days=30) == 2
    assert (count(superuser, "messages"), count(superuser, "personal_messages")) == (1, 1)


async def test_counters_of_who_is_long_gone_go(app, api, superuser):
    await api.get("/clients")
    before = count(superuser, "rate_windows")
    superuser.execute(
        "insert into rate_windows values ('gone', extract(epoch from now())::bigint - 300000, 1,"
        " extract(epoch from now())::bigint - 300000, 1),"
        " ('yesterday', extract(epoch from now())::bigint - 90000, 1,"
        " extract(epoch from now())::bigint - 90000, 1)"
    )
    assert await housekeeping.delete_old_rate_windows(app.state.database) == 1
    left = {row[0] for row in superuser.execute("select subject from rate_windows").fetchall()}
    assert "gone" not in left
    assert "yesterday" in left
    assert len(left) == before + 1


@pytest.fixture
def _no_jobs(superuser):
    """Jobs live in a schema that other tests do not empty."""
    tables = ("procrastinate_jobs", "procrastinate_periodic_defers", "procrastinate_workers")
    superuser.execute("set search_path = public, procrastinate")
    for table in tables:
        superuser.execute(f"delete from {table}")
    yield
    for table in tables:
        superuser.execute(f"delete from {table}")
    superuser.execute("reset search_path")


@contextlib.asynccontextmanager
async def queueing(app: FastAPI):
    queue = housekeeping.job_queue(app.state.database.dsn)
    housekeeping.add_jobs(queue, app.state.database, app.state.settings, app.state.keyring)
    async with queue.open_async():
        yield queue


@pytest.mark.usefixtures("_no_jobs")
async def test_a_worker_runs_the_jobs(app, firm, superuser):
    superuser.execute(
        "insert into events (tenant_id, id, type, resource_id, payload, created_at)"
        " values (%s, 'wh_evt_1', 'case.created', 'cas_1', '{}', now() - interval '1 year')",
        [firm.id],
    )
    async with queueing(app) as queue, working(app):
        await queue.tasks["delete_old_events"].defer_async(timestamp=0)
        await until(lambda: count(superuser, "events") == 0)
        # A job that succeeded leaves no row.
        await until(lambda: count(superuser, "procrastinate.procrastinate_jobs") == 0)


@pytest.mark.usefixtures("_no_jobs")
async def test_the_job_of_a_killed_worker_is_run_by_another(app, firm, superuser):
    superuser.execute(
        "insert into events (tenant_id, id, type, resource_id, payload, created_at)"
        " values (%s, 'wh_evt_1', 'case.created', 'cas_1', '{}', now() - interval '1 year')",
        [firm.id],
    )
    async with queueing(app) as queue:
        job = await queue.tasks["delete_old_events"].defer_async(timestamp=0)
        # What a worker leaves behind that was killed an hour ago.
        superuser.execute(
            "with worker as (insert into procrastinate.procrastinate_workers (last_heartbeat)"
            " values (now() - interval '1 hour') returning id)"
            " update procrastinate.procrastinate_jobs set status = 'doing', worker_id = worker.id"
            " from worker where procrastinate_jobs.id = %s",
            [job],
        )
        assert await housekeeping.revive_jobs(queue) == 1
        async with working(app):
            await until(lambda: count(superuser, "events") == 0)
        assert await housekeeping.revive_jobs(queue) == 0


@pytest.mark.usefixtures("_no_jobs")
async def test_a_job_that_a_live_worker_does_is_left_alone(app, superuser):
    async with queueing(app) as queue:
        job = await queue.tasks["delete_old_events"].defer_async(timestamp=0)
        superuser.execute(
            "with worker as (insert into procrastinate.procrastinate_workers (last_heartbeat)"
            " values (now()) returning id)"
            " update procrastinate.procrastinate_jobs set status = 'doing', worker_id = worker.id"
            " from worker where procrastinate_jobs.id = %s",
            [job],
        )
        assert await housekeeping.revive_jobs(queue) == 0
    row = superuser.execute("select status from procrastinate.procrastinate_jobs").fetchone()
    assert row == ("doing",)


def test_every_job_is_on_a_schedule(app):
    queue = housekeeping.job_queue(app.state.database.dsn)
    housekeeping.add_jobs(queue, app.state.database, app.state.settings, app.state.keyring)
    scheduled = {name for name, _ in queue.periodic_registry.periodic_tasks}
    assert scheduled == {
        "delete_expired_answers",
        "delete_old_events",
        "delete_old_rate_windows",
        "delete_old_jobs",
        "delete_old_logs",
        "delete_expired_oauth",
        "delete_expired_booking_links",
        "delete_expired_holds",
        "delete_past_calendar_time",
        "follow_time_zones",
        "add_coming_holidays",
        "delete_expired_sign_ins",
        "rotate_signing_keys",
        "revive_jobs",
    }
