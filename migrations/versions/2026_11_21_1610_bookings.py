"""Bookings, holds and the claims that keep two of them apart.

Never edited once landed.
"""

from alembic import op

revision = "0015_bookings"
down_revision = "0014_booking_setup"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute('create type textrange as range (subtype = text, collation = "C")')
    _booking_occurrences()
    _bookings()
    _booking_attendees()
    _booking_history()
    _booking_holds()
    _booking_claims()


def _booking_occurrences() -> None:
    op.execute("""
CREATE TABLE booking_occurrences (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    service_id TEXT COLLATE "C" NOT NULL,
    provider_id TEXT COLLATE "C" NOT NULL,
    provider_ids TEXT[] NOT NULL,
    room_id TEXT COLLATE "C",
    starts_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
    capacity INTEGER NOT NULL,
    taken INTEGER NOT NULL,
    CONSTRAINT pk_booking_occurrences PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_booking_occurrences_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT fk_booking_occurrences_tenant_id_service_id FOREIGN KEY(tenant_id, service_id) REFERENCES booking_services (tenant_id, id),
    CONSTRAINT fk_booking_occurrences_tenant_id_provider_id FOREIGN KEY(tenant_id, provider_id) REFERENCES users (tenant_id, id),
    CONSTRAINT fk_booking_occurrences_tenant_id_room_id FOREIGN KEY(tenant_id, room_id) REFERENCES rooms (tenant_id, id),
    CONSTRAINT uq_booking_occurrences_session UNIQUE (tenant_id, service_id, starts_at, provider_id),
    CONSTRAINT ck_booking_occurrences_some_time CHECK (starts_at < ends_at),
    CONSTRAINT ck_booking_occurrences_seats_enough CHECK (taken between 0 and capacity)
)
""")
    op.execute("alter table booking_occurrences enable row level security")
    op.execute("""
create policy tenant on booking_occurrences to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))
""")
    op.execute("""
create policy client on booking_occurrences as restrictive to conecta_app using ((coalesce(current_setting('conecta.client_id', true), '') = '' or true))
""")
    op.execute("""
create policy system on booking_occurrences to conecta_system using (true) with check (true)
""")
    op.execute("grant select, insert, update on booking_occurrences to conecta_app")
    op.execute("grant select, insert, update, delete on booking_occurrences to conecta_system")
    op.execute("""
create trigger bump_availability after insert or delete or update on booking_occurrences for each row execute function bump_availability('provider_id')
""")


def _bookings() -> None:
    op.execute("""
CREATE TABLE bookings (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    service_id TEXT COLLATE "C",
    service TEXT,
    client_id TEXT COLLATE "C",
    case_id TEXT COLLATE "C",
    provider_id TEXT COLLATE "C" NOT NULL,
    provider_ids TEXT[] NOT NULL,
    room_id TEXT COLLATE "C",
    occurrence_id TEXT COLLATE "C",
    starts_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
    buffer_before INTEGER NOT NULL,
    buffer_after INTEGER NOT NULL,
    time_zone TEXT NOT NULL,
    wall_start TEXT NOT NULL,
    schedule_zone TEXT NOT NULL,
    status TEXT NOT NULL,
    status_reason TEXT,
    confirmation TEXT NOT NULL,
    location_kind TEXT NOT NULL,
    location_detail TEXT,
    notes TEXT,
    seats INTEGER NOT NULL,
    price_amount BIGINT,
    price_currency TEXT,
    policy JSONB NOT NULL,
    reschedule_count INTEGER NOT NULL,
    client_moves INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    external_id TEXT COLLATE "C",
    custom_fields JSONB NOT NULL,
    source TEXT NOT NULL,
    confirmed_at TIMESTAMP WITH TIME ZONE,
    cancelled_at TIMESTAMP WITH TIME ZONE,
    completed_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_bookings PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_bookings_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT fk_bookings_tenant_id_service_id FOREIGN KEY(tenant_id, service_id) REFERENCES booking_services (tenant_id, id),
    CONSTRAINT fk_bookings_tenant_id_client_id FOREIGN KEY(tenant_id, client_id) REFERENCES clients (tenant_id, id),
    CONSTRAINT fk_bookings_tenant_id_case_id FOREIGN KEY(tenant_id, case_id) REFERENCES cases (tenant_id, id),
    CONSTRAINT fk_bookings_tenant_id_provider_id FOREIGN KEY(tenant_id, provider_id) REFERENCES users (tenant_id, id),
    CONSTRAINT fk_bookings_tenant_id_room_id FOREIGN KEY(tenant_id, room_id) REFERENCES rooms (tenant_id, id),
    CONSTRAINT fk_bookings_tenant_id_occurrence_id FOREIGN KEY(tenant_id, occurrence_id) REFERENCES booking_occurrences (tenant_id, id),
    CONSTRAINT uq_bookings_tenant_id_external_id UNIQUE (tenant_id, external_id),
    CONSTRAINT ck_bookings_status_known CHECK (status in ('pending', 'confirmed', 'completed', 'no_show', 'cancelled')),
    CONSTRAINT ck_bookings_location_kind_known CHECK (location_kind in ('office', 'phone', 'video', 'client_address')),
    CONSTRAINT ck_bookings_confirmation_known CHECK (confirmation in ('automatic', 'client', 'firm')),
    CONSTRAINT ck_bookings_source_known CHECK (source in ('api', 'panel', 'client', 'link', 'web', 'sync')),
    CONSTRAINT ck_bookings_some_time CHECK (starts_at < ends_at),
    CONSTRAINT ck_bookings_some_seats CHECK (seats > 0),
    CONSTRAINT ck_bookings_price_whole CHECK ((price_amount is null) = (price_currency is null)),
    CONSTRAINT ck_bookings_cancelled_dated CHECK ((status = 'cancelled') = (cancelled_at is not null))
)
""")
    op.execute("CREATE INDEX ix_bookings_status ON bookings (tenant_id, status, starts_at, id)")
    op.execute("CREATE INDEX ix_bookings_service ON bookings (tenant_id, service_id, starts_at, id)")
    op.execute("""
CREATE INDEX ix_bookings_tenant_id_updated_at_id ON bookings (tenant_id, updated_at, id)
""")
    op.execute("CREATE INDEX ix_bookings_client ON bookings (tenant_id, client_id, starts_at, id)")
    op.execute("CREATE INDEX ix_bookings_occurrence ON bookings (tenant_id, occurrence_id)")
    op.execute("""
CREATE INDEX ix_bookings_tenant_id_created_at_id ON bookings (tenant_id, created_at, id)
""")
    op.execute("CREATE INDEX ix_bookings_case ON bookings (tenant_id, case_id, starts_at, id)")
    op.execute("""
CREATE INDEX ix_bookings_tenant_id_starts_at_id ON bookings (tenant_id, starts_at, id)
""")
    op.execute("alter table bookings enable row level security")
    op.execute("""
create policy tenant on bookings to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))
""")
    op.execute("""
create policy client on bookings as restrictive to conecta_app using ((coalesce(current_setting('conecta.client_id', true), '') = '' or case when client_id = current_setting('conecta.client_id', true) then true else false end))
""")
    op.execute("create policy system on bookings to conecta_system using (true) with check (true)")
    op.execute("grant select, insert, update on bookings to conecta_app")
    op.execute("grant select, insert, update, delete on bookings to conecta_system")


def _booking_attendees() -> None:
    op.execute("""
CREATE TABLE booking_attendees (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    booking_id TEXT COLLATE "C" NOT NULL,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    email TEXT,
    phone TEXT,
    client_id TEXT COLLATE "C",
    language TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    status TEXT NOT NULL,
    CONSTRAINT pk_booking_attendees PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_booking_attendees_tenant_id_booking_id FOREIGN KEY(tenant_id, booking_id) REFERENCES bookings (tenant_id, id),
    CONSTRAINT fk_booking_attendees_tenant_id_client_id FOREIGN KEY(tenant_id, client_id) REFERENCES clients (tenant_id, id),
    CONSTRAINT ck_booking_attendees_status_known CHECK (status in ('invited', 'confirmed', 'declined', 'attended', 'no_show'))
)
""")
    op.execute("CREATE INDEX ix_booking_attendees_client ON booking_attendees (tenant_id, client_id)")
    op.execute("""
CREATE INDEX ix_booking_attendees_booking ON booking_attendees (tenant_id, booking_id, position)
""")
    op.execute("alter table booking_attendees enable row level security")
    op.execute("""
create policy tenant on booking_attendees to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))
""")
    op.execute("""
create policy client on booking_attendees as restrictive to conecta_app using ((coalesce(current_setting('conecta.client_id', true), '') = '' or exists (select from bookings b where b.tenant_id = booking_attendees.tenant_id and b.id = booking_attendees.booking_id and b.client_id = current_setting('conecta.client_id', true))))
""")
    op.execute("""
create policy system on booking_attendees to conecta_system using (true) with check (true)
""")
    op.execute("grant select, insert, update, delete on booking_attendees to conecta_app")
    op.execute("grant select, insert, update, delete on booking_attendees to conecta_system")


def _booking_history() -> None:
    op.execute("""
CREATE TABLE booking_history (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    booking_id TEXT COLLATE "C" NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    action TEXT NOT NULL,
    actor_type TEXT NOT NULL,
    actor_id TEXT COLLATE "C",
    actor_name TEXT,
    data JSONB NOT NULL,
    CONSTRAINT pk_booking_history PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_booking_history_tenant_id_booking_id FOREIGN KEY(tenant_id, booking_id) REFERENCES bookings (tenant_id, id),
    CONSTRAINT ck_booking_history_action_known CHECK (action in ('created', 'updated', 'confirmed', 'rescheduled', 'cancelled', 'completed', 'no_show')),
    CONSTRAINT ck_booking_history_actor_type_known CHECK (actor_type in ('firm', 'user', 'client', 'link', 'visitor', 'system'))
)
""")
    op.execute("""
CREATE INDEX ix_booking_history_booking ON booking_history (tenant_id, booking_id, at, id)
""")
    op.execute("alter table booking_history enable row level security")
    op.execute("""
create policy tenant on booking_history to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))
""")
    op.execute("""
create policy client on booking_history as restrictive to conecta_app using ((coalesce(current_setting('conecta.client_id', true), '') = '' or exists (select from bookings b where b.tenant_id = booking_history.tenant_id and b.id = booking_history.booking_id and b.client_id = current_setting('conecta.client_id', true))))
""")
    op.execute("""
create policy system on booking_history to conecta_system using (true) with check (true)
""")
    op.execute("grant select, insert on booking_history to conecta_app")
    op.execute("grant select, insert, update, delete on booking_history to conecta_system")


def _booking_holds() -> None:
    op.execute("""
CREATE TABLE booking_holds (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    service_id TEXT COLLATE "C",
    provider_id TEXT COLLATE "C" NOT NULL,
    provider_ids TEXT[] NOT NULL,
    room_id TEXT COLLATE "C",
    occurrence_id TEXT COLLATE "C",
    client_id TEXT COLLATE "C",
    held_by TEXT NOT NULL,
    starts_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
    seats INTEGER NOT NULL,
    terms JSONB NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_booking_holds PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_booking_holds_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT fk_booking_holds_tenant_id_service_id FOREIGN KEY(tenant_id, service_id) REFERENCES booking_services (tenant_id, id),
    CONSTRAINT fk_booking_holds_tenant_id_client_id FOREIGN KEY(tenant_id, client_id) REFERENCES clients (tenant_id, id),
    CONSTRAINT fk_booking_holds_tenant_id_provider_id FOREIGN KEY(tenant_id, provider_id) REFERENCES users (tenant_id, id),
    CONSTRAINT fk_booking_holds_tenant_id_room_id FOREIGN KEY(tenant_id, room_id) REFERENCES rooms (tenant_id, id),
    CONSTRAINT fk_booking_holds_tenant_id_occurrence_id FOREIGN KEY(tenant_id, occurrence_id) REFERENCES booking_occurrences (tenant_id, id),
    CONSTRAINT ck_booking_holds_held_by_known CHECK (held_by in ('firm', 'user', 'client', 'link', 'visitor', 'system')),
    CONSTRAINT ck_booking_holds_some_time CHECK (starts_at < ends_at),
    CONSTRAINT ck_booking_holds_some_seats CHECK (seats > 0)
)
""")
    op.execute("""
CREATE INDEX ix_booking_holds_tenant_id_expires_at ON booking_holds (tenant_id, expires_at)
""")
    op.execute("alter table booking_holds enable row level security")
    op.execute("""
create policy tenant on booking_holds to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))
""")
    op.execute("""
create policy client on booking_holds as restrictive to conecta_app using ((coalesce(current_setting('conecta.client_id', true), '') = '' or case when client_id = current_setting('conecta.client_id', true) then true else false end))
""")
    op.execute("""
create policy system on booking_holds to conecta_system using (true) with check (true)
""")
    op.execute("grant select, insert, update, delete on booking_holds to conecta_app")
    op.execute("grant select, insert, update, delete on booking_holds to conecta_system")


def _booking_claims() -> None:
    op.execute("""
CREATE TABLE booking_claims (
    tenant_id TEXT COLLATE "C" NOT NULL,
    holder_id TEXT COLLATE "C" NOT NULL,
    resource_id TEXT COLLATE "C" NOT NULL,
    state TEXT NOT NULL,
    starts_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_booking_claims PRIMARY KEY (tenant_id, holder_id, resource_id),
    CONSTRAINT fk_booking_claims_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT ck_booking_claims_state_known CHECK (state in ('held', 'pending', 'confirmed', 'done', 'released')),
    CONSTRAINT ck_booking_claims_some_time CHECK (starts_at < ends_at),
    CONSTRAINT ck_booking_claims_holds_expire CHECK ((state = 'held') = (expires_at is not null)),
    CONSTRAINT never_twice EXCLUDE USING gist (textrange(tenant_id || ' ' || resource_id, tenant_id || ' ' || resource_id, '[]') WITH &&, tstzrange(starts_at, ends_at) WITH &&) WHERE (state in ('held', 'pending', 'confirmed'))
)
""")
    op.execute("""
CREATE INDEX ix_booking_claims_resource ON booking_claims (tenant_id, resource_id, ends_at)
""")
    op.execute("alter table booking_claims enable row level security")
    op.execute("""
create policy tenant on booking_claims to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))
""")
    op.execute("""
create policy client on booking_claims as restrictive to conecta_app using ((coalesce(current_setting('conecta.client_id', true), '') = '' or true))
""")
    op.execute("""
create policy system on booking_claims to conecta_system using (true) with check (true)
""")
    op.execute("grant select, insert, update, delete on booking_claims to conecta_app")
    op.execute("grant select, insert, update, delete on booking_claims to conecta_system")
    op.execute("""
create trigger bump_availability after insert or delete or update on booking_claims for each row execute function bump_availability('resource_id')
""")
    op.execute("""
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
""")
    op.execute("revoke execute on function clear_expired_holds(text, timestamptz) from public")
    op.execute("""
grant execute on function clear_expired_holds(text, timestamptz) to conecta_app, conecta_system
""")
    op.execute("""
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
""")
    op.execute("revoke execute on function booked_times(text, text, timestamptz, timestamptz) from public")
    op.execute("""
grant execute on function booked_times(text, text, timestamptz, timestamptz) to conecta_app, conecta_system
""")
