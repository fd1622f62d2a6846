"""The job queue: procrastinate's tables and functions, in a schema of their own.

Never edited once landed.
"""

from pathlib import Path

from alembic import op

revision = "0006_procrastinate"
down_revision = "0005_event_and_delivery_indexes"
branch_labels = None
depends_on = None

SCHEMA = Path(__file__).parents[1] / "procrastinate_3_10.sql"


def upgrade() -> None:
    op.execute("create schema procrastinate")
    op.execute("set local search_path = procrastinate")
    op.get_bind().exec_driver_sql(SCHEMA.read_text(encoding="utf-8").replace("%", "%%"))
    op.execute("set local search_path = public")
    for role in ("conecta_app", "conecta_system"):
        op.execute(f"grant usage on schema procrastinate to {role}")
        op.execute(f"grant select, insert, update, delete on all tables in schema procrastinate to {role}")
        op.execute(f"grant usage on all sequences in schema procrastinate to {role}")
