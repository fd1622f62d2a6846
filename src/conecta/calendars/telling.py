"""Tells members of what only they can mend: an account that lets us in no more, a calendar that is gone."""

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit.crypto import KeyRing
from conecta.kit.language import Text
from conecta.messages import service as messages
from conecta.messages.service import Mail

from . import sync_queries as queries


async def refuse(
    session: AsyncSession,
    keyring: KeyRing,
    tenant_id: str,
    connection_id: str,
    version: int,
    *,
    title: str,
    error: str,
) -> None:
    """Note that an account lets us in no more, and write to its member: once, until it is connected again.

    Args:
        session: of the firm.
        keyring: encrypts the mail.
        tenant_id: the firm.
        connection_id: which connection.
        version: that of the connection whose account was opened; another one has been connected since.
        title: what its provider is called.
        error: what the provider said.
    """
    refused = await queries.refuse(session, tenant_id, connection_id, version, error)
    if refused is not None:
        user_id, account = refused
        paragraphs = [_NO_ACCESS.fill(title=title, account=account), _MEANWHILE, _AGAIN]
        await write(session, keyring, tenant_id, user_id, Mail(subject=_SUBJECT, paragraphs=paragraphs))


async def lost_calendar(
    session: AsyncSession, keyring: KeyRing, tenant_id: str, user_id: str, *, title: str, account: str
) -> None:
    """Write to a member whose bookings have no calendar any more."""
    paragraphs = [_GONE.fill(title=title, account=account), _CHOOSE]
    await write(session, keyring, tenant_id, user_id, Mail(subject=_GONE_SUBJECT, paragraphs=paragraphs))


async def write(session: AsyncSession, keyring: KeyRing, tenant_id: str, user_id: str, mail: Mail) -> None:
    """Write to a member in the firm's language, unless they have left."""
    who = await queries.member(session, tenant_id, user_id)
    if who is not None:
        address, language = who
        await messages.send_mail(
            session, keyring, tenant_id=tenant_id, to=address, language=language, mail=mail
        )


_SUBJECT = Text("Vuelve a conectar tu calendario", "Connect your calendar again")
_NO_ACCESS = Text(
    "{title} ya no nos deja ver los calendarios de {account}.",
    "{title} no longer lets us see the calendars of {account}.",
)
_MEANWHILE = Text(
    "Hasta que lo conectes de nuevo, lo que cambie allí no se tiene en cuenta y tus citas no se escriben "
    "allí. Lo que ya estaba ocupado sigue ocupado.",
    "Until you connect it again, what changes there is not taken into account and your bookings are not "
    "written there. What was busy stays busy.",
)
_AGAIN = Text(
    "Conéctalo desde donde lo hiciste la primera vez: todo sigue donde se quedó.",
    "Connect it where you did the first time: everything goes on where it was.",
)
_GONE_SUBJECT = Text("Tus citas ya no tienen calendario", "Your bookings have no calendar any more")
_GONE = Text(
    "El calendario de {title} ({account}) en el que se escribían tus citas ya no existe.",
    "The calendar at {title} ({account}) that your bookings were written into is no more.",
)
_CHOOSE = Text("Elige otro para que se escriban en él.", "Choose another one to have them written there.")
