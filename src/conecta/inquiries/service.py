"""Inquiries: received from anybody, listed, closed, converted into a client and perhaps a case."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.auth.caller import Caller
from conecta.auth.scopes import Scope
from conecta.cases import service as cases
from conecta.cases.service import CaseCreate
from conecta.clients import service as clients
from conecta.clients.service import ClientCreate
from conecta.events import service as events
from conecta.kit import clock
from conecta.kit.crypto import KeyRing
from conecta.kit.db import Reads, SessionReads
from conecta.kit.errors import FieldError, InsufficientScope, NotFound, ValidationFailed
from conecta.kit.etags import Precondition
from conecta.kit.ids import canonical, new_id
from conecta.kit.language import Text
from conecta.kit.pages import PageOfRows, Pager
from conecta.kit.schemas import merge_custom_fields
from conecta.messages import service as messages

from . import mails, queries
from .errors import InquiryConverted
from .events import RECEIVED
from .models import Inquiry
from .schemas import InquiryAsk, InquiryConvert, InquiryFilters, InquiryUpdate

__all__ = ["InquiryAsk"]

_TITLE_LENGTH = 300


async def list_inquiries(
    reads: Reads, pager: Pager, *, tenant_id: str, filters: InquiryFilters
) -> PageOfRows:
    """Return a page of the firm's inquiries."""
    return await queries.page(reads, pager, tenant_id, filters)


async def read_inquiry(reads: Reads, *, tenant_id: str, inquiry_id: str) -> tuple[str, int]:
    """Return one inquiry as JSON text and version; raise NotFound."""
    key = canonical("inq", inquiry_id)
    found = await queries.one(reads, tenant_id, key) if key else None
    if found is None:
        raise NotFound
    return found


async def receive(
    session: AsyncSession,
    keyring: KeyRing,
    *,
    tenant_id: str,
    asked: InquiryAsk,
    source: str,
    privacy_accepted_at: datetime | None = None,
    is_spam: bool = False,
) -> tuple[str, tuple[str, int]]:
    """Keep an inquiry, announce it and mail it to the firm; return its id, and its JSON text and version.

    What is spam is kept for whoever looks for it, and nobody is told. What comes from one of the firm's own
    programs (`source` api) is announced, but not mailed: they know.
    """
    inquiry = Inquiry(
        tenant_id=tenant_id,
        id=new_id("inq"),
        source=source,
        status="spam" if is_spam else "new",
        privacy_accepted_at=privacy_accepted_at,
        **asked.model_dump(include=set(InquiryAsk.model_fields)),
    )
    session.add(inquiry)
    found = await queries.one(SessionReads(session), tenant_id, inquiry.id)
    assert found is not None
    if not is_spam:
        await _announce(session, tenant_id, json.loads(found[0]))
        if source != "api":
            await _tell(session, keyring, inquiry)
    return inquiry.id, found


async def update_inquiry(
    session: AsyncSession,
    *,
    tenant_id: str,
    inquiry_id: str,
    wanted: InquiryUpdate,
    precondition: Precondition,
) -> tuple[str, int]:
    """Change an inquiry's state or the firm's own data about it; return its JSON text and version.

    Raises NotFound, PreconditionFailed, ValidationFailed, and InquiryConverted (409) for another state of one
    that is a client's already.
    """
    inquiry = await _for_change(session, tenant_id, inquiry_id, precondition)
    if "status" in wanted.model_fields_set:
        if wanted.status is None:
            raise ValidationFailed.at("/status", "required", Text("No puede ser null.", "It cannot be null."))
        _refuse_converted(inquiry)
        inquiry.status = wanted.status
    inquiry.custom_fields = merge_custom_fields(inquiry.custom_fields, wanted.custom_fields)
    return await read_inquiry(SessionReads(session), tenant_id=tenant_id, inquiry_id=inquiry.id)


async def convert_inquiry(
    session: AsyncSession,
    *,
    caller: Caller,
    inquiry_id: str,
    wanted: InquiryConvert,
    precondition: Precondition,
) -> tuple[str, int]:
    """Make an inquiry a client, new or known, and open a case if asked; return its JSON text and version.

    Raises NotFound, PreconditionFailed, InquiryConverted (409), ValidationFailed, what creating a client or
    a case refuses, and InsufficientScope (403) for a case without `write:cases`.
    """
    if wanted.case is not None and Scope.CASES_WRITE not in caller.scopes:
        raise InsufficientScope(Scope.CASES_WRITE, " ".join(sorted(caller.scopes)))
    inquiry = await _for_change(session, caller.tenant_id, inquiry_id, precondition)
    _refuse_converted(inquiry)
    inquiry.client_id = await _client(session, caller, inquiry, wanted)
    if wanted.case is not None:
        inquiry.case_id = await _case(session, caller, inquiry, wanted)
    inquiry.status, inquiry.converted_at = "converted", clock.now()
    return await read_inquiry(SessionReads(session), tenant_id=caller.tenant_id, inquiry_id=inquiry.id)


async def _client(session: AsyncSession, caller: Caller, inquiry: Inquiry, wanted: InquiryConvert) -> str:
    if wanted.client_id is not None:
        reads = SessionReads(session)
        if not await clients.exists_active(reads, tenant_id=caller.tenant_id, client_id=wanted.client_id):
            raise ValidationFailed.at("/client_id", "unknown_client", _UNKNOWN_CLIENT)
        return wanted.client_id
    more = wanted.client.model_dump(exclude_none=True) if wanted.client else {}
    known: dict[str, Any] = {
        "name": inquiry.name,
        "email": inquiry.email,
        "phone": inquiry.phone,
        "language": inquiry.language,
    }
    try:
        client_id, _ = await clients.create_client(
            session, tenant_id=caller.tenant_id, wanted=ClientCreate.model_validate(known | more)
        )
    except ValidationFailed as refusal:
        raise _below(refusal, "/client") from None
    return client_id


async def _case(session: AsyncSession, caller: Caller, inquiry: Inquiry, wanted: InquiryConvert) -> str:
    assert wanted.case is not None
    title = wanted.case.title or inquiry.subject or " ".join(inquiry.message.split())[:_TITLE_LENGTH]
    case = CaseCreate(
        client_id=inquiry.client_id or "",
        category=wanted.case.category,
        title=title,
        description=inquiry.message,
        assigned_provider_id=wanted.case.assigned_provider_id,
    )
    try:
        case_id, _ = await cases.create_case(SessionReads(session), caller=caller, wanted=case)
    except ValidationFailed as refusal:
        raise _below(refusal, "/case") from None
    return case_id


def _below(refusal: ValidationFailed, place: str) -> ValidationFailed:
    """Say of what another feature refused where it stands in our own body."""
    return ValidationFailed(
        errors=[FieldError(place + error.pointer, error.code, error.message) for error in refusal.errors]
    )


def _refuse_converted(inquiry: Inquiry) -> None:
    if inquiry.status == "converted":
        names = {"client_id": inquiry.client_id, "case_id": inquiry.case_id}
        raise InquiryConverted(id=inquiry.id, client_id=inquiry.client_id, extensions=names)


async def _for_change(
    session: AsyncSession, tenant_id: str, inquiry_id: str, precondition: Precondition
) -> Inquiry:
    key = canonical("inq", inquiry_id)
    inquiry = await queries.for_change(session, tenant_id, key) if key else None
    if inquiry is None:
        raise NotFound
    precondition.check(inquiry.version)
    return inquiry


async def _announce(session: AsyncSession, tenant_id: str, inquiry: dict[str, Any]) -> None:
    data = {"inquiry_id": inquiry["id"], "received_at": inquiry["created_at"]}
    data |= {name: inquiry[name] for name in RECEIVED.payload.model_fields if name in inquiry}
    await events.emit(session, RECEIVED, tenant_id=tenant_id, resource_id=inquiry["id"], data=data)


async def _tell(session: AsyncSession, keyring: KeyRing, inquiry: Inquiry) -> None:
    reach = [place for place in (inquiry.email, inquiry.phone) if place]
    mail = mails.received(inquiry.name, inquiry.subject, inquiry.message, reach)
    for email, language in await queries.audience(SessionReads(session), inquiry.tenant_id):
        await messages.send_mail(
            session, keyring, tenant_id=inquiry.tenant_id, to=email, language=language, mail=mail
        )


_UNKNOWN_CLIENT = Text(
    "No hay ningún cliente activo con ese identificador en esta firma.",
    "There is no active client with that id in this firm.",
)
