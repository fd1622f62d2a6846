"""The firm on the web: its public page, and the keys that its own website carries for all to read."""

from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from conecta.kit.tables import Base, Id, Moment, TenantTable, Versioned, declare, grants, policies, tenant_key


class PublicSite(TenantTable, Versioned, Base):
    """The firm's public page; a firm without a row has none.

    The slug is unique among all firms, for it stands in an address of ours.
    """

    __tablename__ = "public_sites"
    __table_args__: Any = (
        tenant_key(),
        CheckConstraint("slug ~ '^[a-z0-9]([a-z0-9-]*[a-z0-9])?$'", name="slug_formed"),
        Index("uq_public_sites_slug", "slug", unique=True),
    )

    slug: Mapped[str] = mapped_column(Id)
    active: Mapped[bool]
    intro: Mapped[str | None]
    privacy_url: Mapped[str | None]
    shows_reviews: Mapped[bool]
    asks_for_reviews: Mapped[bool]


class PublishableKey(TenantTable, Versioned, Base):
    """A key that anybody can read in the source of the firm's website.

    It is no secret: what it lets do is what every visitor may do, and only from its origins.
    """

    __tablename__ = "publishable_keys"
    __table_args__: Any = (
        tenant_key(),
        CheckConstraint("cardinality(origins) > 0", name="origins_named"),
        Index("uq_publishable_keys_key", "key", unique=True),
        Index("ix_publishable_keys_tenant_id_created_at_id", "tenant_id", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str]
    key: Mapped[str] = mapped_column(Id)
    origins: Mapped[list[str]] = mapped_column(ARRAY(Id))
    created_by: Mapped[str | None] = mapped_column(Id)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)


declare(PublicSite, *policies("public_sites"), *grants("public_sites", "select, insert, update"))
declare(PublishableKey, *policies("publishable_keys"), *grants("publishable_keys", "select, insert, update"))
