"""Weekly working hours in a time zone, and the dates that differ from them."""

import datetime as dt
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from conecta.availability.models import moves_version
from conecta.kit.db import APP_ROLE, SYSTEM_ROLE
from conecta.kit.tables import (
    Base,
    Id,
    TenantTable,
    Versioned,
    declare,
    grants,
    policies,
    reference,
    tenant_key,
)


class Schedule(TenantTable, Versioned, Base):
    """Weekly hours of a member, or of the firm (`user_id` null).

    `weekly` is `[{"day": 1…7, "start": 540, "end": 840}]`: ISO weekday and minutes from its midnight on the
    wall clock of `time_zone`; an `end` beyond 1440 is past midnight and belongs to the day it began.
    """

    __tablename__ = "schedules"
    __table_args__: Any = (
        tenant_key(),
        reference("user_id", "users"),
        reference("holiday_calendar_id", "holiday_calendars"),
        CheckConstraint("jsonb_typeof(weekly) = 'array'", name="weekly_listed"),
        Index("ix_schedules_tenant_id_created_at_id", "tenant_id", "created_at", "id"),
        Index("ix_schedules_tenant_id_user_id", "tenant_id", "user_id", "created_at", "id"),
        Index(
            "uq_schedules_default",
            "tenant_id",
            text("coalesce(user_id, '')"),
            unique=True,
            postgresql_where="is_default",
        ),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str]
    user_id: Mapped[str | None] = mapped_column(Id)
    is_default: Mapped[bool] = mapped_column(Boolean)
    time_zone: Mapped[str]
    # Null: the firm's default calendar.
    holiday_calendar_id: Mapped[str | None] = mapped_column(Id)
    weekly: Mapped[list[dict[str, int]]] = mapped_column(JSONB)


class ScheduleOverride(TenantTable, Versioned, Base):
    """A date with hours of its own; no `spans` at all means unavailable.

    It replaces the weekly spans that begin on that date; an unavailable date also cuts what spills over from
    the day before.
    """

    __tablename__ = "schedule_overrides"
    __table_args__: Any = (
        reference("schedule_id", "schedules"),
        CheckConstraint("jsonb_typeof(spans) = 'array'", name="spans_listed"),
    )

    schedule_id: Mapped[str] = mapped_column(Id, primary_key=True)
    date: Mapped[dt.date] = mapped_column(primary_key=True)
    # `[{"start": 540, "end": 840}]`, minutes as in `weekly`.
    spans: Mapped[list[dict[str, int]]] = mapped_column(JSONB)
    note: Mapped[str | None]


DATES_SIGNATURE = "dates_of_schedules(text, text[], date, date)"

# The dates with hours of their own: runs as the table's owner, since a client of the firm is bound by them
# but may see no such row; it does not tell what was noted about them.
DATES_FUNCTION = """
create or replace function dates_of_schedules(p_tenant text, p_schedules text[], p_first date, p_last date)
returns table (schedule_id text, date date, spans jsonb)
language plpgsql stable security definer rows 50 set search_path = public as $$
begin
  if p_tenant is distinct from current_setting('conecta.tenant_id', true)
    and current_setting('role') <> 'conecta_system' then
    raise insufficient_privilege using message = 'Hours are only told of the caller''s own firm.';
  end if;
  return query
    select o.schedule_id, o.date, o.spans from schedule_overrides o
    where o.tenant_id = p_tenant and o.schedule_id = any(p_schedules)
      and o.date >= p_first and o.date <= p_last;
end
$$
"""

# A client of the firm reads no schedule by themselves: the free time they are offered is computed as them.
declare(
    Schedule,
    *policies("schedules", client_sees="true"),
    *grants("schedules"),
    moves_version("schedules", "user_id"),
)
declare(
    ScheduleOverride,
    *policies("schedule_overrides"),
    *grants("schedule_overrides"),
    moves_version("schedule_overrides", "schedule"),
    DATES_FUNCTION,
    f"revoke execute on function {DATES_SIGNATURE} from public",
    f"grant execute on function {DATES_SIGNATURE} to {APP_ROLE}, {SYSTEM_ROLE}",
)
