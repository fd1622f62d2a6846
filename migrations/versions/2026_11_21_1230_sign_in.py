"""Passwords, second factors, passkeys, sessions, links and invitations.

Never edited once landed.
"""

from alembic import op

revision = "0011_sign_in"
down_revision = "0010_audit_and_requests"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX ix_users_person_id ON users (person_id)")
    op.execute("""
CREATE TABLE one_time_links (
    id TEXT COLLATE "C" NOT NULL,
    purpose TEXT COLLATE "C" NOT NULL,
    hash BYTEA NOT NULL,
    at_tenant TEXT COLLATE "C",
    person_id TEXT COLLATE "C",
    client_id TEXT COLLATE "C",
    email TEXT,
    data JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_one_time_links PRIMARY KEY (id),
    CONSTRAINT fk_one_time_links_at_tenant_client_id FOREIGN KEY(at_tenant, client_id) REFERENCES clients (tenant_id, id),
    CONSTRAINT ck_one_time_links_client_of_a_firm CHECK (client_id is null or at_tenant is not null),
    CONSTRAINT fk_one_time_links_at_tenant FOREIGN KEY(at_tenant) REFERENCES tenants (id),
    CONSTRAINT fk_one_time_links_person_id FOREIGN KEY(person_id) REFERENCES people (id)
)
""")
    op.execute("CREATE UNIQUE INDEX uq_one_time_links_hash ON one_time_links (hash)")
    op.execute("""
CREATE INDEX ix_one_time_links_client_id ON one_time_links (at_tenant, client_id, purpose)
""")
    op.execute("CREATE INDEX ix_one_time_links_expires_at ON one_time_links (expires_at)")
    op.execute("CREATE INDEX ix_one_time_links_person_id ON one_time_links (person_id, purpose)")
    op.execute("grant select, insert, update, delete on one_time_links to conecta_system")
    op.execute("""
CREATE TABLE person_passwords (
    person_id TEXT COLLATE "C" NOT NULL,
    hash TEXT NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_person_passwords PRIMARY KEY (person_id),
    CONSTRAINT fk_person_passwords_person_id FOREIGN KEY(person_id) REFERENCES people (id)
)
""")
    op.execute("grant select, insert, update, delete on person_passwords to conecta_system")
    op.execute("""
CREATE TABLE person_totp (
    person_id TEXT COLLATE "C" NOT NULL,
    sealed_secret BYTEA NOT NULL,
    last_step BIGINT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    confirmed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_person_totp PRIMARY KEY (person_id),
    CONSTRAINT fk_person_totp_person_id FOREIGN KEY(person_id) REFERENCES people (id)
)
""")
    op.execute("grant select, insert, update, delete on person_totp to conecta_system")
    op.execute("""
CREATE TABLE recovery_codes (
    id TEXT COLLATE "C" NOT NULL,
    person_id TEXT COLLATE "C" NOT NULL,
    hash BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_recovery_codes PRIMARY KEY (id),
    CONSTRAINT fk_recovery_codes_person_id FOREIGN KEY(person_id) REFERENCES people (id)
)
""")
    op.execute("CREATE UNIQUE INDEX uq_recovery_codes_person_id_hash ON recovery_codes (person_id, hash)")
    op.execute("grant select, insert, update, delete on recovery_codes to conecta_system")
    op.execute("""
CREATE TABLE passkeys (
    id TEXT COLLATE "C" NOT NULL,
    person_id TEXT COLLATE "C",
    at_tenant TEXT COLLATE "C",
    client_id TEXT COLLATE "C",
    name TEXT NOT NULL,
    credential_id BYTEA NOT NULL,
    public_key BYTEA NOT NULL,
    sign_count BIGINT NOT NULL,
    transports TEXT[] COLLATE "C" NOT NULL,
    synced BOOLEAN NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last_used_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_passkeys PRIMARY KEY (id),
    CONSTRAINT fk_passkeys_at_tenant_client_id FOREIGN KEY(at_tenant, client_id) REFERENCES clients (tenant_id, id),
    CONSTRAINT ck_passkeys_one_owner CHECK ((person_id is null) <> (client_id is null)),
    CONSTRAINT ck_passkeys_client_of_a_firm CHECK ((client_id is null) = (at_tenant is null)),
    CONSTRAINT fk_passkeys_person_id FOREIGN KEY(person_id) REFERENCES people (id),
    CONSTRAINT fk_passkeys_at_tenant FOREIGN KEY(at_tenant) REFERENCES tenants (id)
)
""")
    op.execute("CREATE UNIQUE INDEX uq_passkeys_credential_id ON passkeys (credential_id)")
    op.execute("""
CREATE INDEX ix_passkeys_client_id ON passkeys (at_tenant, client_id) WHERE client_id is not null
""")
    op.execute("CREATE INDEX ix_passkeys_person_id ON passkeys (person_id) WHERE person_id is not null")
    op.execute("grant select, insert, update, delete on passkeys to conecta_system")
    op.execute("""
CREATE TABLE sessions (
    id TEXT COLLATE "C" NOT NULL,
    hash BYTEA NOT NULL,
    person_id TEXT COLLATE "C",
    at_tenant TEXT COLLATE "C" NOT NULL,
    client_id TEXT COLLATE "C",
    strong BOOLEAN NOT NULL,
    authenticated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    address TEXT,
    user_agent TEXT,
    CONSTRAINT pk_sessions PRIMARY KEY (id),
    CONSTRAINT fk_sessions_at_tenant_client_id FOREIGN KEY(at_tenant, client_id) REFERENCES clients (tenant_id, id),
    CONSTRAINT ck_sessions_one_owner CHECK ((person_id is null) <> (client_id is null)),
    CONSTRAINT fk_sessions_person_id FOREIGN KEY(person_id) REFERENCES people (id),
    CONSTRAINT fk_sessions_at_tenant FOREIGN KEY(at_tenant) REFERENCES tenants (id)
)
""")
    op.execute("CREATE INDEX ix_sessions_client_id ON sessions (at_tenant, client_id)")
    op.execute("CREATE UNIQUE INDEX uq_sessions_hash ON sessions (hash)")
    op.execute("CREATE INDEX ix_sessions_expires_at ON sessions (expires_at)")
    op.execute("CREATE INDEX ix_sessions_person_id ON sessions (person_id, last_seen_at)")
    op.execute("grant select, insert, update, delete on sessions to conecta_system")
    op.execute("""
CREATE TABLE invitations (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    hash BYTEA NOT NULL,
    invited_by TEXT COLLATE "C",
    user_id TEXT COLLATE "C",
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    accepted_at TIMESTAMP WITH TIME ZONE,
    revoked_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_invitations PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_invitations_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT ck_invitations_role_known CHECK (role in ('owner', 'admin', 'provider', 'assistant')),
    CONSTRAINT ck_invitations_one_end CHECK (accepted_at is null or revoked_at is null)
)
""")
    op.execute("""
CREATE INDEX ix_invitations_tenant_id_created_at_id ON invitations (tenant_id, created_at, id)
""")
    op.execute("CREATE UNIQUE INDEX uq_invitations_hash ON invitations (hash)")
    op.execute("""
CREATE UNIQUE INDEX uq_invitations_open ON invitations (tenant_id, lower(email)) WHERE accepted_at is null and revoked_at is null
""")
    op.execute("alter table invitations enable row level security")
    op.execute("""
create policy tenant on invitations to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))
""")
    op.execute("""
create policy client on invitations as restrictive to conecta_app using (coalesce(current_setting('conecta.client_id', true), '') = '')
""")
    op.execute("create policy system on invitations to conecta_system using (true) with check (true)")
    op.execute("grant select, insert, update on invitations to conecta_app")
    op.execute("grant select, insert, update, delete on invitations to conecta_system")
