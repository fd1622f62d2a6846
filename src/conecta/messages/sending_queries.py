"""All SQL of the postman; it acts across tenants, as the system role."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from conecta.kit.db import Database

# A claim is a lease: whoever dies while sending lets the mail come due again. What nobody may send is
# captured instead, and leaves the queue.
_CLAIM_OF_FIRMS = """
with due as (
  select m.tenant_id, m.id, m.channel from messages m
  where m.status = 'queued' and m.due_at <= %(now)s
  order by m.due_at limit %(limit)s::int for update skip locked
), claimed as (
  update messages m set
    status = case when f.sends then 'queued' else 'captured' end,
    attempts = m.attempts + case when f.sends then 1 else 0 end,
    due_at = case when f.sends then %(lease)s::timestamptz end
  from (select d.tenant_id, d.id, t.name,
          d.channel = any(%(delivers)s::text[]) and t.sandbox_of is null as sends
        from due d join tenants t on t.id = d.tenant_id) f
  where m.tenant_id = f.tenant_id and m.id = f.id
  returning m.tenant_id, m.id, m.recipient, m.language, m.subject, m.sealed_body, m.status, m.attempts,
    m.queued_at, f.name, m.channel
)
select * from claimed
"""

_CLAIM_PERSONAL = """
with due as (
  select m.id from personal_messages m
  where m.status = 'queued' and m.due_at <= %(now)s
  order by m.due_at limit %(limit)s::int for update skip locked
), claimed as (
  update personal_messages m set
    status = case when 'mail' = any(%(delivers)s::text[]) then 'queued' else 'captured' end,
    attempts = m.attempts + case when 'mail' = any(%(delivers)s::text[]) then 1 else 0 end,
    due_at = case when 'mail' = any(%(delivers)s::text[]) then %(lease)s::timestamptz end
  from due d where m.id = d.id
  returning null::text, m.id, m.recipient, m.language, m.subject, m.sealed_body, m.status, m.attempts,
    m.queued_at, null::text, 'mail'
)
select * from claimed
"""

_NEXT_DUE = """
select min(due_at) from (
  select min(m.due_at) as due_at from messages m where m.status = 'queued'
  union all
  select min(m.due_at) from personal_messages m where m.status = 'queued') d
"""

# What was sent or given up has no body any more: it may hold a link that lets somebody in.
_SETTLE = """
update {table} m set status = %(status)s, due_at = %(due_at)s, last_error = %(error)s, sent_at = %(sent_at)s,
  sealed_body = case when %(status)s = 'queued' then m.sealed_body end
where {key} and m.status = 'queued'
"""
_SETTLE_OF_FIRM = _SETTLE.format(table="messages", key="m.tenant_id = %(tenant)s and m.id = %(id)s")
_SETTLE_PERSONAL = _SETTLE.format(table="personal_messages", key="m.id = %(id)s")


class Claim(NamedTuple):
    """A message that this worker alone may send until its lease is over; a captured one needs no sending."""

    tenant_id: str | None
    id: str
    recipient: str
    language: str
    subject: str | None
    sealed_body: bytes
    status: str
    attempt: int
    queued_at: datetime
    sender_name: str | None
    channel: str


class Outcome(NamedTuple):
    """What became of an attempt: `sent`, `failed`, or `queued` and due again."""

    status: str
    due_at: datetime | None
    error: str | None
    sent_at: datetime | None


async def claim(
    database: Database, *, now: datetime, lease: timedelta, limit: int, delivers: Sequence[str]
) -> Sequence[Claim]:
    """Claim what is due, of firms and of persons; what no channel of `delivers` takes out is captured."""
    params = {"now": now, "lease": now + lease, "limit": limit, "delivers": list(delivers)}
    rows = [
        *await database.read(_CLAIM_OF_FIRMS, params, system=True),
        *await database.read(_CLAIM_PERSONAL, params, system=True),
    ]
    return [Claim(*row) for row in rows]


async def next_due(database: Database) -> datetime | None:
    """Return when the next mail is due, if any waits."""
    found: datetime | None = (await database.read(_NEXT_DUE, {}, system=True))[0][0]
    return found


async def settle(database: Database, claim: Claim, outcome: Outcome) -> None:
    """Write what became of a mail."""
    params: dict[str, Any] = {**outcome._asdict(), "tenant": claim.tenant_id, "id": claim.id}
    statement = _SETTLE_PERSONAL if claim.tenant_id is None else _SETTLE_OF_FIRM
    await database.read(statement, params, system=True)
