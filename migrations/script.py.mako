"""${message}

Never edited once landed. Expand first, backfill in batches, contract in a later release; an index on a
big table is made concurrently. Policies, triggers, functions and grants are plain `op.execute`:
`tests/test_schema.py` compares the migrated database with the declared one, down to those.
"""

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}
