"""`/usage`: any credential may see what its firm has used."""

from typing import Annotated, Any

from fastapi import Request

from conecta.auth.caller import Caller
from conecta.auth.require import require
from conecta.kit.routing import native_router

from . import service
from .schemas import UsageRead

AnyCaller = Annotated[Caller, require(None)]

router = native_router("", tag="Cuenta")


@router.get("/usage", response_model=UsageRead, summary="Consumo de los límites del plan")
async def read_usage(caller: AnyCaller, request: Request) -> dict[str, Any]:
    """Both windows of the firm's limits. This very request is already counted."""
    return await service.usage(request.app.state.limits, caller=caller)
