"""The audit log and the log of API calls.

Never edited once landed.
"""

from alembic import op

revision = "0010_audit_and_requests"
down_revision = "0009_messages"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""CREATE TABLE audit_entries (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    action TEXT COLLATE "C" NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id TEXT COLLATE "C",
    actor_name TEXT NOT NULL,
    target TEXT,
    details JSONB NOT NULL,
    address TEXT,
    user_agent TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_audit_entries PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_audit_entries_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT ck_audit_entries_actor_kind_known CHECK (actor_kind in ('user', 'firm', 'client', 'person', 'operator', 'system'))
)""")
    op.execute(
        """CREATE INDEX ix_audit_entries_tenant_id_created_at_id ON audit_entries (tenant_id, created_at, id)"""
    )
    op.execute("CREATE INDEX ix_audit_entries_actor ON audit_entries (tenant_id, actor_id, created_at, id)")
    op.execute("CREATE INDEX ix_audit_entries_action ON audit_entries (tenant_id, action, created_at, id)")
    op.execute("alter table audit_entries enable row level security")
    op.execute(
        """create policy tenant on audit_entries to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"""
    )
    op.execute(
        """create policy client on audit_entries as restrictive to conecta_app using ((coalesce(current_setting('conecta.client_id', true), '') = '' or actor_id = current_setting('conecta.client_id', true)))"""
    )
    op.execute("create policy system on audit_entries to conecta_system using (true) with check (true)")
    op.execute("grant select, insert on audit_entries to conecta_app")
    op.execute("grant select, insert, update, delete on audit_entries to conecta_system")
    op.execute("""CREATE TABLE logged_requests (
    tenant_id TEXT COLLATE "C" NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    query TEXT,
    route TEXT,
    status INTEGER NOT NULL,
    duration_ms DOUBLE PRECISION NOT NULL,
    caller_kind TEXT NOT NULL,
    credential_id TEXT COLLATE "C" NOT NULL,
    credential_name TEXT NOT NULL,
    user_id TEXT COLLATE "C",
    client_id TEXT COLLATE "C",
    address TEXT,
    user_agent TEXT,
    error_code TEXT,
    request_body TEXT,
    error_body TEXT,
    CONSTRAINT pk_logged_requests PRIMARY KEY (tenant_id, created_at, id),
    CONSTRAINT fk_logged_requests_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id)
)""")
    op.execute(
        """CREATE INDEX ix_logged_requests_errors ON logged_requests (tenant_id, created_at, id) WHERE status >= 400"""
    )
    op.execute("CREATE INDEX ix_logged_requests_tenant_id_id ON logged_requests (tenant_id, id)")
    op.execute("alter table logged_requests enable row level security")
    op.execute(
        """create policy tenant on logged_requests to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"""
    )
    op.execute(
        """create policy client on logged_requests as restrictive to conecta_app using (coalesce(current_setting('conecta.client_id', true), '') = '')"""
    )
    op.execute("create policy system on logged_requests to conecta_system using (true) with check (true)")
    op.execute("grant select on logged_requests to conecta_app")
    op.execute("grant select, insert, update, delete on logged_requests to conecta_system")
