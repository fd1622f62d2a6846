"""Mail and text messages: written in the transaction that wants them, sent by the worker, or captured."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit import clock
from conecta.kit.crypto import KeyRing
from conecta.kit.db import Database, Reads
from conecta.kit.errors import NotFound
from conecta.kit.ids import canonical, new_id
from conecta.kit.language import Text
from conecta.kit.mail import Attachment, one_line
from conecta.kit.pages import PageOfRows, Pager

from . import queries, rules
from .rules import Body, Mail
from .schemas import MessageFilters

__all__ = ["Attachment", "Mail", "list_messages", "mailbox", "read_message", "send_mail", "send_text"]

BODY_PURPOSE = "messages"


async def send_mail(
    session: AsyncSession, keyring: KeyRing, *, tenant_id: str | None, to: str, language: str, mail: Mail
) -> str:
    """Write a mail in the running transaction, to be sent after its commit; return its id.

    Nobody sends the mail of a sandbox, or of an installation without a mail server: that one is captured.

    Args:
        session: of the tenant (a client's too); of the system when `tenant_id` is None.
        keyring: encrypts the body.
        tenant_id: whose mail it is; None when it is a person's own, which only the operator may read.
        to: the address, alone.
        language: `es` or `en`.
        mail: what it says.
    """
    subject = one_line(rules.in_language(mail.subject, language))
    values = {"channel": "mail", "recipient": to, "language": language, "subject": subject}
    return await _add(session, keyring, tenant_id, values, rules.write(mail, language))


async def send_text(
    session: AsyncSession, keyring: KeyRing, *, tenant_id: str, to: str, language: str, text: Text
) -> str:
    """Write a text message (SMS) in the running transaction, to be sent after its commit; return its id.

    Nobody sends those of a sandbox, or of an installation without a gateway: they are captured.

    Args:
        session: of the tenant, of a client of it, or of the system.
        keyring: encrypts the text.
        tenant_id: whose message it is.
        to: the phone number, as `+34600000000`.
        language: `es` or `en`.
        text: what it says.
    """
    values = {"channel": "sms", "recipient": to, "language": language, "subject": None}
    body = Body(rules.in_language(text, language), None, None)
    return await _add(session, keyring, tenant_id, values, body)


async def _add(
    session: AsyncSession, keyring: KeyRing, tenant_id: str | None, values: dict[str, Any], body: Body
) -> str:
    message_id = new_id("msg")
    more = {
        "id": message_id,
        "sealed_body": keyring.encrypt(BODY_PURPOSE, body.dump()),
        "now": clock.now(),
        "real_now": clock.real_now(),
    }
    await session.flush()
    await queries.add(session, tenant_id, values | more)
    return message_id


async def list_messages(
    reads: Reads, pager: Pager, *, tenant_id: str, filters: MessageFilters, delivers: Sequence[str]
) -> PageOfRows:
    """Return a page of a firm's messages; `delivers` are the channels the installation really sends by."""
    return await queries.page(reads, pager, tenant_id, filters, delivers=delivers)


async def read_message(
    reads: Reads, keyring: KeyRing, *, tenant_id: str, message_id: str, delivers: Sequence[str]
) -> str:
    """Return a message as JSON text, with its body when it was captured; raise NotFound."""
    key = canonical("msg", message_id)
    found = await queries.one(reads, tenant_id, key, delivers=delivers) if key else None
    if found is None:
        raise NotFound
    body = (
        asdict(_opened(keyring, found))
        if _is_readable(found)
        else dict.fromkeys(("text", "html", "link", "attachments"))
    )
    return json.dumps(json.loads(found.json_text) | body, ensure_ascii=False)


async def mailbox(
    database: Database, keyring: KeyRing, *, to: str | None = None, limit: int = 20
) -> list[dict[str, Any]]:
    """Return the newest mail that was captured or waits, of firms and of persons, for the operator's eyes."""
    found = await queries.mailbox(database, to, limit)
    return [
        {
            **{name: value for name, value in mail._asdict().items() if name != "sealed_body"},
            **asdict(Body.load(keyring.decrypt(BODY_PURPOSE, mail.sealed_body))),
        }
        for mail in found
    ]


def _is_readable(found: queries.Found) -> bool:
    return found.status == "captured" and found.sealed_body is not None


def _opened(keyring: KeyRing, found: queries.Found) -> Body:
    assert found.sealed_body is not None
    return Body.load(keyring.decrypt(BODY_PURPOSE, found.sealed_body))
