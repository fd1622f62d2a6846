"""Imports every table, so that Alembic and the tests see the whole declared database."""

from conecta.api_keys.models import ApiKey
from conecta.audit.models import AuditEntry
from conecta.availability.holidays.models import Holiday, HolidayCalendar
from conecta.availability.models import AvailabilityVersion
from conecta.availability.schedules.models import Schedule, ScheduleOverride
from conecta.availability.time_off.models import TimeOff
from conecta.bookings.feeds.models import CalendarFeed
from conecta.bookings.links.models import BookingLink
from conecta.bookings.messages.models import BookingReminder, BookingReminderRules
from conecta.bookings.models import (
    Booking,
    BookingAttendee,
    BookingClaim,
    BookingHistory,
    BookingHold,
    BookingOccurrence,
)
from conecta.bookings.rooms.models import Room
from conecta.bookings.services.models import BookingService, BookingServiceHost, BookingServiceRoom
from conecta.calendars.models import (
    CalendarChannel,
    CalendarConnection,
    CalendarSource,
    ExternalBusy,
    MirroredBooking,
)
from conecta.cases.models import (
    Case,
    CaseActivity,
    CaseCategory,
    CaseCounter,
    CaseCustomField,
    CaseNote,
    CaseNoteEdit,
    CaseTag,
)
from conecta.clients.access.models import ClientAccess
from conecta.clients.models import Client, ClientCustomField
from conecta.events.models import Event
from conecta.inquiries.models import Inquiry
from conecta.kit.idempotency import RememberedAnswer
from conecta.kit.rate_limit import RateWindow
from conecta.kit.tables import Base
from conecta.messages.models import Message, PersonalMessage
from conecta.oauth.models import (
    OAuthApp,
    OAuthAppSecret,
    OAuthCode,
    OAuthFamily,
    OAuthGrant,
    OAuthInitialToken,
    OAuthProof,
    OAuthPushedRequest,
    OAuthRefreshToken,
    OAuthSigningKey,
)
from conecta.people.links.models import OneTimeLink
from conecta.people.models import Person
from conecta.people.passkeys.models import Passkey
from conecta.people.passwords.models import PersonPassword
from conecta.people.second_factor.models import PersonTotp, RecoveryCode
from conecta.plans.models import Plan
from conecta.requests.models import LoggedRequest
from conecta.reviews.models import Review
from conecta.sessions.models import BrowserSession
from conecta.tenants.models import Tenant
from conecta.users.invitations.models import Invitation
from conecta.users.models import User
from conecta.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookNotice
from conecta.website.models import PublicSite, PublishableKey

__all__ = [
    "ApiKey",
    "AuditEntry",
    "AvailabilityVersion",
    "Base",
    "Booking",
    "BookingAttendee",
    "BookingClaim",
    "BookingHistory",
    "BookingHold",
    "BookingLink",
    "BookingOccurrence",
    "BookingReminder",
    "BookingReminderRules",
    "BookingService",
    "BookingServiceHost",
    "BookingServiceRoom",
    "BrowserSession",
    "CalendarChannel",
    "CalendarConnection",
    "CalendarFeed",
    "CalendarSource",
    "Case",
    "CaseActivity",
    "CaseCategory",
    "CaseCounter",
    "CaseCustomField",
    "CaseNote",
    "CaseNoteEdit",
    "CaseTag",
    "Client",
    "ClientAccess",
    "ClientCustomField",
    "Event",
    "ExternalBusy",
    "Holiday",
    "HolidayCalendar",
    "Inquiry",
    "Invitation",
    "LoggedRequest",
    "Message",
    "MirroredBooking",
    "OAuthApp",
    "OAuthAppSecret",
    "OAuthCode",
    "OAuthFamily",
    "OAuthGrant",
    "OAuthInitialToken",
    "OAuthProof",
    "OAuthPushedRequest",
    "OAuthRefreshToken",
    "OAuthSigningKey",
    "OneTimeLink",
    "Passkey",
    "Person",
    "PersonPassword",
    "PersonTotp",
    "PersonalMessage",
    "Plan",
    "PublicSite",
    "PublishableKey",
    "RateWindow",
    "RecoveryCode",
    "RememberedAnswer",
    "Review",
    "Room",
    "Schedule",
    "ScheduleOverride",
    "Tenant",
    "TimeOff",
    "User",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookNotice",
]
