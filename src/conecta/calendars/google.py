"""Google Calendar, API v3."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from conecta.kit import clock

from .provider import (
    Api,
    Changes,
    Client,
    CursorExpired,
    Json,
    OurEvent,
    ProviderFailure,
    ProviderName,
    RemoteCalendar,
    RemoteEvent,
    Watch,
    Window,
    Written,
)
from .rules import midnight, zone_of

_SCOPES: Final = (
    "https://www.googleapis.com/auth/calendar.events",
    "https://www.googleapis.com/auth/calendar.calendarlist.readonly",
)
_TAG: Final = "conecta_booking"
_PAGE: Final = 250
_CHANNEL_SECONDS: Final = 7 * 86_400
_FREE_TYPES: Final = {"workingLocation", "birthday"}


class Google:
    """Google's calendars: a list with a sync token, channels, and event ids that we may choose."""

    name: ProviderName = "google"
    title = "Google Calendar"
    needs: Collection[str] = _SCOPES

    def __init__(self, client: Client) -> None:
        self.client = client

    def authorize_url(self, *, state: str, redirect_uri: str, challenge: str) -> str:
        """Ask for lasting access, which Google only gives when it may ask anew."""
        asked = {
            "client_id": self.client.id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "scope": " ".join(_SCOPES),
            "access_type": "offline",
            "prompt": "consent",
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{self.client.authorize_url}?{urlencode(asked)}"

    def key_of(self, key: str) -> str:
        """The key is the event's id."""
        return key

    def refused(self, error: str) -> bool:
        """`invalid_grant`: withdrawn, expired or used."""
        return error == "invalid_grant"

    async def account(self, api: Api) -> str:
        """The primary calendar bears the account's address."""
        answer = await api.call("GET", "/users/me/calendarList/primary")
        return str(answer.body["id"])

    async def calendars(self, api: Api) -> list[RemoteCalendar]:
        """All calendars of the list, the hidden ones apart."""
        found, page = [], ""
        while True:
            params = {"maxResults": str(_PAGE), **({"pageToken": page} if page else {})}
            body = (await api.call("GET", "/users/me/calendarList", params=params)).body
            found += [_calendar(item) for item in body.get("items", [])]
            page = body.get("nextPageToken", "")
            if not page:
                return found

    async def changes(
        self, api: Api, calendar_id: str, zone: str, *, cursor: str | None, window: Window
    ) -> Changes:
        """Read all pages: the token of the next time comes with the last one alone."""
        params: Json = {"singleEvents": "true", "maxResults": str(_PAGE)}
        if cursor:
            params["syncToken"] = cursor
        else:
            params |= {"timeMin": clock.wire(window.start), "timeMax": clock.wire(window.end)}
        events: list[RemoteEvent] = []
        while True:
            answer = await api.call("GET", _events(calendar_id), params=params, allow=(410,))
            if answer.status == 410:
                raise CursorExpired("The sync token is no longer known.", status=410)
            zone = answer.body.get("timeZone") or zone
            events += [_event(item, zone) for item in answer.body.get("items", [])]
            if token := answer.body.get("nextPageToken"):
                params = {**params, "pageToken": token}
            elif token := answer.body.get("nextSyncToken"):
                return Changes(events, token, whole=cursor is None, time_zone=zone)
            else:
                raise ProviderFailure("The provider's list has neither a next page nor an end.")

    async def write(self, api: Api, calendar_id: str, event: OurEvent, known_id: str | None) -> Written:
        """Insert under an id of ours, or replace; a deleted event still has its id and is revived."""
        path, body = _events(calendar_id), _body(event)
        quiet = {"sendUpdates": "none"}
        if known_id is None:
            answer = await api.call("POST", path, params=quiet, body={"id": event.key, **body}, allow=(409,))
            if answer.status != 409:
                return _written(answer.body)
        answer = await api.call(
            "PUT", f"{path}/{known_id or event.key}", params=quiet, body=body, allow=(404, 410)
        )
        if answer.status in {404, 410}:
            answer = await api.call("POST", path, params=quiet, body={"id": event.key, **body})
        return _written(answer.body)

    async def remove(self, api: Api, calendar_id: str, event: OurEvent | None, known_id: str | None) -> None:
        """Delete it; the id is ours, so it is known even when the answer to its insertion was lost."""
        wanted = known_id or (event.key if event else None)
        if wanted:
            path = f"{_events(calendar_id)}/{wanted}"
            await api.call("DELETE", path, params={"sendUpdates": "none"}, allow=(404, 410))

    async def watch(self, api: Api, calendar_id: str, *, address: str, channel: str, secret: str) -> Watch:
        """Open a channel of a week, or of as long as Google grants."""
        asked = {
            "id": channel,
            "type": "web_hook",
            "address": address,
            "token": secret,
            "params": {"ttl": str(_CHANNEL_SECONDS)},
        }
        body = (await api.call("POST", f"{_events(calendar_id)}/watch", body=asked)).body
        ends = datetime.fromtimestamp(int(body["expiration"]) / 1000, UTC)
        return Watch(str(body["resourceId"]), ends)

    async def unwatch(self, api: Api, channel: str, remote_id: str) -> None:
        """Stop a channel."""
        await api.call("POST", "/channels/stop", body={"id": channel, "resourceId": remote_id}, allow=(404,))


def _events(calendar_id: str) -> str:
    return f"/calendars/{quote(calendar_id, safe='')}/events"


def _calendar(item: Mapping[str, Any]) -> RemoteCalendar:
    return RemoteCalendar(
        id=str(item["id"]),
        name=str(item.get("summaryOverride") or item.get("summary") or item["id"])[:200],
        time_zone=str(item.get("timeZone") or "UTC"),
        primary=bool(item.get("primary")),
        writable=item.get("accessRole") in {"owner", "writer"},
    )


def _event(item: Mapping[str, Any], zone: str) -> RemoteEvent:
    if item.get("status") == "cancelled":
        return RemoteEvent(item["id"], series_id=item.get("recurringEventId"), gone=True, key=item["id"])
    mine: Json = next((guest for guest in item.get("attendees", []) if guest.get("self")), {})
    answer = mine.get("responseStatus")
    free = item.get("transparency") == "transparent" or item.get("eventType") in _FREE_TYPES
    start, end = _moment(item["start"], zone), _moment(item["end"], zone)
    original = item.get("originalStartTime")
    return RemoteEvent(
        id=item["id"],
        series_id=item.get("recurringEventId"),
        # What lasts no time takes none.
        busy=not free and answer != "declined" and start < end,
        tentative=item.get("status") == "tentative" or answer in {"tentative", "needsAction"},
        all_day="date" in item["start"],
        start=start,
        end=end,
        occurrence_start=_moment(original, zone) if original else start,
        title=item.get("summary"),
        etag=item.get("etag"),
        key=item["id"],
    )


def _moment(given: Mapping[str, str], zone: str) -> datetime:
    if "date" in given:
        return midnight(given["date"], zone)
    moment = datetime.fromisoformat(given["dateTime"])
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone_of(given.get("timeZone"), zone)))
    return moment.astimezone(UTC)


def _body(event: OurEvent) -> Json:
    return {
        "summary": event.summary,
        "description": event.description,
        "location": event.location,
        "start": {"dateTime": clock.wire(event.start), "timeZone": "UTC"},
        "end": {"dateTime": clock.wire(event.end), "timeZone": "UTC"},
        "status": "tentative" if event.tentative else "confirmed",
        "transparency": "opaque",
        "extendedProperties": {"private": {_TAG: event.booking_id}},
    }


def _written(body: Json) -> Written:
    return Written(str(body["id"]), body.get("etag"))
