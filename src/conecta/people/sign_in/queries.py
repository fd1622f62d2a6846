"""All SQL of signing in; as the system, for nobody knows yet who is asking."""

from dataclasses import dataclass
from datetime import datetime

from conecta.kit.db import Database

_COLUMNS = """
select p.id, p.email, p.name, w.hash, w.changed_at, f.confirmed_at is not null
from people p
left join person_passwords w on w.person_id = p.id
left join person_totp f on f.person_id = p.id
"""
_BY_EMAIL = f"{_COLUMNS} where lower(p.email) = lower(%(email)s)"
_BY_ID = f"{_COLUMNS} where p.id = %(person)s"
_NAMES_OF_FIRMS = """
select t.name from users u join tenants t on t.id = u.tenant_id
where u.person_id = %(person)s and t.sandbox_of is null
"""
_IS_MEMBER = "select u.id from users u where u.person_id = %(person)s and u.active limit 1"


@dataclass(frozen=True)
class Known:
    """A person with what their sign-in is checked by."""

    person_id: str
    email: str
    name: str
    password_hash: str | None
    password_changed_at: datetime | None
    has_totp: bool


async def by_email(database: Database, email: str) -> Known | None:
    """Return the person with this address, whatever its case."""
    rows = await database.read(_BY_EMAIL, {"email": email}, system=True)
    return Known(*rows[0]) if rows else None


async def by_id(database: Database, person_id: str) -> Known | None:
    """Return a person."""
    rows = await database.read(_BY_ID, {"person": person_id}, system=True)
    return Known(*rows[0]) if rows else None


async def names_of_firms(database: Database, person_id: str) -> list[str]:
    """Return the names of the firms a person is in."""
    return [row[0] for row in await database.read(_NAMES_OF_FIRMS, {"person": person_id}, system=True)]


async def is_member(database: Database, person_id: str) -> bool:
    """Say whether any firm has a person as an active member."""
    return bool(await database.read(_IS_MEMBER, {"person": person_id}, system=True))
