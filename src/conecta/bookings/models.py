"""Bookings, who comes, what happened to them, and the claims that keep two of them apart."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from conecta.availability.models import moves_version
from conecta.kit.db import APP_ROLE, SYSTEM_ROLE
from conecta.kit.tables import (
    Base,
    Id,
    Moment,
    TenantTable,
    Versioned,
    declare,
    declare_before,
    grants,
    policies,
    reference,
    tenant_key,
)

from .rules import (
    ACTIONS,
    ACTOR_TYPES,
    ATTENDEE_STATUSES,
    BLOCKING,
    CLAIM_STATES,
    CONFIRMATIONS,
    LOCATION_KINDS,
    SOURCES,
    STATUSES,
)

# A text as a range of one: what lets a GiST index compare it for equality beside a range of time, without
# the extension that would otherwise be needed.
TEXT_RANGE_TYPE = 'create type textrange as range (subtype = text, collation = "C")'


class Booking(TenantTable, Versioned, Base):
    """One appointment: of a service, or free of any.

    `wall_start` and `schedule_zone` are what the clock on the wall said where the firm's hours are kept:
    when the rules of a zone change, they say what had been agreed. `sequence` counts the changes that a
    calendar must hear of, `client_moves` those moves that the policy limits.
    """

    __tablename__ = "bookings"
    __table_args__: Any = (
        tenant_key(),
        reference("service_id", "booking_services"),
        reference("client_id", "clients"),
        reference("case_id", "cases"),
        reference("provider_id", "users"),
        reference("room_id", "rooms"),
        reference("occurrence_id", "booking_occurrences"),
        UniqueConstraint("tenant_id", "external_id"),
        CheckConstraint(f"status in {STATUSES}", name="status_known"),
        CheckConstraint(f"location_kind in {LOCATION_KINDS}", name="location_kind_known"),
        CheckConstraint(f"confirmation in {CONFIRMATIONS}", name="confirmation_known"),
        CheckConstraint(f"source in {SOURCES}", name="source_known"),
        CheckConstraint("starts_at < ends_at", name="some_time"),
        CheckConstraint("seats > 0", name="some_seats"),
        CheckConstraint("(price_amount is null) = (price_currency is null)", name="price_whole"),
        CheckConstraint("(status = 'cancelled') = (cancelled_at is not null)", name="cancelled_dated"),
        Index("ix_bookings_tenant_id_starts_at_id", "tenant_id", "starts_at", "id"),
        Index("ix_bookings_tenant_id_created_at_id", "tenant_id", "created_at", "id"),
        Index("ix_bookings_tenant_id_updated_at_id", "tenant_id", "updated_at", "id"),
        Index("ix_bookings_status", "tenant_id", "status", "starts_at", "id"),
        Index("ix_bookings_client", "tenant_id", "client_id", "starts_at", "id"),
        Index("ix_bookings_case", "tenant_id", "case_id", "starts_at", "id"),
        Index("ix_bookings_service", "tenant_id", "service_id", "starts_at", "id"),
        Index("ix_bookings_occurrence", "tenant_id", "occurrence_id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    service_id: Mapped[str | None] = mapped_column(Id)
    service: Mapped[str | None]
    client_id: Mapped[str | None] = mapped_column(Id)
    case_id: Mapped[str | None] = mapped_column(Id)
    provider_id: Mapped[str] = mapped_column(Id)
    provider_ids: Mapped[list[str]] = mapped_column(ARRAY(Text))
    room_id: Mapped[str | None] = mapped_column(Id)
    occurrence_id: Mapped[str | None] = mapped_column(Id)
    starts_at: Mapped[datetime] = mapped_column(Moment)
    ends_at: Mapped[datetime] = mapped_column(Moment)
    buffer_before: Mapped[int] = mapped_column(Integer)
    buffer_after: Mapped[int] = mapped_column(Integer)
    time_zone: Mapped[str]
    wall_start: Mapped[str]
    schedule_zone: Mapped[str]
    status: Mapped[str]
    status_reason: Mapped[str | None]
    confirmation: Mapped[str]
    location_kind: Mapped[str]
    location_detail: Mapped[str | None]
    notes: Mapped[str | None]
    seats: Mapped[int] = mapped_column(Integer)
    price_amount: Mapped[int | None] = mapped_column(BigInteger)
    price_currency: Mapped[str | None]
    policy: Mapped[dict[str, Any]] = mapped_column(JSONB)
    reschedule_count: Mapped[int] = mapped_column(Integer, default=0)
    client_moves: Mapped[int] = mapped_column(Integer, default=0)
    sequence: Mapped[int] = mapped_column(Integer, default=0)
    external_id: Mapped[str | None] = mapped_column(Id)
    custom_fields: Mapped[dict[str, Any]] = mapped_column(JSONB)
    source: Mapped[str]
    confirmed_at: Mapped[datetime | None] = mapped_column(Moment)
    cancelled_at: Mapped[datetime | None] = mapped_column(Moment)
    completed_at: Mapped[datetime | None] = mapped_column(Moment)


class BookingAttendee(TenantTable, Base):
    """Somebody who comes to a booking; the first of them is the one it was made for."""

    __tablename__ = "booking_attendees"
    __table_args__: Any = (
        reference("booking_id", "bookings"),
        reference("client_id", "clients"),
        CheckConstraint(f"status in {ATTENDEE_STATUSES}", name="status_known"),
        Index("ix_booking_attendees_booking", "tenant_id", "booking_id", "position"),
        Index("ix_booking_attendees_client", "tenant_id", "client_id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    booking_id: Mapped[str] = mapped_column(Id)
    position: Mapped[int] = mapped_column(Integer)
    name: Mapped[str]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    client_id: Mapped[str | None] = mapped_column(Id)
    language: Mapped[str]
    time_zone: Mapped[str]
    status: Mapped[str]


class BookingHistory(TenantTable, Base):
    """One thing that happened to a booking, and who did it; written once, never changed."""

    __tablename__ = "booking_history"
    __table_args__: Any = (
        reference("booking_id", "bookings"),
        CheckConstraint(f"action in {ACTIONS}", name="action_known"),
        CheckConstraint(f"actor_type in {ACTOR_TYPES}", name="actor_type_known"),
        Index("ix_booking_history_booking", "tenant_id", "booking_id", "at", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    booking_id: Mapped[str] = mapped_column(Id)
    at: Mapped[datetime] = mapped_column(Moment)
    action: Mapped[str]
    actor_type: Mapped[str]
    actor_id: Mapped[str | None] = mapped_column(Id)
    actor_name: Mapped[str | None]
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)


class BookingOccurrence(TenantTable, Base):
    """One session of a service that several book seats of; `taken` counts booked and held ones."""

    __tablename__ = "booking_occurrences"
    __table_args__: Any = (
        tenant_key(),
        reference("service_id", "booking_services"),
        reference("provider_id", "users"),
        reference("room_id", "rooms"),
        # The sessions to come of a service are looked for by their start.
        UniqueConstraint(
            "tenant_id", "service_id", "starts_at", "provider_id", name="uq_booking_occurrences_session"
        ),
        CheckConstraint("starts_at < ends_at", name="some_time"),
        CheckConstraint("taken between 0 and capacity", name="seats_enough"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    service_id: Mapped[str] = mapped_column(Id)
    provider_id: Mapped[str] = mapped_column(Id)
    provider_ids: Mapped[list[str]] = mapped_column(ARRAY(Text))
    room_id: Mapped[str | None] = mapped_column(Id)
    starts_at: Mapped[datetime] = mapped_column(Moment)
    ends_at: Mapped[datetime] = mapped_column(Moment)
    capacity: Mapped[int] = mapped_column(Integer)
    taken: Mapped[int] = mapped_column(Integer)


class BookingHold(TenantTable, Base):
    """A time kept free for somebody who is still deciding; `terms` are what the service promised then.

    `held_by` names who may book it: a client of the firm, or nobody in particular within the firm.
    """

    __tablename__ = "booking_holds"
    __table_args__: Any = (
        tenant_key(),
        reference("service_id", "booking_services"),
        reference("client_id", "clients"),
        reference("provider_id", "users"),
        reference("room_id", "rooms"),
        reference("occurrence_id", "booking_occurrences"),
        CheckConstraint(f"held_by in {ACTOR_TYPES}", name="held_by_known"),
        CheckConstraint("starts_at < ends_at", name="some_time"),
        CheckConstraint("seats > 0", name="some_seats"),
        Index("ix_booking_holds_tenant_id_expires_at", "tenant_id", "expires_at"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    service_id: Mapped[str | None] = mapped_column(Id)
    provider_id: Mapped[str] = mapped_column(Id)
    provider_ids: Mapped[list[str]] = mapped_column(ARRAY(Text))
    room_id: Mapped[str | None] = mapped_column(Id)
    occurrence_id: Mapped[str | None] = mapped_column(Id)
    client_id: Mapped[str | None] = mapped_column(Id)
    held_by: Mapped[str]
    starts_at: Mapped[datetime] = mapped_column(Moment)
    ends_at: Mapped[datetime] = mapped_column(Moment)
    seats: Mapped[int] = mapped_column(Integer)
    terms: Mapped[dict[str, Any]] = mapped_column(JSONB)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment)


class BookingClaim(TenantTable, Base):
    """The time that a booking, a hold or a session takes of one host or room, buffers included.

    The exclusion constraint is what makes it impossible to sell a time twice: no two claims that count
    may overlap. The range is half open, so one may begin where another ends.
    """

    __tablename__ = "booking_claims"
    __table_args__: Any = (
        tenant_key(),
        CheckConstraint(f"state in {CLAIM_STATES}", name="state_known"),
        # An empty range would overlap with nothing.
        CheckConstraint("starts_at < ends_at", name="some_time"),
        CheckConstraint("(state = 'held') = (expires_at is not null)", name="holds_expire"),
        ExcludeConstraint(
            (text("textrange(tenant_id || ' ' || resource_id, tenant_id || ' ' || resource_id, '[]')"), "&&"),
            (text("tstzrange(starts_at, ends_at)"), "&&"),
            where=text(f"state in {BLOCKING}"),
            using="gist",
            name="never_twice",
        ),
        Index("ix_booking_claims_resource", "tenant_id", "resource_id", "ends_at"),
    )

    holder_id: Mapped[str] = mapped_column(Id, primary_key=True)
    resource_id: Mapped[str] = mapped_column(Id, primary_key=True)
    state: Mapped[str]
    starts_at: Mapped[datetime] = mapped_column(Moment)
    ends_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime | None] = mapped_column(Moment)


CLEAR_SIGNATURE = "clear_expired_holds(text, timestamptz)"

# Has the firm's agenda to itself until the transaction ends, so that no two writers wait crosswise. Runs as
# the tables' owner: whoever books clears what others no longer hold, a client of the firm too, who sees only
# their own holds; so it checks the firm itself.
CLEAR_FUNCTION = """
create or replace function clear_expired_holds(p_tenant text, p_now timestamptz) returns integer
language plpgsql security definer set search_path = public as $$
declare
  v_gone integer;
begin
  if p_tenant is distinct from current_setting('conecta.tenant_id', true)
    and current_setting('role') <> 'conecta_system' then
    raise insufficient_privilege using message = 'Holds are only cleared for the caller''s own firm.';
  end if;
  perform pg_advisory_xact_lock(hashtextextended('agenda ' || p_tenant, 0));
  with gone as (
    delete from booking_holds h where h.tenant_id = p_tenant and h.expires_at <= p_now
    returning h.id, h.occurrence_id, h.seats
  ), freed as (
    delete from booking_claims c using gone g where c.tenant_id = p_tenant and c.holder_id = g.id
  ), seats as (
    update booking_occurrences o set taken = o.taken - s.seats
    from (select g.occurrence_id, sum(g.seats)::integer as seats from gone g
      where g.occurrence_id is not null group by g.occurrence_id) s
    where o.tenant_id = p_tenant and o.id = s.occurrence_id
    returning o.id, o.taken
  ), empty as (
    update booking_claims c set state = 'released' from seats s
    where c.tenant_id = p_tenant and c.holder_id = s.id and s.taken = 0
  )
  select count(*) into v_gone from gone;
  return v_gone;
end
$$
"""


BOOKED_SIGNATURE = "booked_times(text, text, timestamptz, timestamptz)"

# When and with whom a service is booked, which limits and turns depend on: runs as the tables' owner, since
# a client of the firm sees only their own bookings but is bound by everybody's. It names no client.
BOOKED_FUNCTION = """
create or replace function booked_times(p_tenant text, p_service text, p_from timestamptz, p_to timestamptz)
returns table (holder_id text, occurrence_id text, provider_ids text[], starts_at timestamptz,
  seats integer, status text, expires_at timestamptz)
language plpgsql stable security definer rows 200 set search_path = public as $$
begin
  if p_tenant is distinct from current_setting('conecta.tenant_id', true)
    and current_setting('role') <> 'conecta_system' then
    raise insufficient_privilege using message = 'Bookings are only counted for the caller''s own firm.';
  end if;
  return query
    select b.id, b.occurrence_id, b.provider_ids, b.starts_at, b.seats, b.status, null::timestamptz
    from bookings b where b.tenant_id = p_tenant and b.service_id = p_service
      and b.starts_at >= p_from and b.starts_at < p_to and b.status <> 'cancelled'
    union all
    select h.id, h.occurrence_id, h.provider_ids, h.starts_at, h.seats, 'held', h.expires_at
    from booking_holds h where h.tenant_id = p_tenant and h.service_id = p_service
      and h.starts_at >= p_from and h.starts_at < p_to;
end
$$
"""


_CLIENT = "current_setting('conecta.client_id', true)"
# As in the cases: the planner takes a comparison with a setting for one that lets hardly any row through.
_OWN = f"case when client_id = {_CLIENT} then true else false end"


def _own_booking(table: str) -> str:
    """Write the condition that a row is of a booking of the calling client."""
    return (
        f"exists (select from bookings b where b.tenant_id = {table}.tenant_id and b.id = {table}.booking_id"
        f" and b.client_id = {_CLIENT})"
    )


declare_before(Base.metadata, TEXT_RANGE_TYPE)
# A client sees when somebody is busy, and how many seats a session has; never with whom.
declare(
    BookingOccurrence,
    *policies("booking_occurrences", client_sees="true"),
    *grants("booking_occurrences", "select, insert, update"),
    moves_version("booking_occurrences", "provider_id"),
)
declare(Booking, *policies("bookings", client_sees=_OWN), *grants("bookings", "select, insert, update"))
declare(
    BookingAttendee,
    *policies("booking_attendees", client_sees=_own_booking("booking_attendees")),
    *grants("booking_attendees"),
)
declare(
    BookingHistory,
    *policies("booking_history", client_sees=_own_booking("booking_history")),
    *grants("booking_history", "select, insert"),
)
declare(BookingHold, *policies("booking_holds", client_sees=_OWN), *grants("booking_holds"))
declare(
    BookingClaim,
    *policies("booking_claims", client_sees="true"),
    *grants("booking_claims"),
    moves_version("booking_claims", "resource_id"),
    CLEAR_FUNCTION,
    f"revoke execute on function {CLEAR_SIGNATURE} from public",
    f"grant execute on function {CLEAR_SIGNATURE} to {APP_ROLE}, {SYSTEM_ROLE}",
    BOOKED_FUNCTION,
    f"revoke execute on function {BOOKED_SIGNATURE} from public",
    f"grant execute on function {BOOKED_SIGNATURE} to {APP_ROLE}, {SYSTEM_ROLE}",
)
