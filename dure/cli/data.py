"""Words about data: stats, check."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dure.cli.reading import DATA, add_reading, read_statistics
from dure.cli.shared import Options, add_word, print_lines, say
from dure.errors import GateError

if TYPE_CHECKING:
    from dure.schema import Schema


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
    command.add_argument("--environment", metavar="NAME", help="where the data is used")
    command.add_argument("--previous", metavar="DATA", help="the data before this: finds drift")
    command.add_argument("--serving", metavar="DATA", help="what the model is asked: finds skew")
    _outputs(command, "what was found")
    add_reading(command)


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

        write_tfdv(found, options.tfdv)
        say(f"wrote {options.tfdv}")
    return 0


def check(options: Options) -> int:
    """Compare DATA with a schema; exit with 3 where it does not fit."""
    from dure.validate import validate

    schema = read_schema(options.schema)
    found, examples = read_statistics(options, options.data)
    previous, serving = (
        read_statistics(options, source)[0] if source else None
        for source in (options.previous, options.serving)
    )
    anomalies = validate(
        found,
        schema,
        examples=examples,
        environment=options.environment,
        previous=previous,
        serving=serving,
    )
    print_lines([anomalies.text()])
    if options.html:
        from dure import draw

        _write(options.html, draw.page(f"Check of {Path(options.data).name}", anomalies.html()))
    if options.json:
        _write(options.json, anomalies.json())
    errors = len(anomalies.errors)
    if errors:
        raise GateError(
            f"the data does not fit the schema: {errors} error{'s' if errors > 1 else ''}",
            step="check",
            fix=f"repair the data; or 'dure schema accept {options.schema} {anomalies.errors[0].id} "
            f"--data {options.data}'",
        )
    return 0


def read_schema(path: str) -> Schema:
    """Return the schema in a file of Dure or of TFDV."""
    from dure.schema import Schema

    if Path(path).suffix == ".pbtxt":
        from dure.schema.tfx import read_pbtxt

        return read_pbtxt(path)
    return Schema.read(path)


def _write(path: str, text: str) -> None:
    Path(path).write_text(text, encoding="utf-8")
    say(f"wrote {path}")
