"""Passkeys (WebAuthn credentials) of people, and of clients of a firm."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from conecta.kit.tables import Base, Id, Moment, declare, grants


class Passkey(Base):
    """One credential of a person, or of a client of the firm `at_tenant`; we hold its public half."""

    __tablename__ = "passkeys"
    __table_args__: Any = (
        ForeignKeyConstraint(["at_tenant", "client_id"], ["clients.tenant_id", "clients.id"]),
        CheckConstraint("(person_id is null) <> (client_id is null)", name="one_owner"),
        CheckConstraint("(client_id is null) = (at_tenant is null)", name="client_of_a_firm"),
        Index("uq_passkeys_credential_id", "credential_id", unique=True),
        Index("ix_passkeys_person_id", "person_id", postgresql_where=text("person_id is not null")),
        Index(
            "ix_passkeys_client_id", "at_tenant", "client_id", postgresql_where=text("client_id is not null")
        ),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    person_id: Mapped[str | None] = mapped_column(Id, ForeignKey("people.id"))
    at_tenant: Mapped[str | None] = mapped_column(Id, ForeignKey("tenants.id"))
    client_id: Mapped[str | None] = mapped_column(Id)
    name: Mapped[str]
    credential_id: Mapped[bytes] = mapped_column(LargeBinary)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    transports: Mapped[list[str]] = mapped_column(ARRAY(Id))
    # It lives in more places than one device: the person's other devices have it too.
    synced: Mapped[bool] = mapped_column(Boolean)
    created_at: Mapped[datetime] = mapped_column(Moment)
    last_used_at: Mapped[datetime | None] = mapped_column(Moment)


declare(Passkey, *grants("passkeys", ""))
