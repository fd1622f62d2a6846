"""A real mail server on loopback: takes mail, refuses it, is busy, and comes back at the same port."""

import asyncio
import contextlib
import ssl
import warnings
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class Delivery:
    """One mail as it arrived."""

    sender: str
    recipients: list[str]
    raw: bytes
    encrypted: bool
    signed_in: bool

    @property
    def message(self) -> EmailMessage:
        """The mail, parsed."""
        parsed = message_from_bytes(self.raw, policy=default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    def part(self, kind: str) -> str:
        """The words of `text/plain` or `text/html`."""
        (found,) = [p for p in self.message.walk() if p.get_content_type() == kind]
        return found.get_content()


@dataclass
class MailServer:
    """What arrived, and how the server behaves."""

    port: int = 0
    arrived: list[Delivery] = field(default_factory=list)
    attempts: int = 0
    # What to say to RCPT, by address, and to the mail itself.
    refusals: dict[str, str] = field(default_factory=dict)
    answer: str = "250 OK"
    gate: asyncio.Event | None = None
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        """How the settings name it."""
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd calls it so
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        self.attempts += 1
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.reached.set()
        if self.gate:
            await self.gate.wait()
        if self.answer.startswith("2"):
            encrypted = session.ssl is not None or server.transport.get_extra_info("sslcontext") is not None
            delivery = Delivery(
                envelope.mail_from or "",
                list(envelope.rcpt_tos),
                bytes(envelope.content or b""),
                encrypted,
                bool(session.authenticated),
            )
            self.arrived.append(delivery)
        return self.answer


@contextlib.asynccontextmanager
async def mail_server(
    server: MailServer | None = None,
    *,
    starttls: ssl.SSLContext | None = None,
    tls: ssl.SSLContext | None = None,
    password: str | None = None,
    utf8: bool = False,
) -> AsyncIterator[MailServer]:
    """Run a mail server; one that ran before comes up again at its port."""
    server = server or MailServer()
    sessions: list[SMTP] = []

    def check(*given: Any) -> AuthResult:
        login = given[-1]
        assert isinstance(login, LoginPassword)
        return AuthResult(success=login.password.decode() == password, handled=False)

    def session() -> SMTP:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # passwords without encryption are a bad idea
            made = SMTP(
                server,
                hostname="mail.test",
                enable_SMTPUTF8=utf8,
                tls_context=starttls,
                authenticator=check if password else None,
                auth_required=password is not None,
                auth_require_tls=False,
                loop=asyncio.get_running_loop(),
            )
        sessions.append(made)
        return made

    listener = await asyncio.get_running_loop().create_server(session, "127.0.0.1", server.port, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for one in sessions:
            if one.transport is not None:
                one.transport.abort()
        await listener.wait_closed()
