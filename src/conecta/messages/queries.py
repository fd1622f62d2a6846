"""All SQL of messages: writing them, and reading a firm's."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from psycopg.rows import TupleRow
from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit.db import Database, Reads
from conecta.kit.pages import JsonView, PageOfRows, Pager, Where
from conecta.kit.sql import wire_time

from .schemas import MessageFilters

CHANNEL = "conecta_mail"

# One round trip: the mail, and the wake-up call for whoever sends it.
_ADD = """
with message as (
  insert into {table} ({owner}id, recipient, language, subject, sealed_body, status, attempts, due_at,
    created_at, queued_at)
  values ({owner_value}%(id)s, %(recipient)s, %(language)s, %(subject)s, %(sealed_body)s, 'queued', 0,
    %(real_now)s, %(now)s, %(real_now)s)
)
select pg_notify('{channel}', '')
"""
_ADD_OF_FIRM = _ADD.format(
    table="messages",
    owner="tenant_id, channel, ",
    owner_value="%(tenant)s, %(channel)s, ",
    channel=CHANNEL,
)
_ADD_PERSONAL = _ADD.format(table="personal_messages", owner="", owner_value="", channel=CHANNEL)

# What nobody will ever send is captured from the moment it is written, before any worker says so.
_STATUS = """case when m.status = 'queued'
    and (m.channel <> all(%(delivers)s::text[]) or t.sandbox_of is not null)
  then 'captured' else m.status end"""

VIEW = JsonView(
    source=f"""(
      select m.tenant_id, m.id, m.channel, m.recipient, m.language, m.subject, {_STATUS} as status,
        m.attempts, m.last_error, m.created_at, m.sent_at
      from messages m join tenants t on t.id = m.tenant_id
      where m.tenant_id = %(tenant)s) m""",
    alias="m",
    fields=f"""m.id, m.channel, m.recipient as "to", m.language, m.subject, m.status, m.attempts,
      m.last_error,
      {wire_time("m.sent_at")} as sent_at, {wire_time("m.created_at")} as created_at""",
    sorts={"created_at": ("m.created_at", "timestamptz")},
)

_ONE = f"""
select (select row_to_json(j)::text from (select {VIEW.fields}) j), m.sealed_body, m.status from (
  select m.tenant_id, m.id, m.channel, m.recipient, m.language, m.subject, {_STATUS} as status,
    m.attempts, m.last_error, m.created_at, m.sent_at, m.sealed_body
  from messages m join tenants t on t.id = m.tenant_id
  where m.tenant_id = %(tenant)s and m.id = %(id)s) m
"""

# What was captured or waits, of firms and of persons: the operator's view, newest first.
_MAILBOX = f"""
select m.tenant_id, m.id, m.channel, m.recipient, m.subject, {wire_time("m.created_at")},
  m.sealed_body from (
  select f.tenant_id, f.id, f.channel, f.recipient, f.subject, f.created_at, f.queued_at, f.sealed_body
  from messages f
  union all
  select null, p.id, 'mail', p.recipient, p.subject, p.created_at, p.queued_at, p.sealed_body
  from personal_messages p) m
where m.sealed_body is not null and (%(recipient)s::text is null or lower(m.recipient) = lower(%(recipient)s))
order by m.queued_at desc, m.id desc limit %(limit)s::int
"""


class Found(NamedTuple):
    """A message: its JSON text without the body, the body as stored, and its status."""

    json_text: str
    sealed_body: bytes | None
    status: str


class Captured(NamedTuple):
    """A mail that nobody sends, or not yet, as the operator finds it."""

    tenant_id: str | None
    id: str
    channel: str
    to: str
    subject: str | None
    created_at: str
    sealed_body: bytes


async def add(session: AsyncSession, tenant_id: str | None, values: Mapping[str, Any]) -> None:
    """Write a mail that waits to be sent."""
    connection = await session.connection()
    statement = _ADD_PERSONAL if tenant_id is None else _ADD_OF_FIRM
    await connection.exec_driver_sql(statement, {**values, "tenant": tenant_id})


async def page(
    reads: Reads, pager: Pager, tenant_id: str, filters: MessageFilters, *, delivers: Sequence[str]
) -> PageOfRows:
    """Return a page of a firm's messages."""
    where = Where("m.tenant_id = %(tenant)s", tenant=tenant_id, delivers=list(delivers))
    where.add("m.status = %(status)s", status=filters.status)
    where.add("m.channel = %(channel)s", channel=filters.channel)
    where.add("lower(m.recipient) = lower(%(recipient)s)", recipient=filters.to)
    where.add("m.created_at >= %(created_after)s", created_after=filters.created_after)
    where.add("m.created_at < %(created_before)s", created_before=filters.created_before)
    return await pager.fetch(reads, VIEW, where, filters, sort=filters.sort)


async def one(reads: Reads, tenant_id: str, message_id: str, *, delivers: Sequence[str]) -> Found | None:
    """Return a firm's message."""
    rows = await reads.rows(_ONE, {"tenant": tenant_id, "id": message_id, "delivers": list(delivers)})
    return _found(rows[0]) if rows else None


async def mailbox(database: Database, recipient: str | None, limit: int) -> list[Captured]:
    """Return the newest mail of everybody that still has a body."""
    rows = await database.read(_MAILBOX, {"recipient": recipient, "limit": limit}, system=True)
    return [Captured(*row) for row in rows]


def _found(row: TupleRow) -> Found:
    return Found(row[0], bytes(row[1]) if row[1] is not None else None, row[2])
