"""The one table of the native API's routers, the most called ones first."""

from collections.abc import Iterator

from starlette.routing import BaseRoute

from conecta.api_keys.routes import router as api_keys
from conecta.audit.routes import router as audit
from conecta.cases.activities.routes import router as case_activities
from conecta.cases.categories.routes import router as case_categories
from conecta.cases.notes.routes import router as case_notes
from conecta.cases.routes import router as cases
from conecta.clients.access.routes import router as client_access
from conecta.clients.routes import router as clients
from conecta.events.routes import router as events
from conecta.kit.routing import API_PREFIX
from conecta.messages.routes import router as messages
from conecta.oauth.apps.routes import router as oauth_apps
from conecta.plans.routes import router as plans
from conecta.requests.routes import router as requests
from conecta.tenants.routes import router as tenants
from conecta.users.invitations.routes import router as invitations
from conecta.users.routes import router as users
from conecta.webhooks.routes import router as webhooks

PREFIX = API_PREFIX

_FEATURES = (
    cases, clients, case_activities, case_notes, case_categories, webhooks, events, users, invitations,
    api_keys, tenants, plans, messages, audit, requests, client_access,
    oauth_apps,
)  # fmt: skip


def routes() -> Iterator[BaseRoute]:
    """Give every native route, flat: routers included in routers are matched several times a request."""
    for feature in _FEATURES:
        yield from feature.routes
