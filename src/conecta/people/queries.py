"""All SQL of people; needs a system session."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from .models import Person


async def by_email(session: AsyncSession, email: str) -> Person | None:
    """Return the person with that address, whatever its case."""
    return await session.scalar(select(Person).where(func.lower(Person.email) == email.lower()))
