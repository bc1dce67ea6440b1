"""The command line: one sub-command for each word of a model's life.

Nothing heavy is imported before it is known what was asked for. Results go to standard output,
everything else to standard error. Exit status: 0 done, 1 failed, 2 called wrongly, 3 stopped by
a gate, 130 interrupted.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from dure.errors import DureError, GateError, UsageError

if TYPE_CHECKING:
    from dure.lineage import Lineage
    from dure.runner.home import Home
    from dure.runner.pipeline import Pipeline
    from dure.runner.run import Run
    from dure.runner.selection import Selection

app = typer.Typer(
    name="dure",
    help="From raw data to a served, watched and repaired Keras model.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

# Words that follow the file are the pipeline's own parameters, which typer does not know.
_OPEN: dict[str, Any] = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": [],
}

_FILE = Annotated[
    str | None,
    typer.Argument(metavar="FILE.py[:NAME]", help="The file of the pipeline.", show_default=False),
]
_CONFIG = Annotated[
    Path | None, typer.Option(help="TOML file with the pipeline's parameters.", show_default=False)
]
_FROM = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="STEP",
        help="Run STEP and what depends on it; take the rest as it was.",
        show_default=False,
    ),
]
_TO = Annotated[
    str | None,
    typer.Option(metavar="STEP", help="Run STEP and what it needs.", show_default=False),
]
_ONLY = Annotated[
    str | None,
    typer.Option(
        metavar="STEP", help="Run STEP; take what it needs as it was.", show_default=False
    ),
]
_NO_CACHE = Annotated[
    list[str] | None,
    typer.Option(metavar="STEP", help="Run STEP even if it could be reused.", show_default=False),
]
_OVERRIDE = Annotated[
    str | None,
    typer.Option(
        metavar="WHY", help="Go on although a gate fails; WHY is recorded.", show_default=False
    ),
]
_HOME = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder of artifacts and records.", show_default=".dure"),
]


@app.command("run", context_settings=_OPEN)
def run_command(
    context: typer.Context,
    file: _FILE = None,
    config: _CONFIG = None,
    start: _FROM = None,
    to: _TO = None,
    only: _ONLY = None,
    no_cache: _NO_CACHE = None,
    override: _OVERRIDE = None,
    home: _HOME = None,
) -> None:
    """Run the pipeline in FILE; what has not changed is reused.

    The pipeline's own parameters follow the file: dure run taxi.py --data trips.csv --trials 5
    """
    from dure.runner.pipeline import execute
    from dure.terminal.display import display
    from dure.terminal.text import seconds

    target, arguments = _target(context, file, config)
    selection = _selection(start, to, only, no_cache)
    place = _home(home)
    _check_selection(target, arguments, place, selection, override)
    runs: list[Run] = []
    began = time.monotonic()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with display() as shown:
            execute(
                target,
                arguments,
                place,
                selection=selection,
                override=override,
                listener=shown,
                on_run=runs.append,
            )
    finally:
        if runs:
            _conclude(runs[0], seconds(time.monotonic() - began))


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _conclude(run: Run, took: str) -> None:
    """Write the run's report, and say in two lines how it went and where to look."""
    from dure.web.report import write_report

    counts = {"COMPLETE": 0, "CACHED": 0}
    for step in run.steps:
        if step.state in counts:
            counts[step.state] += 1
    path = write_report(run.summary(), run.home.run_folder(run.name))
    _say(f"run {run.name}: {counts['COMPLETE']} ran, {counts['CACHED']} reused, in {took}")
    _say(f"report: {_short(path)}")


@app.command("plan", context_settings=_OPEN)
def plan_command(
    context: typer.Context,
    file: _FILE = None,
    config: _CONFIG = None,
    start: _FROM = None,
    to: _TO = None,
    only: _ONLY = None,
    no_cache: _NO_CACHE = None,
    override: _OVERRIDE = None,
    home: _HOME = None,
) -> None:
    """Say what a run would do, and why, without doing it."""
    from dure.runner.pipeline import check_names
    from dure.runner.plan import make_plan
    from dure.terminal.answers import plan_lines

    target, arguments = _target(context, file, config)
    selection = _selection(start, to, only, no_cache)
    plan = make_plan(target, arguments, _home(home), selection=selection, override=override)
    if plan.ends is None:
        check_names(selection, [step.step for step in plan.steps])
    for line in plan_lines(plan):
        typer.echo(line)


@app.command()
def why(
    run: Annotated[str, typer.Argument(help="A run, the beginning of its name, or 'last'.")],
    step: Annotated[str, typer.Argument(help="A step of it.")],
    home: _HOME = None,
) -> None:
    """Say why a step of a run ran, or was reused."""
    from dure.runner.history import step_of_run
    from dure.terminal.answers import why_lines

    with _lineage(_home(home)) as lineage:
        for line in why_lines(step_of_run(lineage, lineage.run(run), step)):
            typer.echo(line)


@app.command()
def runs(
    pipeline: Annotated[
        str | None, typer.Option(help="Of this pipeline only.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(help="How many.", min=1)] = 20,
    home: _HOME = None,
) -> None:
    """List the runs, newest first."""
    from dure.runner.history import steps_of
    from dure.terminal.answers import run_rows, table_lines

    with _lineage(_home(home)) as lineage:
        found = lineage.runs(pipeline=pipeline, limit=limit)
        rows = [run_rows(run, steps_of(lineage, run.name)) for run in found]
    headers = ("RUN", "PIPELINE", "STATE", "RAN", "REUSED", "TOOK", "PARAMETERS")
    for line in table_lines(headers, rows):
        typer.echo(line)


@app.command()
def show(
    artifact: Annotated[
        str, typer.Argument(help="Type:digest, the beginning of one, RUN/STEP, or a step's name.")
    ],
    home: _HOME = None,
) -> None:
    """Print an artifact."""
    from dure.runner.history import find_artifact
    from dure.terminal.answers import artifact_lines

    with _lineage(_home(home)) as lineage:
        for line in artifact_lines(find_artifact(lineage, artifact)):
            typer.echo(line)


@app.command("lineage")
def lineage_command(
    artifact: Annotated[
        str, typer.Argument(help="Type:digest, the beginning of one, RUN/STEP, or a step's name.")
    ],
    home: _HOME = None,
) -> None:
    """Say what an artifact was made from, and what was made from it."""
    from dure.runner.history import find_artifact
    from dure.terminal.answers import lineage_lines

    with _lineage(_home(home)) as lineage:
        found = find_artifact(lineage, artifact)
        up = lineage.upstream(found.uid, cached=False)
        down = lineage.downstream(found.uid, cached=False)
    for line in lineage_lines(found, up, down):
        typer.echo(line)


@app.command()
def diff(
    before: Annotated[str, typer.Argument(help="A run, or the beginning of its name.")],
    after: Annotated[str, typer.Argument(help="Another run, or 'last'.")],
    home: _HOME = None,
) -> None:
    """Say what differs between two runs: settings, code, data and results."""
    from dure.runner.history import compare
    from dure.terminal.answers import difference_lines

    with _lineage(_home(home)) as lineage:
        found = compare(lineage, lineage.run(before), lineage.run(after))
    for line in difference_lines(found):
        typer.echo(line)


@app.command()
def verify(home: _HOME = None) -> None:
    """Check every artifact against its digest."""
    from dure.runner.store import Store

    store = Store(_home(home).root)
    bad = 0
    count = 0
    for stored in store.all():
        count += 1
        problem = store.problem(stored)
        if problem is not None:
            bad += 1
            typer.echo(f"✗ {stored.uid}: {problem}")
    typer.echo(f"{count} artifacts checked, {bad} of them damaged")
    if bad:
        _say("a damaged artifact is not reused: the next run makes it again")
        raise typer.Exit(1)


@app.command()
def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    keep_runs: Annotated[int, typer.Option(help="Runs to keep of each pipeline.", min=1)] = 10,
    home: _HOME = None,
) -> None:
    """Remove the artifacts that no kept run made, used or reused."""
    from dure.runner.gc import collect, find_garbage
    from dure.terminal.text import amount

    place = _home(home)
    with _lineage(place) as lineage:
        garbage = find_garbage(place, lineage, keep_runs=keep_runs)
        for stored, size in garbage.artifacts:
            typer.echo(f"{stored.uid}  {amount(size)}")
        if not dry_run:
            collect(place, lineage, garbage)
    did = "would be removed" if dry_run else "removed"
    typer.echo(
        f"{len(garbage.artifacts)} artifacts, {amount(garbage.bytes)}, {did}; "
        f"{len(garbage.kept_runs)} runs kept"
    )


@app.command()
def serve(
    folder: Annotated[Path, typer.Argument(help="Folder of a model's numbered versions.")],
    name: Annotated[
        str | None,
        typer.Option(help="Name of the model. Default: the folder's.", show_default=False),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 picks a free one.")] = 8501,
    poll_seconds: Annotated[float, typer.Option(help="How often to look for versions.")] = 1.0,
) -> None:
    """Answer predictions over REST, as TensorFlow Serving does."""
    from dure.serve import serve as run_server

    run_server(
        folder,
        name=name,
        host=host,
        port=port,
        poll_seconds=poll_seconds,
        ready=lambda url: _say(f"serving {url}"),
    )


def _target(
    context: typer.Context, file: str | None, config: Path | None
) -> tuple[Pipeline[..., Any], dict[str, Any]]:
    """Return the pipeline and its arguments, or print help and leave."""
    words: Sequence[str] = context.args
    if file in (None, "--help", "-h"):
        typer.echo(context.get_help())
        raise typer.Exit(0 if file else 2)
    from dure.runner.parameters import from_command_line, usage
    from dure.runner.pipeline import load_pipeline

    assert file is not None
    target = load_pipeline(file)
    if "--help" in words:
        typer.echo(usage(target, file))
        raise typer.Exit
    return target, from_command_line(target, words, config)


def _selection(
    start: str | None, to: str | None, only: str | None, no_cache: Sequence[str] | None
) -> Selection:
    from dure.runner.selection import Selection

    if only is not None and (start is not None or to is not None):
        raise UsageError("--only cannot go with --from or --to", fix="choose one of them")
    return Selection(start, to, only, frozenset(no_cache or ()))


def _check_selection(
    target: Pipeline[..., Any],
    arguments: dict[str, Any],
    home: Home,
    selection: Selection,
    override: str | None,
) -> None:
    """Refuse an unknown step before anything runs, as far as a plan can see."""
    if not selection.names:
        return
    from dure.runner.pipeline import check_names
    from dure.runner.plan import make_plan

    plan = make_plan(target, arguments, home, selection=selection, override=override)
    if plan.ends is None:
        check_names(selection, [step.step for step in plan.steps])


def _home(folder: Path | None) -> Home:
    from dure.runner.home import Home

    return Home.find(folder)


def _lineage(home: Home) -> Lineage:
    from dure.lineage import Lineage

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


def _say(line: str) -> None:
    typer.echo(line, err=True)


def main() -> NoReturn:
    """Run the command line and leave with its exit status."""
    try:
        status = app(standalone_mode=False)
    except GateError as error:
        _fail(error, 3)
    except UsageError as error:
        _fail(error, 2)
    except DureError as error:
        _fail(error, 1)
    except KeyboardInterrupt:
        _say("interrupted; finished steps are kept and will be reused")
        sys.exit(130)
    except typer.Abort:
        sys.exit(1)
    except Exception as error:
        if hasattr(error, "show") and hasattr(error, "exit_code"):  # click's own, on usage
            error.show()
            sys.exit(error.exit_code)
        raise
    sys.exit(status if isinstance(status, int) else 0)


def _fail(error: DureError, status: int) -> NoReturn:
    _say(f"error: {error}")
    sys.exit(status)
