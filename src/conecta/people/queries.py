"""All SQL of people: as the system, for they belong to no firm."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit.db import Database, SessionReads

from .models import Person

# The update changes nothing, but gives the row back whoever added it, also when two add it at once.
_FIND_OR_ADD = """
insert into people as p (id, email, name, created_at, updated_at, version)
values (%(id)s, %(email)s, %(name)s, %(now)s, %(now)s, 1)
on conflict (lower(email)) do update set version = p.version
returning p.id, p.email, p.name
"""

_CAN_SIGN_IN = """
select exists (select from person_passwords w where w.person_id = %(person)s)
  or exists (select from passkeys k where k.person_id = %(person)s)
"""


async def by_email(session: AsyncSession, email: str) -> Person | None:
    """Return the person with that address, whatever its case."""
    return await session.scalar(select(Person).where(func.lower(Person.email) == email.lower()))


async def find_or_add(database: Database, person: Mapping[str, Any]) -> Person:
    """Return the person with that address, added in a transaction of its own if there was none."""
    (row,) = await database.read(_FIND_OR_ADD, person, system=True)
    return Person(id=row[0], email=row[1], name=row[2])


async def can_sign_in(session: AsyncSession, person_id: str) -> bool:
    """Say whether a person has anything to sign in with."""
    rows = await SessionReads(session).rows(_CAN_SIGN_IN, {"person": person_id})
    return bool(rows[0][0])
