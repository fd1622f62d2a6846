"""Wire schemas of OAuth apps."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from conecta.auth.scopes import SEED_SCOPES, Scope
from conecta.kit.language import Text
from conecta.kit.pages import PageParams
from conecta.kit.schemas import ReadSchema, Schema, Timestamp
from conecta.kit.validation import Refused

Kind = Literal["confidential", "public"]
GrantType = Literal["authorization_code", "refresh_token", "client_credentials"]


def _grantable(scope: Scope) -> Scope:
    if scope not in SEED_SCOPES:
        raise Refused(
            "not_allowed",
            Text("Ninguna aplicación OAuth puede pedir ese permiso.", "No OAuth app may ask for that scope."),
        )
    return scope


def _https(value: str) -> str:
    if not value.startswith("https://"):
        raise Refused("invalid", Text("Tiene que empezar por https://.", "It must start with https://."))
    return value


Name = Annotated[str, Field(min_length=1, max_length=100, examples=["CRM del despacho"])]
AppScope = Annotated[Scope, Field(strict=False), AfterValidator(_grantable)]
AppScopes = Annotated[list[AppScope], Field(min_length=1, max_length=len(SEED_SCOPES))]
RedirectUri = Annotated[
    str, Field(min_length=1, max_length=2000, examples=["https://crm.example.com/oauth/callback"])
]
RedirectUris = Annotated[list[RedirectUri], Field(max_length=20)]
_USUAL_GRANTS: tuple[GrantType, ...] = ("authorization_code", "refresh_token")
GrantTypes = Annotated[list[GrantType], Field(min_length=1, max_length=3)]
HttpsUrl = Annotated[str, Field(max_length=500, examples=["https://crm.example.com"]), AfterValidator(_https)]


class AppCreate(Schema):
    """An OAuth app to register."""

    name: Name
    """What people are asked to allow."""
    kind: Kind = "confidential"
    """`confidential` keeps a secret on a server; `public` (single-page or native app) cannot."""
    redirect_uris: RedirectUris = Field(default_factory=list)
    """Where people are sent back to, character by character; of a public app on 127.0.0.1, with any port."""
    scopes: AppScopes
    """The most it may ask for."""
    grant_types: GrantTypes = Field(default_factory=lambda: list(_USUAL_GRANTS))
    """`client_credentials` lets a confidential app act for the firm itself, with nobody signed in."""
    for_clients: bool = False
    """True for the firm's own app for its clients: it signs in clients of the firm, not its members."""
    pkce_required: bool | None = None
    """Whether an authorization without PKCE is refused: of public apps always, of others when told."""
    dpop_required: bool = False
    """Whether every token must be bound to a key (DPoP)."""
    pushed_requests_required: bool = False
    """Whether authorization requests must be pushed (PAR)."""
    website: HttpsUrl | None = None
    """The app's page, shown to people."""
    logo: HttpsUrl | None = None
    """Address of its logo."""


class AppUpdate(Schema):
    """Changes to an app; what is absent stays."""

    name: Name | None = None
    """What people are asked to allow."""
    redirect_uris: RedirectUris | None = None
    """All of its redirect URIs."""
    scopes: AppScopes | None = None
    """The most it may ask for; tokens that are refreshed lose what is no longer here."""
    grant_types: GrantTypes | None = None
    """How it may get tokens."""
    pkce_required: bool | None = None
    """Whether an authorization without PKCE is refused."""
    dpop_required: bool | None = None
    """Whether every token must be bound to a key (DPoP)."""
    pushed_requests_required: bool | None = None
    """Whether authorization requests must be pushed (PAR)."""
    website: HttpsUrl | None = None
    """The app's page; null removes it."""
    logo: HttpsUrl | None = None
    """Address of its logo; null removes it."""


class SecretRotation(Schema):
    """How to replace a secret."""

    grace_seconds: Annotated[int, Field(ge=0, le=7 * 86_400)] = 86_400
    """How long the old secret still works, in seconds: 24 hours unless told, 7 days at most."""


class AppSecretRead(ReadSchema):
    """A secret of an app, without the secret itself."""

    id: str
    """`sec_…`."""
    hint: str
    """Its last characters."""
    created_at: Timestamp
    """When it was made."""
    expires_at: Timestamp | None
    """When it stops working; null while it is the newest."""


class AppRead(ReadSchema):
    """An OAuth app, without its secrets."""

    id: str
    """`app_…`; the `client_id` of the protocol."""
    name: str
    """What people are asked to allow."""
    kind: Kind
    """Whether it keeps a secret."""
    redirect_uris: list[str]
    """Where people are sent back to."""
    scopes: list[Scope]
    """The most it may ask for."""
    grant_types: list[GrantType]
    """How it may get tokens."""
    for_clients: bool
    """Whether it signs in clients of the firm instead of its members."""
    pkce_required: bool
    """Whether an authorization without PKCE is refused."""
    dpop_required: bool
    """Whether every token must be bound to a key (DPoP)."""
    pushed_requests_required: bool
    """Whether authorization requests must be pushed (PAR)."""
    website: str | None
    """The app's page."""
    logo: str | None
    """Address of its logo."""
    registered_itself: bool
    """Whether it came by dynamic registration (RFC 7591)."""
    secrets: list[AppSecretRead]
    """The secrets that work, the newest first."""
    last_used_at: Timestamp | None
    """Last use of any of its tokens, to within a few seconds."""
    created_at: Timestamp
    """When it was registered."""
    updated_at: Timestamp
    """When it last changed."""


class AppCreated(AppRead):
    """An app with a new secret; this is the only time it is shown."""

    client_secret: str | None
    """The secret; null for a public app. Keep it now; it cannot be read again."""


class AppFilters(PageParams):
    """Filters of `GET /oauth-apps`."""

    kind: Kind | None = None
    """Only confidential, or only public apps."""
    sort: Literal["created_at", "-created_at"] = "-created_at"
    """Order."""
