"""The firm's public page: where it is, what it says; and who stands before it."""

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from conecta.audit import service as audit
from conecta.auth.caller import Caller
from conecta.kit.db import Database, Reads, SessionReads
from conecta.kit.etags import Precondition
from conecta.kit.rate_limit import Limits
from conecta.website.errors import SlugTaken
from conecta.website.keys import rules as keys
from conecta.website.models import PublicSite

from . import queries
from .queries import PublicFirm
from .schemas import PublicSiteWrite

__all__ = ["PublicFirm"]

_LONGEST_SLUG = 60


async def read_site(reads: Reads, *, tenant_id: str, base_url: str) -> tuple[str, int]:
    """Return the firm's public page as JSON text and version; version 0 while it has none."""
    return await queries.one(reads, tenant_id, base_url)


async def write_site(
    session: AsyncSession,
    *,
    caller: Caller,
    wanted: PublicSiteWrite,
    precondition: Precondition,
    base_url: str,
) -> tuple[str, int]:
    """Make the firm's public page what is wanted; return its JSON text and version.

    Raises PreconditionFailed, and SlugTaken (409) when another firm has that address.
    """
    values = wanted.model_dump()
    site = await queries.for_change(session, caller.tenant_id)
    precondition.check(site.version if site else 0)
    try:
        async with session.begin_nested():
            if site is None:
                session.add(PublicSite(tenant_id=caller.tenant_id, **values))
            else:
                queries.set_members(site, values)
            await session.flush()
    except IntegrityError:
        raise SlugTaken(wanted.slug) from None
    await audit.record(
        session,
        tenant_id=caller.tenant_id,
        action="public_site.changed",
        actor=audit.actor_of(caller),
        target=caller.tenant_id,
        details={"slug": wanted.slug, "active": wanted.active},
    )
    return await queries.one(SessionReads(session), caller.tenant_id, base_url)


async def firm_of_slug(database: Database, *, slug: str) -> PublicFirm | None:
    """Return the firm whose public page has this address, when it shows one."""
    if not 0 < len(slug) <= _LONGEST_SLUG or not slug.isascii():
        return None
    return await queries.by_slug(database, slug)


async def firm_of_key(database: Database, *, key: str) -> tuple[PublicFirm | None, str, list[str]] | None:
    """Return the firm of a publishable key, the key's id and the origins it is accepted from.

    None for the firm of a key that is revoked: its website may still be told so.
    """
    return await queries.by_key(database, key) if keys.is_well_formed(key) else None


async def firm_of_caller(reads: Reads, *, tenant_id: str) -> PublicFirm:
    """Return the caller's own firm as the web sees it."""
    return await queries.by_id(reads, tenant_id)


def visitor_of(firm: PublicFirm, *, credential_id: str) -> Caller:
    """Return a visitor of a firm's page, as the features know callers."""
    return Caller(
        kind="visitor",
        tenant_id=firm.tenant_id,
        scopes=frozenset(),
        credential_id=credential_id,
        name="Web",
        plan=firm.plan,
        limits=Limits(firm.per_minute, firm.per_day),
        sandbox=firm.sandbox_of is not None,
        firm_id=firm.firm_id,
        clock_offset=firm.clock_offset,
        time_zone=firm.time_zone,
    )
