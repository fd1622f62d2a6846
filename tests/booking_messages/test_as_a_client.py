"""A client of the firm who books sees next to nothing of it; yet whoever is to be told is told."""

import pytest

from tests.booking_messages.arrange import HOST, link_in, messages
from tests.bookings.arrange import new_service, open_day
from tests.clients.access import new_client
from tests.clients.signed_in_app import browser_of, own_app, token_of

ANA = "ana.gil@cliente.example"


@pytest.fixture
async def token(app, api, firm):
    """A token of the firm's own app, of its client Ana."""
    oauth = await own_app(app, firm)
    async with oauth.http:
        client = await new_client(api, "Ana Gil", email=ANA)
        async with browser_of(app, api, client, ANA) as browser:
            yield await token_of(oauth, browser)


async def test_client_and_host_are_told_and_reminders_move(api, token, superuser):
    day = await open_day(api)
    wanted = {"service_id": await new_service(api), "start": day.at(10)}
    booked = await token.call("POST", "/bookings", json=wanted)
    assert booked.status_code == 201, booked.text
    path = f"/bookings/{booked.json()['id']}"
    moved = await token.call("POST", f"{path}/reschedule", json={"start": day.at(12)})
    assert moved.status_code == 200, moved.text
    due = superuser.execute("select state, count(*) from booking_reminders group by state").fetchall()
    assert dict(due) == {"dropped": 2, "waiting": 2}
    assert (await token.call("POST", f"{path}/cancel", json={})).status_code == 200
    told = [mail for mail in await messages(api, ANA) if "cita" in mail["subject"]]
    assert [
        next(word for word in ("confirmada", "cambia", "cancelada") if word in mail["subject"])
        for mail in told
    ] == ["confirmada", "cambia", "cancelada"]
    assert "Con: Núria Íñiguez" in told[0]["text"]
    assert link_in(told[0]) != link_in(told[1])
    assert len(await messages(api, HOST)) == 3


async def test_a_client_has_no_business_with_links_feeds_or_reminders(api, token):
    day = await open_day(api)
    wanted = {"service_id": await new_service(api), "start": day.at(10)}
    booking = (await token.call("POST", "/bookings", json=wanted)).json()
    for method, path in (
        ("POST", f"/bookings/{booking['id']}/links"),
        ("DELETE", f"/bookings/{booking['id']}/links"),
        ("GET", "/calendar-feeds"),
        ("POST", "/calendar-feeds"),
        ("GET", "/booking-reminders"),
        ("PATCH", "/booking-reminders"),
    ):
        answer = await token.call(method, path, json={"name": "x"} if method != "GET" else None)
        assert answer.status_code == 403, (method, path, answer.text)
