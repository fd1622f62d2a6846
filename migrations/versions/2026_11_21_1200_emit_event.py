"""One function emits an event, for whoever writes in a firm's name: the firm, its people or its clients.

Never edited once landed.
"""

from alembic import op

revision = "0008_emit_event"
down_revision = "0007_client_search"
branch_labels = None
depends_on = None

_SIGNATURE = "emit_event(text, text, text, text, text, timestamptz, timestamptz, text[])"


def upgrade() -> None:
    op.execute("""
create or replace function emit_event(p_tenant text, p_id text, p_type text, p_resource text, p_payload text,
  p_now timestamptz, p_real_now timestamptz, p_patterns text[]) returns void
language plpgsql security definer set search_path = public as $$
declare
  v_due boolean;
begin
  if p_tenant is distinct from current_setting('conecta.tenant_id', true)
    and current_setting('role') <> 'conecta_system' then
    raise insufficient_privilege using message = 'An event is only emitted for the caller''s own firm.';
  end if;
  insert into events (tenant_id, id, type, resource_id, payload, created_at)
  values (p_tenant, p_id, p_type, p_resource, p_payload, p_now);
  with delivery as (
    insert into webhook_deliveries
      (tenant_id, id, endpoint_id, event_id, status, attempts, due_at, created_at)
    select w.tenant_id, 'dlv_' || right(p_id, 26) || '_' || right(w.id, 26), w.id, p_id,
      case when w.status = 'enabled' then 'pending' else 'parked' end, 0,
      case when w.status = 'enabled' then p_real_now end, p_real_now
    from webhook_endpoints w
    where w.tenant_id = p_tenant and w.events && p_patterns
    for key share of w
    returning status
  )
  select exists (select from delivery where status = 'pending') into v_due;
  if v_due then
    perform pg_notify('conecta_deliveries', '');
  end if;
end
$$
""")
    op.execute(f"revoke execute on function {_SIGNATURE} from public")
    op.execute(f"grant execute on function {_SIGNATURE} to conecta_app, conecta_system")
