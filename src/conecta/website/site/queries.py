"""All SQL of the firm's public page."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit.db import Database, Reads
from conecta.kit.sql import wire_time
from conecta.website.models import PublicSite

_ONE = f"""
select (select row_to_json(j)::text from (select s.slug,
    %(base_url)s::text || '/b/' || s.slug as url, coalesce(s.active, false) as active, s.intro, s.privacy_url,
    coalesce(s.shows_reviews, true) as shows_reviews,
    coalesce(s.asks_for_reviews, false) as asks_for_reviews, {wire_time("s.updated_at")} as updated_at) j),
  coalesce(s.version, 0)
from tenants t left join public_sites s on s.tenant_id = t.id where t.id = %(tenant)s
"""
_SHOWN = """
select t.id, t.name, t.language, t.time_zone, t.clock_offset_seconds, t.sandbox_of, s.slug,
  coalesce(s.active, false), s.intro, s.privacy_url, coalesce(s.shows_reviews, false)"""
_FACTS = f"""{_SHOWN}, firm.id, p.id,
  coalesce(firm.per_minute_override, p.per_minute), coalesce(firm.per_day_override, p.per_day)
from tenants t left join public_sites s on s.tenant_id = t.id
join tenants firm on firm.id = coalesce(t.sandbox_of, t.id)
join plans p on p.id = case when firm.trial_until <= statement_timestamp() then 'free' else firm.plan_id end
"""
_BY_SLUG = _FACTS + " where s.slug = %(slug)s and s.active"
# A sandbox may not look at its firm, so the limits are left out.
_BY_ID = f"{_SHOWN} from tenants t left join public_sites s on s.tenant_id = t.id where t.id = %(id)s"
_BY_KEY = f"""
select k.id, k.origins, k.revoked_at is not null, f.*
from publishable_keys k join lateral ({_FACTS} where t.id = k.tenant_id) f on true
where k.key = %(key)s
"""


@dataclass(frozen=True)
class PublicFirm:
    """A firm, or a sandbox, as the web sees it; its limits are known only to the system."""

    tenant_id: str
    name: str
    language: str
    time_zone: str
    clock_offset_seconds: int
    sandbox_of: str | None
    slug: str | None
    active: bool
    intro: str | None
    privacy_url: str | None
    shows_reviews: bool
    firm_id: str = ""
    plan: str = ""
    per_minute: int = 0
    per_day: int = 0

    @property
    def clock_offset(self) -> timedelta:
        """How far its clock runs ahead."""
        return timedelta(seconds=self.clock_offset_seconds)


async def one(reads: Reads, tenant_id: str, base_url: str) -> tuple[str, int]:
    """Return the page of a firm as JSON text and version; version 0 while it has none."""
    (row,) = await reads.rows(_ONE, {"tenant": tenant_id, "base_url": base_url})
    return row[0], row[1]


async def for_change(session: AsyncSession, tenant_id: str) -> PublicSite | None:
    """Return a firm's page, locked until the transaction ends."""
    wanted = select(PublicSite).where(PublicSite.tenant_id == tenant_id)
    return await session.scalar(wanted.with_for_update())


def set_members(site: PublicSite, values: Mapping[str, Any]) -> None:
    """Write what a page shall be."""
    for name, value in values.items():
        setattr(site, name, value)


async def by_slug(database: Database, slug: str) -> PublicFirm | None:
    """Return the firm of an address; as the system, for nobody has said yet which firm it is."""
    rows = await database.read(_BY_SLUG, {"slug": slug}, system=True)
    return PublicFirm(*rows[0]) if rows else None


async def by_id(reads: Reads, tenant_id: str) -> PublicFirm:
    """Return the caller's firm; one that reads as the firm itself."""
    (row,) = await reads.rows(_BY_ID, {"id": tenant_id})
    return PublicFirm(*row)


async def by_key(database: Database, key: str) -> tuple[PublicFirm | None, str, list[str]] | None:
    """Return the firm of a publishable key (None: it is revoked), its id and its origins; as the system."""
    rows = await database.read(_BY_KEY, {"key": key}, system=True)
    if not rows:
        return None
    key_id, origins, revoked, *firm = rows[0]
    return None if revoked else PublicFirm(*firm), key_id, list(origins)
