"""Reviews: asked for by mail, written on the page of a link, moderated and answered by the firm."""

import json
import secrets

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.audit import service as audit
from conecta.auth.caller import Caller
from conecta.events import service as events
from conecta.kit import clock
from conecta.kit.crypto import KeyRing
from conecta.kit.db import Database, Reads, SessionReads
from conecta.kit.errors import NotFound, ValidationFailed
from conecta.kit.etags import Precondition
from conecta.kit.ids import canonical, new_id
from conecta.kit.language import Text, spoken
from conecta.kit.pages import PageOfRows, Pager
from conecta.messages import service as messages

from . import mails, queries, rules
from .errors import NothingToReview, ReviewAlreadyAsked, ReviewNotWritten
from .events import CREATED
from .models import Review
from .queries import LinkedReview
from .schemas import (
    PublicReviewParams,
    PublicReviewRead,
    ReviewFilters,
    ReviewReply,
    ReviewRequest,
    ReviewWritten,
)

__all__ = ["LinkedReview", "PublicReviewParams", "PublicReviewRead", "ReviewWritten"]

_HASH_PURPOSE = "review links"
_LONGEST = 100  # what nobody was given is not worth hashing


async def list_reviews(reads: Reads, pager: Pager, *, tenant_id: str, filters: ReviewFilters) -> PageOfRows:
    """Return a page of the firm's reviews, those only asked for too."""
    return await queries.page(reads, pager, tenant_id, filters)


async def list_published(
    reads: Reads, pager: Pager, *, tenant_id: str, params: PublicReviewParams
) -> PageOfRows:
    """Return a page of the reviews that the firm has published."""
    return await queries.published(reads, pager, tenant_id, params)


async def newest_published(reads: Reads, *, tenant_id: str, limit: int) -> list[dict[str, object]]:
    """Return the newest published reviews."""
    return [json.loads(text) for text in await queries.newest_published(reads, tenant_id, limit)]


async def summary(reads: Reads, *, tenant_id: str) -> tuple[int, float]:
    """Return how many reviews are published, and their mean rating (0 without any)."""
    return await queries.summary(reads, tenant_id)


async def read_review(reads: Reads, *, tenant_id: str, review_id: str) -> tuple[str, int]:
    """Return one review as JSON text and version; raise NotFound."""
    key = canonical("rev", review_id)
    found = await queries.one(reads, tenant_id, key) if key else None
    if found is None:
        raise NotFound
    return found


async def request_review(
    session: AsyncSession, keyring: KeyRing, *, caller: Caller, wanted: ReviewRequest, base_url: str
) -> tuple[str, tuple[str, int]]:
    """Mail a client the link to write a review; return its id, and its JSON text and version.

    Raises ValidationFailed for what the firm has not or for a client who cannot be mailed, NothingToReview
    (409) before the booking or the case is over, and ReviewAlreadyAsked (409).
    """
    tenant_id, reads = caller.tenant_id, SessionReads(session)
    subject = await _subject(reads, tenant_id, wanted)
    about = (wanted.booking_id, wanted.case_id)
    existing = await queries.asked_before(reads, tenant_id, subject.client_id, about, clock.real_now())
    if existing:
        raise ReviewAlreadyAsked(existing)
    review_id = await _ask(session, keyring, tenant_id, subject, about, base_url)
    return review_id, await read_review(reads, tenant_id=tenant_id, review_id=review_id)


async def ask_of_booking(
    session: AsyncSession, keyring: KeyRing, *, tenant_id: str, booking_id: str, base_url: str
) -> None:
    """Ask the client of a completed booking for a review, if the firm's page says so: once for each booking.

    Whoever completes a booking has it to themselves until they are done, so that nobody asks twice.
    """
    subject = await queries.to_ask(SessionReads(session), tenant_id, booking_id)
    if subject:
        await _ask(session, keyring, tenant_id, subject, (booking_id, None), base_url)


async def moderate(
    session: AsyncSession, *, caller: Caller, review_id: str, publish: bool, precondition: Precondition
) -> tuple[str, int]:
    """Publish a review, or keep it from the world; return its JSON text and version.

    Doing it twice changes nothing. Raises NotFound, PreconditionFailed and ReviewNotWritten (409).
    """
    review = await _written(session, caller.tenant_id, review_id, precondition)
    status = "published" if publish else "rejected"
    if review.status != status:
        review.status, review.moderated_at, review.moderated_by = status, clock.now(), caller.name
        await audit.record(
            session,
            tenant_id=caller.tenant_id,
            action=f"review.{status}",
            actor=audit.actor_of(caller),
            target=review.id,
        )
    return await read_review(SessionReads(session), tenant_id=caller.tenant_id, review_id=review.id)


async def reply(
    session: AsyncSession, *, tenant_id: str, review_id: str, wanted: ReviewReply, precondition: Precondition
) -> tuple[str, int]:
    """Answer a review, or take the answer back. Raises NotFound, PreconditionFailed, ReviewNotWritten."""
    review = await _written(session, tenant_id, review_id, precondition)
    if (wanted.reply or None) != review.reply:
        review.reply = wanted.reply or None
        review.replied_at = clock.now() if review.reply else None
    return await read_review(SessionReads(session), tenant_id=tenant_id, review_id=review.id)


def shown_name(name: str) -> str:
    """Return how the world may see a client's name, unless they choose another."""
    return rules.shown_name(name)


async def find_by_link(database: Database, keyring: KeyRing, *, secret: str) -> LinkedReview | None:
    """Return the review that a link lets its owner write, or has let; None when nobody was given it."""
    if not 0 < len(secret) <= _LONGEST or not secret.isascii():
        return None
    return await queries.by_link(database, keyring.hashes(_HASH_PURPOSE, secret), clock.real_now())


async def write_review(
    session: AsyncSession, keyring: KeyRing, *, found: LinkedReview, written: ReviewWritten
) -> bool:
    """Write down what the client says and announce it; False when the link is used up or out of date.

    The session is one of the review's own firm.
    """
    review = await queries.for_change(session, found.tenant_id, found.id)
    if review is None or review.status != "requested" or review.link_expires_at <= clock.real_now():
        return False
    review.status, review.submitted_at = "pending", clock.now()
    review.rating, review.comment = written.rating, written.comment or None
    review.author_name = written.author_name or None
    reads = SessionReads(session)
    text, _ = await read_review(reads, tenant_id=found.tenant_id, review_id=found.id)
    body = json.loads(text)
    data = {name: body[name] for name in CREATED.payload.model_fields if name in body}
    data |= {"review_id": body["id"], "created_at": body["submitted_at"]}
    await events.emit(session, CREATED, tenant_id=found.tenant_id, resource_id=found.id, data=data)
    mail = mails.written(written.rating, review.author_name or found.client_name, review.comment)
    for email, language in await queries.audience(reads, found.tenant_id):
        await messages.send_mail(
            session, keyring, tenant_id=found.tenant_id, to=email, language=language, mail=mail
        )
    return True


async def _ask(
    session: AsyncSession,
    keyring: KeyRing,
    tenant_id: str,
    subject: queries.Subject,
    about: tuple[str | None, str | None],
    base_url: str,
) -> str:
    """Mail a client the link to write a review of a booking or a case (`about`); return the review's id."""
    secret = secrets.token_urlsafe(24)
    review = Review(
        tenant_id=tenant_id,
        id=new_id("rev"),
        client_id=subject.client_id,
        booking_id=about[0],
        case_id=about[1],
        link_hash=keyring.hashes(_HASH_PURPOSE, secret)[0],
        link_expires_at=clock.real_now() + rules.LINK_LIFETIME,
    )
    session.add(review)
    await messages.send_mail(
        session,
        keyring,
        tenant_id=tenant_id,
        to=subject.email or "",
        language=spoken(subject.language),
        mail=mails.request(subject.firm_name, subject.client_name, f"{base_url}/reviews/{secret}"),
    )
    return review.id


async def _subject(reads: Reads, tenant_id: str, wanted: ReviewRequest) -> queries.Subject:
    member = "booking_id" if wanted.booking_id else "case_id" if wanted.case_id else "client_id"
    client_id = wanted.client_id
    if wanted.booking_id or wanted.case_id:
        client_id = await _whose(reads, tenant_id, wanted)
    subject = await queries.subject(reads, tenant_id, client_id) if client_id else None
    if subject is None:
        raise ValidationFailed.at(f"/{member}", "unknown_client", _UNKNOWN_CLIENT)
    if subject.status != "active":
        raise ValidationFailed.at(f"/{member}", "client_archived", _ARCHIVED_CLIENT)
    if subject.email is None:
        raise ValidationFailed.at(f"/{member}", "no_email", _NO_EMAIL)
    return subject


async def _whose(reads: Reads, tenant_id: str, wanted: ReviewRequest) -> str | None:
    """Return whose booking or case it is; raise unless the firm has it and it is over."""
    if wanted.booking_id:
        found, finished = (
            await queries.of_booking(reads, tenant_id, wanted.booking_id),
            rules.FINISHED_BOOKING,
        )
        if found is None:
            raise ValidationFailed.at("/booking_id", "unknown_booking", _UNKNOWN_BOOKING)
    else:
        found, finished = await queries.of_case(reads, tenant_id, wanted.case_id or ""), rules.FINISHED_CASE
        if found is None:
            raise ValidationFailed.at("/case_id", "unknown_case", _UNKNOWN_CASE)
    client_id, status = found
    if status not in finished:
        raise NothingToReview
    return client_id


async def _written(
    session: AsyncSession, tenant_id: str, review_id: str, precondition: Precondition
) -> Review:
    key = canonical("rev", review_id)
    review = await queries.for_change(session, tenant_id, key) if key else None
    if review is None:
        raise NotFound
    precondition.check(review.version)
    if review.status == "requested":
        raise ReviewNotWritten(id=review.id)
    return review


_UNKNOWN_CLIENT = Text(
    "No hay ningún cliente con ese identificador en esta firma.",
    "There is no client with that id in this firm.",
)
_ARCHIVED_CLIENT = Text(
    "El cliente está archivado; restáuralo con POST /clients/{id}/restore.",
    "The client is archived; restore it with POST /clients/{id}/restore.",
)
_NO_EMAIL = Text(
    "El cliente no tiene correo: no hay adónde enviar el enlace.",
    "The client has no e-mail address to send the link to.",
)
_UNKNOWN_BOOKING = Text(
    "No hay ninguna cita con ese identificador en esta firma.",
    "There is no booking with that id in this firm.",
)
_UNKNOWN_CASE = Text(
    "No hay ningún expediente con ese identificador en esta firma.",
    "There is no case with that id in this firm.",
)
