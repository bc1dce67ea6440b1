"""What the page about lineage shows is what happens."""

import re
import sqlite3
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "lineage.md"


@pytest.fixture
def blocks(tmp_path, monkeypatch):
    """The page's blocks by language, in a folder of their own."""
    monkeypatch.chdir(tmp_path)
    found = {}
    for language, code in re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL):
        found.setdefault(language, []).append(code)
    return found


def test_the_blocks_run(blocks, capsys):
    asking, writing = blocks["python"]
    exec(compile(writing, "writing", "exec"), {})
    assert capsys.readouterr().out == ""
    exec(compile(asking, "asking", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("train COMPLETE {'output': ArtifactRecord(type='Model'")
    assert lines[1] == "1 train OUTPUT output Model:9f2c"
    (query,) = blocks["sql"]
    connection = sqlite3.connect(".dure/lineage.db")
    assert connection.execute(query).fetchall() == []
    connection.close()
