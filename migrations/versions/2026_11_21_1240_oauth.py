"""The OAuth2 server.

Never edited once landed.
"""

from alembic import op

revision = "0012_oauth"
down_revision = "0011_sign_in"
branch_labels = None
depends_on = None


def upgrade() -> None:  # noqa: PLR0915
    op.execute("""CREATE TABLE oauth_proofs (
    hash BYTEA NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_oauth_proofs PRIMARY KEY (hash)
)""")
    op.execute("CREATE INDEX ix_oauth_proofs_expires_at ON oauth_proofs (expires_at)")
    op.execute("grant select, insert, update, delete on oauth_proofs to conecta_system")
    op.execute("""CREATE TABLE oauth_signing_keys (
    id TEXT COLLATE "C" NOT NULL,
    private_key BYTEA NOT NULL,
    public_key JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    signs_from TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_oauth_signing_keys PRIMARY KEY (id)
)""")
    op.execute("grant select, insert, update, delete on oauth_signing_keys to conecta_system")
    op.execute("""CREATE TABLE oauth_apps (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    for_clients BOOLEAN NOT NULL,
    pkce_required BOOLEAN NOT NULL,
    dpop_required BOOLEAN NOT NULL,
    pushed_requests_required BOOLEAN NOT NULL,
    redirect_uris TEXT[] COLLATE "C" NOT NULL,
    scopes TEXT[] COLLATE "C" NOT NULL,
    grant_types TEXT[] COLLATE "C" NOT NULL,
    auth_method TEXT COLLATE "C",
    website TEXT,
    logo TEXT,
    registered JSONB,
    registration_hash BYTEA,
    created_by TEXT COLLATE "C",
    deleted_at TIMESTAMP WITH TIME ZONE,
    last_used_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_oauth_apps PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_oauth_apps_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT ck_oauth_apps_kind_known CHECK (kind in ('confidential', 'public')),
    CONSTRAINT ck_oauth_apps_auth_method_known CHECK (auth_method in ('client_secret_basic', 'client_secret_post', 'none'))
)""")
    op.execute("CREATE INDEX ix_oauth_apps_tenant_id_created_at_id ON oauth_apps (tenant_id, created_at, id)")
    op.execute("CREATE UNIQUE INDEX uq_oauth_apps_id ON oauth_apps (id)")
    op.execute("alter table oauth_apps enable row level security")
    op.execute(
        "create policy tenant on oauth_apps to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on oauth_apps as restrictive to conecta_app using (coalesce(current_setting('conecta.client_id', true), '') = '')"
    )
    op.execute("create policy system on oauth_apps to conecta_system using (true) with check (true)")
    op.execute("grant select, insert, update on oauth_apps to conecta_app")
    op.execute("grant select, insert, update, delete on oauth_apps to conecta_system")
    op.execute("""CREATE TABLE oauth_initial_tokens (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    hash BYTEA NOT NULL,
    uses_left INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_oauth_initial_tokens PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_oauth_initial_tokens_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT ck_oauth_initial_tokens_uses_left_positive CHECK (uses_left >= 0)
)""")
    op.execute("CREATE UNIQUE INDEX uq_oauth_initial_tokens_hash ON oauth_initial_tokens (hash)")
    op.execute("alter table oauth_initial_tokens enable row level security")
    op.execute(
        "create policy tenant on oauth_initial_tokens to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on oauth_initial_tokens as restrictive to conecta_app using (coalesce(current_setting('conecta.client_id', true), '') = '')"
    )
    op.execute(
        "create policy system on oauth_initial_tokens to conecta_system using (true) with check (true)"
    )
    op.execute("grant select, insert, update, delete on oauth_initial_tokens to conecta_system")
    op.execute("""CREATE TABLE oauth_app_secrets (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    app_id TEXT COLLATE "C" NOT NULL,
    hash BYTEA NOT NULL,
    hint TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_oauth_app_secrets PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_oauth_app_secrets_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT fk_oauth_app_secrets_tenant_id_app_id FOREIGN KEY(tenant_id, app_id) REFERENCES oauth_apps (tenant_id, id) ON DELETE CASCADE
)""")
    op.execute("CREATE INDEX ix_oauth_app_secrets_tenant_id_app_id ON oauth_app_secrets (tenant_id, app_id)")
    op.execute("alter table oauth_app_secrets enable row level security")
    op.execute(
        "create policy tenant on oauth_app_secrets to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on oauth_app_secrets as restrictive to conecta_app using (coalesce(current_setting('conecta.client_id', true), '') = '')"
    )
    op.execute("create policy system on oauth_app_secrets to conecta_system using (true) with check (true)")
    op.execute("grant select, insert, update, delete on oauth_app_secrets to conecta_app")
    op.execute("grant select, insert, update, delete on oauth_app_secrets to conecta_system")
    op.execute("""CREATE TABLE oauth_grants (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    app_tenant_id TEXT COLLATE "C" NOT NULL,
    app_id TEXT COLLATE "C" NOT NULL,
    subject_kind TEXT NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    person_id TEXT COLLATE "C",
    user_id TEXT COLLATE "C",
    client_id TEXT COLLATE "C",
    scopes TEXT[] COLLATE "C" NOT NULL,
    version INTEGER NOT NULL,
    given_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    last_used_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_oauth_grants PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_oauth_grants_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT fk_oauth_grants_tenant_id_client_id FOREIGN KEY(tenant_id, client_id) REFERENCES clients (tenant_id, id),
    CONSTRAINT uq_oauth_grants_tenant_id_app_id_subject UNIQUE (tenant_id, app_id, subject),
    CONSTRAINT ck_oauth_grants_subject_kind_known CHECK (subject_kind in ('person', 'client', 'app')),
    CONSTRAINT fk_oauth_grants_person_id FOREIGN KEY(person_id) REFERENCES people (id)
)""")
    op.execute("CREATE INDEX ix_oauth_grants_tenant_id_client_id ON oauth_grants (tenant_id, client_id)")
    op.execute("CREATE INDEX ix_oauth_grants_person_id ON oauth_grants (person_id)")
    op.execute("CREATE INDEX ix_oauth_grants_app_tenant_id_app_id ON oauth_grants (app_tenant_id, app_id)")
    op.execute("alter table oauth_grants enable row level security")
    op.execute(
        "create policy tenant on oauth_grants to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on oauth_grants as restrictive to conecta_app using (coalesce(current_setting('conecta.client_id', true), '') = '')"
    )
    op.execute("create policy system on oauth_grants to conecta_system using (true) with check (true)")
    op.execute("grant select, insert, update, delete on oauth_grants to conecta_system")
    op.execute("""CREATE TABLE oauth_pushed_requests (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    app_id TEXT COLLATE "C" NOT NULL,
    hash BYTEA NOT NULL,
    params JSONB NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_oauth_pushed_requests PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_oauth_pushed_requests_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT fk_oauth_pushed_requests_tenant_id_app_id FOREIGN KEY(tenant_id, app_id) REFERENCES oauth_apps (tenant_id, id) ON DELETE CASCADE
)""")
    op.execute(
        "CREATE INDEX ix_oauth_pushed_requests_tenant_id_app_id ON oauth_pushed_requests (tenant_id, app_id)"
    )
    op.execute("CREATE INDEX ix_oauth_pushed_requests_expires_at ON oauth_pushed_requests (expires_at)")
    op.execute("CREATE UNIQUE INDEX uq_oauth_pushed_requests_hash ON oauth_pushed_requests (hash)")
    op.execute("alter table oauth_pushed_requests enable row level security")
    op.execute(
        "create policy tenant on oauth_pushed_requests to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on oauth_pushed_requests as restrictive to conecta_app using (coalesce(current_setting('conecta.client_id', true), '') = '')"
    )
    op.execute(
        "create policy system on oauth_pushed_requests to conecta_system using (true) with check (true)"
    )
    op.execute("grant select, insert, update, delete on oauth_pushed_requests to conecta_system")
    op.execute("""CREATE TABLE oauth_families (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    grant_id TEXT COLLATE "C" NOT NULL,
    scopes TEXT[] COLLATE "C" NOT NULL,
    dpop_jkt TEXT COLLATE "C",
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    revoked_for TEXT COLLATE "C",
    CONSTRAINT pk_oauth_families PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_oauth_families_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT fk_oauth_families_tenant_id_grant_id FOREIGN KEY(tenant_id, grant_id) REFERENCES oauth_grants (tenant_id, id) ON DELETE CASCADE
)""")
    op.execute("CREATE INDEX ix_oauth_families_expires_at ON oauth_families (expires_at)")
    op.execute("CREATE INDEX ix_oauth_families_tenant_id_grant_id ON oauth_families (tenant_id, grant_id)")
    op.execute("alter table oauth_families enable row level security")
    op.execute(
        "create policy tenant on oauth_families to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on oauth_families as restrictive to conecta_app using (coalesce(current_setting('conecta.client_id', true), '') = '')"
    )
    op.execute("create policy system on oauth_families to conecta_system using (true) with check (true)")
    op.execute("grant select, insert, update, delete on oauth_families to conecta_system")
    op.execute("""CREATE TABLE oauth_codes (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    family_id TEXT COLLATE "C" NOT NULL,
    app_id TEXT COLLATE "C" NOT NULL,
    hash BYTEA NOT NULL,
    redirect_uri TEXT,
    code_challenge TEXT COLLATE "C",
    dpop_jkt TEXT COLLATE "C",
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_oauth_codes PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_oauth_codes_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT fk_oauth_codes_tenant_id_family_id FOREIGN KEY(tenant_id, family_id) REFERENCES oauth_families (tenant_id, id) ON DELETE CASCADE
)""")
    op.execute("CREATE INDEX ix_oauth_codes_expires_at ON oauth_codes (expires_at)")
    op.execute("CREATE INDEX ix_oauth_codes_tenant_id_family_id ON oauth_codes (tenant_id, family_id)")
    op.execute("CREATE UNIQUE INDEX uq_oauth_codes_hash ON oauth_codes (hash)")
    op.execute("alter table oauth_codes enable row level security")
    op.execute(
        "create policy tenant on oauth_codes to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on oauth_codes as restrictive to conecta_app using (coalesce(current_setting('conecta.client_id', true), '') = '')"
    )
    op.execute("create policy system on oauth_codes to conecta_system using (true) with check (true)")
    op.execute("grant select, insert, update, delete on oauth_codes to conecta_system")
    op.execute("""CREATE TABLE oauth_refresh_tokens (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    family_id TEXT COLLATE "C" NOT NULL,
    app_id TEXT COLLATE "C" NOT NULL,
    parent_id TEXT COLLATE "C",
    hash BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_oauth_refresh_tokens PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_oauth_refresh_tokens_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT fk_oauth_refresh_tokens_tenant_id_family_id FOREIGN KEY(tenant_id, family_id) REFERENCES oauth_families (tenant_id, id) ON DELETE CASCADE
)""")
    op.execute("CREATE UNIQUE INDEX uq_oauth_refresh_tokens_hash ON oauth_refresh_tokens (hash)")
    op.execute(
        "CREATE INDEX ix_oauth_refresh_tokens_tenant_id_family_id ON oauth_refresh_tokens (tenant_id, family_id)"
    )
    op.execute("CREATE INDEX ix_oauth_refresh_tokens_expires_at ON oauth_refresh_tokens (expires_at)")
    op.execute("alter table oauth_refresh_tokens enable row level security")
    op.execute(
        "create policy tenant on oauth_refresh_tokens to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on oauth_refresh_tokens as restrictive to conecta_app using (coalesce(current_setting('conecta.client_id', true), '') = '')"
    )
    op.execute(
        "create policy system on oauth_refresh_tokens to conecta_system using (true) with check (true)"
    )
    op.execute("grant select, insert, update, delete on oauth_refresh_tokens to conecta_system")
