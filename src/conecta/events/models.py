"""Events: rows of the business transaction, whose payload is frozen when they happen."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import UserDefinedType

from conecta.kit.db import APP_ROLE, SYSTEM_ROLE
from conecta.kit.tables import Base, Id, Moment, TenantTable, declare, grants, policies, tenant_key

EMIT_SIGNATURE = "emit_event(text, text, text, text, text, timestamptz, timestamptz, text[])"


class TransactionId(UserDefinedType[str]):
    """Postgres' xid8: the transaction that wrote the row."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Name the type in DDL."""
        return "xid8"


class Event(TenantTable, Base):
    """Something that happened in a firm; `payload` is the exact body of every delivery."""

    __tablename__ = "events"
    __table_args__: Any = (
        tenant_key(),
        Index("ix_events_tenant_id_created_at_id", "tenant_id", "created_at", "id"),
        # The pull feed reads in this order: an id alone would lose what commits late.
        Index("ix_events_tenant_id_xid_id", "tenant_id", "xid", "id"),
        Index("ix_events_tenant_id_type_created_at_id", "tenant_id", "type", "created_at", "id"),
        Index("ix_events_tenant_id_resource_id_id", "tenant_id", "resource_id", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    type: Mapped[str] = mapped_column(Id)
    resource_id: Mapped[str] = mapped_column(Id)
    payload: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Moment)
    xid: Mapped[str] = mapped_column(TransactionId, server_default=text("pg_current_xact_id()"))


# One call: the event, a delivery for each endpoint that wants it, and the wake-up call, which is sent
# only when there is something to deliver (commits of notifying transactions are serialised). The lock,
# which the foreign key takes anyway, makes an endpoint that is just being deleted drop out instead of
# failing the business transaction. It runs as the tables' owner: a client of the firm, whose own act may
# be the event, sees neither events nor endpoints; so it checks the firm itself.
EMIT_FUNCTION = """
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
"""

declare(
    Event,
    *policies("events"),
    *grants("events", "select, insert"),
    EMIT_FUNCTION,
    f"revoke execute on function {EMIT_SIGNATURE} from public",
    f"grant execute on function {EMIT_SIGNATURE} to {APP_ROLE}, {SYSTEM_ROLE}",
)
