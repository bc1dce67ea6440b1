"""What the documentation shows is what happens: its blocks run, in their order, in a new folder."""

from __future__ import annotations

import ast
import importlib
import os
import re
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "README.ko.md", ROOT / "CONTRIBUTING.md"]
PAGES += sorted((ROOT / "docs").glob("*.md"))
LINK = re.compile(r"\]\(([^)#\s]+)")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> list[str]:
    return [body for tag, body in BLOCK.findall(page.read_text("utf-8")) if tag == language]


# The page about training goes on where the one about features ends.
BEFORE = {"train": ("transform", 'raw_frame = examples.frame("eval")')}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    rows = (f"{i % 17 / 2},{'ABC'[i % 3]},{i % 24},{i % 5},{5 + i % 7}" for i in range(600))
    header = "trip_miles,company,trip_start_hour,tips,fare\n"
    (tmp_path / "trips.csv").write_text(header + "\n".join(rows) + "\n")
    return tmp_path


def environment(folder: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("DURE_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    return {**kept, "PATH": path, "HOME": str(folder)}


def is_excerpt(block: str) -> bool:
    """Whether a block is a part of the penguins example, which is run as a whole."""
    return "def preprocess(x)" in block and "@dure.pipeline" in block


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_python_of_a_page_runs(page: Path, folder: Path) -> None:
    found = [block for block in blocks(page, "python") if not is_excerpt(block)]
    if page.stem == "lineage":
        pytest.skip("its blocks need each other's records: tests/lineage/test_lineage_docs.py")
    if not found:
        pytest.skip("the page shows no Python of its own")
    if page.stem in BEFORE:
        earlier, bridge = BEFORE[page.stem]
        found = [*blocks(ROOT / f"docs/{earlier}.md", "python"), bridge, *found]
    script = folder / "page.py"
    script.write_text("\n".join(found), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:__main__", str(script)],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_commands_of_the_readme_run_in_an_empty_home(folder: Path) -> None:
    commands = [b for b in blocks(ROOT / "README.md", "bash") if not b.startswith("make ")]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])  # 8501 may be taken here
    script = "set -e\n" + "\n".join(commands).replace("8501", port)
    script = script.replace(
        "dure serve serving/penguins", f"dure serve serving/penguins --port {port}"
    )
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "8 ran, 0 reused" in said
    assert "0 ran, 8 reused" in said
    assert "setting epochs changed: 20 → 40" in said
    assert '"predictions"' in said
    assert "0 errors, 0 warnings in 344 rows" in said


def test_the_excerpt_in_the_readmes_is_the_example() -> None:
    example = shape((ROOT / "examples/penguins/penguins.py").read_text("utf-8"))
    for page in PAGES[:2]:
        (excerpt,) = [block for block in blocks(page, "python") if is_excerpt(block)]
        missing = shape(excerpt) - example
        assert not missing, missing


def shape(source: str) -> set[str]:
    """Return each statement of a module without comments, docstrings and layout."""
    found = set()
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.FunctionDef) and ast.get_docstring(statement):
            statement.body = statement.body[1:]
        found.add(ast.unparse(statement))
    return found


def test_links_between_the_pages_lead_somewhere() -> None:
    pages = [*PAGES, *sorted((ROOT / "docs/decisions").glob("*.md"))]
    links = [(page, to) for page in pages for to in LINK.findall(page.read_text("utf-8"))]
    broken = [
        f"{page.name}: {to}"
        for page, to in links
        if "://" not in to and not (page.parent / to).exists()
    ]
    assert broken == []


def test_every_word_has_its_page() -> None:
    words = {path.name for path in (ROOT / "dure").iterdir() if (path / "__init__.py").exists()}
    without = words - {path.stem for path in (ROOT / "docs").glob("*.md")} - {"terminal"}
    assert without == set()


SHELLS = [ROOT / "docs/cli.md", ROOT / "examples/data/README.md"]


@pytest.mark.slow
@pytest.mark.parametrize("page", SHELLS, ids=lambda page: page.name)
def test_the_commands_of_a_page_run(page: Path, folder: Path) -> None:
    if page.stem == "cli":
        pytest.importorskip("tensorflow_metadata", reason="the extra 'tfx' is not installed")
    done = subprocess.run(
        ["bash", "-ec", "\n".join(blocks(page, "bash"))],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    shown = [line for block in blocks(page, "text") for line in block.splitlines()]
    assert [line for line in shown if line not in done.stdout.splitlines()] == []


def test_the_korean_readme_mirrors_the_english() -> None:
    english, korean = (page.read_text("utf-8") for page in PAGES[:2])
    assert [links(text) for text in parts(english)] == [links(text) for text in parts(korean)]
    for mark in ("|", "- **"):
        lines = [
            [sum(line.startswith(mark) for line in part.splitlines()) for part in parts(text)]
            for text in (english, korean)
        ]
        assert lines[0] == lines[1], mark
    assert commands(english) == commands(korean)


def parts(text: str) -> list[str]:
    return re.split(r"^## ", text, flags=re.MULTILINE)


def links(text: str) -> set[str]:
    return set(LINK.findall(text)) - {"README.md", "README.ko.md"}


def commands(text: str) -> list[str]:
    """Return the command lines that a page shows, less comments and what waits for a server."""
    words = ("dure ", "pip ", "make ")
    lines = [line.split("#")[0].strip() for line in text.splitlines() if line.startswith(words)]
    return [line for line in lines if line]


def test_every_command_stands_on_its_page_and_in_the_readme() -> None:
    from dure.cli import _parser

    groups = _parser()._subparsers._group_actions
    inner = groups[0].choices["schema"]._subparsers._group_actions
    words = [*groups[0].choices, *inner[0].choices]
    page = (ROOT / "docs/cli.md").read_text("utf-8")
    table = parts(PAGES[0].read_text("utf-8"))[6]
    assert [word for word in words if not re.search(rf"\b{word}\b", page)] == []
    assert [word for word in words if not re.search(rf"\b{word}\b", table)] == []


def test_the_readme_names_every_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    install = parts(PAGES[0].read_text("utf-8"))[4]
    extras = project["optional-dependencies"]
    assert [name for name in extras if not re.search(rf"[`\[]{name}[`\]]", install)] == []


def test_decisions_are_numbered_through() -> None:
    for number, path in enumerate(sorted((ROOT / "docs/decisions").glob("*.md")), start=1):
        assert path.name.startswith(f"{number:04}-")
        assert path.read_text("utf-8").startswith(f"# {number}. ")


NAME = re.compile(r"`(dure(?:\.\w+)+)")
PLACE = re.compile(r"`((?:dure|tests|docs|examples|benchmarks)/[\w./-]+)`")


def exists(name: str) -> bool:
    """Whether a dotted name is a module, or something in one."""
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        home, _, last = name.rpartition(".")
        return bool(home) and hasattr(importlib.import_module(home), last)
    return True


def test_what_the_pages_name_is_there() -> None:
    pages = [*PAGES, *sorted((ROOT / "docs/decisions").glob("*.md"))]
    names = {(page.name, name) for page in pages for name in NAME.findall(page.read_text("utf-8"))}
    assert [found for found in sorted(names) if not exists(found[1])] == []


def test_the_files_that_the_pages_name_are_there() -> None:
    places = {
        (page.name, place) for page in PAGES for place in PLACE.findall(page.read_text("utf-8"))
    }
    places.discard(("CONTRIBUTING.md", "dure/counts/__init__.py"))  # it shows how to make this one
    assert [found for found in sorted(places) if not (ROOT / found[1]).exists()] == []
