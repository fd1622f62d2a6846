"""`/cases/{uuid}/notes`: what the firm writes down about a case."""

from typing import Annotated

from starlette.responses import Response

from conecta.auth.caller import Caller
from conecta.auth.require import require
from conecta.auth.scopes import Scope
from conecta.kit.etags import IfMatch, etag
from conecta.kit.pages import ListPager, json_object
from conecta.kit.routing import API_PREFIX, DbReads, DbSession, native_router, query_of
from conecta.kit.schemas import Page

from . import service
from .schemas import NoteCreate, NoteEditFilters, NoteEditRead, NoteFilters, NoteRead, NoteUpdate

router = native_router("/cases/{uuid}/notes", tag="Expedientes")

# A client of the firm may read the shared notes of their own cases, and no history.
NotesRead = Annotated[Caller, require(Scope.CASES_READ, clients=True)]
HistoryRead = Annotated[Caller, require(Scope.CASES_READ)]
NotesWrite = Annotated[Caller, require(Scope.CASES_WRITE)]


@router.get("", response_model=Page[NoteRead], summary="Listar notas")
async def list_notes(
    caller: NotesRead,
    reads: DbReads,
    pager: ListPager,
    uuid: str,
    filters: Annotated[NoteFilters, query_of(NoteFilters)],
) -> Response:
    """Notes of a case, newest first."""
    page = await service.list_notes(reads, pager, caller=caller, case_id=uuid, filters=filters)
    return pager.respond(page)


@router.post("", response_model=NoteRead, status_code=201, summary="Añadir nota interna")
async def add_note(caller: NotesWrite, session: DbSession, uuid: str, wanted: NoteCreate) -> Response:
    """Add a note, internal unless told; also to a closed case, whereas an archived one is a 409."""
    case_id, note_id, (text, version) = await service.add_note(
        session, caller=caller, case_id=uuid, wanted=wanted
    )
    location = f"{API_PREFIX}/cases/{case_id}/notes/{note_id}"
    return json_object(text, etag=etag(version), status=201, location=location)


@router.get("/{note}", response_model=NoteRead, summary="Detalle de nota")
async def read_note(caller: NotesRead, reads: DbReads, uuid: str, note: str) -> Response:
    """One note."""
    text, version = await service.read_note(reads, caller=caller, case_id=uuid, note_id=note)
    return json_object(text, etag=etag(version))


@router.patch("/{note}", response_model=NoteRead, summary="Modificar nota")
async def edit_note(
    caller: NotesWrite, session: DbSession, uuid: str, note: str, wanted: NoteUpdate, if_match: IfMatch
) -> Response:
    """Change a note; what it was stays in its history. On an archived case it is a 409."""
    text, version = await service.edit_note(
        session, caller=caller, case_id=uuid, note_id=note, wanted=wanted, precondition=if_match
    )
    return json_object(text, etag=etag(version))


@router.get("/{note}/edits", response_model=Page[NoteEditRead], summary="Historial de una nota")
async def list_edits(
    caller: HistoryRead,
    reads: DbReads,
    pager: ListPager,
    uuid: str,
    note: str,
    filters: Annotated[NoteEditFilters, query_of(NoteEditFilters)],
) -> Response:
    """What the note was before each change, newest first."""
    page = await service.list_edits(reads, pager, caller=caller, case_id=uuid, note_id=note, filters=filters)
    return pager.respond(page)
