"""Collecting: what comes out depends on the rows alone, and not on how they came."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from dure.data import Examples, make_examples, parts
from dure.data.batch import Batch, ReadOptions, Refused
from dure.data.formats import reader_of
from dure.data.location import Location
from dure.data.sinks import Sinks
from dure.data.workspace import Workspace
from dure.errors import DataError, UsageError

Reader = Callable[[Location, ReadOptions], Iterator[Batch]]
Fake = Callable[[dict[str, Reader | Sequence[pl.DataFrame | Batch]]], Path]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Return what makes a folder of files that hold the batches, or are read as, one says."""

    def make(files: dict[str, Reader | Sequence[pl.DataFrame | Batch]]) -> Path:
        def read(location: Location, options: ReadOptions) -> Iterator[Batch]:
            held = files[location.name]
            if callable(held):
                yield from held(location, options)
                return
            for each in held:
                yield each if isinstance(each, Batch) else Batch(each, found=each.height)

        folder = tmp_path / "source"
        folder.mkdir()
        for name in files:
            (folder / name).touch()
        monkeypatch.setattr("dure.data.inputs.reader_of", lambda _: read)
        return folder

    return make


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_MOST", 16)
    monkeypatch.setattr(parts, "_LEAST", 16)


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


_names = itertools.count()


def saved(examples: Examples, tmp_path: Path) -> dict[str, str]:
    folder = tmp_path / f"saved-{next(_names)}"
    folder.mkdir()
    examples.save(folder)
    return digests(folder)


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "number": st.none() | st.integers(-9, 9) | st.floats(allow_nan=False),
            "text": st.none() | st.text(max_size=12),
            "list": st.none() | st.lists(st.none() | st.integers(0, 3), max_size=3),
            "void": st.none(),
            "struct": st.none()
            | st.dictionaries(st.sampled_from("xyz"), st.integers(0, 3), min_size=1),
            "wide": st.none() | st.sampled_from(["a", b"b", ["c"]]),
        }
    ),
    min_size=1,
    max_size=80,
)


def frame_of(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Return rows as a reader would: with the types of these rows alone."""
    column = {name: [row[name] for row in rows] for name in rows[0]}
    whole = all(number is None or isinstance(number, int) for number in column["number"])
    fields = dict.fromkeys(itertools.chain(*(held or {} for held in column["struct"])))
    wide, kind = column["wide"], pl.String()
    if any(isinstance(value, bytes) for value in wide):
        kind = pl.Binary()
        wide = [[v.encode() for v in value] if isinstance(value, list) else value for value in wide]
        wide = [value.encode() if isinstance(value, str) else value for value in wide]
    if any(isinstance(value, list) for value in wide):
        kind = pl.List(kind)
        wide = [v if v is None or isinstance(v, list) else [v] for v in wide]
    struct = pl.Struct(dict.fromkeys(fields, pl.Int64)) if fields else pl.Null()
    structs = column["struct"] if fields else [None] * len(rows)
    return pl.DataFrame(
        [
            pl.Series(
                "number", column["number"], dtype=pl.Int64 if whole else pl.Float64, strict=False
            ),
            pl.Series("text", column["text"], dtype=pl.String),
            pl.Series("list", column["list"], dtype=pl.List(pl.Int64)),
            pl.Series("void", column["void"], dtype=pl.Null),
            pl.Series("struct", structs, dtype=struct),
            pl.Series("wide", wide, dtype=kind),
        ]
    )


@given(rows=ROWS, sizes=st.lists(st.integers(1, 40), min_size=1), data=st.data())
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_batches_do_not_show(
    rows: list[dict[str, Any]], sizes: list[int], data: st.DataObject, tmp_path: Path
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "_MOST", 16)
        patch.setattr(parts, "_LEAST", 16)
        patch.setattr(parts, "PART_BYTES", data.draw(st.sampled_from([200, 1000, 1 << 27])))
        patch.setattr("dure.data.make.check_counts", lambda *_: None)  # a split may be empty
        found = []
        for cuts in ([len(rows)], sizes):
            starts = itertools.accumulate(itertools.cycle(cuts), initial=0)
            ends = list(itertools.takewhile(lambda at: at < len(rows), starts))
            batches = [
                Batch(frame_of(rows[a:b])) for a, b in itertools.pairwise([*ends, len(rows)])
            ]
            read = lambda _location, _options, held=batches: iter(held)  # noqa: E731
            patch.setattr("dure.data.inputs.reader_of", lambda _, read=read: read)
            (tmp_path / "rows.parquet").touch()
            examples = make_examples(tmp_path / "rows.parquet")
            folder = tmp_path / f"out-{next(_names)}"
            folder.mkdir()
            examples.save(folder)
            found.append(digests(folder))
            assert sum(examples.rows.values()) == len(rows)
        assert found[0] == found[1]


def test_parts_end_after_a_fixed_number_of_rows() -> None:
    # The closed form: 2^24 values, a power of two rows, from 2^10 to 2^17.
    assert [parts.part_rows(n) for n in (1, 128, 129, 200, 3000, 20_000)] == [
        131_072,
        131_072,
        65_536,
        65_536,
        4096,
        1024,
    ]
    frame = pl.DataFrame({"a": range(300_000)})
    examples = Examples.from_frames({"all": frame})
    assert [part.rows for part in examples.parts("all")] == [131_072, 131_072, 37_856]
    whole = pl.concat([part.frame() for part in examples.parts("all")])
    assert_frame_equal(whole, frame)


def test_a_part_ends_with_the_row_that_fills_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PART_BYTES", 100)
    frame = pl.DataFrame({"a": ["x" * 12] * 11})  # 20 bytes each
    assert parts.cut(frame) == [5, 10]
    assert parts.cut(frame, rows=3, size=60) == [2, 7]
    assert parts.data_bytes(frame) == 220
    huge = pl.DataFrame({"a": ["x" * 1000, "y", "z" * 1000]})
    assert parts.cut(huge) == [1, 3]


def test_a_part_can_be_sent_to_a_worker(tmp_path: Path) -> None:
    import pickle

    examples = make_examples(
        pl.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]}), splits={"all": 1}
    )
    saved(examples, tmp_path)
    folder = next(tmp_path.glob("saved-*"))
    for one in (examples, Examples.load(folder)):
        (part,) = pickle.loads(pickle.dumps(one)).parts("all")
        assert (part.split, part.index, part.rows) == ("all", 0, 3)
        assert part.frame(["b", "a"]).rows() == [("x", 1), ("y", 2), ("z", 3)]


@pytest.mark.usefixtures("small_parts")
def test_where_rows_wait_does_not_show(tmp_path: Path) -> None:
    """In memory, in files, or in files that are open parts: the same."""
    frame = pl.DataFrame({"g": [i % 7 for i in range(700)], "a": range(700), "t": ["x" * 9] * 700})
    expected = {f"s{g}": frame.filter(g=g) for g in range(7)}
    for memory in (1 << 40, 20_000, 1):
        sinks = Sinks(Workspace(tmp_path), memory)
        for start in range(0, 700, 10):
            for (g,), some in frame.slice(start, 10).group_by("g", maintain_order=True):
                sinks.add(f"s{g}", some)
        assert sinks.rows == {f"s{g}": 100 for g in range(7)}
        done = sinks.finish(dict(frame.schema))
        for split, some in done.items():
            assert [part.rows for part in some] == [16] * 6 + [4]
            assert_frame_equal(pl.concat([part.frame() for part in some]), expected[split])
            assert all((part.path is None) == (memory > 1 << 30) for part in some)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("memory", [1 << 40, 1])
def test_parts_written_before_a_type_was_known_have_it_in_the_end(
    memory: int, fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    early = pl.DataFrame({"a": range(40), "late": [None] * 40, "one": [1] * 40})
    end = pl.DataFrame({"a": [0.5], "late": [{"x": 1}], "one": [[1, 2]]})
    folder = fake({"1.parquet": [early], "2.parquet": [end]})
    monkeypatch.setattr("dure.data.make._LEAST_MEMORY", 1)
    examples = make_examples(folder, splits={"all": 1}, memory=max(memory, 4))
    assert examples.columns == {"a": "float", "late": "struct[x: int]", "one": "list[int]"}
    assert len(examples.parts("all")) == 3
    files = saved(examples, tmp_path)
    for name in files:
        if name.endswith("parquet"):
            stored = pl.read_parquet(tmp_path / f"saved-{next(_names) - 1}" / name)
            assert dict(stored.schema) == {
                "a": pl.Float64,
                "late": pl.Struct({"x": pl.Int64}),
                "one": pl.List(pl.Int64),
            }
            break
    values = examples.frame("all")
    assert values["a"].to_list() == [*map(float, range(40)), 0.5]
    assert values["late"].to_list() == [None] * 40 + [{"x": 1}]
    assert values["one"].to_list() == [[1]] * 40 + [[1, 2]]


def test_numbers_that_turn_out_to_be_text_keep_their_zeros(fake: Fake) -> None:
    seen: list[dict[str, str]] = []

    def read(_: Location, options: ReadOptions) -> Iterator[Batch]:
        seen.append(dict(options.types))
        text = pl.DataFrame({"zip": ["007", "010"], "n": ["1", "2"]})
        kinds = {"zip": pl.String if "zip" in options.types else pl.Int64, "n": pl.Int64}
        yield Batch(text.cast(kinds))
        yield Batch(pl.DataFrame({"zip": ["A1"], "n": [3]}))
        yield Batch(pl.DataFrame({"zip": ["A2"], "n": [0.5]}))

    examples = make_examples(fake({"a.csv": read}), splits={"all": 1})
    assert examples.frame("all")["zip"].to_list() == ["007", "010", "A1", "A2"]
    assert examples.columns == {"zip": "string", "n": "float"}
    assert seen == [{}, {"zip": "string"}]
    assert examples.files[0].kept == 4


def test_where_types_are_not_a_matter_of_reading_two_are_an_error(fake: Fake) -> None:
    folder = fake(
        {"1.parquet": [pl.DataFrame({"a": [1]})], "2.parquet": [pl.DataFrame({"a": ["x"]})]}
    )
    with pytest.raises(DataError, match="column 'a' has more than one type") as caught:
        make_examples(folder)
    assert "1.parquet" in str(caught.value)
    assert "2.parquet" in str(caught.value)


def test_a_column_that_turns_up_late_is_there_from_the_first_row(fake: Fake) -> None:
    first, second = pl.DataFrame({"a": [1, 2]}), pl.DataFrame({"b": ["x"], "a": [3]})
    folder = fake({"1.jsonl": [first, second], "2.jsonl": [first]})
    examples = make_examples(folder, splits={"all": 1})
    assert examples.frame("all").rows() == [(1, None), (2, None), (3, "x"), (1, None), (2, None)]
    assert [(file.name, file.kept) for file in examples.files] == [("1.jsonl", 3), ("2.jsonl", 2)]


def test_a_source_that_changes_between_two_readings_is_an_error(fake: Fake) -> None:
    readings = itertools.count()

    def read(_: Location, __: ReadOptions) -> Iterator[Batch]:
        yield Batch(pl.DataFrame({"a": [1]}))
        yield Batch(pl.DataFrame({f"b{next(readings)}": [1]}))

    with pytest.raises(DataError, match="changed while it was read"):
        make_examples(fake({"a.jsonl": read}))


def test_files_with_other_columns_are_an_error_that_names_both(fake: Fake) -> None:
    one, two = pl.DataFrame({"a": [1], "b": [2]}), pl.DataFrame({"b": [1], "c": [2]})
    with pytest.raises(
        DataError, match=r"columns of '.*2\.parquet' differ from .*1\.parquet'"
    ) as caught:
        make_examples(fake({"1.parquet": [one], "2.parquet": [two]}))
    assert "'a' is missing" in str(caught.value)
    assert "'c' is not in" in str(caught.value)


def test_columns_in_another_order_are_the_same_columns(fake: Fake) -> None:
    one, two = pl.DataFrame({"a": [1], "b": ["x"]}), pl.DataFrame({"b": ["y"], "a": [2]})
    examples = make_examples(fake({"1.parquet": [one], "2.parquet": [two]}), splits={"all": 1})
    assert examples.frame("all").rows() == [(1, "x"), (2, "y")]


def test_a_column_without_any_value_is_text(fake: Fake) -> None:
    void = pl.DataFrame({"a": [1, 2], "n": [None, None]})
    examples = make_examples(fake({"1.parquet": [void]}), splits={"all": 1})
    assert examples.columns == {"a": "int", "n": "string"}
    declared = pl.DataFrame({"a": [1], "n": pl.Series([None], dtype=pl.Int32)})
    assert make_examples(declared, splits={"all": 1}).columns["n"] == "int"


@pytest.mark.parametrize("found", [2, 4])
def test_rows_that_were_lost_or_made_are_an_error(found: int, fake: Fake) -> None:
    folder = fake({"a.parquet": [Batch(pl.DataFrame({"a": [1, 2, 3]}), found=found)]})
    with pytest.raises(DataError, match=r"a\.parquet': rows were lost or made") as caught:
        make_examples(folder)
    assert f"{found} rows" in str(caught.value)
    assert "fault of Dure" in str(caught.value)


def bad(rows: int, good: int = 100) -> list[Batch]:
    refused = tuple(Refused("a.csv", f"line {i}", "it is bad", f"text {i}") for i in range(rows))
    return [Batch(pl.DataFrame({"a": range(good)}), refused, found=good + rows)]


def test_a_bad_row_is_an_error_unless_told_otherwise(fake: Fake) -> None:
    with pytest.raises(DataError, match=r"a\.csv, line 0: it is bad") as caught:
        make_examples(fake({"a.csv": bad(2)}))
    assert 'on_bad_rows="quarantine"' in str(caught.value)


def test_bad_rows_are_set_aside_counted_and_kept(fake: Fake, tmp_path: Path) -> None:
    folder = fake({"a.csv": bad(10), "b.csv": bad(0, 5)})
    examples = make_examples(folder, on_bad_rows="quarantine", splits={"all": 1})
    assert examples.refused == 10
    assert [(f.name, f.found, f.kept, f.refused) for f in examples.files] == [
        ("a.csv", 110, 100, 10),
        ("b.csv", 5, 5, 0),
    ]
    saved(examples, tmp_path)
    loaded = Examples.load(next(tmp_path.glob("saved-*")))
    for one in (examples, loaded):
        assert one.quarantine().columns == ["file", "place", "reason", "text"]
        assert one.quarantine().row(3) == ("a.csv", "line 3", "it is bad", "text 3")
        assert one.quarantine().height == 10
        assert one.files == examples.files
    assert make_examples(pl.DataFrame({"a": [1]}), splits={"all": 1}).quarantine().height == 0


@pytest.mark.parametrize("limit", [9, 0.05, 0])
def test_more_bad_rows_than_the_limit_are_an_error(limit: float, fake: Fake) -> None:
    with pytest.raises(DataError, match="too many rows") as caught:
        make_examples(fake({"a.csv": bad(10)}), on_bad_rows="quarantine", max_bad_rows=limit)
    assert f"max_bad_rows={limit}" in str(caught.value)
    assert "line 0: it is bad" in str(caught.value)


@pytest.mark.parametrize("limit", [10, 0.1, 1.0])
def test_as_many_bad_rows_as_the_limit_are_not(limit: float, fake: Fake) -> None:
    folder = fake({"a.csv": bad(10)})
    assert make_examples(folder, on_bad_rows="quarantine", max_bad_rows=limit).refused == 10


@pytest.mark.parametrize("limit", [-1, 1.5, True, "all", float("nan")])
def test_a_limit_that_is_none_is_refused(limit: object) -> None:
    with pytest.raises(UsageError, match="max_bad_rows is wrong"):
        make_examples(pl.DataFrame({"a": [1]}), max_bad_rows=limit)  # type: ignore[arg-type]


def test_a_large_quarantine_waits_in_files_and_is_the_same(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fake({"a.csv": [batch for _ in range(5) for batch in bad(30)]})
    found = []
    for chunk in (40, 40, 1000):
        monkeypatch.setattr("dure.data.quarantine._CHUNK", chunk)
        examples = make_examples(folder, on_bad_rows="quarantine", max_bad_rows=1.0)
        assert examples.quarantine()["place"].to_list() == [f"line {i}" for i in range(30)] * 5
        found.append(saved(examples, tmp_path))
    assert found[0] == found[1]
    assert len(found[2]) == len(found[0])


def test_many_splits_keep_their_rows_in_order(fake: Fake) -> None:
    frame = pl.DataFrame({"a": range(1000)})
    shares = {f"s{i}": 1.0 for i in range(12)}
    examples = make_examples(fake({"a.parquet": [frame[:500], frame[500:]]}), splits=shares)
    values = [examples.frame(split)["a"].to_list() for split in examples.splits]
    assert all(each == sorted(each) for each in values)
    assert sorted(itertools.chain(*values)) == list(range(1000))


def test_a_real_reader_is_found() -> None:
    assert callable(reader_of("parquet"))
