"""Holidays by region and town: what is filled in, what a firm adds, and what nobody may break."""

import asyncio

import pytest

from conecta.availability.holidays import rules
from tests.booking_setup.arrange import WEEK, made, places, setup_rows, the

CALENDARS = "/holiday-calendars"


async def _days(api, calendar, **params):
    found, cursor = [], None
    while True:
        query = {"limit": 100, **params} | ({"cursor": cursor} if cursor else {})
        answer = await api.get(f"{CALENDARS}/{calendar['id']}/days", params=query)
        assert answer.status_code == 200, answer.text
        found += answer.json()["data"]
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            return found


def _dates(days, kind):
    return {day["date"] for day in days if day["kind"] == kind}


async def test_trap_14_a_holiday_moved_by_one_region_only(api):
    """In 2027 the second of May is a Sunday: Madrid moves its day to Monday, Catalonia has none."""
    madrid, catalonia = [
        await made(api, CALENDARS, name=region, region=region, years=[2027]) for region in ("MD", "CT")
    ]
    in_madrid = await _days(api, madrid, year=2027, kind="regional")
    moved = [day for day in in_madrid if day["date"] == "2027-05-03"]
    assert len(moved) == 1
    assert (moved[0]["closed"], moved[0]["source"]) == (True, "library")
    in_catalonia = _dates(await _days(api, catalonia, closed="true"), "regional")
    assert "2027-05-03" not in in_catalonia
    assert "2027-09-11" in in_catalonia
    assert "2027-09-11" not in _dates(in_madrid, "regional")


async def test_trap_14_local_days_of_another_town_do_not_count(api):
    barcelona = await made(
        api, CALENDARS, name="Barcelona", region="CT", municipality=" barcelona ", years=[2026]
    )
    girona = await made(api, CALENDARS, name="Girona", region="CT", municipality="Girona", years=[2026])
    elsewhere = await made(
        api, CALENDARS, name="La otra", region="AN", municipality="Barcelona", years=[2026]
    )
    assert _dates(await _days(api, barcelona), "local") == {"2026-05-25", "2026-09-24"}
    for calendar in (girona, elsewhere):
        assert _dates(await _days(api, calendar), "local") == set()
    path = f"{CALENDARS}/{girona['id']}/days"
    day = (await api.post(path, json={"date": "2026-10-29", "name": "Sant Narcís"})).json()
    assert (day["kind"], day["source"], day["closed"], day["confirmed"]) == ("local", "own", True, True)
    assert _dates(await _days(api, girona), "local") == {"2026-10-29"}


async def test_trap_14_a_year_without_data_is_said_and_can_be_added(api):
    calendar = await made(api, CALENDARS, name="Ceuta", region="CE", years=[2026])
    assert calendar["years"] == [2026]
    assert await _days(api, calendar, year=2028) == []
    assert all(day["confirmed"] for day in await _days(api, calendar))
    added = await api.post(f"{CALENDARS}/{calendar['id']}/years", json={"year": 2028})
    assert (added.status_code, added.json()["years"]) == (200, [2026, 2028]), added.text
    days = await _days(api, calendar, year=2028, closed="true")
    assert days
    assert not any(day["confirmed"] for day in days)
    assert not any("estimado" in day["name"] for day in days)


async def test_the_year_2026_of_the_gazette(api):
    """BOE-A-2025-21667: All Saints and the Constitution fall on Sundays, and are not moved by the state."""
    calendar = await made(api, CALENDARS, name="España", years=[2026])
    days = await _days(api, calendar, closed="true")
    assert _dates(days, "national") == {
        "2026-01-01", "2026-01-06", "2026-04-03", "2026-05-01", "2026-08-15", "2026-10-12", "2026-12-08",
        "2026-12-25",
    }  # fmt: skip
    assert {day["confirmed"] for day in days} == {True}
    assert next(day["name"] for day in days if day["date"] == "2026-04-03") == "Viernes Santo"


async def test_judicial_days_close_nothing(api):
    calendar = await the(api, CALENDARS)
    judicial = await _days(api, calendar, kind="judicial", year=2026)
    dates = [day["date"] for day in judicial]
    assert len(dates) == 31 + 6 + 8
    assert dates == sorted(dates)
    assert {"2026-01-01", "2026-01-06", "2026-08-01", "2026-08-31", "2026-12-24", "2026-12-31"} <= set(dates)
    assert not {"2026-01-07", "2026-07-31", "2026-09-01", "2026-12-23"} & set(dates)
    assert {day["closed"] for day in judicial} == {False}


async def test_filling_a_year_again_keeps_what_the_firm_changed(api):
    calendar = await the(api, CALENDARS)
    path = f"{CALENDARS}/{calendar['id']}/days"
    days = await _days(api, calendar, year=2026, closed="true")
    worked, gone = days[0], days[1]
    changed = await api.patch(f"{path}/{worked['id']}", json={"closed": False})
    assert (changed.status_code, changed.headers["etag"], changed.json()["closed"]) == (200, '"v2"', False)
    assert (await api.delete(f"{path}/{gone['id']}")).status_code == 204
    again = await api.post(f"{CALENDARS}/{calendar['id']}/years", json={"year": 2026})
    assert again.json() == calendar
    by_date = {day["date"]: day for day in await _days(api, calendar, year=2026) if day["kind"] == "national"}
    assert by_date[worked["date"]] == changed.json()
    assert by_date[gone["date"]]["id"] != gone["id"]
    assert len(by_date) == len(days)


async def test_a_day_of_a_kind_exists_once(api, superuser):
    calendar = await the(api, CALENDARS)
    path = f"{CALENDARS}/{calendar['id']}/days"
    body = {"date": "2026-11-20", "name": "Aniversario", "kind": "office"}
    answers = await asyncio.gather(*(api.post(path, json=body) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
    made_id = next(answer.json()["id"] for answer in answers if answer.status_code == 201)
    for answer in answers:
        if answer.status_code == 409:
            assert (answer.json()["code"], answer.json()["existing_id"]) == ("duplicate_holiday", made_id)
    assert (await api.post(path, json={**body, "kind": "local"})).status_code == 201
    judicial = await api.post(path, json={**body, "date": "2026-11-23", "kind": "judicial"})
    assert judicial.json()["closed"] is False
    assert (await api.get(f"{path}/{made_id}")).json()["name"] == "Aniversario"


async def test_one_calendar_is_the_default(api):
    first = await the(api, CALENDARS)
    second = await made(api, CALENDARS, name="Madrid", region="MD", is_default=True)

    async def default():
        return (await the(api, f"{CALENDARS}?is_default=true"))["id"]

    assert await default() == second["id"]
    back = await api.patch(f"{CALENDARS}/{first['id']}", json={"is_default": True})
    assert (back.status_code, back.headers["etag"]) == (200, '"v3"')
    assert await default() == first["id"]
    unset = await api.patch(f"{CALENDARS}/{first['id']}", json={"is_default": False})
    assert (unset.status_code, unset.json()["code"]) == (409, "default_calendar_needed")
    assert await default() == first["id"]


async def test_what_is_used_is_not_deleted(api):
    default = await the(api, CALENDARS)
    used = await made(api, CALENDARS, name="Galicia", region="GA")
    schedule = await made(
        api, "/schedules", name="Vigo", weekly=WEEK, holiday_calendar_id=used["id"], is_default=False
    )
    for calendar in (default, used):
        answer = await api.delete(f"{CALENDARS}/{calendar['id']}")
        assert (answer.status_code, answer.json()["code"]) == (409, "holiday_calendar_in_use")
        assert await _days(api, calendar)
    await api.patch(f"/schedules/{schedule['id']}", json={"holiday_calendar_id": None})
    stale = await api.delete(f"{CALENDARS}/{used['id']}", headers={"If-Match": '"v9"'})
    assert stale.status_code == 412
    assert (await api.delete(f"{CALENDARS}/{used['id']}")).status_code == 204
    assert (await api.get(f"{CALENDARS}/{used['id']}/days")).status_code == 404


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [("/name", "required")]),
        ({"name": "X", "region": "XX"}, [("/region", "not_allowed")]),
        ({"name": "X", "region": "Barcelona"}, [("/region", "not_allowed")]),
        ({"name": "X", "years": [2007]}, [("/years/0", "too_small")]),
        ({"name": "X", "years": [2026, 2026]}, [("/years", "repeated")]),
        ({"name": "X", "years": list(range(2008, 2019))}, [("/years", "too_many")]),
        ({"name": "X", "is_default": "yes"}, [("/is_default", "type")]),
    ],
)
async def test_refusals_of_a_calendar_say_where(api, superuser, body, expected):
    before = setup_rows(superuser)
    assert places(await api.post(CALENDARS, json=body)) == expected
    assert setup_rows(superuser) == before


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [("/date", "required"), ("/name", "required")]),
        ({"date": "2026-02-30", "name": "X"}, [("/date", "type")]),
        ({"date": "20260228", "name": "X"}, [("/date", "type")]),
        ({"date": 1767225600, "name": "X"}, [("/date", "type")]),
        ({"date": "1026-02-28", "name": "X"}, [("/date", "out_of_range")]),
        ({"date": "2026-02-28", "name": "X", "kind": "party"}, [("/kind", "not_allowed")]),
        ({"date": "2026-02-28", "name": "X", "source": "library"}, [("/source", "unknown_field")]),
    ],
)
async def test_refusals_of_a_day_say_where(api, superuser, body, expected):
    calendar = await the(api, CALENDARS)
    before = setup_rows(superuser)
    assert places(await api.post(f"{CALENDARS}/{calendar['id']}/days", json=body)) == expected
    assert setup_rows(superuser) == before


async def test_emptying_renaming_and_unknown(api):
    calendar = await made(api, CALENDARS, name="X", municipality="Elx", years=[])
    path = f"{CALENDARS}/{calendar['id']}"
    assert (calendar["years"], await _days(api, calendar)) == ([], [])
    for name in ("name", "is_default"):
        assert places(await api.patch(path, json={name: None})) == [(f"/{name}", "required")]
    changed = await api.patch(path, json={"name": "Y", "municipality": None})
    assert (changed.json()["name"], changed.json()["municipality"]) == ("Y", None)
    assert places(await api.patch(path, json={"region": "MD"})) == [("/region", "unknown_field")]
    other = await the(api, f"{CALENDARS}?is_default=true")
    day = (await _days(api, other))[0]
    for unknown in (f"{path}/days/day_none", f"{path}/days/{day['id']}", f"{CALENDARS}/hol_none/days/x"):
        for method, more in (("GET", {}), ("PATCH", {"json": {}}), ("DELETE", {})):
            assert (await api.request(method, unknown, **more)).status_code == 404
    for unknown in ("/years", "/days"):
        body = {"year": 2026} if unknown == "/years" else {"date": "2026-01-02", "name": "X"}
        assert (await api.post(f"{CALENDARS}/hol_none{unknown}", json=body)).status_code == 404


def test_regions_are_those_of_the_library():
    from holidays.countries.spain import Spain

    assert set(rules.REGIONS) == set(Spain.subdivisions) - {"Barcelona"}


@pytest.mark.parametrize("region", [None, *rules.REGIONS])
def test_every_region_has_its_official_days(region):
    for year in (2026, 2027):
        days = rules.official_days(region, None, year)
        closed = [day for day in days if day.closed]
        assert len({(day.date, day.kind) for day in days}) == len(days)
        assert {day.date.year for day in days} == {year}
        assert all(day.kind in {"national", "regional"} for day in closed)
        assert any(day.kind == "regional" for day in closed) is (region is not None)
        # By law twelve are national or regional; here and there a gazette gives a few more or fewer.
        assert region is None or 10 <= len(closed) <= 15
