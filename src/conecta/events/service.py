"""Emits events inside the business transaction; lists them, and feeds them to whoever would rather pull."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit import clock
from conecta.kit.crypto import KeyRing
from conecta.kit.db import Reads, SessionReads
from conecta.kit.errors import NotFound
from conecta.kit.ids import canonical, new_id
from conecta.kit.pages import PageOfRows, Pager, Where

from . import catalogue, errors, queries, rules
from .schemas import EventFilters, FeedParams
from .types import EventType, patterns_for


async def emit(
    session: AsyncSession, event: EventType, *, tenant_id: str, resource_id: str, data: Mapping[str, Any]
) -> str:
    """Write an event and its deliveries in the running transaction; return its id.

    `data` must already be JSON values in the shape of `event.payload`; it is frozen here: every
    delivery, resend and replay sends these very bytes (seed §4.1: five keys at top level).
    """
    values = opening(event, tenant_id=tenant_id)
    shut = {"tenant": tenant_id, "resource": resource_id, "data": _json(data)}
    await SessionReads(session).rows(queries.EMIT, {**values, **shut})
    return str(values["event_id"])


def emit_in(resource_id: str, data: str) -> str:
    """Return the SQL expression that emits, inside a statement of another feature that writes the resource.

    `resource_id` and `data` are SQL, too: its id, and JSON in the shape of the event's payload. The
    statement takes `%(tenant)s` and the parameters that `opening` gives.
    """
    return queries.emit_in(resource_id, data)


def opening(event: EventType, *, tenant_id: str) -> dict[str, Any]:
    """Return the parameters of an event that a statement will emit: all that is known before its data."""
    now, event_id = clock.now(), new_id("wh_evt")
    head = {"id": event_id, "type": event.name, "created": clock.wire(now), "tenant_id": tenant_id}
    return {
        "event_id": event_id,
        "event_type": event.name,
        "event_head": _json(head)[:-1] + ',"data":',
        "event_now": now,
        "real_now": clock.real_now(),
        "patterns": patterns_for(event.name),
    }


async def record(
    session: AsyncSession, event: EventType, *, tenant_id: str, resource_id: str, data: Mapping[str, Any]
) -> str:
    """Write an event that is delivered to nobody by itself, such as an endpoint's trial; return its id."""
    values = opening(event, tenant_id=tenant_id)
    shut = {"tenant": tenant_id, "resource": resource_id, "data": _json(data)}
    await SessionReads(session).rows(queries.RECORD, {**values, **shut})
    return str(values["event_id"])


def event_type(name: str) -> EventType:
    """Return an entry of the catalogue; raise KeyError when there is none of that name."""
    return catalogue.BY_NAME[name]


def known_pattern(pattern: str) -> str:
    """Return a filter of events; raise Refused, with what was perhaps meant, when it lets nothing through."""
    return catalogue.known_pattern(pattern)


def narrow(where: Where, pattern: str | None) -> Where:
    """Narrow a list, whose source calls events `e`, to the types that a filter lets through."""
    return catalogue.narrow(where, pattern)


def known_name(name: str) -> str:
    """Return the name of a type of event; raise Refused, with what was perhaps meant, when it is none."""
    return catalogue.known_name(name)


async def list_events(reads: Reads, pager: Pager, *, tenant_id: str, filters: EventFilters) -> PageOfRows:
    """Return a page of what happened in the firm."""
    return await queries.page(reads, pager, tenant_id, filters)


async def read_event(reads: Reads, *, tenant_id: str, event_id: str) -> str:
    """Return the payload of an event, byte for byte as it is delivered; raise NotFound."""
    key = canonical("wh_evt", event_id)
    found = await queries.one(reads, tenant_id, key) if key else None
    if found is None:
        raise NotFound
    return found


@dataclass(frozen=True)
class FeedPage:
    """A stretch of the feed and the cursor that goes on from it."""

    payloads: list[str]
    has_more: bool
    next_cursor: str


async def feed(reads: Reads, keyring: KeyRing, *, tenant_id: str, params: FeedParams) -> FeedPage:
    """Return the events after a cursor, in an order in which nothing appears behind a reader.

    Raises InvalidParameter (400, `invalid_cursor`) for a cursor that is not ours or lost its place.
    """
    start = _start(params.cursor, keyring, tenant_id)
    found = await queries.feed(reads, tenant_id, start, params.type, params.limit + 1)
    if start.epoch not in {None, found.epoch}:
        start = await _found_again(reads, tenant_id, start, found.epoch)
        found = await queries.feed(reads, tenant_id, start, params.type, params.limit + 1)
    filtered = params.type not in {None, "*"}
    position = rules.position_after(start, found, params.limit, filtered=filtered)
    return FeedPage(
        payloads=[row.payload for row in found.rows[: params.limit]],
        has_more=len(found.rows) > params.limit,
        next_cursor=rules.sealed(position, keyring, tenant_id),
    )


def _start(cursor: str | None, keyring: KeyRing, tenant_id: str) -> rules.Position:
    if cursor is None:
        return rules.START
    position = rules.opened(cursor, keyring, tenant_id)
    if position is None:
        raise errors.foreign_cursor()
    return position


async def _found_again(
    reads: Reads, tenant_id: str, start: rules.Position, epoch: rules.Epoch
) -> rules.Position:
    # A failover may lose the newest transactions and give their numbers away again. The event that was
    # read last proves, if it is still there, that its own number was not; in another cluster, into which
    # rows were copied with their numbers, nothing proves anything.
    assert start.epoch is not None
    if start.epoch.cluster != epoch.cluster:
        raise errors.outdated_cursor()
    if not start.last_read:
        return rules.START
    xid = await queries.xid_of(reads, tenant_id, start.last_read)
    if xid is None:
        raise errors.outdated_cursor()
    return replace(start, xid=xid, id=start.last_read)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
