"""All SQL of what happened to a booking."""

from conecta.kit.db import Reads
from conecta.kit.pages import JsonView, PageOfRows, Pager, Where
from conecta.kit.sql import wire_time

from .schemas import HistoryFilters

VIEW = JsonView(
    source="booking_history h",
    alias="h",
    fields=f"""h.id, {wire_time("h.at")} as at, h.action, h.actor_type, h.actor_id, h.actor_name, h.data""",
    sorts={"at": ("h.at", "timestamptz")},
)


async def page(
    reads: Reads, pager: Pager, tenant_id: str, booking_id: str, filters: HistoryFilters
) -> PageOfRows:
    """Return a page of what happened to a booking."""
    where = Where(
        "h.tenant_id = %(tenant)s and h.booking_id = %(booking)s", tenant=tenant_id, booking=booking_id
    )
    return await pager.fetch(reads, VIEW, where, filters, sort=filters.sort)
