"""Notes of a case: list, read, add, edit, and their history."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.auth.caller import Caller
from conecta.cases import queries as case_queries
from conecta.cases import rules
from conecta.cases import service as cases
from conecta.cases.activities import queries as activities
from conecta.cases.errors import CaseArchived
from conecta.kit import clock
from conecta.kit.db import Reads, SessionReads
from conecta.kit.errors import NotFound, ValidationFailed
from conecta.kit.etags import Precondition
from conecta.kit.ids import canonical, new_id
from conecta.kit.language import Text
from conecta.kit.pages import PageOfRows, Pager

from . import queries
from .schemas import NoteCreate, NoteEditFilters, NoteFilters, NoteUpdate


async def list_notes(
    reads: Reads, pager: Pager, *, caller: Caller, case_id: str, filters: NoteFilters
) -> PageOfRows:
    """Return a page of a case's notes; a client gets the shared ones. Raises NotFound."""
    key = await cases.visible_case(reads, caller, case_id)
    shared_only = caller.kind == "client"
    return await queries.page(reads, pager, caller.tenant_id, key, filters, shared_only=shared_only)


async def read_note(reads: Reads, *, caller: Caller, case_id: str, note_id: str) -> tuple[str, int]:
    """Return one note as JSON text and version; raise NotFound."""
    case_key, note_key = await cases.visible_case(reads, caller, case_id), canonical("nte", note_id)
    shared_only = caller.kind == "client"
    found = (
        await queries.one(reads, caller.tenant_id, case_key, note_key, shared_only=shared_only)
        if note_key
        else None
    )
    if found is None:
        raise NotFound
    return found


async def list_edits(
    reads: Reads, pager: Pager, *, caller: Caller, case_id: str, note_id: str, filters: NoteEditFilters
) -> PageOfRows:
    """Return a page of a note's history; raise NotFound."""
    case_key, note_key = canonical("cas", case_id), canonical("nte", note_id)
    if not (case_key and note_key and await queries.one(reads, caller.tenant_id, case_key, note_key)):
        raise NotFound
    return await queries.page_of_edits(reads, pager, caller.tenant_id, note_key, filters)


async def add_note(
    session: AsyncSession, *, caller: Caller, case_id: str, wanted: NoteCreate
) -> tuple[str, str, tuple[str, int]]:
    """Add a note to a case in any state but archived; return the ids of both, and its JSON text and version.

    Raises NotFound and CaseArchived (409).
    """
    case_key = await _open_to_notes(session, caller, case_id)
    now, note_id = clock.now(), new_id("nte")
    values = {
        "tenant_id": caller.tenant_id,
        "id": note_id,
        "case_id": case_key,
        **wanted.model_dump(),
        "edited": False,
        "created_at": now,
        "updated_at": now,
        "version": 1,
    }
    await queries.add(session, values, cases.author_of(caller))
    await _tell(session, caller, case_key, note_id, "note_added", "Nota añadida", now)
    found = await queries.one(SessionReads(session), caller.tenant_id, case_key, note_id)
    assert found is not None
    return case_key, note_id, found


async def edit_note(
    session: AsyncSession,
    *,
    caller: Caller,
    case_id: str,
    note_id: str,
    wanted: NoteUpdate,
    precondition: Precondition,
) -> tuple[str, int]:
    """Change a note and keep what it was; return its JSON text and version.

    Raises NotFound, CaseArchived (409), PreconditionFailed and ValidationFailed.
    """
    case_key, note_key = await _open_to_notes(session, caller, case_id), canonical("nte", note_id)
    note = await queries.for_change(session, caller.tenant_id, case_key, note_key) if note_key else None
    if note is None:
        raise NotFound
    precondition.check(note.version)
    changes = wanted.model_dump(exclude_unset=True)
    for name, value in changes.items():
        if value is None:
            message = Text("No puede ser null.", "It cannot be null.")
            raise ValidationFailed.at(f"/{name}", "required", message)
    if any(getattr(note, name) != value for name, value in changes.items()):
        now = clock.now()
        await queries.add_edit(session, note, cases.author_of(caller), now)
        await _tell(session, caller, case_key, note.id, "note_edited", "Nota modificada", now)
        for name, value in {**changes, "edited": True, "updated_at": now}.items():
            setattr(note, name, value)
    found = await queries.one(SessionReads(session), caller.tenant_id, case_key, note.id)
    assert found is not None
    return found


async def _open_to_notes(session: AsyncSession, caller: Caller, case_id: str) -> str:
    key = canonical("cas", case_id)
    state = await case_queries.state_of(session, caller.tenant_id, key) if key else None
    if key is None or state is None:
        raise NotFound
    number, status = state
    if status == "archived":
        raise CaseArchived(number=number, case_id=key, status=status, allowed=rules.allowed_from(status))
    return key


async def _tell(
    session: AsyncSession,
    caller: Caller,
    case_key: str,
    note_id: str,
    kind: str,
    sentence: str,
    now: datetime,
) -> None:
    line = {
        "id": new_id("act"),
        "type": kind,
        "description": sentence,
        "data": {"changes": {}, "note_id": note_id},
    }
    await activities.add(
        session,
        [line],
        tenant_id=caller.tenant_id,
        case_id=case_key,
        author=cases.author_of(caller),
        now=now,
    )
