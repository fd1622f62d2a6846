"""The second factor: an authenticator app turned on and off, its codes and recovery codes used."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit import clock
from conecta.kit.crypto import KeyRing
from conecta.kit.db import Database, SessionReads
from conecta.kit.ids import new_id
from conecta.people.errors import CodeRefused

from . import queries, rules
from .queries import Credentials

__all__ = ["Credentials", "Enrolment", "credentials_of"]

_SECRET_PURPOSE = "authenticator secrets"  # noqa: S105 - a name of a key, no secret
_CODE_PURPOSE = "recovery codes"
# A secret that was shown but not proven may be proven for so long; then another is made.
_TIME_TO_PROVE = timedelta(minutes=30)


@dataclass(frozen=True)
class Enrolment:
    """A secret that a person is to put into their authenticator app, as text and as an `otpauth:` address."""

    secret: str
    address: str


async def credentials_of(database: Database, *, person_id: str) -> Credentials:
    """Return what a person can sign in with."""
    return await queries.credentials(database, person_id)


async def begin(session: AsyncSession, keyring: KeyRing, *, person_id: str) -> bool:
    """Make a secret for a person to prove; False when their app is on already. Needs a system session."""
    sealed = keyring.encrypt(_SECRET_PURPOSE, rules.new_secret().encode())
    return await queries.begin(session, person_id, sealed, clock.real_now())


async def enrolment_of(
    session: AsyncSession, keyring: KeyRing, *, person_id: str, account: str
) -> Enrolment | None:
    """Return the secret a person is to prove; None when there is none, or it is too old."""
    found = await queries.secret(SessionReads(session), person_id)
    if found is None or found.confirmed_at or clock.real_now() - found.created_at > _TIME_TO_PROVE:
        return None
    secret = keyring.decrypt(_SECRET_PURPOSE, found.sealed).decode()
    return Enrolment(secret, rules.address(secret, account))


async def confirm(session: AsyncSession, keyring: KeyRing, *, person_id: str, code: str) -> list[str]:
    """Turn the app on with its first code; return new recovery codes, which nobody sees again.

    Needs a system session. Raises CodeRefused.
    """
    found = await queries.secret(SessionReads(session), person_id)
    now = clock.real_now()
    if found is None or found.confirmed_at or now - found.created_at > _TIME_TO_PROVE:
        raise CodeRefused
    step = rules.step_of(keyring.decrypt(_SECRET_PURPOSE, found.sealed).decode(), code, now.timestamp())
    if step is None or not await queries.confirm(session, person_id, found.sealed, step=step, now=now):
        raise CodeRefused
    return await make_recovery_codes(session, keyring, person_id=person_id)


async def turn_off(session: AsyncSession, *, person_id: str) -> bool:
    """Forget a person's app and recovery codes; False when it was off. Needs a system session."""
    return await queries.remove(session, person_id)


async def make_recovery_codes(session: AsyncSession, keyring: KeyRing, *, person_id: str) -> list[str]:
    """Replace a person's recovery codes; return the new ones. Needs a system session."""
    codes = [rules.new_recovery_code() for _ in range(rules.RECOVERY_CODES)]
    await queries.forget_codes(session, person_id)
    hashes = [_hashes(keyring, person_id, rules.as_recovery_code(code) or "")[0] for code in codes]
    ids = [new_id("rec") for _ in codes]
    await queries.add_codes(session, person_id, ids, hashes, clock.real_now())
    return codes


async def use_code(
    session: AsyncSession, keyring: KeyRing, *, person_id: str, code: str
) -> Literal["totp", "recovery_code"]:
    """Use up a code of the app, or a recovery code, and say which it was; needs a system session.

    Raises CodeRefused when it is neither, or was used: of many who send the same at once one comes through.
    """
    recovery = rules.as_recovery_code(code)
    if recovery is not None:
        hashes = _hashes(keyring, person_id, recovery)
        if await queries.take_code(session, person_id, hashes, clock.real_now()):
            return "recovery_code"
        raise CodeRefused
    found = await queries.secret(SessionReads(session), person_id)
    if found is None or found.confirmed_at is None:
        raise CodeRefused
    secret = keyring.decrypt(_SECRET_PURPOSE, found.sealed).decode()
    step = rules.step_of(secret, code, clock.real_now().timestamp())
    if step is None or not await queries.take_step(session, person_id, step):
        raise CodeRefused
    return "totp"


def _hashes(keyring: KeyRing, person_id: str, code: str) -> list[bytes]:
    return keyring.hashes(_CODE_PURPOSE, f"{person_id} {code}")
