"""Dates with hours of their own, instead of those of the week."""

import pytest

from tests.booking_setup.arrange import places, setup_rows, the


@pytest.fixture
async def path(api):
    return f"/schedules/{(await the(api, '/schedules'))['id']}/overrides"


async def test_a_date_is_put_read_changed_and_given_back(api, path, superuser):
    spans = [{"from": "16:00", "to": "20:00"}, {"from": "10:00", "to": "13:00"}]
    first = await api.put(f"{path}/2026-12-24", json={"spans": spans, "note": "Nochebuena"})
    assert (first.status_code, first.headers["etag"]) == (200, '"v1"'), first.text
    made = first.json()
    assert made["date"] == "2026-12-24"
    assert (made["spans"], made["note"]) == (spans[::-1], "Nochebuena")
    again = await api.put(f"{path}/2026-12-24", json={"spans": spans, "note": "Nochebuena"})
    assert (again.headers["etag"], again.json()) == ('"v1"', made)
    closed = await api.put(f"{path}/2026-12-24", json={"spans": []}, headers={"If-Match": '"v1"'})
    assert (closed.status_code, closed.headers["etag"]) == (200, '"v2"')
    assert (closed.json()["spans"], closed.json()["note"]) == ([], None)
    stale = await api.put(f"{path}/2026-12-24", json={"spans": spans}, headers={"If-Match": '"v1"'})
    assert stale.status_code == 412
    assert (await the(api, path))["spans"] == []
    assert (await api.delete(f"{path}/2026-12-24", headers={"If-Match": '"v1"'})).status_code == 412
    assert (await api.delete(f"{path}/2026-12-24")).status_code == 204
    assert (await api.get(path)).json()["data"] == []
    assert (await api.delete(f"{path}/2026-12-24")).status_code == 404


async def test_trap_3_night_shift_and_the_next_day_off_are_kept_apart(api, path, superuser):
    """A shift until 02:00 belongs to its date; the next date may be unavailable without losing it."""
    night = await api.put(f"{path}/2026-07-10", json={"spans": [{"from": "22:00", "to": "02:00"}]})
    off = await api.put(f"{path}/2026-07-11", json={"spans": []})
    assert night.json()["spans"] == [{"from": "22:00", "to": "02:00"}]
    assert off.json()["spans"] == []
    rows = superuser.execute("select date::text, spans from schedule_overrides order by date").fetchall()
    assert rows == [("2026-07-10", [{"start": 1320, "end": 1560}]), ("2026-07-11", [])]


async def test_lists_by_date(api, path):
    dates = ["2026-11-30", "2027-01-02", "2026-12-05", "2026-12-31"]
    for date in dates:
        await api.put(f"{path}/{date}", json={"spans": []})

    async def listed(**params):
        answer = await api.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return [item["date"] for item in answer.json()["data"]]

    assert await listed() == sorted(dates)
    assert await listed(sort="-date") == sorted(dates, reverse=True)
    assert await listed(date_from="2026-12-05", date_to="2026-12-31") == ["2026-12-05", "2026-12-31"]
    first = (await api.get(path, params={"limit": 3})).json()
    assert await listed(limit=3, cursor=first["next_cursor"]) == ["2027-01-02"]
    for value in ("2026-13-01", "20261205", "1733356800", "ayer"):
        assert (await api.get(path, params={"date_from": value})).status_code == 400


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [("/spans", "required")]),
        ({"spans": None}, [("/spans", "type")]),
        (
            {"spans": [{"from": "09:00", "to": "11:00"}, {"from": "10:00", "to": "12:00"}]},
            [("/spans", "overlap")],
        ),
        ({"spans": [{"from": "09:00", "to": "25:00"}]}, [("/spans/0/to", "pattern")]),
        ({"spans": [{"day": "monday", "from": "09:00", "to": "10:00"}]}, [("/spans/0/day", "unknown_field")]),
        ({"spans": [], "note": "x" * 501}, [("/note", "too_long")]),
    ],
)  # fmt: skip
async def test_refusals_say_where(api, path, superuser, body, expected):
    before = setup_rows(superuser)
    assert places(await api.put(f"{path}/2026-12-24", json=body)) == expected
    assert setup_rows(superuser) == before


@pytest.mark.parametrize(
    "date", ["2026-02-29", "2026-W52-4", "20261224", "mañana", "2026-12-24T00:00", "%00"]
)
async def test_what_is_no_date_is_a_404(api, path, superuser, date):
    before = setup_rows(superuser)
    assert (await api.put(f"{path}/{date}", json={"spans": []})).status_code == 404
    assert (await api.delete(f"{path}/{date}")).status_code == 404
    assert setup_rows(superuser) == before


async def test_another_schedules_dates_are_its_own(api, path):
    other = (await api.post("/schedules", json={"name": "X", "weekly": []})).json()["id"]
    await api.put(f"{path}/2026-12-24", json={"spans": []})
    assert (await api.get(f"/schedules/{other}/overrides")).json()["data"] == []
    assert (await api.delete(f"/schedules/{other}/overrides/2026-12-24")).status_code == 404
    assert (await api.get("/schedules/sch_none/overrides")).status_code == 404
    assert (await api.put("/schedules/sch_none/overrides/2026-12-24", json={"spans": []})).status_code == 404
