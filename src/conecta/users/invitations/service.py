"""Invitations: mailed, listed, taken back, and accepted by a link that works once."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.audit import service as audit
from conecta.audit.service import Actor
from conecta.auth.caller import Caller
from conecta.kit import clock
from conecta.kit.crypto import KeyRing
from conecta.kit.db import Database, Reads, SessionReads
from conecta.kit.errors import Conflict, NotFound
from conecta.kit.ids import canonical, new_id
from conecta.kit.language import Text
from conecta.kit.pages import PageOfRows, Pager
from conecta.messages import service as messages
from conecta.messages.service import Mail
from conecta.people import service as people
from conecta.people.passwords import service as passwords
from conecta.people.service import Person
from conecta.users import service as users
from conecta.users.errors import DuplicateUser

from . import queries
from .errors import InvitationAccepted, InvitationClosed, InvitationForSomebodyElse, TooManyInvitations
from .queries import OpenInvitation
from .schemas import InvitationCreate, InvitationFilters

__all__ = ["InvitationClosed", "InvitationForSomebodyElse", "Joined", "OpenInvitation"]

_HASH_PURPOSE = "invitations"
_LIFETIME = timedelta(days=7)
_MOST_PENDING = 100
_LONGEST = 200


@dataclass(frozen=True)
class Joined:
    """A person who has just become a member of a firm."""

    person_id: str
    tenant_id: str


async def list_invitations(
    reads: Reads, pager: Pager, *, tenant_id: str, filters: InvitationFilters
) -> PageOfRows:
    """Return a page of the firm's invitations."""
    return await queries.page(reads, pager, tenant_id, filters)


async def read_invitation(reads: Reads, *, tenant_id: str, invitation_id: str) -> str:
    """Return one invitation as JSON text; raise NotFound."""
    key = canonical("ivt", invitation_id)
    found = await queries.one(reads, tenant_id, key) if key else None
    if found is None:
        raise NotFound
    return found


async def invite(
    session: AsyncSession, keyring: KeyRing, *, caller: Caller, wanted: InvitationCreate, base_url: str
) -> tuple[str, str]:
    """Mail somebody a link to join the firm; return the invitation's id and its JSON text.

    It takes the place of a pending one to the same address. The answer is the same whether the address is
    known to us or not. Raises DuplicateUser (409) for a member of the firm, TooManyInvitations (409), and
    Conflict (409) when somebody invites the same address right now.
    """
    tenant_id, now = caller.tenant_id, clock.real_now()
    member = await queries.member_of_email(session, tenant_id, wanted.email)
    if member:
        raise DuplicateUser(member)
    if await queries.pending(session, tenant_id) >= _MOST_PENDING:
        raise TooManyInvitations(limit=_MOST_PENDING)
    secret = secrets.token_urlsafe(32)
    invitation_id = new_id("ivt")
    values = {
        "tenant": tenant_id,
        "id": invitation_id,
        "email": wanted.email,
        "name": wanted.name,
        "role": wanted.role,
        "hash": keyring.hashes(_HASH_PURPOSE, secret)[0],
        "invited_by": caller.user_id or caller.credential_id,
        "created_at": clock.now(),
        "expires_at": now + _LIFETIME,
    }
    if not await queries.add(session, values, now):
        raise Conflict
    firm_name, language = await queries.firm(session, tenant_id)
    mail = _mail(wanted.name, caller.name, firm_name, f"{base_url}/invitations/{secret}")
    await messages.send_mail(
        session, keyring, tenant_id=tenant_id, to=wanted.email, language=language, mail=mail
    )
    await audit.record(
        session,
        tenant_id=tenant_id,
        action="member.invited",
        actor=audit.actor_of(caller),
        target=invitation_id,
        details={"email": wanted.email, "role": wanted.role},
    )
    text = await queries.one(SessionReads(session), tenant_id, invitation_id)
    assert text is not None
    return invitation_id, text


async def revoke_invitation(session: AsyncSession, *, caller: Caller, invitation_id: str) -> None:
    """Take an invitation back, so that its link stops working; twice is no error.

    Raises NotFound and InvitationAccepted (409).
    """
    key = canonical("ivt", invitation_id)
    found = await queries.for_change(session, caller.tenant_id, key) if key else None
    if found is None:
        raise NotFound
    if found.accepted_at is not None:
        raise InvitationAccepted(id=found.id)
    if found.revoked_at is None:
        found.revoked_at = clock.real_now()
        await audit.record(
            session,
            tenant_id=caller.tenant_id,
            action="invitation.revoked",
            actor=audit.actor_of(caller),
            target=found.id,
            details={"email": found.email},
        )


async def open_invitation(database: Database, keyring: KeyRing, *, secret: str) -> OpenInvitation:
    """Return what the link of an invitation is about; raise InvitationClosed."""
    found = await queries.open_one(database, _hashes(keyring, secret), clock.real_now())
    if found is None:
        raise InvitationClosed
    return found


async def accept_as_new(
    database: Database, keyring: KeyRing, *, secret: str, name: str, password: str
) -> Joined:
    """Let somebody who cannot sign in yet choose a password and join; the link has proved their address.

    Raises InvitationClosed, InvitationForSomebodyElse when they can sign in and so have to, and
    PasswordRefused.
    """
    invitation = await open_invitation(database, keyring, secret=secret)
    about = [invitation.email, invitation.name, name, invitation.firm_name]
    new = await passwords.prepare_password(password, about=about)
    async with database.transaction(system=True) as session:
        await _use(session, keyring, secret)
        person = await people.find_or_create(session, email=invitation.email, name=name)
        if await people.can_sign_in(session, person_id=person.id):
            raise InvitationForSomebodyElse
        await passwords.set_password(session, person_id=person.id, new=new)
        await _join(session, invitation, person, name)
    return Joined(person.id, invitation.tenant_id)


async def accept_as(database: Database, keyring: KeyRing, *, secret: str, person_id: str) -> Joined:
    """Let a person who has signed in join; raise InvitationClosed and InvitationForSomebodyElse."""
    invitation = await open_invitation(database, keyring, secret=secret)
    if invitation.person_id != person_id:
        raise InvitationForSomebodyElse
    async with database.transaction(system=True) as session:
        await _use(session, keyring, secret)
        person = await people.find_or_create(session, email=invitation.email, name=invitation.name)
        await _join(session, invitation, person, person.name)
    return Joined(person.id, invitation.tenant_id)


async def _use(session: AsyncSession, keyring: KeyRing, secret: str) -> None:
    if not await queries.accept(session, _hashes(keyring, secret), clock.real_now()):
        raise InvitationClosed


async def _join(session: AsyncSession, invitation: OpenInvitation, person: Person, name: str) -> None:
    member = await queries.member_of_email(session, invitation.tenant_id, invitation.email)
    if member is None:  # else somebody added them meanwhile, and decided on their role
        user = await users.add_member(
            session, tenant_id=invitation.tenant_id, person=person, role=invitation.role, name=name
        )
        member = user.id
    await queries.joined(session, invitation, member)
    await audit.record(
        session,
        tenant_id=invitation.tenant_id,
        action="member.joined",
        actor=Actor("user", member, name),
        target=member,
        details={"invitation": invitation.id, "role": invitation.role},
    )


def _hashes(keyring: KeyRing, secret: str) -> list[bytes]:
    fits = 0 < len(secret) <= _LONGEST and secret.isascii()
    return keyring.hashes(_HASH_PURPOSE, secret) if fits else []


def _mail(name: str, inviter: str, firm_name: str, address: str) -> Mail:
    return Mail(
        subject=Text(f"Te invitan a {firm_name}", f"You are invited to {firm_name}"),
        paragraphs=[
            Text(f"Hola, {name}:", f"Hello {name},"),
            Text(
                f"{inviter} te invita a trabajar en {firm_name} con ServiciosConecta.",
                f"{inviter} invites you to work at {firm_name} with ServiciosConecta.",
            ),
            Text("El enlace vale una sola vez, durante 7 días.", "The link works once, for 7 days."),
        ],
        button=(Text("Aceptar la invitación", "Accept the invitation"), address),
        footer=Text(
            "Si no esperabas este correo, puedes ignorarlo.", "If you did not expect this mail, ignore it."
        ),
    )
