"""`Examples`: what is in memory is what is on disk, byte for byte each time."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from dure.data import Examples, make_examples
from dure.errors import DataError, StoreError, UsageError

FRAME = pl.DataFrame(
    {
        "miles": [0.5 * i for i in range(90)],
        "company": [None if i % 7 == 0 else f"회사 {i % 5}" for i in range(90)],
        "hour": list(range(90)),
        "paid": [i % 3 == 0 for i in range(90)],
    }
)


def saved(examples: Examples, folder: Path) -> Path:
    folder.mkdir()
    examples.save(folder)
    return folder


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    examples = make_examples(FRAME)
    loaded = Examples.load(saved(examples, tmp_path / "a"))
    assert loaded.splits == ("train", "eval")
    assert loaded.columns == {"miles": "float", "company": "string", "hour": "int", "paid": "bool"}
    assert loaded.rows == examples.rows
    assert sum(loaded.rows.values()) == 90
    assert (loaded.refused, loaded.source) == (0, "DataFrame")
    for split in loaded.splits:
        assert_frame_equal(loaded.frame(split), examples.frame(split))
        assert_frame_equal(loaded.scan(split).collect(), examples.frame(split))
    both = pl.concat([loaded.frame(split) for split in loaded.splits])
    assert_frame_equal(both.sort("hour"), FRAME)


def test_columns_are_chosen_in_the_order_asked_for() -> None:
    examples = make_examples(FRAME)
    assert examples.frame("train", ["paid", "miles"]).columns == ["paid", "miles"]
    assert examples.frame("train", []).width == 0


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    FRAME.write_csv(path)
    first = digests(saved(make_examples(path), tmp_path / "a"))
    chunked = pl.concat([FRAME[:40], FRAME[40:]], rechunk=False)
    again = Examples.load(tmp_path / "a")
    assert first == digests(saved(make_examples(path), tmp_path / "b"))
    assert first == digests(saved(again, tmp_path / "c"))
    parts = {split: again.frame(split) for split in again.splits}
    rows = {name: digest for name, digest in first.items() if name.endswith("parquet")}
    for name, other in (("d", Examples.from_frames(parts)), ("e", make_examples(chunked))):
        of_other = digests(saved(other, tmp_path / name))
        assert {k: v for k, v in of_other.items() if k.endswith("parquet")} == rows
    assert set(first) == {
        "examples.json",
        "train/part-00000.parquet",
        "eval/part-00000.parquet",
    }


def test_another_process_writes_the_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    FRAME.write_csv(path)
    first = digests(saved(make_examples(path), tmp_path / "a"))
    (tmp_path / "b").mkdir()
    code = (
        "import sys, pathlib; from dure.data import make_examples;"
        "make_examples(sys.argv[1]).save(pathlib.Path(sys.argv[2]))"
    )
    subprocess.run([sys.executable, "-c", code, path, tmp_path / "b"], check=True)
    assert digests(tmp_path / "b") == first


def test_the_source_is_named_without_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    FRAME.write_csv(path)
    examples = make_examples(path)
    assert examples.source == "data.csv"
    assert str(tmp_path) not in json.dumps(examples._record())
    assert make_examples(str(tmp_path / "*.csv")).source == "*.csv"
    assert make_examples(tmp_path).source == tmp_path.name


def test_bad_rows_are_refused_counted_and_remarked(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    rows = [f"{i},x" if i % 10 else f"{i}" for i in range(50)]
    path.write_text("\n".join(["a,b", *rows]))
    with pytest.raises(DataError, match="line 2"):
        make_examples(path)
    examples = make_examples(path, on_bad_rows="quarantine", types={"a": "int"})
    assert examples.refused == 5
    assert sum(examples.rows.values()) == 45
    assert examples.remarks[:2] == (
        "data.csv, line 2: 1 field instead of 2",
        "data.csv, line 12: 1 field instead of 2",
    )
    loaded = Examples.load(saved(examples, tmp_path / "a"))
    assert (loaded.refused, loaded.remarks) == (5, examples.remarks)
    assert "5 refused" in loaded.summary()
    assert "line 12" in loaded.text()
    assert "line 12" in loaded.html()
    assert loaded.quarantine().height == 5
    assert loaded.files == examples.files
    with pytest.raises(UsageError, match="on_bad_rows"):
        make_examples(path, on_bad_rows="drop")  # type: ignore[arg-type]


def test_a_value_after_refused_rows_is_located_by_its_physical_line(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("a,b\n1\n\n2,x\n3,4,5\nbad,y\n")
    examples = make_examples(
        path, on_bad_rows="quarantine", max_bad_rows=1.0, types={"a": "int"}, splits={"all": 1}
    )
    assert examples.quarantine()["place"].to_list() == ["line 2", "line 5", "line 6"]


def test_all_rows_refused_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("a,b\n1\n2\n")
    with pytest.raises(DataError, match="all 2 rows"):
        make_examples(path, on_bad_rows="quarantine", max_bad_rows=1.0)


def test_frames_that_are_split_already_keep_their_splits() -> None:
    examples = Examples.from_frames(
        {
            "train": pl.DataFrame({"a": [1, 2], "b": ["x", None], "n": [None, None]}),
            "test": pl.DataFrame({"b": ["y"], "n": [True], "a": [0.5]}),
        }
    )
    assert examples.splits == ("train", "test")
    assert examples.columns == {"a": "float", "b": "string", "n": "bool"}
    assert examples.frame("train").rows() == [(1.0, "x", None), (2.0, None, None)]
    assert examples.frame("test").rows() == [(0.5, "y", True)]


def test_frames_that_do_not_belong_together_are_refused() -> None:
    one = pl.DataFrame({"a": [1]})
    with pytest.raises(DataError, match="columns of split 'eval' differ"):
        Examples.from_frames({"train": one, "eval": pl.DataFrame({"b": [1]})})
    with pytest.raises(DataError, match="more than one type"):
        Examples.from_frames({"train": one, "eval": pl.DataFrame({"a": ["x"]})})
    with pytest.raises(DataError, match="split 'eval' is empty"):
        Examples.from_frames({"train": one, "eval": one.clear()})
    with pytest.raises(UsageError, match="no splits"):
        Examples.from_frames({})
    with pytest.raises(UsageError, match="cannot name a split"):
        Examples.from_frames({"a/b": one})


def test_unknown_splits_and_columns_are_refused_with_the_nearest() -> None:
    examples = make_examples(FRAME)
    with pytest.raises(UsageError) as caught:
        examples.frame("traim")
    assert "did you mean 'train'" in str(caught.value)
    with pytest.raises(UsageError) as caught:
        examples.frame("train", ["mile"])
    assert "did you mean 'miles'" in str(caught.value)


def test_a_folder_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    folder = saved(make_examples(FRAME), tmp_path / "a")
    examples = Examples.load(folder)
    path = folder / "train" / "part-00000.parquet"
    pl.read_parquet(path).head(3).write_parquet(path)
    with pytest.raises(StoreError, match="not whole"):
        examples.frame("train")
    path.unlink()
    with pytest.raises(StoreError, match="is gone"):
        examples.frame("train")
    for content in ("", "[]", "{}", '{"format": 9}'):
        (folder / "examples.json").write_text(content)
        with pytest.raises(StoreError, match="does not describe examples"):
            Examples.load(folder)
    with pytest.raises(StoreError, match="does not describe examples"):
        Examples.load(tmp_path)


def test_a_full_disk_is_said_to_be_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise pl.exceptions.ComputeError("parquet: No space left on device (os error 28)")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", refuse)
    with pytest.raises(StoreError, match="cannot write") as caught:
        saved(make_examples(FRAME), tmp_path / "a")
    assert "No space left" in str(caught.value)


def test_loading_and_drawing_import_no_polars(tmp_path: Path) -> None:
    folder = saved(make_examples(FRAME), tmp_path / "a")
    code = (
        "import sys, pathlib; from dure.data import Examples;"
        "e = Examples.load(pathlib.Path(sys.argv[1]));"
        "e.summary(), e.text(), e.html(), e.gate, e._repr_html_(), repr(e);"
        "bad = {'polars', 'numpy', 'tensorflow', 'keras'} & set(sys.modules);"
        "sys.exit(str(bad) if bad else 0)"
    )
    subprocess.run([sys.executable, "-c", code, folder], check=True)


def test_text_has_the_types_in_neighbouring_lines() -> None:
    examples = Examples.from_frames({"train": pl.DataFrame({"a": [1], "b": ["x"], "c": [2]})})
    assert examples.text().splitlines() == [
        "DataFrame: 1 row, 3 columns, train 1",
        "",
        "  train                             1  100.0 %",
        "",
        "int: a, c",
        "string: b",
    ]


def test_text_fits_eighty_columns_and_html_escapes(tmp_path: Path) -> None:
    frame = pl.DataFrame({f"<b>{'long' * 30}{i}": [1, 2, 3] for i in range(9)})
    examples = Examples.from_frames({"train": frame, "eval": frame}, source="<i>" + "x" * 200)
    assert max(len(line) for line in examples.text().splitlines()) <= 80
    assert "<b>" not in examples.html()
    assert "<i>" not in examples.html()
    assert "50.0 %" in examples.html()
