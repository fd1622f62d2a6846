"""What tests of messages about bookings stand on: the sandbox's bookings, clock and mailbox."""

import base64
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from ical.calendar import Calendar
from ical.calendar_stream import IcsCalendarStream

MADRID = ZoneInfo("Europe/Madrid")
ANA = {"name": "Ana Gil", "email": "ana@cliente.example", "phone": "+34600111222"}
HOST = "owner-bufete-prueba@example.com"


async def now(api: httpx.AsyncClient) -> datetime:
    """Return what time it is in the sandbox."""
    return datetime.fromisoformat((await api.get("/sandbox/clock")).json()["now"])


async def wait_until(api: httpx.AsyncClient, moment: datetime) -> None:
    """Move the sandbox's clock on to a moment, or a second past it."""
    answer = await api.put("/sandbox/clock", json={"now": (moment + timedelta(seconds=1)).isoformat()})
    assert answer.status_code == 200, answer.text


async def day_at(api: httpx.AsyncClient, days: int, hour: int, minute: int = 0) -> datetime:
    """Return a time of day in Madrid, so many days from now."""
    day = (await now(api)).astimezone(MADRID).date() + timedelta(days=days)
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=MADRID).astimezone(UTC)


async def consulta(api: httpx.AsyncClient, **changes: Any) -> str:
    """Return the id of the firm's first service, changed as told."""
    (service,) = (await api.get("/booking-services")).json()["data"]
    if changes:
        answer = await api.patch(f"/booking-services/{service['id']}", json=changes)
        assert answer.status_code == 200, answer.text
    return str(service["id"])


async def book(api: httpx.AsyncClient, start: datetime, **wanted: Any) -> dict[str, Any]:
    """Book the firm's first service, whatever its hours."""
    body = {
        "service_id": wanted.pop("service_id", None) or await consulta(api),
        "start": start.isoformat(),
        "attendees": [ANA],
        "bypass_rules": True,
        **wanted,
    }
    answer = await api.post("/bookings", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def act(api: httpx.AsyncClient, booking: dict[str, Any], what: str, **body: Any) -> dict[str, Any]:
    """Confirm, cancel, reschedule or complete a booking."""
    answer = await api.post(f"/bookings/{booking['id']}/{what}", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def messages(
    api: httpx.AsyncClient, to: str | None = ANA["email"], **filters: str
) -> list[dict[str, Any]]:
    """Return what somebody was sent, with its words, the first one first."""
    params = {"sort": "created_at", **({"to": to} if to else {}), **filters}
    listed = (await api.get("/messages", params=params)).json()["data"]
    return [(await api.get(f"/messages/{row['id']}")).json() for row in listed]


def invitation(message: dict[str, Any]) -> Calendar:
    """Return the calendar file of a mail, read by another library."""
    (file,) = message["attachments"]
    content = base64.b64decode(file["content"])
    calendar = IcsCalendarStream.calendar_from_ics(content.decode())
    assert file["parameters"] == {"method": calendar.method}
    assert (file["content_type"], file["name"]) == ("text/calendar", "cita.ics")
    return calendar


def link_in(message: dict[str, Any]) -> str:
    """Return the path of the link to a booking in a message."""
    (url,) = set(re.findall(r"http://testserver(/c/[\w-]+)", message["text"]))
    return str(url)
