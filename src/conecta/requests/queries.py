"""All SQL of the request log."""

from collections.abc import Mapping, Sequence

from conecta.kit.db import Database, Reads
from conecta.kit.pages import JsonView, PageOfRows, Pager, Where
from conecta.kit.sql import wire_time

from .rules import COLUMNS
from .schemas import RequestFilters

_BATCH = ", ".join(f"%({name})s::{kind}[]" for name, kind in COLUMNS.items())

# A firm that is gone has no log; and nobody waits for the disk.
_ADD = f"""
with quick as (select set_config('synchronous_commit', 'off', true)), added as (
  insert into logged_requests (tenant_id, created_at, id, method, path, query, route, status, duration_ms,
    caller_kind, credential_id, credential_name, user_id, client_id, address, user_agent, error_code,
    request_body, error_body)
  select r.tenant_id, to_timestamp(r.at), r.id, r.method, r.path, r.query, r.route, r.status, r.duration_ms,
    r.caller_kind, r.credential_id, r.credential_name, r.user_id, r.client_id, r.address, r.user_agent,
    r.error_code, r.request_body, r.error_body
  from quick cross join unnest({_BATCH}) as r ({", ".join(COLUMNS)})
  join tenants t on t.id = r.tenant_id
  on conflict do nothing
  returning id
)
select count(*) from added
"""

_FIELDS = f"""r.id as request_id, r.method, r.path, r.query, r.route, r.status, r.duration_ms,
  r.caller_kind as caller_type, r.credential_id, r.credential_name, r.user_id, r.client_id, r.address,
  r.user_agent, r.error_code, {wire_time("r.created_at")} as created_at"""

VIEW = JsonView(
    source="logged_requests r",
    alias="r",
    fields=_FIELDS,
    sorts={"created_at": ("r.created_at", "timestamptz")},
)

_ONE = f"""
select row_to_json(j)::text from (
  select {_FIELDS}, r.request_body::json as request_body, r.error_body::json as error_body
  from logged_requests r
  where r.tenant_id = %(tenant)s and r.id = any(%(ids)s)
  order by r.created_at desc limit 1) j
"""


async def add(database: Database, arrays: Mapping[str, str]) -> int:
    """Write a batch in a transaction of its own; return how many rows that were."""
    return int((await database.read(_ADD, arrays, system=True))[0][0])


async def page(reads: Reads, pager: Pager, tenant_id: str, filters: RequestFilters) -> PageOfRows:
    """Return a page of a firm's calls."""
    where = Where("r.tenant_id = %(tenant)s", tenant=tenant_id)
    where.add("r.method = %(method)s", method=filters.method)
    if filters.least_status is not None:
        if filters.least_status >= 400:
            where.add("r.status >= 400")  # written out, for the index of errors
        where.add(
            "r.status between %(least)s::int and %(most)s::int",
            least=filters.least_status,
            most=filters.most_status,
        )
    where.add("r.path ^@ %(path)s", path=filters.path)
    where.add("r.error_code = %(error_code)s", error_code=filters.error_code)
    where.add("r.credential_id = %(credential)s", credential=filters.credential_id)
    where.add("r.id = %(request)s", request=filters.request_id)
    where.add("r.created_at >= %(created_after)s", created_after=filters.created_after)
    where.add("r.created_at < %(created_before)s", created_before=filters.created_before)
    return await pager.fetch(reads, VIEW, where, filters, sort=filters.sort)


async def one(reads: Reads, tenant_id: str, ids: Sequence[str]) -> str | None:
    """Return the newest call with one of these request ids as JSON text."""
    rows = await reads.rows(_ONE, {"tenant": tenant_id, "ids": list(ids)})
    return rows[0][0] if rows else None
