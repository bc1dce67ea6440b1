"""Options that say how data is read, for every word that reads data."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from dure.cli.shared import Options, say
from dure.errors import UsageError

if TYPE_CHECKING:
    from dure.data import Examples
    from dure.statistics import Statistics

DATA = "a file, folder, pattern or URL; or statistics, as .pb, .pbtxt or the folder of an artifact"


def add_reading(command: argparse.ArgumentParser) -> None:
    """Add the options."""
    group = command.add_argument_group("how the data is read")
    group.add_argument("--format", help="its format, where its name does not say it")
    group.add_argument("--delimiter", help="what parts the fields of CSV (default: a comma)")
    group.add_argument("--encoding", default="utf-8", help="of text (default utf-8)")
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

    examples = make_examples(
        source,
        splits={"data": 1},
        format=options.format,
        delimiter=_unescaped(options.delimiter),
        encoding=options.encoding,
        null_values=("", "NA") if options.null is None else ("", *options.null),
        header=options.header.split(",") if options.header else None,
        types=dict(_pair(text) for text in options.type),
        query=options.query,
        on_bad_rows="quarantine" if options.quarantine else "fail",
    )
    if examples.refused:
        rows = "row was" if examples.refused == 1 else "rows were"
        say(f"{examples.refused:,} {rows} set aside:")
        for remark in examples.remarks:
            say(f"  {remark}")
    return examples


def read_statistics(options: Options, source: str, **asked: Any) -> tuple[Statistics, Any]:
    """Return the statistics of ``source``, and its examples; None where statistics were named."""
    from pathlib import Path

    from dure.statistics import Statistics, describe
    from dure.statistics.options import options_for

    path = Path(source)
    if path.suffix in (".pb", ".pbtxt") or (path.is_dir() and list(path.glob("Split-*"))):
        from dure.statistics.tfx import read_tfdv

        return read_tfdv(path), None
    if (path / "statistics.json").is_file():
        return Statistics.load(path), None
    examples = read_examples(options, source)
    return describe(examples, options=options_for(None, **asked)), examples


def _pair(text: str) -> tuple[str, str]:
    name, mark, kind = text.rpartition("=")
    if not mark or not name:
        raise UsageError("--type is wrong", expected="COLUMN=TYPE, such as zip=string", got=text)
    return name, kind


def _unescaped(text: str | None) -> str | None:
    # A shell passes a tab as two letters.
    return "\t" if text == "\\t" else text
