"""`/invitations`: people who are asked to join the firm (extension scope `admin`)."""

from typing import Annotated

from fastapi import Request
from starlette.responses import Response

from conecta.auth.caller import Caller
from conecta.auth.require import require
from conecta.auth.scopes import Scope
from conecta.kit.pages import ListPager, json_object
from conecta.kit.routing import API_PREFIX, DbReads, DbSession, native_router, query_of
from conecta.kit.schemas import Page

from . import service
from .schemas import InvitationCreate, InvitationFilters, InvitationRead

router = native_router("/invitations", tag="Usuarios")

InvitationsAdmin = Annotated[Caller, require(Scope.ADMIN)]


@router.get("", response_model=Page[InvitationRead], summary="Listar invitaciones")
async def list_invitations(
    caller: InvitationsAdmin,
    reads: DbReads,
    pager: ListPager,
    filters: Annotated[InvitationFilters, query_of(InvitationFilters)],
) -> Response:
    """Invitations to join the firm, newest first, answered and revoked ones too."""
    tenant_id = caller.tenant_id
    return pager.respond(await service.list_invitations(reads, pager, tenant_id=tenant_id, filters=filters))


@router.get("/{uuid}", response_model=InvitationRead, summary="Detalle de una invitación")
async def read_invitation(caller: InvitationsAdmin, reads: DbReads, uuid: str) -> Response:
    """One invitation."""
    return json_object(await service.read_invitation(reads, tenant_id=caller.tenant_id, invitation_id=uuid))


@router.post("", response_model=InvitationRead, status_code=201, summary="Invitar a un miembro")
async def invite(
    caller: InvitationsAdmin, session: DbSession, request: Request, wanted: InvitationCreate
) -> Response:
    """Mail somebody a link to join, good once and for seven days; it replaces a pending one to them."""
    state = request.app.state
    new_id, text = await service.invite(
        session, state.keyring, caller=caller, wanted=wanted, base_url=state.settings.base_url
    )
    return json_object(text, status=201, location=f"{API_PREFIX}/invitations/{new_id}")


@router.delete("/{uuid}", status_code=204, response_class=Response, summary="Retirar una invitación")
async def revoke_invitation(caller: InvitationsAdmin, session: DbSession, uuid: str) -> Response:
    """Take an invitation back: its link stops working at once. Twice is no error."""
    await service.revoke_invitation(session, caller=caller, invitation_id=uuid)
    return Response(status_code=204)
