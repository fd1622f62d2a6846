"""`/cases`: the matters the firm handles."""

from typing import Annotated

from starlette.responses import Response

from conecta.auth.caller import Caller
from conecta.auth.require import require
from conecta.auth.scopes import Scope
from conecta.kit.etags import IfMatch, etag
from conecta.kit.pages import ListPager, json_object
from conecta.kit.routing import API_PREFIX, DbReads, DbSession, DbWrites, native_router, query_of
from conecta.kit.schemas import Page

from . import service
from .schemas import CaseCreate, CaseFilters, CaseRead, CaseUpdate, StatusChange

router = native_router("/cases", tag="Expedientes")

# A client of the firm may read their own cases.
CasesRead = Annotated[Caller, require(Scope.CASES_READ, clients=True)]
CasesWrite = Annotated[Caller, require(Scope.CASES_WRITE)]


@router.get("", response_model=Page[CaseRead], summary="Listar expedientes")
async def list_cases(
    caller: CasesRead,
    reads: DbReads,
    pager: ListPager,
    filters: Annotated[CaseFilters, query_of(CaseFilters)],
) -> Response:
    """Cases of the firm in every state, newest first."""
    return pager.respond(await service.list_cases(reads, pager, caller=caller, filters=filters))


@router.post("", response_model=CaseRead, status_code=201, summary="Crear expediente")
async def create_case(caller: CasesWrite, writes: DbWrites, wanted: CaseCreate) -> Response:
    """Open a case and give it the next number of the year. Emits `case.created`.

    An `external_id` that another case has is a 409 that names it.
    """
    new_id, (text, version) = await service.create_case(writes, caller=caller, wanted=wanted)
    return json_object(text, etag=etag(version), status=201, location=f"{API_PREFIX}/cases/{new_id}")


@router.get("/{uuid}", response_model=CaseRead, summary="Detalle de expediente")
async def read_case(caller: CasesRead, reads: DbReads, uuid: str) -> Response:
    """One case, in whatever state."""
    text, version = await service.read_case(reads, caller=caller, case_id=uuid)
    return json_object(text, etag=etag(version))


@router.patch("/{uuid}", response_model=CaseRead, summary="Actualizar expediente")
async def update_case(
    caller: CasesWrite, session: DbSession, uuid: str, wanted: CaseUpdate, if_match: IfMatch
) -> Response:
    """Change some members; what is absent stays, null empties, `custom_fields` are merged by key.

    `status` goes where the table of states allows: open → on_hold, closed; on_hold → open, closed;
    closed → open, archived; archived → closed; anything else is a 409 that lists what is possible. Of a
    closed or archived case only the state may change. Emits `case.updated`, and `case.closed` when it
    closes the case; a PATCH that changes nothing emits nothing and keeps the version.
    """
    text, version = await service.update_case(
        session, caller=caller, case_id=uuid, wanted=wanted, precondition=if_match
    )
    return json_object(text, etag=etag(version))


@router.post("/{uuid}/close", response_model=CaseRead, summary="Cerrar expediente")
async def close_case(
    caller: CasesWrite, session: DbSession, uuid: str, if_match: IfMatch, wanted: StatusChange | None = None
) -> Response:
    """Close a case that is open or on hold; closing it twice is a 409. Emits `case.closed`."""
    text, version = await service.close_case(
        session, caller=caller, case_id=uuid, wanted=wanted or StatusChange(), precondition=if_match
    )
    return json_object(text, etag=etag(version))


@router.post("/{uuid}/reopen", response_model=CaseRead, summary="Reabrir expediente")
async def reopen_case(
    caller: CasesWrite, session: DbSession, uuid: str, if_match: IfMatch, wanted: StatusChange | None = None
) -> Response:
    """Open a case again that is closed or on hold. Emits `case.updated`."""
    text, version = await service.reopen_case(
        session, caller=caller, case_id=uuid, wanted=wanted or StatusChange(), precondition=if_match
    )
    return json_object(text, etag=etag(version))
