"""Calendars of other providers, kept in step.

Never edited once landed.
"""

from alembic import op

revision = "0018_calendar_sync"
down_revision = "0017_firm_on_the_web"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
CREATE TABLE calendar_connections (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    provider TEXT NOT NULL,
    account TEXT NOT NULL,
    tokens BYTEA,
    write_calendar_id TEXT COLLATE "C",
    titles BOOLEAN NOT NULL,
    on_move TEXT NOT NULL,
    on_delete TEXT NOT NULL,
    state TEXT NOT NULL,
    last_synced_at TIMESTAMP WITH TIME ZONE,
    listed_at TIMESTAMP WITH TIME ZONE,
    last_error TEXT,
    failures INTEGER NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    leased_until TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_calendar_connections PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_calendar_connections_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT fk_calendar_connections_tenant_id_user_id FOREIGN KEY(tenant_id, user_id) REFERENCES users (tenant_id, id),
    CONSTRAINT uq_calendar_connections_tenant_id_user_id_provider_account UNIQUE (tenant_id, user_id, provider, account),
    CONSTRAINT ck_calendar_connections_provider_known CHECK (provider in ('google', 'microsoft')),
    CONSTRAINT ck_calendar_connections_state_known CHECK (state in ('active', 'reauthorization_needed', 'disconnected')),
    CONSTRAINT ck_calendar_connections_on_move_known CHECK (on_move in ('accept', 'ask', 'revert')),
    CONSTRAINT ck_calendar_connections_on_delete_known CHECK (on_delete in ('revert', 'cancel'))
)
""")
    op.execute("""
CREATE INDEX ix_calendar_connections_tenant_id_created_at_id ON calendar_connections (tenant_id, created_at, id)
""")
    op.execute("CREATE INDEX ix_calendar_connections_due ON calendar_connections (due_at)")
    op.execute("alter table calendar_connections enable row level security")
    op.execute("""
create policy tenant on calendar_connections to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))
""")
    op.execute("""
create policy client on calendar_connections as restrictive to conecta_app using (coalesce(current_setting('conecta.client_id', true), '') = '')
""")
    op.execute(
        "create policy system on calendar_connections to conecta_system using (true) with check (true)"
    )
    op.execute("grant select, insert, update, delete on calendar_connections to conecta_app")
    op.execute("grant select, insert, update, delete on calendar_connections to conecta_system")
    op.execute("""
CREATE TABLE calendar_sources (
    tenant_id TEXT COLLATE "C" NOT NULL,
    connection_id TEXT COLLATE "C" NOT NULL,
    calendar_id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    is_primary BOOLEAN NOT NULL,
    writable BOOLEAN NOT NULL,
    busy BOOLEAN NOT NULL,
    cursor TEXT,
    window_ends_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_calendar_sources PRIMARY KEY (tenant_id, connection_id, calendar_id),
    CONSTRAINT fk_calendar_sources_tenant_id_connection_id FOREIGN KEY(tenant_id, connection_id) REFERENCES calendar_connections (tenant_id, id) ON DELETE CASCADE
)
""")
    op.execute("alter table calendar_sources enable row level security")
    op.execute("""
create policy tenant on calendar_sources to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))
""")
    op.execute("""
create policy client on calendar_sources as restrictive to conecta_app using (coalesce(current_setting('conecta.client_id', true), '') = '')
""")
    op.execute("create policy system on calendar_sources to conecta_system using (true) with check (true)")
    op.execute("grant select, insert, update, delete on calendar_sources to conecta_app")
    op.execute("grant select, insert, update, delete on calendar_sources to conecta_system")
    op.execute("""
CREATE TABLE calendar_channels (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    connection_id TEXT COLLATE "C" NOT NULL,
    calendar_id TEXT COLLATE "C" NOT NULL,
    secret_hash BYTEA NOT NULL,
    remote_id TEXT COLLATE "C",
    expires_at TIMESTAMP WITH TIME ZONE,
    last_message BIGINT NOT NULL,
    renew BOOLEAN NOT NULL,
    CONSTRAINT pk_calendar_channels PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_calendar_channels_tenant_id_connection_id FOREIGN KEY(tenant_id, connection_id) REFERENCES calendar_connections (tenant_id, id) ON DELETE CASCADE
)
""")
    op.execute("""
CREATE INDEX ix_calendar_channels_connection ON calendar_channels (tenant_id, connection_id, calendar_id)
""")
    op.execute("CREATE UNIQUE INDEX uq_calendar_channels_id ON calendar_channels (id)")
    op.execute("alter table calendar_channels enable row level security")
    op.execute("""
create policy tenant on calendar_channels to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))
""")
    op.execute("""
create policy client on calendar_channels as restrictive to conecta_app using (coalesce(current_setting('conecta.client_id', true), '') = '')
""")
    op.execute("create policy system on calendar_channels to conecta_system using (true) with check (true)")
    op.execute("grant select, insert, update, delete on calendar_channels to conecta_app")
    op.execute("grant select, insert, update, delete on calendar_channels to conecta_system")
    op.execute("""
CREATE TABLE external_busy (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    connection_id TEXT COLLATE "C" NOT NULL,
    calendar_id TEXT COLLATE "C" NOT NULL,
    external_id TEXT COLLATE "C" NOT NULL,
    series_id TEXT COLLATE "C",
    occurrence_start TIMESTAMP WITH TIME ZONE NOT NULL,
    starts_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ends_at TIMESTAMP WITH TIME ZONE NOT NULL,
    all_day BOOLEAN NOT NULL,
    tentative BOOLEAN NOT NULL,
    title TEXT,
    CONSTRAINT pk_external_busy PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_external_busy_tenant_id_connection_id FOREIGN KEY(tenant_id, connection_id) REFERENCES calendar_connections (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_external_busy_tenant_id_user_id FOREIGN KEY(tenant_id, user_id) REFERENCES users (tenant_id, id),
    CONSTRAINT uq_external_busy_tenant_id_connection_id_calendar_id_ex_2b1c UNIQUE (tenant_id, connection_id, calendar_id, external_id),
    CONSTRAINT ck_external_busy_some_time CHECK (starts_at < ends_at)
)
""")
    op.execute("CREATE INDEX ix_external_busy_user ON external_busy (tenant_id, user_id, ends_at)")
    op.execute("""
CREATE INDEX ix_external_busy_series ON external_busy (tenant_id, connection_id, calendar_id, series_id)
""")
    op.execute("alter table external_busy enable row level security")
    op.execute("""
create policy tenant on external_busy to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))
""")
    op.execute("""
create policy client on external_busy as restrictive to conecta_app using (coalesce(current_setting('conecta.client_id', true), '') = '')
""")
    op.execute("create policy system on external_busy to conecta_system using (true) with check (true)")
    op.execute("grant select, insert, update, delete on external_busy to conecta_app")
    op.execute("grant select, insert, update, delete on external_busy to conecta_system")
    op.execute("""
create trigger bump_availability after insert or delete or update on external_busy for each row execute function bump_availability('user_id')
""")
    op.execute("""
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
""")
    op.execute("""
revoke execute on function external_busy_times(text, text[], timestamptz, timestamptz) from public
""")
    op.execute("""
grant execute on function external_busy_times(text, text[], timestamptz, timestamptz) to conecta_app, conecta_system
""")
    op.execute("""
CREATE TABLE mirrored_bookings (
    tenant_id TEXT COLLATE "C" NOT NULL,
    connection_id TEXT COLLATE "C" NOT NULL,
    booking_id TEXT COLLATE "C" NOT NULL,
    calendar_id TEXT COLLATE "C" NOT NULL,
    external_id TEXT COLLATE "C",
    etag TEXT,
    starts_at TIMESTAMP WITH TIME ZONE,
    ends_at TIMESTAMP WITH TIME ZONE,
    wanted INTEGER NOT NULL,
    written INTEGER NOT NULL,
    written_at TIMESTAMP WITH TIME ZONE,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    leased_until TIMESTAMP WITH TIME ZONE,
    tries INTEGER NOT NULL,
    last_error TEXT,
    outside JSONB,
    CONSTRAINT pk_mirrored_bookings PRIMARY KEY (tenant_id, connection_id, booking_id),
    CONSTRAINT fk_mirrored_bookings_tenant_id_connection_id FOREIGN KEY(tenant_id, connection_id) REFERENCES calendar_connections (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_mirrored_bookings_tenant_id_booking_id FOREIGN KEY(tenant_id, booking_id) REFERENCES bookings (tenant_id, id)
)
""")
    op.execute("CREATE INDEX ix_mirrored_bookings_due ON mirrored_bookings (due_at) WHERE wanted > written")
    op.execute("CREATE INDEX ix_mirrored_bookings_booking ON mirrored_bookings (tenant_id, booking_id)")
    op.execute("CREATE INDEX ix_mirrored_bookings_external ON mirrored_bookings (tenant_id, external_id)")
    op.execute("alter table mirrored_bookings enable row level security")
    op.execute("""
create policy tenant on mirrored_bookings to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))
""")
    op.execute("""
create policy client on mirrored_bookings as restrictive to conecta_app using (coalesce(current_setting('conecta.client_id', true), '') = '')
""")
    op.execute("create policy system on mirrored_bookings to conecta_system using (true) with check (true)")
    op.execute("grant select, insert, update, delete on mirrored_bookings to conecta_app")
    op.execute("grant select, insert, update, delete on mirrored_bookings to conecta_system")
    op.execute("""
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
""")
    op.execute("""
create trigger mirror_booking after insert or update of status, starts_at, ends_at, provider_ids, service, location_kind, location_detail, notes on bookings for each row execute function mirror_booking()
""")
