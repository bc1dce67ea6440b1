"""The word schema: draft one, read it, change it for what was found, and see how it changed."""

from __future__ import annotations

import datetime as dt
import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dure.cli.data import add_comparing, checked, read_schema
from dure.cli.reading import DATA, add_reading, read_statistics
from dure.cli.shared import Options, add_word, print_lines, say, write_text, writing
from dure.errors import UsageError

if TYPE_CHECKING:
    from dure.schema import Schema
    from dure.schema.history import SchemaHistory

_SCHEMA = "a file: .yaml, or .pbtxt of TFDV"


def add(words: Any) -> None:
    """Add the word to the command line."""
    text = "Draft, read and change what is expected of data."
    command = words.add_parser("schema", help=text, description=text, allow_abbrev=False)
    inner = command.add_subparsers(title="words", metavar="WORD", required=True)
    _add_infer(inner)
    _word(inner, show)
    one = _word(inner, diff)
    one.add_argument("other", metavar="OTHER", help=_SCHEMA)
    one = _word(inner, convert)
    one.add_argument("other", metavar="OTHER", help="the file to write: .yaml or .pbtxt")
    _add_accept(inner)
    one = _word(inner, reject)
    _finding(one)
    one.add_argument("--reason", required=True, metavar="WHY", help="recorded in the schema")
    one.add_argument("--owner", metavar="NAME", help="who decided it (default: the user)")
    one.add_argument("--until", metavar="YYYY-MM-DD", help="the last day on which it is silent")
    one = _word(inner, history)
    one.add_argument("--restore", type=int, metavar="N", help="make version N the newest again")


def _word(inner: Any, function: Any, *, takes_words: bool = False) -> Any:
    command = add_word(inner, function, home=False, takes_words=takes_words)
    command.add_argument("schema", metavar="SCHEMA", help=_SCHEMA)
    return command


def _add_infer(inner: Any) -> None:
    command = add_word(inner, infer, home=False)
    command.add_argument("data", metavar="DATA", help=DATA)
    command.add_argument("--output", "-o", metavar="FILE", help="where to write it; else print it")
    command.add_argument(
        "--rules",
        choices=("tfdv", "interval"),
        default="tfdv",
        help="TFDV's, or such as leave room for chance in new data (default tfdv)",
    )
    command.add_argument("--ranges", action="store_true", help="expect the numbers seen as bounds")
    command.add_argument("--semantics", action="store_true", help="expect the meaning of values")
    add_reading(command)


def _add_accept(inner: Any) -> None:
    command = _word(inner, accept, takes_words=True)
    _finding(command, "*")
    command.add_argument("--all", action="store_true", help="everything that was found")
    command.add_argument("--why", default="", metavar="WHY", help="recorded in the history")


def _finding(command: Any, count: str = "+") -> None:
    command.add_argument(
        "findings", metavar="ID", nargs=count, help="what was found, by the id that 'check' prints"
    )
    command.add_argument("--data", required=True, metavar="DATA", help=DATA)
    add_comparing(command)
    add_reading(command)


def infer(options: Options) -> int:
    """Draft a schema from DATA."""
    from dure.schema import infer as draft

    if options.output is not None:
        _check_name(Path(options.output))
    statistics, _ = read_statistics(options, options.data)
    schema = draft(
        statistics, rules=options.rules, ranges=options.ranges, semantics=options.semantics
    )
    if options.output is None:
        return print_lines([schema.yaml().rstrip()])
    _record(Path(options.output), schema, f"drafted from {Path(options.data).name}")
    say(f"wrote {options.output}: {schema.summary()}")
    return 0


def show(options: Options) -> int:
    """Print a schema as a table."""
    return print_lines([read_schema(options.schema).text()])


def diff(options: Options) -> int:
    """Say what is different in OTHER."""
    changes = read_schema(options.schema).diff(read_schema(options.other))
    return print_lines(changes or ["no difference"])


def convert(options: Options) -> int:
    """Write a schema in the other form: YAML, or TFDV's text."""
    schema = read_schema(options.schema)
    _write(Path(options.other), schema)
    if Path(options.other).suffix == ".pbtxt":
        from dure.schema.tfx import untranslated

        for line in untranslated(schema):
            say(f"note: TFDV has no word for {line}")
    say(f"wrote {options.other}")
    return 0


def accept(options: Options) -> int:
    """Change the schema so little that what was found in the data is expected."""
    from dure.validate import accept as accepted
    from dure.validate import accept_all

    names = options.findings + options.words  # argparse takes none that come after an option
    for word in options.words:
        if word.startswith("-"):
            options.command.error(f"not understood: {word}")
    if bool(names) == options.all:
        raise UsageError("what is accepted?", expected="ids of what was found, or --all")
    before = schema = read_schema(options.schema)
    anomalies, statistics, examples = checked(options, options.data, schema)
    if options.all:
        schema = accept_all(schema, anomalies, statistics, examples=examples)
    for name in names:
        schema = accepted(schema, anomalies.find(name), statistics, examples=examples)
    changes = before.diff(schema)
    print_lines(changes or ["nothing to change"])
    what = "all" if options.all else ", ".join(names)
    _record(Path(options.schema), schema, f"accepted {what}" + _because(options.why))
    return 0


def reject(options: Options) -> int:
    """Record that what was found is known, and silent from now on."""
    from dure.validate import reject as rejected

    before = schema = read_schema(options.schema)
    anomalies, _, _ = checked(options, options.data, schema)
    for name in options.findings:
        schema = rejected(
            schema,
            anomalies.find(name),
            reason=options.reason,
            owner=options.owner or getpass.getuser(),
            until=options.until,
        )
    print_lines(before.diff(schema))
    why = f"rejected {', '.join(options.findings)}" + _because(options.reason)
    _record(Path(options.schema), schema, why)
    return 0


def history(options: Options) -> int:
    """List the versions of a schema, with who changed it, when and why."""
    versions = _history(Path(options.schema))
    if not versions.versions():
        read_schema(options.schema)  # says it where there is no such file
    if options.restore is not None:
        versions.restore(options.restore, who=getpass.getuser(), when=_now())
        _write(Path(options.schema), versions.read(options.restore))
        say(f"{options.schema} is version {options.restore} again")
    return print_lines([versions.text()])


def _because(why: str) -> str:
    return f": {why}" if why else ""


def _record(path: Path, schema: Schema, why: str) -> None:
    """Write the schema, and note in its history that it was changed, by whom and why.

    What stands in the file, and is not the newest version, was written by hand: it becomes a
    version before this one, so that nothing is lost.
    """
    _check_name(path)
    versions, who = _history(path), getpass.getuser()
    if path.exists():
        why_before = "edited by hand" if versions.versions() else "as it was"
        versions.append(read_schema(str(path)), who=who, why=why_before, when=_now())
    _write(path, schema)
    versions.append(schema, who=who, why=why, when=_now())


def _history(path: Path) -> SchemaHistory:
    from dure.schema.history import SchemaHistory

    name = path.name if path.suffix == ".pbtxt" else path.stem
    return SchemaHistory(path.with_name(f"{name}.history"))


def _check_name(path: Path) -> None:
    if path.suffix not in (".yaml", ".yml", ".pbtxt"):
        raise UsageError(
            f"{path}: the ending says no form of a schema",
            expected=".yaml, or .pbtxt for TFDV",
            got=path.suffix or "no ending",
        )


def _write(path: Path, schema: Schema) -> None:
    _check_name(path)
    if path.suffix == ".pbtxt":
        from dure.schema.tfx import write_pbtxt

        with writing(path):
            write_pbtxt(schema, path)
    else:
        write_text(path, schema.yaml())


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
