"""Absences of members, of rooms and of the whole firm."""

import pytest

from tests.booking_setup.arrange import made, places, setup_rows, the
from tests.cases.arrange import new_member

WHEN = {"start": "2027-08-01T00:00:00+02:00", "end": "2027-08-16T00:00:00+02:00"}
WHEN_READ = {"start": "2027-07-31T22:00:00Z", "end": "2027-08-15T22:00:00Z"}


async def test_life_of_an_absence(api, firm):
    absence = await made(api, "/time-off", provider_id=firm.owner_id, kind="vacation", note="Menorca", **WHEN)
    expected = {**WHEN_READ, "provider_id": firm.owner_id, "room_id": None, "kind": "vacation"}
    assert {name: absence[name] for name in expected} == expected
    path = f"/time-off/{absence['id']}"
    longer = {"end": "2027-08-20T22:00:00Z", "kind": "sick", "note": None}
    changed = await api.patch(path, json=longer, headers={"If-Match": '"v1"'})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"v2"'), changed.text
    assert changed.json() == absence | longer | {"updated_at": changed.json()["updated_at"]}
    for method, more in (("PATCH", {"json": {}}), ("DELETE", {})):
        stale = await api.request(method, path, headers={"If-Match": '"v1"'}, **more)
        assert stale.status_code == 412
    assert (await api.delete(path)).status_code == 204
    for method in ("GET", "DELETE"):
        assert (await api.request(method, path)).status_code == 404
    assert (await api.get("/time-off")).json()["data"] == []


async def test_of_the_firm_of_a_room_and_filters(api, app, firm):
    lawyer = await new_member(app, firm.id, "provider")
    room = await made(api, "/rooms", name="Sala")
    days = [f"2027-03-{day:02}T08:00:00Z" for day in range(1, 9)]
    whole = await made(api, "/time-off", start=days[2], end=days[3])
    works = await made(api, "/time-off", start=days[0], end=days[1], room_id=room["id"])
    course = await made(api, "/time-off", start=days[4], end=days[6], provider_id=lawyer, kind="training")
    assert (whole["provider_id"], whole["room_id"], whole["kind"]) == (None, None, "block")

    async def ids(**params):
        answer = await api.get("/time-off", params=params)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["data"]]

    everything = [works["id"], whole["id"], course["id"]]
    assert await ids() == everything
    assert await ids(sort="-start") == everything[::-1]
    assert await ids(provider_id=lawyer) == [course["id"]]
    assert await ids(room_id=room["id"]) == [works["id"]]
    assert await ids(kind="block") == [works["id"], whole["id"]]
    # Ranges are half-open: what ends at a moment is over at it, what starts at it has not begun before.
    assert await ids(ends_after=days[1]) == [whole["id"], course["id"]]
    assert await ids(ends_after=days[1], starts_before=days[4]) == [whole["id"]]
    assert await ids(ends_after=days[5], starts_before=days[5]) == [course["id"]]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [("/start", "required"), ("/end", "required")]),
        ({**WHEN, "end": WHEN["start"]}, [("/end", "ends_before_start")]),
        ({"start": WHEN["end"], "end": WHEN["start"]}, [("/end", "ends_before_start")]),
        ({**WHEN, "end": "2031-01-01T00:00:00Z"}, [("/end", "too_long")]),
        ({**WHEN, "start": "2027-08-01T00:00:00"}, [("/start", "timezone")]),
        ({**WHEN, "kind": "party"}, [("/kind", "not_allowed")]),
        ({**WHEN, "provider_id": "usr_none"}, [("/provider_id", "not_assignable")]),
        ({**WHEN, "room_id": "room_none"}, [("/room_id", "unknown_room")]),
    ],
)
async def test_refusals_say_where(api, superuser, body, expected):
    before = setup_rows(superuser)
    assert places(await api.post("/time-off", json=body)) == expected
    assert setup_rows(superuser) == before


async def test_of_one_or_the_other(api, firm, superuser):
    room = await made(api, "/rooms", name="Sala")
    before = setup_rows(superuser)
    body = {**WHEN, "provider_id": firm.owner_id, "room_id": room["id"]}
    assert places(await api.post("/time-off", json=body)) == [("", "one_of")]
    assert setup_rows(superuser) == before


async def test_another_firms_members_and_rooms_are_unknown(api, app, other_firm, superuser):
    async with other_firm.client(app) as theirs:
        room = await made(theirs, "/rooms", name="Ajena")
    before = setup_rows(superuser)
    for body, code in (
        ({"provider_id": other_firm.owner_id}, ("/provider_id", "not_assignable")),
        ({"room_id": room["id"]}, ("/room_id", "unknown_room")),
    ):
        assert places(await api.post("/time-off", json={**WHEN, **body})) == [code]
    assert setup_rows(superuser) == before


async def test_a_change_may_not_turn_it_around(api):
    absence = await made(api, "/time-off", **WHEN)
    path = f"/time-off/{absence['id']}"
    for body, expected in (
        ({"start": WHEN["end"]}, [("/end", "ends_before_start")]),
        ({"end": WHEN["start"]}, [("/end", "ends_before_start")]),
        ({"end": "2031-01-01T00:00:00Z"}, [("/end", "too_long")]),
        ({"start": None}, [("/start", "required")]),
        ({"kind": None}, [("/kind", "required")]),
        ({"provider_id": None}, [("/provider_id", "unknown_field")]),
    ):
        assert places(await api.patch(path, json=body)) == expected
    assert await the(api, "/time-off") == absence
