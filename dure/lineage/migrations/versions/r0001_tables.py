"""The tables of ML Metadata's model."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Written out, not taken from dure.lineage.tables: a migration says what was, not what is.
NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _text(name: str, *, key: bool = False, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, NAME if key else sa.Text(), nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[float]:
    return sa.Column(name, sa.Double(), nullable=nullable)


def _properties() -> sa.Column[object]:
    return sa.Column("properties", sa.JSON(), nullable=False)


def _link(name: str, table: str) -> sa.Column[str]:
    return sa.Column(name, NAME, sa.ForeignKey(f"{table}.uid"), nullable=False)


def upgrade() -> None:
    _nodes()
    _edges()
    _indices()


def _nodes() -> None:
    op.create_table(
        "type",
        _text("kind", key=True),
        _text("name", key=True),
        _properties(),
        sa.PrimaryKeyConstraint("kind", "name", name="pk_type"),
    )
    op.create_table(
        "artifact",
        _text("uid", key=True),
        _text("type", key=True),
        _text("digest", key=True),
        _text("uri"),
        _text("summary"),
        _text("state"),
        _moment("created"),
        _moment("updated"),
        _properties(),
        sa.PrimaryKeyConstraint("uid", name="pk_artifact"),
    )
    op.create_table(
        "execution",
        _text("uid", key=True),
        _text("type", key=True),
        _text("step", key=True),
        _text("run", key=True),
        _text("state"),
        _moment("started"),
        _moment("finished", nullable=True),
        _moment("updated"),
        _text("key", nullable=True),
        _properties(),
        sa.PrimaryKeyConstraint("uid", name="pk_execution"),
    )
    op.create_table(
        "context",
        _text("uid", key=True),
        _text("type", key=True),
        _text("name", key=True),
        _text("state"),
        _moment("created"),
        _moment("updated"),
        _properties(),
        sa.PrimaryKeyConstraint("uid", name="pk_context"),
    )


def _edges() -> None:
    op.create_table(
        "event",
        _link("execution", "execution"),
        _text("kind", key=True),
        _text("role", key=True),
        _link("artifact", "artifact"),
        _moment("updated"),
        sa.PrimaryKeyConstraint("execution", "kind", "role", name="pk_event"),
    )
    op.create_table(
        "association",
        _link("context", "context"),
        _link("execution", "execution"),
        sa.PrimaryKeyConstraint("context", "execution", name="pk_association"),
    )
    op.create_table(
        "attribution",
        _link("context", "context"),
        _link("artifact", "artifact"),
        sa.PrimaryKeyConstraint("context", "artifact", name="pk_attribution"),
    )
    op.create_table(
        "parent_context",
        _link("parent", "context"),
        _link("child", "context"),
        sa.PrimaryKeyConstraint("parent", "child", name="pk_parent_context"),
    )


def _indices() -> None:
    op.create_index("ix_artifact_digest", "artifact", ["digest"])
    op.create_index("ix_artifact_type_created", "artifact", ["type", "created"])
    op.create_index("ix_execution_run_started", "execution", ["run", "started"])
    op.create_index("ix_execution_step_started", "execution", ["step", "started"])
    op.create_index("ix_context_type_created", "context", ["type", "created"])
    op.create_index("ix_event_artifact_kind", "event", ["artifact", "kind"])
    op.create_index("ix_association_execution", "association", ["execution"])
    op.create_index("ix_attribution_artifact", "attribution", ["artifact"])
    op.create_index("ix_parent_context_child", "parent_context", ["child"])
