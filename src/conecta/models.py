"""Imports every table, so that Alembic and the tests see the whole declared database."""

from conecta.api_keys.models import ApiKey
from conecta.audit.models import AuditEntry
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
from conecta.sessions.models import BrowserSession
from conecta.tenants.models import Tenant
from conecta.users.invitations.models import Invitation
from conecta.users.models import User
from conecta.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookNotice

__all__ = [
    "ApiKey",
    "AuditEntry",
    "Base",
    "BrowserSession",
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
    "Invitation",
    "LoggedRequest",
    "Message",
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
    "RateWindow",
    "RecoveryCode",
    "RememberedAnswer",
    "Tenant",
    "User",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookNotice",
]
