"""All SQL of a case's timeline."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from conecta.cases.models import CLIENT_ACTIVITIES, CaseActivity
from conecta.kit.db import Reads
from conecta.kit.pages import JsonView, PageOfRows, Pager, Where
from conecta.kit.sql import wire_time

from .schemas import ActivityFilters

# A client of the firm sees who worked on the case by name only when it is a person: the name and the id
# of a key are the firm's own affair.
_AUTHOR_SHOWN = "(a.author_type <> 'firm' or coalesce(current_setting('conecta.client_id', true), '') = '')"
VIEW = JsonView(
    source="case_activities a",
    alias="a",
    fields=f"""a.id, a.case_id, a.type, a.description, a.author_type,
      case when {_AUTHOR_SHOWN} then a.author_id end as author_id,
      case when {_AUTHOR_SHOWN} then a.author_name end as author_name,
      a.data, {wire_time("a.created_at")} as created_at""",
    sorts={"created_at": ("a.created_at", "timestamptz")},
)


@dataclass(frozen=True)
class Author:
    """Who did something to a case, as the timeline keeps it."""

    type: str
    id: str | None
    name: str | None


async def add(
    session: AsyncSession,
    rows: list[dict[str, Any]],
    *,
    tenant_id: str,
    case_id: str,
    author: Author,
    now: datetime,
) -> None:
    """Write lines of a case's timeline."""
    common = {
        "tenant_id": tenant_id,
        "case_id": case_id,
        "author_type": author.type,
        "author_id": author.id,
        "author_name": author.name,
        "created_at": now,
    }
    await session.execute(insert(CaseActivity).values([{**common, **row} for row in rows]))


async def page(
    reads: Reads, pager: Pager, tenant_id: str, case_id: str, filters: ActivityFilters, *, for_client: bool
) -> PageOfRows:
    """Return a page of a case's timeline; `for_client` leaves out what only the firm may read."""
    where = Where("a.tenant_id = %(tenant)s and a.case_id = %(case)s", tenant=tenant_id, case=case_id)
    where.add("a.type = %(type)s", type=filters.type)
    if for_client:
        where.add("a.type = any(%(types)s::text[])", types=list(CLIENT_ACTIVITIES))
    return await pager.fetch(reads, VIEW, where, filters, sort=filters.sort)
