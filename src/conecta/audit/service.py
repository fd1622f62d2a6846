"""The audit log: who did what, from where."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from psycopg.rows import TupleRow
from sqlalchemy.ext.asyncio import AsyncSession

from conecta.auth.caller import Caller
from conecta.kit import clock
from conecta.kit.db import Database, Reads
from conecta.kit.errors import NotFound
from conecta.kit.ids import canonical, new_id
from conecta.kit.language import Text
from conecta.kit.pages import PageOfRows, Pager
from conecta.kit.request_context import origin

from . import queries, rules
from .actions import ACTIONS
from .models import AuditEntry
from .schemas import AuditFilters

__all__ = [
    "ACTIONS",
    "OPERATOR",
    "SYSTEM",
    "Actor",
    "actor_of",
    "export_csv",
    "list_entries",
    "read_entry",
    "record",
    "record_for_person",
]

_EXPORTED_AT_A_TIME: Final = 1_000


@dataclass(frozen=True)
class Actor:
    """Who did something: a member, the firm by a key, a client of it, a person, an operator, or we."""

    kind: Literal["user", "firm", "client", "person", "operator", "system"]
    id: str | None
    name: str


OPERATOR = Actor("operator", None, "conecta")
SYSTEM = Actor("system", None, "Conecta")


def actor_of(caller: Caller) -> Actor:
    """Return whoever makes a request; what visitors do is not audited."""
    assert caller.kind != "visitor"
    ids = {"user": caller.user_id, "client": caller.client_id, "firm": caller.credential_id}
    return Actor(caller.kind, ids[caller.kind], caller.name)


async def record(
    session: AsyncSession,
    *,
    tenant_id: str,
    action: str,
    actor: Actor,
    target: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write an entry in the running transaction: what is rolled back has not happened.

    Address and user agent are those of the request that is being answered.

    Args:
        session: of the tenant, or of the system.
        tenant_id: whose log.
        action: one of ACTIONS.
        actor: who did it.
        target: the id of what it was done to.
        details: what else is worth knowing, fit for JSON; never a secret.
    """
    values = _values(action, actor, target)
    entry = AuditEntry(tenant_id=tenant_id, id=new_id("aud"), details=dict(details or {}), **values)
    session.add(entry)


async def record_for_person(
    database: Database,
    *,
    person_id: str,
    action: str,
    actor: Actor,
    target: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write an entry into the log of every firm that a person is an active member of.

    It is committed at once, on a connection of the hot reads, so that it survives the caller's rollback
    and waits for no connection that the caller holds.
    """
    values = _values(action, actor, target)
    firms = await queries.firms_of(database, person_id)
    if firms:
        ids = [new_id("aud") for _ in firms]
        await queries.add(database, firms, ids, {**values, "details": json.dumps(dict(details or {}))})


async def list_entries(reads: Reads, pager: Pager, *, tenant_id: str, filters: AuditFilters) -> PageOfRows:
    """Return a page of the firm's log, described in the caller's language."""
    return await queries.page(reads, pager, tenant_id, filters)


async def read_entry(reads: Reads, *, tenant_id: str, entry_id: str) -> str:
    """Return one entry as JSON text; raise NotFound."""
    key = canonical("aud", entry_id)
    found = await queries.one(reads, tenant_id, key) if key else None
    if found is None:
        raise NotFound
    return found


async def export_csv(
    reads: Reads, *, tenant_id: str, filters: AuditFilters, language: str
) -> AsyncIterator[bytes]:
    """Give all entries that match as CSV in UTF-8, newest first, piece by piece; paging is ignored.

    Record `audit.exported` before; `reads` must be hot reads, which outlive the request's transaction.
    """
    english = language == "en"
    columns = [text.en if english else text.es for text in rules.COLUMNS]
    yield (rules.BYTE_ORDER_MARK + rules.csv_text([columns])).encode()
    last: tuple[datetime, str] | None = None
    while rows := await queries.export(reads, tenant_id, filters, last, _EXPORTED_AT_A_TIME):
        last = rows[-1][1], rows[-1][0]
        yield rules.csv_text(_exported(row, english=english) for row in rows).encode()


def _exported(row: TupleRow, *, english: bool) -> list[str | None]:
    entry_id, created_at, action, *others = row
    sentence = ACTIONS.get(action, Text(action, action))
    return [clock.wire(created_at), sentence.en if english else sentence.es, action, *others, entry_id]


def _values(action: str, actor: Actor, target: str | None) -> dict[str, Any]:
    if action not in ACTIONS:
        raise ValueError(f"Declare {action} in audit/actions.py.")
    seen = origin()
    return {
        "action": action,
        "actor_kind": actor.kind,
        "actor_id": actor.id,
        "actor_name": actor.name,
        "target": target,
        "address": seen.address,
        "user_agent": seen.user_agent,
        "created_at": clock.real_now(),
    }
