"""Imports every table, so that Alembic and the tests see the whole declared database."""

from conecta.api_keys.models import ApiKey
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
from conecta.clients.models import Client, ClientCustomField
from conecta.events.models import Event
from conecta.kit.idempotency import RememberedAnswer
from conecta.kit.rate_limit import RateWindow
from conecta.kit.tables import Base
from conecta.people.models import Person
from conecta.plans.models import Plan
from conecta.tenants.models import Tenant
from conecta.users.models import User
from conecta.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookNotice

__all__ = [
    "ApiKey",
    "Base",
    "Case",
    "CaseActivity",
    "CaseCategory",
    "CaseCounter",
    "CaseCustomField",
    "CaseNote",
    "CaseNoteEdit",
    "CaseTag",
    "Client",
    "ClientCustomField",
    "Event",
    "Person",
    "Plan",
    "RateWindow",
    "RememberedAnswer",
    "Tenant",
    "User",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookNotice",
]
