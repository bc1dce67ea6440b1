"""Answers of the command line, as lines for standard output."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dure.draw import duration
from dure.terminal.text import NAME_WIDTH

if TYPE_CHECKING:
    from dure.lineage import ArtifactRecord, ContextRecord, Edge
    from dure.runner.history import RunDifference, StepHistory
    from dure.runner.plan import Plan


def table_lines(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a table; its last column takes what room is left and is cut there."""
    everything = [tuple(headers), *(tuple(row) for row in rows)]
    widths = [max(len(row[i]) for row in everything) for i in range(len(headers) - 1)]
    room = shutil.get_terminal_size().columns - sum(widths) - 2 * len(widths) - 1
    if not sys.stdout.isatty():
        room = max(len(row[-1]) for row in everything)  # whoever reads a pipe wants it all
    lines = []
    for row in everything:
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=True)]
        last = row[-1] if len(row[-1]) <= max(room, 12) else row[-1][: max(room, 12) - 1] + "…"
        lines.append("  ".join([*cells, last]).rstrip())
    return lines


def plan_lines(plan: Plan) -> list[str]:
    """Return what a run would do, a step at a time."""
    marks = {"reuse": "=", "run": "✓", "leave out": "-", "stop": "✗"}
    lines = []
    for step in plan.steps:
        lines.append(f"{marks[step.will]} {step.step:<{NAME_WIDTH}} would {step.will}")
        lines += [" " * (NAME_WIDTH + 3) + reason for reason in step.reasons]
    if plan.ends is not None:
        lines.append(f"… what follows depends on what '{plan.ends}' makes when it runs")
    counts = {will: sum(step.will == will for step in plan.steps) for will in ("run", "reuse")}
    lines.append(f"{counts['run']} would run, {counts['reuse']} would be reused")
    return lines


def why_lines(item: StepHistory) -> list[str]:
    """Return why a step ran or was reused, and what its key was made of."""
    did = {"COMPLETE": "ran", "CACHED": "was reused", "FAILED": "ran and failed"}
    execution = item.execution
    head = f"'{execution.step}' of run {execution.run} {did.get(execution.state, execution.state)}"
    lines = [head + ", because:"] if item.reasons else [head]
    lines += [f"  {reason}" for reason in item.reasons]
    error = execution.properties.get("error")
    if error:
        lines += ["error:", *(f"  {line}" for line in str(error).split("\n"))]
    parts = item.parts
    if parts is None:
        return lines
    lines.append("it depends on:")
    lines += [f"  setting  {name} = {text}" for name, (_, text) in parts.settings.items()]
    lines += [f"  input    {name} = {short_uid(uid)}" for name, uid in parts.inputs.items()]
    lines += [f"  code     {name}" for name in parts.code]
    lines += [f"  package  {name} {version}" for name, version in parts.packages.items()]
    return lines


def short_uid(uid: str) -> str:
    """Return an artifact's name with the first eight digits of its digest."""
    kind, _, digest = uid.partition(":")
    return f"{kind}:{digest[:8]}"


def run_row(run: ContextRecord, steps: Sequence[StepHistory]) -> list[str]:
    """Return a run as a row: name, pipeline, state, ran, reused, took, parameters."""
    states = [step.execution.state for step in steps]
    ends = [step.execution.finished for step in steps if step.execution.finished]
    took = duration(max(ends) - run.created) if ends else ""
    kept = run.properties.get("parameters")
    given = kept.items() if isinstance(kept, dict) else ()
    return [
        run.name,
        str(run.properties.get("pipeline", "")),
        run.state,
        str(states.count("COMPLETE")),
        str(states.count("CACHED")),
        took,
        " ".join(f"{name}={value}" for name, value in given),
    ]


def artifact_lines(record: ArtifactRecord) -> list[str]:
    """Return an artifact: what it is, where it is, and its own text."""
    lines = [record.uid, f"  {record.summary}", f"  {record.uri}", ""]
    if record.state == "DELETED":
        return [*lines[:2], "  its files were removed; this is what is remembered"]
    folder = Path(record.uri)
    if not folder.is_dir():
        return [*lines[:3], "  its files are gone"]
    module, _, name = str(record.properties.get("class", "")).partition(":")
    try:
        kind = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError):
        # A class of the user's own that stands in a file which is not importable from here.
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return [*lines, *(str(path.relative_to(folder)) for path in files)]
    return [*lines, *kind.load(folder).text().split("\n")]


def lineage_lines(record: ArtifactRecord, up: Sequence[Edge], down: Sequence[Edge]) -> list[str]:
    """Return what an artifact was made from, and what was made from it."""
    lines = [f"{short_uid(record.uid)}  {record.summary}"]
    # Another run may have made the same content: the runs that made this one come first.
    own = {e.execution.run for e in up if e.kind == "OUTPUT" and e.artifact.uid == record.uid}
    for title, edges in (("made from", up), ("led to", down)):
        made = [edge for edge in edges if edge.kind == "OUTPUT" and edge.artifact.uid != record.uid]
        made.sort(key=lambda edge: (edge.depth, edge.execution.run not in own))
        lines.append(f"{title}:" if made else f"{title}: nothing")
        seen: set[str] = set()
        for edge in made:
            if edge.artifact.uid in seen:
                continue  # several executions made the same
            seen.add(edge.artifact.uid)
            indent = "  " * ((edge.depth + 1) // 2)
            by = f"{edge.execution.step}, run {edge.execution.run}"
            lines.append(f"{indent}{short_uid(edge.artifact.uid)}  {edge.artifact.summary}  ({by})")
    return lines


def difference_lines(found: RunDifference) -> list[str]:
    """Return what differs between two runs."""
    lines = [
        f"parameter {name}: {before if before is not None else 'not given'} → "
        f"{after if after is not None else 'not given'}"
        for name, (before, after) in found.parameters.items()
    ]
    for step in found.steps:
        if step.same:
            lines.append(f"= {step.step:<{NAME_WIDTH}} the same")
            continue
        lines.append(f"≠ {step.step}")
        lines += [f"    {cause}" for cause in step.causes]
        if step.before != step.after:
            lines += [f"    before  {step.before}", f"    after   {step.after}"]
        elif not step.causes:
            lines.append("    the same inputs and settings, another result")
    return lines or ["nothing differs"]
