"""Words about artifacts: show, lineage, verify, gc."""

from __future__ import annotations

from typing import Any

from dure.cli.shared import (
    Options,
    add_word,
    at_least_one,
    home_of,
    lineage_of,
    print_lines,
    say,
)

_ARTIFACT = "Type:digest, the beginning of one, RUN/STEP, or the name of a step of the last run"


def add(words: Any) -> None:
    """Add the words to the command line."""
    for word in (show, lineage):
        add_word(words, word).add_argument("artifact", metavar="ARTIFACT", help=_ARTIFACT)
    add_word(words, verify)
    command = add_word(words, gc)
    command.add_argument("--dry-run", action="store_true", help="only say what would go")
    command.add_argument(
        "--keep-runs",
        type=at_least_one,
        default=10,
        metavar="N",
        help="runs to keep of each pipeline (default 10)",
    )


def show(options: Options) -> int:
    """Print an artifact."""
    from dure.runner.history import find_artifact
    from dure.terminal.answers import artifact_lines

    with lineage_of(options) as lineage:
        return print_lines(artifact_lines(find_artifact(lineage, options.artifact)))


def lineage(options: Options) -> int:
    """Say what an artifact was made from, and what was made from it."""
    from dure.runner.history import find_artifact
    from dure.terminal.answers import lineage_lines

    with lineage_of(options) as store:
        found = find_artifact(store, options.artifact)
        up = store.upstream(found.uid, cached=False)
        down = store.downstream(found.uid, cached=False)
    return print_lines(lineage_lines(found, up, down))


def verify(options: Options) -> int:
    """Check every artifact against its digest."""
    from dure.runner.store import Store

    store = Store(home_of(options).root)
    everything = list(store.all())
    problems = [(item.uid, problem) for item in everything if (problem := store.problem(item))]
    print_lines([f"✗ {uid}: {problem}" for uid, problem in problems])
    print_lines([f"{len(everything)} artifacts checked, {len(problems)} of them damaged"])
    if problems:
        say("a damaged artifact is not reused: the next run makes it again")
    return 1 if problems else 0


def gc(options: Options) -> int:
    """Remove the artifacts that no kept run made, used or reused."""
    from dure.runner.gc import collect, find_garbage
    from dure.terminal.text import amount

    home = home_of(options)
    with lineage_of(options) as lineage:
        garbage = find_garbage(home, lineage, keep_runs=options.keep_runs)
        print_lines([f"{stored.uid}  {amount(size)}" for stored, size in garbage.artifacts])
        if not options.dry_run:
            collect(home, lineage, garbage)
    did = "would be removed" if options.dry_run else "removed"
    count, kept = len(garbage.artifacts), len(garbage.kept_runs)
    return print_lines([f"{count} artifacts, {amount(garbage.bytes)}, {did}; {kept} runs kept"])
