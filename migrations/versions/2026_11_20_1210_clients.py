"""Clients of the firm.

Never edited once landed.
"""

from alembic import op

revision = "0002_clients"
down_revision = "0001_foundations"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""CREATE TABLE clients (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    first_name TEXT,
    last_name TEXT,
    tax_id TEXT,
    tax_id_type TEXT,
    tax_id_country TEXT,
    email TEXT,
    phone TEXT,
    additional_emails TEXT[] NOT NULL,
    additional_phones TEXT[] NOT NULL,
    address JSONB,
    language TEXT NOT NULL,
    external_id TEXT COLLATE "C",
    custom_fields JSONB NOT NULL,
    status TEXT NOT NULL,
    archived_at TIMESTAMP WITH TIME ZONE,
    search_words TEXT NOT NULL,
    sort_name TEXT COLLATE "C" GENERATED ALWAYS AS (plain_text(name)) STORED NOT NULL,
    search TSVECTOR GENERATED ALWAYS AS (array_to_tsvector(string_to_array(search_words || ' ' || tenant_id, ' '))) STORED NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_clients PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_clients_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT uq_clients_tenant_id_external_id UNIQUE (tenant_id, external_id),
    CONSTRAINT ck_clients_kind_known CHECK (kind in ('person', 'company')),
    CONSTRAINT ck_clients_status_known CHECK (status in ('active', 'archived')),
    CONSTRAINT ck_clients_tax_id_type_known CHECK (tax_id_type in ('nif', 'nie', 'cif', 'vat', 'passport', 'other')),
    CONSTRAINT ck_clients_tax_id_typed CHECK ((tax_id is null) = (tax_id_type is null))
)""")
    op.execute("CREATE INDEX ix_clients_tenant_id_updated_at_id ON clients (tenant_id, updated_at, id)")
    op.execute("CREATE INDEX ix_clients_tenant_id_email ON clients (tenant_id, email)")
    op.execute(
        "CREATE UNIQUE INDEX uq_clients_tenant_id_tax_id ON clients (tenant_id, tax_id_country, tax_id) WHERE tax_id is not null"
    )
    op.execute("CREATE INDEX ix_clients_tenant_id_sort_name_id ON clients (tenant_id, sort_name, id)")
    op.execute("CREATE INDEX ix_clients_search ON clients USING gin (search)")
    op.execute("CREATE INDEX ix_clients_tenant_id_created_at_id ON clients (tenant_id, created_at, id)")
    op.execute("alter table clients enable row level security")
    op.execute(
        "create policy tenant on clients to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on clients as restrictive to conecta_app using ((coalesce(current_setting('conecta.client_id', true), '') = '' or id = current_setting('conecta.client_id', true)))"
    )
    op.execute("create policy system on clients to conecta_system using (true) with check (true)")
    op.execute("grant select, insert, update on clients to conecta_app")
    op.execute("grant select, insert, update, delete on clients to conecta_system")
    op.execute("""create or replace function matching_clients(p_query text) returns setof text
language sql stable security definer set search_path = public as $$
  with found as materialized (
    select id from clients
    where tenant_id = current_setting('conecta.tenant_id', true)
      and search @@ (p_query || ' & ' || quote_literal(current_setting('conecta.tenant_id', true)))::tsquery
  )
  select id from found
$$""")
    op.execute("""CREATE TABLE client_custom_fields (
    tenant_id TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    client_id TEXT COLLATE "C" NOT NULL,
    CONSTRAINT pk_client_custom_fields PRIMARY KEY (tenant_id, key, value, client_id),
    CONSTRAINT fk_client_custom_fields_tenant_id_client_id FOREIGN KEY(tenant_id, client_id) REFERENCES clients (tenant_id, id) ON DELETE CASCADE
)""")
    op.execute(
        "CREATE INDEX ix_client_custom_fields_tenant_id_client_id ON client_custom_fields (tenant_id, client_id)"
    )
    op.execute("alter table client_custom_fields enable row level security")
    op.execute(
        "create policy tenant on client_custom_fields to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on client_custom_fields as restrictive to conecta_app using (coalesce(current_setting('conecta.client_id', true), '') = '')"
    )
    op.execute(
        "create policy system on client_custom_fields to conecta_system using (true) with check (true)"
    )
    op.execute("grant select on client_custom_fields to conecta_app")
    op.execute("grant select, insert, update, delete on client_custom_fields to conecta_system")
    op.execute("""create or replace function copy_clients_custom_fields() returns trigger
language plpgsql security definer set search_path = public as $$
begin
  if tg_op = 'UPDATE' then
    delete from client_custom_fields where tenant_id = old.tenant_id and client_id = old.id;
  end if;
  insert into client_custom_fields (tenant_id, key, value, client_id)
    select new.tenant_id, s.key, s.value, new.id from (select key, value from jsonb_each_text(new.custom_fields) where value is not null) as s (key, value);
  return null;
end $$""")
    op.execute(
        "create trigger copy_custom_fields_on_insert after insert on clients for each row when (new.custom_fields <> '{}') execute function copy_clients_custom_fields()"
    )
    op.execute(
        "create trigger copy_custom_fields_on_update after update of custom_fields on clients for each row when (new.custom_fields is distinct from old.custom_fields) execute function copy_clients_custom_fields()"
    )
