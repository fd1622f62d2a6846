"""Who may connect and see what, and the worker's part as the worker runs it."""

import asyncio
import time

import pytest

from conecta.auth.scopes import Scope
from conecta.kit import background
from tests.bookings.arrange import booked, new_service, open_day
from tests.oauth.arrange import add_member, give_password, register_app
from tests.oauth.browserless import Browser, in_process

SCOPES = f"{Scope.BOOKINGS_READ} {Scope.BOOKINGS_WRITE}"


@pytest.fixture
async def vendor(app, firm):
    registered = await register_app(app, firm, scopes=SCOPES.split())
    async with registered.http:
        yield registered


async def token_of(app, vendor, person) -> str:
    async with in_process(app) as http:
        return (await vendor.tokens(Browser(http), person, scope=SCOPES))["access_token"]


async def test_people_connect_and_see_their_own(app, api, calendars, google, graph, firm, vendor, superuser):
    owner = await give_password(app, superuser, firm.owner_id)
    pol = await add_member(api, app, superuser, "provider", "pol@bufete.example")
    (pol_id,) = superuser.execute("select id from users where person_id = %s", [pol.id]).fetchone()
    theirs = await calendars.connect("google", pol_id)
    await calendars.connect("microsoft", firm.owner_id)
    token = await token_of(app, vendor, owner)
    seen = (await vendor.api("GET", "/calendar-connections", token)).json()["data"]
    assert [one["user_id"] for one in seen] == [firm.owner_id]
    path = f"/calendar-connections/{theirs['id']}"
    assert (await vendor.api("GET", path, token)).status_code == 404
    assert (await vendor.api("PATCH", path, token, json={"on_move": "ask"})).status_code == 404
    assert (await vendor.api("DELETE", path, token)).status_code == 404
    assert (await calendars.read(theirs))["on_move"] == "accept"
    own = await vendor.api("POST", "/calendar-connections/authorize", token, json={"provider": "google"})
    assert own.status_code == 200
    asked = {"provider": "google", "user_id": pol_id}
    other = await vendor.api("POST", "/calendar-connections/authorize", token, json=asked)
    assert (other.status_code, other.json()["errors"][0]["code"]) == (422, "not_yours")


async def test_the_worker_writes_without_being_asked(api, calendars, google, firm):
    day = await open_day(api)
    service = await new_service(api)
    await calendars.connect("google", firm.owner_id)
    await booked(api, service_id=service, start=day.at(10), attendees=[{"name": "Ana"}])
    part = asyncio.create_task(calendars.worker.run())
    deadline = time.monotonic() + 30
    while not google.ours() and time.monotonic() < deadline:  # noqa: ASYNC110 - it is Google that hears of it
        await asyncio.sleep(0.05)
    await background.stop(part)
    assert len(google.ours()) == 1
