"""A client of the firm reads the services they may book, and nothing else of the setup."""

import json

import pytest
from starlette.requests import Request

from conecta.bookings.services import service
from conecta.bookings.services.read_schemas import ServiceFilters
from conecta.kit.db import HotReads
from conecta.kit.errors import NotFound
from conecta.kit.pages import Pager
from tests.booking_setup.arrange import WEEK, made, setup_rows
from tests.cases.arrange import as_program, new_client, new_member
from tests.clients.signed_in_app import browser_of, own_app, token_of


@pytest.fixture
async def world(api, app, firm):
    lawyer = await new_member(app, firm.id, "provider", "Pau Prueba")
    schedule = await made(api, "/schedules", name="Suyo", provider_id=lawyer, weekly=WEEK)
    hosts = [{"provider_id": lawyer, "weight": 9, "schedule_id": schedule["id"]}]
    shown = await made(api, "/booking-services", name="Abierta", hosts=hosts)
    hidden = await made(api, "/booking-services", name="Interna", public=False)
    gone = await made(api, "/booking-services", name="Retirada")
    await api.patch(f"/booking-services/{gone['id']}", json={"active": False})
    client_id = await new_client(api)
    reads = HotReads(app.state.database, firm.id, client_id)
    return {"reads": reads, "lawyer": lawyer, "shown": shown, "hidden": hidden, "gone": gone}


async def test_only_what_they_may_book(world, app, firm):
    reads = world["reads"]
    request = Request({"type": "http", "path": "/", "query_string": b"", "headers": []})
    pager = Pager(request, app.state.keyring, firm.id)
    page = await service.list_services(reads, pager, tenant_id=firm.id, filters=ServiceFilters())
    assert [json.loads(row)["name"] for row in page.rows] == ["Abierta", "Consulta"]
    for unseen in ("hidden", "gone"):
        with pytest.raises(NotFound):
            await service.read_service(reads, tenant_id=firm.id, service_id=world[unseen]["id"])


async def test_hosts_are_named_without_what_is_the_firms_business(world, firm):
    shown, lawyer = world["shown"], world["lawyer"]
    text, _ = await service.read_service(world["reads"], tenant_id=firm.id, service_id=shown["id"])
    told = json.loads(text)
    assert told["hosts"] == [
        {"provider_id": lawyer, "name": "Pau Prueba", "kind": "rotating", "weight": None, "schedule_id": None}
    ]
    assert {**told, "hosts": []} == {**shown, "hosts": []}


async def test_public_services_are_for_anybody(world, firm):
    reads = world["reads"]
    found = [json.loads(text) for text in await service.public_services(reads, firm.id)]
    assert [item["name"] for item in found] == ["Abierta", "Consulta"]
    assert set(found[0]) == {
        "id", "name", "name_en", "description", "slug", "durations", "price", "capacity", "location",
        "confirmation", "policy",
    }  # fmt: skip
    by_slug = await service.public_service(reads, firm.id, "abierta")
    assert by_slug is not None
    assert json.loads(by_slug) == found[0]
    assert await service.public_service(reads, firm.id, found[0]["id"]) == by_slug
    for unseen in (world["hidden"]["slug"], world["gone"]["id"], "no-hay", "\x00"):
        assert await service.public_service(reads, firm.id, unseen) is None


async def test_members_who_can_be_booked_are_known_to_a_client_by_name_alone(
    world, api, app, firm, other_firm, superuser
):
    assistant = await new_member(app, firm.id, "assistant", "Eva Prueba")
    gone = await new_member(app, firm.id, "admin", "Leo Prueba")
    await api.patch(f"/users/{gone}", json={"active": False})
    with as_program(superuser, firm.id, "cli_somebody"):
        assert superuser.execute("select count(*) from users").fetchone() == (0,)
        found = dict(superuser.execute("select * from bookable_members()").fetchall())
    assert found == {firm.owner_id: "Núria Íñiguez", world["lawyer"]: "Pau Prueba"}
    assert not {assistant, gone, other_firm.owner_id} & set(found)


async def test_over_http_with_the_firms_own_app(api, app, firm, superuser):
    client = {"name": "Ana Prueba", "email": "ana@example.com"}
    client_id = (await api.post("/clients", json=client)).json()["id"]
    await made(api, "/booking-services", name="Interna", public=False)
    oauth = await own_app(app, firm)
    async with browser_of(app, api, client_id, "ana@example.com") as browser:
        token = await token_of(oauth, browser)
    listed = await token.call("GET", "/booking-services")
    assert [service["name"] for service in listed.json()["data"]] == ["Consulta"]
    service_id = listed.json()["data"][0]["id"]
    assert (await token.call("GET", f"/booking-services/{service_id}")).status_code == 200
    before = setup_rows(superuser)
    for method, path, body in (
        ("GET", "/schedules", None),
        ("GET", "/time-off", None),
        ("GET", "/rooms", None),
        ("GET", "/holiday-calendars", None),
        ("POST", "/booking-services", {"name": "Mía"}),
        ("PATCH", f"/booking-services/{service_id}", {"price": None}),
        ("POST", "/time-off", {"start": "2030-01-01T08:00:00Z", "end": "2030-01-02T08:00:00Z"}),
    ):
        answer = await token.call(method, path, json=body)
        assert answer.status_code == 403, f"{method} {path}: {answer.text}"
    assert setup_rows(superuser) == before
