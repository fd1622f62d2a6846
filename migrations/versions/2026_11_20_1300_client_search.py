"""Keep the tenant's word out of reach of client searches: "ten" found every client of the firm.

Never edited once landed.
"""

from alembic import op

revision = "0007_client_search"
down_revision = "0006_procrastinate"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A generated expression cannot be altered before Postgres 17, so the column is made anew.
    op.execute("DROP INDEX ix_clients_search")
    op.execute("ALTER TABLE clients DROP COLUMN search")
    op.execute(
        "ALTER TABLE clients ADD COLUMN search TSVECTOR GENERATED ALWAYS AS"
        " (array_to_tsvector(string_to_array(search_words || ' |' || tenant_id, ' '))) STORED NOT NULL"
    )
    op.execute("CREATE INDEX ix_clients_search ON clients USING gin (search)")
    op.execute("""
create or replace function matching_clients(p_query text) returns setof text
language sql stable security definer set search_path = public as $$
  with found as materialized (
    select id from clients
    where tenant_id = current_setting('conecta.tenant_id', true)
      and search @@ ('(' || p_query || ') & '
        || quote_literal('|' || current_setting('conecta.tenant_id', true)))::tsquery
  )
  select id from found
$$
""")
