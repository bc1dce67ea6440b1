"""Words about data: stats, check."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dure.cli.reading import DATA, add_reading, read_statistics, reading_words
from dure.cli.shared import Options, add_word, print_lines, say, write_text, writing
from dure.errors import GateError

if TYPE_CHECKING:
    from dure.data import Examples
    from dure.schema import Schema
    from dure.statistics import Statistics
    from dure.validate import Anomalies


def add(words: Any) -> None:
    """Add the words to the command line."""
    command = add_word(words, stats, home=False)
    command.add_argument("data", metavar="DATA", help=DATA)
    command.add_argument("--against", metavar="DATA", help="other data to compare with")
    command.add_argument(
        "--by",
        action="append",
        default=[],
        metavar="COLUMN[,COLUMN]",
        help="describe the rows of each value, or each pair of values, as well; may be repeated",
    )
    command.add_argument("--weight", metavar="COLUMN", help="how much each row counts")
    command.add_argument("--label", metavar="COLUMN", help="adds each column's lift with it")
    _outputs(command, "the statistics")
    command.add_argument("--tfdv", metavar="FILE", help="write them for TFDV: .pb, .pbtxt, folder")
    add_reading(command)
    command = add_word(words, check, home=False)
    command.add_argument("data", metavar="DATA", help=DATA)
    command.add_argument(
        "--schema", "-s", required=True, metavar="FILE", help="what is expected: .yaml or .pbtxt"
    )
    add_comparing(command)
    _outputs(command, "what was found")
    add_reading(command)


def add_comparing(command: Any) -> None:
    """Add the options that say what data is compared with, beside its schema."""
    command.add_argument("--environment", metavar="NAME", help="where the data is used")
    command.add_argument("--previous", metavar="DATA", help="the data before this: finds drift")
    command.add_argument("--serving", metavar="DATA", help="what the model is asked: finds skew")


def _outputs(command: Any, what: str) -> None:
    command.add_argument("--html", metavar="FILE", help=f"write {what} as a page")
    command.add_argument("--json", metavar="FILE", help=f"write {what} as JSON")


def stats(options: Options) -> int:
    """Describe every column of DATA."""
    from dure.statistics.page import statistics_page

    asked = {
        "slices": [tuple(text.split(",")) for text in options.by],
        "weight": options.weight,
        "label": options.label,
    }
    found, _ = read_statistics(options, options.data, **asked)
    print_lines([found.text()])
    shown: Any = found
    if options.against:
        other, _ = read_statistics(options, options.against, **asked)
        print_lines(["", other.text()])
        shown = {Path(options.data).name: found, Path(options.against).name: other}
    if options.html:
        _write(options.html, statistics_page(shown))
    if options.json:
        _write(options.json, found.json())
    if options.tfdv:
        from dure.statistics.tfx import write_tfdv

        with writing(Path(options.tfdv)):
            write_tfdv(found, options.tfdv)
        say(f"wrote {options.tfdv}")
    return 0


def check(options: Options) -> int:
    """Compare DATA with a schema; exit with 3 where it does not fit."""
    anomalies, _, _ = checked(options, options.data, read_schema(options.schema))
    print_lines([anomalies.text()])
    if options.html:
        _write(options.html, _page(f"Check of {Path(options.data).name}", anomalies))
    if options.json:
        _write(options.json, anomalies.json())
    errors = len(anomalies.errors)
    if errors:
        raise GateError(
            f"the data does not fit the schema: {errors} error{'s' if errors > 1 else ''}",
            step="check",
            fix=f"repair the data; or expect it: {_to_accept(options, anomalies.errors[0].id)}",
        )
    return 0


def checked(
    options: Options, source: str, schema: Schema
) -> tuple[Anomalies, Statistics, Examples | None]:
    """Return what in the data differs from its schema and from other data, and the data."""
    from dure.validate import validate

    found, examples = read_statistics(options, source)
    previous, serving = (
        read_statistics(options, other)[0] if other else None
        for other in (options.previous, options.serving)
    )
    anomalies = validate(
        found,
        schema,
        examples=examples,
        environment=options.environment,
        previous=previous,
        serving=serving,
    )
    return anomalies, found, examples


def _to_accept(options: Options, finding: str) -> str:
    """Return the command that accepts what was found, with the same options about reading."""
    words = ["dure", "schema", "accept", options.schema, finding, "--data", options.data]
    for name in ("environment", "previous", "serving"):
        if getattr(options, name):
            words += [f"--{name}", getattr(options, name)]
    return shlex.join(words + reading_words(options))


def _page(title: str, anomalies: Anomalies) -> str:
    from markupsafe import Markup

    from dure import draw

    return draw.page(title, Markup("<h1>{}</h1>").format(title) + anomalies.html())


def read_schema(path: str) -> Schema:
    """Return the schema in a file of Dure or of TFDV."""
    from dure.schema import Schema

    return Schema.read(path)


def _write(path: str, text: str) -> None:
    write_text(Path(path), text)
    say(f"wrote {path}")
