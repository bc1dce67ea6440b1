"""Removes what nothing refers to any more, and leaves a tombstone in the lineage."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from dure.errors import LineageError
from dure.lineage import Lineage, Recorder
from dure.runner.cache import Cache
from dure.runner.home import Home
from dure.runner.store import Store, Stored


@dataclass(frozen=True)
class Garbage:
    """What a collection would remove.

    Parameters
    ----------
    artifacts : tuple of (Stored, int)
        Artifacts that none of the kept runs made, used or reused, with their bytes.
    kept_runs : tuple of str
        The runs whose artifacts stay.
    """

    artifacts: tuple[tuple[Stored, int], ...]
    kept_runs: tuple[str, ...]

    @property
    def bytes(self) -> int:
        """Bytes in all."""
        return sum(size for _, size in self.artifacts)


def find_garbage(home: Home, lineage: Lineage, *, keep_runs: int) -> Garbage:
    """Return what no run among the newest ``keep_runs`` of its pipeline refers to.

    Parameters
    ----------
    home : Home
        Where the artifacts are.
    lineage : Lineage
        Which run refers to which.
    keep_runs : int
        Runs to keep of each pipeline, newest first. At least 1. Runs under way are always kept.

    Raises
    ------
    LineageError
        If the lineage is not complete, or knows no run although there are artifacts.
    """
    # What a run could not record yet counts as well.
    Recorder(home.lineage, home.spool, on_problem=_refuse).flush()
    store = Store(home.root)
    everything = list(store.all())
    kept: list[str] = []
    counts: dict[str, int] = {}
    for run in lineage.runs(limit=1_000_000):
        pipeline = str(run.properties.get("pipeline", ""))
        counts[pipeline] = counts.get(pipeline, 0) + 1
        if counts[pipeline] <= keep_runs or run.state == "RUNNING":
            kept.append(run.name)
    alive: set[str] = set()
    for name in kept:
        for execution in lineage.executions(name):
            for found in (lineage.inputs(execution.uid), lineage.outputs(execution.uid)):
                alive.update(artifact.uid for artifact in found.values())
    if everything and not kept:
        raise LineageError(
            "nothing was collected: the lineage knows no run, so everything would look unused",
            got=f"{len(everything)} artifacts and an empty lineage at {home.lineage}",
            fix="name the lineage that these runs were recorded in ($DURE_LINEAGE)",
        )
    # A run under way may have made or reused what it has not recorded yet.
    since = time.time() - _FRESH if store.in_use() else math.inf
    garbage = [
        stored
        for stored in everything
        if stored.uid not in alive and stored.path.stat().st_mtime < since
    ]
    return Garbage(tuple((stored, _size(stored)) for stored in garbage), tuple(kept))


_FRESH = 60.0
"""Seconds in which a run has recorded what it made or reused."""


def _refuse(problem: str) -> None:
    raise LineageError("nothing was collected: the lineage is not complete", got=problem)


def _size(stored: Stored) -> int:
    return sum(path.stat().st_size for path in stored.path.rglob("*") if path.is_file())


def collect(home: Home, lineage: Lineage, garbage: Garbage) -> None:
    """Remove the garbage: first from the cache, then from sight, then from the disk."""
    store = Store(home.root)
    cache = Cache(store)
    recorder = Recorder(home.lineage, home.spool, on_problem=_refuse)
    store.sweep(recorder.interrupt)
    recorder.close()
    cache.forget([stored for stored, _ in garbage.artifacts])
    for stored, _ in garbage.artifacts:
        store.remove(stored)
    known = {artifact.uid for artifact in lineage.artifacts()}
    dead = [stored.uid for stored, _ in garbage.artifacts if stored.uid in known]
    if dead:
        lineage.tombstone(dead)
