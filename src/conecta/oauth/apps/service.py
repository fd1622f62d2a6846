"""OAuth apps of a firm: register, list, change, rotate secrets, delete."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.audit import service as audit
from conecta.auth.caller import Caller
from conecta.auth.roles import SCOPES_OF_CLIENT
from conecta.auth.scopes import SEED_SCOPES
from conecta.kit import clock
from conecta.kit.crypto import KeyRing
from conecta.kit.db import Reads, SessionReads
from conecta.kit.errors import FieldError, NotFound, ValidationFailed
from conecta.kit.etags import Precondition
from conecta.kit.ids import canonical, new_id
from conecta.kit.language import Text
from conecta.kit.pages import PageOfRows, Pager
from conecta.oauth import rules
from conecta.oauth.models import OAuthApp, OAuthAppSecret
from conecta.oauth.registered_app import SECRET_PURPOSE

from . import queries
from .errors import AppHasNoSecret, AppScopesNotYours, TooManyApps
from .schemas import AppCreate, AppFilters, AppUpdate, SecretRotation

MOST_APPS: Final = 200
_PREFIX: Final = "cnt_secret_"
_MAY_BE_EMPTIED: Final = frozenset({"website", "logo"})


@dataclass(frozen=True)
class NewApp:
    """An app with a secret that was just made (None for a public app) and is stored nowhere."""

    id: str
    secret: str | None
    json_text: str
    version: int


async def list_apps(reads: Reads, pager: Pager, *, tenant_id: str, filters: AppFilters) -> PageOfRows:
    """Return a page of the firm's apps."""
    return await queries.page(reads, pager, tenant_id, filters)


async def read_app(reads: Reads, *, tenant_id: str, app_id: str) -> tuple[str, int]:
    """Return one app as JSON text and version; raise NotFound."""
    key = canonical("app", app_id)
    found = await queries.one(reads, tenant_id, key) if key else None
    if found is None:
        raise NotFound
    return found


async def create_app(session: AsyncSession, keyring: KeyRing, *, caller: Caller, wanted: AppCreate) -> NewApp:
    """Register an app of the caller's firm.

    Raises ValidationFailed, AppScopesNotYours (403) and TooManyApps (409).
    """
    if await queries.count(session, caller.tenant_id) >= MOST_APPS:
        raise TooManyApps(limit=MOST_APPS)
    _refuse_more_than_own(wanted.grant_types, wanted.scopes, caller)
    new = await add_app(
        session, keyring, tenant_id=caller.tenant_id, wanted=wanted, created_by=caller.credential_id
    )
    await _record(session, caller, "oauth_app.created", new.id, {"name": wanted.name})
    return new


async def add_app(
    session: AsyncSession,
    keyring: KeyRing,
    *,
    tenant_id: str,
    wanted: AppCreate,
    created_by: str | None = None,
    **more: Any,
) -> NewApp:
    """Store a new app of a tenant, with its first secret; raise ValidationFailed."""
    values = wanted.model_dump() | {"pkce_required": wanted.kind == "public" or bool(wanted.pkce_required)}
    app = OAuthApp(tenant_id=tenant_id, id=new_id("app"), created_by=created_by, **(values | more))
    _arrange(app)
    _refuse_faults(app)
    session.add(app)
    await session.flush()
    secret = None if app.kind == "public" else await _add_secret(session, keyring, app)
    return await _new(session, app, secret)


async def update_app(
    session: AsyncSession, *, caller: Caller, app_id: str, wanted: AppUpdate, precondition: Precondition
) -> tuple[str, int]:
    """Change an app; return its JSON text and version.

    Raises NotFound, PreconditionFailed, ValidationFailed and AppScopesNotYours (403).
    """
    app = await _of(session, caller.tenant_id, app_id)
    precondition.check(app.version)
    changes = wanted.model_dump(exclude_unset=True)
    emptied = [name for name, value in changes.items() if value is None and name not in _MAY_BE_EMPTIED]
    if emptied:
        message = Text("No puede ser null.", "It cannot be null.")
        raise ValidationFailed.at(f"/{emptied[0]}", "required", message)
    changed = sorted(name for name, value in changes.items() if getattr(app, name) != value)
    for name in changed:
        setattr(app, name, changes[name])
    _arrange(app)
    _refuse_faults(app)
    if {"scopes", "grant_types"} & set(changed):
        _refuse_more_than_own(app.grant_types, app.scopes, caller)
    if changed:
        await _record(session, caller, "oauth_app.changed", app.id, {"name": app.name, "changed": changed})
    return await _shown(session, app)


async def rotate_secret(
    session: AsyncSession, keyring: KeyRing, *, caller: Caller, app_id: str, wanted: SecretRotation
) -> NewApp:
    """Give an app a new secret; the newest old one works for the grace period, older ones no more.

    Raises NotFound, AppHasNoSecret (409), and AppScopesNotYours (403): the caller gets to see the secret.
    """
    app = await _of(session, caller.tenant_id, app_id)
    if app.kind == "public":
        raise AppHasNoSecret(id=app.id)
    _refuse_more_than_own(app.grant_types, app.scopes, caller)
    secret = await renew_secret(session, keyring, app, grace=timedelta(seconds=wanted.grace_seconds))
    await _record(session, caller, "oauth_app.secret_rotated", app.id, {"name": app.name})
    return await _new(session, app, secret)


async def renew_secret(session: AsyncSession, keyring: KeyRing, app: OAuthApp, *, grace: timedelta) -> str:
    """Make a new secret of a confidential app and let its newest old one work for the grace period."""
    newest = await queries.newest_secret(session, app)
    await queries.end_secrets(session, app, keep=newest if grace else None, until=clock.real_now() + grace)
    return await _add_secret(session, keyring, app)


async def app_with_fresh_secret(
    session: AsyncSession, keyring: KeyRing, *, tenant_id: str, wanted: AppCreate
) -> tuple[str, str]:
    """Return id and a fresh secret of a firm's app of this name, registered if it is missing.

    For whoever cannot read a secret back and asks again (the demo); the one before works for a week.
    """
    app = await queries.by_name(session, tenant_id, wanted.name)
    if app is None:
        new = await add_app(session, keyring, tenant_id=tenant_id, wanted=wanted)
        assert new.secret is not None
        return new.id, new.secret
    return app.id, await renew_secret(session, keyring, app, grace=timedelta(days=7))


async def delete_app(session: AsyncSession, *, caller: Caller, app_id: str) -> None:
    """Delete an app: its tokens stop within a minute, and nobody can allow it again. Raises NotFound."""
    app = await _of(session, caller.tenant_id, app_id)
    await end_app(session, app)
    await _record(session, caller, "oauth_app.deleted", app.id, {"name": app.name})


async def end_app(session: AsyncSession, app: OAuthApp) -> None:
    """Take an app out of use for good; its row stays, for what it did."""
    app.deleted_at = clock.real_now()
    await queries.end_secrets(session, app, keep=None, until=app.deleted_at)


def grants_itself(grant_types: Sequence[str]) -> bool:
    """Say whether an app may act without anybody's consent."""
    return "client_credentials" in grant_types


async def _of(session: AsyncSession, tenant_id: str, app_id: str) -> OAuthApp:
    key = canonical("app", app_id)
    app = await queries.for_change(session, tenant_id, key) if key else None
    if app is None:
        raise NotFound
    return app


async def _add_secret(session: AsyncSession, keyring: KeyRing, app: OAuthApp) -> str:
    secret = _PREFIX + secrets.token_urlsafe(32)
    row = OAuthAppSecret(
        tenant_id=app.tenant_id,
        id=new_id("sec"),
        app_id=app.id,
        hash=keyring.hashes(SECRET_PURPOSE, secret)[0],
        hint=f"{_PREFIX}…{secret[-4:]}",
    )
    session.add(row)
    await session.flush()
    return secret


def _arrange(app: OAuthApp) -> None:
    """Put lists into the order that they are shown in, each element once."""
    app.scopes = [scope.value for scope in rules.in_order(app.scopes)]
    app.grant_types = [name for name in rules.GRANT_TYPES if name in app.grant_types]
    app.redirect_uris = list(dict.fromkeys(app.redirect_uris))


def _refuse_faults(app: OAuthApp) -> None:
    """Raise ValidationFailed with everything that does not go together."""
    public = app.kind == "public"
    found = [
        FieldError(f"/redirect_uris/{i}", "unfit_redirect_uri", str(fault))
        for i, uri in enumerate(app.redirect_uris)
        if (fault := rules.redirect_uri_fault(uri, public=public))
    ]
    coded = "authorization_code" in app.grant_types
    if coded and not app.redirect_uris:
        text = Text("Hace falta al menos una dirección de vuelta.", "At least one redirect URI is needed.")
        found.append(FieldError("/redirect_uris", "required", str(text)))
    if "refresh_token" in app.grant_types and not coded:
        text = Text("refresh_token necesita authorization_code.", "refresh_token needs authorization_code.")
        found.append(FieldError("/grant_types", "not_allowed", str(text)))
    if grants_itself(app.grant_types) and (public or app.for_clients):
        text = Text(
            "client_credentials es solo de aplicaciones confidenciales que no son para clientes.",
            "client_credentials is for confidential apps only, and not for those of clients.",
        )
        found.append(FieldError("/grant_types", "not_allowed", str(text)))
    if app.for_clients and not set(app.scopes) <= SCOPES_OF_CLIENT:
        allowed = " ".join(scope for scope in SEED_SCOPES if scope in SCOPES_OF_CLIENT)
        text = Text("Un cliente solo puede dar: {allowed}.", "A client can only give: {allowed}.")
        found.append(FieldError("/scopes", "not_allowed", str(text.fill(allowed=allowed))))
    if public and not app.pkce_required:
        text = Text("Una aplicación pública exige PKCE.", "A public app demands PKCE.")
        found.append(FieldError("/pkce_required", "not_allowed", str(text)))
    if found:
        raise ValidationFailed(errors=found)


def _refuse_more_than_own(grant_types: Sequence[str], scopes: Sequence[str], caller: Caller) -> None:
    missing = sorted(set(scopes) - caller.scopes)
    if grants_itself(grant_types) and missing:
        raise AppScopesNotYours(missing=" ".join(missing))


async def _record(
    session: AsyncSession, caller: Caller, action: str, app_id: str, details: dict[str, Any]
) -> None:
    await audit.record(
        session,
        tenant_id=caller.tenant_id,
        action=action,
        actor=audit.actor_of(caller),
        target=app_id,
        details=details,
    )


async def _new(session: AsyncSession, app: OAuthApp, secret: str | None) -> NewApp:
    text, version = await _shown(session, app)
    return NewApp(app.id, secret, text, version)


async def _shown(session: AsyncSession, app: OAuthApp) -> tuple[str, int]:
    found = await queries.one(SessionReads(session), app.tenant_id, app.id)
    assert found is not None
    return found
