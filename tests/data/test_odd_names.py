"""Columns that are called what Polars takes for a pattern, and records that have no fields."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import polars.selectors as cs
import pytest
from polars.testing import assert_frame_equal

from dure.data import Examples, by_column, by_strata, by_time, make_examples, read
from dure.data.hashing import row_hashes
from dure.data.naming import is_pattern, pick
from dure.errors import DataError

ROWS = 40


def odd() -> pl.DataFrame:
    count = list(range(ROWS))
    return pl.DataFrame(
        {
            "*": count,
            "^a$": ["x", None] * (ROWS // 2),
            "a": [0.5 * value for value in count],
            "^.*$": [[1], [2, 3], None, [4]] * (ROWS // 4),
            "s": [{"*": 1, "^k$": "a"}, None] * (ROWS // 2),
        }
    )


def test_polars_does_take_these_names_for_patterns() -> None:
    frame = odd()
    assert all(is_pattern(name) for name in ("*", "^a$", "^.*$"))
    assert frame.select("^a$").columns == ["a"]
    assert pick(frame, ["^a$", "*"]).columns == ["^a$", "*"]
    assert pick(frame.lazy(), ["^a$"]).collect().columns == ["^a$"]


WRITERS: dict[str, Callable[[pl.DataFrame, Path], object]] = {
    "x.parquet": lambda frame, path: frame.write_parquet(path),
    "x.arrow": lambda frame, path: frame.write_ipc(path),
    "x.jsonl": lambda frame, path: frame.write_ndjson(path),
    "x.csv": lambda frame, path: frame.write_csv(path),
}


@pytest.mark.parametrize("name", WRITERS)
def test_names_that_look_like_patterns_go_through_making_saving_and_loading(
    tmp_path: Path, name: str
) -> None:
    frame = odd()
    if name == "x.csv":
        frame = frame.select(cs.by_name("*", "^a$", "a"))
    WRITERS[name](frame, tmp_path / name)
    assert_frame_equal(read(tmp_path / name), frame)
    made = make_examples(tmp_path / name, split_by=["*"], no_leakage=["*", "^a$"])
    (tmp_path / "saved").mkdir()
    made.save(tmp_path / "saved")
    loaded = Examples.load(tmp_path / "saved")
    whole = pl.concat(loaded.frame(split) for split in loaded.splits)
    order = whole.get_column("*").arg_sort()
    assert_frame_equal(whole[order], frame)
    for split in loaded.splits:
        some = loaded.frame(split, ["^a$", "*"])
        assert_frame_equal(some, pick(made.frame(split), ["^a$", "*"]))
        assert loaded.scan(split).collect().columns == frame.columns


def test_names_that_look_like_patterns_can_decide_the_split() -> None:
    frame = odd()
    by_name = frame.with_columns(pl.Series("^n$", ["left", "right"] * (ROWS // 2)))
    made = make_examples(by_name, split_by=by_column("^n$"))
    assert made.rows == {"left": ROWS // 2, "right": ROWS // 2}
    assert list(made.columns) == frame.columns
    assert make_examples(frame, splits={"a": 1, "b": 1}, split_by=by_time("*")).rows == {
        "a": ROWS // 2,
        "b": ROWS // 2,
    }
    dealt = make_examples(frame, splits={"a": 1, "b": 1}, split_by=by_strata("^a$"))
    assert [dealt.frame(split)["^a$"].null_count() for split in ("a", "b")] == [ROWS // 4] * 2


def test_a_hash_depends_on_the_values_of_the_column_and_not_of_those_that_match() -> None:
    frame = odd()
    changed = frame.with_columns(a=pl.lit(7.0))
    columns = ["*", "^a$", "^.*$", "s"]
    assert (row_hashes(frame, columns) == row_hashes(changed, columns)).all()
    assert len(set(row_hashes(frame, ["*"]).tolist())) == ROWS


def test_odd_columns_are_united_over_files_and_batches(tmp_path: Path) -> None:
    pl.select(pl.lit(1).alias("*"), pl.lit(2).alias("b")).write_parquet(tmp_path / "1.parquet")
    pl.select(pl.lit(2).alias("b"), pl.lit(0.5).alias("*")).write_parquet(tmp_path / "2.parquet")
    found = read(tmp_path / "*.parquet")
    assert found.to_dict(as_series=False) == {"*": [1.0, 0.5], "b": [2, 2]}


@pytest.mark.parametrize("record", ['{"a": {}, "b": 1}', '{"a": [{}], "b": 1}'])
def test_records_without_any_field_are_an_error_that_names_the_column(
    tmp_path: Path, record: str
) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(f'{record}\n{{"a": null, "b": 2}}\n')
    with pytest.raises(DataError, match="column 'a' has records without any field"):
        make_examples(path, splits={"all": 1})
    path.write_text(record + "\n" + record.replace("{}", '{"c": 3}') + "\n")
    assert "c: int" in make_examples(path, splits={"all": 1}).columns["a"]


def test_frames_with_records_without_any_field_are_refused() -> None:
    frame = pl.DataFrame({"a": [{}, {}]}, schema={"a": pl.Struct([])})
    with pytest.raises(DataError, match="column 'a' has records without any field"):
        Examples.from_frames({"train": frame})
