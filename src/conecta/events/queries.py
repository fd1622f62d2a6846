"""All SQL of events."""

from conecta.kit.db import Reads
from conecta.kit.pages import JsonView, PageOfRows, Pager, Where

from .catalogue import narrow
from .rules import Epoch, FeedRow, Found, Position
from .schemas import EventFilters

# The function is in models.py. It acts for whoever writes, a client of the firm too, who sees no events.
_EMIT = """emit_event(%(tenant)s, %(event_id)s, %(event_type)s, {resource}, %(event_head)s || {data} || '}}',
  %(event_now)s::timestamptz, %(real_now)s::timestamptz, %(patterns)s::text[])"""


def emit_in(resource_id: str, data: str) -> str:
    """Return the expression that emits an event about a resource; both arguments are SQL."""
    return _EMIT.format(resource=resource_id, data=f"({data})::text")


EMIT = f"select {emit_in('%(resource)s', '%(data)s')}"

RECORD = """
insert into events (tenant_id, id, type, resource_id, payload, created_at)
values (%(tenant)s, %(event_id)s, %(event_type)s, %(resource)s, %(event_head)s || %(data)s::text || '}',
  %(event_now)s::timestamptz)
returning 1
"""

# A trial of a webhook may send the example of some type: it is delivered, but it never happened.
_HAPPENED = "(e.type ^@ 'webhook.' or not e.resource_id ^@ 'whk_')"

VIEW = JsonView(
    source="events e",
    alias="e",
    stored="e.payload",
    sorts={"created_at": ("e.created_at", "timestamptz")},
)

_ONE = "select e.payload from events e where e.tenant_id = %(tenant)s and e.id = %(id)s"

# At least one row comes back: an empty feed has an epoch and a horizon, too. The functions read the
# cluster's own control file; the snapshot is that of the statement, so rows and horizon agree.
_FEED = """
select c.system_identifier, k.timeline_id, pg_snapshot_xmin(pg_current_snapshot())::text, f.xid::text, f.id,
  f.payload
from pg_control_system() c cross join pg_control_checkpoint() k
left join (
  select e.xid, e.id, e.payload from events e
  where {where} and (e.xid, e.id) > (%(xid)s::xid8, %(id)s)
    and e.xid < pg_snapshot_xmin(pg_current_snapshot())
  order by e.xid, e.id limit {limit:d}
) f on true
order by f.xid, f.id
"""

_XID = "select e.xid::text from events e where e.tenant_id = %(tenant)s and e.id = %(id)s"


async def page(reads: Reads, pager: Pager, tenant_id: str, filters: EventFilters) -> PageOfRows:
    """Return a page of what happened in the firm; each row is the frozen payload."""
    where = _happened(tenant_id, filters.type)
    where.add("e.resource_id = %(resource)s", resource=filters.resource_id)
    where.add("e.created_at >= %(created_after)s", created_after=filters.created_after)
    where.add("e.created_at < %(created_before)s", created_before=filters.created_before)
    return await pager.fetch(reads, VIEW, where, filters, sort=filters.sort)


async def one(reads: Reads, tenant_id: str, event_id: str) -> str | None:
    """Return the payload of an event."""
    rows = await reads.rows(_ONE, {"tenant": tenant_id, "id": event_id})
    return rows[0][0] if rows else None


async def feed(reads: Reads, tenant_id: str, start: Position, pattern: str | None, limit: int) -> Found:
    """Return up to `limit` events after a position, in the order of the feed."""
    where = _happened(tenant_id, pattern)
    params = {**where.params, "xid": start.xid, "id": start.id}
    rows = await reads.rows(_FEED.format(where=where, limit=limit), params)
    events = [FeedRow(*row[3:]) for row in rows if row[3] is not None]
    return Found(Epoch(int(rows[0][0]), int(rows[0][1])), rows[0][2], events)


async def xid_of(reads: Reads, tenant_id: str, event_id: str) -> str | None:
    """Return the transaction that wrote an event."""
    rows = await reads.rows(_XID, {"tenant": tenant_id, "id": event_id})
    return rows[0][0] if rows else None


def _happened(tenant_id: str, pattern: str | None) -> Where:
    return narrow(Where(f"e.tenant_id = %(tenant)s and {_HAPPENED}", tenant=tenant_id), pattern)
