"""Connections to people's calendars elsewhere, the time that these take, and our bookings' events there."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Index, Integer, LargeBinary, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from conecta.availability.models import moves_version
from conecta.bookings.models import Booking
from conecta.kit.db import APP_ROLE, SYSTEM_ROLE
from conecta.kit.tables import (
    Base,
    Id,
    Moment,
    TenantTable,
    Versioned,
    declare,
    grants,
    policies,
    reference,
    tenant_key,
)

PROVIDERS = ("google", "microsoft")
STATES = ("active", "reauthorization_needed", "disconnected")
ON_MOVE = ("accept", "ask", "revert")
ON_DELETE = ("revert", "cancel")


class CalendarConnection(TenantTable, Versioned, Base):
    """One account of a member at a provider.

    `tokens` are encrypted; `due_at` is when it is read next, `leased_until` how long one worker has it to
    itself, and `listed_at` when its calendars were listed last, all by the machine's clock.
    """

    __tablename__ = "calendar_connections"
    __table_args__: Any = (
        tenant_key(),
        reference("user_id", "users"),
        UniqueConstraint("tenant_id", "user_id", "provider", "account"),
        CheckConstraint(f"provider in {PROVIDERS}", name="provider_known"),
        CheckConstraint(f"state in {STATES}", name="state_known"),
        CheckConstraint(f"on_move in {ON_MOVE}", name="on_move_known"),
        CheckConstraint(f"on_delete in {ON_DELETE}", name="on_delete_known"),
        Index("ix_calendar_connections_tenant_id_created_at_id", "tenant_id", "created_at", "id"),
        Index("ix_calendar_connections_due", "due_at"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    user_id: Mapped[str] = mapped_column(Id)
    provider: Mapped[str]
    account: Mapped[str]
    tokens: Mapped[bytes | None] = mapped_column(LargeBinary)
    write_calendar_id: Mapped[str | None] = mapped_column(Id)
    titles: Mapped[bool] = mapped_column(Boolean)
    on_move: Mapped[str]
    on_delete: Mapped[str]
    state: Mapped[str]
    last_synced_at: Mapped[datetime | None] = mapped_column(Moment)
    listed_at: Mapped[datetime | None] = mapped_column(Moment)
    last_error: Mapped[str | None]
    failures: Mapped[int] = mapped_column(Integer, default=0)
    due_at: Mapped[datetime] = mapped_column(Moment)
    leased_until: Mapped[datetime | None] = mapped_column(Moment)


class CalendarSource(TenantTable, Base):
    """One calendar of a connection; `cursor` is the provider's token of what we know of it already."""

    __tablename__ = "calendar_sources"
    __table_args__: Any = (reference("connection_id", "calendar_connections", ondelete="CASCADE"),)

    connection_id: Mapped[str] = mapped_column(Id, primary_key=True)
    calendar_id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str]
    time_zone: Mapped[str]
    is_primary: Mapped[bool] = mapped_column(Boolean)
    writable: Mapped[bool] = mapped_column(Boolean)
    busy: Mapped[bool] = mapped_column(Boolean)
    cursor: Mapped[str | None]
    window_ends_at: Mapped[datetime | None] = mapped_column(Moment)


class CalendarChannel(TenantTable, Base):
    """One address of ours that a provider notifies of changes; only a keyed hash of its secret is stored."""

    __tablename__ = "calendar_channels"
    __table_args__: Any = (
        reference("connection_id", "calendar_connections", ondelete="CASCADE"),
        Index("uq_calendar_channels_id", "id", unique=True),
        Index("ix_calendar_channels_connection", "tenant_id", "connection_id", "calendar_id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    connection_id: Mapped[str] = mapped_column(Id)
    calendar_id: Mapped[str] = mapped_column(Id)
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)
    remote_id: Mapped[str | None] = mapped_column(Id)
    expires_at: Mapped[datetime | None] = mapped_column(Moment)
    last_message: Mapped[int] = mapped_column(BigInteger, default=0)
    renew: Mapped[bool] = mapped_column(Boolean, default=False)


class ExternalBusy(TenantTable, Base):
    """Time that a member has taken in a calendar elsewhere; a recurring event has a row an occurrence."""

    __tablename__ = "external_busy"
    __table_args__: Any = (
        reference("connection_id", "calendar_connections", ondelete="CASCADE"),
        reference("user_id", "users"),
        UniqueConstraint("tenant_id", "connection_id", "calendar_id", "external_id"),
        CheckConstraint("starts_at < ends_at", name="some_time"),
        Index("ix_external_busy_user", "tenant_id", "user_id", "ends_at"),
        Index("ix_external_busy_series", "tenant_id", "connection_id", "calendar_id", "series_id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    user_id: Mapped[str] = mapped_column(Id)
    connection_id: Mapped[str] = mapped_column(Id)
    calendar_id: Mapped[str] = mapped_column(Id)
    external_id: Mapped[str] = mapped_column(Id)
    series_id: Mapped[str | None] = mapped_column(Id)
    occurrence_start: Mapped[datetime] = mapped_column(Moment)
    starts_at: Mapped[datetime] = mapped_column(Moment)
    ends_at: Mapped[datetime] = mapped_column(Moment)
    all_day: Mapped[bool] = mapped_column(Boolean)
    tentative: Mapped[bool] = mapped_column(Boolean)
    title: Mapped[str | None]


class MirroredBooking(TenantTable, Base):
    """A booking's event in a member's calendar: what is there, and what should be.

    The database counts `wanted` up with every change of the booking; the worker writes the event until
    `written` has caught up. `starts_at` and `ends_at` are what was written, `outside` what somebody made
    of it there that nobody has decided on yet.
    """

    __tablename__ = "mirrored_bookings"
    __table_args__: Any = (
        reference("connection_id", "calendar_connections", ondelete="CASCADE"),
        reference("booking_id", "bookings"),
        Index("ix_mirrored_bookings_booking", "tenant_id", "booking_id"),
        Index("ix_mirrored_bookings_due", "due_at", postgresql_where="wanted > written"),
        Index("ix_mirrored_bookings_external", "tenant_id", "external_id"),
    )

    connection_id: Mapped[str] = mapped_column(Id, primary_key=True)
    booking_id: Mapped[str] = mapped_column(Id, primary_key=True)
    calendar_id: Mapped[str] = mapped_column(Id)
    external_id: Mapped[str | None] = mapped_column(Id)
    etag: Mapped[str | None]
    starts_at: Mapped[datetime | None] = mapped_column(Moment)
    ends_at: Mapped[datetime | None] = mapped_column(Moment)
    wanted: Mapped[int] = mapped_column(Integer)
    written: Mapped[int] = mapped_column(Integer)
    written_at: Mapped[datetime | None] = mapped_column(Moment)
    due_at: Mapped[datetime] = mapped_column(Moment)
    leased_until: Mapped[datetime | None] = mapped_column(Moment)
    tries: Mapped[int] = mapped_column(Integer)
    last_error: Mapped[str | None]
    outside: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))


# Every change of a booking that shows in a calendar asks for its events to be written, in the transaction of
# the change. A client of the firm may make it, who sees no connection: hence the owner's rights. What is
# decided anew here settles what somebody had made of the event outside.
MIRROR_FUNCTION = """
create or replace function mirror_booking() returns trigger
language plpgsql security definer set search_path = public as $$
begin
  update mirrored_bookings m set wanted = m.wanted + 1, due_at = now(), tries = 0, outside = null
    where m.tenant_id = new.tenant_id and m.booking_id = new.id;
  if new.status in ('pending', 'confirmed') and new.ends_at > now() then
    insert into mirrored_bookings (tenant_id, connection_id, booking_id, calendar_id, wanted, written, due_at,
      tries)
    select c.tenant_id, c.id, new.id, c.write_calendar_id, 1, 0, now(), 0 from calendar_connections c
    where c.tenant_id = new.tenant_id and c.user_id = any(new.provider_ids) and c.state <> 'disconnected'
      and c.write_calendar_id is not null
    order by c.id
    on conflict (tenant_id, connection_id, booking_id) do nothing;
  end if;
  return null;
end $$
"""
MIRROR_TRIGGER = (
    "create trigger mirror_booking after insert or update of status, starts_at, ends_at, provider_ids,"
    " service, location_kind, location_detail, notes on bookings for each row"
    " execute function mirror_booking()"
)

BUSY_SIGNATURE = "external_busy_times(text, text[], timestamptz, timestamptz)"

# When members are busy elsewhere: runs as the table's owner, since a client of the firm is bound by it but
# may see no such row; it tells no title.
BUSY_FUNCTION = """
create or replace function external_busy_times(p_tenant text, p_users text[], p_from timestamptz,
  p_to timestamptz)
returns table (user_id text, starts_at timestamptz, ends_at timestamptz)
language plpgsql stable security definer rows 200 set search_path = public as $$
begin
  if p_tenant is distinct from current_setting('conecta.tenant_id', true)
    and current_setting('role') <> 'conecta_system' then
    raise insufficient_privilege using message = 'Busy times are only told of the caller''s own firm.';
  end if;
  return query
    select e.user_id, e.starts_at, e.ends_at from external_busy e
    where e.tenant_id = p_tenant and e.user_id = any(p_users)
      and e.starts_at < p_to and e.ends_at > p_from;
end
$$
"""

declare(CalendarConnection, *policies("calendar_connections"), *grants("calendar_connections"))
declare(CalendarSource, *policies("calendar_sources"), *grants("calendar_sources"))
declare(CalendarChannel, *policies("calendar_channels"), *grants("calendar_channels"))
declare(
    ExternalBusy,
    *policies("external_busy"),
    *grants("external_busy"),
    moves_version("external_busy", "user_id"),
    BUSY_FUNCTION,
    f"revoke execute on function {BUSY_SIGNATURE} from public",
    f"grant execute on function {BUSY_SIGNATURE} to {APP_ROLE}, {SYSTEM_ROLE}",
)
declare(MirroredBooking, *policies("mirrored_bookings"), *grants("mirrored_bookings"))
declare(Booking, MIRROR_FUNCTION, MIRROR_TRIGGER)
