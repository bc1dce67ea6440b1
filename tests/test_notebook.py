"""In a notebook the calls run one by one, are remembered, and draw themselves."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent

CELLS = [
    "import dure\nfrom dure.transform import scale_to_z_score",
    "examples = dure.ExampleGen('penguins.csv')\nexamples",
    "statistics = dure.StatisticsGen(examples)\nstatistics",
    "schema = dure.SchemaGen(statistics)\nprint(schema.columns['island'].domain)",
    "dure.ExampleValidator(statistics, schema)",
    "dure.ExampleGen('penguins.csv').rows",
    (
        "TIMES = 2\n"
        "@dure.component\n"
        "def Draft(statistics: dure.Statistics) -> dure.Schema:\n"
        "    from dure.schema import infer\n"
        "    return infer(statistics, max_domain=TIMES)\n"
        "len(Draft(statistics).columns)"
    ),
    "TIMES = 50\nlen(Draft(statistics).columns)",
    "len(Draft(statistics).columns)",
    "dure.ExampleGen('nowhere.csv')",
]


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("notebook")
    (folder / "penguins.csv").write_bytes((ROOT / "examples/penguins/penguins.csv").read_bytes())
    before = dict(os.environ)
    # The kernel is a process of its own: no home of this user, no settings of this machine.
    os.environ.update(HOME=str(folder), IPYTHONDIR=str(folder), JUPYTER_PLATFORM_DIRS="1")
    os.environ.pop("DURE_HOME", None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the notebook libraries themselves
            import nbformat
            from nbclient import NotebookClient

            notebook = nbformat.v4.new_notebook()
            notebook.cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
            NotebookClient(
                notebook,
                timeout=120,
                kernel_name="python3",
                allow_errors=True,
                resources={"metadata": {"path": str(folder)}},
            ).execute()
    finally:
        os.environ.clear()
        os.environ.update(before)
    return notebook.cells


def said(cell: Any, name: str = "stderr") -> str:
    return "".join(o.text for o in cell.outputs if o.output_type == "stream" and o.name == name)


def shown(cell: Any, kind: str) -> str:
    return "".join(
        output.data.get(kind, "")
        for output in cell.outputs
        if output.output_type == "execute_result"
    )


@pytest.mark.slow
def test_each_call_says_what_it_did(cells: Any) -> None:
    assert said(cells[1]).startswith("ExampleGen: ran in")
    assert said(cells[2]).startswith("StatisticsGen: ran in")
    assert "ExampleGen: reused (nothing changed since run" in said(cells[5])


@pytest.mark.slow
def test_artifacts_draw_themselves(cells: Any) -> None:
    for cell in (cells[1], cells[2], cells[4]):
        page = shown(cell, "text/html")
        assert 'class="dure' in page
        assert "<script" not in page
    assert "bill_length_mm" in shown(cells[2], "text/html")
    assert shown(cells[1], "text/plain").startswith("<Examples: 344 rows")


@pytest.mark.slow
def test_values_are_read_as_if_the_call_had_returned_them(cells: Any) -> None:
    assert "('Biscoe', 'Dream', 'Torgersen')" in said(cells[3], "stdout")
    assert "'train': 231" in shown(cells[5], "text/plain")


@pytest.mark.slow
def test_a_changed_constant_of_a_cell_runs_what_reaches_it(cells: Any) -> None:
    assert "it has not run before" in said(cells[6])
    assert "code __main__.TIMES changed" in said(cells[7])
    assert "reused" in said(cells[8])


@pytest.mark.slow
def test_an_error_is_raised_in_its_cell(cells: Any) -> None:
    (error,) = [output for output in cells[9].outputs if output.output_type == "error"]
    assert error.ename == "StepFailedError"
    assert "nowhere.csv" in error.evalue
    assert "to do:" in error.evalue
