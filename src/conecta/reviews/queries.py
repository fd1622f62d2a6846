"""All SQL of reviews."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit.db import Database, Reads
from conecta.kit.pages import JsonView, PageOfRows, Pager, Where
from conecta.kit.sql import wire_time

from .models import Review
from .schemas import PublicReviewParams, ReviewFilters

VIEW = JsonView(
    source="reviews r",
    alias="r",
    fields=f"""r.id, r.client_id, r.booking_id, r.case_id, r.status, r.rating, r.comment, r.author_name,
      {wire_time("r.link_expires_at")} as link_expires_at, {wire_time("r.submitted_at")} as submitted_at,
      {wire_time("r.moderated_at")} as moderated_at, r.moderated_by, r.reply,
      {wire_time("r.replied_at")} as replied_at,
      {wire_time("r.created_at")} as created_at, {wire_time("r.updated_at")} as updated_at""",
    sorts={"created_at": ("r.created_at", "timestamptz")},
)
PUBLIC_VIEW = JsonView(
    source="reviews r",
    alias="r",
    fields=f"""r.rating, r.comment, r.author_name, {wire_time("r.submitted_at")} as submitted_at, r.reply""",
    sorts={"submitted_at": ("r.submitted_at", "timestamptz")},
)

_SUBJECT = """
select c.id, c.name, c.email, c.language, c.status, t.name
from clients c join tenants t on t.id = c.tenant_id
where c.tenant_id = %(tenant)s and c.id = %(client)s
"""
# Of a completed booking, if the firm wants it and nobody was asked of it before. The client's own address
# comes before the one that the booking was made with.
_TO_ASK = """
select c.id, c.name, coalesce(c.email, a.email), c.language, c.status, t.name
from bookings b
join public_sites s on s.tenant_id = b.tenant_id and s.asks_for_reviews
join tenants t on t.id = b.tenant_id
join clients c on c.tenant_id = b.tenant_id and c.id = b.client_id and c.status = 'active'
left join booking_attendees a
  on a.tenant_id = b.tenant_id and a.booking_id = b.id and a.position = 0 and a.client_id = c.id
where b.tenant_id = %(tenant)s and b.id = %(id)s and b.status = 'completed'
  and coalesce(c.email, a.email) is not null
  and not exists (select from reviews r where r.tenant_id = b.tenant_id and r.booking_id = b.id)
"""
_OF_CASE = "select c.client_id, c.status from cases c where c.tenant_id = %(tenant)s and c.id = %(id)s"
_OF_BOOKING = "select b.client_id, b.status from bookings b where b.tenant_id = %(tenant)s and b.id = %(id)s"
_ASKED = """
select r.id from reviews r where r.tenant_id = %(tenant)s and r.client_id = %(client)s
  and r.booking_id is not distinct from %(booking)s::text and r.case_id is not distinct from %(case)s::text
  and (r.status <> 'requested' or r.link_expires_at > %(now)s)
  and (r.booking_id is not null or r.case_id is not null or r.status = 'requested')
order by r.created_at desc limit 1
"""
_BY_LINK = """
select r.tenant_id, r.id, r.status, r.rating, r.link_expires_at > %(now)s::timestamptz as open, t.name,
  t.clock_offset_seconds, t.time_zone, c.name, c.language, b.service
from reviews r join tenants t on t.id = r.tenant_id
  join clients c on c.tenant_id = r.tenant_id and c.id = r.client_id
  left join bookings b on b.tenant_id = r.tenant_id and b.id = r.booking_id
where r.link_hash = any(%(hashes)s::bytea[])
"""
_SUMMARY = """
select count(*), coalesce(round(avg(r.rating), 1)::float8, 0) from reviews r
where r.tenant_id = %(tenant)s and r.status = 'published'
"""
_AUDIENCE = """
select u.email, t.language from users u join tenants t on t.id = u.tenant_id
where u.tenant_id = %(tenant)s and u.active and u.role in ('owner', 'admin') order by u.created_at, u.id
"""


@dataclass(frozen=True)
class Subject:
    """The client to ask, and the firm that asks."""

    client_id: str
    client_name: str
    email: str | None
    language: str
    status: str
    firm_name: str


@dataclass(frozen=True)
class LinkedReview:
    """A review as whoever has its link finds it."""

    tenant_id: str
    id: str
    status: str
    rating: int | None
    open: bool
    firm_name: str
    clock_offset_seconds: int
    time_zone: str
    client_name: str
    language: str
    service: str | None


async def page(reads: Reads, pager: Pager, tenant_id: str, filters: ReviewFilters) -> PageOfRows:
    """Return a page of the firm's reviews."""
    where = Where("r.tenant_id = %(tenant)s", tenant=tenant_id)
    where.add("r.status = %(status)s", status=filters.status)
    where.add("r.rating = %(rating)s", rating=filters.rating)
    where.add("r.client_id = %(client)s", client=filters.client_id)
    where.add("r.case_id = %(case)s", case=filters.case_id)
    where.add("r.booking_id = %(booking)s", booking=filters.booking_id)
    return await pager.fetch(reads, VIEW, where, filters, sort=filters.sort)


async def published(reads: Reads, pager: Pager, tenant_id: str, params: PublicReviewParams) -> PageOfRows:
    """Return a page of what the firm has published."""
    where = Where("r.tenant_id = %(tenant)s and r.status = 'published'", tenant=tenant_id)
    return await pager.fetch(reads, PUBLIC_VIEW, where, params, sort=params.sort)


async def newest_published(reads: Reads, tenant_id: str, limit: int) -> list[str]:
    """Return the newest published reviews as JSON texts."""
    where = "r.tenant_id = %(tenant)s and r.status = 'published'"
    rows = await reads.rows(
        PUBLIC_VIEW.page(where, "r.submitted_at desc, r.id desc", "r.submitted_at", limit),
        {"tenant": tenant_id},
    )
    return [row[2] for row in rows]


async def summary(reads: Reads, tenant_id: str) -> tuple[int, float]:
    """Return how many reviews are published, and their mean rating."""
    (row,) = await reads.rows(_SUMMARY, {"tenant": tenant_id})
    return int(row[0]), float(row[1])


async def one(reads: Reads, tenant_id: str, review_id: str) -> tuple[str, int] | None:
    """Return a review as JSON text and version."""
    params = {"tenant": tenant_id, "id": review_id}
    rows = await reads.rows(VIEW.one("r.tenant_id = %(tenant)s and r.id = %(id)s"), params)
    return (rows[0][0], rows[0][1]) if rows else None


async def for_change(session: AsyncSession, tenant_id: str, review_id: str) -> Review | None:
    """Return a review, locked until the transaction ends."""
    wanted = select(Review).where(Review.tenant_id == tenant_id, Review.id == review_id)
    return await session.scalar(wanted.with_for_update())


async def subject(reads: Reads, tenant_id: str, client_id: str) -> Subject | None:
    """Return a client to ask."""
    rows = await reads.rows(_SUBJECT, {"tenant": tenant_id, "client": client_id})
    return Subject(*rows[0]) if rows else None


async def to_ask(reads: Reads, tenant_id: str, booking_id: str) -> Subject | None:
    """Return the client to ask of their own accord about a booking, if any."""
    rows = await reads.rows(_TO_ASK, {"tenant": tenant_id, "id": booking_id})
    return Subject(*rows[0]) if rows else None


async def of_case(reads: Reads, tenant_id: str, case_id: str) -> tuple[str, str] | None:
    """Return client and state of a case."""
    rows = await reads.rows(_OF_CASE, {"tenant": tenant_id, "id": case_id})
    return (rows[0][0], rows[0][1]) if rows else None


async def of_booking(reads: Reads, tenant_id: str, booking_id: str) -> tuple[str | None, str] | None:
    """Return client and state of a booking."""
    rows = await reads.rows(_OF_BOOKING, {"tenant": tenant_id, "id": booking_id})
    return (rows[0][0], rows[0][1]) if rows else None


async def asked_before(
    reads: Reads, tenant_id: str, client_id: str, about: tuple[str | None, str | None], now: datetime
) -> str | None:
    """Return the review that the client was asked for of the same booking or case (`about`), or still is."""
    params = {"tenant": tenant_id, "client": client_id, "booking": about[0], "case": about[1], "now": now}
    rows = await reads.rows(_ASKED, params)
    return rows[0][0] if rows else None


async def by_link(database: Database, hashes: Sequence[bytes], now: datetime) -> LinkedReview | None:
    """Return the review of a link; as the system, for whoever shows a link has not said who they are."""
    rows = await database.read(_BY_LINK, {"hashes": list(hashes), "now": now}, system=True)
    return LinkedReview(*rows[0]) if rows else None


async def audience(reads: Reads, tenant_id: str) -> list[tuple[str, str]]:
    """Return address and language of the active owners and admins."""
    return [(row[0], row[1]) for row in await reads.rows(_AUDIENCE, {"tenant": tenant_id})]
