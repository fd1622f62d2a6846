"""The one table of the native API's routers, the most called ones first."""

from collections.abc import Iterator

from starlette.routing import BaseRoute

from conecta.api_keys.routes import router as api_keys
from conecta.audit.routes import router as audit
from conecta.availability.holidays.routes import router as holiday_calendars
from conecta.availability.routes import router as availability
from conecta.availability.schedules.routes import router as schedules
from conecta.availability.time_off.routes import router as time_off
from conecta.bookings.feeds.routes import router as calendar_feeds
from conecta.bookings.history.routes import router as booking_history
from conecta.bookings.holds.routes import router as booking_holds
from conecta.bookings.links.routes import router as booking_links
from conecta.bookings.messages.routes import router as booking_reminders
from conecta.bookings.rooms.routes import router as rooms
from conecta.bookings.routes import router as bookings
from conecta.bookings.services.routes import router as booking_services
from conecta.calendars.routes import router as calendar_connections
from conecta.cases.activities.routes import router as case_activities
from conecta.cases.categories.routes import router as case_categories
from conecta.cases.notes.routes import router as case_notes
from conecta.cases.routes import router as cases
from conecta.clients.access.routes import router as client_access
from conecta.clients.routes import router as clients
from conecta.events.routes import router as events
from conecta.inquiries.routes import router as inquiries
from conecta.kit.routing import API_PREFIX
from conecta.messages.routes import router as messages
from conecta.oauth.apps.routes import router as oauth_apps
from conecta.plans.routes import router as plans
from conecta.requests.routes import router as requests
from conecta.reviews.routes import router as reviews
from conecta.tenants.routes import router as tenants
from conecta.users.invitations.routes import router as invitations
from conecta.users.routes import router as users
from conecta.webhooks.routes import router as webhooks
from conecta.website.keys.routes import router as publishable_keys
from conecta.website.public.routes import router as public
from conecta.website.site.routes import router as public_site

PREFIX = API_PREFIX

_FEATURES = (
    cases, clients, case_activities, case_notes, case_categories, webhooks, events, users, invitations,
    api_keys, tenants, plans, messages, audit, requests, client_access,
    oauth_apps, inquiries, reviews, publishable_keys, public_site, public,
    bookings, booking_holds, booking_history, booking_links, booking_reminders, calendar_feeds,
    calendar_connections,
    availability, booking_services, rooms, schedules, time_off, holiday_calendars,
)  # fmt: skip


def routes() -> Iterator[BaseRoute]:
    """Give every native route, flat: routers included in routers are matched several times a request."""
    for feature in _FEATURES:
        yield from feature.routes
