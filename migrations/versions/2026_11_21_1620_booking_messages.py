"""Reminders, text messages, links of clients and calendar feeds.

Never edited once landed.
"""

from alembic import op

revision = "0016_booking_messages"
down_revision = "0015_bookings"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE messages ADD COLUMN channel TEXT DEFAULT 'mail' NOT NULL")
    op.execute("ALTER TABLE messages ALTER COLUMN subject DROP NOT NULL")
    op.execute(
        "ALTER TABLE messages ADD CONSTRAINT ck_messages_channel_known CHECK (channel in ('mail', 'sms'))"
    )
    op.execute(
        "ALTER TABLE messages ADD CONSTRAINT ck_messages_mail_has_a_subject"
        " CHECK ((channel = 'mail') = (subject is not null))"
    )
    op.execute("""
CREATE TABLE booking_reminders (
    tenant_id TEXT COLLATE "C" NOT NULL,
    booking_id TEXT COLLATE "C" NOT NULL,
    attendee_id TEXT COLLATE "C" NOT NULL,
    channel TEXT COLLATE "C" NOT NULL,
    minutes INTEGER NOT NULL,
    starts_at TIMESTAMP WITH TIME ZONE NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    state TEXT NOT NULL,
    settled_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_booking_reminders PRIMARY KEY (tenant_id, booking_id, attendee_id, channel, minutes, starts_at),
    CONSTRAINT fk_booking_reminders_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT fk_booking_reminders_tenant_id_booking_id FOREIGN KEY(tenant_id, booking_id) REFERENCES bookings (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_booking_reminders_tenant_id_attendee_id FOREIGN KEY(tenant_id, attendee_id) REFERENCES booking_attendees (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT ck_booking_reminders_state_known CHECK (state in ('waiting', 'sent', 'skipped', 'dropped')),
    CONSTRAINT ck_booking_reminders_channel_known CHECK (channel in ('mail', 'sms')),
    CONSTRAINT ck_booking_reminders_before_the_start CHECK (due_at < starts_at)
)
""")
    op.execute("""
CREATE INDEX ix_booking_reminders_due ON booking_reminders (tenant_id, due_at) WHERE state = 'waiting'
""")
    op.execute("CREATE INDEX ix_booking_reminders_attendee ON booking_reminders (tenant_id, attendee_id)")
    op.execute("alter table booking_reminders enable row level security")
    op.execute("""
create policy tenant on booking_reminders to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))
""")
    op.execute("""
create policy client on booking_reminders as restrictive to conecta_app using ((coalesce(current_setting('conecta.client_id', true), '') = '' or exists (select from bookings b where b.tenant_id = booking_reminders.tenant_id and b.id = booking_reminders.booking_id and b.client_id = current_setting('conecta.client_id', true))))
""")
    op.execute("create policy system on booking_reminders to conecta_system using (true) with check (true)")
    op.execute("grant select, insert, update on booking_reminders to conecta_app")
    op.execute("grant select, insert, update, delete on booking_reminders to conecta_system")
    op.execute("""
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
""")
    op.execute("revoke execute on function booking_as_told(text) from public")
    op.execute("grant execute on function booking_as_told(text) to conecta_app, conecta_system")
    op.execute("""
CREATE TABLE booking_reminder_rules (
    tenant_id TEXT COLLATE "C" NOT NULL,
    minutes_before INTEGER[] NOT NULL,
    sms BOOLEAN NOT NULL,
    quiet_from INTEGER NOT NULL,
    quiet_until INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_booking_reminder_rules PRIMARY KEY (tenant_id),
    CONSTRAINT fk_booking_reminder_rules_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT ck_booking_reminder_rules_minutes_sane CHECK (cardinality(minutes_before) <= 5 and 15 <= all (minutes_before) and 20160 >= all (minutes_before)),
    CONSTRAINT ck_booking_reminder_rules_quiet_sane CHECK (quiet_from between 0 and 1439 and quiet_until between 0 and 1439)
)
""")
    op.execute("alter table booking_reminder_rules enable row level security")
    op.execute("""
create policy tenant on booking_reminder_rules to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))
""")
    op.execute("""
create policy client on booking_reminder_rules as restrictive to conecta_app using (coalesce(current_setting('conecta.client_id', true), '') = '')
""")
    op.execute(
        "create policy system on booking_reminder_rules to conecta_system using (true) with check (true)"
    )
    op.execute("grant select, insert, update on booking_reminder_rules to conecta_app")
    op.execute("grant select, insert, update, delete on booking_reminder_rules to conecta_system")
    op.execute("""
CREATE TABLE booking_links (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    booking_id TEXT COLLATE "C" NOT NULL,
    attendee_id TEXT COLLATE "C" NOT NULL,
    hash BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_booking_links PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_booking_links_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT fk_booking_links_tenant_id_booking_id FOREIGN KEY(tenant_id, booking_id) REFERENCES bookings (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_booking_links_tenant_id_attendee_id FOREIGN KEY(tenant_id, attendee_id) REFERENCES booking_attendees (tenant_id, id) ON DELETE CASCADE
)
""")
    op.execute("CREATE INDEX ix_booking_links_expires_at ON booking_links (expires_at)")
    op.execute("CREATE INDEX ix_booking_links_booking ON booking_links (tenant_id, booking_id)")
    op.execute("CREATE INDEX ix_booking_links_attendee ON booking_links (tenant_id, attendee_id)")
    op.execute("CREATE UNIQUE INDEX uq_booking_links_hash ON booking_links (hash)")
    op.execute("alter table booking_links enable row level security")
    op.execute("""
create policy tenant on booking_links to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))
""")
    op.execute("""
create policy client on booking_links as restrictive to conecta_app using ((coalesce(current_setting('conecta.client_id', true), '') = '' or exists (select from bookings b where b.tenant_id = booking_links.tenant_id and b.id = booking_links.booking_id and b.client_id = current_setting('conecta.client_id', true))))
""")
    op.execute("create policy system on booking_links to conecta_system using (true) with check (true)")
    op.execute("grant select, insert, update on booking_links to conecta_app")
    op.execute("grant select, insert, update, delete on booking_links to conecta_system")
    op.execute("""
CREATE TABLE calendar_feeds (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    user_id TEXT COLLATE "C",
    privacy TEXT NOT NULL,
    language TEXT NOT NULL,
    hash BYTEA NOT NULL,
    hint TEXT NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_calendar_feeds PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_calendar_feeds_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT fk_calendar_feeds_tenant_id_user_id FOREIGN KEY(tenant_id, user_id) REFERENCES users (tenant_id, id),
    CONSTRAINT ck_calendar_feeds_privacy_known CHECK (privacy in ('busy', 'title', 'full'))
)
""")
    op.execute("""
CREATE INDEX ix_calendar_feeds_tenant_id_created_at_id ON calendar_feeds (tenant_id, created_at, id)
""")
    op.execute("CREATE UNIQUE INDEX uq_calendar_feeds_hash ON calendar_feeds (hash)")
    op.execute("CREATE INDEX ix_calendar_feeds_user ON calendar_feeds (tenant_id, user_id)")
    op.execute("alter table calendar_feeds enable row level security")
    op.execute("""
create policy tenant on calendar_feeds to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))
""")
    op.execute("""
create policy client on calendar_feeds as restrictive to conecta_app using (coalesce(current_setting('conecta.client_id', true), '') = '')
""")
    op.execute("create policy system on calendar_feeds to conecta_system using (true) with check (true)")
    op.execute("grant select, insert, update on calendar_feeds to conecta_app")
    op.execute("grant select, insert, update, delete on calendar_feeds to conecta_system")
