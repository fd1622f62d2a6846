"""The second factor of people: codes of an authenticator app, and recovery codes for when it is lost."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from conecta.kit.tables import Base, Id, Moment, declare, grants


class PersonTotp(Base):
    """The shared secret of a person's authenticator app, encrypted.

    It counts from `confirmed_at` on: until then the person was shown it and proved nothing. `last_step`
    is the newest time step whose code was accepted; neither it nor an earlier one is accepted again.
    """

    __tablename__ = "person_totp"

    person_id: Mapped[str] = mapped_column(Id, ForeignKey("people.id"), primary_key=True)
    sealed_secret: Mapped[bytes] = mapped_column(LargeBinary)
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime] = mapped_column(Moment)
    confirmed_at: Mapped[datetime | None] = mapped_column(Moment)


class RecoveryCode(Base):
    """A code that replaces the authenticator app once; only a keyed hash is stored."""

    __tablename__ = "recovery_codes"
    __table_args__: Any = (Index("uq_recovery_codes_person_id_hash", "person_id", "hash", unique=True),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    person_id: Mapped[str] = mapped_column(Id, ForeignKey("people.id"))
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)


declare(PersonTotp, *grants("person_totp", ""))
declare(RecoveryCode, *grants("recovery_codes", ""))
