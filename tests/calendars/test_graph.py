"""Microsoft Graph: the same, by its own rules (delta, sparse occurrences, subscriptions, transactions)."""

from datetime import datetime, timedelta

import pytest

from tests.bookings.arrange import MADRID, booked, new_member, new_service, open_day
from tests.calendars.arrange import on, spans, utc
from tests.calendars.graph_server import CALENDAR, instant


@pytest.fixture
async def day(api) -> datetime:
    opened = await open_day(api, ahead=10)
    return datetime(opened.date.year, opened.date.month, opened.date.day, tzinfo=MADRID)


@pytest.fixture
async def service(api) -> str:
    return await new_service(api)


@pytest.fixture
async def connection(calendars, graph, firm):
    return await calendars.connect("microsoft", firm.owner_id)


@pytest.fixture
async def booking(api, calendars, connection, service, day):
    wanted = {"service_id": service, "start": utc(on(day, 10)), "attendees": [{"name": "Ana Gil"}]}
    made = await booked(api, **wanted)
    await calendars.settle()
    return made


async def start_of(api, booking) -> datetime:
    return datetime.fromisoformat((await api.get(f"/bookings/{booking['id']}")).json()["start"])


async def test_a_connection_as_it_is_made(graph, connection):
    assert (connection["provider"], connection["account"]) == ("microsoft", graph.account)
    assert [
        (one["id"], one["busy"], one["writable"], one["time_zone"]) for one in connection["calendars"]
    ] == [
        (CALENDAR, True, True, "Europe/Madrid"),
        ("AAMkHolidays=", False, False, "Europe/Madrid"),
    ]
    assert connection["write_calendar_id"] == CALENDAR


async def test_trap_15_only_what_takes_time_is_busy(calendars, graph, connection, day):
    graph.at("solid", on(day, 8))
    graph.at("free", on(day, 9), showAs="free")
    graph.at("elsewhere", on(day, 10), showAs="workingElsewhere")
    graph.at("maybe", on(day, 11), showAs="tentative")
    graph.at("declined", on(day, 13), responseStatus={"response": "declined"})
    graph.at("cancelled", on(day, 15), isCancelled=True)
    graph.at("away", on(day, 17), showAs="oof")
    await calendars.settle()
    assert await calendars.busy(day) == spans(day, (8, 9), (11, 12), (17, 18))
    assert [one["status"] for one in await calendars.entries(day)] == ["busy", "tentative", "busy"]


async def test_trap_15_all_day_is_a_day_of_the_mailboxs_zone(calendars, graph, connection, day):
    midnight = {"timeZone": "UTC"}
    graph.put(
        "trip",
        isAllDay=True,
        start=midnight | {"dateTime": f"{day:%Y-%m-%d}T00:00:00.0000000"},
        end=midnight | {"dateTime": f"{day + timedelta(days=1):%Y-%m-%d}T00:00:00.0000000"},
    )
    await calendars.settle()
    (entry,) = await calendars.entries(day, 2)
    assert entry["all_day"] is True
    assert datetime.fromisoformat(entry["start"]) == on(day, 0)
    assert datetime.fromisoformat(entry["end"]) == on(day + timedelta(days=1), 0)


async def test_trap_15_recurring_with_exceptions(calendars, graph, connection, day):
    """Occurrences say no more than when; what they are stands in the series, perhaps in another page."""
    days = [on(day, 9) + timedelta(days=n) for n in range(4)]
    _, second, third, _ = graph.series("weekly", days)
    graph.series("breaks", [on(day, 15)], showAs="free")
    await calendars.settle()
    assert len(await calendars.busy(day, 5)) == 4
    graph.at(second, on(day + timedelta(days=1), 12), type="exception", seriesMasterId="weekly")
    graph.remove(third)
    await calendars.sync(connection)
    expected = [("09:00", 0), ("12:00", 1), ("09:00", 3)]
    assert [start for start, _ in await calendars.busy(day, 5)] == [
        f"{day + timedelta(days=n):%Y-%m-%d} {hour}" for hour, n in expected
    ]
    # A new occurrence comes alone: its series is asked for.
    graph.revision += 1
    graph.events["weekly.9"] = graph.events["weekly.0"] | {"id": "weekly.9"} | {
        name: graph.at("x", on(day, 20))[name] for name in ("start", "end")
    }  # fmt: skip
    del graph.events["x"]
    graph.revisions["weekly.9"] = graph.revision
    await calendars.sync(connection)
    assert await calendars.busy(day) == spans(day, (9, 10), (20, 21))
    graph.remove("weekly")
    await calendars.sync(connection)
    assert await calendars.busy(day, 5) == []


async def test_trap_15_a_series_that_takes_no_time_any_more(calendars, graph, connection, day):
    """The delta tells of the series alone."""
    graph.series("weekly", [on(day, 9) + timedelta(days=n) for n in range(3)])
    await calendars.settle()
    assert len(await calendars.busy(day, 5)) == 3
    graph.put("weekly", showAs="free")
    await calendars.sync(connection)
    assert await calendars.busy(day, 5) == []
    graph.put("weekly", showAs="oof")
    await calendars.sync(connection)
    assert len(await calendars.busy(day, 5)) == 3


async def test_trap_15_the_delta_is_followed_and_410_reads_everything_anew(calendars, graph, connection, day):
    for hour in range(9, 14):
        graph.at(f"event{hour}", on(day, hour))
    await calendars.settle()
    asked = graph.asked("GET", "delta")
    assert len(asked) == 3
    assert set(asked[0]) == {"startDateTime", "endDateTime"}
    graph.calls.clear()
    graph.at("event9", on(day, 8))
    graph.remove("event10")
    await calendars.sync(connection)
    (query,) = graph.asked("GET", "delta")
    assert set(query) == {"$deltatoken"}
    assert await calendars.busy(day) == spans(day, (8, 9), (11, 12), (12, 13), (13, 14))
    del graph.events["event11"]
    graph.revision += 5
    graph.oldest_token = graph.revision
    await calendars.sync(connection)
    assert await calendars.busy(day) == spans(day, (8, 9), (12, 13), (13, 14))


async def test_a_link_to_another_server_is_not_followed(calendars, graph, connection, superuser):
    await calendars.settle()
    superuser.execute("update calendar_sources set cursor = 'http://elsewhere.example/delta?$deltatoken=1'")
    found = await calendars.sync(connection)
    assert "another server" in found["last_error"]


async def test_a_booking_is_written_moved_and_taken_away(api, calendars, graph, connection, booking, day):
    (event,) = graph.ours()
    assert (event["subject"], event["showAs"]) == ("Primera consulta: Ana Gil", "busy")
    assert (instant(event, "start"), instant(event, "end")) == (on(day, 10), on(day, 11))
    answer = await api.post(f"/bookings/{booking['id']}/reschedule", json={"start": utc(on(day, 12))})
    assert answer.status_code == 200, answer.text
    await calendars.settle()
    (event,) = graph.ours()
    assert instant(event, "start") == on(day, 12)
    assert (await api.post(f"/bookings/{booking['id']}/cancel", json={})).status_code == 200
    await calendars.settle()
    assert graph.ours() == []
    assert [step for step in graph.log if step != "subscribe"] == ["create", "update", "delete"]


async def test_trap_16_our_event_read_back_is_not_busy_twice(calendars, graph, connection, booking, day):
    graph.log.clear()
    for _ in range(3):
        await calendars.sync(connection)
    assert calendars.count("external_busy") == 0
    assert graph.log == []


async def test_trap_16_moved_in_outlook_the_booking_follows(api, calendars, graph, connection, booking, day):
    (event,) = graph.ours()
    graph.at(event["id"], on(day, 17))
    await calendars.sync(connection)
    assert await start_of(api, booking) == on(day, 17)
    assert instant(graph.ours()[0], "start") == on(day, 17)


async def test_deleted_there_it_is_written_again(api, calendars, graph, connection, booking, day):
    await calendars.sync(connection)
    (event,) = graph.ours()
    graph.remove(event["id"])
    await calendars.sync(connection)
    (again,) = graph.ours()
    assert again["id"] != event["id"]
    assert instant(again, "start") == on(day, 10)
    await calendars.sync(connection)
    assert len(graph.ours()) == 1


async def test_a_lost_answer_makes_no_double(api, calendars, graph, connection, service, day):
    graph.fail(400, method="POST", path="/events", after=True)
    await booked(api, service_id=service, start=utc(on(day, 10)), attendees=[{"name": "Ana"}])
    await calendars.settle()
    await calendars.sync(connection)
    assert await calendars.busy(day) == []
    calendars.overdue()
    await calendars.settle()
    assert len(graph.ours()) == 1
    assert graph.log.count("create") == 1


async def test_trap_15_notifications_wake_it_once_and_strangers_do_not(calendars, graph, connection, day):
    await calendars.settle()
    assert (await calendars.read(connection))["push"] is True
    assert await calendars.worker.sync_due() == 0
    assert await graph.notify(secret="guessed") == [404]
    (one,) = graph.subscriptions.values()
    for body in (b"", b"[]", b"{}", b'{"value": 1}', b'{"value": [1]}', b'{"value": []}'):
        assert (await calendars.browser.post(one["notificationUrl"], content=body)).status_code == 404
    assert await calendars.worker.sync_due() == 0
    graph.at("own", on(day, 9))
    assert await graph.notify() == [202]
    assert await graph.notify() == [202]
    assert await calendars.worker.sync_due() == 1
    assert await calendars.busy(day) == spans(day, (9, 10))


@pytest.mark.parametrize("event", ["reauthorizationRequired", "subscriptionRemoved"])
async def test_a_subscription_that_ends_gives_way_to_a_new_one(calendars, graph, connection, event):
    await calendars.settle()
    (first,) = graph.subscriptions
    graph.log.clear()
    assert await graph.notify(lifecycle=event) == [202]
    await calendars.settle()
    (second,) = graph.subscriptions
    assert first != second
    assert graph.log[0] == "subscribe"
    graph.log.clear()
    await calendars.sync(connection)
    assert graph.log == []


async def test_a_notification_that_was_missed_is_made_up_for(calendars, graph, connection, day):
    await calendars.settle()
    graph.at("own", on(day, 9))
    (first,) = graph.subscriptions
    assert await graph.notify(lifecycle="missed") == [202]
    await calendars.settle()
    assert await calendars.busy(day) == spans(day, (9, 10))
    assert list(graph.subscriptions) == [first]


async def test_access_that_was_withdrawn_asks_for_the_member(calendars, graph, connection):
    await calendars.settle()
    graph.access, graph.withdrawn = "another", True
    assert (await calendars.sync(connection))["state"] == "reauthorization_needed"


@pytest.mark.parametrize("before", ["new", "deleted there"])
async def test_a_request_that_is_sent_again_makes_no_double(
    api, calendars, graph, connection, service, day, before
):
    """Graph has done it and says that it is down: the same request is sent anew, and refused as done."""
    if before == "deleted there":
        await booked(api, service_id=service, start=utc(on(day, 10)), attendees=[{"name": "Ana"}])
        await calendars.settle()
        graph.remove(graph.ours()[0]["id"])
    graph.fail(503, method="POST", path="/events", headers={"Retry-After": "0"}, after=True)
    if before == "new":
        await booked(api, service_id=service, start=utc(on(day, 10)), attendees=[{"name": "Ana"}])
    await calendars.sync(connection)
    await calendars.sync(connection)
    assert len(graph.ours()) == 1
    assert await calendars.busy(day) == []
    assert (await calendars.read(connection))["last_error"] is None


@pytest.mark.parametrize("lost", [False, True])
async def test_given_away_and_back_it_is_written_again(api, calendars, graph, connection, booking, day, lost):
    """Graph takes the request that made the first event for done; the answer to the next one may be lost."""
    other = await new_member(api, "Pol")
    for hour, host in ((12, other), (13, connection["user_id"])):
        if lost and host != other:
            graph.fail(409, method="POST", path="/events")
            graph.fail(400, method="POST", path="/events", after=True)
        wanted = {"start": utc(on(day, hour)), "provider_id": host}
        answer = await api.post(f"/bookings/{booking['id']}/reschedule", json=wanted)
        assert answer.status_code == 200, answer.text
        await calendars.settle()
    (event,) = graph.ours()
    assert instant(event, "start") == on(day, 13)
    await calendars.sync(connection)
    calendars.overdue()
    await calendars.settle()
    await calendars.sync(connection)
    assert len(graph.ours()) == 1
    assert await calendars.busy(day) == []


async def test_zones_are_known_by_the_names_of_windows(calendars, graph, firm, day):
    graph.zone = "Turkey Standard Time"
    connection = await calendars.connect("microsoft", firm.owner_id)
    assert {one["time_zone"] for one in connection["calendars"]} == {"Europe/Istanbul"}
    dates = {"dateTime": f"{day:%Y-%m-%d}T00:00:00.0000000", "timeZone": "UTC"}
    after = dates | {"dateTime": f"{day + timedelta(days=1):%Y-%m-%d}T00:00:00.0000000"}
    graph.put("trip", isAllDay=True, start=dates, end=after)
    await calendars.settle()
    graph.zone = "Romance Standard Time"
    await calendars.sync(connection)
    (entry,) = await calendars.entries(day, 2)
    assert datetime.fromisoformat(entry["start"]) == on(day, 0)


BOMB = b"[" * 200_000


@pytest.mark.parametrize(
    "body",
    [BOMB, b'{"value": ' + BOMB, b'{"value": [{"clientState": "\\ud800"}]}', b"\xff\xfe",
     b'{"value": [{"clientState": "\\u0000", "lifecycleEvent": []}]}'],
)  # fmt: skip
async def test_whatever_strangers_send_is_nothing_of_ours(calendars, graph, connection, body):
    await calendars.settle()
    (one,) = graph.subscriptions.values()
    assert (await calendars.browser.post(one["notificationUrl"], content=body)).status_code == 404
    assert await calendars.worker.sync_due() == 0


async def test_too_much_is_refused_and_odd_channels_are_unknown(calendars, graph, connection):
    await calendars.settle()
    (one,) = graph.subscriptions.values()
    answer = await calendars.browser.post(one["notificationUrl"], content=b"x" * 30_000_000)
    assert answer.status_code == 413
    for channel in ("%00", "%F0%9F%98%80", "a" * 5_000, "'; drop table", "%E2%80%A8", "x%00y"):
        for provider in ("google", "microsoft", "%00"):
            path = f"/calendars/push/{provider}/{channel}"
            answer = await calendars.browser.post(path, params={"validationToken": "me"})
            assert answer.status_code == 404, path
            assert "me" not in answer.text.split('"')
