"""When a member, a room or the whole firm is not there."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index
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

KINDS = ("vacation", "sick", "training", "block")


class TimeOff(TenantTable, Versioned, Base):
    """One absence `[starts_at, ends_at)`; without a member and without a room it is the whole firm's."""

    __tablename__ = "time_off"
    __table_args__: Any = (
        tenant_key(),
        reference("user_id", "users"),
        reference("room_id", "rooms"),
        CheckConstraint("user_id is null or room_id is null", name="of_one"),
        CheckConstraint("starts_at < ends_at", name="lasts"),
        CheckConstraint(f"kind in {KINDS}", name="kind_known"),
        Index("ix_time_off_tenant_id_starts_at_id", "tenant_id", "starts_at", "id"),
        Index("ix_time_off_tenant_id_ends_at", "tenant_id", "ends_at"),
        Index("ix_time_off_user", "tenant_id", "user_id", "starts_at", "id"),
        Index("ix_time_off_room", "tenant_id", "room_id", "starts_at", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    user_id: Mapped[str | None] = mapped_column(Id)
    room_id: Mapped[str | None] = mapped_column(Id)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    kind: Mapped[str]
    note: Mapped[str | None]


ABSENT_SIGNATURE = "absent_times(text, text[], timestamptz, timestamptz)"

# When members and rooms are away: runs as the table's owner, since a client of the firm is bound by it but
# may see no such row; it tells neither why nor what was noted about it.
ABSENT_FUNCTION = """
create or replace function absent_times(p_tenant text, p_resources text[], p_from timestamptz,
  p_to timestamptz)
returns table (user_id text, room_id text, starts_at timestamptz, ends_at timestamptz, blocks boolean)
language plpgsql stable security definer rows 50 set search_path = public as $$
begin
  if p_tenant is distinct from current_setting('conecta.tenant_id', true)
    and current_setting('role') <> 'conecta_system' then
    raise insufficient_privilege using message = 'Absences are only told of the caller''s own firm.';
  end if;
  return query
    select t.user_id, t.room_id, t.starts_at, t.ends_at, t.kind = 'block' from time_off t
    where t.tenant_id = p_tenant and t.starts_at < p_to and t.ends_at > p_from
      and (t.user_id = any(p_resources) or t.room_id = any(p_resources)
        or t.user_id is null and t.room_id is null);
end
$$
"""

declare(
    TimeOff,
    *policies("time_off"),
    *grants("time_off"),
    moves_version("time_off", "user_id", "room_id"),
    ABSENT_FUNCTION,
    f"revoke execute on function {ABSENT_SIGNATURE} from public",
    f"grant execute on function {ABSENT_SIGNATURE} to {APP_ROLE}, {SYSTEM_ROLE}",
)
