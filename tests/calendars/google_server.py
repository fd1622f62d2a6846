"""A real HTTP server on loopback that answers as the Google Calendar API (v3) does, by its rules."""

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from tests.calendars.fake import FakeProvider

Event = dict[str, Any]
EVENTS = "https://www.googleapis.com/auth/calendar.events"
CALENDARS = "https://www.googleapis.com/auth/calendar.calendarlist.readonly"


def instant(moment: dict[str, str]) -> datetime:
    if "date" in moment:
        return datetime.fromisoformat(moment["date"]).replace(tzinfo=UTC)
    return datetime.fromisoformat(moment["dateTime"]).astimezone(UTC)


class GoogleServer(FakeProvider):
    """Calendars of one account, with their change log."""

    def reset(self) -> None:
        super().reset()
        self.zone = "Europe/Madrid"
        self.scope = f"{EVENTS} {CALENDARS}"
        self.unwatchable: set[str] = set()
        self.page_size = 2
        self.revision = 100
        self.oldest_token = 0
        self.events: dict[str, dict[str, Event]] = {self.account: {}, "equipo@group.example": {}}
        self.revisions: dict[tuple[str, str], int] = {}
        self.channels: dict[str, dict[str, Any]] = {}
        self.stopped: list[str] = []
        self.channel_days = 7.0
        self.log: list[str] = []

    def routes(self, router: web.UrlDispatcher) -> None:
        super().routes(router)
        api = "/calendar/v3"
        router.add_get(api + "/users/me/calendarList", self.list_calendars)
        router.add_get(api + "/users/me/calendarList/primary", self.primary)
        router.add_get(api + "/calendars/{calendar}/events", self.list_events)
        router.add_post(api + "/calendars/{calendar}/events", self.insert)
        router.add_post(api + "/calendars/{calendar}/events/watch", self.watch)
        router.add_put(api + "/calendars/{calendar}/events/{event}", self.update)
        router.add_delete(api + "/calendars/{calendar}/events/{event}", self.delete)
        router.add_post(api + "/channels/stop", self.stop)

    # --- what people do there ---------------------------------------------------------------------------

    def put(self, event_id: str, *, calendar: str | None = None, **event: Any) -> Event:
        """Write an event as its owner would, and return it."""
        calendar = calendar or self.account
        self.revision += 1
        kept = self.events[calendar].get(event_id, {})
        whole = {"status": "confirmed", **kept, **event, "id": event_id, "etag": f'"{self.revision}"'}
        self.events[calendar][event_id] = whole
        self.revisions[calendar, event_id] = self.revision
        return whole

    def at(self, event_id: str, start: datetime, minutes: int = 60, **event: Any) -> Event:
        """Write an event of some minutes."""
        return self.put(event_id, **span(start, minutes), **event)

    def series(self, series_id: str, starts: list[datetime], minutes: int = 60, **event: Any) -> list[str]:
        """Write a recurring event, of which the API only tells the occurrences (singleEvents)."""
        ids = []
        for start in starts:
            occurrence = f"{series_id}_{start.astimezone(UTC):%Y%m%dT%H%M%SZ}"
            original = span(start, minutes)["start"]
            self.at(
                occurrence, start, minutes, recurringEventId=series_id, originalStartTime=original, **event
            )
            ids.append(occurrence)
        return ids

    def cancel(self, event_id: str, calendar: str | None = None) -> None:
        """Delete an event: what is left of it says no more than that."""
        calendar = calendar or self.account
        self.put(event_id, calendar=calendar, status="cancelled")

    def ours(self) -> list[Event]:
        """Return the events of bookings that are there."""
        found = [e for events in self.events.values() for e in events.values() if e["status"] != "cancelled"]
        return [e for e in found if "conecta_booking" in e.get("extendedProperties", {}).get("private", {})]

    async def notify(
        self, *, number: int | None = None, channel: str | None = None, **headers: str
    ) -> list[int]:
        """Notify the channels that are open, or one; return the statuses of the answers."""
        statuses = []
        for one in [self.channels[channel]] if channel else list(self.channels.values()):
            one["number"] = number if number is not None else one["number"] + 1
            sent = {
                "X-Goog-Channel-ID": one["id"],
                "X-Goog-Channel-Token": one["token"],
                "X-Goog-Message-Number": str(one["number"]),
                "X-Goog-Resource-ID": one["resource"],
                "X-Goog-Resource-State": "exists",
                **headers,
            }
            answer = await self.push.post(one["address"], headers=sent)
            statuses.append(answer.status_code)
        return statuses

    # --- the API ----------------------------------------------------------------------------------------

    async def list_calendars(self, request: web.Request) -> web.Response:
        items = [
            {"id": calendar, "summary": calendar.split("@")[0], "timeZone": self.zone, "accessRole": "owner",
             **({"primary": True} if calendar == self.account else {})}
            for calendar in self.events
        ]  # fmt: skip
        items.append({"id": "es.spain#holiday", "summary": "Festivos", "accessRole": "reader"})
        return web.json_response({"items": items})

    async def primary(self, request: web.Request) -> web.Response:
        return web.json_response({"id": self.account, "primary": True})

    async def list_events(self, request: web.Request) -> web.Response:
        query, calendar = request.query, request.match_info["calendar"]
        if calendar not in self.events:
            return _error(404, "Not Found")
        events = self.events[calendar]
        if query.get("singleEvents") != "true":
            return _error(400, "the tests ask for single events")
        token = query.get("syncToken")
        if token and {"timeMin", "timeMax", "q", "orderBy", "updatedMin"} & set(query):
            return _error(400, "Sync token cannot be used with other query restrictions.")
        if token:
            since = int(token.removeprefix("sync-"))
            if since < self.oldest_token:
                return _error(410, "Sync token is no longer valid, a full sync is required.")
            found = [e for e in events.values() if self.revisions[calendar, e["id"]] > since]
        else:
            low, high = (datetime.fromisoformat(query[name]) for name in ("timeMin", "timeMax"))
            found = [e for e in events.values() if e["status"] != "cancelled"]
            found = [e for e in found if instant(e["end"]) > low and instant(e["start"]) < high]
        found.sort(key=lambda e: self.revisions[calendar, e["id"]])
        begin = int(query.get("pageToken", "0"))
        body: dict[str, Any] = {
            "timeZone": self.zone,
            "items": [_told(e) for e in found[begin:][: self.page_size]],
        }
        if begin + self.page_size < len(found):
            body["nextPageToken"] = str(begin + self.page_size)
        else:
            body["nextSyncToken"] = f"sync-{self.revision}"
        return web.json_response(body)

    async def insert(self, request: web.Request) -> web.Response:
        calendar, body = request.match_info["calendar"], await request.json()
        if calendar not in self.events:
            return _error(404, "Not Found")
        if not re.fullmatch(r"[a-v0-9]{5,1024}", body["id"]):
            return _error(400, "Invalid resource id value.")
        if body["id"] in self.events[calendar]:
            return _error(409, "The requested identifier already exists.")
        self.log.append("insert")
        return web.json_response(self.put(body.pop("id"), calendar=calendar, **body))

    async def update(self, request: web.Request) -> web.Response:
        calendar, event_id = request.match_info["calendar"], request.match_info["event"]
        if event_id not in self.events[calendar]:
            return _error(404, "Not Found")
        self.log.append("update")
        return web.json_response(self.put(event_id, calendar=calendar, **await request.json()))

    async def delete(self, request: web.Request) -> web.Response:
        calendar, event_id = request.match_info["calendar"], request.match_info["event"]
        event = self.events[calendar].get(event_id)
        if event is None:
            return _error(404, "Not Found")
        if event["status"] == "cancelled":
            return _error(410, "Resource has been deleted")
        self.log.append("delete")
        self.cancel(event_id, calendar)
        return web.Response(status=204)

    async def watch(self, request: web.Request) -> web.Response:
        body = await request.json()
        if request.match_info["calendar"] in self.unwatchable:
            return _error(400, "Push notifications are not supported by this resource.")
        if body["id"] in self.channels:
            return _error(400, "Channel id not unique")
        expires = time.time() + self.channel_days * 86_400
        one = {
            "id": body["id"], "token": body["token"], "address": body["address"], "number": 0,
            "resource": f"resource-{len(self.channels)}", "calendar": request.match_info["calendar"],
        }  # fmt: skip
        self.channels[body["id"]] = one
        self.log.append("watch")
        await self.notify(channel=body["id"], **{"X-Goog-Resource-State": "sync"})
        return web.json_response(
            {"id": body["id"], "resourceId": one["resource"], "expiration": str(int(expires * 1000))}
        )

    async def stop(self, request: web.Request) -> web.Response:
        body = await request.json()
        one = self.channels.pop(body["id"], None)
        if one is None or one["resource"] != body["resourceId"]:
            return _error(404, "Channel not found")
        self.log.append("stop")
        self.stopped.append(body["id"])
        return web.Response(status=204)


def span(start: datetime, minutes: int) -> dict[str, dict[str, str]]:
    """Return start and end as the API writes them, with an offset."""
    return {
        "start": {"dateTime": start.isoformat()},
        "end": {"dateTime": (start + timedelta(minutes=minutes)).isoformat()},
    }


def _told(event: Event) -> Event:
    if event["status"] != "cancelled":
        return event
    kept = ("id", "status", "etag", "recurringEventId", "originalStartTime")
    return {name: event[name] for name in kept if name in event}


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"error": {"code": status, "message": message}}, status=status)
