"""Google Calendar, read: what takes a member's time there is not offered here."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from conecta.calendars import service as service_of_calendars
from tests.bookings.arrange import MADRID, new_service, open_day
from tests.calendars.arrange import on, spans


@pytest.fixture
async def day(api) -> datetime:
    """Midnight in Madrid of a day on which the firm is open around the clock."""
    opened = await open_day(api, ahead=10)
    return datetime(opened.date.year, opened.date.month, opened.date.day, tzinfo=MADRID)


@pytest.fixture
async def connection(calendars, google, firm):
    return await calendars.connect("google", firm.owner_id)


async def test_trap_15_only_what_takes_time_is_busy(api, calendars, google, connection, day):
    """Transparent, declined and cancelled events are free; tentative ones are not."""
    me = {"email": google.account, "self": True}
    google.at("solid", on(day, 9))
    google.at("free", on(day, 11), transparency="transparent")
    google.at("maybe", on(day, 13), status="tentative")
    google.at("declined", on(day, 15), attendees=[me | {"responseStatus": "declined"}])
    google.at("invited", on(day, 17), attendees=[me | {"responseStatus": "needsAction"}])
    google.at("others", on(day, 19), attendees=[{"email": "x@y.example", "responseStatus": "declined"}])
    google.at("office", on(day, 21), eventType="workingLocation")
    google.at("gone", on(day, 22))
    google.cancel("gone")
    await calendars.settle()
    entries = await calendars.entries(day)
    assert await calendars.busy(day) == spans(day, (9, 10), (13, 14), (17, 18), (19, 20))
    assert [one["status"] for one in entries] == ["busy", "tentative", "tentative", "busy"]
    assert {one["title"] for one in entries} == {None}


async def test_slots_and_bookings_keep_clear_of_it(api, calendars, google, connection, day, firm):
    service = await new_service(api)
    google.at("lunch", on(day, 14), 90)
    before = await api.get("/availability/slots", params={"service_id": service, "date": f"{day:%Y-%m-%d}"})
    assert "14:00" in await calendars.starts(service, day)
    await calendars.settle()
    offered = await calendars.starts(service, day)
    assert {"13:00", "15:30"} <= set(offered)
    assert not {"13:30", "14:00", "14:30", "15:00"} & set(offered)
    again = await api.get(
        "/availability/slots",
        params={"service_id": service, "date": f"{day:%Y-%m-%d}"},
        headers={"If-None-Match": before.headers["etag"]},
    )
    assert again.status_code == 200  # its version has moved on
    wanted = {"service_id": service, "start": on(day, 14).isoformat(), "attendees": [{"name": "Eva"}]}
    refused = await api.post("/bookings", json=wanted | {"bypass_rules": True})
    assert (refused.status_code, refused.json()["code"]) == (409, "slot_taken")
    google.cancel("lunch")
    await calendars.sync(connection)
    assert "14:00" in await calendars.starts(service, day)


async def test_a_client_of_the_firm_is_bound_by_it_and_sees_none_of_it(
    api, calendars, google, connection, day, superuser, firm
):
    google.at("secret", on(day, 14), summary="Médico")
    await calendars.set(connection, keep_titles=True)
    await calendars.settle()
    with superuser.transaction():
        superuser.execute(
            "select set_config('role', 'conecta_app', true), set_config('conecta.tenant_id', %s, true),"
            " set_config('conecta.client_id', 'cli_x', true)",
            [firm.id],
        )
        assert superuser.execute("select count(*) from external_busy").fetchone() == (0,)
        told = superuser.execute(
            "select * from external_busy_times(%s, %s, now(), now() + interval '30 days')",
            [firm.id, [firm.owner_id]],
        ).fetchall()
        assert [row[1] for row in told] == [on(day, 14)]


async def test_trap_15_all_day_is_a_day_of_the_calendars_zone(api, calendars, google, connection, day):
    service = await new_service(api)
    assert await calendars.starts(service, day) != []
    google.put("trip", start={"date": f"{day:%Y-%m-%d}"}, end={"date": f"{day + timedelta(days=2):%Y-%m-%d}"})
    await calendars.settle()
    (entry,) = await calendars.entries(day, 3)
    assert entry["all_day"] is True
    assert datetime.fromisoformat(entry["start"]) == on(day, 0)
    assert datetime.fromisoformat(entry["end"]) == on(day + timedelta(days=2), 0)
    assert await calendars.starts(service, day) == []


async def test_trap_15_all_day_in_a_calendar_far_away(calendars, google, connection, day):
    google.zone = "America/New_York"
    google.put("trip", start={"date": f"{day:%Y-%m-%d}"}, end={"date": f"{day + timedelta(days=1):%Y-%m-%d}"})
    await calendars.settle()
    (entry,) = await calendars.entries(day, 3)
    assert datetime.fromisoformat(entry["start"]) == datetime(day.year, day.month, day.day, 5, tzinfo=UTC)


async def test_trap_15_recurring_with_an_exception_and_a_cancelled_occurrence(
    calendars, google, connection, day
):
    """One occurrence is moved (its original start stays its name), one cancelled, then the whole series."""
    weekly = [on(day, 9) + timedelta(days=n) for n in range(4)]
    first, second, third, _ = google.series("weekly", weekly)
    google.at(second, on(day + timedelta(days=1), 12))
    google.cancel(third)
    await calendars.settle()
    busy = [("09:00", 0), ("12:00", 1), ("09:00", 3)]
    expected = [f"{day + timedelta(days=n):%Y-%m-%d} {hour}" for hour, n in busy]
    assert [start for start, _ in await calendars.busy(day, 5)] == expected
    google.at(first, on(day, 10))
    await calendars.sync(connection)
    assert (await calendars.busy(day, 1)) == spans(day, (10, 11))
    # The series is deleted: the API may tell of that by its own id alone.
    google.put("weekly", status="cancelled")
    await calendars.sync(connection)
    assert await calendars.busy(day, 5) == []


async def test_trap_15_longer_than_the_window_and_at_its_edges(calendars, google, connection):
    now = datetime.now(MADRID).replace(microsecond=0)
    google.at("sabbatical", now - timedelta(days=400), 900 * 24 * 60)
    google.at("long_ago", now - timedelta(days=30))
    google.at("too_far", now + timedelta(days=500))
    await calendars.settle()
    (entry,) = await calendars.entries(now, 3)
    assert datetime.fromisoformat(entry["start"]) == now - timedelta(days=400)
    assert datetime.fromisoformat(entry["end"]) == now + timedelta(days=500)
    assert calendars.count("external_busy") == 1


async def test_changes_come_page_by_page_and_then_alone(calendars, google, connection, day):
    for hour in range(9, 14):
        google.at(f"event{hour}", on(day, hour))
    await calendars.settle()
    listed = google.asked("GET", "/events")
    assert [("pageToken" in query, "timeMin" in query) for query in listed] == [
        (False, True),
        (True, True),
        (True, True),
    ]
    assert len(await calendars.busy(day)) == 5
    google.calls.clear()
    google.at("event9", on(day, 8))
    google.cancel("event10")
    await calendars.sync(connection)
    (query,) = google.asked("GET", "/events")
    assert query["syncToken"].startswith("sync-")
    assert "timeMin" not in query
    assert await calendars.busy(day) == spans(day, (8, 9), (11, 12), (12, 13), (13, 14))


async def test_trap_15_token_410_reads_everything_anew(calendars, google, connection, day):
    google.at("stays", on(day, 9))
    google.at("goes", on(day, 11))
    await calendars.settle()
    # What changes while the token is worthless is told by no increment.
    del google.events[google.account]["goes"]
    google.at("new", on(day, 13))
    google.oldest_token = google.revision + 1
    google.revision += 5
    await calendars.sync(connection)
    assert await calendars.busy(day) == spans(day, (9, 10), (13, 14))
    assert (await calendars.read(connection))["last_error"] is None


async def test_zero_minutes_take_no_time(calendars, google, connection, day):
    google.at("mark", on(day, 9), 0)
    await calendars.settle()
    assert await calendars.busy(day) == []


async def test_calendars_are_chosen_and_left(calendars, google, connection, day):
    google.put(
        "team",
        calendar="equipo@group.example",
        start={"dateTime": on(day, 16).isoformat()},
        end={"dateTime": on(day, 17).isoformat()},
    )
    google.at("own", on(day, 9))
    await calendars.settle()
    assert [one["busy"] for one in connection["calendars"]] == [True, False, False]
    assert await calendars.busy(day) == spans(day, (9, 10))
    await calendars.set(connection, busy_calendar_ids=["equipo@group.example"])
    await calendars.settle()
    assert await calendars.busy(day) == spans(day, (16, 17))


async def test_titles_are_kept_only_for_who_allows_it(calendars, google, connection, day):
    google.at("doctor", on(day, 9), summary="Médico\x00 <b>")
    await calendars.settle()
    assert [one["title"] for one in await calendars.entries(day)] == [None]
    await calendars.set(connection, keep_titles=True)
    await calendars.settle()
    assert [one["title"] for one in await calendars.entries(day)] == ["Médico <b>"]
    await calendars.set(connection, keep_titles=False)
    assert [one["title"] for one in await calendars.entries(day)] == [None]


async def test_what_is_ended_takes_no_time_and_its_channels_end(
    calendars, google, connection, day, superuser
):
    google.at("own", on(day, 9))
    await calendars.settle()
    answer = await calendars.api.delete(f"/calendar-connections/{connection['id']}")
    assert answer.status_code == 204
    assert await calendars.busy(day) == []
    await calendars.settle()
    assert google.channels == {}
    assert superuser.execute("select tokens, state from calendar_connections").fetchall() == [
        (None, "disconnected")
    ]
    answer = await calendars.api.post(f"/calendar-connections/{connection['id']}/sync")
    assert (answer.status_code, answer.json()["code"]) == (409, "calendar_connection_ended")
    assert (await calendars.connect("google", connection["user_id"]))["state"] == "active"
    await calendars.settle()
    assert await calendars.busy(day) == spans(day, (9, 10))


async def test_trap_15_all_day_follows_a_calendar_to_another_zone(calendars, google, connection, day):
    """Google names the calendar's new zone, and no event anew."""
    google.put("trip", start={"date": f"{day:%Y-%m-%d}"}, end={"date": f"{day + timedelta(days=1):%Y-%m-%d}"})
    await calendars.settle()
    google.zone = "America/New_York"
    calendars.overdue()
    await calendars.settle()
    calendars.overdue()
    await calendars.settle()
    (entry,) = await calendars.entries(day, 3)
    assert datetime.fromisoformat(entry["start"]) == datetime(day.year, day.month, day.day, 5, tzinfo=UTC)


async def test_as_far_as_the_firm_can_be_booked_it_is_known(api, calendars, google, connection):
    """A horizon that is put further off has the calendar read further; nothing is read anew without need."""
    far = datetime.now(MADRID).replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=700)
    google.at("far", far)
    await calendars.settle()
    assert await calendars.busy(far) == []
    await new_service(api, horizon_days=730)
    calendars.overdue()
    await calendars.settle()
    assert await calendars.busy(far) == spans(far, (9, 10))
    google.calls.clear()
    calendars.overdue()
    await calendars.settle()
    (query,) = google.asked("GET", "/events")
    assert "syncToken" in query


@pytest.mark.parametrize("change", ["titles", "end"])
async def test_what_is_taken_back_while_google_is_asked_stays_so(
    api, calendars, google, connection, day, superuser, change
):
    """The worker began with the old wishes, and has the answer when they are changed."""
    await calendars.set(connection, keep_titles=True)
    await calendars.settle()
    google.at("doctor", on(day, 9), summary="Médico")
    asked, go_on = google.pause("GET", "/events")
    await api.post(f"/calendar-connections/{connection['id']}/sync")
    reading = asyncio.create_task(calendars.worker.sync_due())
    await asked.wait()
    if change == "titles":
        await calendars.set(connection, keep_titles=False)
    else:
        assert (await api.delete(f"/calendar-connections/{connection['id']}")).status_code == 204
    go_on.set()
    await reading
    entries = await calendars.entries(day)
    assert [one["title"] for one in entries] == ([None] if change == "titles" else [])


async def test_what_is_over_goes_after_a_week(app, api, calendars, google, connection, day, superuser, firm):
    google.at("own", on(day, 9))
    google.at("next", on(day, 15))
    service = await new_service(api)
    for hour in (11, 12):
        wanted = {"service_id": service, "start": on(day, hour).isoformat(), "attendees": [{"name": "Ana"}]}
        assert (await api.post("/bookings", json=wanted)).status_code == 201
    await calendars.settle()
    assert await service_of_calendars.delete_past(app.state.database) == 0
    ago = "starts_at = now() - interval '{} days 2 hours', ends_at = now() - interval '{} days 1 hour'"
    superuser.execute(f"update external_busy set {ago.format(7, 7)} where external_id = 'own'")
    (first, _) = superuser.execute("select id from bookings order by id").fetchall()
    superuser.execute("update booking_claims set state = 'done'")
    superuser.execute(f"update bookings set {ago.format(30, 30)} where id = %s", first)
    assert await service_of_calendars.delete_past(app.state.database) == 2
    assert (calendars.count("external_busy"), calendars.count("mirrored_bookings")) == (1, 1)
    assert len(google.ours()) == 2
    assert await service_of_calendars.delete_past(app.state.database) == 0
