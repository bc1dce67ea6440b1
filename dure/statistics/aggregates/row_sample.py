"""Rows at regular distances, in bounded memory: for what needs the values of a row side by side.

Every ``stride``-th row of each shard is kept, and the stride, a power of two, is doubled whenever
more than `ROWS` rows are kept. So up to 65,536 rows the sample is everything, and more than half
of that beyond. States are folded in the order of the shards; nothing is random.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dure.data.naming import unnamed
from dure.statistics.packing import Arrays

ROWS = 1 << 16


@dataclass
class RowSample:
    """Every ``stride``-th row.

    Parameters
    ----------
    frame : polars.DataFrame
        The rows.
    starts : list of int
        Where the rows of each shard begin in ``frame``: a shard is thinned on its own.
    stride : int
        A power of two; 1: these are all rows.
    rows : int
        How many rows there are in all.
    """

    frame: pl.DataFrame
    starts: list[int]
    stride: int = 1
    rows: int = 0


def empty_rows(schema: dict[str, pl.DataType]) -> RowSample:
    """Return the sample of no rows."""
    return RowSample(pl.DataFrame(schema=schema), [])


def add_rows(sample: RowSample, frame: pl.DataFrame) -> RowSample:
    """Return the sample with the rows of a shard added."""
    return merge_rows(sample, RowSample(frame, [0], 1, frame.height))


def merge_rows(first: RowSample, second: RowSample) -> RowSample:
    """Return the sample of the rows of both, those of ``first`` being the earlier ones."""
    if not second.rows:
        return first
    stride = max(first.stride, second.stride)
    while True:
        one, two = _thin(first, stride), _thin(second, stride)
        if one.frame.height + two.frame.height <= ROWS:
            break
        stride *= 2
    starts = one.starts + [start + one.frame.height for start in two.starts]
    frame = pl.concat([one.frame, two.frame]) if one.frame.height else two.frame
    return RowSample(frame, starts, stride, first.rows + second.rows)


def _thin(sample: RowSample, stride: int) -> RowSample:
    every = stride // sample.stride
    if every == 1:
        return sample
    ends = [*sample.starts[1:], sample.frame.height][: len(sample.starts)]
    kept = [np.arange(start, end, every) for start, end in zip(sample.starts, ends, strict=True)]
    lengths = np.cumsum([0, *(len(one) for one in kept)])
    rows = np.concatenate([np.zeros(0, np.int64), *kept])
    return RowSample(sample.frame[rows], lengths[:-1].tolist(), stride, sample.rows)


def pack_rows(sample: RowSample) -> tuple[dict[str, Any], Arrays]:
    """Return a sample as a record and arrays for `packing.pack`.

    Texts are stored once each; a float or bool or int column as it is.
    """
    record: dict[str, Any] = {
        "starts": sample.starts,
        "stride": sample.stride,
        "rows": sample.rows,
        "texts": {},
    }
    arrays: dict[str, NDArray[Any]] = {}
    for index, given in enumerate(sample.frame):
        column = unnamed(given)
        arrays[f"{index:05} null"] = column.is_null().to_numpy()
        if column.dtype == pl.String:
            known = column.drop_nulls().unique().sort()
            record["texts"][str(index)] = known.to_list()
            column = column.replace_strict(known, np.arange(len(known)), default=None)
            column = column.cast(pl.Int64)
        filled = column.fill_null(False if column.dtype == pl.Boolean else 0)
        arrays[f"{index:05} value"] = filled.to_numpy()
    return record, arrays


def unpack_rows(
    record: dict[str, Any], arrays: Arrays, schema: dict[str, pl.DataType]
) -> RowSample:
    """Return the sample that `pack_rows` took apart; ``schema`` is that of its columns."""
    columns = []
    for index, (name, dtype) in enumerate(schema.items()):
        values = pl.Series(name, arrays[f"{index:05} value"])
        if str(index) in record["texts"]:
            texts = pl.Series(record["texts"][str(index)], dtype=pl.String)
            values = texts.gather(values) if len(texts) else pl.Series([None] * len(values))
        null = pl.Series(arrays[f"{index:05} null"])
        frame = pl.DataFrame({"value": values, "null": null})
        some = frame.select(pl.when(~pl.col("null")).then("value")).to_series()
        columns.append(some.cast(dtype).alias(name))
    return RowSample(pl.DataFrame(columns), record["starts"], record["stride"], record["rows"])
