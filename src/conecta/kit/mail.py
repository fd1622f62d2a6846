"""One mail to one mail server: written as MIME, sent by SMTP, and told apart what is worth a retry."""

import asyncio
import contextlib
import ipaddress
import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as MIME
from email.utils import format_datetime, parseaddr
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from aiosmtplib import SMTP

STEP_SECONDS: Final = 20.0
WHOLE_SECONDS: Final = 60.0
GOODBYE_SECONDS: Final = 2.0
_PORTS: Final = {"smtp": 25, "smtps": 465}
_ENCRYPTED_PORT: Final = 587
_ADDRESS: Final = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[A-Za-z0-9.-]+")


@dataclass(frozen=True)
class Attachment:
    """A file that a mail carries; `parameters` are those of its media type, such as a calendar's `method`.

    A calendar file also stands beside the words, where programs look for invitations.
    """

    name: str
    media_type: str
    content: bytes
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Email:
    """What is sent: plain text and HTML of the same words, to one address."""

    id: str
    """Unique; the Message-ID is made of it, so that a second copy is known as one."""
    to: str
    subject: str
    text: str
    html: str
    language: str
    date: datetime
    sender_name: str | None = None
    """Whose mail it is; none: the name of the settings."""
    attachments: Sequence[Attachment] = ()


class MailRefused(Exception):
    """This mail will never be taken: the address does not exist, or the server refuses what it says."""


class MailDelayed(Exception):
    """The server is away, busy or at odds with us: the same mail may be taken another time."""


@dataclass(frozen=True)
class SmtpServer:
    """A mail server, as a URL names it.

    `smtp://host` encrypts when the server offers it; with a password, and unless the host is this
    machine, it insists on that and on a valid certificate. `smtps://` encrypts from the first byte.
    """

    host: str
    port: int
    username: str | None
    password: str | None
    tls_at_once: bool
    insists: bool

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read `smtp://user:password@host:587` or `smtps://…`; raise ValueError with what is wrong."""
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/") or parts.query:
            raise ValueError("write smtp://user:password@host:587 or smtps://user:password@host")
        username, password = parts.username, parts.password
        insists = password is not None and not _is_this_machine(parts.hostname)
        usual = _ENCRYPTED_PORT if parts.scheme == "smtp" and password is not None else _PORTS[parts.scheme]
        return cls(
            host=parts.hostname,
            port=parts.port or usual,
            username=unquote(username) if username else None,
            password=unquote(password) if password is not None else None,
            tls_at_once=parts.scheme == "smtps",
            insists=insists,
        )


def one_line(text: str) -> str:
    """Fold line breaks, other control characters and runs of blanks: a header is one line."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def sender_address(text: str) -> Address:
    """Read `Name <address>`; raise ValueError when it is no address."""
    name, address = parseaddr(text)
    found = _readable(address)
    return Address(display_name=one_line(name), username=found.username, domain=found.domain)


class Mailer:
    """Sends mail through one server, with a connection of its own for each."""

    def __init__(self, smtp_url: str, sender: str, *, tls: ssl.SSLContext | None = None) -> None:
        """Prepare a mailer; nothing is opened before a mail is sent.

        Args:
            smtp_url: see SmtpServer.
            sender: `Name <address>`.
            tls: whom to trust instead of the system's authorities.

        Raises:
            ValueError: one of the two cannot be read.
        """
        self._server = SmtpServer.parse(smtp_url)
        self._sender = sender_address(sender)
        self._tls = tls

    async def send(self, email: Email) -> None:
        """Hand one mail to the server; raise MailRefused or MailDelayed."""
        from aiosmtplib.errors import SMTPException

        message = self._written(email)
        client = self._client()
        try:
            async with asyncio.timeout(WHOLE_SECONDS):
                await client.connect()
                await client.send_message(message)
        except SMTPException as error:
            raise _judged(error) from error
        except (OSError, TimeoutError) as error:  # a certificate that is not valid is an OSError too
            raise MailDelayed(_shown(error)) from error
        except ValueError as error:
            raise MailRefused(_shown(error)) from error
        finally:
            await _goodbye(client)

    def _written(self, email: Email) -> EmailMessage:
        """Write the mail as MIME; header values are one line each, whatever they are made of."""
        message = EmailMessage(policy=MIME)
        try:
            to = _readable(email.to)
        except ValueError as error:
            raise MailRefused(str(error)) from error
        name = one_line(email.sender_name or self._sender.display_name)
        message["From"] = Address(display_name=name, addr_spec=self._sender.addr_spec)
        message["To"] = to
        message["Subject"] = one_line(email.subject)
        message["Date"] = format_datetime(email.date)
        message["Message-ID"] = f"<{email.id}@{self._sender.domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
        message.set_content(email.text, cte="quoted-printable")
        message.add_alternative(email.html, subtype="html", cte="quoted-printable")
        _attach(message, email.attachments)
        message["Content-Language"] = email.language
        return message

    def _client(self) -> "SMTP":
        from aiosmtplib import SMTP

        server = self._server
        # Encryption that is only taken when offered proves nothing of who the server is: then a
        # certificate that nobody signed is better than none.
        verified = server.insists or server.tls_at_once
        return SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            timeout=STEP_SECONDS,
            use_tls=server.tls_at_once,
            start_tls=None if server.tls_at_once or not server.insists else True,
            validate_certs=verified,
            tls_context=self._tls if verified else None,
        )


def _attach(message: EmailMessage, attachments: Sequence[Attachment]) -> None:
    for file in attachments:
        if file.media_type == "text/calendar":
            words = file.content.decode()
            message.add_alternative(
                words, subtype="calendar", cte="quoted-printable", params=dict(file.parameters)
            )
    for file in attachments:
        kind, _, subtype = file.media_type.partition("/")
        if file.media_type == "text/calendar":
            # As a file it is bytes: a program that saves it must find it as it was written.
            kind, subtype = "application", "ics"
        message.add_attachment(file.content, maintype=kind, subtype=subtype, filename=one_line(file.name))


async def _goodbye(client: "SMTP") -> None:
    # The mail is taken or not: how the server takes its leave changes nothing.
    with contextlib.suppress(Exception):
        async with asyncio.timeout(GOODBYE_SECONDS):
            await client.quit()
    client.close()


def _judged(error: Exception) -> MailRefused | MailDelayed:
    from aiosmtplib import errors

    if isinstance(error, errors.SMTPRecipientsRefused):
        error = error.recipients[0]
    said = _shown(error)
    # What the server holds against us (our password, our address, encryption) an operator can mend.
    permanent = isinstance(error, errors.SMTPRecipientRefused | errors.SMTPDataError) and error.code >= 500
    if permanent or _wants_utf8_addresses(error):
        return MailRefused(said)
    return MailDelayed(said)


def _wants_utf8_addresses(error: Exception) -> bool:
    return "SMTPUTF8" in str(error)


def _shown(error: Exception) -> str:
    code, text = getattr(error, "code", None), getattr(error, "message", None) or str(error)
    return one_line(f"{code} {text}" if code else text or type(error).__name__)[:500]


def _readable(address: str) -> Address:
    """Read one address; a domain with other letters is written the way DNS knows it."""
    local, _, domain = address.rpartition("@")
    try:
        domain = domain.encode("idna").decode()
    except UnicodeError as error:
        raise ValueError("That is no mail address.") from error
    if not _ADDRESS.fullmatch(f"{local}@{domain}"):
        raise ValueError("That is no mail address.")
    return Address(username=local, domain=domain)


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
