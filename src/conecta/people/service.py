"""One row a human being, found by e-mail address."""

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit import clock
from conecta.kit.db import Database
from conecta.kit.ids import new_id

from . import queries
from .links.service import Link, close_links, delete_expired_links, make_link, peek_link, use_link
from .models import Person
from .passwords.service import NewPassword, prepare_password, set_password

# Other features name a person, and a link, by what this one gives them.
__all__ = [
    "Link",
    "NewPassword",
    "Person",
    "can_sign_in",
    "close_links",
    "delete_expired_links",
    "find_or_add",
    "find_or_create",
    "make_link",
    "peek_link",
    "prepare_password",
    "set_password",
    "use_link",
]


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


async def can_sign_in(session: AsyncSession, *, person_id: str) -> bool:
    """Say whether a person has a password or a passkey; needs a system session."""
    return await queries.can_sign_in(session, person_id)
