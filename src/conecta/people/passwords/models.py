"""Passwords of people: argon2id hashes, kept apart from the rest of a person."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from conecta.kit.tables import Base, Id, Moment, declare, grants


class PersonPassword(Base):
    """A person's password; who has none uses a passkey, or sets one by a mailed link."""

    __tablename__ = "person_passwords"

    person_id: Mapped[str] = mapped_column(Id, ForeignKey("people.id"), primary_key=True)
    hash: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(Moment)


declare(PersonPassword, *grants("person_passwords", ""))
