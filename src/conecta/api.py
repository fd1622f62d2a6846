"""The one table of the native API's routers, the most called ones first."""

from collections.abc import Iterator

from starlette.routing import BaseRoute

from conecta.api_keys.routes import router as api_keys
from conecta.clients.routes import router as clients
from conecta.kit.routing import API_PREFIX
from conecta.plans.routes import router as plans
from conecta.users.routes import router as users

PREFIX = API_PREFIX

_FEATURES = (clients, users, api_keys, plans)


def routes() -> Iterator[BaseRoute]:
    """Give every native route, flat: routers included in routers are matched several times a request."""
    for feature in _FEATURES:
        yield from feature.routes
