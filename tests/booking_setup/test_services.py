"""Services: what a firm offers, with whom and where, and what nobody may write into them."""

import asyncio

import pytest

from tests.booking_setup.arrange import WEEK, made, places, setup_rows, the
from tests.cases.arrange import new_member

SERVICES = "/booking-services"
DEFAULTS = {
    "name_en": None,
    "description": None,
    "active": True,
    "public": True,
    "durations": [30],
    "price": None,
    "buffer_before": 0,
    "buffer_after": 0,
    "buffers_within_hours": False,
    "capacity": 1,
    "notice_minutes": 120,
    "notice_day_before": None,
    "horizon_days": 60,
    "horizon_kind": "calendar",
    "slot_step": 30,
    "slot_anchor": "window",
    "max_per_day": None,
    "max_per_week": None,
    "location": {"kind": "office", "detail": None},
    "confirmation": "automatic",
    "assignment": "round_robin",
    "policy": {
        "free_cancel_minutes": 1440,
        "reschedule_minutes": 1440,
        "max_reschedules": 3,
        "reason_required": False,
    },
    "hosts": [],
    "room_ids": [],
}


async def test_a_name_is_enough(api):
    service = await made(api, SERVICES, name="Asesoría fiscal (IRPF)")
    shown = {name: service[name] for name in DEFAULTS}
    assert shown == DEFAULTS
    assert (service["slug"], service["id"][:4]) == ("asesoria-fiscal-irpf", "svc_")
    assert service["created_at"] == service["updated_at"]


async def test_everything_said_is_kept(api, app, firm):
    lawyer = await new_member(app, firm.id, "provider", "Pau Prueba")
    schedule = await made(api, "/schedules", name="Tardes", provider_id=lawyer, weekly=WEEK)
    first, second = [await made(api, "/rooms", name=name) for name in ("Grande", "Pequeña")]
    wanted = {
        "name": "Taller de herencias",
        "name_en": "Workshop",
        "description": "Para familias.",
        "slug": "taller",
        "public": False,
        "durations": [90, 45, 120],
        "price": {"amount": 12_500, "currency": "USD"},
        "buffer_before": 5,
        "buffer_after": 15,
        "buffers_within_hours": True,
        "capacity": 12,
        "notice_minutes": 0,
        "notice_day_before": "18:00",
        "horizon_days": 20,
        "horizon_kind": "working",
        "slot_step": 15,
        "slot_anchor": "clock",
        "max_per_day": 2,
        "max_per_week": 5,
        "location": {"kind": "video", "detail": "https://meet.example/x"},
        "confirmation": "firm",
        "assignment": "collective",
        "policy": {
            "free_cancel_minutes": 60,
            "reschedule_minutes": 30,
            "max_reschedules": 0,
            "reason_required": True,
        },
    }
    hosts = [
        {"provider_id": lawyer, "kind": "fixed", "weight": 7, "schedule_id": schedule["id"]},
        {"provider_id": firm.owner_id, "kind": "rotating", "weight": 1, "schedule_id": None},
    ]
    rooms = [first["id"], second["id"]]
    service = await made(api, SERVICES, **wanted, hosts=hosts, room_ids=rooms)
    assert {name: service[name] for name in wanted} == wanted
    assert sorted(service["room_ids"]) == sorted(rooms)
    named = {firm.owner_id: "Núria Íñiguez", lawyer: "Pau Prueba"}
    assert {host["provider_id"]: host for host in service["hosts"]} == {
        host["provider_id"]: {**host, "name": named[host["provider_id"]]} for host in hosts
    }


async def test_changes_touch_only_what_they_name(api):
    service = await the(api, SERVICES)
    path = f"{SERVICES}/{service['id']}"
    answer = await api.patch(
        path, json={"buffer_after": 10, "policy": {"reason_required": True}}, headers={"If-Match": '"v1"'}
    )
    assert (answer.status_code, answer.headers["etag"]) == (200, '"v2"'), answer.text
    changed = answer.json()
    expected = service | {
        "buffer_after": 10,
        "policy": service["policy"] | {"reason_required": True},
        "updated_at": changed["updated_at"],
    }
    assert changed == expected
    assert (await api.get(path)).json() == changed
    same = await api.patch(path, json={"buffer_after": 10, "policy": {}, "hosts": [], "room_ids": []})
    assert (same.status_code, same.headers["etag"], same.json()) == (200, '"v2"', changed)
    stale = await api.patch(path, json={"name": "Otra"}, headers={"If-Match": '"v1"'})
    assert stale.status_code == 412
    null = await api.patch(path, json={"policy": {"reason_required": None, "max_reschedules": None}})
    assert [(e["pointer"], e["code"]) for e in null.json()["errors"]] == [
        ("/policy/reason_required", "required")
    ]
    assert (await api.get(path)).json() == changed


async def test_hosts_and_rooms_are_replaced_and_move_the_version(api, app, firm):
    lawyer = await new_member(app, firm.id, "provider")
    room = await made(api, "/rooms", name="Sala")
    service = await the(api, SERVICES)
    path = f"{SERVICES}/{service['id']}"
    first = await api.patch(path, json={"hosts": [{"provider_id": lawyer}], "room_ids": [room["id"]]})
    assert (first.status_code, first.headers["etag"]) == (200, '"v2"'), first.text
    assert [host["provider_id"] for host in first.json()["hosts"]] == [lawyer]
    assert first.json()["room_ids"] == [room["id"]]
    second = await api.patch(path, json={"hosts": [{"provider_id": firm.owner_id, "weight": 3}]})
    assert [(host["provider_id"], host["weight"]) for host in second.json()["hosts"]] == [(firm.owner_id, 3)]
    assert (second.json()["room_ids"], second.headers["etag"]) == ([room["id"]], '"v3"')
    emptied = await api.patch(path, json={"hosts": [], "room_ids": []})
    assert (emptied.json()["hosts"], emptied.json()["room_ids"]) == ([], [])


async def test_price_is_emptied_by_null(api):
    service = await made(api, SERVICES, name="Dictamen", price={"amount": 100})
    assert service["price"] == {"amount": 100, "currency": "EUR"}
    path = f"{SERVICES}/{service['id']}"
    assert (await api.patch(path, json={"price": None})).json()["price"] is None
    assert (await api.patch(path, json={"price": {"amount": 7}})).json()["price"] == {
        "amount": 7,
        "currency": "EUR",
    }
    assert (await api.patch(path, json={"location": {"kind": "phone"}})).json()["location"] == {
        "kind": "phone",
        "detail": None,
    }


async def test_inactive_services_stay_in_the_list_and_leave_by_a_filter(api):
    first = await the(api, SERVICES)
    other = await made(api, SERVICES, name="Ágora", public=False)
    await api.patch(f"{SERVICES}/{first['id']}", json={"active": False})

    async def ids(**params):
        return [item["id"] for item in (await api.get(SERVICES, params=params)).json()["data"]]

    assert await ids() == [other["id"], first["id"]]
    assert await ids(sort="-created_at") == [other["id"], first["id"]]
    assert await ids(sort="-name") == [first["id"], other["id"]]
    assert await ids(active="true") == [other["id"]]
    assert await ids(active="false") == [first["id"]]
    assert await ids(public="true") == [first["id"]]
    assert await ids(slug="agora") == [other["id"]]
    assert await ids(slug="no-hay") == []


async def test_pages(api):
    names = [f"Servicio {number:02}" for number in range(7)]
    for name in names:
        await made(api, SERVICES, name=name)
    found, cursor = [], None
    while True:
        params = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = (await api.get(SERVICES, params=params)).json()
        found += [item["name"] for item in page["data"]]
        cursor = page["next_cursor"]
        if not page["has_more"]:
            break
    assert found == ["Consulta", *names]


async def test_slugs_made_of_names_find_a_free_one(api):
    slugs = [(await made(api, SERVICES, name="Consulta"))["slug"] for _ in range(3)]
    assert slugs == ["consulta-2", "consulta-3", "consulta-4"]
    assert (await made(api, SERVICES, name="¿¡!?"))["slug"] == "servicio"
    long = (await made(api, SERVICES, name="ñandú " * 20))["slug"]
    assert len(long) <= 60
    assert long.startswith("nandu-nandu")


async def test_a_slug_exists_once_in_a_firm(api, app, other_firm, superuser):
    before = setup_rows(superuser)
    first = await the(api, SERVICES)
    answer = await api.post(SERVICES, json={"name": "Otra", "slug": "consulta"})
    assert places(answer, 409) == [("/slug", "duplicate")]
    assert (answer.json()["code"], answer.json()["existing_id"]) == ("duplicate_service", first["id"])
    assert setup_rows(superuser) == before
    other = await made(api, SERVICES, name="Otra")
    moved = await api.patch(f"{SERVICES}/{other['id']}", json={"slug": "consulta"})
    assert (moved.status_code, moved.json()["code"]) == (409, "duplicate_service")
    async with other_firm.client(app) as theirs:
        assert (await the(theirs, SERVICES))["slug"] == "consulta"


async def test_many_at_once_get_a_slug_each(api):
    answers = await asyncio.gather(*(api.post(SERVICES, json={"name": "Igual"}) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    slugs = sorted(answer.json()["slug"] for answer in answers)
    assert slugs == sorted(["igual", *(f"igual-{number}" for number in range(2, 9))])
    answers = await asyncio.gather(
        *(api.post(SERVICES, json={"name": "X", "slug": "fijo"}) for _ in range(6))
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [("/name", "required")]),
        ({"name": " "}, [("/name", "too_short")]),
        ({"name": "x", "durations": []}, [("/durations", "too_few")]),
        ({"name": "x", "durations": [4]}, [("/durations/0", "too_small")]),
        ({"name": "x", "durations": [30, 1441]}, [("/durations/1", "too_large")]),
        ({"name": "x", "durations": [30, 30]}, [("/durations", "repeated")]),
        ({"name": "x", "durations": ["30"]}, [("/durations/0", "type")]),
        ({"name": "x", "slug": "Con Espacio"}, [("/slug", "pattern")]),
        ({"name": "x", "slug": "-x"}, [("/slug", "pattern")]),
        ({"name": "x", "price": {"amount": -1}}, [("/price/amount", "too_small")]),
        ({"name": "x", "price": {"amount": 1, "currency": "XYZ"}}, [("/price/currency", "unknown_currency")]),
        ({"name": "x", "price": {"amount": 1.5}}, [("/price/amount", "type")]),
        ({"name": "x", "capacity": 0}, [("/capacity", "too_small")]),
        ({"name": "x", "notice_day_before": "24:00"}, [("/notice_day_before", "invalid_time")]),
        ({"name": "x", "notice_day_before": "6 pm"}, [("/notice_day_before", "invalid_time")]),
        ({"name": "x", "horizon_days": 731}, [("/horizon_days", "too_large")]),
        ({"name": "x", "slot_step": 0}, [("/slot_step", "too_small")]),
        ({"name": "x", "max_per_day": 0}, [("/max_per_day", "too_small")]),
        ({"name": "x", "location": {"kind": "moon"}}, [("/location/kind", "not_allowed")]),
        ({"name": "x", "confirmation": "nobody"}, [("/confirmation", "not_allowed")]),
        ({"name": "x", "policy": {"fee": 3}}, [("/policy/fee", "unknown_field")]),
        ({"name": "x", "active": False}, [("/active", "unknown_field")]),
        ({"name": "x", "hosts": [{"provider_id": "cli?"}]}, [("/hosts/0/provider_id", "invalid_id")]),
    ],
)
async def test_refusals_say_where(api, superuser, body, expected):
    before = setup_rows(superuser)
    found = places(await api.post(SERVICES, json=body))
    assert [pointer for pointer, _ in found] == [pointer for pointer, _ in expected]
    assert found == expected
    assert setup_rows(superuser) == before


@pytest.mark.parametrize(
    "name", ["name", "slug", "active", "durations", "capacity", "location", "policy", "hosts", "room_ids"]
)
async def test_what_is_needed_cannot_be_emptied(api, name):
    service = await the(api, SERVICES)
    path = f"{SERVICES}/{service['id']}"
    assert places(await api.patch(path, json={name: None})) == [(f"/{name}", "required")]
    assert (await api.get(path)).json() == service


async def test_hosts_and_rooms_must_be_of_the_firm_and_fit(api, app, firm, other_firm, superuser):
    assistant = await new_member(app, firm.id, "assistant", "Eva Prueba")
    gone = await new_member(app, firm.id, "provider", "Leo Prueba")
    await api.patch(f"/users/{gone}", json={"active": False})
    lawyer = await new_member(app, firm.id, "provider", "Pau Prueba")
    async with other_firm.client(app) as theirs:
        stranger_room = await made(theirs, "/rooms", name="Ajena")
        stranger_schedule = await the(theirs, "/schedules")
    owners = await made(api, "/schedules", name="Suyo", provider_id=firm.owner_id, weekly=WEEK)
    before = setup_rows(superuser)
    hosts = [{"provider_id": user} for user in (assistant, gone, other_firm.owner_id, "usr_none")]
    answer = await api.post(SERVICES, json={"name": "X", "hosts": hosts, "room_ids": [stranger_room["id"]]})
    assert places(answer) == [
        *((f"/hosts/{index}/provider_id", "not_assignable") for index in range(4)),
        ("/room_ids/0", "unknown_room"),
    ]
    for schedule in (stranger_schedule, owners):
        host = {"provider_id": lawyer, "schedule_id": schedule["id"]}
        answer = await api.post(SERVICES, json={"name": "X", "hosts": [host]})
        assert places(answer) == [("/hosts/0/schedule_id", "unknown_schedule")]
    twice = await api.post(SERVICES, json={"name": "X", "hosts": [{"provider_id": lawyer}] * 2})
    assert places(twice) == [("/hosts", "repeated")]
    assert setup_rows(superuser) == before


async def test_unknown_ids(api):
    for service_id in ("svc_none", "ñ", "00000000-0000-7000-8000-000000000000"):
        assert (await api.get(f"{SERVICES}/{service_id}")).status_code == 404
        assert (await api.patch(f"{SERVICES}/{service_id}", json={})).status_code == 404


async def test_a_policy_may_let_clients_move_as_often_as_they_like(api):
    service = await the(api, SERVICES)
    answer = await api.patch(f"{SERVICES}/{service['id']}", json={"policy": {"max_reschedules": None}})
    assert answer.status_code == 200, answer.text
    assert answer.json()["policy"] == service["policy"] | {"max_reschedules": None}
