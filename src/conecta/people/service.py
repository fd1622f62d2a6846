"""One row a human being, found by e-mail address."""

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit import clock
from conecta.kit.db import Database
from conecta.kit.ids import new_id

from . import queries
from .models import Person

__all__ = [
    "Person",
    "find_or_add",
    "find_or_create",
]  # other features name a person by what this one gives them


async def find_or_create(session: AsyncSession, *, email: str, name: str) -> Person:
    """Return the person with this address, made if there is none; needs a system session."""
    found = await queries.by_email(session, email)
    if found is None:
        found = Person(id=new_id("per"), email=email, name=name)
        session.add(found)
        await session.flush()
    return found


async def find_or_add(database: Database, *, email: str, name: str) -> Person:
    """Return the person with this address, added at once if there is none.

    For whoever holds a firm's session: it takes no second connection of the sessions' pool, for which
    many at once would wait in vain, and two who add the same person both get it.
    """
    person = {"id": new_id("per"), "email": email, "name": name, "now": clock.real_now()}
    return await queries.find_or_add(database, person)
