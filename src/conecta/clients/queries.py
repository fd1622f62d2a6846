"""All SQL of clients."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit.db import Reads
from conecta.kit.pages import JsonView, PageOfRows, Pager, Where
from conecta.kit.sql import wire_time
from conecta.kit.tables import NOT_A_CLIENT

from . import rules
from .models import Client
from .schemas import ClientFilters

# What the firm notes for its own use is none of its client's business.
VIEW = JsonView(
    source="clients c",
    alias="c",
    fields=f"""c.id, c.kind, c.name, c.first_name, c.last_name, c.tax_id, c.tax_id_type, c.tax_id_country,
      c.email, c.phone, c.additional_emails, c.additional_phones, c.address, c.language,
      case when {NOT_A_CLIENT} then c.external_id end as external_id,
      case when {NOT_A_CLIENT} then c.custom_fields else '{{}}' end as custom_fields, c.status,
      {wire_time("c.archived_at")} as archived_at,
      {wire_time("c.created_at")} as created_at, {wire_time("c.updated_at")} as updated_at""",
    sorts={
        "created_at": ("c.created_at", "timestamptz"),
        "updated_at": ("c.updated_at", "timestamptz"),
        "name": ("c.sort_name", 'text collate "C"'),
    },
)

_HOLDER = """
select c.id, c.external_id is not distinct from %(external_id)s::text as by_external_id from clients c
where c.tenant_id = %(tenant)s and c.id <> %(id)s and (
  (c.tax_id_country = %(country)s::text and c.tax_id = %(tax_id)s::text)
  or c.external_id = %(external_id)s::text)
order by by_external_id limit 1
"""


async def page(
    reads: Reads, pager: Pager, tenant_id: str, filters: ClientFilters, search: str | None
) -> PageOfRows:
    """Return a page of the firm's clients; `search` is a tsquery."""
    where = Where("c.tenant_id = %(tenant)s", tenant=tenant_id)
    where.add("c.id in (select matching_clients(%(search)s))", search=search)
    where.add("c.status = %(status)s", status=None if filters.status == "all" else filters.status)
    where.add("c.kind = %(kind)s", kind=filters.kind)
    where.add("c.email = %(email)s", email=filters.email)
    where.add("c.tax_id = any(%(tax_ids)s)", tax_ids=filters.tax_id and rules.tax_id_forms(filters.tax_id))
    where.add("c.external_id = %(external_id)s", external_id=filters.external_id)
    where.add("c.created_at >= %(created_after)s", created_after=filters.created_after)
    where.add("c.created_at < %(created_before)s", created_before=filters.created_before)
    where.add("c.updated_at >= %(updated_after)s", updated_after=filters.updated_after)
    if filters.custom_field is not None:
        key, _, value = filters.custom_field.partition(":")
        where.add(
            "c.id in (select f.client_id from client_custom_fields f where f.tenant_id = %(tenant)s"
            " and f.key = %(key)s and f.value = %(value)s)",
            key=key,
            value=value,
        )
    return await pager.fetch(reads, VIEW, where, filters, sort=filters.sort)


async def one(reads: Reads, tenant_id: str, client_id: str) -> tuple[str, int] | None:
    """Return a client as JSON text and version."""
    params = {"tenant": tenant_id, "id": client_id}
    rows = await reads.rows(VIEW.one("c.tenant_id = %(tenant)s and c.id = %(id)s"), params)
    return (rows[0][0], rows[0][1]) if rows else None


async def add(session: AsyncSession, values: dict[str, Any]) -> bool:
    """Insert a client; return False when its tax id or external id is taken."""
    statement = insert(Client).values(values).on_conflict_do_nothing().returning(Client.id)
    return (await session.execute(statement)).first() is not None


async def for_change(session: AsyncSession, tenant_id: str, client_id: str) -> Client | None:
    """Return a client, locked until the transaction ends."""
    wanted = select(Client).where(Client.tenant_id == tenant_id, Client.id == client_id)
    return await session.scalar(wanted.with_for_update())


async def holder(reads: Reads, values: dict[str, Any]) -> tuple[str, bool] | None:
    """Return who has this tax id or external id already, and whether it is the external id."""
    params = {
        "tenant": values["tenant_id"],
        "id": values["id"],
        "country": values["tax_id_country"],
        "tax_id": values["tax_id"],
        "external_id": values["external_id"],
    }
    rows = await reads.rows(_HOLDER, params)
    return (rows[0][0], rows[0][1]) if rows else None


async def is_active(reads: Reads, tenant_id: str, client_id: str) -> bool:
    """Say whether the firm has this client and it is not archived."""
    return bool(await reads.rows(_ACTIVE, {"tenant": tenant_id, "id": client_id}))


_ACTIVE = "select from clients c where c.tenant_id = %(tenant)s and c.id = %(id)s and c.status = 'active'"


_OF_ADDRESS = """
select c.id from clients c
where c.tenant_id = %(tenant)s and lower(c.email) = lower(%(email)s) and c.status = 'active'
order by c.created_at, c.id limit 1
"""


async def id_of_address(reads: Reads, tenant_id: str, email: str) -> str | None:
    """Return the first active client with this main address, whatever its case."""
    rows = await reads.rows(_OF_ADDRESS, {"tenant": tenant_id, "email": email})
    return rows[0][0] if rows else None


async def names(reads: Reads, tenant_id: str, client_ids: Sequence[str]) -> dict[str, str]:
    """Return the names of these clients by their ids, archived ones too."""
    rows = await reads.rows(_NAMES, {"tenant": tenant_id, "ids": list(client_ids)})
    return {row[0]: row[1] for row in rows}


_NAMES = "select c.id, c.name from clients c where c.tenant_id = %(tenant)s and c.id = any(%(ids)s::text[])"


async def id_of_external(session: AsyncSession, tenant_id: str, external_id: str) -> str | None:
    """Return the id of the client with this external id."""
    wanted = select(Client.id).where(Client.tenant_id == tenant_id, Client.external_id == external_id)
    return await session.scalar(wanted)
