"""What tests of mail stand on: mails to send, a running postman, and what became of them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import psycopg
from fastapi import FastAPI

from conecta.kit.db import Database
from conecta.kit.language import Text
from conecta.kit.mail import Mailer
from conecta.messages import service
from conecta.messages.postman import Postman
from conecta.messages.service import Mail

SENDER = "Conecta <no-reply@conecta.example>"
QUICK = (0.05, 0.05)
MAIL = Mail(
    subject=Text("Te invitan a «Bufete Ñu»", "You are invited to “Bufete Ñu”"),
    paragraphs=[Text("Hola, Núria:", "Hello Núria,"), Text("Entra & mira <esto>.", "Come in & see <this>.")],
    button=(Text("Entrar", "Come in"), "https://conecta.example/invitations/abc?x=1&y=2"),
    footer=Text("Si no lo esperabas, no hagas nada.", "If you did not expect it, do nothing."),
)


async def send(
    app: FastAPI,
    tenant_id: str | None,
    to: str = "nuria@example.com",
    *,
    language: str = "es",
    mail: Mail = MAIL,
    client_id: str = "",
) -> str:
    """Write a mail as a feature does."""
    system = tenant_id is None
    async with app.state.database.transaction(
        tenant_id=tenant_id or "", client_id=client_id, system=system
    ) as session:
        return await service.send_mail(
            session, app.state.keyring, tenant_id=tenant_id, to=to, language=language, mail=mail
        )


@contextlib.asynccontextmanager
async def posting(
    app: FastAPI, url: str | None, *, database: Database | None = None
) -> AsyncIterator[Postman]:
    """Run a postman with this mail server."""
    mailer = Mailer(url, SENDER) if url else None
    postman = Postman(database or app.state.database, app.state.keyring, mailer, retry_seconds=QUICK)
    running = asyncio.create_task(postman.run())
    try:
        yield postman
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


def states(superuser: psycopg.Connection, table: str = "messages") -> dict[str, str]:
    """Return the status of every mail."""
    return dict(superuser.execute(f"select id, status from {table}").fetchall())
