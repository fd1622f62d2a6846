"""Plans, tenants, people, users, API keys, limits and remembered answers.

Never edited once landed.
"""

from alembic import op

revision = "0001_foundations"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""create or replace function plain_text(t text) returns text
language sql immutable parallel safe strict as $$
  select regexp_replace(normalize(lower(t), NFD), '[\\u0300-\\u036f]', '', 'g')
$$""")
    op.execute("""CREATE TABLE people (
    id TEXT COLLATE "C" NOT NULL,
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_people PRIMARY KEY (id)
)""")
    op.execute("CREATE UNIQUE INDEX uq_people_email ON people (lower(email))")
    op.execute("grant select, insert, update, delete on people to conecta_system")
    op.execute("""CREATE TABLE plans (
    id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    per_minute INTEGER NOT NULL,
    per_day INTEGER NOT NULL,
    CONSTRAINT pk_plans PRIMARY KEY (id)
)""")
    op.execute("grant select on plans to conecta_app")
    op.execute("grant select, insert, update, delete on plans to conecta_system")
    op.execute(
        "insert into plans (id, name, per_minute, per_day) values ('free', 'Free/Trial', 60, 1000), ('professional', 'Professional', 300, 10000), ('enterprise', 'Enterprise', 1000, 100000)"
    )
    op.execute("""CREATE TABLE rate_windows (
    subject TEXT COLLATE "C" NOT NULL,
    minute_start BIGINT NOT NULL,
    minute_used INTEGER NOT NULL,
    day_start BIGINT NOT NULL,
    day_used INTEGER NOT NULL,
    CONSTRAINT pk_rate_windows PRIMARY KEY (subject)
)
 WITH (fillfactor = 50)""")
    op.execute("""create or replace function peek_requests(p_subject text)
returns table (minute_used integer, minute_start bigint, day_used integer, day_start bigint)
language sql stable as $$
  select case when w.minute_start >= t.minute then w.minute_used else 0 end,
         greatest(w.minute_start, t.minute),
         case when w.day_start >= t.day then w.day_used else 0 end,
         greatest(w.day_start, t.day)
  from (select n - n % 60 as minute, n - n % 86400 as day
        from (select extract(epoch from clock_timestamp())::bigint as n) as c) as t
  left join rate_windows w on w.subject = p_subject
$$""")
    op.execute("""create or replace function charge_request(p_subject text, p_per_minute integer, p_per_day integer)
returns table (allowed boolean, minute_used integer, minute_start bigint, day_used integer, day_start bigint)
language plpgsql as $$
#variable_conflict use_column
declare
  v_now bigint := extract(epoch from clock_timestamp())::bigint;
  v_minute bigint := v_now - v_now % 60;
  v_day bigint := v_now - v_now % 86400;
begin
  return query
    insert into rate_windows as w (subject, minute_start, minute_used, day_start, day_used)
    values (p_subject, v_minute, 1, v_day, 1)
    on conflict (subject) do update set
      minute_used = case when w.minute_start >= v_minute then w.minute_used else 0 end + 1,
      minute_start = greatest(w.minute_start, v_minute),
      day_used = case when w.day_start >= v_day then w.day_used else 0 end + 1,
      day_start = greatest(w.day_start, v_day)
    where case when w.minute_start >= v_minute then w.minute_used else 0 end < p_per_minute
      and case when w.day_start >= v_day then w.day_used else 0 end < p_per_day
    returning true, w.minute_used, w.minute_start, w.day_used, w.day_start;
  if not found then
    return query select false, p.minute_used, p.minute_start, p.day_used, p.day_start
      from peek_requests(p_subject) p;
  end if;
end $$""")
    op.execute("grant select, insert, update, delete on rate_windows to conecta_system")
    op.execute("""CREATE TABLE tenants (
    id TEXT COLLATE "C" NOT NULL,
    sandbox_of TEXT COLLATE "C",
    name TEXT NOT NULL,
    tax_id TEXT,
    plan_id TEXT COLLATE "C" NOT NULL,
    trial_until TIMESTAMP WITH TIME ZONE,
    per_minute_override INTEGER,
    per_day_override INTEGER,
    language TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    case_number_format TEXT NOT NULL,
    clock_offset_seconds INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_tenants PRIMARY KEY (id),
    CONSTRAINT ck_tenants_override_positive CHECK (per_minute_override > 0 and per_day_override > 0),
    CONSTRAINT ck_tenants_language_known CHECK (language in ('es', 'en')),
    CONSTRAINT uq_tenants_sandbox_of UNIQUE (sandbox_of),
    CONSTRAINT fk_tenants_sandbox_of FOREIGN KEY(sandbox_of) REFERENCES tenants (id),
    CONSTRAINT fk_tenants_plan_id FOREIGN KEY(plan_id) REFERENCES plans (id)
)""")
    op.execute("alter table tenants enable row level security")
    op.execute(
        "create policy tenant on tenants to conecta_app using (id = current_setting('conecta.tenant_id', true)) with check (id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on tenants as restrictive to conecta_app using (coalesce(current_setting('conecta.client_id', true), '') = '')"
    )
    op.execute("create policy system on tenants to conecta_system using (true) with check (true)")
    op.execute("grant select, update on tenants to conecta_app")
    op.execute("grant select, insert, update, delete on tenants to conecta_system")
    op.execute("""CREATE TABLE api_keys (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    hash BYTEA NOT NULL,
    hint TEXT NOT NULL,
    scopes TEXT[] COLLATE "C" NOT NULL,
    allowed_addresses TEXT[] COLLATE "C" NOT NULL,
    created_by TEXT COLLATE "C",
    expires_at TIMESTAMP WITH TIME ZONE,
    revoked_at TIMESTAMP WITH TIME ZONE,
    replaced_by TEXT COLLATE "C",
    last_used_at TIMESTAMP WITH TIME ZONE,
    last_used_address TEXT,
    last_used_agent TEXT,
    last_used_route TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_api_keys PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_api_keys_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id)
)""")
    op.execute("CREATE UNIQUE INDEX uq_api_keys_hash ON api_keys (hash)")
    op.execute("CREATE INDEX ix_api_keys_tenant_id_created_at_id ON api_keys (tenant_id, created_at, id)")
    op.execute("alter table api_keys enable row level security")
    op.execute(
        "create policy tenant on api_keys to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on api_keys as restrictive to conecta_app using (coalesce(current_setting('conecta.client_id', true), '') = '')"
    )
    op.execute("create policy system on api_keys to conecta_system using (true) with check (true)")
    op.execute("grant select, insert, update, delete on api_keys to conecta_app")
    op.execute("grant select, insert, update, delete on api_keys to conecta_system")
    op.execute("""CREATE TABLE idempotency_keys (
    tenant_id TEXT COLLATE "C" NOT NULL,
    route TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    fingerprint BYTEA NOT NULL,
    status INTEGER NOT NULL,
    sealed_answer BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_idempotency_keys PRIMARY KEY (tenant_id, route, key),
    CONSTRAINT fk_idempotency_keys_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id)
)""")
    op.execute("CREATE INDEX ix_idempotency_keys_created_at ON idempotency_keys (created_at)")
    op.execute("alter table idempotency_keys enable row level security")
    op.execute(
        "create policy tenant on idempotency_keys to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on idempotency_keys as restrictive to conecta_app using ((coalesce(current_setting('conecta.client_id', true), '') = '' or true))"
    )
    op.execute("create policy system on idempotency_keys to conecta_system using (true) with check (true)")
    op.execute("grant select, insert, update, delete on idempotency_keys to conecta_app")
    op.execute("grant select, insert, update, delete on idempotency_keys to conecta_system")
    op.execute("""CREATE TABLE users (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    person_id TEXT COLLATE "C" NOT NULL,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    role TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_users PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_users_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT uq_users_tenant_id_person_id UNIQUE (tenant_id, person_id),
    CONSTRAINT ck_users_role_known CHECK (role in ('owner', 'admin', 'provider', 'assistant')),
    CONSTRAINT fk_users_person_id FOREIGN KEY(person_id) REFERENCES people (id)
)""")
    op.execute("CREATE INDEX ix_users_tenant_id_created_at_id ON users (tenant_id, created_at, id)")
    op.execute("alter table users enable row level security")
    op.execute(
        "create policy tenant on users to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on users as restrictive to conecta_app using (coalesce(current_setting('conecta.client_id', true), '') = '')"
    )
    op.execute("create policy system on users to conecta_system using (true) with check (true)")
    op.execute("grant select, insert, update, delete on users to conecta_app")
    op.execute("grant select, insert, update, delete on users to conecta_system")
