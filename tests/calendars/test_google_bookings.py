"""Our bookings in Google Calendar: written once, followed when they are moved there, never busy twice."""

import asyncio
import time
from datetime import datetime, timedelta

import psycopg
import pytest

from conecta.messages import service as messages
from tests.bookings.arrange import MADRID, booked, new_member, new_service, open_day, started
from tests.calendars.arrange import on, utc


@pytest.fixture
async def day(api) -> datetime:
    opened = await open_day(api, ahead=10)
    return datetime(opened.date.year, opened.date.month, opened.date.day, tzinfo=MADRID)


@pytest.fixture
async def service(api) -> str:
    return await new_service(api)


@pytest.fixture
async def connection(calendars, google, firm):
    return await calendars.connect("google", firm.owner_id)


@pytest.fixture
async def booking(api, calendars, connection, service, day):
    made = await booked(
        api,
        service_id=service,
        start=utc(on(day, 10)),
        attendees=[{"name": "Ana Gil", "email": "ana@cliente.example"}],
    )
    await calendars.settle()
    return made


def times(event) -> tuple[datetime, datetime]:
    return (
        datetime.fromisoformat(event["start"]["dateTime"]),
        datetime.fromisoformat(event["end"]["dateTime"]),
    )


async def start_of(api, booking) -> datetime:
    return datetime.fromisoformat((await api.get(f"/bookings/{booking['id']}")).json()["start"])


async def mails(superuser) -> int:
    return superuser.execute(
        "select count(*) from messages where subject like 'Una cita cambiada%%'"
    ).fetchone()[0]


async def test_a_booking_is_written_moved_and_taken_away(api, calendars, google, booking, day):
    (event,) = google.ours()
    assert event["summary"] == "Primera consulta: Ana Gil"
    assert event["extendedProperties"] == {"private": {"conecta_booking": booking["id"]}}
    assert times(event) == (on(day, 10), on(day, 11))
    answer = await api.post(f"/bookings/{booking['id']}/reschedule", json={"start": utc(on(day, 12))})
    assert answer.status_code == 200, answer.text
    await calendars.settle()
    (event,) = google.ours()
    assert times(event) == (on(day, 12), on(day, 13))
    assert (await api.post(f"/bookings/{booking['id']}/cancel", json={})).status_code == 200
    await calendars.settle()
    assert google.ours() == []
    assert [step for step in google.log if step != "watch"] == ["insert", "update", "delete"]


async def test_trap_16_our_event_read_back_is_not_busy_twice(
    api, calendars, google, connection, booking, day
):
    await calendars.sync(connection)
    assert await calendars.busy(day) == []
    assert calendars.count("external_busy") == 0
    # And it may be moved next to itself, which it would keep from itself were it busy.
    answer = await api.post(f"/bookings/{booking['id']}/reschedule", json={"start": utc(on(day, 10, 30))})
    assert answer.status_code == 200, answer.text
    google.log.clear()
    for _ in range(3):
        await calendars.sync(connection)
    assert google.log == ["update"]  # the move itself, and no echo of it


async def test_a_copy_of_our_event_is_its_owners_and_busy(calendars, google, connection, booking, day):
    (event,) = google.ours()
    copy = {name: event[name] for name in ("extendedProperties", "summary")}
    google.at("copy", on(day, 16), **copy)
    await calendars.sync(connection)
    assert [start[11:] for start, _ in await calendars.busy(day)] == ["16:00"]


async def test_trap_16_moved_in_google_the_booking_follows(api, calendars, google, connection, booking, day):
    (event,) = google.ours()
    google.at(event["id"], on(day, 17, 10), 45)
    await calendars.sync(connection)
    moved = (await api.get(f"/bookings/{booking['id']}")).json()
    assert (moved["start"], moved["end"]) == (utc(on(day, 17, 10)), utc(on(day, 17, 55)))
    (event,) = google.ours()
    assert times(event) == (on(day, 17, 10), on(day, 17, 55))
    names = [e["type"] for e in (await api.get("/events")).json()["data"]]
    assert names.count("booking.rescheduled") == 1
    history = (await api.get(f"/bookings/{booking['id']}/history")).json()["data"]
    assert any(
        (line["action"], line["actor_type"], line["actor_name"])
        == ("rescheduled", "system", "Google Calendar")
        for line in history
    )


async def test_moved_onto_another_booking_it_is_put_back(
    api, calendars, google, connection, booking, service, day, superuser
):
    await booked(api, service_id=service, start=utc(on(day, 15)), attendees=[{"name": "Eva"}])
    await calendars.settle()
    event = next(e for e in google.ours() if "Ana" in e["summary"])
    google.at(event["id"], on(day, 15, 30))
    await calendars.sync(connection)
    assert await start_of(api, booking) == on(day, 10)
    event = next(e for e in google.ours() if "Ana" in e["summary"])
    assert times(event) == (on(day, 10), on(day, 11))
    (entry,) = (await api.get("/audit-log", params={"action": "calendar_event.moved"})).json()["data"]
    assert (entry["details"]["decision"], entry["details"]["reason"]) == ("revert", "slot_taken")
    assert await mails(superuser) == 1


@pytest.mark.parametrize("where", ["past", "all_day"])
async def test_moved_where_no_booking_can_be_it_is_put_back(
    api, calendars, google, connection, booking, day, where
):
    (event,) = google.ours()
    if where == "past":
        google.at(event["id"], datetime.now(MADRID) - timedelta(hours=20))
    else:
        dates = {"start": {"date": f"{day:%Y-%m-%d}"}, "end": {"date": f"{day + timedelta(days=1):%Y-%m-%d}"}}
        google.put(event["id"], **dates)
    await calendars.sync(connection)
    assert await start_of(api, booking) == on(day, 10)
    assert times(google.ours()[0]) == (on(day, 10), on(day, 11))
    (entry,) = (await api.get("/audit-log", params={"action": "calendar_event.moved"})).json()["data"]
    assert entry["details"]["reason"] == where


async def test_policy_revert_puts_it_back(api, calendars, google, connection, booking, day):
    await calendars.set(connection, on_move="revert")
    google.at(google.ours()[0]["id"], on(day, 17))
    await calendars.sync(connection)
    assert await start_of(api, booking) == on(day, 10)
    assert times(google.ours()[0]) == (on(day, 10), on(day, 11))


@pytest.mark.parametrize("decision", ["accept", "revert"])
async def test_policy_ask_leaves_both_until_somebody_decides(
    api, calendars, google, connection, booking, day, decision, superuser
):
    await calendars.set(connection, on_move="ask")
    google.at(google.ours()[0]["id"], on(day, 17))
    connection = await calendars.sync(connection)
    connection = await calendars.sync(connection)
    open_change = {"booking_id": booking["id"], "start": utc(on(day, 17)), "end": utc(on(day, 18))}
    assert connection["open_changes"] == [open_change]
    assert await start_of(api, booking) == on(day, 10)
    assert times(google.ours()[0]) == (on(day, 17), on(day, 18))
    assert await mails(superuser) == 1
    path = f"/calendar-connections/{connection['id']}/changes/{booking['id']}"
    answer = await api.post(path, json={"decision": decision})
    assert answer.status_code == 200, answer.text
    await calendars.settle()
    hour = 17 if decision == "accept" else 10
    assert await start_of(api, booking) == on(day, hour)
    assert times(google.ours()[0]) == (on(day, hour), on(day, hour + 1))
    assert (await calendars.read(connection))["open_changes"] == []
    assert (await api.post(path, json={"decision": decision})).status_code == 404


@pytest.mark.parametrize("policy", ["revert", "cancel"])
@pytest.mark.parametrize("how", ["told", "410"])
async def test_deleted_there(api, calendars, google, connection, booking, policy, how):
    """By an increment that says so, and by a full reading in which it is missing."""
    await calendars.sync(connection)
    await calendars.set(connection, on_delete=policy)
    (event,) = google.ours()
    google.cancel(event["id"])
    if how == "410":
        google.revision += 5
        google.oldest_token = google.revision
    await calendars.sync(connection)
    status = (await api.get(f"/bookings/{booking['id']}")).json()["status"]
    if policy == "cancel":
        assert (status, google.ours()) == ("cancelled", [])
    else:
        (again,) = google.ours()
        assert (status, again["id"]) == ("confirmed", event["id"])


async def test_only_words_changed_there_changes_nothing(api, calendars, google, connection, booking, day):
    (event,) = google.ours()
    google.put(event["id"], summary="Ana, con café", colorId="5")
    google.log.clear()
    await calendars.sync(connection)
    assert google.log == []
    assert google.ours()[0]["summary"] == "Ana, con café"
    assert await start_of(api, booking) == on(day, 10)


async def test_changed_on_both_sides_ours_counts(api, calendars, google, connection, booking, day):
    google.at(google.ours()[0]["id"], on(day, 17))
    answer = await api.post(f"/bookings/{booking['id']}/reschedule", json={"start": utc(on(day, 12))})
    assert answer.status_code == 200
    assert await calendars.worker.sync_due() == 0
    await api.post(f"/calendar-connections/{connection['id']}/sync")
    assert await calendars.worker.sync_due() == 1  # read while ours is still to be written
    await calendars.settle()
    assert await start_of(api, booking) == on(day, 12)
    assert times(google.ours()[0]) == (on(day, 12), on(day, 13))


async def test_a_lost_answer_makes_no_double(api, calendars, google, connection, service, day):
    google.fail(400, method="POST", path="/events", after=True)
    await booked(api, service_id=service, start=utc(on(day, 10)), attendees=[{"name": "Ana"}])
    await calendars.settle()
    await calendars.sync(connection)
    assert await calendars.busy(day) == []  # in doubt, and known by its key all the same
    calendars.overdue()
    await calendars.settle()
    assert len(google.ours()) == 1
    assert google.log.count("insert") == 1


async def test_several_workers_write_each_event_once(api, calendars, google, connection, service, day):
    for hour in range(8, 14):
        await booked(api, service_id=service, start=utc(on(day, hour)), attendees=[{"name": f"G{hour}"}])
    done = await asyncio.gather(*(calendars.worker.write_due() for _ in range(3)))
    assert sum(done) == 6
    assert google.log.count("insert") == 6
    assert "update" not in google.log


async def test_what_google_refuses_for_now_is_written_later(api, calendars, google, connection, service, day):
    google.fail(429, method="POST", path="/events", headers={"Retry-After": "3600"})
    await booked(api, service_id=service, start=utc(on(day, 10)), attendees=[{"name": "Ana"}])
    await calendars.settle()
    assert google.ours() == []
    calendars.overdue()
    await calendars.settle()
    assert len(google.ours()) == 1


async def test_whoever_takes_over_has_it_in_their_calendar(api, calendars, google, connection, booking, day):
    other = await new_member(api, "Pol")
    answer = await api.post(
        f"/bookings/{booking['id']}/reschedule", json={"start": utc(on(day, 12)), "provider_id": other}
    )
    assert answer.status_code == 200, answer.text
    await calendars.settle()
    assert google.ours() == []


async def test_bookings_made_before_are_written_when_it_is_connected(
    api, calendars, google, firm, service, day
):
    await booked(
        api,
        service_id=service,
        start=utc(on(day, 10)),
        provider_id=firm.owner_id,
        attendees=[{"name": "Ana"}],
    )
    await calendars.connect("google", firm.owner_id)
    await calendars.settle()
    assert len(google.ours()) == 1


async def test_a_pending_booking_is_tentative(api, calendars, google, connection, day):
    service = await new_service(api, slug="por-confirmar", confirmation="client")
    made = await booked(api, service_id=service, start=utc(on(day, 10)), attendees=[{"name": "Ana"}])
    assert made["status"] == "pending"
    await calendars.settle()
    assert google.ours()[0]["status"] == "tentative"
    assert (await api.post(f"/bookings/{made['id']}/confirm", json={})).status_code == 200
    await calendars.settle()
    assert google.ours()[0]["status"] == "confirmed"


async def test_nothing_is_written_where_nobody_wants_it(api, calendars, google, connection, service, day):
    await calendars.set(connection, write_calendar_id=None)
    await booked(api, service_id=service, start=utc(on(day, 10)), attendees=[{"name": "Ana"}])
    await calendars.settle()
    assert google.ours() == []


@pytest.mark.parametrize("minutes", [1500, 5 * 1440, 90.5])
async def test_stretched_to_what_no_booking_can_be_it_is_put_back(
    api, calendars, google, connection, booking, day, minutes
):
    google.at(google.ours()[0]["id"], on(day, 10), minutes)
    found = await calendars.sync(connection)
    assert found["last_error"] is None
    assert await start_of(api, booking) == on(day, 10)
    assert times(google.ours()[0]) == (on(day, 10), on(day, 11))


@pytest.mark.parametrize("policy", ["revert", "cancel"])
async def test_what_is_over_is_left_as_it_is(
    api, calendars, google, connection, booking, day, superuser, policy
):
    """People tidy their calendars; a booking that took place is neither moved nor cancelled by that."""
    await calendars.set(connection, on_delete=policy)
    await calendars.sync(connection)
    superuser.execute("alter table bookings disable trigger mirror_booking")
    try:
        await started(superuser, booking["id"])
    finally:
        superuser.execute("alter table bookings enable trigger mirror_booking")
    google.log.clear()
    google.at(google.ours()[0]["id"], on(day, 17))
    await calendars.sync(connection)
    assert await start_of(api, booking) < datetime.now(MADRID)
    google.cancel(google.ours()[0]["id"])
    await calendars.sync(connection)
    assert (await api.get(f"/bookings/{booking['id']}")).json()["status"] == "confirmed"
    assert google.log == []


async def test_what_could_not_be_written_is_no_change_of_its_owners(
    api, calendars, google, connection, booking, day
):
    """Google refuses the event's new time for good; read again whole, its old one is no news."""
    await calendars.sync(connection)
    google.fail(400, method="PUT", times=9)
    answer = await api.post(f"/bookings/{booking['id']}/reschedule", json={"start": utc(on(day, 12))})
    assert answer.status_code == 200
    for _ in range(4):
        calendars.overdue()
        await calendars.settle()
    google.revision += 5
    google.oldest_token = google.revision
    await calendars.sync(connection)
    assert await start_of(api, booking) == on(day, 12)


async def test_who_follows_an_event_takes_their_turn_before_they_lock_its_booking(
    api, calendars, google, connection, booking, day, superuser, dsn, firm
):
    """Whoever moves a booking takes the firm's agenda first: the other way round, two wait in a circle."""
    google.at(google.ours()[0]["id"], on(day, 17))
    await api.post(f"/calendar-connections/{connection['id']}/sync")
    agenda = "select pg_advisory_xact_lock(hashtextextended('agenda ' || %s, 0))"
    waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
    async with await psycopg.AsyncConnection.connect(dsn) as mover:
        await mover.execute(agenda, [firm.id])
        reading = asyncio.create_task(calendars.worker.sync_due())
        deadline = time.monotonic() + 20
        while not superuser.execute(waiting).fetchone()[0]:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        await mover.execute("select from bookings where id = %s for update nowait", [booking["id"]])
    await reading
    assert await start_of(api, booking) == on(day, 17)


async def test_choosing_a_calendar_waits_for_a_booking_and_keeps_it_from_nothing(
    api, calendars, google, connection, booking, superuser, dsn
):
    """Whoever changes a booking asks for its event meanwhile: nobody waits in a circle."""
    superuser.execute("delete from mirrored_bookings")
    waiting = "select count(*) from pg_locks where locktype in ('transactionid', 'tuple') and not granted"
    path = f"/calendar-connections/{connection['id']}"
    async with await psycopg.AsyncConnection.connect(dsn, options="-c lock_timeout=300ms") as mover:
        await mover.execute("select from bookings where id = %s for update", [booking["id"]])
        choosing = asyncio.create_task(api.patch(path, json={"write_calendar_id": "equipo@group.example"}))
        deadline = time.monotonic() + 20
        while not superuser.execute(waiting).fetchone()[0]:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        await mover.execute("update bookings set notes = 'x' where id = %s", [booking["id"]])
    assert (await choosing).status_code == 200
    assert calendars.count("mirrored_bookings") == 1


async def test_what_cannot_be_written_is_told(api, calendars, google, connection, service, day):
    google.fail(403, method="POST", path="/events", times=9, body={"error": {"message": "Forbidden here"}})
    await booked(api, service_id=service, start=utc(on(day, 10)), attendees=[{"name": "Ana"}])
    for _ in range(4):
        calendars.overdue()
        await calendars.settle()
    assert "Forbidden here" in (await calendars.read(connection))["last_error"]
    google.faults.clear()
    (made,) = (await api.get("/bookings")).json()["data"]
    await api.post(f"/bookings/{made['id']}/reschedule", json={"start": utc(on(day, 12))})
    await calendars.settle()
    assert (await calendars.read(connection))["last_error"] is None


async def test_a_firm_is_written_to_in_its_language(
    app, api, calendars, google, connection, booking, day, superuser, firm
):
    superuser.execute("update tenants set language = 'en' where id = %s", [firm.id])
    await calendars.set(connection, on_move="revert")
    google.at(google.ours()[0]["id"], on(day, 17))
    await calendars.sync(connection)
    found = await messages.mailbox(app.state.database, app.state.keyring)
    (mail,) = [one for one in found if one["subject"] == "A booking changed in your calendar"]
    assert f"Booking: Primera consulta, {day:%d/%m/%Y} 10:00, {booking['id']}" in mail["text"]
    await calendars.set(connection, on_move="accept")
    google.at(google.ours()[0]["id"], on(day, 17))
    await calendars.sync(connection)
    history = (await api.get(f"/bookings/{booking['id']}/history")).json()["data"]
    (move,) = [line for line in history if line["action"] == "rescheduled"]
    assert move["data"]["reason"] == "Moved in the calendar"
