"""The job queue: procrastinate's tables and functions, in a schema of their own.

Its SQL is read from the library, which `pyproject.toml` pins to the very release: another release needs
a migration of its own with that release's changes. Never edited once landed.
"""

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0006_procrastinate"
down_revision = "0005_event_and_delivery_indexes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create schema procrastinate")
    op.execute("set local search_path = procrastinate")
    op.get_bind().exec_driver_sql(SchemaManager.get_schema().replace("%", "%%"))
    op.execute("set local search_path = public")
    for role in ("conecta_app", "conecta_system"):
        op.execute(f"grant usage on schema procrastinate to {role}")
        op.execute(f"grant select, insert, update, delete on all tables in schema procrastinate to {role}")
        op.execute(f"grant usage on all sequences in schema procrastinate to {role}")
