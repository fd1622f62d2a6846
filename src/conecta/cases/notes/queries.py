"""All SQL of notes."""

from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from conecta.cases.activities.queries import Author
from conecta.cases.models import CaseNote, CaseNoteEdit
from conecta.kit.db import Reads
from conecta.kit.ids import new_id
from conecta.kit.pages import JsonView, PageOfRows, Pager, Where
from conecta.kit.sql import wire_time

from .schemas import NoteEditFilters, NoteFilters

# The name and the id of a key are the firm's own affair: a client of the firm does not see them.
_AUTHOR_SHOWN = "(n.author_type <> 'firm' or coalesce(current_setting('conecta.client_id', true), '') = '')"
VIEW = JsonView(
    source="case_notes n",
    alias="n",
    fields=f"""n.id, n.case_id, n.content, n.visibility, n.author_type,
      case when {_AUTHOR_SHOWN} then n.author_id end as author_id,
      case when {_AUTHOR_SHOWN} then n.author_name end as author_name, n.edited, n.version,
      {wire_time("n.created_at")} as created_at, {wire_time("n.updated_at")} as updated_at""",
    sorts={"created_at": ("n.created_at", "timestamptz")},
)
_EDITS = JsonView(
    source="case_note_edits e",
    alias="e",
    fields=f"""e.id, e.note_id, e.content, e.visibility, e.author_type, e.author_id, e.author_name,
      {wire_time("e.created_at")} as created_at""",
    sorts={"created_at": ("e.created_at", "timestamptz")},
)


async def page(
    reads: Reads, pager: Pager, tenant_id: str, case_id: str, filters: NoteFilters, *, shared_only: bool
) -> PageOfRows:
    """Return a page of a case's notes."""
    where = Where("n.tenant_id = %(tenant)s and n.case_id = %(case)s", tenant=tenant_id, case=case_id)
    where.add("n.visibility = %(visibility)s", visibility=filters.visibility)
    if shared_only:
        where.add("n.visibility = 'shared'")
    return await pager.fetch(reads, VIEW, where, filters, sort=filters.sort)


async def one(
    reads: Reads, tenant_id: str, case_id: str, note_id: str, *, shared_only: bool = False
) -> tuple[str, int] | None:
    """Return a note of a case as JSON text and version."""
    where = Where("n.tenant_id = %(tenant)s and n.case_id = %(case)s", tenant=tenant_id, case=case_id)
    where.add("n.id = %(id)s", id=note_id)
    if shared_only:
        where.add("n.visibility = 'shared'")
    rows = await reads.rows(VIEW.one(str(where)), where.params)
    return (rows[0][0], rows[0][1]) if rows else None


async def page_of_edits(
    reads: Reads, pager: Pager, tenant_id: str, note_id: str, filters: NoteEditFilters
) -> PageOfRows:
    """Return a page of a note's history."""
    where = Where("e.tenant_id = %(tenant)s and e.note_id = %(note)s", tenant=tenant_id, note=note_id)
    return await pager.fetch(reads, _EDITS, where, filters, sort=filters.sort)


async def add(session: AsyncSession, values: dict[str, Any], author: Author) -> None:
    """Write a note."""
    signed = {"author_type": author.type, "author_id": author.id, "author_name": author.name}
    await session.execute(insert(CaseNote).values({**values, **signed}))


async def add_edit(session: AsyncSession, note: CaseNote, author: Author, now: datetime) -> None:
    """Keep what a note says and who may read it, before it changes."""
    values = {
        "tenant_id": note.tenant_id,
        "id": new_id("ned"),
        "note_id": note.id,
        "content": note.content,
        "visibility": note.visibility,
        "author_type": author.type,
        "author_id": author.id,
        "author_name": author.name,
        "created_at": now,
    }
    await session.execute(insert(CaseNoteEdit).values(values))


async def for_change(session: AsyncSession, tenant_id: str, case_id: str, note_id: str) -> CaseNote | None:
    """Return a note of a case, locked until the transaction ends."""
    wanted = select(CaseNote).where(
        CaseNote.tenant_id == tenant_id, CaseNote.case_id == case_id, CaseNote.id == note_id
    )
    return await session.scalar(wanted.with_for_update())
