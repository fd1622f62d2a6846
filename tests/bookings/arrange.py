"""What tests of bookings stand on: a day on which the firm never closes, services, members, clients."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from fastapi import FastAPI

from tests.firms import Firm

MADRID = ZoneInfo("Europe/Madrid")


@dataclass(frozen=True)
class Day:
    """A day on which everybody of the firm can be booked at any hour, whatever the calendar says."""

    date: date

    def at(self, hour: int, minute: int = 0) -> str:
        """Return a time on the wall of Madrid as the API takes it."""
        moment = datetime.combine(self.date, time(hour, minute), tzinfo=MADRID)
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def open_day(api: httpx.AsyncClient, *, ahead: int = 10) -> Day:
    """Open the firm's hours on a day so many days ahead, holiday or not."""
    day = (datetime.now(MADRID) + timedelta(days=ahead)).date()
    schedules = (await api.get("/schedules")).json()["data"]
    (default,) = [one for one in schedules if one["is_default"] and one["provider_id"] is None]
    answer = await api.put(
        f"/schedules/{default['id']}/overrides/{day}", json={"spans": [{"from": "00:00", "to": "24:00"}]}
    )
    assert answer.status_code in {200, 201}, answer.text
    return Day(day)


async def new_service(api: httpx.AsyncClient, **more: Any) -> str:
    """Add a service of an hour on the hour, to be booked from now on, and return its id."""
    wanted = {
        "name": "Primera consulta",
        "slug": "primera",
        "durations": [60],
        "slot_step": 30,
        "notice_minutes": 0,
        "horizon_days": 400,
        "public": True,
        **more,
    }
    answer = await api.post("/booking-services", json=wanted)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def new_member(api: httpx.AsyncClient, name: str) -> str:
    """Add a member who can be booked and return their id."""
    wanted = {"name": name, "email": f"{name.lower()}@bufete.example", "role": "provider"}
    answer = await api.post("/users", json=wanted)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def new_client(api: httpx.AsyncClient, name: str = "Ana Gil", **more: Any) -> str:
    """Add a client and return their id."""
    answer = await api.post("/clients", json={"name": name, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def booked(api: httpx.AsyncClient, **wanted: Any) -> dict[str, Any]:
    """Book and return the booking."""
    answer = await api.post("/bookings", json=wanted)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def started(superuser: Any, booking_id: str) -> None:
    """Let a booking have begun an hour ago."""
    superuser.execute(
        "update bookings set starts_at = now() - interval '1 hour', ends_at = now() - interval '1 minute'"
        " where id = %s",
        [booking_id],
    )


def code_of(answer: httpx.Response) -> str:
    """Return the code of a refusal."""
    return answer.json()["code"]


def overlaps(superuser: Any) -> int:
    """Count the pairs of claims that should keep each other out and do not: the self-join."""
    row = superuser.execute(
        "select count(*) from booking_claims a join booking_claims b"
        " on a.tenant_id = b.tenant_id and a.resource_id = b.resource_id and a.holder_id < b.holder_id"
        " and a.starts_at < b.ends_at and b.starts_at < a.ends_at"
        " where a.state in ('held', 'pending', 'confirmed') and b.state in ('held', 'pending', 'confirmed')"
    ).fetchone()
    return row[0]


async def events_of(api: httpx.AsyncClient, booking_id: str) -> list[dict[str, Any]]:
    """Return the events of a booking, the oldest first."""
    answer = await api.get("/events", params={"resource_id": booking_id, "sort": "created_at"})
    return answer.json()["data"]


def sandboxed(app: FastAPI, firm: Firm) -> Any:
    """Call with the key of the firm's sandbox, whose clock can be moved."""
    return firm.client(app, firm.sandbox_key)
