"""Mail and text messages that the product sends: a firm's, and the mail of a person of several firms."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, Integer, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from conecta.kit.tables import Base, Id, Moment, TenantTable, declare, grants, policies, tenant_key

STATUSES = ("queued", "sent", "failed", "captured")
CHANNELS = ("mail", "sms")


class _Mail:
    """What both kinds have.

    `created_at` is the firm's time, which a sandbox may move; `queued_at`, `due_at` and `sent_at` are real
    ones. The body is encrypted, and forgotten as soon as it has been sent or given up.
    """

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    recipient: Mapped[str]
    language: Mapped[str]
    sealed_body: Mapped[bytes | None] = mapped_column(LargeBinary)
    status: Mapped[str] = mapped_column(default="queued")
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    due_at: Mapped[datetime | None] = mapped_column(Moment)
    last_error: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(Moment)
    queued_at: Mapped[datetime] = mapped_column(Moment)
    sent_at: Mapped[datetime | None] = mapped_column(Moment)


class Message(TenantTable, _Mail, Base):
    """A firm's mail or text message, which has no subject.

    `client_id` is the client of the firm whose own act wrote it, if one did.
    """

    __tablename__ = "messages"
    __table_args__: Any = (
        tenant_key(),
        CheckConstraint(f"status in {STATUSES}", name="status_known"),
        CheckConstraint(f"channel in {CHANNELS}", name="channel_known"),
        CheckConstraint("(channel = 'mail') = (subject is not null)", name="mail_has_a_subject"),
        Index("ix_messages_tenant_id_created_at_id", "tenant_id", "created_at", "id"),
        Index("ix_messages_due", "tenant_id", "due_at", postgresql_where="status = 'queued'"),
    )

    channel: Mapped[str] = mapped_column(default="mail", server_default="mail")
    subject: Mapped[str | None]
    client_id: Mapped[str | None] = mapped_column(
        Id, server_default=text("nullif(current_setting('conecta.client_id', true), '')")
    )


class PersonalMessage(_Mail, Base):
    """A person's own mail, such as the reset of a password: no firm may read it."""

    __tablename__ = "personal_messages"
    __table_args__: Any = (
        CheckConstraint(f"status in {STATUSES}", name="status_known"),
        Index("ix_personal_messages_created_at_id", "created_at", "id"),
        Index("ix_personal_messages_due", "due_at", postgresql_where="status = 'queued'"),
    )

    subject: Mapped[str]


declare(
    Message,
    # A client's session may write mail on its own account; the routes show it to the firm alone.
    *policies("messages", client_sees="client_id = current_setting('conecta.client_id', true)"),
    *grants("messages", "select, insert"),
)
declare(PersonalMessage, *grants("personal_messages", ""))
