"""Alembic's entry: migrations run on the connection that `engine.upgrade` opened."""

from alembic import context

from targeting.store import models_access  # noqa: F401 (its tables join the metadata)
from targeting.store.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    transaction_per_migration=False,
    transactional_ddl=True,
    render_as_batch=True,
)
context.run_migrations()
