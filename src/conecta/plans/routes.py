"""`/usage`: any credential may see what its firm has used."""

from typing import Annotated, Any

from fastapi import APIRouter, Request

from conecta.auth.caller import Caller
from conecta.auth.require import require
from conecta.kit.routing import ApiRoute

from . import service
from .schemas import UsageRead

AnyCaller = Annotated[Caller, require(None)]

router = APIRouter(route_class=ApiRoute, tags=["Cuenta"])


@router.get("/usage", response_model=UsageRead, summary="Consumo de los límites del plan")
async def read_usage(caller: AnyCaller, request: Request) -> dict[str, Any]:
    """Both windows of the firm's limits. This very request is already counted."""
    return await service.usage(request.app.state.limits, caller=caller)
