"""Indexes for lists of events by type and for deliveries that were given up or parked.

Never edited once landed.
"""

from alembic import op

revision = "0005_event_and_delivery_indexes"
down_revision = "0004_cases"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE INDEX ix_events_tenant_id_type_created_at_id ON events (tenant_id, type, created_at, id)"
    )
    op.execute(
        "CREATE INDEX ix_webhook_deliveries_stopped ON webhook_deliveries (tenant_id, endpoint_id, status, created_at, id) WHERE status in ('failed', 'parked')"
    )
