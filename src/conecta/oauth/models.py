"""What the OAuth2 server keeps: apps, what people granted them, and hashes of what it gave out.

An app belongs to the firm that registered it; a grant to the firm that is acted in, which may be another.
No code, token or client secret is here: only keyed hashes of them, and signing keys under encryption.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from conecta.kit import clock
from conecta.kit.tables import (
    Base,
    Id,
    TenantTable,
    Versioned,
    declare,
    grants,
    policies,
    reference,
    tenant_key,
)

KINDS = ("confidential", "public")
AUTH_METHODS = ("client_secret_basic", "client_secret_post", "none")
SUBJECTS = ("person", "client", "app")


class OAuthApp(TenantTable, Versioned, Base):
    """An application that a firm registered; its id is the `client_id` on the wire."""

    __tablename__ = "oauth_apps"
    __table_args__: Any = (
        tenant_key(),
        CheckConstraint(f"kind in {KINDS}", name="kind_known"),
        CheckConstraint(f"auth_method in {AUTH_METHODS}", name="auth_method_known"),
        Index("uq_oauth_apps_id", "id", unique=True),
        Index("ix_oauth_apps_tenant_id_created_at_id", "tenant_id", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]
    # It signs in the clients of its own firm instead of people who work for firms.
    for_clients: Mapped[bool] = mapped_column(Boolean, default=False)
    pkce_required: Mapped[bool] = mapped_column(Boolean, default=False)
    dpop_required: Mapped[bool] = mapped_column(Boolean, default=False)
    pushed_requests_required: Mapped[bool] = mapped_column(Boolean, default=False)
    redirect_uris: Mapped[list[str]] = mapped_column(ARRAY(Id), default=list)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Id))
    grant_types: Mapped[list[str]] = mapped_column(ARRAY(Id))
    # How it authenticates itself; null: by Basic or in the body, as it likes.
    auth_method: Mapped[str | None] = mapped_column(Id)
    website: Mapped[str | None]
    logo: Mapped[str | None]
    # What else a dynamic registration said (RFC 7591), to be told back.
    registered: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    registration_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_by: Mapped[str | None] = mapped_column(Id)
    deleted_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class OAuthAppSecret(TenantTable, Base):
    """One of the secrets of a confidential app: two of them while it rotates."""

    __tablename__ = "oauth_app_secrets"
    __table_args__: Any = (
        tenant_key(),
        reference("app_id", "oauth_apps", ondelete="CASCADE"),
        Index("ix_oauth_app_secrets_tenant_id_app_id", "tenant_id", "app_id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    app_id: Mapped[str] = mapped_column(Id)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    hint: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=clock.real_now)
    expires_at: Mapped[datetime | None]


class OAuthGrant(TenantTable, Base):
    """What somebody allowed an app to do in a firm; `version` grows when all of its tokens must stop."""

    __tablename__ = "oauth_grants"
    __table_args__: Any = (
        tenant_key(),
        reference("client_id", "clients"),
        UniqueConstraint("tenant_id", "app_id", "subject"),
        CheckConstraint(f"subject_kind in {SUBJECTS}", name="subject_kind_known"),
        Index("ix_oauth_grants_app_tenant_id_app_id", "app_tenant_id", "app_id"),
        Index("ix_oauth_grants_person_id", "person_id"),
        Index("ix_oauth_grants_tenant_id_client_id", "tenant_id", "client_id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    # The app may be another firm's, so no foreign key leads there; no app is ever deleted for good.
    app_tenant_id: Mapped[str] = mapped_column(Id)
    app_id: Mapped[str] = mapped_column(Id)
    subject_kind: Mapped[str]
    # The person, the client or the app itself: one grant each of an app in a firm.
    subject: Mapped[str] = mapped_column(Id)
    person_id: Mapped[str | None] = mapped_column(Id, ForeignKey("people.id"))
    # The membership that acts; in a sandbox it may be that of its firm, so there is no foreign key.
    user_id: Mapped[str | None] = mapped_column(Id)
    client_id: Mapped[str | None] = mapped_column(Id)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Id))
    version: Mapped[int] = mapped_column(Integer, default=1)
    given_at: Mapped[datetime] = mapped_column(default=clock.real_now)
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class OAuthFamily(TenantTable, Base):
    """One authorization of a grant and all tokens that came of it: they live and die together."""

    __tablename__ = "oauth_families"
    __table_args__: Any = (
        tenant_key(),
        reference("grant_id", "oauth_grants", ondelete="CASCADE"),
        Index("ix_oauth_families_tenant_id_grant_id", "tenant_id", "grant_id"),
        Index("ix_oauth_families_expires_at", "expires_at"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    grant_id: Mapped[str] = mapped_column(Id)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Id))
    # Thumbprint of the key that a public app's refresh tokens are bound to (RFC 9449).
    dpop_jkt: Mapped[str | None] = mapped_column(Id)
    created_at: Mapped[datetime] = mapped_column(default=clock.real_now)
    # Nothing of it is valid after this.
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_for: Mapped[str | None] = mapped_column(Id)


class OAuthCode(TenantTable, Base):
    """An authorization code, by its hash."""

    __tablename__ = "oauth_codes"
    __table_args__: Any = (
        tenant_key(),
        reference("family_id", "oauth_families", ondelete="CASCADE"),
        Index("ix_oauth_codes_tenant_id_family_id", "tenant_id", "family_id"),
        Index("ix_oauth_codes_expires_at", "expires_at"),
        Index("uq_oauth_codes_hash", "hash", unique=True),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    family_id: Mapped[str] = mapped_column(Id)
    app_id: Mapped[str] = mapped_column(Id)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    # As the request had it: null when it named none, and then the token request need not either.
    redirect_uri: Mapped[str | None]
    code_challenge: Mapped[str | None] = mapped_column(Id)
    dpop_jkt: Mapped[str | None] = mapped_column(Id)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class OAuthRefreshToken(TenantTable, Base):
    """A refresh token, by its hash; `parent_id` is the one it was exchanged for."""

    __tablename__ = "oauth_refresh_tokens"
    __table_args__: Any = (
        tenant_key(),
        reference("family_id", "oauth_families", ondelete="CASCADE"),
        Index("ix_oauth_refresh_tokens_tenant_id_family_id", "tenant_id", "family_id"),
        Index("ix_oauth_refresh_tokens_expires_at", "expires_at"),
        Index("uq_oauth_refresh_tokens_hash", "hash", unique=True),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    family_id: Mapped[str] = mapped_column(Id)
    app_id: Mapped[str] = mapped_column(Id)
    parent_id: Mapped[str | None] = mapped_column(Id)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(default=clock.real_now)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class OAuthPushedRequest(TenantTable, Base):
    """An authorization request that an app pushed (RFC 9126), by the hash of its `request_uri`."""

    __tablename__ = "oauth_pushed_requests"
    __table_args__: Any = (
        tenant_key(),
        reference("app_id", "oauth_apps", ondelete="CASCADE"),
        Index("ix_oauth_pushed_requests_tenant_id_app_id", "tenant_id", "app_id"),
        Index("ix_oauth_pushed_requests_expires_at", "expires_at"),
        Index("uq_oauth_pushed_requests_hash", "hash", unique=True),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    app_id: Mapped[str] = mapped_column(Id)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    params: Mapped[dict[str, str]] = mapped_column(JSONB)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class OAuthInitialToken(TenantTable, Base):
    """A token that lets its holder register apps of a firm (RFC 7591), by its hash."""

    __tablename__ = "oauth_initial_tokens"
    __table_args__: Any = (
        tenant_key(),
        CheckConstraint("uses_left >= 0", name="uses_left_positive"),
        Index("uq_oauth_initial_tokens_hash", "hash", unique=True),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    uses_left: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(default=clock.real_now)
    expires_at: Mapped[datetime]


class OAuthSigningKey(Base):
    """A key that signs access tokens from `signs_from` on, until a later one does."""

    __tablename__ = "oauth_signing_keys"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    private_key: Mapped[bytes] = mapped_column(LargeBinary)
    public_key: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(default=clock.real_now)
    signs_from: Mapped[datetime]


class OAuthProof(Base):
    """A DPoP proof that was seen: its hash, for as long as it would be accepted again."""

    __tablename__ = "oauth_proofs"
    __table_args__: Any = (Index("ix_oauth_proofs_expires_at", "expires_at"),)

    hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    expires_at: Mapped[datetime]


# The firm's people read and change apps as themselves; all else belongs to the protocol, which crosses
# firms and runs as the system.
declare(OAuthApp, *policies("oauth_apps"), *grants("oauth_apps", "select, insert, update"))
declare(
    OAuthAppSecret,
    *policies("oauth_app_secrets"),
    *grants("oauth_app_secrets", "select, insert, update, delete"),
)
declare(OAuthGrant, *policies("oauth_grants"), *grants("oauth_grants", ""))
declare(OAuthFamily, *policies("oauth_families"), *grants("oauth_families", ""))
declare(OAuthCode, *policies("oauth_codes"), *grants("oauth_codes", ""))
declare(OAuthRefreshToken, *policies("oauth_refresh_tokens"), *grants("oauth_refresh_tokens", ""))
declare(OAuthPushedRequest, *policies("oauth_pushed_requests"), *grants("oauth_pushed_requests", ""))
declare(OAuthInitialToken, *policies("oauth_initial_tokens"), *grants("oauth_initial_tokens", ""))
declare(OAuthSigningKey, *grants("oauth_signing_keys", ""))
declare(OAuthProof, *grants("oauth_proofs", ""))
