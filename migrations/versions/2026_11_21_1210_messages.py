"""Mail that the product sends.

Never edited once landed.
"""

from alembic import op

revision = "0009_messages"
down_revision = "0008_emit_event"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""CREATE TABLE messages (
    tenant_id TEXT COLLATE "C" NOT NULL,
    client_id TEXT COLLATE "C" DEFAULT nullif(current_setting('conecta.client_id', true), ''),
    id TEXT COLLATE "C" NOT NULL,
    recipient TEXT NOT NULL,
    language TEXT NOT NULL,
    subject TEXT NOT NULL,
    sealed_body BYTEA,
    status TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE,
    last_error TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    queued_at TIMESTAMP WITH TIME ZONE NOT NULL,
    sent_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_messages PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_messages_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT ck_messages_status_known CHECK (status in ('queued', 'sent', 'failed', 'captured'))
)""")
    op.execute("CREATE INDEX ix_messages_tenant_id_created_at_id ON messages (tenant_id, created_at, id)")
    op.execute("CREATE INDEX ix_messages_due ON messages (tenant_id, due_at) WHERE status = 'queued'")
    op.execute("alter table messages enable row level security")
    op.execute(
        """create policy tenant on messages to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"""
    )
    op.execute(
        """create policy client on messages as restrictive to conecta_app using ((coalesce(current_setting('conecta.client_id', true), '') = '' or client_id = current_setting('conecta.client_id', true)))"""
    )
    op.execute("create policy system on messages to conecta_system using (true) with check (true)")
    op.execute("grant select, insert on messages to conecta_app")
    op.execute("grant select, insert, update, delete on messages to conecta_system")
    op.execute("""CREATE TABLE personal_messages (
    id TEXT COLLATE "C" NOT NULL,
    recipient TEXT NOT NULL,
    language TEXT NOT NULL,
    subject TEXT NOT NULL,
    sealed_body BYTEA,
    status TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE,
    last_error TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    queued_at TIMESTAMP WITH TIME ZONE NOT NULL,
    sent_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_personal_messages PRIMARY KEY (id),
    CONSTRAINT ck_personal_messages_status_known CHECK (status in ('queued', 'sent', 'failed', 'captured'))
)""")
    op.execute(
        """CREATE INDEX ix_personal_messages_due ON personal_messages (due_at) WHERE status = 'queued'"""
    )
    op.execute("CREATE INDEX ix_personal_messages_created_at_id ON personal_messages (created_at, id)")
    op.execute("grant select, insert, update, delete on personal_messages to conecta_system")
