"""Passkeys: made, used, listed, removed; of people and of clients of a firm."""

import asyncio
from datetime import timedelta

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit import clock
from conecta.kit.crypto import KeyRing
from conecta.kit.db import Database
from conecta.kit.ids import canonical, new_id
from conecta.people.errors import PasskeyRefused, TooManyPasskeys
from conecta.people.links import service as links

from . import ceremonies, queries
from .ceremonies import Site, site_of
from .queries import ListedPasskey, Owner

__all__ = ["ListedPasskey", "Owner", "Site", "site_of"]

MAKE, SIGN_IN, CONFIRM = "passkey_make", "passkey_sign_in", "passkey_confirm"
_LIFETIME = timedelta(minutes=5)
_MOST = 20
_LONGEST_NAME = 60


async def list_passkeys(database: Database, *, owner: Owner) -> list[ListedPasskey]:
    """Return somebody's passkeys, the oldest first."""
    return await queries.of_owner(database, owner)


async def ask_to_make(
    database: Database, keyring: KeyRing, *, site: Site, owner: Owner, account: str, name: str
) -> str:
    """Return the options (JSON) with which a browser makes a passkey.

    `account` and `name` are what the person's device shows: their address and name. Raises TooManyPasskeys.
    """
    known = await queries.of_owner(database, owner)
    _refuse_too_many(known)
    challenge = await _challenge(database, keyring, MAKE, owner)
    return await asyncio.to_thread(
        ceremonies.ask_to_make,
        site,
        challenge=challenge,
        handle=owner.handle,
        account=account,
        name=name,
        known=[passkey.credential_id for passkey in known],
    )


async def add_passkey(
    database: Database, keyring: KeyRing, *, site: Site, owner: Owner, answer: str, name: str
) -> str:
    """Store the passkey that a browser made, in a transaction of its own; return its id.

    Raises PasskeyRefused, also when the challenge was answered before, and TooManyPasskeys.
    """
    read = ceremonies.read(answer)
    await _use_challenge(database, keyring, MAKE, owner, read.challenge)
    made = await asyncio.to_thread(ceremonies.check_made, site, read)
    passkey_id = new_id("pky")
    values = {
        "id": passkey_id,
        "person_id": owner.person_id,
        "at_tenant": owner.tenant_id,
        "client_id": owner.client_id,
        "name": _name(name),
        "credential_id": made.credential_id,
        "public_key": made.public_key,
        "sign_count": made.sign_count,
        "transports": made.transports,
        "synced": made.synced,
        "created_at": clock.real_now(),
    }
    try:
        async with database.transaction(system=True) as session:
            _refuse_too_many(await queries.locked_of_owner(session, owner))
            queries.add(session, values)
    except IntegrityError as error:  # somebody has that credential already
        raise PasskeyRefused from error
    return passkey_id


async def ask_to_prove(
    database: Database, keyring: KeyRing, *, site: Site, purpose: str, owner: Owner | None = None
) -> str:
    """Return the options (JSON) with which a browser uses a passkey: anybody's, or one of the owner's."""
    known = await queries.of_owner(database, owner) if owner else []
    challenge = await _challenge(database, keyring, purpose, owner)
    named = [passkey.credential_id for passkey in known]
    return await asyncio.to_thread(ceremonies.ask_to_prove, site, challenge=challenge, known=named)


async def prove(
    database: Database,
    keyring: KeyRing,
    *,
    site: Site,
    purpose: str,
    answer: str,
    owner: Owner | None = None,
) -> Owner:
    """Return whose passkey a browser used; of the owner only, when one is named.

    Raises PasskeyRefused. The challenge is used up either way.
    """
    read = ceremonies.read(answer)
    await _use_challenge(database, keyring, purpose, owner, read.challenge)
    found = await queries.by_credential(database, read.credential_id)
    if found is None or (owner is not None and found.owner != owner):
        raise PasskeyRefused
    known = ceremonies.Known(read.credential_id, found.public_key, found.sign_count)
    count = await asyncio.to_thread(ceremonies.check_proof, site, read, known)
    if not await queries.used(database, found.id, count=count, now=clock.real_now()):
        raise PasskeyRefused
    return found.owner


async def remove_passkey(session: AsyncSession, *, owner: Owner, passkey_id: str) -> str | None:
    """Forget a passkey and return its name; None when they have no such one. Needs a system session."""
    key = canonical("pky", passkey_id)
    return await queries.remove(session, owner, key) if key else None


async def _challenge(database: Database, keyring: KeyRing, purpose: str, owner: Owner | None) -> str:
    owner = owner or Owner()
    async with database.transaction(system=True) as session:
        return await links.make_link(
            session,
            keyring,
            purpose=purpose,
            lifetime=_LIFETIME,
            person_id=owner.person_id,
            tenant_id=owner.tenant_id,
            client_id=owner.client_id,
        )


async def _use_challenge(
    database: Database, keyring: KeyRing, purpose: str, owner: Owner | None, challenge: str
) -> None:
    async with database.transaction(system=True) as session:
        link = await links.use_link(session, keyring, purpose=purpose, secret=challenge)
    if link is None or Owner(link.person_id, link.tenant_id, link.client_id) != (owner or Owner()):
        raise PasskeyRefused


def _refuse_too_many(known: list[ListedPasskey]) -> None:
    if len(known) >= _MOST:
        raise TooManyPasskeys


def _name(text: str) -> str:
    printable = "".join(letter for letter in text if letter.isprintable())
    return " ".join(printable.split())[:_LONGEST_NAME] or "Passkey"
