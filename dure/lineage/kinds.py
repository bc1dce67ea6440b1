"""The kinds of properties that a type was seen with, in ML Metadata's words.

A type's properties only ever widen: INT and DOUBLE meet in DOUBLE, any other two kinds in STRUCT
(any JSON). The join is commutative, associative and idempotent, so writers need not agree on an
order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dure.lineage.clean import JSON
from dure.lineage.records import Change

Kinds = dict[str, str]


def kind_of(value: JSON) -> str | None:
    """Return the kind of a value; None for a missing one, which says nothing.

    >>> [kind_of(value) for value in (True, 1, 1.0, "a", [1], None)]
    ['BOOLEAN', 'INT', 'DOUBLE', 'STRING', 'STRUCT', None]
    """
    if value is None:
        return None
    if isinstance(value, bool):
        return "BOOLEAN"
    if isinstance(value, int):
        return "INT"
    if isinstance(value, float):
        return "DOUBLE"
    return "STRING" if isinstance(value, str) else "STRUCT"


def join(one: str, other: str) -> str:
    """Return the narrowest kind that holds both.

    >>> join("INT", "DOUBLE"), join("INT", "STRING")
    ('DOUBLE', 'STRUCT')
    """
    if one == other:
        return one
    return "DOUBLE" if {one, other} == {"INT", "DOUBLE"} else "STRUCT"


def widen(known: Mapping[str, str], seen: Mapping[str, str]) -> Kinds:
    """Return ``known`` widened by ``seen``, with sorted names."""
    both = dict(known)
    for name, kind in seen.items():
        both[name] = join(both[name], kind) if name in both else kind
    return dict(sorted(both.items()))


def types_of(change: Change) -> dict[tuple[str, str], Kinds]:
    """Return the kind and name of each type in a change, with the kinds of its properties."""
    found: dict[tuple[str, str], Kinds] = {}
    parts: Iterable[tuple[str, Iterable[tuple[str, Mapping[str, JSON]]]]] = (
        ("ARTIFACT", [(item.type, item.properties) for item in change.artifacts]),
        ("CONTEXT", [(item.type, item.properties) for item in change.contexts]),
        ("EXECUTION", [(item.type, item.properties) for item in change.executions]),
    )
    for kind, items in parts:
        for name, properties in items:
            seen = {key: word for key, value in properties.items() if (word := kind_of(value))}
            found[kind, name] = widen(found.get((kind, name), {}), seen)
    for event in change.events:
        found.setdefault(("ARTIFACT", event.artifact.partition(":")[0]), {})
    return found
