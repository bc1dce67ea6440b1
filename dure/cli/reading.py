"""Options that say how data is read, for every word that reads data."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Any

from dure.cli.shared import Options, say
from dure.errors import DureError, UsageError

if TYPE_CHECKING:
    from dure.data import Examples
    from dure.statistics import Statistics

DATA = "a file, folder, pattern or URL; examples or statistics kept as an artifact; .pb, .pbtxt"


def add_reading(command: argparse.ArgumentParser) -> None:
    """Add the options."""
    group = command.add_argument_group("how the data is read")
    group.add_argument("--format", help="its format, where its name does not say it")
    group.add_argument("--delimiter", help="what parts the fields of CSV (default: a comma)")
    group.add_argument(
        "--quote", metavar="CHAR", help='what encloses fields of CSV (default: "); none: nothing'
    )
    group.add_argument("--encoding", default="utf-8", help="of text (default utf-8)")
    group.add_argument(
        "--strip", action="store_true", help="spaces around the values of CSV are no part of them"
    )
    group.add_argument(
        "--null",
        action="append",
        metavar="TEXT",
        help="a text that means a missing value; may be repeated (default: nothing, and NA)",
    )
    group.add_argument(
        "--header", metavar="A,B,C", help="names of the columns, where no line of the file has them"
    )
    group.add_argument(
        "--type",
        action="append",
        metavar="COLUMN=TYPE",
        default=[],
        help="type of a column, such as zip=string; may be repeated",
    )
    group.add_argument("--query", metavar="SQL", help="what to ask a database")
    group.add_argument(
        "--quarantine",
        action="store_true",
        help="set rows aside that cannot be read, up to a tenth, instead of stopping at the first",
    )


def read_examples(options: Options, source: str) -> Examples:
    """Return the rows of ``source`` as one split, ``data``; say how many were set aside."""
    from dure.data import make_examples
    from dure.terminal.progress import progress_of

    types = dict(_pair(text) for text in options.type)
    try:
        with progress_of("reading") as progress:
            examples = make_examples(
                source,
                splits={"data": 1},
                format=options.format,
                delimiter=_unescaped(options.delimiter),
                quote={None: '"', "none": None}.get(options.quote, options.quote),
                encoding=options.encoding,
                strip=options.strip,
                null_values=("", "NA") if options.null is None else ("", *options.null),
                header=options.header.split(",") if options.header else None,
                types=types,
                query=options.query,
                on_bad_rows="quarantine" if options.quarantine else "fail",
                progress=progress,
            )
    except DureError as error:
        error.fix = error.fix and as_typed(error.fix)
        raise
    if examples.refused:
        rows = "row was" if examples.refused == 1 else "rows were"
        say(f"{examples.refused:,} {rows} set aside:")
        for remark in examples.remarks:
            say(f"  {remark}")
    _doubt_delimiter(list(examples.columns))
    return examples


def _doubt_delimiter(columns: list[str]) -> None:
    """Ask about the delimiter where one column has a name that looks like several."""
    marks = [mark for mark in ";\t|," if len(columns) == 1 and mark in columns[0]]
    if marks:
        typed = marks[0].replace("\t", "\\t")
        say(f"note: there is one column, {columns[0][:60]!r}: --delimiter '{typed}'?")


_TYPED = (
    (r"""on_bad_rows=['"]quarantine['"]""", "--quarantine"),
    (r"types=\{'([^']+)': '(\w+)'\}", r"--type '\1=\2'"),
    (r"quote=None", "--quote none"),
    (r"null_values=\('([^']*)',\)", r"--null '\1'"),
    (r"\b(format|encoding|delimiter|quote|query)=(…|'[^']*'|\"[^\"]*\")", r"--\1 \2"),
    (r"; or pass a DataFrame", ""),
)


def as_typed(fix: str) -> str:
    """Return what to do in the options of a command, where it is said in arguments of Python."""
    for argument, option in _TYPED:
        fix = re.sub(argument, option, fix)
    return fix


def reading_words(options: Options) -> list[str]:
    """Return the options about reading as they were typed, for a command that reads the same."""
    words = []
    for name in ("format", "delimiter", "quote", "header", "query"):
        if getattr(options, name) is not None:
            words += [f"--{name}", getattr(options, name)]
    words += ["--encoding", options.encoding] if options.encoding != "utf-8" else []
    for name in ("null", "type"):
        words += [word for text in getattr(options, name) or () for word in (f"--{name}", text)]
    words += ["--strip"] if options.strip else []
    return words + (["--quarantine"] if options.quarantine else [])


def read_statistics(options: Options, source: str, **asked: Any) -> tuple[Statistics, Any]:
    """Return the statistics of ``source``, and its examples; None where statistics were named."""
    from pathlib import Path

    from dure.data import Examples
    from dure.statistics import Statistics, describe
    from dure.statistics.options import options_for
    from dure.terminal.progress import progress_of

    path = Path(source)
    if path.suffix in (".pb", ".pbtxt") or any(path.glob("Split-*/FeatureStats.pb")):
        from dure.statistics.tfx import read_tfdv

        return read_tfdv(path), None
    if (path / "statistics.json").is_file():
        return Statistics.load(path), None
    kept = (path / "examples.json").is_file()
    examples = Examples.load(path) if kept else read_examples(options, source)
    with progress_of("describing") as progress:
        found = describe(examples, options=options_for(None, **asked), progress=progress)
    return found, examples


def _pair(text: str) -> tuple[str, str]:
    name, mark, kind = text.rpartition("=")
    if not mark or not name:
        raise UsageError("--type is wrong", expected="COLUMN=TYPE, such as zip=string", got=text)
    return name, kind


def _unescaped(text: str | None) -> str | None:
    # A shell passes a tab as two letters.
    return "\t" if text == "\\t" else text
