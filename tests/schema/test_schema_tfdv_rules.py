"""TFDV's rules for a draft: each as its C++ has it, and all of them against TFX's own files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dure.schema import Column, Schema, Time, infer
from dure.schema.sharing import share
from dure.schema.tfdv_inference import draft, parse_float, parse_int, truth_words
from dure.statistics.model import ColumnStatistics, Level, Semantic, SplitStatistics
from dure.statistics.statistics import Statistics

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "tfx"


def texts(*values: str, missing: int = 0, **more: object) -> ColumnStatistics:
    counts = tuple((value, 1) for value in values)
    fields: dict[str, object] = {"unique": len(counts), "values": counts, "top": counts[:20]}
    return ColumnStatistics("x", "string", len(counts), missing, **(fields | more))  # type: ignore[arg-type]


def whole(low: int, high: int) -> ColumnStatistics:
    return ColumnStatistics("x", "int", 5, 0, 2, min=low, max=high)


def lists(*levels: tuple[int, int, int], count: int = 5) -> ColumnStatistics:
    """Return a column of lists of floats: ``(fewest, most, missing)`` of each level."""
    kind = "list[" * len(levels) + "float" + "]" * len(levels)
    made = tuple(Level(count, missing, low, high, high) for low, high, missing in levels)
    return ColumnStatistics("x", kind, count, levels[0][2], levels=made, total=9)


@pytest.mark.parametrize(
    ("count", "missing", "expected"),
    [
        (10, 0, Column("float", 1.0, min_rows=1)),
        (9, 1, Column("float", min_rows=1)),
        (0, 10, Column("float", min_rows=0)),
    ],
)
def test_presence_is_all_or_nothing(count: int, missing: int, expected: Column) -> None:
    assert draft(ColumnStatistics("x", "float", count, missing, 1)) == expected


@pytest.mark.parametrize(
    ("levels", "values"),
    [
        ([(3, 3, 0)], ((3, 3),)),
        ([(2, 3, 0)], ((1, None),)),
        ([(1, 9, 4)], ((1, None),)),
        ([(0, 3, 0)], None),
        ([(2, 2, 0), (0, 4, 0)], ((2, 2), (None, None))),
        ([(0, 2, 0), (3, 3, 1)], ((None, None), (3, 3))),
    ],
)
def test_valency_is_exact_only_where_it_never_differs(
    levels: list[tuple[int, int, int]], values: object
) -> None:
    assert draft(lists(*levels)).values == values


@pytest.mark.parametrize(
    ("levels", "shape"),
    [
        ([(3, 3, 0)], (3,)),
        ([(2, 2, 0), (3, 3, 0)], (2, 3)),
        ([(2, 3, 0)], None),
        ([(0, 0, 0)], None),
        ([(3, 3, 1)], None),
        ([(2, 2, 0), (3, 3, 1)], None),
    ],
)
def test_a_shape_needs_the_same_number_everywhere(
    levels: list[tuple[int, int, int]], shape: tuple[int, ...] | None
) -> None:
    column = draft(lists(*levels), shapes=True)
    assert column.shape == shape
    assert shape is None or column.values is None
    assert draft(lists(*levels)).shape is None


def test_the_shape_of_single_values_is_one_and_structs_have_none() -> None:
    assert draft(ColumnStatistics("x", "int", 5, 0, 3), shapes=True).shape == (1,)
    assert draft(ColumnStatistics("x", "struct[a: int]", 5, 0), shapes=True).shape is None


@pytest.mark.parametrize(
    ("statistics", "holds"),
    [
        (whole(0, 1), True),
        (whole(1, 1), True),
        (whole(0, 0), False),
        (whole(-1, 1), False),
        (whole(0, 2), False),
        (ColumnStatistics("x", "float", 5, 0, 2, min=0.0, max=1.0), False),
    ],
)
def test_whole_numbers_from_0_to_1_are_truth_values(
    statistics: ColumnStatistics, holds: bool
) -> None:
    assert draft(statistics).holds == ("bool" if holds else None)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["true", "false"], ("true", "false")),
        (["SET", "clear"], ("SET", "clear")),
        (["1", "FALSE"], ("1", "FALSE")),
        (["", "0"], ("", "0")),
        (["true"], ("true", None)),
        (["0"], (None, "0")),
        (["true", "TRUE"], None),
        (["true", "false", "maybe"], None),
        (["True", "False"], None),
        (["yes", "no"], None),
        ([], None),
    ],
)
def test_truth_words_are_at_most_one_of_each(
    values: list[str], words: tuple[str | None, str | None] | None
) -> None:
    assert truth_words(values) == words


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7", 7),
        ("-7", -7),
        ("+7", 7),
        (" 42\t", 42),
        ("007", 7),
        (str(2**63 - 1), 2**63 - 1),
        (str(2**63), None),
        (str(-(2**63)), -(2**63)),
        ("9" * 5000, None),
        ("", None),
        ("-", None),
        ("- 7", None),
        ("7.0", None),
        ("1_000", None),
        ("٧", None),
    ],
)
def test_whole_numbers_in_text_are_those_of_64_bits(text: str, number: int | None) -> None:
    assert parse_int(text) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1.5", 1.5),
        (" 1e3 ", 1000.0),
        ("inf", float("inf")),
        ("1_0", None),
        ("٧", None),
        ("", None),
    ],
)
def test_numbers_in_text_are_those_of_c(text: str, number: float | None) -> None:
    assert parse_float(text) == number


def test_texts_that_are_all_whole_numbers_hold_them_before_they_are_a_domain() -> None:
    assert draft(texts("7", "-8")) == Column("string", 1.0, min_rows=1, holds="int")
    assert draft(texts("7", "x")).domain == ("7", "x")


def test_whole_numbers_are_known_by_their_shapes_where_there_are_too_many_to_list() -> None:
    many = {"values": None, "top": (("1", 1),), "max_length": 4}
    column = texts("a", "b", patterns=(("9", 1), ("-9", 1)), **many)
    assert draft(column).holds == "int"
    assert draft(texts("a", "b", patterns=(("9", 1), ("A", 1)), **many)).holds is None
    # One text has a shape that is not listed.
    assert draft(texts("a", "b", patterns=(("9", 1),), **many)).holds is None


@pytest.mark.parametrize(("count", "found"), [(100, True), (101, False)])
def test_a_domain_has_at_most_100_values_in_the_order_of_their_bytes(
    count: int, found: bool
) -> None:
    values = [f"v{i}" for i in range(count)]
    assert draft(texts(*values)).domain == (tuple(sorted(values)) if found else None)
    assert draft(texts(*values), max_domain=count).domain is not None
    assert draft(texts(*values), max_domain=0).domain is None


def test_bytes_and_columns_without_values_have_no_domain() -> None:
    assert draft(ColumnStatistics("x", "bytes", 3, 0, 3)).domain is None
    assert draft(texts(missing=3)) == Column("string", min_rows=0)


def test_a_meaning_comes_first_if_it_is_asked_for() -> None:
    seen = texts("2024-01-01", semantic=Semantic("time", 1.0, 1, {"format": "%Y-%m-%d"}))
    assert draft(seen).domain == ("2024-01-01",)
    column = draft(seen, semantics=True)
    assert column == Column("string", 1.0, min_rows=1, semantic=Time("%Y-%m-%d"))
    clock = ColumnStatistics(
        "x", "int", 5, 0, 5, semantic=Semantic("time", 1.0, 5, {"format": "unix_seconds"})
    )
    assert draft(clock, semantics=True).semantic == Time("unix_s")


def two(first: ColumnStatistics, second: ColumnStatistics) -> Statistics:
    splits = {"train": first, "eval": second}
    return Statistics({k: SplitStatistics(s.rows, {"x": s}) for k, s in splits.items()})


def test_all_splits_pass_the_draft() -> None:
    statistics = two(texts("b", "c"), texts("a", "c", missing=1))
    column = infer(statistics).columns["x"]
    # What is new follows, in its own order, as TFX's golden file has it.
    assert column.domain == ("b", "c", "a")
    assert column.presence == 2 / 3
    assert infer(statistics, split="train").columns["x"] == draft(texts("b", "c"))


def test_a_domain_that_grows_too_large_with_another_split_is_dropped() -> None:
    statistics = two(texts("a", "b"), texts("c"))
    assert infer(statistics, largest_domain=4).columns["x"].domain == ("a", "b", "c")
    assert infer(statistics, largest_domain=3).columns["x"].domain is None


def own(**domains: list[str]) -> Schema:
    return Schema({name: Column("string", domain=tuple(one)) for name, one in domains.items()})


def test_columns_with_the_same_values_share_a_domain() -> None:
    schema = share(own(pick_up=["a", "b"], drop=["b", "a"], other=["a", "c"]))
    assert schema.dataset.domains == {"drop": ("a", "b")}
    named = {name: column.domain_name for name, column in schema.columns.items()}
    assert named == {"pick_up": "drop", "drop": "drop", "other": None}


def test_long_lists_are_alike_by_their_jaccard_similarity() -> None:
    first = [f"v{i}" for i in range(12)]
    alike = share(own(a=first, b=[*first[1:], "new"]))
    assert alike.dataset.domains == {"a": tuple(sorted([*first, "new"]))}
    # 8 values of 16 in both: not above 0.5. And ten values are too few to be alike.
    assert not share(own(a=first, b=first[:8] + [f"w{i}" for i in range(4)])).dataset.domains
    assert not share(own(a=first[:10], b=first[:9])).dataset.domains


any_column = st.one_of(
    st.lists(st.sampled_from(["true", "0", "", "a", "-7", " 3 "]), unique=True).map(
        lambda values: texts(*values)
    ),
    st.builds(whole, st.integers(-2, 0), st.integers(0, 2)),
    st.builds(
        lambda low, more, missing: lists((low, low + more, missing)),
        st.integers(0, 3),
        st.integers(0, 2),
        st.integers(0, 2),
    ),
)


@given(first=any_column, second=any_column, shapes=st.booleans())
def test_no_data_needs_a_second_update(
    first: ColumnStatistics, second: ColumnStatistics, shapes: bool
) -> None:
    from dure.schema.update import update

    assume(first.element == second.element and first.rows and second.rows)
    statistics = two(first, second)
    schema = infer(statistics, shapes=shapes)
    assert update(schema, statistics, shapes=shapes) == schema


# --- TFX's own files ----------------------------------------------------------------------------


def golden(name: str) -> Path:
    pytest.importorskip("tensorflow_metadata")
    path = DATA / "testdata" / name
    if not path.exists():
        pytest.skip("the shared data is not beside this checkout")
    return path


def test_the_draft_of_tfxs_statistics_is_tfxs_schema() -> None:
    from dure.schema.tfx import parse, to_proto
    from dure.statistics.tfx import read_tfdv

    both = read_tfdv(golden("statistics_gen"))
    # TFX goes through the splits in their order: the domains show which one was first.
    statistics = Statistics({name: both.splits[name] for name in ("train", "eval")})
    found = to_proto(infer(statistics))
    expected = parse((golden("schema_gen") / "schema.pbtxt").read_text(encoding="utf-8"))
    for field in ("feature", "string_domain"):
        ours = {one.name: one for one in getattr(found, field)}
        theirs = {one.name: one for one in getattr(expected, field)}
        # Value for value, also in the order of the values; TFX's columns come in no fixed order.
        assert ours == theirs
    for message in (found, expected):
        message.ClearField("feature")
        message.ClearField("string_domain")
    assert found == expected
