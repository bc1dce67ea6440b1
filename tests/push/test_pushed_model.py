"""The record of a release: on disk, in a terminal, on a page."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from dure.gate import Check, Gate
from dure.push import PushedModel

GATE = Gate((Check("auc >= 0.7", "pass", "auc is 0.81 <0.7, 0.9>", value=0.81, count=120),))
RECORDS = [
    PushedModel("taxi", 3, "serving/taxi/3"),
    PushedModel("taxi", 3, "serving/taxi/3", GATE),
    PushedModel("taxi", 3, "serving/taxi/3", Gate()),
    PushedModel(
        "남태평양 '펭귄'", 12, "serving/남태평양 '펭귄'/12", GATE, {"섬": "비스코", "x": 1.5}
    ),
]


@pytest.mark.parametrize("record", RECORDS)
def test_what_is_loaded_equals_what_was_saved(record: PushedModel, tmp_path: Path) -> None:
    record.save(tmp_path)
    assert PushedModel.load(tmp_path) == record


@pytest.mark.parametrize("record", RECORDS)
def test_the_same_record_writes_the_same_bytes(record: PushedModel, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        record.save(tmp_path / name)
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["pushed.json"]
    first, second = ((tmp_path / name / "pushed.json").read_bytes() for name in "ab")
    assert first == second
    assert json.loads(first)["version"] == record.version


@pytest.mark.parametrize("record", RECORDS)
def test_the_commands_shown_are_one_word_each_for_a_shell(record: PushedModel) -> None:
    serve, curl = record.text().rpartition("\n\n")[2].split("\n", 1)
    assert shlex.split(serve) == ["dure", "serve", str(Path(record.path).parent)]
    words = shlex.split(curl.replace("\\\n", ""))  # a shell joins the lines, shlex does not
    assert words[0] == "curl"
    assert words[1].startswith("http://127.0.0.1:8501/v1/models/")
    if record.example is not None:
        assert json.loads(words[3]) == {"instances": [record.example]}


class Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def handle_data(self, data: str) -> None:
        self.seen.append(data)


@pytest.mark.parametrize("record", RECORDS)
def test_the_page_says_what_the_terminal_says(record: PushedModel) -> None:
    page = Text()
    page.feed(str(record.html()))
    seen = "".join(page.seen)
    for part in (record.name, str(record.version), record.path, "dure serve", "curl"):
        assert part in seen
    for reason in () if record.verdict is None else record.verdict.reasons:
        assert reason in seen
        assert reason in record.text()
    assert "<script" not in str(record.html())
    assert record.name in record.summary()
    assert "\n" not in record.summary()


def test_a_push_and_its_record_load_no_heavy_package(tmp_path: Path) -> None:
    code = """
import sys
from dure.gate import Gate
from dure.push import PushedModel, push
from pathlib import Path
(Path(sys.argv[1]) / "model").mkdir()
(Path(sys.argv[1]) / "model" / "saved_model.pb").write_bytes(b"x")
pushed = push(Path(sys.argv[1]) / "model", to=Path(sys.argv[1]) / "taxi", gate=Gate())
pushed.text(), pushed.html(), pushed.summary()
heavy = {"tensorflow", "keras", "polars", "sqlalchemy", "numpy", "dure.pipeline", "dure.train"}
print(sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_package_lists_what_it_has() -> None:
    import dure.push

    assert set(dure.push.__all__) <= set(dir(dure.push))
    for name in dure.push.__all__:
        assert getattr(dure.push, name)
    with pytest.raises(AttributeError, match="pull"):
        dure.push.pull  # type: ignore[attr-defined] # noqa: B018 - the look-up is the test
