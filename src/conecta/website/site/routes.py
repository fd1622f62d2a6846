"""`/public-site`: the address and the words of the firm's public page (extension scope `admin`)."""

from typing import Annotated

from fastapi import Request
from starlette.responses import Response

from conecta.auth.caller import Caller
from conecta.auth.require import require
from conecta.auth.scopes import Scope
from conecta.kit.etags import IfMatch, etag
from conecta.kit.pages import json_object
from conecta.kit.routing import DbReads, DbSession, native_router

from . import service
from .schemas import PublicSiteRead, PublicSiteWrite

router = native_router("/public-site", tag="Web del despacho")

SiteAdmin = Annotated[Caller, require(Scope.ADMIN)]


@router.get("", response_model=PublicSiteRead, summary="Página pública de la firma")
async def read_public_site(caller: SiteAdmin, reads: DbReads, request: Request) -> Response:
    """Where the firm's public page is, and what it says."""
    base_url = request.app.state.settings.base_url
    text, version = await service.read_site(reads, tenant_id=caller.tenant_id, base_url=base_url)
    return json_object(text, etag=etag(version))


@router.put("", response_model=PublicSiteRead, summary="Publicar la página de la firma")
async def write_public_site(
    caller: SiteAdmin, session: DbSession, request: Request, wanted: PublicSiteWrite, if_match: IfMatch
) -> Response:
    """Choose its address, write its words, open it or close it."""
    base_url = request.app.state.settings.base_url
    text, version = await service.write_site(
        session, caller=caller, wanted=wanted, precondition=if_match, base_url=base_url
    )
    return json_object(text, etag=etag(version))
