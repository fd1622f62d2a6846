"""Weekly hours: several spans a day, past midnight, until 24:00, and one default for each."""

import asyncio

import pytest

from tests.booking_setup.arrange import WEEK, made, places, setup_rows, the
from tests.cases.arrange import new_member

SCHEDULES = "/schedules"


def _span(day, start, end):
    return {"day": day, "from": start, "to": end}


async def test_round_trip_in_the_order_of_the_week(api, superuser):
    shuffled = [
        _span("sunday", "22:00", "02:00"),
        _span("monday", "16:00", "24:00"),
        _span("monday", "09:00", "14:00"),
        _span("friday", "18:00", "18:00"),
        _span("wednesday", "00:00", "00:00"),
    ]
    schedule = await made(
        api, SCHEDULES, name="Raro", weekly=shuffled, time_zone="Atlantic/Canary", is_default=False
    )
    assert schedule["weekly"] == [
        _span("monday", "09:00", "14:00"),
        _span("monday", "16:00", "24:00"),
        _span("wednesday", "00:00", "24:00"),
        _span("friday", "18:00", "18:00"),
        _span("sunday", "22:00", "02:00"),
    ]
    assert (schedule["time_zone"], schedule["is_default"]) == ("Atlantic/Canary", False)
    (stored,) = superuser.execute("select weekly from schedules where id = %s", [schedule["id"]]).fetchone()
    assert stored == [
        {"day": 1, "start": 540, "end": 840},
        {"day": 1, "start": 960, "end": 1440},
        {"day": 3, "start": 0, "end": 1440},
        {"day": 5, "start": 1080, "end": 2520},
        {"day": 7, "start": 1320, "end": 1560},
    ]


async def test_trap_4_a_span_may_end_at_24_00(api):
    schedule = await made(api, SCHEDULES, name="Noche", weekly=[_span("monday", "18:00", "24:00")])
    assert schedule["weekly"] == [_span("monday", "18:00", "24:00")]
    follows = [_span("monday", "18:00", "24:00"), _span("tuesday", "00:00", "08:00")]
    answer = await api.patch(f"{SCHEDULES}/{schedule['id']}", json={"weekly": follows})
    assert (answer.status_code, answer.json()["weekly"]) == (200, follows)


@pytest.mark.parametrize(
    ("weekly", "expected"),
    [
        ([_span("monday", "09:00", "14:00"), _span("monday", "13:59", "15:00")], [("/weekly", "overlap")]),
        ([_span("monday", "22:00", "02:00"), _span("tuesday", "01:00", "03:00")], [("/weekly", "overlap")]),
        ([_span("sunday", "22:00", "02:00"), _span("monday", "01:00", "03:00")], [("/weekly", "overlap")]),
        ([_span("monday", "09:00", "09:00"), _span("tuesday", "08:59", "10:00")], [("/weekly", "overlap")]),
        ([_span("monday", "24:00", "02:00")], [("/weekly/0", "invalid_time")]),
        ([_span("monday", "9:00", "14:00")], [("/weekly/0/from", "pattern")]),
        ([_span("monday", "09:00", "24:01")], [("/weekly/0/to", "pattern")]),
        ([_span("lunes", "09:00", "14:00")], [("/weekly/0/day", "not_allowed")]),
        ([{"day": "monday", "to": "14:00"}], [("/weekly/0/from", "required")]),
        ([{**_span("monday", "09:00", "10:00"), "zone": "x"}], [("/weekly/0/zone", "unknown_field")]),
        ([_span("monday", "09:00", "10:00")] * 71, [("/weekly", "too_many")]),
        (None, [("/weekly", "type")]),
    ],
)
async def test_refusals_of_a_week_say_where(api, superuser, weekly, expected):
    before = setup_rows(superuser)
    assert places(await api.post(SCHEDULES, json={"name": "X", "weekly": weekly})) == expected
    schedule = await the(api, SCHEDULES)
    if weekly is not None:
        answer = await api.patch(f"{SCHEDULES}/{schedule['id']}", json={"weekly": weekly})
        assert places(answer) == expected
    assert setup_rows(superuser) == before
    assert await the(api, SCHEDULES) == schedule


async def test_spans_that_touch_do_not_overlap(api):
    week = [_span("monday", "09:00", "12:00"), _span("monday", "12:00", "14:00")]
    round_the_clock = [_span("saturday", "20:00", "06:00"), _span("sunday", "06:00", "24:00")]
    assert (await made(api, SCHEDULES, name="X", weekly=week))["weekly"] == week
    assert (await made(api, SCHEDULES, name="Y", weekly=round_the_clock))["weekly"] == round_the_clock
    assert (await made(api, SCHEDULES, name="Nunca", weekly=[]))["weekly"] == []


async def test_members_have_a_default_of_their_own(api, app, firm):
    lawyer = await new_member(app, firm.id, "provider")
    firms = await the(api, SCHEDULES)
    first = await made(api, SCHEDULES, name="Suyo", provider_id=lawyer, weekly=WEEK)
    second = await made(api, SCHEDULES, name="Verano", provider_id=lawyer, weekly=WEEK)
    assert (first["is_default"], second["is_default"], second["provider_id"]) == (True, False, lawyer)

    async def defaults():
        data = (await api.get(SCHEDULES, params={"is_default": "true"})).json()["data"]
        return {schedule["provider_id"]: schedule["id"] for schedule in data}

    assert await defaults() == {None: firms["id"], lawyer: first["id"]}
    changed = await api.patch(f"{SCHEDULES}/{second['id']}", json={"is_default": True})
    assert changed.json()["is_default"] is True
    assert await defaults() == {None: firms["id"], lawyer: second["id"]}
    third = await made(api, SCHEDULES, name="Otro", provider_id=lawyer, weekly=WEEK, is_default=True)
    assert await defaults() == {None: firms["id"], lawyer: third["id"]}
    # A member may do without: the firm's hours count then.
    await api.patch(f"{SCHEDULES}/{third['id']}", json={"is_default": False})
    assert await defaults() == {None: firms["id"]}
    theirs = (await api.get(SCHEDULES, params={"provider_id": lawyer})).json()["data"]
    assert [schedule["id"] for schedule in theirs] == [first["id"], second["id"], third["id"]]


async def test_two_at_once_leave_one_default(api):
    wanted = {"name": "X", "weekly": WEEK, "is_default": True}
    answers = await asyncio.gather(*(api.post(SCHEDULES, json=wanted) for _ in range(6)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    data = (await api.get(SCHEDULES, params={"is_default": "true"})).json()["data"]
    assert len(data) == 1


async def test_the_firm_always_has_a_default(api, superuser):
    schedule = await the(api, SCHEDULES)
    path = f"{SCHEDULES}/{schedule['id']}"
    unset = await api.patch(path, json={"is_default": False})
    deleted = await api.delete(path)
    for answer in (unset, deleted):
        assert (answer.status_code, answer.json()["code"]) == (409, "default_schedule_needed")
    assert await the(api, SCHEDULES) == schedule
    other = await made(api, SCHEDULES, name="Nuevo", weekly=WEEK, is_default=True)
    assert (await api.delete(path)).status_code == 204
    assert (await the(api, SCHEDULES))["id"] == other["id"]


async def test_what_is_used_is_not_deleted(api, app, firm):
    lawyer = await new_member(app, firm.id, "provider")
    for_host = await made(api, SCHEDULES, name="Suyo", provider_id=lawyer, weekly=WEEK)
    for_room = await made(api, SCHEDULES, name="Sala", weekly=WEEK)
    hosts = [{"provider_id": lawyer, "schedule_id": for_host["id"]}]
    service = await made(api, "/booking-services", name="X", hosts=hosts)
    room = await made(api, "/rooms", name="Sala", schedule_id=for_room["id"])
    for schedule in (for_host, for_room):
        answer = await api.delete(f"{SCHEDULES}/{schedule['id']}")
        assert (answer.status_code, answer.json()["code"]) == (409, "schedule_in_use")
        assert (await api.get(f"{SCHEDULES}/{schedule['id']}")).status_code == 200
    await api.patch(f"/booking-services/{service['id']}", json={"hosts": []})
    await api.patch(f"/rooms/{room['id']}", json={"schedule_id": None})
    for schedule in (for_host, for_room):
        await api.put(f"{SCHEDULES}/{schedule['id']}/overrides/2030-05-01", json={"spans": []})
        assert (await api.delete(f"{SCHEDULES}/{schedule['id']}")).status_code == 204
        assert (await api.get(f"{SCHEDULES}/{schedule['id']}")).status_code == 404


async def test_changes_and_if_match(api):
    schedule = await the(api, SCHEDULES)
    path = f"{SCHEDULES}/{schedule['id']}"
    body = {"name": "Nuevo", "time_zone": "America/Bogota"}
    changed = await api.patch(path, json=body, headers={"If-Match": '"v1"'})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"v2"')
    assert changed.json() == schedule | body | {"updated_at": changed.json()["updated_at"]}
    same = await api.patch(path, json={"weekly": schedule["weekly"]})
    assert (same.status_code, same.headers["etag"]) == (200, '"v2"')
    for method, more in (("PATCH", {"json": {"name": "x"}}), ("DELETE", {})):
        stale = await api.request(method, path, headers={"If-Match": '"v1"'}, **more)
        assert stale.status_code == 412
    assert (await api.get(path)).json() == changed.json()


async def test_refusals_of_the_other_members(api, app, firm, other_firm, superuser):
    assistant = await new_member(app, firm.id, "assistant")
    async with other_firm.client(app) as theirs:
        stranger = (await the(theirs, "/holiday-calendars"))["id"]
    before = setup_rows(superuser)
    for body, expected in (
        ({"name": ""}, [("/name", "too_short")]),
        ({"time_zone": "Europe/Valencia"}, [("/time_zone", "unknown_time_zone")]),
        ({"time_zone": "CET6"}, [("/time_zone", "unknown_time_zone")]),
        ({"provider_id": assistant}, [("/provider_id", "not_assignable")]),
        ({"provider_id": other_firm.owner_id}, [("/provider_id", "not_assignable")]),
        ({"holiday_calendar_id": stranger}, [("/holiday_calendar_id", "unknown_calendar")]),
    ):
        wanted = {"name": "X", "weekly": WEEK} | body
        assert places(await api.post(SCHEDULES, json=wanted)) == expected
    schedule = await the(api, SCHEDULES)
    path = f"{SCHEDULES}/{schedule['id']}"
    for body, expected in (
        ({"holiday_calendar_id": stranger}, [("/holiday_calendar_id", "unknown_calendar")]),
        ({"name": None}, [("/name", "required")]),
        ({"weekly": None}, [("/weekly", "required")]),
        ({"provider_id": firm.owner_id}, [("/provider_id", "unknown_field")]),
    ):
        assert places(await api.patch(path, json=body)) == expected
    assert await the(api, SCHEDULES) == schedule
    assert setup_rows(superuser) == before


async def test_the_firms_zone_counts_unless_told(api):
    await api.patch("/tenant", json={"time_zone": "Atlantic/Canary"})
    schedule = await made(api, SCHEDULES, name="X", weekly=WEEK)
    assert schedule["time_zone"] == "Atlantic/Canary"
