"""Runs the migrations on the connection that `conecta.kit.migrate` hands over."""

from alembic import context

from conecta.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    transaction_per_migration=True,
    include_schemas=False,
)
with context.begin_transaction():
    context.run_migrations()
