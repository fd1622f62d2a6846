"""`/reviews`: what clients think of the firm."""

from typing import Annotated

from fastapi import Request
from starlette.responses import Response

from conecta.auth.caller import Caller
from conecta.auth.require import require
from conecta.auth.scopes import Scope
from conecta.kit.etags import IfMatch, etag
from conecta.kit.pages import ListPager, json_object
from conecta.kit.routing import API_PREFIX, DbReads, DbSession, native_router, query_of
from conecta.kit.schemas import Page

from . import service
from .schemas import ReviewFilters, ReviewRead, ReviewReply, ReviewRequest

router = native_router("/reviews", tag="Reseñas")

ReviewsRead = Annotated[Caller, require(Scope.CLIENTS_READ)]
ReviewsWrite = Annotated[Caller, require(Scope.CLIENTS_WRITE)]


@router.get("", response_model=Page[ReviewRead], summary="Listar reseñas")
async def list_reviews(
    caller: ReviewsRead,
    reads: DbReads,
    pager: ListPager,
    filters: Annotated[ReviewFilters, query_of(ReviewFilters)],
) -> Response:
    """Reviews of the firm, newest first, those only asked for too."""
    page = await service.list_reviews(reads, pager, tenant_id=caller.tenant_id, filters=filters)
    return pager.respond(page)


@router.post("", response_model=ReviewRead, status_code=201, summary="Pedir reseña")
async def request_review(
    caller: ReviewsWrite, session: DbSession, request: Request, wanted: ReviewRequest
) -> Response:
    """Mail a client the link to write a review of a completed booking, a closed case or the firm itself."""
    state = request.app.state
    new_id, (text, version) = await service.request_review(
        session, state.keyring, caller=caller, wanted=wanted, base_url=state.settings.base_url
    )
    return json_object(text, etag=etag(version), status=201, location=f"{API_PREFIX}/reviews/{new_id}")


@router.get("/{uuid}", response_model=ReviewRead, summary="Detalle de reseña")
async def read_review(caller: ReviewsRead, reads: DbReads, uuid: str) -> Response:
    """One review."""
    text, version = await service.read_review(reads, tenant_id=caller.tenant_id, review_id=uuid)
    return json_object(text, etag=etag(version))


@router.post("/{uuid}/publish", response_model=ReviewRead, summary="Publicar reseña")
async def publish_review(caller: ReviewsWrite, session: DbSession, uuid: str, if_match: IfMatch) -> Response:
    """Let the world see it."""
    text, version = await service.moderate(
        session, caller=caller, review_id=uuid, publish=True, precondition=if_match
    )
    return json_object(text, etag=etag(version))


@router.post("/{uuid}/reject", response_model=ReviewRead, summary="Rechazar reseña")
async def reject_review(caller: ReviewsWrite, session: DbSession, uuid: str, if_match: IfMatch) -> Response:
    """Keep it from the world; it may still be published later."""
    text, version = await service.moderate(
        session, caller=caller, review_id=uuid, publish=False, precondition=if_match
    )
    return json_object(text, etag=etag(version))


@router.post("/{uuid}/reply", response_model=ReviewRead, summary="Responder a una reseña")
async def reply_to_review(
    caller: ReviewsWrite, session: DbSession, uuid: str, wanted: ReviewReply, if_match: IfMatch
) -> Response:
    """Answer it in public, or take the answer back with null."""
    text, version = await service.reply(
        session, tenant_id=caller.tenant_id, review_id=uuid, wanted=wanted, precondition=if_match
    )
    return json_object(text, etag=etag(version))
