"""What tests of connected calendars do: connect, let the worker work, look at what is busy."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from conecta.calendars.following import CalendarSync
from tests.bookings.arrange import MADRID


class Calendars:
    """A firm's calendars, over HTTP, and the worker's part that follows them."""

    def __init__(
        self, api: httpx.AsyncClient, browser: httpx.AsyncClient, worker: CalendarSync, superuser: Any
    ):
        self.api, self.browser, self.worker, self._superuser = api, browser, worker, superuser

    async def connect(self, provider: str, user_id: str, **choice: Any) -> dict[str, Any]:
        """Go through the provider's consent as a browser does, and return the connection."""
        asked = {"provider": provider, "user_id": user_id}
        answer = await self.api.post("/calendar-connections/authorize", json=asked)
        assert answer.status_code == 200, answer.text
        async with httpx.AsyncClient() as outside:
            consent = await outside.get(answer.json()["authorize_url"])
        assert consent.status_code == 302, consent.text
        page = await self.browser.get(consent.headers["location"])
        assert page.status_code == 200, page.text
        (connection,) = (await self.api.get("/calendar-connections", params={"user_id": user_id})).json()[
            "data"
        ]
        return await self.set(connection, **choice) if choice else connection

    async def set(self, connection: dict[str, Any], **choice: Any) -> dict[str, Any]:
        answer = await self.api.patch(f"/calendar-connections/{connection['id']}", json=choice)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def read(self, connection: dict[str, Any]) -> dict[str, Any]:
        return (await self.api.get(f"/calendar-connections/{connection['id']}")).json()

    async def sync(self, connection: dict[str, Any]) -> dict[str, Any]:
        """Have a connection read now, and everything written that follows from it."""
        answer = await self.api.post(f"/calendar-connections/{connection['id']}/sync")
        assert answer.status_code == 200, answer.text
        await self.settle()
        return await self.read(connection)

    async def settle(self) -> None:
        """Let the worker write and read until nothing is left to do."""
        for _ in range(6):
            if not await self.worker.write_due() + await self.worker.sync_due():
                return
        raise AssertionError("the worker never comes to rest")

    async def busy(self, day: datetime, days: int = 1, **filters: str) -> list[tuple[str, str]]:
        """Return what members' own calendars take from a midnight on, as wall times of Madrid."""
        return [(wall(one["start"]), wall(one["end"])) for one in await self.entries(day, days, **filters)]

    async def entries(self, day: datetime, days: int = 1, **filters: str) -> list[dict[str, Any]]:
        period = {"from": day.isoformat(), "to": (day + timedelta(days=days)).isoformat()}
        answer = await self.api.get("/calendar", params={**period, **filters})
        assert answer.status_code == 200, answer.text
        return [one for one in answer.json()["data"] if one["kind"] == "external"]

    async def starts(self, service_id: str, day: datetime) -> list[str]:
        """Return the wall times of Madrid that a service is offered at on a day."""
        answer = await self.api.get(
            "/availability/slots", params={"service_id": service_id, "date": f"{day:%Y-%m-%d}"}
        )
        assert answer.status_code == 200, answer.text
        return [wall(slot["start"])[11:] for slot in answer.json()["data"]]

    def overdue(self) -> None:
        """Let the time pass after which what failed is tried again."""
        self._superuser.execute("update calendar_connections set due_at = now() - interval '1 second'")
        self._superuser.execute("update mirrored_bookings set due_at = now() - interval '1 second'")

    def count(self, table: str) -> int:
        return self._superuser.execute(f"select count(*) from {table}").fetchone()[0]


def wall(moment: str) -> str:
    """Return a moment of the API as the wall clock of Madrid shows it."""
    return datetime.fromisoformat(moment).astimezone(MADRID).strftime("%Y-%m-%d %H:%M")


def on(day: datetime, hour: int, minute: int = 0) -> datetime:
    """Return a time on the wall of Madrid of a day."""
    return day.astimezone(MADRID).replace(hour=hour, minute=minute, second=0, microsecond=0)


def spans(day: datetime, *hours: tuple[int, int]) -> list[tuple[str, str]]:
    """Return whole hours of a day as `Calendars.busy` does."""
    return [(f"{on(day, a):%Y-%m-%d %H:%M}", f"{on(day, b):%Y-%m-%d %H:%M}") for a, b in hours]


def utc(moment: datetime) -> str:
    """Return a moment as the API takes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
