"""States as bytes, and as the files beside ``statistics.json`` from which it can go on.

A split's state is one JSON text and three tables; on disk ``state.json``, ``numbers.parquet``
(``table, step, count``, and sums of weights), ``texts.parquet`` (``table, value, count``) and
``sketches.parquet`` (``table, registers``), where ``table`` is the number that the JSON gives. A
step is what a key is above the one before: half as many bytes as keys, once these are coarse.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from dure.errors import StoreError
from dure.statistics import tables
from dure.statistics.aggregate import Aggregate
from dure.statistics.columns import Body, ColumnState, LevelState
from dure.statistics.numbers import NumberState, Summary
from dure.statistics.states import RowsState, SplitState
from dure.statistics.sums import Sums
from dure.statistics.tables import Ints, Table
from dure.statistics.texts import Lengths, TextState

FORMAT = 2
_MAGIC = b"DURESTAT"
_SUMS = ("count", "high", "low")
_NUMBERS = {"table": pl.UInt32, "step": pl.Int64, **dict.fromkeys(_SUMS, pl.Int64)}
_TEXTS = {"table": pl.UInt32, "value": pl.String, **dict.fromkeys(_SUMS, pl.Int64)}
_SKETCHES = {"table": pl.UInt32, "registers": pl.Binary}
_NAMES = ("numbers", "texts", "sketches")
FILES = ("state.json", *(f"{name}.parquet" for name in _NAMES))


@dataclass
class _Writer:
    """Collects tables while the JSON is made."""

    numbers: list[pl.DataFrame] = field(default_factory=list)
    texts: list[pl.DataFrame] = field(default_factory=list)
    sketches: list[tuple[int, bytes]] = field(default_factory=list)
    keys: list[tuple[int, Table]] = field(default_factory=list)
    at: int = 0

    def body(self, body: Body | None) -> dict[str, Any] | None:
        if body is None:
            return None
        body.compact()
        self.at += 1
        return self._numbers(body) if isinstance(body, NumberState) else self._texts(body)

    def _numbers(self, body: NumberState) -> dict[str, Any]:
        self.keys.append((self.at, body.table))
        record: dict[str, Any] = {"table": self.at, "whole": body.whole, "limit": body.limit}
        record |= {"nan": body.nan, "shift": body.shift, "weighted": body.weighted}
        record |= {"infinite": [body.negative_inf, body.positive_inf]}
        if body.summary is not None:
            known, sums = body.summary, body.summary.sums
            self.sketches.append((self.at, known.registers.tobytes()))
            record["summary"] = [known.low, known.high, known.zeros, known.negative]
            record["sums"] = [sums.n, hex(sums.first), hex(sums.second)]
        return record

    def _texts(self, body: TextState) -> dict[str, Any]:
        if body.table is not None and body.table.height:
            table = body.table.sort("value")
            self.texts.append(table.select(pl.lit(self.at, pl.UInt32).alias("table"), pl.all()))
        if body.registers is not None:
            self.sketches.append((self.at, body.registers.tobytes()))
        lengths = body.lengths
        return {
            "table": self.at,
            "limits": list(body.limits),
            "weighted": body.weighted,
            "lost": body.lost,
            "complete": body.complete,
            "lengths": [getattr(lengths, name) for name in Lengths.__slots__],
        }

    def frames(self) -> dict[str, pl.DataFrame]:
        wide = max((len(table.sums) for _, table in self.keys), default=1)
        sizes = [len(table) for _, table in self.keys]
        data = {
            "table": np.repeat(np.array([at for at, _ in self.keys], np.uint32), sizes),
            "step": _steps(_joined([table.keys for _, table in self.keys])),
        }
        for i in range(wide):
            data[_SUMS[i]] = _joined([_row(table, i) for _, table in self.keys])
        texts = pl.concat(self.texts, how="diagonal") if self.texts else pl.DataFrame(schema=_TEXTS)
        return {
            "numbers": pl.DataFrame(data),
            "texts": texts,
            "sketches": pl.DataFrame(self.sketches, schema=_SKETCHES, orient="row"),
        }


def _steps(keys: Ints) -> Ints:
    """Return what each key is above the one before, modulo 2^64; `numpy.cumsum` undoes it."""
    return np.diff(keys, prepend=np.int64(0))


def _joined(arrays: list[Any]) -> Any:
    return np.concatenate(arrays) if arrays else np.empty(0, np.int64)


def _row(table: Table, index: int) -> Ints:
    return table.sums[index] if index < len(table.sums) else np.zeros(len(table), np.int64)


def to_frames(
    state: SplitState, aggregates: Sequence[Aggregate[Any]]
) -> tuple[str, dict[str, pl.DataFrame]]:
    """Return a state as JSON and tables by name; equal states give equal ones."""
    writer = _Writer()
    record = {
        "format": FORMAT,
        "rows": _rows(state.all, writer),
        # By name: the order in which slices were met says nothing.
        "slices": [
            [[name, _rows(one[name], writer)] for name in sorted(one)] for one in state.slices
        ],
        "aggregates": [
            [one.place, list(one.columns), one.name, base64.b64encode(one.dump(part)).decode()]
            for one, part in zip(aggregates, state.aggregates, strict=True)
        ],
    }
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")), writer.frames()


def from_frames(
    text: str, frames: Mapping[str, pl.DataFrame], aggregates: Sequence[Aggregate[Any]]
) -> SplitState:
    """Return the state that `to_frames` wrote; ValueError or KeyError where it is another."""
    record = json.loads(text)
    if record["format"] != FORMAT:
        raise ValueError(f"states of format {record['format']}")
    reader = _Reader(frames)
    kept = {(p, tuple(c), n): data for p, c, n, data in record["aggregates"]}
    return SplitState(
        reader.rows(record["rows"]),
        [{name: reader.rows(one) for name, one in some} for some in record["slices"]],
        [one.load(base64.b64decode(kept[one.place, one.columns, one.name])) for one in aggregates],
    )


def dumps(state: SplitState, aggregates: Sequence[Aggregate[Any]]) -> bytes:
    """Return a state as bytes, for the way from a worker."""
    text, frames = to_frames(state, aggregates)
    pieces = [text.encode()]
    for name in _NAMES:
        out = io.BytesIO()
        frames[name].write_ipc(out)
        pieces.append(out.getvalue())
    sizes = np.array([FORMAT, *map(len, pieces)], "<u8").tobytes()
    return b"".join([_MAGIC, sizes, *pieces])


def loads(data: bytes, aggregates: Sequence[Aggregate[Any]]) -> SplitState:
    """Return the state that `dumps` wrote."""
    start = len(_MAGIC) + 8 * (2 + len(_NAMES))
    if not data.startswith(_MAGIC):
        raise ValueError("no state of statistics")
    _, *sizes = np.frombuffer(data[len(_MAGIC) : start], "<u8").tolist()
    pieces = []
    for size in sizes:
        pieces.append(data[start : start + size])
        start += size
    frames = {
        name: pl.read_ipc(io.BytesIO(piece)) for name, piece in zip(_NAMES, pieces[1:], strict=True)
    }
    return from_frames(pieces[0].decode(), frames, aggregates)


def save(state: SplitState, aggregates: Sequence[Aggregate[Any]], folder: Path) -> None:
    """Write a state into a folder that exists."""
    text, frames = to_frames(state, aggregates)
    (folder / FILES[0]).write_text(text, encoding="utf-8")
    for name in _NAMES:
        frames[name].write_parquet(
            folder / f"{name}.parquet", compression="zstd", row_group_size=1 << 17
        )


def load(folder: Path, aggregates: Sequence[Aggregate[Any]]) -> SplitState:
    """Return the state that `save` wrote.

    Raises
    ------
    StoreError
        A file is gone or is not what was written.
    """
    try:
        frames = {name: pl.read_parquet(folder / f"{name}.parquet") for name in _NAMES}
        return from_frames((folder / FILES[0]).read_text(encoding="utf-8"), frames, aggregates)
    except (OSError, ValueError, KeyError, TypeError, pl.exceptions.PolarsError) as error:
        raise StoreError(
            f"'{folder}' does not hold the state of statistics",
            expected=f"the files that Dure wrote, format {FORMAT}",
            got=f"{type(error).__name__}: {error}",
            fix="make the statistics again",
        ) from error


def _rows(state: RowsState, writer: _Writer) -> dict[str, Any]:
    columns = [_column(column, writer) for column in state.columns.values()]
    return {"rows": state.rows, "weight": state.weight, "columns": columns}


def _column(state: ColumnState, writer: _Writer) -> dict[str, Any]:
    return {
        "path": list(state.path),
        "type": state.type,
        "weight": state.weight,
        "counts": [state.count, state.missing, state.values, state.true],
        "weights": state.weights,
        "levels": [
            [level.present, level.missing, level.total, writer.body(level.lengths)]
            for level in state.levels
        ],
        "body": writer.body(state.body),
        "sizes": writer.body(state.sizes),
    }


class _Reader:
    """Gives states their tables back."""

    def __init__(self, frames: Mapping[str, pl.DataFrame]) -> None:
        numbers = frames["numbers"]
        self._at = numbers["table"].to_numpy()
        self._keys = np.cumsum(numbers["step"].to_numpy())
        names = [name for name in _SUMS if name in numbers.columns]
        self._sums = np.stack([numbers[name].to_numpy() for name in names])
        self._texts = frames["texts"]
        self._text_at = self._texts["table"].to_numpy()
        self._registers = dict(frames["sketches"].iter_rows())

    def rows(self, record: dict[str, Any]) -> RowsState:
        columns = [self._column(one) for one in record["columns"]]
        by_name = {column.name: column for column in columns}
        return RowsState(by_name, record["rows"], record["weight"])

    def _column(self, record: dict[str, Any]) -> ColumnState:
        count, missing, values, true = record["counts"]
        sizes = self._body(record["sizes"])
        assert sizes is None or isinstance(sizes, NumberState)
        return ColumnState(
            tuple(record["path"]),
            record["type"],
            record["weight"],
            count,
            missing,
            values,
            [self._level(*level) for level in record["levels"]],
            self._body(record["body"]),
            true,
            sizes,
            record["weights"],
        )

    def _level(self, present: int, missing: int, total: int, lengths: dict[str, Any]) -> LevelState:
        body = self._body(lengths)
        assert isinstance(body, NumberState)
        return LevelState(present, missing, total, body)

    def _body(self, record: dict[str, Any] | None) -> Body | None:
        if record is None:
            return None
        return self._numbers(record) if "whole" in record else self._text(record)

    def _numbers(self, record: dict[str, Any]) -> NumberState:
        at = record["table"]
        start, stop = np.searchsorted(self._at, [at, at + 1]).tolist()
        parts = 3 if record["weighted"] else 1
        table = Table(self._keys[start:stop], self._sums[:parts, start:stop])
        negative, positive = record["infinite"]
        state = NumberState(record["whole"], record["limit"], record["weighted"])
        state.nan, state.negative_inf, state.positive_inf = record["nan"], negative, positive
        state.shift = record["shift"]
        state.table = table if len(table) else tables.empty(parts)
        if "summary" in record:
            n, first, second = record["sums"]
            low, high, zeros, below = record["summary"]
            sums = Sums(n, int(first, 16), int(second, 16))
            state.summary = Summary(low, high, zeros, below, sums, self._sketch(at))
        return state

    def _text(self, record: dict[str, Any]) -> TextState:
        at = record["table"]
        start, stop = np.searchsorted(self._text_at, [at, at + 1]).tolist()
        table = self._texts.slice(start, stop - start)
        names = ["value", *(_SUMS if record["weighted"] else _SUMS[:1])]
        state = TextState((record["limits"][0], record["limits"][1]), record["weighted"])
        state.lost = record["lost"]
        state.lengths = Lengths(*record["lengths"])
        state.registers = None if record["complete"] else self._sketch(at)
        state.put(table.select(names) if table.height else None)
        return state

    def _sketch(self, at: int) -> Any:
        return np.frombuffer(self._registers[at], np.uint8).copy()
