"""Names that Polars takes for patterns change nothing but the names of columns."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest

from dure.data.examples import Examples
from dure.data.slicing import SliceSpec
from dure.schema import infer
from dure.statistics import describe
from dure.statistics.options import StatisticsOptions
from dure.validate import validate
from dure.validate.feature_skew import example_diff

PLAIN = {
    "star": "*",
    "regex": "^a.*$",
    "blank": "a b",
    "accent": "é",
    "list": "^.*$",
    "lists": "^b$",
}


def _columns(rows: int, shift: float = 0.0) -> dict[str, pl.Series]:
    return {
        "star": pl.Series(
            [None if i % 7 == 0 else i / 4 + shift for i in range(rows)], dtype=pl.Float64
        ),
        "regex": pl.Series([i % 5 for i in range(rows)]),
        "blank": pl.Series([["red", "green", "blue"][i % 3] for i in range(rows)]),
        "accent": pl.Series([i % 2 == 0 for i in range(rows)]),
        "list": pl.Series([list(range(i % 4)) for i in range(rows)], dtype=pl.List(pl.Int64)),
        "lists": pl.Series([[0.5] * (i % 4) for i in range(rows)], dtype=pl.List(pl.Float64)),
    }


def _frame(rows: int, odd: bool, shift: float = 0.0) -> pl.DataFrame:
    names = PLAIN if odd else {name: name for name in PLAIN}
    columns = [one.alias(names[name]) for name, one in _columns(rows, shift).items()]
    fields = pl.DataFrame(columns[:4]).to_struct("point" if not odd else "^p.*$")
    return pl.DataFrame([*columns, fields])


NAMES = {**PLAIN, "point": "^p.*$", "key": "^key$"}


def _plainly(record: Any) -> Any:
    """Return JSON values with the plain names in the place of odd ones."""
    back = {odd: name for name, odd in NAMES.items()}

    def plain(text: str) -> str:
        for odd in ("é", "a b"):  # the names of slices, and of what is counted with a weight
            text = text.replace(f"{odd}=", f"{back[odd]}=").replace(
                f" of {odd}", f" of {back[odd]}"
            )
        if text.startswith("struct["):
            return "struct"  # its type names the fields
        if text in back:
            return back[text]
        head, dot, rest = text.partition(".")
        for odd in sorted(back, key=len, reverse=True):
            if text.startswith(f"{odd}."):
                return f"{back[odd]}.{plain(text[len(odd) + 1 :])}"
        return text if not dot else f"{head}.{rest}"

    if isinstance(record, dict):
        return {plain(key): _plainly(one) for key, one in record.items()}
    if isinstance(record, list):
        return [_plainly(one) for one in record]
    return plain(record) if isinstance(record, str) else record


def _named(name: str, odd: bool) -> str:
    return NAMES[name] if odd else name


def _options(odd: bool) -> StatisticsOptions:
    return StatisticsOptions(
        crosses=True,
        label=_named("blank", odd),
        weights={_named("blank", odd): _named("regex", odd)},
        slices=(SliceSpec((_named("accent", odd),)),),
        sparse={"sparse": (_named("lists", odd), _named("list", odd))},
        weighted_features={"weighted": (_named("list", odd), _named("lists", odd))},
        natural_language=(_named("blank", odd),),
        settings={"mutual_information": {}},
    )


def _statistics(odd: bool) -> Any:
    found = describe(_frame(90, odd), options=_options(odd))
    return json.loads(found.json())


def test_statistics_of_columns_named_like_patterns_are_those_of_plain_names() -> None:
    left, right = _plainly(_statistics(odd=False)), _plainly(_statistics(odd=True))
    for key in left:
        assert right[key] == left[key], key


@pytest.mark.parametrize("estimator", ["categories", "neighbours"])
def test_a_label_and_a_weight_named_like_patterns_are_taken_by_name(estimator: str) -> None:
    made = []
    for odd in (False, True):
        options = StatisticsOptions(
            label=_named("star", odd),
            weight=_named("regex", odd),
            settings={"mutual_information": {"estimator": estimator, "partitions": 2}},
        )
        found = describe(_frame(90, odd), options=options)
        made.append(json.loads(found.json()))
    assert _plainly(made[1]) == _plainly(made[0])


def _anomalies(odd: bool) -> list[tuple[Any, ...]]:
    schema = infer(describe(_frame(90, odd)))
    schema = schema.edit(_named("star", odd), max=50.0).edit(_named("blank", odd), domain=("red",))
    schema = schema.edit(f"{_named('point', odd)}.{_named('star', odd)}", max=50.0)
    data = Examples.from_frames({"train": _frame(90, odd, shift=1000.0)})
    found = validate(describe(data), schema, examples=data, previous=describe(_frame(90, odd)))
    return [
        (_plainly(one.column), one.kind, one.severity, [each.row for each in one.evidence])
        for one in found
    ]


def test_anomalies_of_columns_named_like_patterns_are_those_of_plain_names() -> None:
    plain = _anomalies(odd=False)
    assert sorted(_anomalies(odd=True)) == sorted(plain)
    assert ("star", [1, 2, 3, 4, 5]) in [(one[0], one[-1]) for one in plain]
    assert ("point.star", [1, 2, 3, 4, 5]) in [(one[0], one[-1]) for one in plain]


@pytest.mark.parametrize("partitions", [1, 3])
def test_differing_examples_of_columns_named_like_patterns_are_found(partitions: int) -> None:
    made = []
    for odd in (False, True):
        base, test = _frame(30, odd), _frame(30, odd, shift=1.0)
        key = _named("key", odd)
        base, test = (one.with_row_index(key) for one in (base, test))
        found = example_diff(
            base, test, by=[key], confusion=[_named("blank", odd)], partitions=partitions
        )
        made.append(
            (found.counts, [(_plainly(one.column), one.diff, one.confusion) for one in found])
        )
    assert made[0] == made[1]
    assert {name: diff for name, diff, _ in made[0][1]}["star"] == 25
