"""How often what decides the free time of somebody has changed: the version that ETags of slots show.

The database counts: whatever writes a schedule, an absence or a claim moves the version in its transaction.
"""

from typing import Any

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from conecta.kit.tables import (
    Base,
    Id,
    TenantTable,
    declare,
    declare_before,
    grants,
    policies,
    tenant_key,
)
from conecta.users.models import User

# The resource of what concerns the whole firm: its services, its own schedules, its holidays, its members.
FIRM = ""


class AvailabilityVersion(TenantTable, Base):
    """A resource (a member `usr_…`, a room `room_…`, or the firm) and how often its availability changed."""

    __tablename__ = "availability_versions"
    __table_args__: Any = (tenant_key(), {"postgresql_with": {"fillfactor": 50}})

    resource_id: Mapped[str] = mapped_column(Id, primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)


# The arguments of the trigger are the columns that name the resource concerned; the first filled one counts
# and none means the firm; `schedule` means whoever owns the schedule of the row. A row that moves from one
# resource to another concerns both, in the order of their ids, so that two writers never wait crosswise.
BUMP_FUNCTION = """
create or replace function bump_availability() returns trigger
language plpgsql security definer set search_path = public as $$
declare
  firm text := case when tg_op = 'DELETE' then old.tenant_id else new.tenant_id end;
  concerned text[] := '{}';
  row_is jsonb;
begin
  foreach row_is in array array[to_jsonb(old), to_jsonb(new)] loop
    continue when row_is is null;
    if tg_argv[0] = 'schedule' then
      concerned := concerned || array(select coalesce(s.user_id, '') from schedules s
        where s.tenant_id = firm and s.id = row_is->>'schedule_id');
    else
      concerned := concerned || coalesce(row_is->>(tg_argv[0]), row_is->>(tg_argv[1]), '');
    end if;
  end loop;
  insert into availability_versions as v (tenant_id, resource_id, version)
  select firm, c.id, 1 from (select distinct unnest(concerned) as id) c order by c.id collate "C"
  on conflict (tenant_id, resource_id) do update set version = v.version + 1;
  return null;
end $$
"""

# The same for a table whose rows come by the dozen and always concern the whole firm.
BUMP_FIRM_FUNCTION = """
create or replace function bump_firm_availability() returns trigger
language plpgsql security definer set search_path = public as $$
begin
  insert into availability_versions as v (tenant_id, resource_id, version)
  select c.tenant_id, '', 1 from (select distinct tenant_id from changed) c order by c.tenant_id
  on conflict (tenant_id, resource_id) do update set version = v.version + 1;
  return null;
end $$
"""

# What a member of the firm must be to host a service that names no host; clients of the firm, who may see
# no member, must know them to be offered their time.
BOOKABLE_MEMBERS_FUNCTION = """
create or replace function bookable_members() returns table (id text, name text)
language sql stable security definer rows 20 set search_path = public as $$
  select u.id, u.name from users u
  where u.tenant_id = current_setting('conecta.tenant_id', true)
    and u.active and u.role in ('owner', 'admin', 'provider')
$$
"""


def moves_version(table: str, *columns: str, updates: str = "update") -> str:
    """Write the trigger that moves the version of the resource that `columns` name (none: of the firm)."""
    arguments = ", ".join(f"'{column}'" for column in columns)
    return (
        f"create trigger bump_availability after insert or delete or {updates} on {table}"
        f" for each row execute function bump_availability({arguments})"
    )


def moves_firm_version(table: str) -> list[str]:
    """Write the triggers that move the firm's version once a statement, however many rows it wrote."""
    return [
        f"create trigger bump_availability_on_{event} after {event} on {table}"
        f" referencing {rows} table as changed for each statement execute function bump_firm_availability()"
        for event, rows in (("insert", "new"), ("update", "new"), ("delete", "old"))
    ]


declare_before(Base.metadata, BUMP_FUNCTION, BUMP_FIRM_FUNCTION)
declare(
    AvailabilityVersion,
    *policies("availability_versions", client_sees="true"),
    *grants("availability_versions", "select"),
)
declare(User, BOOKABLE_MEMBERS_FUNCTION, moves_version("users", updates="update of active, role"))
