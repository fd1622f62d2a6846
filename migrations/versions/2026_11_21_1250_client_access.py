"""Clients of the firm sign in.

Never edited once landed.
"""

from alembic import op

revision = "0013_client_access"
down_revision = "0012_oauth"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE tenants ADD COLUMN client_access TEXT DEFAULT 'invitation' NOT NULL")
    op.execute(
        "ALTER TABLE tenants ADD CONSTRAINT ck_tenants_client_access_known"
        " CHECK (client_access in ('off', 'invitation', 'self_service'))"
    )
    op.execute("CREATE INDEX ix_clients_tenant_id_email_in_any_case ON clients (tenant_id, lower(email))")
    op.execute("""
CREATE TABLE client_access (
	tenant_id TEXT COLLATE "C" NOT NULL,
	client_id TEXT COLLATE "C" NOT NULL,
	status TEXT NOT NULL,
	invited_at TIMESTAMP WITH TIME ZONE,
	last_signed_in_at TIMESTAMP WITH TIME ZONE,
	revoked_at TIMESTAMP WITH TIME ZONE,
	created_at TIMESTAMP WITH TIME ZONE NOT NULL,
	updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
	version INTEGER NOT NULL,
	CONSTRAINT pk_client_access PRIMARY KEY (tenant_id, client_id),
	CONSTRAINT fk_client_access_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
	CONSTRAINT fk_client_access_tenant_id_client_id FOREIGN KEY(tenant_id, client_id) REFERENCES clients (tenant_id, id),
	CONSTRAINT ck_client_access_status_known CHECK (status in ('invited', 'active', 'revoked')),
	CONSTRAINT ck_client_access_revoked_dated CHECK ((status = 'revoked') = (revoked_at is not null))
)
""")
    op.execute("alter table client_access enable row level security")
    op.execute(
        "create policy tenant on client_access to conecta_app"
        " using (tenant_id = current_setting('conecta.tenant_id', true))"
        " with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on client_access as restrictive to conecta_app"
        " using (coalesce(current_setting('conecta.client_id', true), '') = '')"
    )
    op.execute("create policy system on client_access to conecta_system using (true) with check (true)")
    op.execute("grant select, insert, update on client_access to conecta_app")
    op.execute("grant select, insert, update, delete on client_access to conecta_system")
