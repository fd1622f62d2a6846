"""All SQL of messages about bookings: what they tell, and the reminders that are planned."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from conecta.kit.db import Reads, SessionReads

from .models import BookingReminderRules
from .rules import Planned
from .told import Appointment, ReminderRules

_TOLD = "select booking_as_told(%(id)s)"

# What was planned for another time, for somebody who does not come any more or by other rules is dropped;
# what comes back to a time it had been dropped from waits again. What was sent stays sent.
_PLAN = """
with wanted as (
  select w.attendee_id, w.channel, w.minutes, w.due_at
  from unnest(%(attendees)s::text[], %(channels)s::text[], %(minutes)s::int[], %(due)s::timestamptz[])
    as w (attendee_id, channel, minutes, due_at)
), dropped as (
  update booking_reminders r set state = 'dropped', settled_at = %(now)s
  where r.tenant_id = %(tenant)s and r.booking_id = %(booking)s and r.state = 'waiting'
    and not exists (
      select from wanted w where w.attendee_id = r.attendee_id and w.channel = r.channel
        and w.minutes = r.minutes and r.starts_at = %(start)s)
)
insert into booking_reminders (tenant_id, booking_id, attendee_id, channel, minutes, starts_at, due_at, state)
select %(tenant)s, %(booking)s, w.attendee_id, w.channel, w.minutes, %(start)s, w.due_at, 'waiting'
from wanted w
on conflict (tenant_id, booking_id, attendee_id, channel, minutes, starts_at) do update
  set state = 'waiting', due_at = excluded.due_at, settled_at = null
  where booking_reminders.state in ('waiting', 'dropped')
returning 1
"""

# Each firm by its own clock. A reminder that a later one has caught up with, after an outage or a leap of
# the test clock, is overtaken: nobody is to be reminded twice at once.
_DUE = """
select r.tenant_id, r.booking_id, r.attendee_id, r.channel, r.minutes, r.starts_at, r.due_at,
  t.clock_offset_seconds,
  exists (
    select from booking_reminders l
    where l.tenant_id = r.tenant_id and l.booking_id = r.booking_id and l.attendee_id = r.attendee_id
      and l.channel = r.channel and l.starts_at = r.starts_at and l.minutes < r.minutes
      and l.state = 'waiting'
      and l.due_at <= %(now)s::timestamptz + make_interval(secs => t.clock_offset_seconds)) as overtaken
from tenants t cross join lateral (
  select * from booking_reminders r
  where r.tenant_id = t.id and r.state = 'waiting'
    and r.due_at <= %(now)s::timestamptz + make_interval(secs => t.clock_offset_seconds)
  order by r.due_at limit 1 for update skip locked) r
limit 1
"""

_SETTLE = """
update booking_reminders r set state = %(state)s, settled_at = %(now)s
where r.tenant_id = %(tenant)s and r.booking_id = %(booking)s and r.attendee_id = %(attendee)s
  and r.channel = %(channel)s and r.minutes = %(minutes)s and r.starts_at = %(start)s and r.state = 'waiting'
returning 1
"""


_PUT_OFF = """
update booking_reminders r set due_at = %(due)s::timestamptz
where r.tenant_id = %(tenant)s and r.booking_id = %(booking)s and r.attendee_id = %(attendee)s
  and r.channel = %(channel)s and r.minutes = %(minutes)s and r.starts_at = %(start)s and r.state = 'waiting'
returning 1
"""

_RULES = """
select r.minutes_before, r.sms, r.quiet_from, r.quiet_until, r.version
from booking_reminder_rules r where r.tenant_id = %(tenant)s
"""


class Due(NamedTuple):
    """A reminder that this transaction alone may send."""

    tenant_id: str
    booking_id: str
    attendee_id: str
    channel: str
    minutes: int
    starts_at: datetime
    due_at: datetime
    clock_offset_seconds: int
    overtaken: bool


async def told(reads: Reads, booking_id: str) -> Appointment | None:
    """Return a booking of the caller's firm with all that its messages say."""
    rows = await reads.rows(_TOLD, {"id": booking_id})
    return Appointment.load(rows[0][0]) if rows[0][0] else None


async def plan(
    session: AsyncSession, tenant_id: str, booking: Appointment, wanted: Iterable[Planned], now: datetime
) -> None:
    """Let these be the reminders of a booking that are still to come."""
    reminders = list(wanted)
    params: dict[str, Any] = {
        "tenant": tenant_id,
        "booking": booking.id,
        "start": booking.start,
        "now": now,
        "attendees": [reminder.attendee_id for reminder in reminders],
        "channels": [reminder.channel for reminder in reminders],
        "minutes": [reminder.minutes for reminder in reminders],
        "due": [reminder.due_at for reminder in reminders],
    }
    await SessionReads(session).rows(_PLAN, params)


async def claim_due(session: AsyncSession, now: datetime) -> Due | None:
    """Lock a reminder that is due and that nobody else is sending; needs a system session."""
    rows = await SessionReads(session).rows(_DUE, {"now": now})
    return Due(*rows[0]) if rows else None


async def settle(session: AsyncSession, due: Due, state: str, now: datetime) -> bool:
    """Write what became of a reminder; False when it had been settled already."""
    params = {**_which(due), "state": state, "now": now}
    return bool(await SessionReads(session).rows(_SETTLE, params))


async def put_off(session: AsyncSession, due: Due, until: datetime) -> None:
    """Let a reminder wait for another moment."""
    await SessionReads(session).rows(_PUT_OFF, {**_which(due), "due": until})


def _which(due: Due) -> dict[str, Any]:
    return {
        "tenant": due.tenant_id,
        "booking": due.booking_id,
        "attendee": due.attendee_id,
        "channel": due.channel,
        "minutes": due.minutes,
        "start": due.starts_at,
    }


async def rules(reads: Reads, tenant_id: str) -> tuple[ReminderRules, int]:
    """Return when a firm reminds people, and the version of that: 0 for a firm that never changed it."""
    rows = await reads.rows(_RULES, {"tenant": tenant_id})
    if not rows:
        return ReminderRules(), 0
    minutes_before, sms, quiet_from, quiet_until, version = rows[0]
    return ReminderRules(minutes_before, sms, quiet_from, quiet_until), version


async def rules_for_change(session: AsyncSession, tenant_id: str) -> BookingReminderRules | None:
    """Return the firm's own rules, locked until the transaction ends."""
    wanted = select(BookingReminderRules).where(BookingReminderRules.tenant_id == tenant_id)
    return await session.scalar(wanted.with_for_update())
