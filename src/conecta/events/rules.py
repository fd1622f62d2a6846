"""Where a reader of the pull feed stands, and where it stands after a page; no SQL, no HTTP.

The feed is ordered by (transaction, id) and ends before the oldest transaction that still runs, so what
commits late is never behind a reader. Transaction numbers only mean something in one history of one
cluster: a position also remembers both, and the last event that was read.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from conecta.kit.crypto import KeyRing

_PURPOSE = "event feed"


class Epoch(NamedTuple):
    """A history of transaction numbers: the cluster's identity, and the timeline that a failover changes."""

    cluster: int
    timeline: int


@dataclass(frozen=True)
class Position:
    """Everything up to (`xid`, `id`) has been read; `last_read` is the event that was read last."""

    epoch: Epoch | None = None
    xid: str = "0"
    id: str = ""
    last_read: str = ""


START = Position()


class FeedRow(NamedTuple):
    """One event of the feed."""

    xid: str
    id: str
    payload: str


@dataclass(frozen=True)
class Found:
    """What the feed had after a position: one row more than asked for when there is more to read.

    Every transaction before `horizon` had ended when the rows were read.
    """

    epoch: Epoch
    horizon: str
    rows: Sequence[FeedRow]


def position_after(start: Position, found: Found, limit: int, *, filtered: bool) -> Position:
    """Return where the reader stands after a page of at most `limit` events.

    With a filter, the end of the feed is where the search ended, lest every poll search the same
    events again; without one it is the last event, so that polling an idle feed answers the same bytes.
    """
    shown = found.rows[:limit]
    last_read = shown[-1].id if shown else start.last_read
    if filtered and len(found.rows) <= limit:
        return Position(found.epoch, found.horizon, "", last_read)
    if not shown:
        return replace(start, epoch=found.epoch)
    return Position(found.epoch, shown[-1].xid, shown[-1].id, last_read)


def sealed(position: Position, keyring: KeyRing, tenant_id: str) -> str:
    """Write a position as the signed cursor that callers see."""
    assert position.epoch is not None
    members = [tenant_id, *position.epoch, position.xid, position.id, position.last_read]
    return keyring.sign(_PURPOSE, json.dumps(members, separators=(",", ":")).encode())


def opened(cursor: str, keyring: KeyRing, tenant_id: str) -> Position | None:
    """Read a cursor; None when it is forged, or another firm's."""
    payload = keyring.verify(_PURPOSE, cursor)
    if payload is None:
        return None
    owner, cluster, timeline, xid, event_id, last_read = json.loads(payload)
    return Position(Epoch(cluster, timeline), xid, event_id, last_read) if owner == tenant_id else None
