"""People are logins: global, one per human being, whatever firms they work for."""

from sqlalchemy import Index, func
from sqlalchemy.orm import Mapped, mapped_column

from conecta.kit.tables import Base, Id, Versioned, declare, grants


class Person(Versioned, Base):
    """Somebody who may sign in. Only the system role sees this table: it belongs to no firm."""

    __tablename__ = "people"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    email: Mapped[str]
    name: Mapped[str]


Index("uq_people_email", func.lower(Person.email), unique=True)
declare(Person, *grants("people", ""))
