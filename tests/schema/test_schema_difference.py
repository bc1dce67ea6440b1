"""A diff says every change, and nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dure.schema import Column, Schema

OLD = Schema(
    {
        "gone": Column("int"),
        "type": Column("int"),
        "presence": Column("float", 1.0),
        "domain": Column("string", 1.0, ("a", "b")),
        "opened": Column("string", 1.0, ("a",)),
        "closed": Column("string", 1.0),
        "order": Column("string", 1.0, ("a", "b")),
        "range": Column("float", 1.0, min=0, max=10.5),
        "same": Column("bool", 0.5),
    }
)
NEW = Schema(
    {
        "type": Column("float"),
        "presence": Column("float", 0.95),
        "domain": Column("string", 1.0, ("b", "c", "d"), domain_share=0.9),
        "opened": Column("string", 1.0),
        "closed": Column("string", 1.0, tuple("abcdefg")),
        "order": Column("string", 1.0, ("b", "a")),
        "range": Column("float", 1.0, min=-0.001),
        "same": Column("bool", 0.5),
        "came": Column("int", 0.25),
    }
)


def test_each_change_is_one_line() -> None:
    assert OLD.diff(NEW) == (
        "'gone': column removed",
        "'came': column added: int, presence 0.25",
        "'type': type int → float",
        "'presence': presence 1 → 0.95",
        "'domain': domain gains 'c', 'd'",
        "'domain': domain loses 'a'",
        "'domain': domain_share 1 → 0.9",
        "'opened': domain removed: any value is allowed now (was 'a')",
        "'closed': domain added: 'a', 'b', 'c', 'd', 'e' and 2 more",
        "'order': domain listed in another order",
        "'range': min 0 → -0.001",
        "'range': max 10.5 → none",
    )


def test_equal_schemas_have_no_difference() -> None:
    assert OLD.diff(Schema(OLD.columns)) == ()


few = st.dictionaries(
    st.sampled_from("abc"),
    st.builds(Column, st.sampled_from(["int", "float"]), st.sampled_from([0.0, 0.5])),
).map(Schema)


@given(old=few, new=few)
def test_there_is_a_line_exactly_when_something_differs(old: Schema, new: Schema) -> None:
    assert bool(old.diff(new)) == (old != new)
    assert len(old.diff(new)) == len(new.diff(old))
