"""Signing in: somebody proves who they are, perhaps in two steps, and then enters a firm of theirs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from conecta.audit import service as audit
from conecta.audit.service import Actor
from conecta.kit.crypto import KeyRing
from conecta.kit.db import Database
from conecta.kit.rate_limit import RateLimitStore
from conecta.people.errors import LinkClosed, NoFirm, PasskeyRefused, WrongCredentials
from conecta.people.links import service as links
from conecta.people.passkeys import service as passkeys
from conecta.people.passkeys.service import Owner, Site
from conecta.people.passwords import hashing
from conecta.people.passwords import queries as password_queries
from conecta.people.passwords.service import SECOND_FACTOR_PURPOSE
from conecta.people.second_factor import service as second_factor
from conecta.sessions import service as sessions
from conecta.sessions.service import NewSession, SignedIn

from . import queries, throttle
from .queries import Known

_TIME_FOR_SECOND_FACTOR = timedelta(minutes=10)
_LONGEST_ADDRESS = 254
_CHALLENGES = 4  # times the tries of an address: a whole office may come in at nine


@dataclass(frozen=True)
class Door:
    """What signing in needs of the application."""

    database: Database
    keyring: KeyRing
    limits: RateLimitStore
    site: Site
    tries_of_address: int


@dataclass(frozen=True)
class Proof:
    """A person has proved who they are; `strong` with two factors, or a passkey that verified them."""

    person_id: str
    name: str
    method: Literal["password", "totp", "recovery_code", "passkey"]
    strong: bool


@dataclass(frozen=True)
class SecondFactorNeeded:
    """The password is right; the ticket, for a cookie, lets its holder try a code for ten minutes."""

    ticket: str


async def by_password(door: Door, *, email: str, password: str) -> Proof | SecondFactorNeeded:
    """Check an address with its password.

    Whether the address is known, has a password, or has another one, takes the same time and is told in
    the same words. Raises WrongCredentials, and TooManyAttempts: then even the right password is refused.
    """
    address = clean_address(email)
    found = await queries.by_email(door.database, address)
    charged = await throttle.charge(
        door.limits,
        subject=_subject(door, address, found),
        address_per_minute=door.tries_of_address,
    )
    if not await hashing.fits(password, found.password_hash if found else None) or found is None:
        known = (found.person_id, found.name) if found else (None, "")
        raise WrongCredentials(*known, last_allowed=charged.last_allowed)
    await charged.give_back()
    await _renew_outdated(door, found, password)
    if not found.has_totp:
        return Proof(found.person_id, found.name, "password", strong=False)
    async with door.database.transaction(system=True) as session:
        ticket = await links.make_link(
            session,
            door.keyring,
            purpose=SECOND_FACTOR_PURPOSE,
            lifetime=_TIME_FOR_SECOND_FACTOR,
            person_id=found.person_id,
        )
    return SecondFactorNeeded(ticket)


async def by_code(door: Door, *, ticket: str, code: str) -> Proof:
    """Check a code of the authenticator app, or a recovery code, after the password.

    Raises LinkClosed when the ticket is over, CodeRefused and TooManyAttempts.
    """
    person = await person_of_ticket(door, ticket)
    charged = await throttle.charge(
        door.limits,
        subject=throttle.account_subject(door.keyring, "second-factor", person.person_id),
        bounds=throttle.OF_CODES,
        address_per_minute=door.tries_of_address,
    )
    async with door.database.transaction(system=True) as session:
        # The ticket and the code go together or not at all: a wrong code leaves the ticket open.
        if await links.use_link(session, door.keyring, purpose=SECOND_FACTOR_PURPOSE, secret=ticket) is None:
            raise LinkClosed
        method = await second_factor.use_code(session, door.keyring, person_id=person.person_id, code=code)
    await charged.give_back()
    return Proof(person.person_id, person.name, method, strong=True)


async def person_of_ticket(door: Door, ticket: str) -> Known:
    """Return who has proved their password and waits for the second factor; raise LinkClosed."""
    async with door.database.transaction(system=True) as session:
        link = await links.peek_link(session, door.keyring, purpose=SECOND_FACTOR_PURPOSE, secret=ticket)
    person = await queries.by_id(door.database, link.person_id) if link and link.person_id else None
    if person is None:
        raise LinkClosed
    return person


async def ask_for_passkey(door: Door) -> str:
    """Return the options (JSON) with which a browser offers the person's passkeys of this site.

    Each is a row that anybody may have us store, so an address gets so many only; raises TooManyAttempts.
    """
    await throttle.charge(
        door.limits,
        address_per_minute=_CHALLENGES * door.tries_of_address,
        kind="passkey-challenges",
    )
    return await passkeys.ask_to_prove(door.database, door.keyring, site=door.site, purpose=passkeys.SIGN_IN)


async def by_passkey(door: Door, *, answer: str) -> Proof:
    """Check the passkey that a browser used; raise PasskeyRefused, and TooManyAttempts."""
    charged = await throttle.charge(door.limits, address_per_minute=door.tries_of_address)
    owner = await passkeys.prove(
        door.database, door.keyring, site=door.site, purpose=passkeys.SIGN_IN, answer=answer
    )
    person = await queries.by_id(door.database, owner.person_id) if owner.person_id else None
    if person is None:  # a client of a firm has a door of their own
        raise PasskeyRefused
    await charged.give_back()
    return Proof(person.person_id, person.name, "passkey", strong=True)


async def enter(
    door: Door, proof: Proof, *, former_session: str | None = None, tenant_id: str | None = None
) -> NewSession:
    """Open a new session in a firm of theirs, and end the one they had; raise NoFirm.

    Without `tenant_id`, or when they are no member there, it is the firm where they were last.
    """
    home = await sessions.home_of(door.database, person_id=proof.person_id, wanted=tenant_id)
    if home is None:
        raise NoFirm
    async with door.database.transaction(system=True) as session:
        if former_session is not None:
            await sessions.revoke(session, session_id=former_session)
        new = await sessions.open_for_person(
            session, door.keyring, person_id=proof.person_id, tenant_id=home, strong=proof.strong
        )
    await _note(door, proof.person_id, proof.name, "sign_in.succeeded", {"method": proof.method})
    if proof.method == "recovery_code":
        await _note(door, proof.person_id, proof.name, "recovery_code.used")
    return new


async def note_failure(door: Door, refusal: WrongCredentials) -> None:
    """Write a failed sign-in into the audit log; called after the answer, whose time it must not change."""
    if refusal.person_id is None:
        return
    await _note(door, refusal.person_id, refusal.name, "sign_in.failed", {"method": "password"})
    if refusal.last_allowed:
        await _note(door, refusal.person_id, refusal.name, "sign_in.throttled")


async def note_wrong_code(door: Door, ticket: str) -> None:
    """Write a wrong second factor into the audit log."""
    person = await person_of_ticket(door, ticket)
    await _note(door, person.person_id, person.name, "sign_in.failed", {"method": "code"})


async def note_sign_out(door: Door, signed_in: SignedIn) -> None:
    """Write that a person ended their session."""
    if signed_in.person_id is not None:
        await _note(door, signed_in.person_id, signed_in.name, "sign_out")


async def prove_again_by_password(door: Door, *, signed_in: SignedIn, password: str) -> None:
    """Let somebody who is signed in prove it again; raise WrongCredentials and TooManyAttempts."""
    found = await queries.by_id(door.database, signed_in.person_id or "")
    charged = await throttle.charge(
        door.limits,
        subject=_subject(door, clean_address(signed_in.email), found),
        address_per_minute=door.tries_of_address,
    )
    if not await hashing.fits(password, found.password_hash if found else None) or found is None:
        raise WrongCredentials(signed_in.person_id, signed_in.name, last_allowed=charged.last_allowed)
    await charged.give_back()
    async with door.database.transaction(system=True) as session:
        await sessions.prove_again(session, session_id=signed_in.session_id)


async def ask_to_prove_again(door: Door, *, signed_in: SignedIn) -> str:
    """Return the options (JSON) with which a browser offers the passkeys of whoever is signed in."""
    owner = Owner(person_id=signed_in.person_id)
    return await passkeys.ask_to_prove(
        door.database, door.keyring, site=door.site, purpose=passkeys.CONFIRM, owner=owner
    )


async def prove_again_by_passkey(door: Door, *, signed_in: SignedIn, answer: str) -> None:
    """Let somebody who is signed in prove it again with a passkey of theirs; raise PasskeyRefused."""
    await passkeys.prove(
        door.database,
        door.keyring,
        site=door.site,
        purpose=passkeys.CONFIRM,
        answer=answer,
        owner=Owner(person_id=signed_in.person_id),
    )
    async with door.database.transaction(system=True) as session:
        await sessions.prove_again(session, session_id=signed_in.session_id, strong=True)


def clean_address(email: str) -> str:
    """Return an e-mail address as it is looked for; nobody's when it can be none."""
    address = email.strip()
    return address if len(address) <= _LONGEST_ADDRESS and address.isprintable() else ""


async def about(database: Database, known: Known) -> list[str]:
    """Return what somebody who knows a person would try as their password."""
    return [known.email, known.name, *await queries.names_of_firms(database, known.person_id)]


def _subject(door: Door, address: str, found: Known | None) -> str:
    # A reset proves the mailbox, so that whoever guesses cannot keep the person out for a day.
    changed = found.password_changed_at if found else None
    stamp = changed.isoformat() if changed else "never"
    return throttle.account_subject(door.keyring, "password", address.lower(), stamp)


async def _renew_outdated(door: Door, found: Known, password: str) -> None:
    if found.password_hash is not None and hashing.is_outdated(found.password_hash):
        sealed = await hashing.seal(password)
        await password_queries.renew(door.database, found.person_id, old=found.password_hash, new=sealed)


async def _note(
    door: Door, person_id: str, name: str, action: str, details: Mapping[str, str] | None = None
) -> None:
    actor = Actor("person", person_id, name)
    await audit.record_for_person(
        door.database, person_id=person_id, action=action, actor=actor, details=details
    )
