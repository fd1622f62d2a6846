"""All SQL of passwords; as the system, for people belong to no firm."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit.db import Database, SessionReads

_STORE = """
insert into person_passwords (person_id, hash, changed_at) values (%(person)s, %(hash)s, %(now)s)
on conflict (person_id) do update set hash = excluded.hash, changed_at = excluded.changed_at
returning person_id
"""
# Only over the very hash that was checked: a password changed meanwhile stays.
_RENEW = """
update person_passwords w set hash = %(new)s where w.person_id = %(person)s and w.hash = %(old)s
returning w.person_id
"""
_LOCK = "select p.id from people p where p.id = %(person)s for update"


async def store(session: AsyncSession, person_id: str, sealed: str, now: datetime) -> None:
    """Write the hash of a new password."""
    await SessionReads(session).rows(_STORE, {"person": person_id, "hash": sealed, "now": now})


async def renew(database: Database, person_id: str, *, old: str, new: str) -> None:
    """Write a better hash of the same password."""
    await database.read(_RENEW, {"person": person_id, "old": old, "new": new}, system=True)


async def lock(session: AsyncSession, person_id: str) -> None:
    """Let others who change this person's credentials wait until the transaction ends."""
    await SessionReads(session).rows(_LOCK, {"person": person_id})
