"""Where collected rows gather until a part of their split is full.

Memory is bounded: full parts are kept in memory while there is room and are then written; and
should the open parts of many splits not fit either, the largest wait in files too. What comes
out is the same in each case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from dure.data.parts import Part, cannot_write, cut, data_bytes, part_name, write_part
from dure.data.unite import as_types
from dure.data.workspace import Workspace

_VIEW = 2  # times its data is about what a frame takes that was filtered and not yet made one


@dataclass
class _Open:
    """The part of a split that is not full yet."""

    index: int = 0
    rows: int = 0
    size: int = 0
    frames: list[pl.DataFrame] = field(default_factory=list)
    held: int = 0  # bytes of `frames`
    waiting: list[Path] = field(default_factory=list)  # what comes before `frames`

    def restart(self) -> None:
        """Be the next part, which has no rows yet."""
        self.index += 1
        self.rows = self.size = self.held = 0
        self.frames, self.waiting = [], []


class Sinks:
    """The splits, each a growing sequence of parts.

    Parameters
    ----------
    workspace : Workspace
        Where parts are written that memory has no room for.
    memory : int
        How many bytes of rows may be in memory.
    """

    def __init__(self, workspace: Workspace, memory: int) -> None:
        self._workspace = workspace
        self._memory = memory
        self._open: dict[str, _Open] = {}
        self._parts: dict[str, list[Part]] = {}
        self._held = 0  # bytes of parts in memory
        self._schemas: dict[Path, pl.Schema] = {}
        self._writes = False

    @property
    def rows(self) -> dict[str, int]:
        """How many rows each split has, in the order in which the splits were opened."""
        return {
            split: sum(part.rows for part in self._parts[split]) + part.rows
            for split, part in self._open.items()
        }

    def open(self, splits: Iterable[str]) -> None:
        """Have these splits, in this order, though they may stay without rows."""
        for split in splits:
            self._open.setdefault(split, _Open())
            self._parts.setdefault(split, [])

    def add(self, split: str, frame: pl.DataFrame) -> None:
        """Add rows to a split; their types may differ from those before, within `common`.

        Raises
        ------
        StoreError
            They cannot be written.
        """
        self.open([split])
        part, total = self._open[split], data_bytes(frame)
        start = 0
        for end in cut(frame, part.rows, part.size, total):
            some = frame.slice(start, end - start)
            size = total if some.height == frame.height else data_bytes(some)
            self._push(part, some, size)
            self._close(split, part)
            start, total = end, total - size
        if start < frame.height:
            self._push(part, frame.slice(start), total)
        self._bound()

    def finish(self, types: Mapping[str, pl.DataType]) -> dict[str, tuple[Part, ...]]:
        """Close all parts and return them, by split, with columns of the final ``types``."""
        for split, part in self._open.items():
            if part.rows:
                self._close(split, part)
        return {
            split: tuple(self._final(part, types) for part in parts)
            for split, parts in self._parts.items()
        }

    def clear(self) -> None:
        """Drop all rows, and the files that have them."""
        for part in self._open.values():
            for path in part.waiting:
                path.unlink()
            part.index = -1
            part.restart()
        for parts in self._parts.values():
            for done in parts:
                if done.path is not None:
                    done.path.unlink()
            parts.clear()
        self._held = 0

    def _push(self, part: _Open, frame: pl.DataFrame, size: int) -> None:
        part.frames.append(frame)
        part.rows += frame.height
        part.size += size
        part.held += size

    def _close(self, split: str, part: _Open) -> None:
        frame = self._whole(part)
        done, size = Part(split, part.index, frame.height, held=frame), part.size
        part.restart()
        if self._writes:
            done = self._written(done)
        else:
            self._held += size
        self._parts[split].append(done)

    def _whole(self, part: _Open) -> pl.DataFrame:
        frames = [_read_waiting(path) for path in part.waiting] + part.frames
        for path in part.waiting:
            path.unlink()
        # The types of the last fit all before it, as types only ever widen.
        return pl.concat([as_types(frame, frames[-1].schema) for frame in frames], rechunk=True)

    def _bound(self) -> None:
        held = self._held + _VIEW * sum(part.held for part in self._open.values())
        if held <= self._memory:
            return
        if not self._writes:
            self._writes = True
            for parts in self._parts.values():
                parts[:] = [self._written(part) for part in parts]
            self._held = 0
        while _VIEW * sum(part.held for part in self._open.values()) > self._memory:
            split = max(self._open, key=lambda name: self._open[name].held)
            part = self._open[split]
            path = self._workspace.folder() / f"{split}-{part.index}-{len(part.waiting)}.open"
            _write_waiting(part.frames, path)
            part.waiting.append(path)
            part.frames, part.held = [], 0

    def _written(self, part: Part) -> Part:
        assert part.held is not None
        path = self._workspace.folder() / part.split / part_name(part.index)
        path.parent.mkdir(exist_ok=True)
        write_part(part.held, path)
        self._schemas[path] = part.held.schema
        return Part(part.split, part.index, part.rows, path)

    def _final(self, part: Part, types: Mapping[str, pl.DataType]) -> Part:
        schema = pl.Schema(types)
        if part.held is not None:
            return Part(part.split, part.index, part.rows, held=as_types(part.held, schema))
        assert part.path is not None
        if self._schemas[part.path] == schema:
            return part
        frame = as_types(part.frame(), schema)
        return self._written(Part(part.split, part.index, part.rows, held=frame))


def _write_waiting(frames: list[pl.DataFrame], path: Path) -> None:
    whole = pl.concat([as_types(frame, frames[-1].schema) for frame in frames])
    try:
        whole.write_ipc(path, compression="lz4")
    except (pl.exceptions.PolarsError, OSError) as error:
        raise cannot_write(path, error) from error


def _read_waiting(path: Path) -> pl.DataFrame:
    with path.open("rb") as file:
        # Read, and not mapped into memory: the file is removed then.
        return pl.read_ipc(file)
