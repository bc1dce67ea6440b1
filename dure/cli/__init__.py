"""The command line: one sub-command for each word of a model's life.

Nothing heavy is imported before it is known what was asked for. Results go to standard output,
everything else to standard error. Exit status: 0 done, 1 failed, 2 called wrongly, 3 stopped by
a gate, 130 interrupted.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import dure
from dure.errors import DureError, GateError, StoreError, UsageError

if TYPE_CHECKING:
    from dure.lineage import Lineage
    from dure.runner.home import Home
    from dure.runner.pipeline import Pipeline
    from dure.runner.run import Run
    from dure.runner.selection import Selection

Options = argparse.Namespace

_ARTIFACT = "Type:digest, the beginning of one, RUN/STEP, or the name of a step of the last run"
_RUN = "a run, the beginning of its name, or 'last'"


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
                _home(options),
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
    _say(f"run {run.name}: {ran} ran, {reused} reused, in {took}")
    try:
        _say(f"report: {_short(write_report(run.summary(), run.home.run_folder(run.name)))}")
    except StoreError as error:
        # It must not hide what stopped the run.
        _say(f"note: there is no report: {error}")


def plan(options: Options) -> int:
    """Say what a run would do, and why, without doing it."""
    from dure.runner.pipeline import check_names
    from dure.runner.plan import make_plan
    from dure.terminal.answers import plan_lines

    target, arguments = _target(options)
    selection = _selection(options)
    made = make_plan(
        target, arguments, _home(options), selection=selection, override=options.override
    )
    if made.ends is None:
        check_names(selection, [step.step for step in made.steps])
    return _print(plan_lines(made))


def why(options: Options) -> int:
    """Say why a step of a run ran, or was reused."""
    from dure.runner.history import step_of_run
    from dure.terminal.answers import why_lines

    with _lineage(options) as lineage:
        return _print(why_lines(step_of_run(lineage, lineage.run(options.run), options.step)))


def runs(options: Options) -> int:
    """List the runs, newest first."""
    from dure.runner.history import steps_of
    from dure.terminal.answers import run_row, table_lines

    with _lineage(options) as lineage:
        found = lineage.runs(pipeline=options.pipeline, limit=options.limit)
        rows = [run_row(item, steps_of(lineage, item.name)) for item in found]
    headers = ("RUN", "PIPELINE", "STATE", "RAN", "REUSED", "TOOK", "PARAMETERS")
    return _print(table_lines(headers, rows))


def show(options: Options) -> int:
    """Print an artifact."""
    from dure.runner.history import find_artifact
    from dure.terminal.answers import artifact_lines

    with _lineage(options) as lineage:
        return _print(artifact_lines(find_artifact(lineage, options.artifact)))


def lineage(options: Options) -> int:
    """Say what an artifact was made from, and what was made from it."""
    from dure.runner.history import find_artifact
    from dure.terminal.answers import lineage_lines

    with _lineage(options) as store:
        found = find_artifact(store, options.artifact)
        up = store.upstream(found.uid, cached=False)
        down = store.downstream(found.uid, cached=False)
    return _print(lineage_lines(found, up, down))


def diff(options: Options) -> int:
    """Say what differs between two runs: settings, code, data and results."""
    from dure.runner.history import compare
    from dure.terminal.answers import difference_lines

    with _lineage(options) as lineage:
        found = compare(lineage, lineage.run(options.before), lineage.run(options.after))
    return _print(difference_lines(found))


def verify(options: Options) -> int:
    """Check every artifact against its digest."""
    from dure.runner.store import Store

    store = Store(_home(options).root)
    everything = list(store.all())
    problems = [(item.uid, problem) for item in everything if (problem := store.problem(item))]
    _print([f"✗ {uid}: {problem}" for uid, problem in problems])
    _print([f"{len(everything)} artifacts checked, {len(problems)} of them damaged"])
    if problems:
        _say("a damaged artifact is not reused: the next run makes it again")
    return 1 if problems else 0


def gc(options: Options) -> int:
    """Remove the artifacts that no kept run made, used or reused."""
    from dure.runner.gc import collect, find_garbage
    from dure.terminal.text import amount

    home = _home(options)
    with _lineage(options) as lineage:
        garbage = find_garbage(home, lineage, keep_runs=options.keep_runs)
        _print([f"{stored.uid}  {amount(size)}" for stored, size in garbage.artifacts])
        if not options.dry_run:
            collect(home, lineage, garbage)
    did = "would be removed" if options.dry_run else "removed"
    count, kept = len(garbage.artifacts), len(garbage.kept_runs)
    return _print([f"{count} artifacts, {amount(garbage.bytes)}, {did}; {kept} runs kept"])


def serve(options: Options) -> int:
    """Answer predictions over REST, as TensorFlow Serving does."""
    from dure.serve import serve as run_server

    run_server(
        options.folder,
        name=options.name,
        host=options.host,
        port=options.port,
        poll_seconds=options.poll_seconds,
        ready=lambda url: _say(f"serving {url}"),
    )
    return 0


# --- options ------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dure",
        description="From raw data to a served, watched and repaired Keras model.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"dure {dure.__version__}")
    words = parser.add_subparsers(title="words", metavar="WORD", required=True)
    for word in (run, plan):
        command = _word(words, word, add_help=False)
        command.add_argument(
            "file", metavar="FILE.py[:NAME]", nargs="?", help="the pipeline's file"
        )
        _selection_options(command)
    command = _word(words, why)
    command.add_argument("run", metavar="RUN", help=_RUN)
    command.add_argument("step", metavar="STEP", help="a step of it")
    command = _word(words, runs)
    command.add_argument("--pipeline", metavar="NAME", help="of this pipeline only")
    command.add_argument("--limit", type=_at_least_one, default=20, help="how many (default 20)")
    for word in (show, lineage):
        _word(words, word).add_argument("artifact", metavar="ARTIFACT", help=_ARTIFACT)
    command = _word(words, diff)
    command.add_argument("before", metavar="RUN", help=_RUN)
    command.add_argument("after", metavar="RUN", help=_RUN)
    _word(words, verify)
    command = _word(words, gc)
    command.add_argument("--dry-run", action="store_true", help="only say what would go")
    command.add_argument(
        "--keep-runs",
        type=_at_least_one,
        default=10,
        metavar="N",
        help="runs to keep of each pipeline (default 10)",
    )
    _serve_options(_word(words, serve))
    return parser


def _word(words: Any, function: Callable[[Options], int], **kwargs: Any) -> Any:
    """Add a sub-command that is called as its function is, and described by its docstring."""
    text = function.__doc__
    command = words.add_parser(
        function.__name__, help=text, description=text, allow_abbrev=False, **kwargs
    )
    command.set_defaults(function=function, command=command, words=[])
    if function is not serve:
        command.add_argument(
            "--home", metavar="DIR", help="folder of artifacts and records (default .dure)"
        )
    return command


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


def _serve_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("folder", metavar="FOLDER", help="folder of a model's numbered versions")
    command.add_argument("--name", help="name of the model (default: the folder's)")
    command.add_argument("--host", default="127.0.0.1", help="address (default 127.0.0.1)")
    command.add_argument(
        "--port", type=int, default=8501, help="port; 0 picks a free one (default 8501)"
    )
    command.add_argument(
        "--poll-seconds",
        type=float,
        default=1.0,
        metavar="SECONDS",
        help="how often to look for new versions (default 1)",
    )


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number, 1 or more; got {text!r}")
    return int(text)


# --- what the words share -----------------------------------------------------------------------


def _target(options: Options) -> tuple[Pipeline[..., Any], dict[str, Any]]:
    """Return the pipeline and its arguments, or print help and leave."""
    if options.file is None:
        options.command.print_help()
        sys.exit(0 if options.help else 2)
    from dure.runner.parameters import from_command_line, usage
    from dure.runner.pipeline import load_pipeline

    target = load_pipeline(options.file)
    if options.help:
        _print([usage(target, options.file)])
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
        target, arguments, _home(options), selection=selection, override=options.override
    )
    if made.ends is None:
        check_names(selection, [step.step for step in made.steps])


def _home(options: Options) -> Home:
    from dure.runner.home import Home

    return Home.find(options.home)


def _lineage(options: Options) -> Lineage:
    from dure.lineage import Lineage

    home = _home(options)
    if "://" not in home.lineage and not Path(home.lineage).exists():
        raise UsageError(
            f"nothing has run here yet: there is no {_short(Path(home.lineage))}",
            fix="'dure run FILE.py' makes it; --home or DURE_HOME names another folder",
        )
    return Lineage.open(home.lineage)


def _short(path: Path) -> str:
    """Return a path from the current folder where it lies below it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _print(lines: Sequence[str]) -> int:
    for line in lines:
        sys.stdout.write(line + "\n")
    return 0


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def main() -> NoReturn:
    """Run the command line and leave with its exit status."""
    options, words = _parser().parse_known_args()
    if words and options.function not in (run, plan):
        options.command.error("not understood: " + " ".join(words))
    options.words = words
    try:
        status = options.function(options)
    except GateError as error:
        status = _told(error, 3)
    except UsageError as error:
        status = _told(error, 2)
    except DureError as error:
        status = _told(error, 1)
    except BrokenPipeError:
        # Whoever read standard output has left, as `head` does; that is no failure of ours.
        sys.stderr.close()
        status = 0
    except Exception as error:  # noqa: BLE001 - what is not the user's own is raised again
        status = _users_own(error)
    except KeyboardInterrupt:
        _say("interrupted; finished steps are kept and will be reused")
        status = 130
    sys.exit(status)


def _users_own(error: Exception) -> int:
    """Say an error of the pipeline's own function, its line first; raise what is Dure's."""
    from dure.runner.attempt import user_line

    where = user_line(error)
    if where is None:
        raise error
    _say(f"error: the pipeline's own code failed\n  at:       {where}")
    _say(f"  error:    {type(error).__name__}: {error}")
    return 1


def _told(error: DureError, status: int) -> int:
    _say(f"error: {error}")
    return status
