"""Pages for people: HTML over the same services as the API, in Spanish and English."""

from collections.abc import Iterator

from starlette.routing import BaseRoute

from . import account, connected_apps, consent, front, invitations, reset, sign_in
from .panel import (
    app_grants,
    apps,
    audit,
    deliveries,
    firm,
    keys,
    mailbox,
    overview,
    requests,
    sandbox,
    settings,
    team,
    team_invitations,
    webhook_secrets,
    webhooks,
)
from .portal import account as portal_account
from .portal import cases as portal_cases
from .portal import door as portal_door
from .portal import passkeys as portal_passkeys

# One line for each group of pages; the order matters only where two paths could fit the same address.
_MODULES = (
    front,
    sign_in,
    reset,
    invitations,
    connected_apps,
    account,
    consent,
    overview,
    keys,
    webhook_secrets,
    deliveries,
    webhooks,
    sandbox,
    mailbox,
    firm,
    settings,
    team_invitations,
    team,
    app_grants,
    apps,
    requests,
    audit,
    portal_cases,
    portal_account,
    portal_passkeys,
    portal_door,
)


def routes() -> Iterator[BaseRoute]:
    """Give every route of the pages, flat."""
    for module in _MODULES:
        yield from module.router.routes
