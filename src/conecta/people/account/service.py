"""What people change about their own access: password, authenticator app, passkeys, sessions.

Each of these wants a proof that is less than ten minutes old, and leaves a row in the audit log of every firm
they are a member of. Ending sessions wants none: who lost a device should not have to wait.
"""

from collections.abc import Mapping

from conecta.audit import service as audit
from conecta.audit.service import Actor
from conecta.messages import service as messages
from conecta.people.errors import ProofNeeded
from conecta.people.passkeys import service as passkeys
from conecta.people.passkeys.service import Owner
from conecta.people.passwords import service as passwords
from conecta.people.reset.service import password_changed_mail
from conecta.people.second_factor import service as second_factor
from conecta.people.second_factor.service import Enrolment
from conecta.people.sign_in import queries
from conecta.people.sign_in import service as sign_in
from conecta.people.sign_in.service import Door
from conecta.sessions import service as sessions
from conecta.sessions.service import SignedIn


def need_proof(signed_in: SignedIn) -> str:
    """Return the person's id; raise ProofNeeded when they last proved who they are too long ago."""
    if not signed_in.is_fresh or signed_in.person_id is None:
        raise ProofNeeded
    return signed_in.person_id


async def change_password(door: Door, *, signed_in: SignedIn, password: str, language: str) -> None:
    """Set a new password, end the person's other sessions and tell them by mail.

    Raises ProofNeeded and PasswordRefused.
    """
    person_id = need_proof(signed_in)
    known = await queries.by_id(door.database, person_id)
    assert known is not None
    new = await passwords.prepare_password(password, about=await sign_in.about(door.database, known))
    async with door.database.transaction(system=True) as session:
        await passwords.set_password(session, person_id=person_id, new=new, keep_session=signed_in.session_id)
        await messages.send_mail(
            session,
            door.keyring,
            tenant_id=None,
            to=known.email,
            language=language,
            mail=password_changed_mail(),
        )
    await _note(door, signed_in, "password.changed")


async def begin_totp(door: Door, *, signed_in: SignedIn) -> bool:
    """Make a secret for the person's authenticator app; False when it is on already. Raises ProofNeeded."""
    person_id = need_proof(signed_in)
    async with door.database.transaction(system=True) as session:
        return await second_factor.begin(session, door.keyring, person_id=person_id)


async def totp_to_prove(door: Door, *, signed_in: SignedIn) -> Enrolment | None:
    """Return the secret that waits for its first code, None when none does. Raises ProofNeeded."""
    person_id = need_proof(signed_in)
    async with door.database.transaction(system=True) as session:
        return await second_factor.enrolment_of(
            session, door.keyring, person_id=person_id, account=signed_in.email
        )


async def confirm_totp(door: Door, *, signed_in: SignedIn, code: str) -> list[str]:
    """Turn the app on with its first code; return new recovery codes. Raises ProofNeeded and CodeRefused."""
    person_id = need_proof(signed_in)
    async with door.database.transaction(system=True) as session:
        codes = await second_factor.confirm(session, door.keyring, person_id=person_id, code=code)
        await sessions.prove_again(session, session_id=signed_in.session_id, strong=True)
    await _note(door, signed_in, "totp.enabled")
    await _note(door, signed_in, "recovery_codes.made")
    return codes


async def turn_totp_off(door: Door, *, signed_in: SignedIn) -> None:
    """Forget the person's app and recovery codes; nothing when it was off. Raises ProofNeeded."""
    person_id = need_proof(signed_in)
    async with door.database.transaction(system=True) as session:
        was_on = await second_factor.turn_off(session, person_id=person_id)
    if was_on:
        await _note(door, signed_in, "totp.disabled")


async def make_recovery_codes(door: Door, *, signed_in: SignedIn) -> list[str]:
    """Replace the person's recovery codes; return the new ones. Raises ProofNeeded."""
    person_id = need_proof(signed_in)
    async with door.database.transaction(system=True) as session:
        codes = await second_factor.make_recovery_codes(session, door.keyring, person_id=person_id)
    await _note(door, signed_in, "recovery_codes.made")
    return codes


async def ask_to_make_passkey(door: Door, *, signed_in: SignedIn) -> str:
    """Return the options (JSON) for a new passkey. Raises ProofNeeded and TooManyPasskeys."""
    owner = Owner(person_id=need_proof(signed_in))
    return await passkeys.ask_to_make(
        door.database,
        door.keyring,
        site=door.site,
        owner=owner,
        account=signed_in.email,
        name=signed_in.name,
    )


async def add_passkey(door: Door, *, signed_in: SignedIn, answer: str, name: str) -> None:
    """Keep the passkey that the browser made. Raises ProofNeeded, PasskeyRefused and TooManyPasskeys."""
    owner = Owner(person_id=need_proof(signed_in))
    passkey_id = await passkeys.add_passkey(
        door.database, door.keyring, site=door.site, owner=owner, answer=answer, name=name
    )
    await _note(door, signed_in, "passkey.added", target=passkey_id)


async def remove_passkey(door: Door, *, signed_in: SignedIn, passkey_id: str) -> bool:
    """Forget a passkey; False when they have no such one. Raises ProofNeeded."""
    owner = Owner(person_id=need_proof(signed_in))
    async with door.database.transaction(system=True) as session:
        name = await passkeys.remove_passkey(session, owner=owner, passkey_id=passkey_id)
    if name is not None:
        await _note(door, signed_in, "passkey.removed", target=passkey_id, details={"name": name})
    return name is not None


async def end_session(door: Door, *, signed_in: SignedIn, session_id: str) -> bool:
    """End one of the person's sessions; False when they have no such one."""
    async with door.database.transaction(system=True) as session:
        done = await sessions.revoke(session, session_id=session_id, person_id=signed_in.person_id)
    if done:
        await _note(door, signed_in, "session.revoked", target=session_id)
    return done


async def end_other_sessions(door: Door, *, signed_in: SignedIn) -> int:
    """End all of the person's sessions but this one; return how many."""
    async with door.database.transaction(system=True) as session:
        ended = await sessions.revoke_others(
            session, person_id=signed_in.person_id or "", keep=signed_in.session_id
        )
    if ended:
        await _note(door, signed_in, "session.revoked", details={"sessions": str(ended)})
    return ended


async def _note(
    door: Door,
    signed_in: SignedIn,
    action: str,
    *,
    target: str | None = None,
    details: Mapping[str, str] | None = None,
) -> None:
    person_id = signed_in.person_id or ""
    await audit.record_for_person(
        door.database,
        person_id=person_id,
        action=action,
        actor=Actor("person", person_id, signed_in.name),
        target=target,
        details=details,
    )
