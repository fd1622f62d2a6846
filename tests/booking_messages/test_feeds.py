"""Calendar feeds: read with nothing but the address, as open as the firm wants, and revocable."""

from datetime import timedelta

import pytest
from ical.calendar_stream import IcsCalendarStream

from conecta.bookings.feeds import service
from conecta.kit.logs import redact
from tests.booking_messages.arrange import ANA, act, book, day_at, invitation, messages, wait_until


async def feed(api, **wanted):
    answer = await api.post("/calendar-feeds", json={"name": "Agenda", **wanted})
    assert answer.status_code == 201, answer.text
    return answer.json()


def path_of(made):
    return made["url"].removeprefix("http://testserver")


async def events_of(anonymous, made):
    answer = await anonymous.get(path_of(made))
    assert answer.status_code == 200, answer.text
    return IcsCalendarStream.calendar_from_ics(answer.text).events


async def test_a_feed_has_the_firms_bookings(sandbox, anonymous):
    made = await feed(sandbox)
    assert await events_of(anonymous, made) == []
    start = await day_at(sandbox, 5, 10)
    booking = await book(
        sandbox, start, notes="Trae el contrato.", location={"kind": "office", "detail": "Sala 2"}
    )
    (event,) = await events_of(anonymous, made)
    assert (event.uid, event.dtstart, event.status) == (f"{booking['id']}@testserver", start, "CONFIRMED")
    assert (event.summary, event.location) == ("Consulta: Ana Gil", "Sala 2")
    assert "Trae el contrato." in event.description


@pytest.mark.parametrize(
    ("privacy", "summary"), [("busy", "Ocupado"), ("title", "Consulta"), ("full", "Consulta: Ana Gil")]
)
async def test_privacy(sandbox, anonymous, privacy, summary):
    made = await feed(sandbox, privacy=privacy)
    await book(
        sandbox,
        await day_at(sandbox, 5, 10),
        notes="Divorcio",
        location={"kind": "office", "detail": "Sala 2"},
    )
    (event,) = await events_of(anonymous, made)
    assert event.summary == summary
    text = (await anonymous.get(path_of(made))).text
    assert "REFRESH-INTERVAL;VALUE=DURATION:PT15M\r\nX-PUBLISHED-TTL:PT15M\r\n" in text
    assert ("Divorcio" in text, "Sala 2" in text, "Ana" in text) == ((privacy == "full"),) * 3
    assert ANA["email"] not in text


async def test_a_members_feed_has_theirs_alone(sandbox, anonymous):
    other = (
        await sandbox.post("/users", json={"name": "Pau", "email": "pau@example.com", "role": "provider"})
    ).json()
    (owner,) = [user for user in (await sandbox.get("/users")).json()["data"] if user["id"] != other["id"]]
    theirs, all_of_them = await feed(sandbox, user_id=other["id"]), await feed(sandbox)
    start = await day_at(sandbox, 5, 10)
    await book(sandbox, start, provider_id=owner["id"])
    his = await book(sandbox, start, provider_id=other["id"])
    assert [event.uid for event in await events_of(anonymous, theirs)] == [f"{his['id']}@testserver"]
    assert len(await events_of(anonymous, all_of_them)) == 2
    await sandbox.patch(f"/users/{other['id']}", json={"active": False})
    assert (await anonymous.get(path_of(theirs))).status_code == 404


async def test_304_until_something_changes(sandbox, anonymous):
    made = await feed(sandbox)
    booking = await book(sandbox, await day_at(sandbox, 5, 10))
    first = await anonymous.get(path_of(made))
    same = await anonymous.get(path_of(made), headers={"If-None-Match": first.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    await act(sandbox, booking, "cancel")
    changed = await anonymous.get(path_of(made), headers={"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200
    (event,) = IcsCalendarStream.calendar_from_ics(changed.text).events
    assert event.status == "CANCELLED"
    assert event.sequence > 0


async def test_cancelled_bookings_go_after_a_month(sandbox, anonymous):
    made = await feed(sandbox)
    start = await day_at(sandbox, 40, 10)
    await act(sandbox, await book(sandbox, start), "cancel")
    assert len(await events_of(anonymous, made)) == 1
    await wait_until(sandbox, start - timedelta(days=5))
    assert await events_of(anonymous, made) == []


async def test_a_revoked_feed_is_gone_at_once(sandbox, anonymous):
    made = await feed(sandbox)
    assert (await sandbox.delete(f"/calendar-feeds/{made['id']}")).status_code == 204
    assert (await anonymous.get(path_of(made))).status_code == 404
    assert (await sandbox.delete(f"/calendar-feeds/{made['id']}")).status_code == 204
    (listed,) = (await sandbox.get("/calendar-feeds")).json()["data"]
    assert listed["status"] == "revoked"
    assert listed["revoked_at"] is not None
    acts = [entry["action"] for entry in (await sandbox.get("/audit-log")).json()["data"]]
    assert (acts.count("calendar_feed.created"), acts.count("calendar_feed.revoked")) == (1, 1)


async def test_the_address_is_shown_once_and_stored_nowhere(sandbox, superuser):
    made = await feed(sandbox)
    secret = made["url"].rpartition("/")[2].removesuffix(".ics")
    assert made["hint"] == secret[-4:]
    (listed,) = (await sandbox.get("/calendar-feeds")).json()["data"]
    assert listed == {name: value for name, value in made.items() if name != "url"}
    assert secret not in superuser.execute("select f::text from calendar_feeds f").fetchone()[0]


async def test_another_firm_reaches_nothing(app, sandbox, other_firm):
    made = await feed(sandbox)
    (member,) = (await sandbox.get("/users")).json()["data"]
    async with other_firm.client(app) as thief:
        assert (await thief.delete(f"/calendar-feeds/{made['id']}")).status_code == 404
        assert (await thief.get("/calendar-feeds")).json()["data"] == []
        refused = await thief.post("/calendar-feeds", json={"name": "X", "user_id": member["id"]})
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/user_id"]


@pytest.mark.parametrize(
    "path", ["/calendars/x.ics", f"/calendars/{'a' * 32}.ics", f"/calendars/{'a' * 99}.ics"]
)
async def test_nothing_else_opens_a_feed(anonymous, path):
    answer = await anonymous.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_of_too_many_the_nearest_are_shown(sandbox, anonymous, monkeypatch):
    """A large firm's past does not crowd out what is to come."""
    monkeypatch.setattr(service, "_MOST", 2)
    made = await feed(sandbox)
    first, last = await day_at(sandbox, 5, 10), await day_at(sandbox, 60, 10)
    for start in (first, first + timedelta(hours=2), last):
        await book(sandbox, start)
    assert len(await events_of(anonymous, made)) == 2
    await wait_until(sandbox, last - timedelta(days=6))
    starts = [event.dtstart for event in await events_of(anonymous, made)]
    assert starts == [first + timedelta(hours=2), last]


async def test_a_booking_is_one_event_in_the_mail_and_in_the_feed(sandbox, anonymous):
    made = await feed(sandbox)
    booking = await book(sandbox, await day_at(sandbox, 5, 10))
    await act(sandbox, booking, "cancel")
    mailed = [invitation(mail).events[0] for mail in await messages(sandbox)]
    (event,) = await events_of(anonymous, made)
    assert {one.uid for one in mailed} == {event.uid}
    assert (mailed[-1].sequence, mailed[-1].status) == (event.sequence, event.status)


def test_the_secret_is_in_no_log():
    assert redact("GET /calendars/Ab-3_x.ics 200") == "GET /calendars/*** 200"
    assert redact("GET /c/Ab-3_x/cancel 200") == "GET /c/*** 200"
