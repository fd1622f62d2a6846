"""The one table of the native API's routers."""

from fastapi import APIRouter

from conecta.api_keys.routes import router as api_keys
from conecta.clients.routes import router as clients
from conecta.plans.routes import router as plans
from conecta.users.routes import router as users

PREFIX = "/v1/servicios"

router = APIRouter(prefix=PREFIX)
for feature in (clients, users, api_keys, plans):
    router.include_router(feature)
