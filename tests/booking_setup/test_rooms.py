"""Rooms: what only one appointment at a time can have."""

import pytest

from tests.booking_setup.arrange import WEEK, made, places, setup_rows, the
from tests.cases.arrange import new_member


async def test_life_of_a_room(api):
    schedule = await the(api, "/schedules")
    room = await made(api, "/rooms", name="Sala de juntas")
    assert (room["id"][:5], room["active"], room["schedule_id"]) == ("room_", True, None)
    path = f"/rooms/{room['id']}"
    changed = await api.patch(
        path, json={"name": "Sótano", "schedule_id": schedule["id"]}, headers={"If-Match": '"v1"'}
    )
    assert (changed.status_code, changed.headers["etag"]) == (200, '"v2"'), changed.text
    assert (changed.json()["name"], changed.json()["schedule_id"]) == ("Sótano", schedule["id"])
    assert (await api.patch(path, json={"name": "x"}, headers={"If-Match": '"v1"'})).status_code == 412
    out = await api.patch(path, json={"active": False, "schedule_id": None})
    assert (out.json()["active"], out.json()["schedule_id"]) == (False, None)
    other = await made(api, "/rooms", name="Otra")

    async def ids(**params):
        return [item["id"] for item in (await api.get("/rooms", params=params)).json()["data"]]

    assert await ids() == [room["id"], other["id"]]
    assert await ids(active="false") == [room["id"]]
    assert await ids(active="true", sort="-created_at") == [other["id"]]


async def test_only_the_firms_schedules_are_for_rooms(api, app, firm, other_firm, superuser):
    lawyer = await new_member(app, firm.id, "provider")
    members = await made(api, "/schedules", name="Suyo", provider_id=lawyer, weekly=WEEK)
    async with other_firm.client(app) as theirs:
        strangers = await the(theirs, "/schedules")
    room = await made(api, "/rooms", name="Sala")
    before = setup_rows(superuser)
    for schedule_id in (members["id"], strangers["id"], "sch_none"):
        body = {"name": "X", "schedule_id": schedule_id}
        expected = [("/schedule_id", "unknown_schedule")]
        assert places(await api.post("/rooms", json=body)) == expected
        assert places(await api.patch(f"/rooms/{room['id']}", json=body)) == expected
    assert setup_rows(superuser) == before
    assert await the(api, "/rooms") == room


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [("/name", "required")]),
        ({"name": ""}, [("/name", "too_short")]),
        ({"name": "x" * 101}, [("/name", "too_long")]),
        ({"name": "a\x00b"}, [("/name", "unstorable_text")]),
        ({"name": "X", "active": True}, [("/active", "unknown_field")]),
    ],
)
async def test_refusals_say_where(api, superuser, body, expected):
    before = setup_rows(superuser)
    assert places(await api.post("/rooms", json=body)) == expected
    assert setup_rows(superuser) == before


async def test_emptying_and_unknown(api):
    room = await made(api, "/rooms", name="Sala")
    for name in ("name", "active"):
        assert places(await api.patch(f"/rooms/{room['id']}", json={name: None})) == [
            (f"/{name}", "required")
        ]
    for room_id in ("room_none", "ñ"):
        assert (await api.get(f"/rooms/{room_id}")).status_code == 404
        assert (await api.patch(f"/rooms/{room_id}", json={})).status_code == 404
