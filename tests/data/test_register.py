"""A format of one's own: what it says of itself decides how its batches become one table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from dure.data import make_examples, read, register
from dure.data.batch import Batch, ReadOptions
from dure.data.formats import FORMATS, Format
from dure.data.location import Location
from dure.errors import DataError


@pytest.fixture(autouse=True)
def restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("dure.data.formats._REGISTERED", {})
    before = dict(FORMATS)
    yield
    FORMATS.clear()
    FORMATS.update(before)


def words(location: Location, options: ReadOptions) -> Iterator[Batch]:
    """Yield each line as a batch of one row, of whole numbers unless the options say text."""
    with location.open() as file:
        for line in file.read().decode().splitlines():
            column = pl.Series("a", [line])
            number = options.types.get("a") != "string" and line.isdigit()
            yield Batch(column.cast(pl.Int64).to_frame() if number else column.to_frame())


def pairs(location: Location, options: ReadOptions) -> Iterator[Batch]:
    """Yield each line as a batch of one row, of ``key=value`` pairs."""
    with location.open() as file:
        for line in file.read().decode().splitlines():
            yield Batch(pl.DataFrame([dict(pair.split("=") for pair in line.split())]))


def test_text_formats_are_read_again_where_numbers_turn_out_to_be_text(tmp_path: Path) -> None:
    (tmp_path / "x.words").write_text("01\n2\nx\n")
    register("words", words, suffixes=[".words"], text=True)
    assert read(tmp_path / "x.words")["a"].to_list() == ["01", "2", "x"]
    register("words", words, suffixes=[".words"])
    with pytest.raises(DataError, match="more than one type"):
        read(tmp_path / "x.words")


def test_rows_of_keyed_formats_may_have_columns_that_others_lack(tmp_path: Path) -> None:
    (tmp_path / "x.pairs").write_text("a=1\nb=2 a=3\n")
    register("pairs", pairs, suffixes=[".pairs"], keyed=True)
    made = make_examples(tmp_path / "x.pairs", splits={"all": 1})
    assert made.frame("all").to_dict(as_series=False) == {"a": ["1", "3"], "b": [None, "2"]}
    register("pairs", pairs, suffixes=[".pairs"])
    with pytest.raises(DataError, match="differ"):
        make_examples(tmp_path / "x.pairs", splits={"all": 1})


def test_the_formats_of_dure_say_what_they_are() -> None:
    def having(flag: str) -> set[str]:
        return {kind for kind, form in FORMATS.items() if getattr(form, flag)}

    assert having("text") == {"csv", "tsv"}
    assert having("keyed") == {"jsonl", "tfrecord"}
    assert Format((), "m", "f") == Format((), "m", "f", text=False, keyed=False)
