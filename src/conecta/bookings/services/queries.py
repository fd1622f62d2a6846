"""All SQL of services."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.dialects.postgresql import insert as insert_if_new
from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit.db import Reads
from conecta.kit.pages import JsonView, PageOfRows, Pager, Where
from conecta.kit.sql import wire_time
from conecta.kit.tables import NOT_A_CLIENT
from conecta.users.models import ASSIGNABLE_ROLES

from .models import BookingService, BookingServiceHost, BookingServiceRoom
from .read_schemas import ServiceFilters

_PRICE = """case when s.price_amount is not null
      then json_build_object('amount', s.price_amount, 'currency', s.price_currency) end as price"""
_LOCATION = "json_build_object('kind', s.location_kind, 'detail', s.location_detail) as location"
# A client of the firm sees no member, but may know whom they can book.
_HOSTS = f"""coalesce((select json_agg(json_build_object('provider_id', h.user_id,
        'name', coalesce(u.name, m.name), 'kind', h.kind,
        'weight', case when {NOT_A_CLIENT} then h.weight end,
        'schedule_id', case when {NOT_A_CLIENT} then h.schedule_id end) order by h.user_id)
      from booking_service_hosts h
      left join users u on u.tenant_id = h.tenant_id and u.id = h.user_id
      left join bookable_members() m on m.id = h.user_id
      where h.tenant_id = s.tenant_id and h.service_id = s.id), '[]') as hosts"""
_ROOMS = """coalesce((select json_agg(r.room_id order by r.room_id) from booking_service_rooms r
      where r.tenant_id = s.tenant_id and r.service_id = s.id), '[]') as room_ids"""

VIEW = JsonView(
    source="booking_services s",
    alias="s",
    fields=f"""s.id, s.name, s.name_en, s.description, s.slug, s.active, s.public, s.durations, {_PRICE},
      s.buffer_before, s.buffer_after, s.buffers_within_hours, s.capacity, s.notice_minutes,
      to_char(s.notice_day_before, 'HH24:MI') as notice_day_before, s.horizon_days, s.horizon_kind,
      s.slot_step, s.slot_anchor, s.max_per_day, s.max_per_week, {_LOCATION}, s.confirmation, s.assignment,
      s.policy, {_HOSTS}, {_ROOMS},
      {wire_time("s.created_at")} as created_at, {wire_time("s.updated_at")} as updated_at""",
    sorts={
        "name": ("s.sort_name", 'text collate "C"'),
        "created_at": ("s.created_at", "timestamptz"),
    },
)
# What anybody on the firm's website may know.
_PUBLIC = f"""
select (select row_to_json(j)::text from (select s.id, s.name, s.name_en, s.description, s.slug, s.durations,
  {_PRICE}, s.capacity, {_LOCATION}, s.confirmation, s.policy) j)
from booking_services s
where s.tenant_id = %(tenant)s and s.active and s.public
"""
_PUBLIC_LIST = _PUBLIC + "order by s.sort_name, s.id limit 200"
_PUBLIC_ONE = _PUBLIC + "and %(key)s in (s.slug, s.id) limit 1"
_CLIENTS_OWN = f"({NOT_A_CLIENT} or (s.active and s.public))"


_UNFIT_HOSTS = f"""
select
  coalesce(array_agg(h.n - 1 order by h.n) filter (where not exists (
    select from users u where u.tenant_id = %(tenant)s and u.id = h.user_id and u.active
      and u.role in {ASSIGNABLE_ROLES})), '{{}}'),
  coalesce(array_agg(h.n - 1 order by h.n) filter (where h.schedule_id is not null and not exists (
    select from schedules s where s.tenant_id = %(tenant)s and s.id = h.schedule_id
      and (s.user_id is null or s.user_id = h.user_id))), '{{}}')
from unnest(%(users)s::text[], %(schedules)s::text[]) with ordinality as h (user_id, schedule_id, n)
"""


async def page(reads: Reads, pager: Pager, tenant_id: str, filters: ServiceFilters) -> PageOfRows:
    """Return a page of the firm's services; of those that clients may book, to a client."""
    where = Where(f"s.tenant_id = %(tenant)s and {_CLIENTS_OWN}", tenant=tenant_id)
    where.add("s.active = %(active)s", active=filters.active)
    where.add("s.public = %(public)s", public=filters.public)
    where.add("s.slug = %(slug)s", slug=filters.slug)
    return await pager.fetch(reads, VIEW, where, filters, sort=filters.sort)


async def one(reads: Reads, tenant_id: str, service_id: str) -> tuple[str, int] | None:
    """Return a service as JSON text and version."""
    where = f"s.tenant_id = %(tenant)s and s.id = %(id)s and {_CLIENTS_OWN}"
    rows = await reads.rows(VIEW.one(where), {"tenant": tenant_id, "id": service_id})
    return (rows[0][0], rows[0][1]) if rows else None


async def public_list(reads: Reads, tenant_id: str) -> list[str]:
    """Return the public services as JSON texts, by name; the first two hundred."""
    return [row[0] for row in await reads.rows(_PUBLIC_LIST, {"tenant": tenant_id})]


async def public_one(reads: Reads, tenant_id: str, key: str) -> str | None:
    """Return the public service of this slug or id as JSON text."""
    rows = await reads.rows(_PUBLIC_ONE, {"tenant": tenant_id, "key": key})
    return rows[0][0] if rows else None


async def add(session: AsyncSession, values: dict[str, Any]) -> bool:
    """Insert a service; return False when its slug is taken."""
    statement = (
        insert_if_new(BookingService)
        .values(values)
        .on_conflict_do_nothing(index_elements=["tenant_id", "slug"])
        .returning(BookingService.id)
    )
    return (await session.execute(statement)).first() is not None


@dataclass(frozen=True)
class UnfitHosts:
    """Which of the hosts of a list cannot be: by their place in it, for themselves or for their hours."""

    members: list[int]
    schedules: list[int]


async def unfit_hosts(reads: Reads, tenant_id: str, hosts: list[dict[str, Any]]) -> UnfitHosts:
    """Find hosts who cannot be booked, and hours that are neither theirs nor the firm's."""
    params = {
        "tenant": tenant_id,
        "users": [host["user_id"] for host in hosts],
        "schedules": [host["schedule_id"] for host in hosts],
    }
    (row,) = await reads.rows(_UNFIT_HOSTS, params)
    return UnfitHosts(*row)


async def for_change(session: AsyncSession, tenant_id: str, service_id: str) -> BookingService | None:
    """Return a service, locked until the transaction ends."""
    wanted = select(BookingService).where(
        BookingService.tenant_id == tenant_id, BookingService.id == service_id
    )
    return await session.scalar(wanted.with_for_update())


async def id_of_slug(session: AsyncSession, tenant_id: str, slug: str) -> str | None:
    """Return the service that has this slug."""
    wanted = select(BookingService.id).where(
        BookingService.tenant_id == tenant_id, BookingService.slug == slug
    )
    return await session.scalar(wanted)


async def set_hosts(
    session: AsyncSession, tenant_id: str, service_id: str, hosts: list[dict[str, Any]]
) -> bool:
    """Let exactly these members give a service; return whether that changed anything."""
    table = BookingServiceHost
    mine = table.tenant_id == tenant_id, table.service_id == service_id
    columns = table.user_id, table.kind, table.weight, table.schedule_id
    before = {tuple(row) for row in await session.execute(select(*columns).where(*mine))}
    if before == {(host["user_id"], host["kind"], host["weight"], host["schedule_id"]) for host in hosts}:
        return False
    await session.execute(delete(table).where(*mine))
    if hosts:
        keys = {"tenant_id": tenant_id, "service_id": service_id}
        await session.execute(insert(table).values([keys | host for host in hosts]))
    return True


async def set_rooms(session: AsyncSession, tenant_id: str, service_id: str, room_ids: list[str]) -> bool:
    """Let a service take exactly these rooms; return whether that changed anything."""
    table = BookingServiceRoom
    mine = table.tenant_id == tenant_id, table.service_id == service_id
    if set(await session.scalars(select(table.room_id).where(*mine))) == set(room_ids):
        return False
    await session.execute(delete(table).where(*mine))
    if room_ids:
        keys = {"tenant_id": tenant_id, "service_id": service_id}
        await session.execute(insert(table).values([keys | {"room_id": room_id} for room_id in room_ids]))
    return True
