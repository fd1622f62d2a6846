"""One row a human being, found by e-mail address."""

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit.ids import new_id

from . import queries
from .models import Person


async def find_or_create(session: AsyncSession, *, email: str, name: str) -> Person:
    """Return the person with this address, made if there is none; needs a system session."""
    found = await queries.by_email(session, email)
    if found is None:
        found = Person(id=new_id("per"), email=email, name=name)
        session.add(found)
        await session.flush()
    return found
