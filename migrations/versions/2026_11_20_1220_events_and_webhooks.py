"""Events, webhook endpoints, deliveries, attempts and notices.

Never edited once landed.
"""

from alembic import op

revision = "0003_events_and_webhooks"
down_revision = "0002_clients"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""create or replace function plain_text(t text) returns text
language sql immutable parallel safe strict as $$
  select regexp_replace(normalize(lower(t), NFD), '[\\u0300-\\u036f]', '', 'g')
$$""")
    op.execute("""CREATE TABLE events (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    type TEXT COLLATE "C" NOT NULL,
    resource_id TEXT COLLATE "C" NOT NULL,
    payload TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    CONSTRAINT pk_events PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_events_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id)
)""")
    op.execute("CREATE INDEX ix_events_tenant_id_resource_id_id ON events (tenant_id, resource_id, id)")
    op.execute("CREATE INDEX ix_events_tenant_id_created_at_id ON events (tenant_id, created_at, id)")
    op.execute("CREATE INDEX ix_events_tenant_id_xid_id ON events (tenant_id, xid, id)")
    op.execute("alter table events enable row level security")
    op.execute(
        "create policy tenant on events to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on events as restrictive to conecta_app using (coalesce(current_setting('conecta.client_id', true), '') = '')"
    )
    op.execute("create policy system on events to conecta_system using (true) with check (true)")
    op.execute("grant select, insert on events to conecta_app")
    op.execute("grant select, insert, update, delete on events to conecta_system")
    op.execute("""CREATE TABLE webhook_endpoints (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    url TEXT NOT NULL,
    description TEXT,
    events TEXT[] COLLATE "C" NOT NULL,
    status TEXT NOT NULL,
    disabled_reason TEXT,
    disabled_at TIMESTAMP WITH TIME ZONE,
    sealed_secret BYTEA NOT NULL,
    sealed_pending_secret BYTEA,
    rotation_ends_at TIMESTAMP WITH TIME ZONE,
    health TEXT NOT NULL,
    failing_since TIMESTAMP WITH TIME ZONE,
    failures INTEGER NOT NULL,
    last_success_at TIMESTAMP WITH TIME ZONE,
    last_failure_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_webhook_endpoints PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_webhook_endpoints_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT ck_webhook_endpoints_status_known CHECK (status in ('enabled', 'disabled')),
    CONSTRAINT ck_webhook_endpoints_disabled_reason_known CHECK (disabled_reason in ('manual', 'gone', 'failing')),
    CONSTRAINT ck_webhook_endpoints_health_known CHECK (health in ('healthy', 'unhealthy', 'warning', 'disabled'))
)""")
    op.execute(
        "CREATE INDEX ix_webhook_endpoints_tenant_id_created_at_id ON webhook_endpoints (tenant_id, created_at, id)"
    )
    op.execute("alter table webhook_endpoints enable row level security")
    op.execute(
        "create policy tenant on webhook_endpoints to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on webhook_endpoints as restrictive to conecta_app using (coalesce(current_setting('conecta.client_id', true), '') = '')"
    )
    op.execute("create policy system on webhook_endpoints to conecta_system using (true) with check (true)")
    op.execute("grant select, insert, update, delete on webhook_endpoints to conecta_app")
    op.execute("grant select, insert, update, delete on webhook_endpoints to conecta_system")
    op.execute("""CREATE TABLE webhook_deliveries (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    endpoint_id TEXT COLLATE "C" NOT NULL,
    event_id TEXT COLLATE "C" NOT NULL,
    status TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE,
    last_status_code INTEGER,
    last_error TEXT,
    delivered_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_webhook_deliveries PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_webhook_deliveries_tenant_id_endpoint_id FOREIGN KEY(tenant_id, endpoint_id) REFERENCES webhook_endpoints (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT fk_webhook_deliveries_tenant_id_event_id FOREIGN KEY(tenant_id, event_id) REFERENCES events (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT ck_webhook_deliveries_status_known CHECK (status in ('pending', 'delivered', 'failed', 'parked')),
    CONSTRAINT ck_webhook_deliveries_pending_is_due CHECK ((status = 'pending') = (due_at is not null))
)""")
    op.execute(
        "CREATE INDEX ix_webhook_deliveries_due ON webhook_deliveries (tenant_id, endpoint_id, due_at) WHERE status = 'pending'"
    )
    op.execute("CREATE INDEX ix_webhook_deliveries_event ON webhook_deliveries (tenant_id, event_id)")
    op.execute(
        "CREATE INDEX ix_webhook_deliveries_endpoint ON webhook_deliveries (tenant_id, endpoint_id, created_at, id)"
    )
    op.execute("alter table webhook_deliveries enable row level security")
    op.execute(
        "create policy tenant on webhook_deliveries to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on webhook_deliveries as restrictive to conecta_app using (coalesce(current_setting('conecta.client_id', true), '') = '')"
    )
    op.execute("create policy system on webhook_deliveries to conecta_system using (true) with check (true)")
    op.execute("grant select, insert, update, delete on webhook_deliveries to conecta_app")
    op.execute("grant select, insert, update, delete on webhook_deliveries to conecta_system")
    op.execute("""CREATE TABLE webhook_notices (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    endpoint_id TEXT COLLATE "C" NOT NULL,
    health TEXT NOT NULL,
    detail TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_webhook_notices PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_webhook_notices_tenant_id_endpoint_id FOREIGN KEY(tenant_id, endpoint_id) REFERENCES webhook_endpoints (tenant_id, id) ON DELETE CASCADE
)""")
    op.execute(
        "CREATE INDEX ix_webhook_notices_endpoint ON webhook_notices (tenant_id, endpoint_id, created_at, id)"
    )
    op.execute("alter table webhook_notices enable row level security")
    op.execute(
        "create policy tenant on webhook_notices to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on webhook_notices as restrictive to conecta_app using (coalesce(current_setting('conecta.client_id', true), '') = '')"
    )
    op.execute("create policy system on webhook_notices to conecta_system using (true) with check (true)")
    op.execute("grant select, insert, update, delete on webhook_notices to conecta_app")
    op.execute("grant select, insert, update, delete on webhook_notices to conecta_system")
    op.execute("""CREATE TABLE webhook_attempts (
    tenant_id TEXT COLLATE "C" NOT NULL,
    delivery_id TEXT COLLATE "C" NOT NULL,
    number INTEGER NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    duration_ms INTEGER NOT NULL,
    status_code INTEGER,
    error TEXT,
    response_excerpt TEXT,
    CONSTRAINT pk_webhook_attempts PRIMARY KEY (tenant_id, delivery_id, number),
    CONSTRAINT fk_webhook_attempts_tenant_id_delivery_id FOREIGN KEY(tenant_id, delivery_id) REFERENCES webhook_deliveries (tenant_id, id) ON DELETE CASCADE
)""")
    op.execute("alter table webhook_attempts enable row level security")
    op.execute(
        "create policy tenant on webhook_attempts to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on webhook_attempts as restrictive to conecta_app using (coalesce(current_setting('conecta.client_id', true), '') = '')"
    )
    op.execute("create policy system on webhook_attempts to conecta_system using (true) with check (true)")
    op.execute("grant select, insert, update, delete on webhook_attempts to conecta_app")
    op.execute("grant select, insert, update, delete on webhook_attempts to conecta_system")
