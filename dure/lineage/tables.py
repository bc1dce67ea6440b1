"""The tables: ML Metadata's model, made to be read with plain SQL as well.

::

    type             kind (ARTIFACT, EXECUTION, CONTEXT) and name -> names and kinds of properties
    artifact         uid "Type:digest"
    execution        uid
    context          uid "run:name" or "pipeline:name"
    event            execution --INPUT/OUTPUT, role--> artifact
    association      context holds execution
    attribution      context holds artifact
    parent_context   pipeline holds run

Uids are the keys, not numbers: databases can be merged, and a change that was kept in a spool
can be written at any time without asking for identities first. ``updated`` is the moment that
the newest record spoke of; it decides which of two records of one uid is the newer.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Column,
    Double,
    ForeignKey,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)

metadata = MetaData()

# Byte order in both databases, so that an index answers a prefix, and ties sort the same.
NAME = Text().with_variant(Text(collation="C"), "postgresql")


def _to(table: str) -> ForeignKey:
    return ForeignKey(f"{table}.uid")


type_ = Table(
    "type",
    metadata,
    Column("kind", NAME, nullable=False),
    Column("name", NAME, nullable=False),
    Column("properties", JSON, nullable=False),
    PrimaryKeyConstraint("kind", "name", name="pk_type"),
)

artifact = Table(
    "artifact",
    metadata,
    Column("uid", NAME, nullable=False),
    Column("type", NAME, nullable=False),
    Column("digest", NAME, nullable=False),
    Column("uri", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created", Double, nullable=False),
    Column("updated", Double, nullable=False),
    Column("properties", JSON, nullable=False),
    PrimaryKeyConstraint("uid", name="pk_artifact"),
    Index("ix_artifact_digest", "digest"),
    Index("ix_artifact_type_created", "type", "created"),
)

execution = Table(
    "execution",
    metadata,
    Column("uid", NAME, nullable=False),
    Column("type", NAME, nullable=False),
    Column("step", NAME, nullable=False),
    Column("run", NAME, nullable=False),
    Column("state", Text, nullable=False),
    Column("started", Double, nullable=False),
    Column("finished", Double, nullable=True),
    Column("updated", Double, nullable=False),
    Column("key", Text, nullable=True),
    Column("properties", JSON, nullable=False),
    PrimaryKeyConstraint("uid", name="pk_execution"),
    Index("ix_execution_run_started", "run", "started"),
    Index("ix_execution_step_started", "step", "started"),
)

context = Table(
    "context",
    metadata,
    Column("uid", NAME, nullable=False),
    Column("type", NAME, nullable=False),
    Column("name", NAME, nullable=False),
    Column("state", Text, nullable=False),
    Column("created", Double, nullable=False),
    Column("updated", Double, nullable=False),
    Column("properties", JSON, nullable=False),
    PrimaryKeyConstraint("uid", name="pk_context"),
    Index("ix_context_type_created", "type", "created"),
)

event = Table(
    "event",
    metadata,
    Column("execution", NAME, _to("execution"), nullable=False),
    Column("kind", NAME, nullable=False),
    Column("role", NAME, nullable=False),
    Column("artifact", NAME, _to("artifact"), nullable=False),
    Column("updated", Double, nullable=False),
    PrimaryKeyConstraint("execution", "kind", "role", name="pk_event"),
    Index("ix_event_artifact_kind", "artifact", "kind"),
)

association = Table(
    "association",
    metadata,
    Column("context", NAME, _to("context"), nullable=False),
    Column("execution", NAME, _to("execution"), nullable=False),
    PrimaryKeyConstraint("context", "execution", name="pk_association"),
    Index("ix_association_execution", "execution"),
)

attribution = Table(
    "attribution",
    metadata,
    Column("context", NAME, _to("context"), nullable=False),
    Column("artifact", NAME, _to("artifact"), nullable=False),
    PrimaryKeyConstraint("context", "artifact", name="pk_attribution"),
    Index("ix_attribution_artifact", "artifact"),
)

parent_context = Table(
    "parent_context",
    metadata,
    Column("parent", NAME, _to("context"), nullable=False),
    Column("child", NAME, _to("context"), nullable=False),
    PrimaryKeyConstraint("parent", "child", name="pk_parent_context"),
    Index("ix_parent_context_child", "child"),
)
