"""Microsoft Graph: the calendars of Outlook and Microsoft 365."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
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
from .rules import midnight, transaction_id, zone_of

_SCOPES: Final = ("offline_access", "User.Read", "Calendars.ReadWrite", "MailboxSettings.Read")
# The extended property that says which booking an event is of; the GUID is this program's own.
_TAG: Final = "String {66c9a3de-2ddf-4b9c-9a28-0f2f6a9e9d4b} Name conecta_booking"
_UTC: Final = {"Prefer": 'outlook.timezone="UTC", odata.maxpagesize=100'}
# Graph lets event subscriptions last for less than seven days.
_CHANNEL_LIFE: Final = timedelta(days=6)
_FREE: Final = {"free", "workingElsewhere"}
_EXPIRED_CODES: Final = {"SyncStateNotFound", "SyncStateInvalid", "resyncRequired"}
_REFUSALS: Final = {"invalid_grant", "interaction_required", "consent_required"}


class Microsoft:
    """Graph's calendars: a delta of a view, subscriptions, and events known by the request that made them."""

    name: ProviderName = "microsoft"
    title = "Microsoft Outlook"
    # All or nothing, and its answer does not name all of them.
    needs: Collection[str] = ()

    def __init__(self, client: Client) -> None:
        self.client = client

    def authorize_url(self, *, state: str, redirect_uri: str, challenge: str) -> str:
        """Ask for lasting access (`offline_access`)."""
        asked = {
            "client_id": self.client.id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "response_mode": "query",
            "scope": " ".join(_SCOPES),
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{self.client.authorize_url}?{urlencode(asked)}"

    def key_of(self, key: str) -> str:
        """The key is the transaction that made the event."""
        return transaction_id(key)

    def refused(self, error: str) -> bool:
        """Withdrawn, expired, or to be consented to anew."""
        return error in _REFUSALS

    async def account(self, api: Api) -> str:
        """The account's address."""
        body = (await api.call("GET", "/me", params={"$select": "mail,userPrincipalName"})).body
        return str(body.get("mail") or body["userPrincipalName"])

    async def calendars(self, api: Api) -> list[RemoteCalendar]:
        """All calendars of the mailbox, with its zone: calendars have none of their own."""
        settings = await api.call(
            "GET", "/me/mailboxSettings", params={"$select": "timeZone"}, allow=(403, 404)
        )
        zone = zone_of(settings.body.get("timeZone"), "UTC")
        found: list[RemoteCalendar] = []
        url = "/me/calendars"
        params: Json | None = {"$top": "100"}
        while url:
            body = (await api.call("GET", url, params=params)).body
            found += [_calendar(item, zone) for item in body.get("value", [])]
            url, params = body.get("@odata.nextLink", ""), None
        return found

    async def changes(
        self, api: Api, calendar_id: str, zone: str, *, cursor: str | None, window: Window
    ) -> Changes:
        """Follow the links of a view's delta; the one of the next time is the cursor."""
        params: Json | None = None
        url = cursor
        if url is None:
            url = f"{_calendar_path(calendar_id)}/calendarView/delta"
            params = {"startDateTime": clock.wire(window.start), "endDateTime": clock.wire(window.end)}
        items: list[Json] = []
        while True:
            answer = await api.call("GET", url, params=params, headers=_UTC, allow=(400, 410))
            if answer.status != 200:
                raise _failure(answer.status, answer.body)
            items += answer.body.get("value", [])
            if cursor is not None and any(item.get("type") == "seriesMaster" for item in items):
                # Its occurrences do not say what they are like, nor need they be told anew.
                raise CursorExpired("A series has changed.")
            url, params = answer.body.get("@odata.nextLink") or "", None
            if not url:
                break
        link = answer.body.get("@odata.deltaLink")
        if not link:
            raise ProviderFailure("The provider's list has neither a next page nor an end.")
        events = [
            _event(item, zone) for item in await _completed(api, items) if item.get("type") != "seriesMaster"
        ]
        return Changes(events, str(link), whole=cursor is None)

    async def write(self, api: Api, calendar_id: str, event: OurEvent, known_id: str | None) -> Written:
        """Change the event, or make it unless a former try has: it is looked for by its tag first."""
        body, key = _body(event), event.key
        wanted = known_id or await _find(api, calendar_id, event)
        if wanted:
            if written := await _change(api, wanted, body):
                return written
            # A deleted event cannot be revived, nor its transaction be used again.
            key = f"{event.key} {wanted}"
        path = f"{_calendar_path(calendar_id)}/events"
        made = {"transactionId": transaction_id(key), **body}
        answer = await api.call("POST", path, body=made, allow=(409,))
        if answer.status == 409:
            # A try of which we had no answer has made it; or long ago, and it was taken away since.
            found = await _find(api, calendar_id, event)
            if found and (written := await _change(api, found, body)):
                return written
            made["transactionId"] = transaction_id(f"{key} {event.version}")
            answer = await api.call("POST", path, body=made)
        return _written(answer.body)

    async def remove(self, api: Api, calendar_id: str, event: OurEvent | None, known_id: str | None) -> None:
        """Delete it, found by its tag when the answer to its making was lost."""
        wanted = known_id or (await _find(api, calendar_id, event) if event else None)
        if wanted:
            await api.call("DELETE", f"/me/events/{quote(wanted, safe='')}", allow=(404, 410))

    async def watch(
        self,
        api: Api,
        calendar_id: str,
        *,
        address: str,
        channel: str,  # noqa: ARG002 - Graph names its subscriptions itself
        secret: str,
    ) -> Watch:
        """Subscribe for as long as Graph lets; it asks the address at once whether it is ours."""
        ends = clock.real_now() + _CHANNEL_LIFE
        asked = {
            "changeType": "created,updated,deleted",
            "notificationUrl": address,
            "lifecycleNotificationUrl": address,
            "resource": f"{_calendar_path(calendar_id)}/events",
            "expirationDateTime": clock.wire(ends),
            "clientState": secret,
        }
        body = (await api.call("POST", "/subscriptions", body=asked)).body
        return Watch(str(body["id"]), datetime.fromisoformat(body["expirationDateTime"]))

    async def unwatch(self, api: Api, channel: str, remote_id: str) -> None:  # noqa: ARG002
        """End a subscription."""
        await api.call("DELETE", f"/subscriptions/{quote(remote_id, safe='')}", allow=(404,))


def _calendar_path(calendar_id: str) -> str:
    return f"/me/calendars/{quote(calendar_id, safe='')}"


def _calendar(item: Mapping[str, Any], zone: str) -> RemoteCalendar:
    return RemoteCalendar(
        id=str(item["id"]),
        name=str(item.get("name") or item["id"])[:200],
        time_zone=zone,
        primary=bool(item.get("isDefaultCalendar")),
        writable=bool(item.get("canEdit")),
    )


def _failure(status: int, body: Json) -> ProviderFailure:
    error = body.get("error")
    code = str(error.get("code", "")) if isinstance(error, dict) else ""
    if status == 410 or code in _EXPIRED_CODES:
        return CursorExpired("The delta is no longer known.", status=status)
    return ProviderFailure(f"The provider answers {status}: {code}", status=status)


async def _completed(api: Api, items: list[Json]) -> list[Json]:
    """Fill in what a plain occurrence leaves to its series: the delta tells only its times."""
    masters = {item["id"]: item for item in items if item.get("type") == "seriesMaster"}
    whole = []
    for item in items:
        series: str | None = item.get("seriesMasterId")
        inherited: Json = {}
        if item.get("type") == "occurrence" and "showAs" not in item and series:
            if series not in masters:
                path = f"/me/events/{quote(series, safe='')}"
                masters[series] = (await api.call("GET", path, headers=_UTC, allow=(404,))).body
            inherited = _inherited(masters[series])
        whole.append({**inherited, **item})
    return whole


def _inherited(master: Json) -> Json:
    names = ("showAs", "isAllDay", "isCancelled", "responseStatus", "subject", "originalStartTimeZone")
    return {name: master[name] for name in names if name in master}


def _event(item: Mapping[str, Any], zone: str) -> RemoteEvent:
    if "@removed" in item:
        return RemoteEvent(item["id"], gone=True)
    all_day = bool(item.get("isAllDay"))
    start, end = _moment(item["start"], zone, all_day=all_day), _moment(item["end"], zone, all_day=all_day)
    answer = (item.get("responseStatus") or {}).get("response")
    shown = item.get("showAs", "busy")
    busy = shown not in _FREE and not item.get("isCancelled") and answer != "declined" and start < end
    original = item.get("originalStart")
    return RemoteEvent(
        id=item["id"],
        series_id=item.get("seriesMasterId"),
        busy=busy,
        tentative=shown == "tentative" or answer in {"tentativelyAccepted", "notResponded"},
        all_day=all_day,
        start=start,
        end=end,
        occurrence_start=datetime.fromisoformat(original).astimezone(UTC) if original else start,
        title=item.get("subject"),
        etag=item.get("changeKey") or item.get("@odata.etag"),
        key=item.get("transactionId"),
    )


def _moment(given: Mapping[str, str], zone: str, *, all_day: bool) -> datetime:
    if all_day:
        # A whole day is the day that it says, wherever it is asked from.
        return midnight(given["dateTime"][:10], zone)
    # Graph writes seven digits of a second.
    moment = datetime.fromisoformat(given["dateTime"][:19])
    return moment.replace(tzinfo=ZoneInfo(zone_of(given.get("timeZone"), "UTC"))).astimezone(UTC)


async def _change(api: Api, event_id: str, body: Json) -> Written | None:
    path = f"/me/events/{quote(event_id, safe='')}"
    answer = await api.call("PATCH", path, body=body, allow=(404, 410))
    return _written(answer.body) if answer.status == 200 else None


async def _find(api: Api, calendar_id: str, event: OurEvent) -> str | None:
    wanted = f"singleValueExtendedProperties/Any(ep: ep/id eq '{_TAG}' and ep/value eq '{event.key}')"
    params = {"$filter": wanted, "$select": "id", "$top": "1"}
    found = (await api.call("GET", f"{_calendar_path(calendar_id)}/events", params=params)).body.get(
        "value", []
    )
    return str(found[0]["id"]) if found else None


def _body(event: OurEvent) -> Json:
    def moment(value: datetime) -> Json:
        return {"dateTime": value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"), "timeZone": "UTC"}

    return {
        "subject": event.summary,
        "body": {"contentType": "text", "content": event.description},
        "location": {"displayName": event.location},
        "start": moment(event.start),
        "end": moment(event.end),
        "isAllDay": False,
        "showAs": "tentative" if event.tentative else "busy",
        "singleValueExtendedProperties": [{"id": _TAG, "value": event.key}],
    }


def _written(body: Json) -> Written:
    return Written(str(body["id"]), body.get("changeKey") or body.get("@odata.etag"))
