"""Pages for people: HTML over the same services as the API, in Spanish and English."""

from collections.abc import Iterator

from starlette.routing import BaseRoute

from . import account, appointments, calendars, connected_apps, consent, front, invitations, reset, sign_in
from .panel import (
    agenda,
    app_grants,
    apps,
    audit,
    booking_moves,
    bookings,
    deliveries,
    firm,
    inquiries,
    keys,
    mailbox,
    overview,
    requests,
    reviews,
    sandbox,
    settings,
    team,
    team_invitations,
    webhook_secrets,
    webhooks,
    website,
)
from .portal import account as portal_account
from .portal import bookings as portal_bookings
from .portal import cases as portal_cases
from .portal import door as portal_door
from .portal import passkeys as portal_passkeys
from .public import booking as public_booking
from .public import contact as public_contact
from .public import review as public_review
from .public import widget as public_widget

# One line for each group of pages; the order matters only where two paths could fit the same address.
_MODULES = (
    front,
    sign_in,
    reset,
    invitations,
    appointments,
    calendars,
    connected_apps,
    account,
    consent,
    overview,
    agenda,
    booking_moves,
    bookings,
    inquiries,
    reviews,
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
    website,
    public_contact,
    public_booking,
    public_review,
    public_widget,
    portal_cases,
    portal_bookings,
    portal_account,
    portal_passkeys,
    portal_door,
)


def routes() -> Iterator[BaseRoute]:
    """Give every route of the pages, flat."""
    for module in _MODULES:
        yield from module.router.routes
