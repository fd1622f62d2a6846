"""What can be booked, with whom, where and when.

Never edited once landed.
"""

import json
import os
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0014_booking_setup"
down_revision = "0013_client_access"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _bump_function()
    _holiday_calendars()
    _booking_services()
    _availability_versions()
    _holidays()
    _schedules()
    _schedule_overrides()
    _rooms()
    _booking_service_hosts()
    _time_off()
    _booking_service_rooms()
    _users()
    _seed()


def _bump_function() -> None:
    op.execute("""create or replace function bump_availability() returns trigger
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
end $$""")
    op.execute("""create or replace function bump_firm_availability() returns trigger
language plpgsql security definer set search_path = public as $$
begin
  insert into availability_versions as v (tenant_id, resource_id, version)
  select c.tenant_id, '', 1 from (select distinct tenant_id from changed) c order by c.tenant_id
  on conflict (tenant_id, resource_id) do update set version = v.version + 1;
  return null;
end $$""")


def _holiday_calendars() -> None:
    op.execute("""CREATE TABLE holiday_calendars (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    region TEXT,
    municipality TEXT,
    is_default BOOLEAN NOT NULL,
    years INTEGER[] NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_holiday_calendars PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_holiday_calendars_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id)
)""")
    op.execute(
        "CREATE INDEX ix_holiday_calendars_tenant_id_created_at_id ON holiday_calendars (tenant_id, created_at, id)"
    )
    op.execute(
        "CREATE UNIQUE INDEX uq_holiday_calendars_default ON holiday_calendars (tenant_id) WHERE is_default"
    )
    op.execute("alter table holiday_calendars enable row level security")
    op.execute(
        "create policy tenant on holiday_calendars to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on holiday_calendars as restrictive to conecta_app using ((coalesce(current_setting('conecta.client_id', true), '') = '' or true))"
    )
    op.execute("create policy system on holiday_calendars to conecta_system using (true) with check (true)")
    op.execute("grant select, insert, update, delete on holiday_calendars to conecta_app")
    op.execute("grant select, insert, update, delete on holiday_calendars to conecta_system")
    op.execute(
        "create trigger bump_availability after insert or delete or update on holiday_calendars for each row execute function bump_availability()"
    )


def _booking_services() -> None:
    op.execute("""CREATE TABLE booking_services (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    name_en TEXT,
    description TEXT,
    slug TEXT COLLATE "C" NOT NULL,
    active BOOLEAN NOT NULL,
    public BOOLEAN NOT NULL,
    durations INTEGER[] NOT NULL,
    price_amount BIGINT,
    price_currency TEXT,
    buffer_before INTEGER NOT NULL,
    buffer_after INTEGER NOT NULL,
    buffers_within_hours BOOLEAN NOT NULL,
    capacity INTEGER NOT NULL,
    notice_minutes INTEGER NOT NULL,
    notice_day_before TIME WITHOUT TIME ZONE,
    horizon_days INTEGER NOT NULL,
    horizon_kind TEXT NOT NULL,
    slot_step INTEGER NOT NULL,
    slot_anchor TEXT NOT NULL,
    max_per_day INTEGER,
    max_per_week INTEGER,
    location_kind TEXT NOT NULL,
    location_detail TEXT,
    confirmation TEXT NOT NULL,
    assignment TEXT NOT NULL,
    policy JSONB NOT NULL,
    sort_name TEXT COLLATE "C" GENERATED ALWAYS AS (plain_text(name)) STORED NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_booking_services PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_booking_services_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT uq_booking_services_tenant_id_slug UNIQUE (tenant_id, slug),
    CONSTRAINT ck_booking_services_slug_plain CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
    CONSTRAINT ck_booking_services_durations_sane CHECK (cardinality(durations) > 0 and 5 <= all (durations) and 1440 >= all (durations)),
    CONSTRAINT ck_booking_services_price_whole CHECK ((price_amount is null) = (price_currency is null)),
    CONSTRAINT ck_booking_services_price_positive CHECK (price_amount >= 0),
    CONSTRAINT ck_booking_services_buffers_positive CHECK (buffer_before >= 0 and buffer_after >= 0),
    CONSTRAINT ck_booking_services_capacity_positive CHECK (capacity > 0),
    CONSTRAINT ck_booking_services_reach_sane CHECK (notice_minutes >= 0 and horizon_days > 0),
    CONSTRAINT ck_booking_services_step_positive CHECK (slot_step > 0),
    CONSTRAINT ck_booking_services_limits_positive CHECK (max_per_day > 0 and max_per_week > 0),
    CONSTRAINT ck_booking_services_horizon_kind_known CHECK (horizon_kind in ('calendar', 'working')),
    CONSTRAINT ck_booking_services_slot_anchor_known CHECK (slot_anchor in ('window', 'clock')),
    CONSTRAINT ck_booking_services_location_kind_known CHECK (location_kind in ('office', 'phone', 'video', 'client_address')),
    CONSTRAINT ck_booking_services_confirmation_known CHECK (confirmation in ('automatic', 'client', 'firm')),
    CONSTRAINT ck_booking_services_assignment_known CHECK (assignment in ('round_robin', 'collective'))
)""")
    op.execute(
        "CREATE INDEX ix_booking_services_tenant_id_sort_name_id ON booking_services (tenant_id, sort_name, id)"
    )
    op.execute(
        "CREATE INDEX ix_booking_services_tenant_id_created_at_id ON booking_services (tenant_id, created_at, id)"
    )
    op.execute("alter table booking_services enable row level security")
    op.execute(
        "create policy tenant on booking_services to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on booking_services as restrictive to conecta_app using ((coalesce(current_setting('conecta.client_id', true), '') = '' or true))"
    )
    op.execute("create policy system on booking_services to conecta_system using (true) with check (true)")
    op.execute("grant select, insert, update on booking_services to conecta_app")
    op.execute("grant select, insert, update, delete on booking_services to conecta_system")
    op.execute(
        "create trigger bump_availability after insert or delete or update on booking_services for each row execute function bump_availability()"
    )


def _availability_versions() -> None:
    op.execute("""CREATE TABLE availability_versions (
    tenant_id TEXT COLLATE "C" NOT NULL,
    resource_id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    CONSTRAINT pk_availability_versions PRIMARY KEY (tenant_id, resource_id),
    CONSTRAINT fk_availability_versions_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id)
)
 WITH (fillfactor = 50)""")
    op.execute("alter table availability_versions enable row level security")
    op.execute(
        "create policy tenant on availability_versions to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on availability_versions as restrictive to conecta_app using ((coalesce(current_setting('conecta.client_id', true), '') = '' or true))"
    )
    op.execute(
        "create policy system on availability_versions to conecta_system using (true) with check (true)"
    )
    op.execute("grant select on availability_versions to conecta_app")
    op.execute("grant select, insert, update, delete on availability_versions to conecta_system")


def _holidays() -> None:
    op.execute("""CREATE TABLE holidays (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    calendar_id TEXT COLLATE "C" NOT NULL,
    date DATE NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    closed BOOLEAN NOT NULL,
    confirmed BOOLEAN NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_holidays PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_holidays_tenant_id_calendar_id FOREIGN KEY(tenant_id, calendar_id) REFERENCES holiday_calendars (tenant_id, id),
    CONSTRAINT uq_holidays_tenant_id_calendar_id_date_kind UNIQUE (tenant_id, calendar_id, date, kind),
    CONSTRAINT ck_holidays_kind_known CHECK (kind in ('national', 'regional', 'local', 'judicial', 'office')),
    CONSTRAINT ck_holidays_source_known CHECK (source in ('library', 'own'))
)""")
    op.execute(
        "CREATE INDEX ix_holidays_tenant_id_calendar_id_date_id ON holidays (tenant_id, calendar_id, date, id)"
    )
    op.execute("alter table holidays enable row level security")
    op.execute(
        "create policy tenant on holidays to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on holidays as restrictive to conecta_app using ((coalesce(current_setting('conecta.client_id', true), '') = '' or true))"
    )
    op.execute("create policy system on holidays to conecta_system using (true) with check (true)")
    op.execute("grant select, insert, update, delete on holidays to conecta_app")
    op.execute("grant select, insert, update, delete on holidays to conecta_system")
    op.execute(
        "create trigger bump_availability_on_insert after insert on holidays referencing new table as changed for each statement execute function bump_firm_availability()"
    )
    op.execute(
        "create trigger bump_availability_on_update after update on holidays referencing new table as changed for each statement execute function bump_firm_availability()"
    )
    op.execute(
        "create trigger bump_availability_on_delete after delete on holidays referencing old table as changed for each statement execute function bump_firm_availability()"
    )


def _schedules() -> None:
    op.execute("""CREATE TABLE schedules (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    user_id TEXT COLLATE "C",
    is_default BOOLEAN NOT NULL,
    time_zone TEXT NOT NULL,
    holiday_calendar_id TEXT COLLATE "C",
    weekly JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_schedules PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_schedules_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT fk_schedules_tenant_id_user_id FOREIGN KEY(tenant_id, user_id) REFERENCES users (tenant_id, id),
    CONSTRAINT fk_schedules_tenant_id_holiday_calendar_id FOREIGN KEY(tenant_id, holiday_calendar_id) REFERENCES holiday_calendars (tenant_id, id),
    CONSTRAINT ck_schedules_weekly_listed CHECK (jsonb_typeof(weekly) = 'array')
)""")
    op.execute(
        "CREATE UNIQUE INDEX uq_schedules_default ON schedules (tenant_id, coalesce(user_id, '')) WHERE is_default"
    )
    op.execute("CREATE INDEX ix_schedules_tenant_id_created_at_id ON schedules (tenant_id, created_at, id)")
    op.execute(
        "CREATE INDEX ix_schedules_tenant_id_user_id ON schedules (tenant_id, user_id, created_at, id)"
    )
    op.execute("alter table schedules enable row level security")
    op.execute(
        "create policy tenant on schedules to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on schedules as restrictive to conecta_app using ((coalesce(current_setting('conecta.client_id', true), '') = '' or true))"
    )
    op.execute("create policy system on schedules to conecta_system using (true) with check (true)")
    op.execute("grant select, insert, update, delete on schedules to conecta_app")
    op.execute("grant select, insert, update, delete on schedules to conecta_system")
    op.execute(
        "create trigger bump_availability after insert or delete or update on schedules for each row execute function bump_availability('user_id')"
    )


def _schedule_overrides() -> None:
    op.execute("""CREATE TABLE schedule_overrides (
    tenant_id TEXT COLLATE "C" NOT NULL,
    schedule_id TEXT COLLATE "C" NOT NULL,
    date DATE NOT NULL,
    spans JSONB NOT NULL,
    note TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_schedule_overrides PRIMARY KEY (tenant_id, schedule_id, date),
    CONSTRAINT fk_schedule_overrides_tenant_id_schedule_id FOREIGN KEY(tenant_id, schedule_id) REFERENCES schedules (tenant_id, id),
    CONSTRAINT ck_schedule_overrides_spans_listed CHECK (jsonb_typeof(spans) = 'array')
)""")
    op.execute("alter table schedule_overrides enable row level security")
    op.execute(
        "create policy tenant on schedule_overrides to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on schedule_overrides as restrictive to conecta_app using (coalesce(current_setting('conecta.client_id', true), '') = '')"
    )
    op.execute("create policy system on schedule_overrides to conecta_system using (true) with check (true)")
    op.execute("grant select, insert, update, delete on schedule_overrides to conecta_app")
    op.execute("grant select, insert, update, delete on schedule_overrides to conecta_system")
    op.execute(
        "create trigger bump_availability after insert or delete or update on schedule_overrides for each row execute function bump_availability('schedule')"
    )
    op.execute("""
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
""")
    op.execute("revoke execute on function dates_of_schedules(text, text[], date, date) from public")
    op.execute(
        "grant execute on function dates_of_schedules(text, text[], date, date) to conecta_app, conecta_system"
    )


def _rooms() -> None:
    op.execute("""CREATE TABLE rooms (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    schedule_id TEXT COLLATE "C",
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_rooms PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_rooms_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT fk_rooms_tenant_id_schedule_id FOREIGN KEY(tenant_id, schedule_id) REFERENCES schedules (tenant_id, id)
)""")
    op.execute("CREATE INDEX ix_rooms_tenant_id_created_at_id ON rooms (tenant_id, created_at, id)")
    op.execute("alter table rooms enable row level security")
    op.execute(
        "create policy tenant on rooms to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on rooms as restrictive to conecta_app using ((coalesce(current_setting('conecta.client_id', true), '') = '' or true))"
    )
    op.execute("create policy system on rooms to conecta_system using (true) with check (true)")
    op.execute("grant select, insert, update on rooms to conecta_app")
    op.execute("grant select, insert, update, delete on rooms to conecta_system")
    op.execute(
        "create trigger bump_availability after insert or delete or update on rooms for each row execute function bump_availability('id')"
    )


def _booking_service_hosts() -> None:
    op.execute("""CREATE TABLE booking_service_hosts (
    tenant_id TEXT COLLATE "C" NOT NULL,
    service_id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    kind TEXT NOT NULL,
    weight INTEGER NOT NULL,
    schedule_id TEXT COLLATE "C",
    CONSTRAINT pk_booking_service_hosts PRIMARY KEY (tenant_id, service_id, user_id),
    CONSTRAINT fk_booking_service_hosts_tenant_id_service_id FOREIGN KEY(tenant_id, service_id) REFERENCES booking_services (tenant_id, id),
    CONSTRAINT fk_booking_service_hosts_tenant_id_user_id FOREIGN KEY(tenant_id, user_id) REFERENCES users (tenant_id, id),
    CONSTRAINT fk_booking_service_hosts_tenant_id_schedule_id FOREIGN KEY(tenant_id, schedule_id) REFERENCES schedules (tenant_id, id),
    CONSTRAINT ck_booking_service_hosts_kind_known CHECK (kind in ('rotating', 'fixed')),
    CONSTRAINT ck_booking_service_hosts_weight_sane CHECK (weight between 1 and 100)
)""")
    op.execute(
        "CREATE INDEX ix_booking_service_hosts_tenant_id_user_id ON booking_service_hosts (tenant_id, user_id)"
    )
    op.execute("alter table booking_service_hosts enable row level security")
    op.execute(
        "create policy tenant on booking_service_hosts to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on booking_service_hosts as restrictive to conecta_app using ((coalesce(current_setting('conecta.client_id', true), '') = '' or true))"
    )
    op.execute(
        "create policy system on booking_service_hosts to conecta_system using (true) with check (true)"
    )
    op.execute("grant select, insert, update, delete on booking_service_hosts to conecta_app")
    op.execute("grant select, insert, update, delete on booking_service_hosts to conecta_system")
    op.execute(
        "create trigger bump_availability after insert or delete or update on booking_service_hosts for each row execute function bump_availability()"
    )


def _time_off() -> None:
    op.execute("""CREATE TABLE time_off (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C",
    room_id TEXT COLLATE "C",
    starts_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
    kind TEXT NOT NULL,
    note TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_time_off PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_time_off_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT fk_time_off_tenant_id_user_id FOREIGN KEY(tenant_id, user_id) REFERENCES users (tenant_id, id),
    CONSTRAINT fk_time_off_tenant_id_room_id FOREIGN KEY(tenant_id, room_id) REFERENCES rooms (tenant_id, id),
    CONSTRAINT ck_time_off_of_one CHECK (user_id is null or room_id is null),
    CONSTRAINT ck_time_off_lasts CHECK (starts_at < ends_at),
    CONSTRAINT ck_time_off_kind_known CHECK (kind in ('vacation', 'sick', 'training', 'block'))
)""")
    op.execute("CREATE INDEX ix_time_off_room ON time_off (tenant_id, room_id, starts_at, id)")
    op.execute("CREATE INDEX ix_time_off_tenant_id_ends_at ON time_off (tenant_id, ends_at)")
    op.execute("CREATE INDEX ix_time_off_user ON time_off (tenant_id, user_id, starts_at, id)")
    op.execute("CREATE INDEX ix_time_off_tenant_id_starts_at_id ON time_off (tenant_id, starts_at, id)")
    op.execute("alter table time_off enable row level security")
    op.execute(
        "create policy tenant on time_off to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on time_off as restrictive to conecta_app using (coalesce(current_setting('conecta.client_id', true), '') = '')"
    )
    op.execute("create policy system on time_off to conecta_system using (true) with check (true)")
    op.execute("grant select, insert, update, delete on time_off to conecta_app")
    op.execute("grant select, insert, update, delete on time_off to conecta_system")
    op.execute(
        "create trigger bump_availability after insert or delete or update on time_off for each row execute function bump_availability('user_id', 'room_id')"
    )
    op.execute("""
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
""")
    op.execute("revoke execute on function absent_times(text, text[], timestamptz, timestamptz) from public")
    op.execute(
        "grant execute on function absent_times(text, text[], timestamptz, timestamptz) to conecta_app, conecta_system"
    )


def _booking_service_rooms() -> None:
    op.execute("""CREATE TABLE booking_service_rooms (
    tenant_id TEXT COLLATE "C" NOT NULL,
    service_id TEXT COLLATE "C" NOT NULL,
    room_id TEXT COLLATE "C" NOT NULL,
    CONSTRAINT pk_booking_service_rooms PRIMARY KEY (tenant_id, service_id, room_id),
    CONSTRAINT fk_booking_service_rooms_tenant_id_service_id FOREIGN KEY(tenant_id, service_id) REFERENCES booking_services (tenant_id, id),
    CONSTRAINT fk_booking_service_rooms_tenant_id_room_id FOREIGN KEY(tenant_id, room_id) REFERENCES rooms (tenant_id, id)
)""")
    op.execute(
        "CREATE INDEX ix_booking_service_rooms_tenant_id_room_id ON booking_service_rooms (tenant_id, room_id)"
    )
    op.execute("alter table booking_service_rooms enable row level security")
    op.execute(
        "create policy tenant on booking_service_rooms to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on booking_service_rooms as restrictive to conecta_app using ((coalesce(current_setting('conecta.client_id', true), '') = '' or true))"
    )
    op.execute(
        "create policy system on booking_service_rooms to conecta_system using (true) with check (true)"
    )
    op.execute("grant select, insert, update, delete on booking_service_rooms to conecta_app")
    op.execute("grant select, insert, update, delete on booking_service_rooms to conecta_system")
    op.execute(
        "create trigger bump_availability after insert or delete or update on booking_service_rooms for each row execute function bump_availability()"
    )


def _users() -> None:
    op.execute("""create or replace function bookable_members() returns table (id text, name text)
language sql stable security definer rows 20 set search_path = public as $$
  select u.id, u.name from users u
  where u.tenant_id = current_setting('conecta.tenant_id', true)
    and u.active and u.role in ('owner', 'admin', 'provider')
$$""")
    op.execute(
        "create trigger bump_availability after insert or delete or update of active, role on users for each row execute function bump_availability()"
    )


# The national holidays of every firm (BOE-A-2025-21667 for 2026; 2027 as the law has them, unconfirmed).
_NATIONAL = {
    "2026-01-01": "Año Nuevo",
    "2026-01-06": "Epifanía del Señor",
    "2026-04-03": "Viernes Santo",
    "2026-05-01": "Fiesta del Trabajo",
    "2026-08-15": "Asunción de la Virgen",
    "2026-10-12": "Fiesta Nacional de España",
    "2026-12-08": "Inmaculada Concepción",
    "2026-12-25": "Natividad del Señor",
    "2027-01-01": "Año Nuevo",
    "2027-01-06": "Epifanía del Señor",
    "2027-03-26": "Viernes Santo",
    "2027-05-01": "Fiesta del Trabajo",
    "2027-10-12": "Fiesta Nacional de España",
    "2027-11-01": "Todos los Santos",
    "2027-12-06": "Día de la Constitución Española",
    "2027-12-08": "Inmaculada Concepción",
    "2027-12-25": "Natividad del Señor",
}


def _seed() -> None:
    """Give the firms there are what new ones start with."""
    connection = op.get_bind()
    now = datetime.now(UTC)
    for tenant_id, time_zone in connection.execute(sa.text("select id, time_zone from tenants")).all():
        common = {"tenant": tenant_id, "now": now}
        calendar_id = _new_id("hol")
        connection.execute(_CALENDAR, common | {"id": calendar_id})
        connection.execute(_DAYS, [common | {"calendar": calendar_id} | day for day in _days()])
        schedule = {"id": _new_id("sch"), "zone": time_zone, "weekly": json.dumps(_WEEKLY)}
        connection.execute(_SCHEDULE, common | schedule)
        connection.execute(_SERVICE, common | {"id": _new_id("svc"), "policy": json.dumps(_POLICY)})


_WEEKLY = [
    {"day": day, "start": start, "end": end}
    for day in range(1, 6)
    for start, end in ((540, 840), (960, 1140))
]
_POLICY = {
    "free_cancel_minutes": 1440,
    "reschedule_minutes": 1440,
    "max_reschedules": 3,
    "reason_required": False,
}
_CALENDAR = sa.text("""insert into holiday_calendars
    (tenant_id, id, name, is_default, years, created_at, updated_at, version)
values (:tenant, :id, 'España', true, '{2026, 2027}', :now, :now, 1)""")
_DAYS = sa.text("""insert into holidays
    (tenant_id, id, calendar_id, date, name, kind, source, closed, confirmed, created_at, updated_at, version)
values (:tenant, :id, :calendar, :date, :name, :kind, 'library', :closed, :confirmed, :now, :now, 1)""")
_SCHEDULE = sa.text("""insert into schedules
    (tenant_id, id, name, is_default, time_zone, weekly, created_at, updated_at, version)
values (:tenant, :id, 'Horario de la firma', true, :zone, cast(:weekly as jsonb), :now, :now, 1)""")
_SERVICE = sa.text("""insert into booking_services
    (tenant_id, id, name, name_en, slug, active, public, durations, buffer_before, buffer_after,
     buffers_within_hours, capacity, notice_minutes, horizon_days, horizon_kind, slot_step, slot_anchor,
     location_kind, confirmation, assignment, policy, created_at, updated_at, version)
values (:tenant, :id, 'Consulta', 'Consultation', 'consulta', true, true, '{30, 60}', 0, 0,
     false, 1, 120, 60, 'calendar', 30, 'window',
     'office', 'automatic', 'round_robin', cast(:policy as jsonb), :now, :now, 1)""")


def _days() -> list[dict[str, Any]]:
    national = [
        {"date": date.fromisoformat(day), "name": name, "kind": "national", "closed": True}
        for day, name in _NATIONAL.items()
    ]
    judicial = [
        {"date": day, "name": "Día inhábil judicial", "kind": "judicial", "closed": False}
        for year in (2026, 2027)
        for first, last in (
            (date(year, 1, 1), date(year, 1, 6)),
            (date(year, 8, 1), date(year, 8, 31)),
            (date(year, 12, 24), date(year, 12, 31)),
        )
        for day in (first + timedelta(days=n) for n in range((last - first).days + 1))
    ]
    return [
        day | {"id": _new_id("day"), "confirmed": day["kind"] == "judicial" or day["date"].year == 2026}
        for day in national + judicial
    ]


_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def _new_id(prefix: str) -> str:
    """Return `prefix_` and a UUIDv7 (RFC 9562) in 26 characters of lower-case Crockford base32."""
    random = int.from_bytes(os.urandom(10), "big")
    number = (time.time_ns() // 1_000_000) << 80 | 0x7 << 76 | (random >> 68) << 64
    number |= 0b10 << 62 | random & 0x3FFF_FFFF_FFFF_FFFF
    return f"{prefix}_" + "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -5, -5))
