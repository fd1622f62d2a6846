"""A forgotten password: a link by mail, good once, for half an hour, and only the newest one."""

from dataclasses import dataclass
from datetime import timedelta

from conecta.audit import service as audit
from conecta.audit.service import Actor
from conecta.kit.language import Text
from conecta.messages import service as messages
from conecta.messages.service import Mail
from conecta.people.errors import LinkClosed
from conecta.people.links import service as links
from conecta.people.passwords import queries as password_queries
from conecta.people.passwords import service as passwords
from conecta.people.passwords.service import RESET_PURPOSE
from conecta.people.sign_in import queries, throttle
from conecta.people.sign_in import service as sign_in
from conecta.people.sign_in.queries import Known
from conecta.people.sign_in.service import Door

_LIFETIME = timedelta(minutes=30)


@dataclass(frozen=True)
class Request:
    """Somebody asked for a link to this address."""

    address: str
    language: str
    base_url: str


async def charge(door: Door, *, email: str) -> None:
    """Count that a link was asked for; raise TooManyAttempts, whether the address is known or not."""
    address = sign_in.clean_address(email).lower()
    await throttle.charge(
        door.limits,
        subject=throttle.account_subject(door.keyring, "reset", address),
        bounds=throttle.OF_MAILS,
        address_per_minute=door.tries_of_address,
    )


async def send_link(door: Door, request: Request) -> None:
    """Mail a link if the address is that of somebody whom a firm has as a member.

    Called after the answer, so that the time it takes tells nobody whether the address is known.
    """
    person = await queries.by_email(door.database, sign_in.clean_address(request.address))
    if person is None or not await queries.is_member(door.database, person.person_id):
        return
    async with door.database.transaction(system=True) as session:
        await password_queries.lock(session, person.person_id)
        await links.close_links(session, purpose=RESET_PURPOSE, person_id=person.person_id)
        secret = await links.make_link(
            session,
            door.keyring,
            purpose=RESET_PURPOSE,
            lifetime=_LIFETIME,
            person_id=person.person_id,
            email=person.email,
        )
        await messages.send_mail(
            session,
            door.keyring,
            tenant_id=None,
            to=person.email,
            language=request.language,
            mail=_mail(person, f"{request.base_url}/reset/{secret}"),
        )
    await _note(door, person, "password.reset_requested")


async def person_of_link(door: Door, secret: str) -> Known:
    """Return whose password an open link sets; raise LinkClosed."""
    async with door.database.transaction(system=True) as session:
        link = await links.peek_link(session, door.keyring, purpose=RESET_PURPOSE, secret=secret)
    person = await queries.by_id(door.database, link.person_id) if link and link.person_id else None
    if person is None:
        raise LinkClosed
    return person


async def reset(door: Door, *, secret: str, password: str, language: str) -> Known:
    """Set a new password by a link, and end every session of the person; return who they are.

    Raises LinkClosed, and PasswordRefused, after which the link is still good.
    """
    person = await person_of_link(door, secret)
    new = await passwords.prepare_password(password, about=await sign_in.about(door.database, person))
    async with door.database.transaction(system=True) as session:
        await password_queries.lock(session, person.person_id)
        used = await links.use_link(session, door.keyring, purpose=RESET_PURPOSE, secret=secret)
        if used is None:
            raise LinkClosed
        await passwords.set_password(session, person_id=person.person_id, new=new)
        await messages.send_mail(
            session,
            door.keyring,
            tenant_id=None,
            to=person.email,
            language=language,
            mail=password_changed_mail(),
        )
    await _note(door, person, "password.reset")
    return person


def password_changed_mail() -> Mail:
    """Return what a person is told when their password has changed, whoever did it."""
    return Mail(
        subject=Text("Tu contraseña ha cambiado", "Your password has changed"),
        paragraphs=[
            Text(
                "La contraseña de tu cuenta acaba de cambiar y se han cerrado las demás sesiones.",
                "The password of your account has just changed, and the other sessions were ended.",
            ),
            Text(
                "Si no has sido tú, restablécela ahora desde la página de entrada y avisa a tu firma.",
                "If it was not you, reset it now from the sign-in page and tell your firm.",
            ),
        ],
    )


def _mail(person: Known, address: str) -> Mail:
    return Mail(
        subject=Text("Restablecer tu contraseña", "Reset your password"),
        paragraphs=[
            Text(f"Hola, {person.name}:", f"Hello {person.name},"),
            Text(
                "Alguien, esperamos que tú, ha pedido una contraseña nueva para tu cuenta. El enlace vale una"
                " sola vez, durante 30 minutos.",
                "Somebody, we hope you, asked for a new password of your account. The link works once, for 30"
                " minutes.",
            ),
        ],
        button=(Text("Elegir contraseña nueva", "Choose a new password"), address),
        footer=Text(
            "Si no lo has pedido tú, no hagas nada: tu contraseña sigue siendo la misma.",
            "If you did not ask for it, do nothing: your password stays the same.",
        ),
    )


async def _note(door: Door, person: Known, action: str) -> None:
    actor = Actor("person", person.person_id, person.name)
    await audit.record_for_person(door.database, person_id=person.person_id, action=action, actor=actor)
