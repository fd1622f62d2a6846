"""All SQL of inquiries."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit.db import Reads
from conecta.kit.pages import JsonView, PageOfRows, Pager, Where
from conecta.kit.sql import wire_time

from .models import Inquiry
from .schemas import InquiryFilters

VIEW = JsonView(
    source="inquiries i",
    alias="i",
    fields=f"""i.id, i.name, i.email, i.phone, i.subject, i.message, i.language, i.source, i.page_url,
      i.custom_fields, i.status, {wire_time("i.privacy_accepted_at")} as privacy_accepted_at,
      i.client_id, i.case_id, {wire_time("i.converted_at")} as converted_at,
      {wire_time("i.created_at")} as created_at, {wire_time("i.updated_at")} as updated_at""",
    sorts={"created_at": ("i.created_at", "timestamptz")},
)

# Whoever answers for the firm hears of it, in the firm's language.
_AUDIENCE = """
select u.email, t.language from users u join tenants t on t.id = u.tenant_id
where u.tenant_id = %(tenant)s and u.active and u.role in ('owner', 'admin') order by u.created_at, u.id
"""


async def page(reads: Reads, pager: Pager, tenant_id: str, filters: InquiryFilters) -> PageOfRows:
    """Return a page of the firm's inquiries."""
    where = Where("i.tenant_id = %(tenant)s", tenant=tenant_id)
    if filters.status is None:
        where.add("i.status in ('new', 'converted', 'closed')")
    where.add("i.status = %(status)s", status=None if filters.status == "all" else filters.status)
    where.add("i.email = %(email)s", email=filters.email)
    where.add("i.client_id = %(client)s", client=filters.client_id)
    where.add("i.created_at >= %(created_after)s", created_after=filters.created_after)
    where.add("i.created_at < %(created_before)s", created_before=filters.created_before)
    return await pager.fetch(reads, VIEW, where, filters, sort=filters.sort)


async def one(reads: Reads, tenant_id: str, inquiry_id: str) -> tuple[str, int] | None:
    """Return an inquiry as JSON text and version."""
    params = {"tenant": tenant_id, "id": inquiry_id}
    rows = await reads.rows(VIEW.one("i.tenant_id = %(tenant)s and i.id = %(id)s"), params)
    return (rows[0][0], rows[0][1]) if rows else None


async def for_change(session: AsyncSession, tenant_id: str, inquiry_id: str) -> Inquiry | None:
    """Return an inquiry, locked until the transaction ends."""
    wanted = select(Inquiry).where(Inquiry.tenant_id == tenant_id, Inquiry.id == inquiry_id)
    return await session.scalar(wanted.with_for_update())


async def audience(reads: Reads, tenant_id: str) -> list[tuple[str, str]]:
    """Return address and language of the active owners and admins."""
    return [(row[0], row[1]) for row in await reads.rows(_AUDIENCE, {"tenant": tenant_id})]
