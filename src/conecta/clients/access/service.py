"""Clients of the firm sign in: invited or on their own, by mailed links; read, invite, revoke."""

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.audit import service as audit
from conecta.audit.service import Actor
from conecta.auth.caller import Caller
from conecta.clients.errors import ClientArchived
from conecta.kit.crypto import KeyRing
from conecta.kit.db import Database, Reads, SessionReads
from conecta.kit.errors import Conflict, NotFound
from conecta.kit.ids import canonical
from conecta.kit.language import spoken
from conecta.kit.rate_limit import RateLimitStore, neighbourhood
from conecta.kit.request_context import origin
from conecta.messages import service as messages
from conecta.oauth import service as oauth
from conecta.people import service as people
from conecta.people.passkeys import service as passkeys
from conecta.people.passkeys.service import Owner, Site
from conecta.sessions import service as sessions
from conecta.sessions.service import NewSession

from . import mails, queries, rules
from .errors import ClientAccessOff, ClientWithoutEmail
from .queries import Access, PortalFirm

__all__ = ["Arrival", "PortalFirm"]

LINK_PURPOSE, PASSKEY_PURPOSE = "client_sign_in", "client_passkey_sign_in"


@dataclass(frozen=True)
class Arrival:
    """Who a mailed link lets in, and where they go on to."""

    client_id: str
    client_name: str
    language: str
    next_path: str | None


async def read_access(reads: Reads, *, tenant_id: str, client_id: str, base_url: str) -> dict[str, Any]:
    """Return the state of a client's access; raise NotFound."""
    return _shown(await _one(reads, tenant_id, client_id), tenant_id, base_url)


async def invite(
    session: AsyncSession,
    database: Database,
    keyring: KeyRing,
    *,
    caller: Caller,
    client_id: str,
    base_url: str,
) -> dict[str, Any]:
    """Mail a client a link that lets them in; return the state of their access.

    Whoever was shut out may come in again; who is in stays in. Raises NotFound, ClientAccessOff,
    ClientArchived, ClientWithoutEmail, and Conflict when the client's address changes meanwhile (409).
    """
    found = _invitable(await _one(SessionReads(session), caller.tenant_id, client_id))
    # Before anything is locked: who signs in meanwhile waits for such locks with connections of the system,
    # and we would wait for one of those.
    async with database.transaction(system=True) as of_system:
        secret = await _link(of_system, keyring, caller.tenant_id, found, invited=True)
    held = _invitable(await queries.held(session, caller.tenant_id, found.client_id))
    if held.email != found.email:
        raise Conflict
    await queries.note_invited(session, caller.tenant_id, found.client_id)
    url = link_url(base_url, caller.tenant_id, secret)
    await messages.send_mail(
        session,
        keyring,
        tenant_id=caller.tenant_id,
        to=found.email or "",
        language=spoken(found.language),
        mail=mails.invitation(found.firm_name, found.client_name, url),
    )
    await audit.record(
        session,
        tenant_id=caller.tenant_id,
        action="client.invited",
        actor=audit.actor_of(caller),
        target=found.client_id,
    )
    now = await _one(SessionReads(session), caller.tenant_id, found.client_id)
    return _shown(now, caller.tenant_id, base_url)


async def revoke(reads: Reads, database: Database, *, caller: Caller, client_id: str) -> None:
    """Shut a client out: no link lets them in, their sessions, passkeys and apps' tokens end.

    It is one transaction of the system, which sees all of this; nothing is locked outside of it. A client who
    never came is shut out too: where everybody may ask for a link that matters. Raises NotFound.
    """
    found = await _one(reads, caller.tenant_id, client_id)
    whose, actor = {"tenant_id": caller.tenant_id, "client_id": found.client_id}, audit.actor_of(caller)
    async with database.transaction(system=True) as session:
        # Whoever signs in at this moment waits for this row, and then finds the access revoked.
        if not await queries.note_revoked(session, **whose):
            return
        await people.close_links(session, purpose=LINK_PURPOSE, **whose)
        await sessions.revoke_of_client(session, **whose)
        # Whoever is invited again may no longer have the device that was the reason for all this.
        for passkey in await passkeys.list_passkeys(database, owner=Owner(**whose)):
            await passkeys.remove_passkey(session, owner=Owner(**whose), passkey_id=passkey.id)
        for grant in await oauth.list_grants_of_client(database, **whose):
            await oauth.revoke_grant(session, grant_id=grant.id, actor=actor, **whose)
        await audit.record(
            session,
            tenant_id=caller.tenant_id,
            action="client.access_revoked",
            actor=actor,
            target=found.client_id,
        )


async def portal_of(database: Database, *, tenant_id: str) -> PortalFirm | None:
    """Return the firm whose clients may sign in; None when there is none, or it lets no client in."""
    key = canonical("tenant", tenant_id)
    found = await queries.firm(database, key) if key else None
    return found if found is not None and found.rule != "off" else None


async def charge_for_passkey(limits: RateLimitStore) -> int:
    """Count a passkey that somebody tries, by where they are; return the seconds to wait, 0 for none."""
    place = neighbourhood(origin().address or "unknown")
    charge = await limits.charge(f"client passkeys from:{place}", rules.PASSKEYS_FROM_ONE_PLACE)
    return 0 if charge.allowed else charge.retry_after(int(time.time()))


async def charge_for_link(limits: RateLimitStore, keyring: KeyRing, *, tenant_id: str, email: str) -> int:
    """Count a link that somebody asks for, by where they are and by the address they give, client or not.

    Return the seconds they have to wait for another one: 0 when they may have this one.
    """
    # The counters say of nobody that they asked: the address is only there as a keyed hash.
    address = keyring.hashes("client links", f"{tenant_id} {email.lower()}")[0].hex()
    place = neighbourhood(origin().address or "unknown")
    for subject, most in (
        (f"client links from:{place}", rules.LINKS_FROM_ONE_PLACE),
        (f"client links to:{address}", rules.LINKS_TO_ONE_ADDRESS),
    ):
        charge = await limits.charge(subject, most)
        if not charge.allowed:
            return charge.retry_after(int(time.time()))
    return 0


async def mail_links(
    database: Database, keyring: KeyRing, *, firm: PortalFirm, email: str, next_path: str, base_url: str
) -> None:
    """Mail a link to each client of the firm who has this main address and may sign in.

    Clients who share an address get one mail with a link each. Nobody learns from here who is a client.
    """
    found = await queries.of_address(database, firm.tenant_id, email)
    by_address: dict[str, list[Access]] = {}
    for access in found:
        if access.email is not None and access.can_sign_in:
            # Where only the case differs it may be another mailbox: each gets its own clients only.
            by_address.setdefault(access.email, []).append(access)
    for address, clients in by_address.items():
        async with database.transaction(system=True) as session:
            links = [
                (
                    client.client_name,
                    link_url(
                        base_url,
                        firm.tenant_id,
                        await _link(session, keyring, firm.tenant_id, client, next_path=next_path),
                    ),
                )
                for client in clients
            ]
            await messages.send_mail(
                session,
                keyring,
                tenant_id=firm.tenant_id,
                to=address,
                language=spoken(clients[0].language),
                mail=mails.sign_in(firm.name, links),
            )


async def arrival(session: AsyncSession, keyring: KeyRing, *, tenant_id: str, secret: str) -> Arrival | None:
    """Return whom an open link would let in; needs a system session, and leaves the link open."""
    link = await people.peek_link(session, keyring, purpose=LINK_PURPOSE, secret=secret)
    if link is None or link.client_id is None or link.tenant_id != tenant_id:
        return None
    access = await queries.one(SessionReads(session), tenant_id, link.client_id)
    if access is None or not access.can_sign_in or access.email != link.email:
        return None
    return Arrival(access.client_id, access.client_name, spoken(access.language), link.data.get("next"))


async def sign_in_by_link(
    session: AsyncSession, keyring: KeyRing, *, tenant_id: str, secret: str, former: str | None
) -> tuple[Arrival, NewSession] | None:
    """Use a link up, open a session and end the browser's `former` one; needs a system session.

    None when the link is unknown, used or expired, when the client's address has changed since, and when
    the client may not sign in any more.
    """
    arriving = await arrival(session, keyring, tenant_id=tenant_id, secret=secret)
    # First the row of the access, then the link: a revocation takes both in the same order.
    if arriving is None or not await _let_in(session, tenant_id, arriving):
        return None
    if not await people.use_link(session, keyring, purpose=LINK_PURPOSE, secret=secret):
        return None
    return arriving, await _open(session, keyring, tenant_id, arriving, by="link", former=former)


async def ask_for_passkey(database: Database, keyring: KeyRing, *, site: Site) -> str:
    """Return the options (JSON) with which a browser offers the passkeys it has for this site."""
    return await passkeys.ask_to_prove(database, keyring, site=site, purpose=PASSKEY_PURPOSE)


async def sign_in_by_passkey(
    database: Database, keyring: KeyRing, *, site: Site, tenant_id: str, answer: str, former: str | None
) -> NewSession | None:
    """Check the passkey that a browser used, open a session and end its `former` one.

    None when it is no passkey of a client of this firm, or one who may not sign in any more. Raises
    PasskeyRefused.
    """
    owner = await passkeys.prove(database, keyring, site=site, purpose=PASSKEY_PURPOSE, answer=answer)
    if owner.client_id is None or owner.tenant_id != tenant_id:
        return None
    async with database.transaction(system=True) as session:
        access = await queries.one(SessionReads(session), tenant_id, owner.client_id)
        if access is None:
            return None
        arriving = Arrival(access.client_id, access.client_name, spoken(access.language), None)
        if not await _let_in(session, tenant_id, arriving):
            return None
        return await _open(session, keyring, tenant_id, arriving, by="passkey", former=former)


def link_url(base_url: str, tenant_id: str, secret: str) -> str:
    """Return where a mailed link leads."""
    return f"{base_url}/portal/{tenant_id}/links/{secret}"


async def _let_in(session: AsyncSession, tenant_id: str, arriving: Arrival) -> bool:
    """Write that a client signs in, unless the firm's rule, the client or their access is against it now."""
    access = await queries.held(session, tenant_id, arriving.client_id)
    if access is None or not access.can_sign_in:
        return False
    return await queries.note_signed_in(session, tenant_id, arriving.client_id)


async def _open(
    session: AsyncSession,
    keyring: KeyRing,
    tenant_id: str,
    arriving: Arrival,
    *,
    by: str,
    former: str | None,
) -> NewSession:
    if former is not None:
        await sessions.revoke(session, session_id=former)
    # What else lies in the mailbox, such as the invitation, has done its work.
    await people.close_links(session, purpose=LINK_PURPOSE, tenant_id=tenant_id, client_id=arriving.client_id)
    await audit.record(
        session,
        tenant_id=tenant_id,
        action="client.signed_in",
        actor=Actor("client", arriving.client_id, arriving.client_name),
        target=arriving.client_id,
        details={"by": by},
    )
    return await sessions.open_for_client(
        session, keyring, tenant_id=tenant_id, client_id=arriving.client_id, strong=by == "passkey"
    )


async def _link(
    session: AsyncSession,
    keyring: KeyRing,
    tenant_id: str,
    access: Access,
    *,
    invited: bool = False,
    next_path: str | None = None,
) -> str:
    return await people.make_link(
        session,
        keyring,
        purpose=LINK_PURPOSE,
        lifetime=rules.INVITATION_LIFETIME if invited else rules.SIGN_IN_LIFETIME,
        tenant_id=tenant_id,
        client_id=access.client_id,
        email=access.email,
        data={"next": next_path} if next_path else None,
    )


async def _one(reads: Reads, tenant_id: str, client_id: str) -> Access:
    key = canonical("cli", client_id)
    found = await queries.one(reads, tenant_id, key) if key else None
    if found is None:
        raise NotFound
    return found


def _invitable(access: Access | None) -> Access:
    if access is None:
        raise NotFound
    if access.rule == "off":
        raise ClientAccessOff
    if access.client_status != "active":
        raise ClientArchived(id=access.client_id)
    if access.email is None:
        raise ClientWithoutEmail(id=access.client_id)
    return access


def _shown(access: Access, tenant_id: str, base_url: str) -> dict[str, Any]:
    return {
        "client_id": access.client_id,
        "status": access.status,
        "can_sign_in": access.can_sign_in,
        "sign_in_url": f"{base_url}/portal/{tenant_id}/sign-in",
        "invited_at": access.invited_at,
        "last_signed_in_at": access.last_signed_in_at,
        "revoked_at": access.revoked_at,
    }
