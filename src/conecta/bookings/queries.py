"""All SQL of bookings but that of holds and history."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit.db import Database, Reads, SessionReads
from conecta.kit.pages import JsonView, PageOfRows, Pager, Where
from conecta.kit.sql import wire_time

from . import rules
from .models import Booking
from .terms import Terms

_ATTENDEES = """coalesce((select json_agg(json_build_object('id', a.id, 'name', a.name, 'email', a.email,
  'phone', a.phone, 'client_id', a.client_id, 'language', a.language, 'time_zone', a.time_zone,
  'status', a.status) order by a.position) from booking_attendees a
  where a.tenant_id = b.tenant_id and a.booking_id = b.id), '[]'::json) as attendees"""

VIEW = JsonView(
    source="bookings b",
    alias="b",
    fields=f"""b.id, b.service_id, b.service, b.client_id, b.case_id, b.provider_id, b.provider_ids,
      b.room_id,
      {wire_time("b.starts_at")} as start, {wire_time("b.ends_at")} as "end", b.time_zone, b.status,
      b.status_reason, b.confirmation,
      json_build_object('kind', b.location_kind, 'detail', b.location_detail) as location, b.notes,
      {_ATTENDEES}, b.seats,
      case when b.price_amount is not null
        then json_build_object('amount', b.price_amount, 'currency', b.price_currency) end as price,
      b.policy, b.reschedule_count, b.external_id, b.custom_fields, b.source,
      {wire_time("b.confirmed_at")} as confirmed_at, {wire_time("b.cancelled_at")} as cancelled_at,
      {wire_time("b.completed_at")} as completed_at, {wire_time("b.created_at")} as created_at,
      {wire_time("b.updated_at")} as updated_at""",
    sorts={
        "start": ("b.starts_at", "timestamptz"),
        "created_at": ("b.created_at", "timestamptz"),
        "updated_at": ("b.updated_at", "timestamptz"),
    },
)
# What the firm notes for its own use is none of its client's business: theirs is the same shape without it.
CLIENT_VIEW = replace(
    VIEW,
    fields=VIEW.fields.replace("b.external_id,", "null as external_id,").replace(
        "b.custom_fields,", "'{}'::jsonb as custom_fields,"
    ),
)

# Everything a new booking refers to, in one round trip; a null is not looked for. The zone is that of the
# hours in which it will be: the host's for this service, the host's own, that of all who give the service,
# or the firm's.
_REFERENCES = """
select
  coalesce(
    (select s.time_zone from booking_service_hosts h
      join schedules s on s.tenant_id = h.tenant_id and s.id = h.schedule_id
      where h.tenant_id = %(tenant)s and h.service_id = %(service_id)s::text
        and h.user_id = %(provider_id)s::text),
    (select s.time_zone from schedules s where s.tenant_id = %(tenant)s
      and s.user_id = %(provider_id)s::text and s.is_default),
    (select min(s.time_zone) from booking_service_hosts h join schedules s on s.tenant_id = h.tenant_id
        and s.id = coalesce(h.schedule_id, (select o.id from schedules o where o.tenant_id = h.tenant_id
          and o.user_id = h.user_id and o.is_default), (select f.id from schedules f
          where f.tenant_id = h.tenant_id and f.user_id is null and f.is_default))
      where h.tenant_id = %(tenant)s and h.service_id = %(service_id)s::text
        and %(provider_id)s::text is null
      having count(distinct s.time_zone) = 1),
    (select s.time_zone from schedules s where s.tenant_id = %(tenant)s and s.user_id is null
      and s.is_default)) as zone,
  (select v.capacity from booking_services v where v.tenant_id = %(tenant)s and v.id = %(service_id)s::text)
    as capacity,
  c.id, c.status, c.name, c.email, c.phone, c.language, k.id, k.client_id,
  (select b.id from bookings b where b.tenant_id = %(tenant)s and b.external_id = %(external_id)s::text)
    as external_id_holder,
  array(select p.id from unnest(%(attendee_clients)s::text[]) as p (id) where not exists (
    select from clients x where x.tenant_id = %(tenant)s and x.id = p.id)) as unknown_attendee_clients,
  array(select m.id from bookable_members() m where %(free)s::boolean order by m.id) as members
from (select 1) as one
left join cases k on k.tenant_id = %(tenant)s and k.id = %(case_id)s::text
left join booking_holds h on h.tenant_id = %(tenant)s and h.id = %(hold_id)s::text
left join clients c on c.tenant_id = %(tenant)s
  and c.id = coalesce(%(client_id)s::text, k.client_id, h.client_id)
"""

# The writes of one firm's agenda take turns, one transaction at a time. The constraint alone would keep two
# bookings apart, but those that wait for each other in it end in a deadlock that takes a second to notice;
# and what a rule counts (limits, whose turn it is) may not change between the look and the booking.
# Clearing holds is what every turn begins with, so it is what takes the turn.
_TAKE_TURN = "select clear_expired_holds(%(tenant)s, %(now)s::timestamptz)"

_CLAIM = """
insert into booking_claims (tenant_id, holder_id, resource_id, state, starts_at, ends_at, expires_at)
select %(tenant)s, %(holder)s, r.id, %(state)s, %(from)s::timestamptz, %(to)s::timestamptz,
  %(expires_at)s::timestamptz
from unnest(%(resources)s::text[]) as r (id) order by r.id
returning 1
"""
_FORGET_CLAIMS = """
with gone as (
  delete from booking_claims c where c.tenant_id = %(tenant)s and c.holder_id = %(holder)s returning 1
)
select count(*) from gone
"""
_SET_CLAIMS = """
with changed as (
  update booking_claims c set state = %(state)s, expires_at = null
  where c.tenant_id = %(tenant)s and c.holder_id = %(holder)s and c.state <> %(state)s
  returning 1
)
select count(*) from changed
"""
_HAND_OVER = """
with passed as (
  update booking_claims c set holder_id = %(to)s, state = %(state)s, expires_at = null
  where c.tenant_id = %(tenant)s and c.holder_id = %(from)s
  returning 1
)
select count(*) from passed
"""

# A session that nobody comes to any more is made anew; one that is being taken has room, or nothing is found.
_TAKE_SEATS = """
insert into booking_occurrences as o (tenant_id, id, service_id, provider_id, provider_ids, room_id,
  starts_at, ends_at, capacity, taken)
select %(tenant)s, %(id)s, %(service)s, %(provider)s, %(providers)s::text[], %(room)s,
  %(starts_at)s::timestamptz, %(ends_at)s::timestamptz, %(capacity)s, %(seats)s
where %(seats)s <= %(capacity)s
on conflict (tenant_id, service_id, starts_at, provider_id) do update set
  taken = o.taken + excluded.taken, capacity = excluded.capacity, ends_at = excluded.ends_at,
  provider_ids = case when o.taken = 0 then excluded.provider_ids else o.provider_ids end,
  room_id = case when o.taken = 0 then excluded.room_id else o.room_id end
where o.taken + excluded.taken <= excluded.capacity and (o.taken = 0 or o.ends_at = excluded.ends_at)
returning o.id, o.taken = %(seats)s as fresh, o.provider_ids, o.room_id
"""
_GIVE_SEATS_BACK = """
with given as (
  update booking_occurrences o set taken = o.taken - %(seats)s
  where o.tenant_id = %(tenant)s and o.id = %(id)s
  returning o.id, o.taken
), empty as (
  update booking_claims c set state = 'released' from given g
  where c.tenant_id = %(tenant)s and c.holder_id = g.id and g.taken = 0
)
select g.taken from given g
"""

# The first one is whom the booking was made for. Who had said that they would not come did not fail to.
_SET_ATTENDEES = """
with changed as (
  update booking_attendees a set status = %(status)s
  where a.tenant_id = %(tenant)s and a.booking_id = %(booking)s
    and (a.position = 0 or %(all)s::boolean and a.status <> 'declined')
  returning 1
)
select count(*) from changed
"""

_SET_ATTENDEE = """
update booking_attendees a set status = %(status)s
where a.tenant_id = %(tenant)s and a.booking_id = %(booking)s and a.id = %(id)s and a.status <> %(status)s
returning 1
"""

_AGREED = """
select b.tenant_id, b.id, b.wall_start, b.schedule_zone, date_trunc('minute', b.starts_at)
from tenants t join bookings b on b.tenant_id = t.id
where b.starts_at > %(now)s::timestamptz and b.status in ('pending', 'confirmed')
  and (b.tenant_id, b.id) > (%(tenant)s, %(after)s)
order by b.tenant_id, b.id limit %(most)s
"""


# However many bookings there are to come, only so many are in memory.
_BATCH = 1000


@dataclass(frozen=True)
class References:
    """What the ids of a new booking turned out to be."""

    zone: str | None
    capacity: int | None
    client_id: str | None
    client_status: str | None
    client_name: str
    client_email: str | None
    client_phone: str | None
    client_language: str
    case_id: str | None
    case_client_id: str | None
    external_id_holder: str | None
    unknown_attendee_clients: list[str]
    members: list[str]


async def page(
    reads: Reads, pager: Pager, tenant_id: str, filters: Any, *, own: str | None, zone: str
) -> PageOfRows:
    """Return a page of the firm's bookings; only those of the client `own` when given."""
    where = Where("b.tenant_id = %(tenant)s", tenant=tenant_id)
    where.add("b.client_id = %(own)s", own=own)
    for name in ("client_id", "case_id", "service_id", "external_id"):
        where.add(f"b.{name} = %({name})s", **{name: getattr(filters, name)})
    where.add("%(provider)s = any(b.provider_ids)", provider=filters.provider_id)
    where.add("b.updated_at >= %(updated_after)s", updated_after=filters.updated_after)
    _within(where, getattr(filters, "from"), filters.to, zone)
    _in_states(where, filters.status)
    return await pager.fetch(reads, _view(own), where, filters, sort=filters.sort)


def _within(where: Where, first: str | None, last: str | None, zone: str) -> None:
    if first is not None:
        where.add("b.starts_at >= %(from)s", **{"from": rules.bound(first, zone)})
    if last is not None:
        where.add("b.starts_at < %(to)s", to=rules.bound(last, zone, end=True))


def _in_states(where: Where, words: str | None) -> None:
    if words is None:
        return
    wanted = [rules.STATUS_WORDS.get(word, word) for word in words.split(",")]
    states = [word for word in wanted if word != rules.RESCHEDULED]
    # Of one state the index has the list's order too.
    conditions = ["b.status = %(state)s" if len(states) == 1 else "b.status = any(%(states)s::text[])"]
    if not states:
        conditions = []
    if rules.RESCHEDULED in wanted:
        conditions.append("b.reschedule_count > 0 and b.status in ('pending', 'confirmed')")
    where.conditions.append(f"({' or '.join(conditions)})")
    where.params.update(states=states, state=states[0] if states else None)


async def one(
    reads: Reads, tenant_id: str, booking_id: str, *, own: str | None = None
) -> tuple[str, int] | None:
    """Return a booking as JSON text and version; only of the client `own` when given."""
    where = Where("b.tenant_id = %(tenant)s and b.id = %(id)s", tenant=tenant_id, id=booking_id)
    where.add("b.client_id = %(own)s", own=own)
    rows = await reads.rows(_view(own).one(str(where)), where.params)
    return (rows[0][0], rows[0][1]) if rows else None


def _view(own: str | None) -> JsonView:
    return VIEW if own is None else CLIENT_VIEW


async def references(reads: Reads, tenant_id: str, values: Mapping[str, Any]) -> References:
    """Look up what a booking that is wanted refers to."""
    (row,) = await reads.rows(_REFERENCES, {"tenant": tenant_id, **values})
    return References(*row)


async def take_turn(session: AsyncSession, tenant_id: str, now: datetime) -> None:
    """Wait for the firm's agenda, keep it until the transaction ends, and clear the holds that expired."""
    await SessionReads(session).rows(_TAKE_TURN, {"tenant": tenant_id, "now": now})


async def for_change(
    session: AsyncSession, tenant_id: str, booking_id: str, *, own: str | None
) -> Booking | None:
    """Return a booking, locked until the transaction ends; only of the client `own` when given."""
    wanted = select(Booking).where(Booking.tenant_id == tenant_id, Booking.id == booking_id)
    if own is not None:
        wanted = wanted.where(Booking.client_id == own)
    return await session.scalar(wanted.with_for_update())


async def claim(
    session: AsyncSession,
    tenant_id: str,
    terms: Terms,
    resources: Sequence[str],
    *,
    holder: str,
    state: str,
    expires_at: datetime | None = None,
) -> None:
    """Take hosts and room for a holder, instead of what it had; two that overlap fail with 23P01."""
    await SessionReads(session).rows(_FORGET_CLAIMS, {"tenant": tenant_id, "holder": holder})
    params = {
        "tenant": tenant_id,
        "holder": holder,
        "resources": list(resources),
        "state": state,
        "from": terms.blocked_from,
        "to": terms.blocked_to,
        "expires_at": expires_at,
    }
    await SessionReads(session).rows(_CLAIM, params)


async def set_claims(session: AsyncSession, tenant_id: str, holder: str, state: str) -> None:
    """Bring what a holder has taken into another state."""
    await SessionReads(session).rows(_SET_CLAIMS, {"tenant": tenant_id, "holder": holder, "state": state})


async def forget_claims(session: AsyncSession, tenant_id: str, holder: str) -> None:
    """Give back what a holder has taken."""
    await SessionReads(session).rows(_FORGET_CLAIMS, {"tenant": tenant_id, "holder": holder})


async def hand_over(session: AsyncSession, tenant_id: str, hold: str, booking: str, state: str) -> bool:
    """Make a hold's claims those of a booking, without ever letting go; say whether there were any."""
    params = {"tenant": tenant_id, "from": hold, "to": booking, "state": state}
    rows = await SessionReads(session).rows(_HAND_OVER, params)
    return bool(rows[0][0])


@dataclass(frozen=True)
class Session:
    """A group session whose seats were taken; `fresh` when nobody had any before."""

    id: str
    fresh: bool
    provider_ids: list[str]
    room_id: str | None


async def take_seats(
    session: AsyncSession, tenant_id: str, terms: Terms, seats: int, new_id: str
) -> Session | None:
    """Take seats of the session of this time, made when there is none; None when it has not as many."""
    params = {
        "tenant": tenant_id,
        "id": new_id,
        "service": terms.service_id,
        "provider": terms.provider_ids[0],
        "providers": list(terms.provider_ids),
        "room": terms.room_id,
        "starts_at": terms.starts_at,
        "ends_at": terms.ends_at,
        "capacity": terms.promise.capacity,
        "seats": seats,
    }
    rows = await SessionReads(session).rows(_TAKE_SEATS, params)
    return Session(*rows[0]) if rows else None


async def give_seats_back(session: AsyncSession, tenant_id: str, occurrence_id: str, seats: int) -> None:
    """Give seats back; a session that nobody comes to takes nobody's time."""
    params = {"tenant": tenant_id, "id": occurrence_id, "seats": seats}
    await SessionReads(session).rows(_GIVE_SEATS_BACK, params)


@dataclass(frozen=True)
class Agreed:
    """What was agreed for a booking to come: a time on the wall of a zone, and its instant as it was then."""

    tenant_id: str
    id: str
    wall_start: str
    schedule_zone: str
    starts_at: datetime


async def agreed(database: Database, now: datetime) -> AsyncIterator[Agreed]:
    """Give what was agreed for all bookings to come, of all firms; the seconds do not count."""
    last = ("", "")
    while True:
        params = {"now": now, "tenant": last[0], "after": last[1], "most": _BATCH}
        rows = await database.read(_AGREED, params, system=True)
        for row in rows:
            yield Agreed(*row)
        if len(rows) < _BATCH:
            return
        last = rows[-1][0], rows[-1][1]


async def set_attendees(
    session: AsyncSession, tenant_id: str, booking_id: str, status: str, *, all_of_them: bool
) -> None:
    """Note of those who come, or of the one a booking was made for, what they did."""
    params = {"tenant": tenant_id, "booking": booking_id, "status": status, "all": all_of_them}
    await SessionReads(session).rows(_SET_ATTENDEES, params)


async def set_attendee(
    session: AsyncSession, tenant_id: str, booking_id: str, attendee_id: str, status: str
) -> bool:
    """Note what one of those who come says; False when they had said it already."""
    params = {"tenant": tenant_id, "booking": booking_id, "id": attendee_id, "status": status}
    return bool(await SessionReads(session).rows(_SET_ATTENDEE, params))
