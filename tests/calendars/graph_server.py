"""A real HTTP server on loopback that answers as Microsoft Graph does for calendars, by its rules."""

import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from tests.calendars.fake import FakeProvider

Event = dict[str, Any]
CALENDAR = "AAMkCalendar="


def told(moment: datetime) -> dict[str, str]:
    """Write a moment as Graph does: no offset, seven digits of a second."""
    return {"dateTime": moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.0000000"), "timeZone": "UTC"}


def instant(event: Event, name: str) -> datetime:
    return datetime.fromisoformat(event[name]["dateTime"][:19]).replace(tzinfo=UTC)


class GraphServer(FakeProvider):
    """One calendar of a mailbox, with its change log."""

    def reset(self) -> None:
        super().reset()
        self.page_size = 2
        self.zone = "Romance Standard Time"
        self.revision = 100
        self.oldest_token = 0
        self.events: dict[str, Event] = {}
        self.revisions: dict[str, int] = {}
        self.transactions: set[str] = set()
        self.subscriptions: dict[str, dict[str, Any]] = {}
        self.subscription_days = 6.5
        self.log: list[str] = []

    def routes(self, router: web.UrlDispatcher) -> None:
        super().routes(router)
        router.add_get("/v1.0/me", self.me)
        router.add_get("/v1.0/me/mailboxSettings", self.settings)
        router.add_get("/v1.0/me/calendars", self.list_calendars)
        router.add_get("/v1.0/me/calendars/{calendar}/calendarView/delta", self.delta)
        router.add_get("/v1.0/me/calendars/{calendar}/events", self.find)
        router.add_post("/v1.0/me/calendars/{calendar}/events", self.create)
        router.add_get("/v1.0/me/events/{event}", self.read)
        router.add_patch("/v1.0/me/events/{event}", self.update)
        router.add_delete("/v1.0/me/events/{event}", self.delete)
        router.add_post("/v1.0/subscriptions", self.subscribe)
        router.add_delete("/v1.0/subscriptions/{subscription}", self.unsubscribe)

    # --- what people do there ---------------------------------------------------------------------------

    def put(self, event_id: str, **event: Any) -> Event:
        """Write an event as its owner would, and return it."""
        self.revision += 1
        first = {"type": "singleInstance", "showAs": "busy", "isAllDay": False, "isCancelled": False}
        whole = {**first, **self.events.get(event_id, {}), **event, "id": event_id}
        whole["changeKey"] = f"key{self.revision}"
        self.events[event_id] = whole
        self.revisions[event_id] = self.revision
        return whole

    def at(self, event_id: str, start: datetime, minutes: int = 60, **event: Any) -> Event:
        return self.put(event_id, start=told(start), end=told(start + timedelta(minutes=minutes)), **event)

    def series(self, series_id: str, starts: list[datetime], minutes: int = 60, **event: Any) -> list[str]:
        """Write a recurring event: a master that says what it is, and occurrences that say only when."""
        self.at(series_id, starts[0], minutes, type="seriesMaster", **event)
        ids = []
        for number, start in enumerate(starts):
            self.revision += 1
            occurrence = {
                "id": f"{series_id}.{number}",
                "type": "occurrence",
                "seriesMasterId": series_id,
                "start": told(start),
                "end": told(start + timedelta(minutes=minutes)),
            }
            self.events[occurrence["id"]] = occurrence
            self.revisions[occurrence["id"]] = self.revision
            ids.append(occurrence["id"])
        return ids

    def remove(self, event_id: str) -> None:
        self.revision += 1
        self.events[event_id] = {"id": event_id, "@removed": {"reason": "deleted"}}
        self.revisions[event_id] = self.revision

    def ours(self) -> list[Event]:
        return [event for event in self.events.values() if event.get("singleValueExtendedProperties")]

    async def notify(self, *, secret: str | None = None, lifecycle: str | None = None) -> list[int]:
        """Notify every subscription; return the statuses of the answers."""
        statuses = []
        for one in list(self.subscriptions.values()):
            notice = {"subscriptionId": one["id"], "clientState": secret or one["clientState"]}
            notice |= {"lifecycleEvent": lifecycle} if lifecycle else {"changeType": "updated"}
            if lifecycle == "subscriptionRemoved":
                self.subscriptions.pop(one["id"])
            url = one["lifecycleNotificationUrl"] if lifecycle else one["notificationUrl"]
            answer = await self.push.post(url, json={"value": [notice, notice]})
            statuses.append(answer.status_code)
        return statuses

    # --- the API ----------------------------------------------------------------------------------------

    async def me(self, request: web.Request) -> web.Response:
        return web.json_response({"mail": None, "userPrincipalName": self.account})

    async def settings(self, request: web.Request) -> web.Response:
        return web.json_response({"timeZone": self.zone})

    async def list_calendars(self, request: web.Request) -> web.Response:
        own = {"id": CALENDAR, "name": "Calendario", "isDefaultCalendar": True, "canEdit": True}
        holidays = {"id": "AAMkHolidays=", "name": "Festivos", "canEdit": False}
        if "$skiptoken" in request.query:
            return web.json_response({"value": [holidays]})
        link = f"{self.url}/v1.0/me/calendars?$skiptoken=1"
        return web.json_response({"value": [own], "@odata.nextLink": link})

    async def delta(self, request: web.Request) -> web.Response:
        query = request.query
        if {"$filter", "$expand", "$select", "$orderby"} & set(query):
            return _error(400, "ErrorInvalidUrlQuery")
        assert 'outlook.timezone="UTC"' in request.headers["Prefer"]
        path = f"{self.url}{request.path.replace('=', '%3D')}"
        if "$skiptoken" in query:
            since, begin, low, high = query["$skiptoken"].split("~")
        elif "$deltatoken" in query:
            since, low, high = query["$deltatoken"].split("~")
            begin = "0"
        else:
            since, begin, low, high = "", "0", query["startDateTime"], query["endDateTime"]
        if since and int(since) < self.oldest_token:
            return _error(410, "SyncStateNotFound")
        found = [e for e in self.events.values() if not since or self.revisions[e["id"]] > int(since)]
        first, last = datetime.fromisoformat(low), datetime.fromisoformat(high)
        found = [
            event
            for event in found
            if ("@removed" in event and since)
            or ("start" in event and instant(event, "end") > first and instant(event, "start") < last)
        ]
        found.sort(key=lambda e: self.revisions[e["id"]])
        page = found[int(begin) :][: self.page_size]
        body: dict[str, Any] = {"value": [_plain(event) for event in page]}
        if int(begin) + self.page_size < len(found):
            token = f"{since}~{int(begin) + self.page_size}~{low}~{high}"
            body["@odata.nextLink"] = f"{path}?$skiptoken={token}"
        else:
            body["@odata.deltaLink"] = f"{path}?$deltatoken={self.revision}~{low}~{high}"
        return web.json_response(body)

    async def find(self, request: web.Request) -> web.Response:
        wanted = re.fullmatch(
            r"singleValueExtendedProperties/Any\(ep: ep/id eq '(.+)' and ep/value eq '(\w+)'\)",
            request.query["$filter"],
        )
        tag = {"id": wanted[1], "value": wanted[2]}
        found = [e for e in self.ours() if tag in e["singleValueExtendedProperties"]]
        return web.json_response({"value": [{"id": event["id"]} for event in found]})

    async def create(self, request: web.Request) -> web.Response:
        body = await request.json()
        if body["transactionId"] in self.transactions:
            return _error(409, "ErrorDuplicateTransactionId")
        self.transactions.add(body["transactionId"])
        self.log.append("create")
        return web.json_response(_plain(self.put(f"AAMk{uuid.uuid4().hex}=", **body)), status=201)

    async def read(self, request: web.Request) -> web.Response:
        event = self.events.get(request.match_info["event"])
        if event is None or "@removed" in event:
            return _error(404, "ErrorItemNotFound")
        return web.json_response(_plain(event))

    async def update(self, request: web.Request) -> web.Response:
        event = self.events.get(request.match_info["event"])
        if event is None or "@removed" in event:
            return _error(404, "ErrorItemNotFound")
        self.log.append("update")
        return web.json_response(_plain(self.put(event["id"], **await request.json())))

    async def delete(self, request: web.Request) -> web.Response:
        event = self.events.get(request.match_info["event"])
        if event is None or "@removed" in event:
            return _error(404, "ErrorItemNotFound")
        self.log.append("delete")
        self.remove(event["id"])
        return web.Response(status=204)

    async def subscribe(self, request: web.Request) -> web.Response:
        body = await request.json()
        for url in {body["notificationUrl"], body["lifecycleNotificationUrl"]}:
            token = f"Validation: {uuid.uuid4()} <ok>"
            answer = await self.push.post(url, params={"validationToken": token})
            plain = answer.headers["content-type"].startswith("text/plain")
            if (answer.status_code, answer.text, plain) != (200, token, True):
                return _error(400, "ValidationError")
        asked = datetime.fromisoformat(body["expirationDateTime"])
        if asked > datetime.now(UTC) + timedelta(days=7):
            return _error(400, "InvalidExpiration")
        ends = min(asked, datetime.now(UTC) + timedelta(days=self.subscription_days))
        one = {
            **body,
            "id": str(uuid.uuid4()),
            "expirationDateTime": ends.strftime("%Y-%m-%dT%H:%M:%S.0000000Z"),
        }
        self.subscriptions[one["id"]] = one
        self.log.append("subscribe")
        return web.json_response(one, status=201)

    async def unsubscribe(self, request: web.Request) -> web.Response:
        if self.subscriptions.pop(request.match_info["subscription"], None) is None:
            return _error(404, "ResourceNotFound")
        self.log.append("unsubscribe")
        return web.Response(status=204)


def _plain(event: Event) -> Event:
    # Extended properties are only told to who expands them, which a delta cannot.
    return {name: value for name, value in event.items() if name != "singleValueExtendedProperties"}


def _error(status: int, code: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": code}}, status=status)
