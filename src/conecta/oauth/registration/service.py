"""Dynamic registration (RFC 7591) behind an initial access token, and what its holder may do later (7592)."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.audit import service as audit
from conecta.audit.service import OPERATOR, Actor
from conecta.auth.scopes import SEED_SCOPES
from conecta.kit import clock
from conecta.kit.crypto import KeyRing
from conecta.kit.ids import new_id
from conecta.oauth import rules
from conecta.oauth.apps import service as apps
from conecta.oauth.apps.schemas import AppCreate
from conecta.oauth.models import OAuthApp, OAuthInitialToken

from . import queries
from .schemas import AUTH_METHODS, ClientMetadata

_INITIAL: Final = "oauth initial access tokens"
_REGISTRATION: Final = "oauth registration access tokens"


class MetadataFault(Exception):
    """Metadata that cannot be registered: the error code of RFC 7591 §3.2.2, and why."""

    def __init__(self, error: str, description: str) -> None:
        self.error, self.description = error, description
        super().__init__(description)


@dataclass(frozen=True)
class NewRegistration:
    """An app that registered itself, with what is shown this once."""

    app: OAuthApp
    client_secret: str | None
    registration_token: str


async def make_initial_token(
    session: AsyncSession, keyring: KeyRing, *, tenant_id: str, uses: int, lifetime: timedelta
) -> str | None:
    """Make a token that registers apps of a firm; needs a system session. None: there is no such firm."""
    if not await queries.tenant_exists(session, tenant_id):
        return None
    token = "cnt_initial_" + secrets.token_urlsafe(32)
    row = OAuthInitialToken(
        tenant_id=tenant_id,
        id=new_id("iat"),
        hash=keyring.hashes(_INITIAL, token)[0],
        uses_left=uses,
        expires_at=clock.real_now() + lifetime,
    )
    session.add(row)
    return token


async def use_initial_token(session: AsyncSession, keyring: KeyRing, token: str) -> str | None:
    """Use an initial access token once; return the firm that it registers for, or None."""
    found = await queries.use_initial_token(session, keyring.hashes(_INITIAL, token), clock.real_now())
    return found[0] if found else None


async def register(
    session: AsyncSession, keyring: KeyRing, *, tenant_id: str, wanted: ClientMetadata
) -> NewRegistration:
    """Register an app that described itself; raise MetadataFault.

    It can only act for people who allow it: client credentials would act for the firm without anybody's
    consent. PKCE is demanded of all of them.
    """
    public = wanted.token_endpoint_auth_method == AUTH_METHODS[-1]
    scopes = rules.read_scopes(wanted.scope) if wanted.scope else SEED_SCOPES
    if not scopes:
        raise MetadataFault("invalid_client_metadata", "The scope has words that are no scopes.")
    for uri in wanted.redirect_uris:
        if fault := rules.redirect_uri_fault(uri, public=public):
            raise MetadataFault("invalid_redirect_uri", fault.en)
    if not wanted.redirect_uris:
        raise MetadataFault("invalid_redirect_uri", "At least one redirect URI is needed.")
    if "authorization_code" not in wanted.grant_types:
        raise MetadataFault("invalid_client_metadata", "The grant types lack authorization_code.")
    described = AppCreate(
        name=wanted.client_name or rules.origin_of(wanted.redirect_uris[0])[:100],
        kind="public" if public else "confidential",
        redirect_uris=wanted.redirect_uris,
        scopes=list(scopes),
        grant_types=list(wanted.grant_types),
        pkce_required=True,
        dpop_required=wanted.dpop_bound_access_tokens,
        pushed_requests_required=wanted.require_pushed_authorization_requests,
        website=wanted.client_uri,
        logo=wanted.logo_uri,
    )
    token = "cnt_registration_" + secrets.token_urlsafe(32)
    new = await apps.add_app(
        session,
        keyring,
        tenant_id=tenant_id,
        wanted=described,
        auth_method=wanted.token_endpoint_auth_method,
        registered=wanted.model_dump(exclude_none=True),
        registration_hash=keyring.hashes(_REGISTRATION, token)[0],
    )
    app = await queries.by_registration_token(session, new.id, keyring.hashes(_REGISTRATION, token))
    assert app is not None
    await _record(session, app, "oauth_app.created")
    return NewRegistration(app, new.secret, token)


async def find(session: AsyncSession, keyring: KeyRing, *, app_id: str, token: str) -> OAuthApp | None:
    """Return the app that a registration access token manages."""
    return await queries.by_registration_token(session, app_id, keyring.hashes(_REGISTRATION, token))


async def delete(session: AsyncSession, app: OAuthApp) -> None:
    """Delete an app that registered itself."""
    await apps.end_app(session, app)
    await _record(session, app, "oauth_app.deleted")


def described(app: OAuthApp) -> Mapping[str, Any]:
    """Return the registered metadata of an app, as it stands now."""
    names = {"client_name": app.name, "client_uri": app.website, "logo_uri": app.logo}
    return {
        **(app.registered or {}),
        **{name: value for name, value in names.items() if value is not None},
        "client_id": app.id,
        "client_id_issued_at": int(app.created_at.timestamp()),
        "redirect_uris": list(app.redirect_uris),
        "grant_types": list(app.grant_types),
        "scope": " ".join(app.scopes),
    }


async def _record(session: AsyncSession, app: OAuthApp, action: str) -> None:
    await audit.record(
        session,
        tenant_id=app.tenant_id,
        action=action,
        actor=Actor(OPERATOR.kind, None, app.name),
        target=app.id,
        details={"name": app.name, "registered_itself": True},
    )
