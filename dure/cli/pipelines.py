"""Words about pipelines: run, plan, why, runs, diff."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from dure.cli.shared import (
    Options,
    add_word,
    at_least_one,
    home_of,
    lineage_of,
    print_lines,
    say,
    short_path,
)
from dure.errors import StoreError, UsageError

if TYPE_CHECKING:
    from dure.runner.pipeline import Pipeline
    from dure.runner.run import Run
    from dure.runner.selection import Selection

RUN = "a run, the beginning of its name, or 'last'"


def add(words: Any) -> None:
    """Add the words to the command line."""
    for word in (run, plan):
        command = add_word(words, word, add_help=False, takes_words=True)
        command.add_argument(
            "file", metavar="FILE.py[:NAME]", nargs="?", help="the pipeline's file"
        )
        _selection_options(command)
    command = add_word(words, why)
    command.add_argument("run", metavar="RUN", help=RUN)
    command.add_argument("step", metavar="STEP", help="a step of it")
    command = add_word(words, runs)
    command.add_argument("--pipeline", metavar="NAME", help="of this pipeline only")
    command.add_argument("--limit", type=at_least_one, default=20, help="how many (default 20)")
    command = add_word(words, diff)
    command.add_argument("before", metavar="RUN", help=RUN)
    command.add_argument("after", metavar="RUN", help=RUN)


def run(options: Options) -> int:
    """Run the pipeline in FILE; what has not changed is reused."""
    from dure.draw import duration
    from dure.runner.pipeline import execute
    from dure.terminal.display import display

    target, arguments = _target(options)
    selection = _selection(options)
    _check_selection(target, arguments, options, selection)
    runs: list[Run] = []
    began = time.monotonic()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with display() as shown:
            execute(
                target,
                arguments,
                home_of(options),
                selection=selection,
                override=options.override,
                listener=shown,
                on_run=runs.append,
            )
    finally:
        if runs:
            _conclude(runs[0], duration(time.monotonic() - began))
    return 0


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _conclude(run: Run, took: str) -> None:
    """Write the run's report, and say in two lines how it went and where to look."""
    from dure.web.report import write_report

    states = [step.state for step in run.steps]
    ran, reused = states.count("COMPLETE"), states.count("CACHED")
    say(f"run {run.name}: {ran} ran, {reused} reused, in {took}")
    try:
        say(f"report: {short_path(write_report(run.summary(), run.home.run_folder(run.name)))}")
    except StoreError as error:
        # It must not hide what stopped the run.
        say(f"note: there is no report: {error}")


def plan(options: Options) -> int:
    """Say what a run would do, and why, without doing it."""
    from dure.runner.pipeline import check_names
    from dure.runner.plan import make_plan
    from dure.terminal.answers import plan_lines

    target, arguments = _target(options)
    selection = _selection(options)
    made = make_plan(
        target, arguments, home_of(options), selection=selection, override=options.override
    )
    if made.ends is None:
        check_names(selection, [step.step for step in made.steps])
    return print_lines(plan_lines(made))


def why(options: Options) -> int:
    """Say why a step of a run ran, or was reused."""
    from dure.runner.history import step_of_run
    from dure.terminal.answers import why_lines

    with lineage_of(options) as lineage:
        return print_lines(why_lines(step_of_run(lineage, lineage.run(options.run), options.step)))


def runs(options: Options) -> int:
    """List the runs, newest first."""
    from dure.runner.history import steps_of
    from dure.terminal.answers import run_row, table_lines

    with lineage_of(options) as lineage:
        found = lineage.runs(pipeline=options.pipeline, limit=options.limit)
        rows = [run_row(item, steps_of(lineage, item.name)) for item in found]
    headers = ("RUN", "PIPELINE", "STATE", "RAN", "REUSED", "TOOK", "PARAMETERS")
    return print_lines(table_lines(headers, rows))


def diff(options: Options) -> int:
    """Say what differs between two runs: settings, code, data and results."""
    from dure.runner.history import compare
    from dure.terminal.answers import difference_lines

    with lineage_of(options) as lineage:
        found = compare(lineage, lineage.run(options.before), lineage.run(options.after))
    return print_lines(difference_lines(found))


def _selection_options(command: argparse.ArgumentParser) -> None:
    command.epilog = (
        "The pipeline's own parameters follow the file: dure run taxi.py --data trips.csv. "
        "'dure run FILE.py --help' lists them."
    )
    command.add_argument(
        "-h", "--help", action="store_true", help="show this, or FILE's parameters"
    )
    command.add_argument("--config", metavar="FILE.toml", help="the pipeline's parameters")
    command.add_argument(
        "--from",
        dest="start",
        metavar="STEP",
        help="run STEP and what depends on it; take the rest as it was",
    )
    command.add_argument("--to", metavar="STEP", help="run STEP and what it needs")
    command.add_argument("--only", metavar="STEP", help="run STEP; take what it needs as it was")
    command.add_argument(
        "--no-cache",
        metavar="STEP",
        action="append",
        default=[],
        help="run STEP even if it could be reused; may be repeated",
    )
    command.add_argument(
        "--override", metavar="WHY", help="go on although a gate fails; WHY is recorded"
    )


def _target(options: Options) -> tuple[Pipeline[..., Any], dict[str, Any]]:
    """Return the pipeline and its arguments, or print help and leave."""
    if options.file is None:
        options.command.print_help()
        sys.exit(0 if options.help else 2)
    from dure.runner.parameters import from_command_line, usage
    from dure.runner.pipeline import load_pipeline

    target = load_pipeline(options.file)
    if options.help:
        print_lines([usage(target, options.file)])
        sys.exit(0)
    config = Path(options.config) if options.config else None
    return target, from_command_line(target, options.words, config)


def _selection(options: Options) -> Selection:
    from dure.runner.selection import Selection

    if options.only is not None and (options.start is not None or options.to is not None):
        raise UsageError("--only cannot go with --from or --to", fix="choose one of them")
    return Selection(options.start, options.to, options.only, frozenset(options.no_cache))


def _check_selection(
    target: Pipeline[..., Any], arguments: dict[str, Any], options: Options, selection: Selection
) -> None:
    """Refuse an unknown step before anything runs, as far as a plan can see."""
    if not selection.names:
        return
    from dure.runner.pipeline import check_names
    from dure.runner.plan import make_plan

    made = make_plan(
        target, arguments, home_of(options), selection=selection, override=options.override
    )
    if made.ends is None:
        check_names(selection, [step.step for step in made.steps])
