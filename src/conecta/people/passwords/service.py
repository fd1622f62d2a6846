"""Passwords: judged, hashed, stored."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit import clock
from conecta.kit.language import Text
from conecta.people.errors import PasswordRefused
from conecta.people.links import service as links
from conecta.sessions import service as sessions

from . import hashing, queries, rules

# What stands between a right password and a session; a new password ends it.
SECOND_FACTOR_PURPOSE = "second_factor"
RESET_PURPOSE = "reset"


@dataclass(frozen=True)
class NewPassword:
    """The hash of a password that was found good, ready to be stored."""

    sealed: str


async def prepare_password(password: str, *, about: Iterable[str]) -> NewPassword:
    """Judge and hash a new password, before any transaction: it takes tens of milliseconds.

    `about` is what somebody who knows the person would try: e-mail address, name, firms. Raises
    PasswordRefused with a sentence that says what is wrong.
    """
    refused = await hashing.in_thread(_weakness, password, list(about))
    if refused is not None:
        raise PasswordRefused(refused)
    return NewPassword(await hashing.seal(password))


async def set_password(
    session: AsyncSession,
    *,
    person_id: str,
    new: NewPassword,
    keep_session: str | None = None,
    end_sessions: bool = True,
) -> None:
    """Store a new password; needs a system session.

    It closes the person's mailed reset links and the sign-ins that wait for a second factor, and ends all
    of their sessions but the one to keep.
    """
    await queries.lock(session, person_id)
    await queries.store(session, person_id, new.sealed, clock.real_now())
    for purpose in (SECOND_FACTOR_PURPOSE, RESET_PURPOSE):
        await links.close_links(session, purpose=purpose, person_id=person_id)
    if end_sessions:
        await sessions.revoke_others(session, person_id=person_id, keep=keep_session)


def _weakness(password: str, about: list[str]) -> Text | None:
    return rules.weakness(password, about=about)
