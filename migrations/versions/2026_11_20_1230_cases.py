"""Cases, their categories, numbers, timeline and notes.

Never edited once landed.
"""

from alembic import op

revision = "0004_cases"
down_revision = "0003_events_and_webhooks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _categories()
    _cases()
    _activities()
    _side_tables()
    _notes()
    _seed()


def _categories() -> None:
    op.execute("""CREATE TABLE case_categories (
    tenant_id TEXT COLLATE "C" NOT NULL,
    code TEXT COLLATE "C" NOT NULL,
    name_es TEXT NOT NULL,
    name_en TEXT,
    position INTEGER NOT NULL,
    active BOOLEAN NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_case_categories PRIMARY KEY (tenant_id, code),
    CONSTRAINT fk_case_categories_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT ck_case_categories_code_plain CHECK (code ~ '^[a-z][a-z0-9_]{0,39}$')
)""")
    op.execute(
        "CREATE INDEX ix_case_categories_tenant_id_position_code ON case_categories (tenant_id, position, code)"
    )
    op.execute("alter table case_categories enable row level security")
    op.execute(
        "create policy tenant on case_categories to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on case_categories as restrictive to conecta_app using ((coalesce(current_setting('conecta.client_id', true), '') = '' or true))"
    )
    op.execute("create policy system on case_categories to conecta_system using (true) with check (true)")
    op.execute("grant select, insert, update on case_categories to conecta_app")
    op.execute("grant select, insert, update, delete on case_categories to conecta_system")
    op.execute("""CREATE TABLE case_counters (
    tenant_id TEXT COLLATE "C" NOT NULL,
    year INTEGER NOT NULL,
    last_number INTEGER NOT NULL,
    CONSTRAINT pk_case_counters PRIMARY KEY (tenant_id, year),
    CONSTRAINT fk_case_counters_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id)
)
 WITH (fillfactor = 50)""")
    op.execute("alter table case_counters enable row level security")
    op.execute(
        "create policy tenant on case_counters to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on case_counters as restrictive to conecta_app using (coalesce(current_setting('conecta.client_id', true), '') = '')"
    )
    op.execute("create policy system on case_counters to conecta_system using (true) with check (true)")
    op.execute("grant select, insert, update on case_counters to conecta_app")
    op.execute("grant select, insert, update, delete on case_counters to conecta_system")


def _cases() -> None:
    op.execute("""CREATE TABLE cases (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    number TEXT COLLATE "C" NOT NULL,
    number_key BIGINT NOT NULL,
    client_id TEXT COLLATE "C" NOT NULL,
    category TEXT COLLATE "C" NOT NULL,
    title TEXT NOT NULL,
    description TEXT,
    assigned_provider_id TEXT COLLATE "C",
    status TEXT NOT NULL,
    status_reason TEXT,
    priority TEXT NOT NULL,
    tags TEXT[] NOT NULL,
    parties JSONB NOT NULL,
    external_id TEXT COLLATE "C",
    custom_fields JSONB NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    search TSVECTOR GENERATED ALWAYS AS (setweight(to_tsvector('spanish', title), 'A')
|| setweight(to_tsvector('spanish', plain_text(title)), 'A')
|| setweight(to_tsvector('simple', plain_text(title)), 'A')
|| setweight(to_tsvector('spanish', coalesce(description, '')), 'B')
|| setweight(to_tsvector('spanish', plain_text(coalesce(description, ''))), 'B')
|| setweight(to_tsvector('simple', number), 'A')
|| array_to_tsvector(array['|' || tenant_id])) STORED NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_cases PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_cases_tenant_id FOREIGN KEY(tenant_id) REFERENCES tenants (id),
    CONSTRAINT fk_cases_tenant_id_client_id FOREIGN KEY(tenant_id, client_id) REFERENCES clients (tenant_id, id),
    CONSTRAINT fk_cases_tenant_id_assigned_provider_id FOREIGN KEY(tenant_id, assigned_provider_id) REFERENCES users (tenant_id, id),
    CONSTRAINT fk_cases_tenant_id_category FOREIGN KEY(tenant_id, category) REFERENCES case_categories (tenant_id, code),
    CONSTRAINT uq_cases_tenant_id_number UNIQUE (tenant_id, number),
    CONSTRAINT uq_cases_tenant_id_external_id UNIQUE (tenant_id, external_id),
    CONSTRAINT ck_cases_status_known CHECK (status in ('open', 'on_hold', 'closed', 'archived')),
    CONSTRAINT ck_cases_priority_known CHECK (priority in ('low', 'normal', 'high', 'urgent')),
    CONSTRAINT ck_cases_closed_dated CHECK ((status in ('closed', 'archived')) = (closed_at is not null))
)""")
    op.execute("CREATE INDEX ix_cases_category ON cases (tenant_id, category, created_at, id)")
    op.execute("CREATE INDEX ix_cases_tenant_id_created_at_id ON cases (tenant_id, created_at, id)")
    op.execute("CREATE INDEX ix_cases_tenant_id_updated_at_id ON cases (tenant_id, updated_at, id)")
    op.execute("CREATE UNIQUE INDEX ix_cases_tenant_id_number_key_id ON cases (tenant_id, number_key, id)")
    op.execute("CREATE INDEX ix_cases_priority ON cases (tenant_id, priority, created_at, id)")
    op.execute("CREATE INDEX ix_cases_status ON cases (tenant_id, status, created_at, id)")
    op.execute("CREATE INDEX ix_cases_search ON cases USING gin (search)")
    op.execute("CREATE INDEX ix_cases_client ON cases (tenant_id, client_id, created_at, id)")
    op.execute("CREATE INDEX ix_cases_provider ON cases (tenant_id, assigned_provider_id, created_at, id)")
    op.execute("alter table cases enable row level security")
    op.execute(
        "create policy tenant on cases to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on cases as restrictive to conecta_app using ((coalesce(current_setting('conecta.client_id', true), '') = '' or case when client_id = current_setting('conecta.client_id', true) then true else false end))"
    )
    op.execute("create policy system on cases to conecta_system using (true) with check (true)")
    op.execute("grant select, insert, update on cases to conecta_app")
    op.execute("grant select, insert, update, delete on cases to conecta_system")
    op.execute(r"""create or replace function case_number(p_format text, p_year integer, p_number integer) returns text
language sql immutable parallel safe as $$
  select regexp_replace(
    replace(replace(p_format, '{year}', p_year::text), '{yy}', right(p_year::text, 2)),
    '\{number([:]0[1-9])?\}',
    lpad(p_number::text, greatest(length(p_number::text),
      coalesce(substring(p_format from '\{number[:]0([1-9])\}')::integer, 1)), '0'))
$$""")
    op.execute("""create or replace function case_search_query(p_words text, p_head text, p_last text) returns tsquery
language sql stable parallel safe set search_path = public as $$
  select case when numnode(a.query) > 0 then a.query end
  from (select websearch_to_tsquery('spanish', p_words)
    || websearch_to_tsquery('spanish', plain_text(p_words))
    || case when p_last is null then ''::tsquery else
      (websearch_to_tsquery('spanish', p_head) || websearch_to_tsquery('spanish', plain_text(p_head)))
      && (quote_literal(plain_text(p_last)) || ':*')::tsquery end as query) a
$$""")
    op.execute("""create or replace function matching_cases(p_text text, p_words text, p_head text, p_last text)
returns setof text
language sql stable security definer rows 100 set search_path = public as $$
  with found as materialized (
    select c.id, c.client_id from cases c
    where c.tenant_id = current_setting('conecta.tenant_id', true)
      and c.search @@ (select case_search_query(p_words, p_head, p_last)
        && quote_literal('|' || current_setting('conecta.tenant_id', true))::tsquery)
    union all
    select c.id, c.client_id from cases c
    where c.tenant_id = current_setting('conecta.tenant_id', true)
      and c.number = any(array[p_text, upper(p_text)])
    union all
    select c.id, c.client_id from cases c
    where c.tenant_id = current_setting('conecta.tenant_id', true)
      and c.external_id >= p_text and c.external_id < p_text || chr(1114111)
  )
  select f.id from found f
  where coalesce(current_setting('conecta.client_id', true), '') in ('', f.client_id)
$$""")


def _activities() -> None:
    op.execute("""CREATE TABLE case_activities (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    case_id TEXT COLLATE "C" NOT NULL,
    type TEXT NOT NULL,
    description TEXT NOT NULL,
    author_type TEXT NOT NULL,
    author_id TEXT COLLATE "C",
    author_name TEXT,
    data JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_case_activities PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_case_activities_tenant_id_case_id FOREIGN KEY(tenant_id, case_id) REFERENCES cases (tenant_id, id),
    CONSTRAINT ck_case_activities_type_known CHECK (type in ('created', 'updated', 'status_changed', 'closed', 'reopened', 'provider_assigned', 'note_added', 'note_edited')),
    CONSTRAINT ck_case_activities_author_type_known CHECK (author_type in ('firm', 'user', 'client', 'system'))
)""")
    op.execute(
        "CREATE INDEX ix_case_activities_type ON case_activities (tenant_id, case_id, type, created_at, id)"
    )
    op.execute("CREATE INDEX ix_case_activities_case ON case_activities (tenant_id, case_id, created_at, id)")
    op.execute("alter table case_activities enable row level security")
    op.execute(
        "create policy tenant on case_activities to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on case_activities as restrictive to conecta_app using ((coalesce(current_setting('conecta.client_id', true), '') = '' or type in ('created', 'status_changed', 'closed', 'reopened') and exists (select from cases c where c.tenant_id = case_activities.tenant_id and c.id = case_activities.case_id and c.client_id = current_setting('conecta.client_id', true))))"
    )
    op.execute("create policy system on case_activities to conecta_system using (true) with check (true)")
    op.execute("grant select, insert on case_activities to conecta_app")
    op.execute("grant select, insert, update, delete on case_activities to conecta_system")


def _side_tables() -> None:
    op.execute("""CREATE TABLE case_custom_fields (
    tenant_id TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    case_id TEXT COLLATE "C" NOT NULL,
    CONSTRAINT pk_case_custom_fields PRIMARY KEY (tenant_id, key, value, case_id),
    CONSTRAINT fk_case_custom_fields_tenant_id_case_id FOREIGN KEY(tenant_id, case_id) REFERENCES cases (tenant_id, id)
)""")
    op.execute(
        "CREATE INDEX ix_case_custom_fields_tenant_id_case_id ON case_custom_fields (tenant_id, case_id)"
    )
    op.execute("alter table case_custom_fields enable row level security")
    op.execute(
        "create policy tenant on case_custom_fields to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on case_custom_fields as restrictive to conecta_app using ((coalesce(current_setting('conecta.client_id', true), '') = '' or exists (select from cases c where c.tenant_id = case_custom_fields.tenant_id and c.id = case_custom_fields.case_id and c.client_id = current_setting('conecta.client_id', true))))"
    )
    op.execute("create policy system on case_custom_fields to conecta_system using (true) with check (true)")
    op.execute("grant select on case_custom_fields to conecta_app")
    op.execute("grant select, insert, update, delete on case_custom_fields to conecta_system")
    op.execute("""create or replace function copy_cases_custom_fields() returns trigger
language plpgsql security definer set search_path = public as $$
begin
  if tg_op = 'UPDATE' then
    delete from case_custom_fields where tenant_id = old.tenant_id and case_id = old.id;
  end if;
  insert into case_custom_fields (tenant_id, key, value, case_id)
    select new.tenant_id, s.key, s.value, new.id from (select key, value from jsonb_each_text(new.custom_fields) where value is not null) as s (key, value);
  return null;
end $$""")
    op.execute("""create trigger copy_custom_fields_on_insert after insert on cases for each row
when (new.custom_fields <> '{}') execute function copy_cases_custom_fields()""")
    op.execute("""create trigger copy_custom_fields_on_update after update of custom_fields on cases for each row
when (new.custom_fields is distinct from old.custom_fields) execute function copy_cases_custom_fields()""")
    op.execute("""CREATE TABLE case_tags (
    tenant_id TEXT COLLATE "C" NOT NULL,
    tag TEXT COLLATE "C" NOT NULL,
    case_id TEXT COLLATE "C" NOT NULL,
    CONSTRAINT pk_case_tags PRIMARY KEY (tenant_id, tag, case_id),
    CONSTRAINT fk_case_tags_tenant_id_case_id FOREIGN KEY(tenant_id, case_id) REFERENCES cases (tenant_id, id)
)""")
    op.execute("CREATE INDEX ix_case_tags_tenant_id_case_id ON case_tags (tenant_id, case_id)")
    op.execute("alter table case_tags enable row level security")
    op.execute(
        "create policy tenant on case_tags to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on case_tags as restrictive to conecta_app using ((coalesce(current_setting('conecta.client_id', true), '') = '' or exists (select from cases c where c.tenant_id = case_tags.tenant_id and c.id = case_tags.case_id and c.client_id = current_setting('conecta.client_id', true))))"
    )
    op.execute("create policy system on case_tags to conecta_system using (true) with check (true)")
    op.execute("grant select on case_tags to conecta_app")
    op.execute("grant select, insert, update, delete on case_tags to conecta_system")
    op.execute("""create or replace function copy_cases_tags() returns trigger
language plpgsql security definer set search_path = public as $$
begin
  if tg_op = 'UPDATE' then
    delete from case_tags where tenant_id = old.tenant_id and case_id = old.id;
  end if;
  insert into case_tags (tenant_id, tag, case_id)
    select new.tenant_id, s.tag, new.id from (select distinct unnest(new.tags)) as s (tag);
  return null;
end $$""")
    op.execute("""create trigger copy_tags_on_insert after insert on cases for each row
when (new.tags <> '{}') execute function copy_cases_tags()""")
    op.execute("""create trigger copy_tags_on_update after update of tags on cases for each row
when (new.tags is distinct from old.tags) execute function copy_cases_tags()""")


def _notes() -> None:
    op.execute("""CREATE TABLE case_notes (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    case_id TEXT COLLATE "C" NOT NULL,
    content TEXT NOT NULL,
    visibility TEXT NOT NULL,
    author_type TEXT NOT NULL,
    author_id TEXT COLLATE "C",
    author_name TEXT,
    edited BOOLEAN NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    version INTEGER NOT NULL,
    CONSTRAINT pk_case_notes PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_case_notes_tenant_id_case_id FOREIGN KEY(tenant_id, case_id) REFERENCES cases (tenant_id, id),
    CONSTRAINT ck_case_notes_visibility_known CHECK (visibility in ('internal', 'shared')),
    CONSTRAINT ck_case_notes_author_type_known CHECK (author_type in ('firm', 'user', 'client', 'system'))
)""")
    op.execute("CREATE INDEX ix_case_notes_case ON case_notes (tenant_id, case_id, created_at, id)")
    op.execute("alter table case_notes enable row level security")
    op.execute(
        "create policy tenant on case_notes to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on case_notes as restrictive to conecta_app using ((coalesce(current_setting('conecta.client_id', true), '') = '' or visibility = 'shared' and exists (select from cases c where c.tenant_id = case_notes.tenant_id and c.id = case_notes.case_id and c.client_id = current_setting('conecta.client_id', true))))"
    )
    op.execute("create policy system on case_notes to conecta_system using (true) with check (true)")
    op.execute("grant select, insert, update on case_notes to conecta_app")
    op.execute("grant select, insert, update, delete on case_notes to conecta_system")
    op.execute("""CREATE TABLE case_note_edits (
    tenant_id TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    note_id TEXT COLLATE "C" NOT NULL,
    content TEXT NOT NULL,
    visibility TEXT NOT NULL,
    author_type TEXT NOT NULL,
    author_id TEXT COLLATE "C",
    author_name TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_case_note_edits PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_case_note_edits_tenant_id_note_id FOREIGN KEY(tenant_id, note_id) REFERENCES case_notes (tenant_id, id),
    CONSTRAINT ck_case_note_edits_visibility_known CHECK (visibility in ('internal', 'shared')),
    CONSTRAINT ck_case_note_edits_author_type_known CHECK (author_type in ('firm', 'user', 'client', 'system'))
)""")
    op.execute("CREATE INDEX ix_case_note_edits_note ON case_note_edits (tenant_id, note_id, created_at, id)")
    op.execute("alter table case_note_edits enable row level security")
    op.execute(
        "create policy tenant on case_note_edits to conecta_app using (tenant_id = current_setting('conecta.tenant_id', true)) with check (tenant_id = current_setting('conecta.tenant_id', true))"
    )
    op.execute(
        "create policy client on case_note_edits as restrictive to conecta_app using (coalesce(current_setting('conecta.client_id', true), '') = '')"
    )
    op.execute("create policy system on case_note_edits to conecta_system using (true) with check (true)")
    op.execute("grant select, insert on case_note_edits to conecta_app")
    op.execute("grant select, insert, update, delete on case_note_edits to conecta_system")


def _seed() -> None:
    op.execute("""insert into case_categories
    (tenant_id, code, name_es, name_en, position, active, created_at, updated_at, version)
select t.id, c.code, c.name_es, c.name_en, c.position, true, now(), now(), 1
from tenants t cross join (values
    (1, 'civil', 'Civil', 'Civil'),
    (2, 'penal', 'Penal', 'Criminal'),
    (3, 'laboral', 'Laboral', 'Employment'),
    (4, 'mercantil', 'Mercantil', 'Commercial'),
    (5, 'fiscal', 'Fiscal', 'Tax'),
    (6, 'administrativo', 'Administrativo', 'Administrative'),
    (7, 'familia', 'Familia', 'Family'),
    (8, 'extranjeria', 'Extranjería', 'Immigration'),
    (9, 'otros', 'Otros', 'Other')
) as c (position, code, name_es, name_en)""")
