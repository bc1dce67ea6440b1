"""Runs the migrations on the connection that `dure.lineage.versions` passes in."""

from __future__ import annotations

from alembic import context

from dure.lineage.tables import metadata

# One transaction, which the caller opened and holds the lock in: all of an upgrade or nothing.
context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
