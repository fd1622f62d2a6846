"""Reminders of bookings, when a firm wants them sent, and what a message about a booking says."""

from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, Boolean, CheckConstraint, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

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

REMINDER_STATES = ("waiting", "sent", "skipped", "dropped")
CHANNELS = ("mail", "sms")


class BookingReminder(TenantTable, Base):
    """One reminder of one attendee, `minutes` before a start; the key is what keeps it from going twice.

    `due_at` is the firm's time, which a sandbox may move. `dropped`: the booking was moved or cancelled;
    `skipped`: when it was due there was nobody to remind any more.
    """

    __tablename__ = "booking_reminders"
    __table_args__: Any = (
        tenant_key(),
        reference("booking_id", "bookings", ondelete="CASCADE"),
        reference("attendee_id", "booking_attendees", ondelete="CASCADE"),
        CheckConstraint(f"state in {REMINDER_STATES}", name="state_known"),
        CheckConstraint(f"channel in {CHANNELS}", name="channel_known"),
        CheckConstraint("due_at < starts_at", name="before_the_start"),
        Index("ix_booking_reminders_attendee", "tenant_id", "attendee_id"),
        Index("ix_booking_reminders_due", "tenant_id", "due_at", postgresql_where="state = 'waiting'"),
    )

    booking_id: Mapped[str] = mapped_column(Id, primary_key=True)
    attendee_id: Mapped[str] = mapped_column(Id, primary_key=True)
    channel: Mapped[str] = mapped_column(Id, primary_key=True)
    minutes: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    starts_at: Mapped[datetime] = mapped_column(Moment, primary_key=True)
    due_at: Mapped[datetime] = mapped_column(Moment)
    state: Mapped[str] = mapped_column(default="waiting")
    settled_at: Mapped[datetime | None] = mapped_column(Moment)


class BookingReminderRules(TenantTable, Versioned, Base):
    """When a firm reminds people of their bookings; a firm without a row does as the columns' defaults say.

    Quiet hours are minutes from midnight on the recipient's wall clock, and may go past it.
    """

    __tablename__ = "booking_reminder_rules"
    __table_args__: Any = (
        tenant_key(),
        CheckConstraint(
            "cardinality(minutes_before) <= 5 and 15 <= all (minutes_before)"
            " and 20160 >= all (minutes_before)",
            name="minutes_sane",
        ),
        CheckConstraint(
            "quiet_from between 0 and 1439 and quiet_until between 0 and 1439", name="quiet_sane"
        ),
    )

    minutes_before: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    sms: Mapped[bool] = mapped_column(Boolean)
    quiet_from: Mapped[int] = mapped_column(Integer)
    quiet_until: Mapped[int] = mapped_column(Integer)


TOLD_SIGNATURE = "booking_as_told(text)"

# Whoever makes a change may be a client of the firm, who sees neither its members nor who else comes: the
# words for all of them are gathered with the rights of the tables' owner, for the caller's firm alone.
TOLD_FUNCTION = """
create or replace function booking_as_told(p_booking text) returns jsonb
language plpgsql stable security definer set search_path = public as $$
begin
  return (
    select jsonb_build_object(
      'id', b.id, 'sequence', b.sequence, 'status', b.status, 'status_reason', b.status_reason,
      'confirmation', b.confirmation, 'starts_at', b.starts_at, 'ends_at', b.ends_at,
      'created_at', b.created_at, 'updated_at', b.updated_at, 'time_zone', b.time_zone, 'notes', b.notes,
      'service_id', b.service_id, 'service', b.service, 'service_en', s.name_en,
      'provider_id', b.provider_id, 'seats', b.seats, 'policy', b.policy,
      'client_moves', b.client_moves,
      'location_kind', b.location_kind, 'location_detail', b.location_detail,
      'firm', t.name, 'firm_language', t.language, 'firm_zone', t.time_zone,
      'hosts', coalesce((
        select jsonb_agg(jsonb_build_object('id', u.id, 'name', u.name, 'email', u.email, 'active', u.active)
          order by u.id <> b.provider_id, u.id)
        from users u where u.tenant_id = b.tenant_id and u.id = any(b.provider_ids)), '[]'),
      'attendees', coalesce((
        select jsonb_agg(jsonb_build_object('id', a.id, 'name', a.name, 'email', a.email, 'phone', a.phone,
          'language', a.language, 'time_zone', a.time_zone, 'status', a.status)
          order by a.position, a.id)
        from booking_attendees a where a.tenant_id = b.tenant_id and a.booking_id = b.id), '[]'),
      'actor', (
        select jsonb_build_object('type', h.actor_type, 'id', h.actor_id) from booking_history h
        where h.tenant_id = b.tenant_id and h.booking_id = b.id order by h.at desc, h.id desc limit 1),
      'reminders', (
        select jsonb_build_object('minutes_before', r.minutes_before, 'sms', r.sms,
          'quiet_from', r.quiet_from, 'quiet_until', r.quiet_until)
        from booking_reminder_rules r where r.tenant_id = b.tenant_id))
    from bookings b
    join tenants t on t.id = b.tenant_id
    left join booking_services s on s.tenant_id = b.tenant_id and s.id = b.service_id
    where b.tenant_id = current_setting('conecta.tenant_id', true) and b.id = p_booking);
end
$$
"""

_OWN = (
    "exists (select from bookings b"
    " where b.tenant_id = booking_reminders.tenant_id and b.id = booking_reminders.booking_id"
    " and b.client_id = current_setting('conecta.client_id', true))"
)

# A client of the firm who moves a booking moves its reminders; they hold nothing but ids and times.
declare(
    BookingReminder,
    *policies("booking_reminders", client_sees=_OWN),
    *grants("booking_reminders", "select, insert, update"),
    TOLD_FUNCTION,
    f"revoke execute on function {TOLD_SIGNATURE} from public",
    f"grant execute on function {TOLD_SIGNATURE} to {APP_ROLE}, {SYSTEM_ROLE}",
)
declare(
    BookingReminderRules,
    *policies("booking_reminder_rules"),
    *grants("booking_reminder_rules", "select, insert, update"),
)
