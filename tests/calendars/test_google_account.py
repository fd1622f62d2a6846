"""Connecting a Google account, its tokens, its notifications, and its bad days."""

import asyncio
import json
import time
from datetime import datetime

import httpx
import pytest

from conecta.auth.scopes import Scope
from tests.bookings.arrange import MADRID, booked, new_service, open_day
from tests.calendars.arrange import Calendars, on, spans, utc
from tests.calendars.google_server import CALENDARS
from tests.firms import make_key


@pytest.fixture
async def day(api) -> datetime:
    opened = await open_day(api, ahead=10)
    return datetime(opened.date.year, opened.date.month, opened.date.day, tzinfo=MADRID)


@pytest.fixture
async def connection(calendars, google, firm):
    return await calendars.connect("google", firm.owner_id)


async def link(api, user_id) -> httpx.Response:
    asked = {"provider": "google", "user_id": user_id}
    return await api.post("/calendar-connections/authorize", json=asked)


async def test_a_connection_as_it_is_made(calendars, google, connection, superuser):
    assert connection["account"] == google.account
    assert (connection["state"], connection["on_move"], connection["on_delete"]) == (
        "active",
        "accept",
        "revert",
    )
    assert connection["write_calendar_id"] == google.account
    assert [(one["id"], one["busy"], one["writable"]) for one in connection["calendars"]] == [
        (google.account, True, True),
        ("es.spain#holiday", False, False),
        ("equipo@group.example", False, True),
    ]
    (stored,) = superuser.execute("select tokens from calendar_connections").fetchone()
    assert google.refresh.encode() not in stored


async def test_connecting_twice_is_one_connection(calendars, google, connection, firm):
    assert (await calendars.connect("google", firm.owner_id))["id"] == connection["id"]


async def test_the_way_back_takes_no_other_state(api, calendars, google, firm):
    url = httpx.URL((await link(api, firm.owner_id)).json()["authorize_url"])
    async with httpx.AsyncClient() as outside:
        back = httpx.URL((await outside.get(url)).headers["location"])
    code, state = back.params["code"], back.params["state"]
    for params in (
        {"code": code, "state": state[:-4] + "AAAA"},
        {"code": code},
        {"code": "other", "state": state},
        {"error": "access_denied", "state": state},
    ):
        page = await calendars.browser.get("/calendars/callback/google", params=params)
        assert page.status_code == 400, params
        assert "No se ha conectado el calendario" in page.text
    wrong = await calendars.browser.get(
        "/calendars/callback/microsoft", params={"code": code, "state": state}
    )
    assert wrong.status_code == 400
    assert (await api.get("/calendar-connections")).json()["data"] == []
    page = await calendars.browser.get("/calendars/callback/google", params={"code": code, "state": state})
    assert page.status_code == 200
    assert google.account in page.text
    again = await calendars.browser.get("/calendars/callback/google", params={"code": code, "state": state})
    assert again.status_code == 400


async def test_a_link_of_before_is_over(app, calendars, google, firm):
    bound = [firm.id, firm.owner_id, "google", "nonce", int(time.time()) - 1]
    state = app.state.keyring.sign("calendar authorizations", json.dumps(bound).encode())
    page = await calendars.browser.get("/calendars/callback/google", params={"code": "x", "state": state})
    assert page.status_code == 400
    assert "ha caducado" in page.text


async def test_whose_calendars_they_are_must_be_said(api, app, firm, other_firm):
    answer = await api.post("/calendar-connections/authorize", json={"provider": "google"})
    assert answer.json()["errors"][0]["pointer"] == "/user_id"
    answer = await link(api, other_firm.owner_id)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "unknown_user")
    reader = await make_key(app, firm.id, [Scope.BOOKINGS_READ])
    async with firm.client(app, reader) as client:
        assert (await link(client, firm.owner_id)).status_code == 403


async def test_other_firms_neither_see_nor_touch_it(app, other_firm, connection):
    path = f"/calendar-connections/{connection['id']}"
    async with other_firm.client(app) as thief:
        assert (await thief.get("/calendar-connections")).json()["data"] == []
        assert (await thief.get(path)).status_code == 404
        assert (await thief.patch(path, json={"on_move": "ask"})).status_code == 404
        assert (await thief.delete(path)).status_code == 404
        assert (await thief.post(f"{path}/sync")).status_code == 404
        decision = {"decision": "accept"}
        assert (await thief.post(f"{path}/changes/bkg_x", json=decision)).status_code == 404


async def test_only_its_own_calendars_can_be_chosen(api, connection):
    path = f"/calendar-connections/{connection['id']}"
    for body, pointer, code in (
        ({"busy_calendar_ids": ["nobody"]}, "/busy_calendar_ids/0", "unknown_calendar"),
        ({"write_calendar_id": "nobody"}, "/write_calendar_id", "unknown_calendar"),
        ({"write_calendar_id": "es.spain#holiday"}, "/write_calendar_id", "read_only"),
    ):
        fault = (await api.patch(path, json=body)).json()["errors"][0]
        assert (fault["pointer"], fault["code"]) == (pointer, code)


async def test_a_token_that_is_over_is_renewed(calendars, google, connection, day):
    google.at("own", on(day, 9))
    google.access = "another"  # what we have is answered 401
    await calendars.settle()
    assert google.refreshed == 1
    assert await calendars.busy(day) == spans(day, (9, 10))
    await calendars.sync(connection)
    assert google.refreshed == 1  # and kept


async def test_access_that_was_withdrawn_asks_for_the_member(calendars, google, connection, day, firm):
    google.at("own", on(day, 9))
    await calendars.settle()
    google.access, google.withdrawn = "another", True
    found = await calendars.sync(connection)
    assert found["state"] == "reauthorization_needed"
    assert "invalid_grant" in found["last_error"]
    assert await calendars.busy(day) == spans(day, (9, 10))  # what is known stays busy
    answer = await calendars.api.post(f"/calendar-connections/{connection['id']}/sync")
    assert answer.status_code == 409
    google.withdrawn = False
    assert (await calendars.connect("google", firm.owner_id))["state"] == "active"


async def test_a_wait_that_google_asks_for_is_kept(calendars, google, connection, day):
    google.at("own", on(day, 9))
    google.fail(429, method="GET", path="/events", headers={"Retry-After": "600"})
    await calendars.settle()
    assert "429" in (await calendars.read(connection))["last_error"]
    calls = len(google.calls)
    await calendars.worker.sync_due()
    assert len(google.calls) == calls
    calendars.overdue()
    await calendars.settle()
    assert await calendars.busy(day) == spans(day, (9, 10))
    assert (await calendars.read(connection))["last_error"] is None


async def test_a_short_fault_is_not_noticed(calendars, google, connection, day):
    google.at("own", on(day, 9))
    google.fail(503, method="GET", path="/events", headers={"Retry-After": "0"}, times=1)
    rate = {"error": {"code": 403, "errors": [{"reason": "rateLimitExceeded"}]}}
    google.fail(403, method="GET", path="/events", headers={"Retry-After": "0"}, body=rate)
    await calendars.settle()
    assert (await calendars.read(connection))["last_error"] is None
    assert await calendars.busy(day) == spans(day, (9, 10))


async def test_a_page_that_fails_changes_nothing(calendars, google, connection, day):
    for hour in (9, 10, 11):
        google.at(f"event{hour}", on(day, hour))
    await calendars.settle()
    google.at("event9", on(day, 18))
    for hour in (12, 13, 14):
        google.at(f"event{hour}", on(day, hour))
    google.fail(200, method="GET", path="/events", body={"items": []})  # neither a next page nor an end
    found = await calendars.sync(connection)
    assert "neither" in found["last_error"]
    assert await calendars.busy(day) == spans(day, (9, 10), (10, 11), (11, 12))
    calendars.overdue()
    await calendars.settle()
    assert len(await calendars.busy(day)) == 6


async def test_a_notification_wakes_the_reading(calendars, google, connection, day):
    await calendars.settle()
    assert (await calendars.read(connection))["push"] is True
    assert await calendars.worker.sync_due() == 0
    google.at("own", on(day, 9))
    assert await google.notify() == [204]
    assert await calendars.worker.sync_due() == 1
    assert await calendars.busy(day) == spans(day, (9, 10))


async def test_trap_15_duplicate_and_out_of_order_notifications_are_harmless(
    calendars, google, connection, day
):
    await calendars.settle()
    google.at("own", on(day, 9))
    assert await google.notify(number=7) == [204]
    await calendars.settle()
    for number in (7, 5, 6, 7):
        assert await google.notify(number=number) == [204]
    assert await calendars.worker.sync_due() == 0
    assert await calendars.busy(day) == spans(day, (9, 10))
    assert await google.notify(number=8) == [204]
    assert await calendars.worker.sync_due() == 1


async def test_nobody_else_wakes_it(calendars, google, connection):
    await calendars.settle()
    (channel,) = google.channels
    for headers in (
        {"X-Goog-Channel-Token": "guessed"},
        {"X-Goog-Channel-ID": "other"},
        {"X-Goog-Message-Number": "x"},
    ):
        assert await google.notify(channel=channel, **headers) == [404]
    assert (await calendars.browser.post("/calendars/push/google/unknown")).status_code == 404
    assert (await calendars.browser.post(f"/calendars/push/microsoft/{channel}")).status_code == 404
    assert await calendars.worker.sync_due() == 0


async def test_a_channel_is_renewed_before_it_ends_the_new_one_first(calendars, google, connection):
    google.channel_days = 0.1
    await calendars.settle()
    (first,) = google.channels
    google.channel_days = 7
    google.log.clear()
    await calendars.sync(connection)
    assert google.log == ["watch", "stop"]
    assert google.stopped == [first]
    assert len(google.channels) == 1
    await calendars.sync(connection)
    assert google.log == ["watch", "stop"]


async def test_without_channels_it_is_read_all_the_same(calendars, google, connection, day):
    google.fail(401, path="/watch", times=9)
    google.fail(403, path="/watch", times=9)
    google.at("own", on(day, 9))
    await calendars.settle()
    calendars.overdue()
    await calendars.settle()
    assert (await calendars.read(connection))["push"] is False


TEAM = "equipo@group.example"


async def asks_to_connect_again(api) -> list[str]:
    found = (await api.get("/messages", params={"limit": 100})).json()["data"]
    return [one["to"] for one in found if one["subject"] == "Vuelve a conectar tu calendario"]


async def test_the_member_is_written_to_once_when_access_ends(api, calendars, google, connection, day, firm):
    await calendars.settle()
    google.access, google.withdrawn = "another", True
    found = await calendars.sync(connection)
    assert (found["state"], "invalid_grant" in found["last_error"]) == ("reauthorization_needed", True)
    service = await new_service(api)
    await booked(api, service_id=service, start=utc(on(day, 10)), attendees=[{"name": "Ana"}])
    calendars.overdue()
    await calendars.settle()
    assert len(await asks_to_connect_again(api)) == 1
    assert "invalid_grant" in (await calendars.read(connection))["last_error"]
    assert (await calendars.connect("google", firm.owner_id))["last_error"] is None
    google.access, google.withdrawn = "another", True
    await calendars.sync(connection)
    (owner,) = set(await asks_to_connect_again(api))
    assert owner == (await api.get(f"/users/{firm.owner_id}")).json()["email"]
    assert len(await asks_to_connect_again(api)) == 2


async def test_writing_finds_out_too_that_access_ended(api, calendars, google, connection, day):
    await calendars.settle()
    service = await new_service(api)
    await booked(api, service_id=service, start=utc(on(day, 10)), attendees=[{"name": "Ana"}])
    asked, go_on = google.pause("GET", "/events")
    await api.post(f"/calendar-connections/{connection['id']}/sync")
    reading = asyncio.create_task(calendars.worker.sync_due())
    await asked.wait()
    google.access, google.withdrawn = "another", True
    await calendars.worker.write_due()
    go_on.set()
    await reading  # what had begun before ends well, and takes nothing back
    found = await calendars.read(connection)
    assert (found["state"], "invalid_grant" in found["last_error"]) == ("reauthorization_needed", True)
    assert len(await asks_to_connect_again(api)) == 1


async def test_who_connects_again_meanwhile_is_connected(api, calendars, google, connection, day, firm):
    """A worker that still holds the old tokens is refused, and has no say any more."""
    await calendars.settle()
    for hour in (9, 10, 11):
        google.at(f"event{hour}", on(day, hour))
    asked, go_on = google.pause("GET", "/events")
    await api.post(f"/calendar-connections/{connection['id']}/sync")
    reading = asyncio.create_task(calendars.worker.sync_due())
    await asked.wait()
    await calendars.connect("google", firm.owner_id)
    go_on.set()
    await reading
    await calendars.settle()
    assert (await calendars.read(connection))["state"] == "active"
    assert await asks_to_connect_again(api) == []
    assert len(await calendars.busy(day)) == 3


async def test_access_is_given_back_when_it_ends_and_events_stay(api, calendars, google, connection, day):
    service = await new_service(api)
    await booked(api, service_id=service, start=utc(on(day, 10)), attendees=[{"name": "Ana"}])
    await calendars.settle()
    refresh = google.refresh
    assert (await api.delete(f"/calendar-connections/{connection['id']}")).status_code == 204
    await calendars.settle()
    assert google.revoked == [refresh]
    assert google.channels == {}
    assert len(google.ours()) == 1


async def test_another_firm_that_follows_the_account_goes_on(
    app, calendars, google, connection, other_firm, pusher, superuser
):
    """Google takes back all that an account gave to us, whichever firm it was for."""
    async with other_firm.client(app) as client:
        others = Calendars(client, pusher, calendars.worker, superuser)
        theirs = await others.connect("google", other_firm.owner_id)
        await calendars.settle()
        assert (await client.delete(f"/calendar-connections/{theirs['id']}")).status_code == 204
        await calendars.settle()
    assert google.revoked == []
    kept = superuser.execute("select id from calendar_connections where tokens is not null").fetchall()
    assert kept == [(connection["id"],)]


async def test_less_access_than_is_needed_is_no_connection(api, calendars, google, firm):
    """People may tick off what Google asks them for."""
    google.scope = f"openid {CALENDARS}"
    async with httpx.AsyncClient() as outside:
        back = await outside.get((await link(api, firm.owner_id)).json()["authorize_url"])
    page = await calendars.browser.get(back.headers["location"])
    assert page.status_code == 400
    assert "acepta los permisos" in page.text
    assert (await api.get("/calendar-connections")).json()["data"] == []


async def test_the_calendar_of_who_has_left_is_left_alone(api, calendars, google, connection, superuser):
    superuser.execute("update users set active = false where id = %s", [connection["user_id"]])
    google.calls.clear()
    calendars.overdue()
    await calendars.settle()
    assert google.calls == []
    superuser.execute("update users set active = true where id = %s", [connection["user_id"]])
    await calendars.settle()
    assert google.calls != []


async def test_calendars_that_come_and_go_there(api, calendars, google, connection, day):
    google.events["nuevo@group.example"] = {}
    google.put(
        "solid", calendar=TEAM, start={"dateTime": utc(on(day, 9))}, end={"dateTime": utc(on(day, 10))}
    )
    await calendars.set(connection, busy_calendar_ids=[google.account, TEAM], write_calendar_id=TEAM)
    found = await calendars.sync(connection)
    assert "nuevo@group.example" in [one["id"] for one in found["calendars"]]
    service = await new_service(api)
    await booked(api, service_id=service, start=utc(on(day, 10)), attendees=[{"name": "Ana"}])
    await calendars.settle()
    assert await calendars.busy(day) == spans(day, (9, 10))
    del google.events[TEAM]
    google.at("own", on(day, 12))
    await calendars.sync(connection)
    found = await calendars.read(connection)
    assert TEAM not in [one["id"] for one in found["calendars"]]
    assert (found["write_calendar_id"], found["last_error"]) == (None, None)
    assert await calendars.busy(day) == spans(day, (12, 13))
    mails = (await api.get("/messages", params={"limit": 100})).json()["data"]
    assert [m["subject"] for m in mails].count("Tus citas ya no tienen calendario") == 1


async def test_a_calendar_that_fails_keeps_no_other_from_being_read(calendars, google, connection, day):
    """And its being gone, of which a poll hears first, is found out."""
    await calendars.set(connection, busy_calendar_ids=[TEAM, google.account])
    await calendars.settle()
    del google.events[TEAM]
    google.at("own", on(day, 12))
    calendars.overdue()
    await calendars.worker.sync_due()
    assert await calendars.busy(day) == spans(day, (12, 13))
    assert "404" in (await calendars.read(connection))["last_error"]
    calendars.overdue()
    await calendars.settle()
    found = await calendars.read(connection)
    assert found["last_error"] is None
    assert TEAM not in [one["id"] for one in found["calendars"]]


async def test_a_calendar_that_cannot_be_watched_keeps_no_other_from_it(calendars, google, connection):
    google.unwatchable.add(TEAM)
    await calendars.set(connection, busy_calendar_ids=[TEAM, google.account])
    await calendars.settle()
    assert [one["calendar"] for one in google.channels.values()] == [google.account]
