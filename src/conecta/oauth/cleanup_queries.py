"""SQL that deletes what the protocol needs no more, a batch at a time."""

from datetime import datetime

from conecta.kit.db import Database

BATCH = 1_000

# Used codes and tokens are kept for a while after they end: a second use is noticed by them.
_OVER = """
with old as (
  select x.{key} as key{tenant} from {table} x where x.expires_at < %(before)s::timestamptz
  limit %(batch)s::int for update skip locked
), gone as (
  delete from {table} x using old o where x.{key} = o.key{same_tenant} returning 1
)
select count(*) from gone
"""


def _statement(table: str, *, key: str = "id", of_tenant: bool = True) -> str:
    tenant = ", x.tenant_id" if of_tenant else ""
    same_tenant = " and x.tenant_id = o.tenant_id" if of_tenant else ""
    return _OVER.format(table=table, key=key, tenant=tenant, same_tenant=same_tenant)


OF_TABLE = {
    table: _statement(table)
    for table in (
        "oauth_codes", "oauth_refresh_tokens", "oauth_families", "oauth_pushed_requests",
        "oauth_initial_tokens",
    )
} | {"oauth_proofs": _statement("oauth_proofs", key="hash", of_tenant=False)}  # fmt: skip


async def delete_over(database: Database, table: str, before: datetime) -> int:
    """Delete a batch of what ended before a moment; return how many, 0 when none is left."""
    rows = await database.read(OF_TABLE[table], {"before": before, "batch": BATCH}, system=True)
    return int(rows[0][0])
