"""All SQL of events."""

# One round trip: the event, a delivery for each endpoint that wants it, and the wake-up call, which is
# sent only when there is something to deliver (commits of notifying transactions are serialised).
EMIT = """
with event as (
  insert into events (tenant_id, id, type, resource_id, payload, created_at)
  values (%(tenant)s, %(id)s, %(type)s, %(resource)s, %(payload)s, %(now)s)
), delivery as (
  insert into webhook_deliveries (tenant_id, id, endpoint_id, event_id, status, attempts, due_at, created_at)
  select w.tenant_id, 'dlv_' || right(%(id)s::text, 26) || '_' || right(w.id, 26), w.id, %(id)s,
    case when w.status = 'enabled' then 'pending' else 'parked' end, 0, %(real_now)s, %(real_now)s
  from webhook_endpoints w
  where w.tenant_id = %(tenant)s and w.events && %(patterns)s::text[]
  returning status
)
select case when exists (select from delivery where status = 'pending')
  then pg_notify('conecta_deliveries', '') end
"""
