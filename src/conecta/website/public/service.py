"""What every visitor of the firm's website may do: look, ask, book."""

import json
import time
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from conecta.auth.caller import Caller
from conecta.auth.errors import RateLimited
from conecta.inquiries import service as inquiries
from conecta.inquiries.service import InquiryAsk
from conecta.kit import clock
from conecta.kit.crypto import KeyRing
from conecta.kit.db import Reads, SessionReads
from conecta.kit.errors import ValidationFailed
from conecta.kit.language import Text
from conecta.kit.rate_limit import RateLimitStore, neighbourhood
from conecta.kit.request_context import origin
from conecta.reviews import service as reviews
from conecta.website import proof
from conecta.website.errors import ProofRefused
from conecta.website.site import service as sites
from conecta.website.site.service import PublicFirm

from . import rules
from .schemas import PublicInquiryCreate, Visited


async def read_firm(reads: Reads, *, tenant_id: str, base_url: str) -> dict[str, Any]:
    """Return what the firm's website shows of it."""
    firm = await sites.firm_of_caller(reads, tenant_id=tenant_id)
    count, average = await reviews.summary(reads, tenant_id=tenant_id)
    return {
        "name": firm.name,
        "language": firm.language,
        "time_zone": firm.time_zone,
        "intro": firm.intro,
        "url": f"{base_url}/b/{firm.slug}" if firm.active else None,
        "privacy_url": firm.privacy_url,
        "review_count": count,
        "review_average": average,
    }


def new_challenge(keyring: KeyRing, *, tenant_id: str) -> dict[str, Any]:
    """Return something for a visitor's machine to solve."""
    made = proof.challenge(keyring, tenant_id)
    return {
        "challenge": made.token,
        "algorithm": proof.ALGORITHM,
        "bits": proof.BITS,
        "expires_at": made.expires_at,
    }


async def ask(
    session: AsyncSession,
    keyring: KeyRing,
    limits: RateLimitStore,
    *,
    caller: Caller,
    wanted: PublicInquiryCreate,
    source: str = "website",
    on_our_page: bool = False,
) -> dict[str, Any]:
    """Keep what a visitor asks; return what they are told of it.

    Whoever fills in what people do not see is told the same, and the inquiry goes to the spam. Raises
    ProofRefused, RateLimited and ValidationFailed.
    """
    firm = await admit(session, keyring, limits, caller=caller, visited=wanted, on_our_page=on_our_page)
    asked = InquiryAsk.model_validate(wanted.model_dump(include=set(InquiryAsk.model_fields)))
    inquiry_id, (text, _) = await inquiries.receive(
        session,
        keyring,
        tenant_id=caller.tenant_id,
        asked=asked,
        source=source,
        privacy_accepted_at=clock.now() if firm.privacy_url and wanted.privacy_accepted else None,
        is_spam=bool(wanted.website),
    )
    return {"id": inquiry_id, "received_at": json.loads(text)["created_at"]}


async def admit(
    session: AsyncSession,
    keyring: KeyRing,
    limits: RateLimitStore,
    *,
    caller: Caller,
    visited: Visited,
    on_our_page: bool = False,
) -> PublicFirm:
    """Let a visitor write; return the firm they write to.

    On a page of ours a proof may be missing, now and then: not every browser runs scripts. Raises RateLimited
    (429), ProofRefused (422) unless a server of the firm's own calls, and ValidationFailed when the firm's
    privacy notice has to be accepted first.
    """
    firm = await sites.firm_of_caller(SessionReads(session), tenant_id=caller.tenant_id)
    if firm.privacy_url and not visited.privacy_accepted:
        raise ValidationFailed.at("/privacy_accepted", "required", _PRIVACY)
    if caller.kind != "visitor":
        return firm
    place = neighbourhood(origin().address or "unknown")
    charge = await limits.charge(f"visitor-writes:{caller.tenant_id}:{place}", rules.WRITES_OF_ONE_PLACE)
    if not charge.allowed:
        raise RateLimited(charge, int(time.time()))
    given = visited.proof
    if given is None and on_our_page and await _may_do_without(limits, caller.tenant_id, place):
        return firm
    if given is None or not await proof.is_paid(
        keyring, limits, tenant_id=caller.tenant_id, token=given.challenge, solution=given.solution
    ):
        raise ProofRefused
    return firm


async def _may_do_without(limits: RateLimitStore, tenant_id: str, place: str) -> bool:
    one = await limits.charge(f"visitor-unproven:{tenant_id}:{place}", rules.UNPROVEN_OF_ONE_PLACE)
    return (
        one.allowed and (await limits.charge(f"visitor-unproven:{tenant_id}", rules.UNPROVEN_OF_ALL)).allowed
    )


async def look(limits: RateLimitStore, *, tenant_id: str) -> None:
    """Count a look at a firm's public page; raise RateLimited when one address has looked often enough."""
    place = neighbourhood(origin().address or "unknown")
    charge = await limits.charge(f"visitor-pages:{tenant_id}:{place}", rules.PAGES_OF_ONE_PLACE)
    if not charge.allowed:
        raise RateLimited(charge, int(time.time()))


async def spare(keyring: KeyRing, limits: RateLimitStore, *reach: str | None) -> None:
    """Raise RateLimited when these addresses and numbers have been written to often enough.

    Whoever books says whose they are: without this, anybody could have anybody flooded with our mail.
    """
    for place in reach:
        if place is None:
            continue
        known = keyring.hashes("people visitors name", place.casefold())[0].hex()
        charge = await limits.charge(f"visited-person:{known}", rules.BOOKINGS_FOR_ONE_PERSON)
        if not charge.allowed:
            raise RateLimited(charge, int(time.time()))


_PRIVACY = Text(
    "Hay que aceptar el aviso de privacidad de la firma.", "The firm's privacy notice has to be accepted."
)
