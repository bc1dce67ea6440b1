"""Versions are kept as they were, and damage to them is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from dure.errors import StoreError
from dure.schema import Column, Schema
from dure.schema.history import LOG, SchemaHistory

FIRST = Schema({"fare": Column("float", min=0)})
SECOND = Schema({"fare": Column("float", min=-1), "tip": Column("float")})


@pytest.fixture
def history(tmp_path: Path) -> SchemaHistory:
    made = SchemaHistory(tmp_path / "schemas")
    made.append(FIRST, who="Ada", why="a first draft", when="2026-01-01")
    made.append(SECOND, who="Bo", why="refunds are negative", when="2026-01-02")
    return made


def test_versions_are_counted_and_say_who_why_when_and_what(history: SchemaHistory) -> None:
    one, two = history.versions()
    assert (one.number, one.who, one.why, one.when) == (1, "Ada", "a first draft", "2026-01-01")
    assert two.changes == ("'tip': column added: float, presence 0", "'fare': min 0 → -1")
    assert history.read(1) == FIRST
    assert history.latest() == history.read(2) == SECOND
    assert history.diff(2, 1) == ("'tip': column removed", "'fare': min -1 → 0")
    assert history.text().splitlines() == [
        "1  2026-01-01  Ada: a first draft",
        "2  2026-01-02  Bo: refunds are negative",
        "     'tip': column added: float, presence 0",
        "     'fare': min 0 → -1",
    ]


def test_an_empty_history_has_no_version(tmp_path: Path) -> None:
    history = SchemaHistory(tmp_path / "none")
    assert history.versions() == ()
    assert history.latest() is None
    assert history.text() == "no version yet"
    with pytest.raises(StoreError, match="no version 1") as caught:
        history.read(1)
    assert "append it" in str(caught.value)


def test_the_same_schema_is_no_new_version(history: SchemaHistory) -> None:
    again = history.append(SECOND, who="Cy", why="nothing", when="2026-01-03")
    assert again == history.versions()[-1]
    assert len(history.versions()) == 2


def test_an_old_version_comes_back_as_a_new_one(history: SchemaHistory) -> None:
    version = history.restore(1, who="Cy", when="2026-01-03")
    assert (version.number, version.why) == (3, "version 1 again")
    assert history.latest() == FIRST
    assert history.read(2) == SECOND


def test_the_same_calls_write_the_same_bytes(history: SchemaHistory, tmp_path: Path) -> None:
    other = SchemaHistory(tmp_path / "other")
    other.append(FIRST, who="Ada", why="a first draft", when="2026-01-01")
    other.append(SECOND, who="Bo", why="refunds are negative", when="2026-01-02")
    files = sorted(path.name for path in history.directory.iterdir())
    assert files == ["1.yaml", "2.yaml", LOG]
    for name in files:
        assert (history.directory / name).read_bytes() == (other.directory / name).read_bytes()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda text: text[:-1], [f"{LOG}:2", "not written whole"]),
        (lambda text: text.replace('"who": "Bo"', '"who": 3'), [f"{LOG}:2", "no text"]),
        (lambda text: text.replace('"number": 2', '"number": 3'), [f"{LOG}:2", "number 3"]),
        (lambda text: text.replace('"changes": []', '"changes": 3'), [f"{LOG}:1", "no list"]),
        (lambda text: text.replace('"why"', '"wyh"'), [f"{LOG}:1", "KeyError", "why"]),
        (lambda text: "x" + text, [f"{LOG}:1", "JSONDecodeError"]),
        (lambda text: "[]\n" + text, [f"{LOG}:1", "TypeError"]),
        (lambda text: "[" * 100_000 + "\n", [f"{LOG}:1"]),
    ],
)
def test_a_damaged_log_is_named_with_its_line(
    history: SchemaHistory, spoil: object, words: list[str]
) -> None:
    path = history.directory / LOG
    path.write_text(spoil(path.read_text("utf-8")), encoding="utf-8")  # type: ignore[operator]
    with pytest.raises(StoreError) as caught:
        history.append(FIRST, who="Cy", why="x", when="2026")
    for word in words:
        assert word in str(caught.value)


def test_a_version_that_was_changed_is_not_read(history: SchemaHistory) -> None:
    (history.directory / "1.yaml").write_text("columns: {}\n")
    with pytest.raises(StoreError, match="is not what version 1 was"):
        history.read(1)
    (history.directory / "1.yaml").unlink()
    with pytest.raises(StoreError, match="cannot be read"):
        history.read(1)


def test_a_crash_before_the_log_leaves_the_history_as_it_was(
    history: SchemaHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dure.schema import history as module

    put = module._put

    def crash(path: Path, text: str) -> None:
        if path.name == LOG:
            raise OSError("no space left")
        put(path, text)

    third = Schema({"fare": Column("int")})
    monkeypatch.setattr(module, "_put", crash)
    with pytest.raises(StoreError, match="cannot be written"):
        history.append(third, who="Cy", why="x", when="2026-01-03")
    assert history.latest() == SECOND
    monkeypatch.setattr(module, "_put", put)
    assert history.append(FIRST, who="Cy", why="x", when="2026-01-03").number == 3
    assert history.latest() == FIRST


def test_a_log_that_is_no_text_is_named(history: SchemaHistory) -> None:
    (history.directory / LOG).write_bytes(b"\xff")
    with pytest.raises(StoreError, match="cannot be read"):
        history.versions()
