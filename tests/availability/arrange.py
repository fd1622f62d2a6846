"""What tests of free time stand on: a firm's hours, services, and the starts that are offered."""

from typing import Any

import httpx

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def every_day(*spans: tuple[str, str]) -> list[dict[str, str]]:
    """Return the same hours on all seven days."""
    return [{"day": day, "from": start, "to": end} for day in DAYS for start, end in spans]


async def own_hours(api: httpx.AsyncClient, *spans: tuple[str, str], zone: str = "Europe/Madrid") -> str:
    """Give the firm's default schedule the same hours every day, holidays too, and return its id."""
    schedules = (await api.get("/schedules")).json()["data"]
    (default,) = [one for one in schedules if one["is_default"] and one["provider_id"] is None]
    for calendar in (await api.get("/holiday-calendars")).json()["data"]:
        days = (await api.get(f"/holiday-calendars/{calendar['id']}/days", params={"limit": 100})).json()
        for day in days["data"]:
            if day["closed"]:
                opened = await api.patch(
                    f"/holiday-calendars/{calendar['id']}/days/{day['id']}", json={"closed": False}
                )
                assert opened.status_code == 200, opened.text
    changed = await api.patch(
        f"/schedules/{default['id']}", json={"weekly": every_day(*spans), "time_zone": zone}
    )
    assert changed.status_code == 200, changed.text
    return default["id"]


async def new_service(api: httpx.AsyncClient, **more: Any) -> str:
    """Add a service of an hour, every half hour, that may be booked from now on, and return its id."""
    wanted = {
        "name": "Primera consulta",
        "durations": [60],
        "slot_step": 30,
        "notice_minutes": 0,
        "horizon_days": 700,
        **more,
    }
    answer = await api.post("/booking-services", json=wanted)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def slots(api: httpx.AsyncClient, **params: Any) -> dict[str, Any]:
    """Return the answer of `GET /availability/slots`; `first` and `last` stand for `from` and `to`."""
    named = {{"first": "from", "last": "to"}.get(name, name): value for name, value in params.items()}
    answer = await api.get("/availability/slots", params=named)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["data"] == [slot for day in found["days"] for slot in day["slots"]]
    return found


async def starts(api: httpx.AsyncClient, **params: Any) -> list[str]:
    """Return the starts that are offered."""
    return [slot["start"] for slot in (await slots(api, **params))["data"]]


async def booked(api: httpx.AsyncClient, **wanted: Any) -> dict[str, Any]:
    """Book and return the booking."""
    answer = await api.post("/bookings", json=wanted)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def refused(api: httpx.AsyncClient, **wanted: Any) -> tuple[int, str]:
    """Book in vain; return status and code, having checked that the rule is named once more in `errors`."""
    answer = await api.post("/bookings", json=wanted)
    problem = answer.json()
    assert [error["code"] for error in problem["errors"]] == [problem["code"]], answer.text
    return answer.status_code, problem["code"]


async def rule_of(api: httpx.AsyncClient, at: str, **params: Any) -> str | None:
    """Return the rule that keeps a moment from being offered."""
    found = await slots(api, explain=1, at=at, **params)
    explained = found["explanation"]
    assert explained["at"] == at
    assert explained["offered"] is (explained["rule"] is None) is (at in [s["start"] for s in found["data"]])
    return explained["rule"]
