"""What is inferred, and that new data of the same kind does not raise an alarm."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from dure.data import make_examples
from dure.errors import SchemaError
from dure.schema import Column, Schema, infer
from dure.schema.inference import expected_share
from dure.statistics import ColumnStatistics, SplitStatistics, Statistics, describe
from dure.validate import validate

DATA = Path(__file__).parents[2].parent / "shared" / "data"


def one(values: list[object], **options: object) -> Column:
    statistics = describe(pl.DataFrame({"x": values}))
    return infer(statistics, rules="interval", **options).columns["x"]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "kind"),
    [([1, 2], "int"), ([1.5, 2.0], "float"), (["a", "b"], "string"), ([True, False], "bool")],
)
def test_types_are_those_of_the_data(values: list[object], kind: str) -> None:
    assert one(values) == Column(kind, presence=1.0)  # type: ignore[arg-type]


def test_no_range_is_inferred() -> None:
    column = one([1, 2, 3])
    assert column.min is column.max is None


def test_the_order_of_the_data_is_kept() -> None:
    statistics = describe(pl.DataFrame({"b": [1], "a": [2], "c": [3]}))
    assert list(infer(statistics).columns) == ["b", "a", "c"]


@given(rows=st.integers(1, 5000), new=st.integers(1, 5000), share=st.floats(0, 1))
def test_expected_share_is_the_lower_end_of_scipys_wilson_interval(
    rows: int, new: int, share: float
) -> None:
    hits = round(share * rows)
    # scipy wants whole numbers: the closed form of its source, with a size that is none.
    size, p, z = 1 / (1 / rows + 1 / new), hits / rows, stats.norm.ppf(0.9995)
    low = (p + z**2 / (2 * size) - z * math.sqrt(p * (1 - p) / size + z**2 / (4 * size**2))) / (
        1 + z**2 / size
    )
    got = expected_share(hits, rows, new)
    assert 0 <= got <= p + 1e-12
    assert low - 0.01 - 1e-9 <= got <= low + 1e-9


def test_expected_share_without_a_new_sample_is_wilsons() -> None:
    expected = stats.binomtest(930, 1000).proportion_ci(0.999, method="wilson").low
    assert expected_share(930, 1000, 10**15) == math.floor(expected * 100) / 100


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.97, 0.995])
@pytest.mark.parametrize(("rows", "new"), [(100, 50), (240, 104), (10_000, 100), (10_000, 5000)])
def test_a_new_sample_of_the_same_data_rarely_has_too_few_values(
    share: float, rows: int, new: int
) -> None:
    # Exact: over all ways in which the first sample, with a gap, may come out.
    hits = np.arange(rows)
    chance = stats.binom.pmf(hits, rows, share)
    likely = chance > 1e-9
    alarm = 0.0
    for k, p in zip(hits[likely], chance[likely], strict=True):
        needed = math.ceil(expected_share(int(k), rows, new) * new - 1e-9)
        alarm += p * stats.binom.cdf(needed - 1, new, share)
    assert alarm < 0.003


def test_nothing_missing_is_presence_1_and_a_gap_in_any_split_is_less() -> None:
    full = {"x": ColumnStatistics("x", "int", 1000, 0, 1000)}
    gap = {"x": ColumnStatistics("x", "int", 499, 1, 499)}
    splits = {"train": SplitStatistics(1000, full), "eval": SplitStatistics(500, full)}
    assert infer(Statistics(splits), rules="interval").columns["x"].presence == 1.0
    splits["eval"] = SplitStatistics(500, gap)
    statistics = Statistics(splits)
    schema = infer(statistics, rules="interval")
    # 1 / (1 / 1000 + 1 / 500) = 333.3 rows, all present: 333.3 / (333.3 + 3.29²) = 0.9685
    assert schema.columns["x"].presence == 0.96
    assert not validate(statistics, schema).errors


def test_nan_is_a_value_of_which_there_may_be_about_as_many() -> None:
    column = one([1.0, float("nan")] * 50)
    assert column.presence == 1.0
    assert column.nan is not None
    assert 0.5 < column.nan < 0.8
    assert one([1.0, 2.0] * 50).nan is None


def test_a_column_without_values_expects_none() -> None:
    statistics = describe(pl.DataFrame({"x": [None] * 9}, schema={"x": pl.String}))
    assert infer(statistics, rules="interval").columns["x"] == Column("string", presence=0.0)


def test_repeated_strings_are_a_domain_sorted_by_text() -> None:
    assert one(["b"] * 20 + ["a"] * 30).domain == ("a", "b")


def test_identifiers_are_no_domain() -> None:
    assert one([f"id{i}" for i in range(90)]).domain is None


@pytest.mark.parametrize(("repeats", "found"), [(4, False), (5, True)])
def test_a_category_occurs_five_times_on_average(repeats: int, found: bool) -> None:
    assert (one(["a", "b", "c"] * repeats).domain is not None) == found


@pytest.mark.parametrize(("most", "found"), [(9, False), (10, True), (0, False)])
def test_a_domain_has_at_most_max_domain_values(most: int, found: bool) -> None:
    values = [f"v{i}" for i in range(10)] * 10
    assert (one(values, max_domain=most).domain is not None) == found


def test_numbers_and_bools_have_no_domain() -> None:
    assert one([1, 2] * 50).domain is None
    assert one([True, False] * 50).domain is None


def test_a_list_without_rare_values_is_complete() -> None:
    assert one(["a"] * 995 + ["b"] * 5).domain_share == 1.0


def test_a_list_with_rare_values_leaves_room_for_more() -> None:
    column = one(["a"] * 996 + ["b"] * 4)
    assert column.domain == ("a", "b")
    # No value seen once: 1000 of 1000 rows in the list; 500 / (500 + 3.29²) = 0.9788
    assert column.domain_share == 0.97


def test_a_list_that_misses_much_is_no_domain() -> None:
    # 60 values seen once in 500 rows: about 12 % of the next rows will have an unseen one.
    assert one(["a"] * 440 + [f"once {i}" for i in range(60)]).domain is None


@pytest.mark.parametrize("seed", range(20))
def test_new_rows_of_long_tailed_categories_do_not_raise_an_alarm(seed: int) -> None:
    random = np.random.default_rng(seed)
    share = 1 / np.arange(1, 91) ** 1.5
    share /= share.sum()
    names = np.array([f"v{i}" for i in range(90)])
    frames = {n: pl.DataFrame({"x": random.choice(names, n, p=share)}) for n in (2000, 1000)}
    train, test = (describe(frame).splits["train"] for frame in frames.values())
    statistics = Statistics({"train": train, "eval": test})
    schema = infer(statistics, split="train", rules="interval")
    assert schema.columns["x"].domain is not None
    assert not validate(statistics, schema).errors


@pytest.mark.parametrize(
    ("values", "words"),
    [(["yes", "no"], ("yes", "no")), (["N", "Y"], ("Y", "N")), (["ON", "off"], ("ON", "off"))],
)
def test_a_pair_of_words_holds_truth_values(values: list[str], words: tuple[str, str]) -> None:
    column = one([*values, *values])
    assert (column.holds, column.true_value, column.false_value) == ("bool", *words)
    assert column.domain is None


def test_an_empty_text_is_never_true() -> None:
    assert one(["", "false"] * 50).holds is None


def test_numbers_in_text_are_numbers_unless_they_name_things() -> None:
    assert one(["1", "-20", "300"]).holds == "int"
    assert one(["00501", "10001", "94105"]).holds is None


def number(low: float, high: float, kind: str = "float", **more: int) -> SplitStatistics:
    column = ColumnStatistics("x", kind, 9, 0, 9, min=low, max=high, **more)
    return SplitStatistics(9, {"x": column})


def test_ranges_are_those_of_all_splits_when_asked_for() -> None:
    statistics = Statistics({"train": number(0.5, 2.5), "eval": number(-1.0, 2.0)})
    for rules in ("tfdv", "interval"):
        column = infer(statistics, rules=rules, ranges=True).columns["x"]  # type: ignore[arg-type]
        assert (column.min, column.max) == (-1.0, 2.5)
    only = infer(statistics, split="train", ranges=True).columns["x"]
    assert (only.min, only.max) == (0.5, 2.5)


def test_there_is_no_range_where_a_number_is_infinite() -> None:
    statistics = Statistics({"train": number(0.5, 2.5, positive_inf=1)})
    assert infer(statistics, ranges=True).columns["x"].max is None


def test_transformations_are_applied_in_their_order() -> None:
    statistics = Statistics({"train": number(0, 5, "int")})

    def low(schema: Schema, seen: Statistics) -> Schema:
        assert seen is statistics
        return schema.edit("x", min=0)

    def lower(schema: Schema, seen: Statistics) -> Schema:
        return schema.edit("x", min=schema.columns["x"].min - 1)  # type: ignore[operator]

    schema = infer(statistics, transformations=[low, lower])
    assert schema.columns["x"].min == -1


def test_unknown_rules_are_refused_with_the_known() -> None:
    with pytest.raises(SchemaError, match="no rules 'tfvd'") as caught:
        infer(Statistics({"train": number(0, 1)}), rules="tfvd")  # type: ignore[arg-type]
    assert "did you mean 'tfdv'" in str(caught.value)


def test_an_unknown_split_is_refused_with_the_known() -> None:
    statistics = describe(pl.DataFrame({"x": [1]}))
    with pytest.raises(SchemaError, match="no split 'trainn'") as caught:
        infer(statistics, split="trainn")
    assert "did you mean 'train'" in str(caught.value)


def test_an_empty_split_makes_no_schema() -> None:
    empty = SplitStatistics(0, {"x": ColumnStatistics("x", "int", 0, 0, 0)})
    with pytest.raises(SchemaError, match="is empty"):
        infer(Statistics({"train": empty}))


cells: dict[str, st.SearchStrategy[object]] = {
    "i": st.none() | st.sampled_from([0, 1, -5, 2**62]),
    "f": st.none() | st.sampled_from([0.0, 1.5, math.nan, math.inf]),
    "s": st.none() | st.sampled_from(["true", "0", "", "a", "yes", "no", "-7", "007"]),
    "b": st.none() | st.booleans(),
    "l": st.none() | st.lists(st.none() | st.integers(0, 3), max_size=3),
    "r": st.none() | st.fixed_dictionaries({"a": st.none() | st.integers(0, 2)}),
}
TYPES = {
    "i": pl.Int64(),
    "f": pl.Float64(),
    "s": pl.String(),
    "b": pl.Boolean(),
    "l": pl.List(pl.Int64()),
    "r": pl.Struct({"a": pl.Int64()}),
}


NOTHING = dict.fromkeys(TYPES)


@settings(max_examples=30, deadline=None)
@example(  # a row of nulls is no tensor
    rows=[NOTHING, {**NOTHING, "l": [None, None]}],
    more=[NOTHING, {**NOTHING, "l": [None, None]}],
    rules="tfdv",
    options={"shapes": True, "ranges": False},
)
@given(
    rows=st.lists(st.fixed_dictionaries(cells), min_size=1, max_size=12),
    more=st.lists(st.fixed_dictionaries(cells), min_size=1, max_size=12),
    rules=st.sampled_from(["tfdv", "interval"]),
    options=st.fixed_dictionaries({name: st.booleans() for name in ("shapes", "ranges")}),
)
def test_the_data_that_a_draft_was_made_from_passes_it(
    rows: list[dict[str, object]],
    more: list[dict[str, object]],
    rules: str,
    options: dict[str, bool],
) -> None:
    first, second = (describe(pl.DataFrame(part, schema=TYPES)) for part in (rows, more))
    statistics = Statistics({"train": first.splits["train"], "eval": second.splits["train"]})
    schema = infer(statistics, rules=rules, **options)  # type: ignore[arg-type]
    assert [str(one) for one in validate(statistics, schema).errors] == []


def real(name: str, **options: object) -> Statistics:
    path = DATA / name
    if not path.exists():
        pytest.skip("the shared data is not beside this checkout")
    return describe(make_examples(path, **options))  # type: ignore[arg-type]


def test_the_taxi_data_fits_the_schema_of_its_own_train_split() -> None:
    statistics = real("tfx/chicago_taxi/data.csv")
    schema = infer(statistics, split="train", rules="interval")
    assert not validate(statistics, schema).errors
    assert schema.columns["payment_type"].domain is not None
    assert schema.columns["trip_start_hour"] == Column("int", presence=1.0)


def test_identifiers_and_names_of_the_titanic_are_no_domains() -> None:
    statistics = real("tabular/titanic/train.csv")
    schema = infer(statistics, rules="interval")
    found = {name for name, column in schema.columns.items() if column.domain is not None}
    assert found == {"Sex", "Embarked"}
    assert not validate(statistics, schema).errors


def test_a_hand_edited_draft_reads_back(tmp_path: Path) -> None:
    statistics = describe(pl.DataFrame({"x": ["a", "b"] * 20}))
    path = tmp_path / "schema.yaml"
    infer(statistics).write(path)
    path.write_text(path.read_text().replace("- b", "- b\n    - c  # next year"))
    assert Schema.read(path).columns["x"].domain == ("a", "b", "c")
