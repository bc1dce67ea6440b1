"""Spans and versions, by the rules of TFX: what its own documentation says of each mark."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.data import Examples, Spans, make_examples, read, span_of
from dure.data.spans import query_of_span, resolve
from dure.errors import DataError, UsageError


def touch(folder: Path, *names: str) -> None:
    for index, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pl.DataFrame({"n": [index]}).write_parquet(path)


def chosen(folder: Path, pattern: str, which: int | Spans | None = None) -> list[str]:
    found = resolve([str(folder / pattern)], which)
    return [str(Path(source).relative_to(folder)) for source in found.sources[0]]


def test_the_latest_span_by_number_and_its_latest_version_are_read(tmp_path: Path) -> None:
    touch(tmp_path, *(f"span-{s}/v{v}/a.parquet" for s, v in [(2, 9), (9, 1), (10, 2), (10, 11)]))
    pattern = "span-{SPAN}/v{VERSION}/*.parquet"
    assert chosen(tmp_path, pattern) == ["span-10/v11/*.parquet"]
    found = resolve([str(tmp_path / pattern)])
    assert (found.spans, found.version) == ((10,), 11)
    assert chosen(tmp_path, pattern, 2) == ["span-2/v9/*.parquet"]
    assert chosen(tmp_path, pattern, Spans(version=2)) == ["span-10/v2/*.parquet"]


def test_a_width_matches_so_many_digits_and_no_others(tmp_path: Path) -> None:
    # In the words of TFX, {SPAN:2} maps to data_02 and data_27, however not to data_1 and data_123.
    touch(tmp_path, *(f"data_{name}.parquet" for name in ("02", "27", "1", "123", "x9")))
    found = resolve([str(tmp_path / "data_{SPAN:2}.parquet")], Spans(first=0, gaps=True))
    assert found.spans == (2, 27)
    assert chosen(tmp_path, "data_{SPAN:2}.parquet", 2) == ["data_02.parquet"]
    assert chosen(tmp_path, "data_{SPAN}.parquet") == ["data_123.parquet"]


def test_a_date_is_the_number_of_days_since_1970(tmp_path: Path) -> None:
    # TFX's own examples: 19700101 is span 0, and 20170101 is span 17167.
    touch(tmp_path, "log-19700101.parquet", "log-20170101.parquet")
    pattern = "log-{YYYY}{MM}{DD}.parquet"
    assert resolve([str(tmp_path / pattern)]).spans == (17167,)
    assert chosen(tmp_path, pattern, 0) == ["log-19700101.parquet"]
    touch(tmp_path, "2017/01/d02/a.parquet")
    assert resolve([str(tmp_path / "{YYYY}/{MM}/d{DD}/*")]).spans == (17168,)


@given(st.dates())
def test_spans_of_dates_count_days(day: dt.date) -> None:
    assert dt.date(1970, 1, 1) + dt.timedelta(days=span_of(day)) == day
    assert span_of(day.isoformat()) == span_of(day)


def test_a_static_range_is_all_of_it(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{i}.parquet" for i in range(3, 9)))
    names = [f"{i}.parquet" for i in (4, 5, 6)]
    assert chosen(tmp_path, "{SPAN}.parquet", Spans(first=4, last=6)) == names
    assert len(chosen(tmp_path, "{SPAN}.parquet", Spans(first=4))) == 5
    assert len(chosen(tmp_path, "{SPAN}.parquet", Spans(last=4))) == 2


def test_a_rolling_range_ends_at_the_latest_and_begins_where_the_data_does(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{i}.parquet" for i in range(3, 9)))
    names = [f"{i}.parquet" for i in (7, 8)]
    assert chosen(tmp_path, "{SPAN}.parquet", Spans(newest=2)) == names
    assert len(chosen(tmp_path, "{SPAN}.parquet", Spans(newest=100))) == 6  # TFX clips it too
    assert len(chosen(tmp_path, "{SPAN}.parquet", Spans(newest=4, first=7))) == 2
    assert chosen(tmp_path, "{SPAN}.parquet", Spans(newest=1, last=5)) == ["5.parquet"]


def test_a_gap_is_an_error_unless_it_is_allowed(tmp_path: Path) -> None:
    touch(tmp_path, "1.parquet", "2.parquet", "4.parquet")
    for which in (Spans(first=1, last=4), Spans(newest=3), Spans(first=2)):
        with pytest.raises(DataError, match="has no span 3"):
            chosen(tmp_path, "{SPAN}.parquet", which)
    assert len(chosen(tmp_path, "{SPAN}.parquet", Spans(first=1, gaps=True))) == 3
    with pytest.raises(DataError, match="has no span 7") as caught:
        chosen(tmp_path, "{SPAN}.parquet", 7)
    assert "spans 1, 2, 4" in str(caught.value)
    with pytest.raises(DataError, match="no span"):
        chosen(tmp_path, "{SPAN}.parquet", Spans(first=3, last=3, gaps=True))


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("{SPAN}-{YYYY}{MM}{DD}", "both {SPAN} and a date"),
        ("{SPAN}/{SPAN:2}", "a mark twice"),
        ("{SPAN}/{VERSION}{VERSION}", "a mark twice"),
        ("{YYYY}{MM}", "a date that is not"),
        ("{YYYY}{MM}{DD}{DD}", "a date that is not"),
        ("{VERSION}", "{VERSION} without a span"),
        ("{SPAN:x}", "a width"),
        ("{SPAN:0}", "a width"),
        ("{SPAN:}", "a width"),
    ],
)
def test_marks_that_make_no_sense_are_refused(pattern: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        resolve([str(tmp_path / pattern)])
    assert reason in str(caught.value)


def test_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    touch(tmp_path, "day-x.parquet", "20241332.parquet", "v/1/v1.parquet")
    with pytest.raises(DataError, match="no file or folder matches"):
        chosen(tmp_path, "day-{SPAN}.parquet")
    with pytest.raises(DataError, match="has no date"):
        chosen(tmp_path, "{YYYY}{MM}{DD}.parquet")
    with pytest.raises(DataError, match="no version 2 of span 1"):
        chosen(tmp_path, "v/{SPAN}/v{VERSION}.parquet", Spans(version=2))
    with pytest.raises(DataError, match=r"without \{VERSION\}"):
        chosen(tmp_path, "v/{SPAN}/*.parquet", Spans(version=2))
    touch(tmp_path, "two/1.parquet", "two/01.parquet")
    with pytest.raises(DataError, match="written in two ways"):
        chosen(tmp_path, "two/{SPAN}.parquet")
    with pytest.raises(UsageError, match="the source has none"):
        resolve([str(tmp_path / "*.parquet")], 3)
    with pytest.raises(UsageError, match="in memory"):
        make_examples(pl.DataFrame({"a": [1]}), span=3)
    with pytest.raises(UsageError, match="range of spans is empty"):
        Spans(first=3, last=2)
    with pytest.raises(UsageError, match="newest is wrong"):
        Spans(newest=0)


def test_splits_have_to_agree_on_the_span(tmp_path: Path) -> None:
    touch(tmp_path, "train-1.parquet", "train-2.parquet", "eval-1.parquet")
    patterns = {"train": "train-{SPAN}.parquet", "eval": "eval-{SPAN}.parquet"}
    with pytest.raises(DataError, match="different spans") as caught:
        make_examples(tmp_path, splits=patterns)
    assert "span 2 of" in str(caught.value)
    examples = make_examples(tmp_path, splits=patterns, span=1)
    assert examples.frame("train")["n"].to_list() == [0]
    assert examples.frame("eval")["n"].to_list() == [2]
    with pytest.raises(UsageError, match="some have none"):
        make_examples(tmp_path, splits={"train": "train-{SPAN}.parquet", "eval": "eval-1.parquet"})


def test_what_was_read_is_recorded_and_rows_are_in_the_order_of_spans(tmp_path: Path) -> None:
    for day in (10, 9, 8):
        folder = tmp_path / f"{day}" / "v1"
        folder.mkdir(parents=True)
        pl.DataFrame({"day": [day] * 2}).write_parquet(folder / "a.parquet")
    source = str(tmp_path / "{SPAN}/v{VERSION}/*.parquet")
    examples = make_examples(source, splits={"all": 1}, span=Spans(newest=3))
    assert (examples.spans, examples.version) == ((8, 9, 10), 1)
    assert examples.frame("all")["day"].to_list() == [8, 8, 9, 9, 10, 10]
    assert str(tmp_path) not in examples.source
    (tmp_path / "saved").mkdir()
    examples.save(tmp_path / "saved")
    loaded = Examples.load(tmp_path / "saved")
    assert (loaded.spans, loaded.version) == ((8, 9, 10), 1)
    assert "8 to 10 (3), version 1" in loaded.text()
    assert "8 to 10 (3), version 1" in loaded.html()
    assert read(source, span=9)["day"].to_list() == [9, 9]
    assert read(str(tmp_path / "{SPAN}/v{VERSION}"))["day"].to_list() == [10, 10]  # folders


def test_a_url_has_spans_too() -> None:
    import fsspec

    system = fsspec.filesystem("memory")
    for span in (3, 12):
        with system.open(f"/spans/{span}.parquet", "wb") as file:
            pl.DataFrame({"n": [span]}).write_parquet(file)
    try:
        found = resolve(["memory://spans/{SPAN}.parquet"])
        assert found.spans == (12,)
        assert found.sources == (("memory://spans/12.parquet",),)
        assert read("memory://spans/{SPAN}.parquet")["n"].to_list() == [12]
    finally:
        system.rm("/spans", recursive=True)


def test_a_query_asks_for_one_day() -> None:
    # The marks that TFX documents for queries.
    text = "BETWEEN @span_begin_timestamp AND @span_end_timestamp OR day = @span_yyyymmdd_utc"
    start = int(dt.datetime(2018, 1, 14, tzinfo=dt.UTC).timestamp())
    expected = f"BETWEEN {start} AND {start + 86400} OR day = '20180114'"
    assert query_of_span(text, span_of("2018-01-14")) == expected
