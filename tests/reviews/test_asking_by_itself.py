"""A firm that wants it asks for a review of each completed booking: by mail, once, and not of a no-show."""

import asyncio

import pytest

from tests.bookings.arrange import booked, new_client, open_day

ANA = "ana@cliente.example"


@pytest.fixture
async def booking(api):
    """A booking of Ana's, with a firm that asks for reviews."""
    answer = await api.put("/public-site", json={"slug": "bufete", "asks_for_reviews": True})
    assert answer.json()["asks_for_reviews"] is True
    day = await open_day(api)
    client = await new_client(api, "Ana Gil", email=ANA)
    return await booked(api, start=day.at(10), client_id=client)


async def done(api, booking, what="complete"):
    answer = await api.post(f"/bookings/{booking['id']}/{what}", json={"bypass_rules": True})
    assert answer.status_code == 200, answer.text


async def asked(api):
    return (await api.get("/reviews")).json()["data"]


async def mails_that_ask(api, to=ANA):
    mails = (await api.get("/messages", params={"to": to})).json()["data"]
    return [mail for mail in mails if "¿qué tal ha ido?" in mail["subject"]]


async def test_a_completed_booking_is_asked_about_once(api, booking):
    await done(api, booking)
    (review,) = await asked(api)
    assert (review["booking_id"], review["status"]) == (booking["id"], "requested")
    assert review["client_id"] == booking["client_id"]
    (mail,) = await mails_that_ask(api)
    assert "/reviews/" in (await api.get(f"/messages/{mail['id']}")).json()["link"]
    # A correction and back, and the firm's own request: it was asked already.
    await done(api, booking, "no-show")
    await done(api, booking)
    refused = await api.post("/reviews", json={"booking_id": booking["id"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "review_already_asked")
    assert len(await mails_that_ask(api)) == len(await asked(api)) == 1


async def test_of_two_who_complete_it_at_once_one_asks(api, booking):
    path = f"/bookings/{booking['id']}/complete"
    answers = await asyncio.gather(*(api.post(path, json={"bypass_rules": True}) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert len(await mails_that_ask(api)) == len(await asked(api)) == 1


async def test_a_no_show_is_not_asked(api, booking):
    await done(api, booking, "no-show")
    assert await asked(api) == await mails_that_ask(api) == []


async def test_the_address_of_the_booking_does_where_the_client_has_none(api, booking):
    day = await open_day(api, ahead=11)
    names = ("Ben Otro", "Eva Mas")
    ben, eva = [await new_client(api, name, email=None, phone="600111222") for name in names]
    guest = {"name": "Ben Otro", "email": "ben@cliente.example", "client_id": ben}
    for hour, more in ((10, {"client_id": ben, "attendees": [guest]}), (11, {"client_id": eva}), (12, {})):
        await done(api, await booked(api, start=day.at(hour), **more))
    assert [review["client_id"] for review in await asked(api)] == [ben]
    assert len(await mails_that_ask(api, "ben@cliente.example")) == 1


@pytest.mark.parametrize("change", ["switch", "archived"])
async def test_who_is_not_to_be_asked_is_not(api, booking, change):
    if change == "switch":
        await api.put("/public-site", json={"slug": "bufete"})
    else:
        await api.post(f"/clients/{booking['client_id']}/archive")
    await done(api, booking)
    assert await asked(api) == await mails_that_ask(api) == []
