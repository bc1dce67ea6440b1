"""Read a source once and split it into `Examples`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from dure.data.csv_layout import Dialect
from dure.data.examples import Examples
from dure.data.reader import NULL_VALUES, Source, load
from dure.data.split import check_ratios, split_frame
from dure.progress import Progress, silent

SPLITS: Mapping[str, float] = {"train": 2, "eval": 1}


def make_examples(
    source: Source,
    *,
    splits: Mapping[str, float] = SPLITS,
    split_by: Sequence[str] | None = None,
    null_values: Sequence[str] = NULL_VALUES,
    delimiter: str = ",",
    encoding: str = "utf-8",
    types: Mapping[str, str] | None = None,
    bad_rows: Literal["error", "refuse"] = "error",
    progress: Progress = silent,
) -> Examples:
    """Return the rows of ``source``, split by a stable hash.

    Parameters
    ----------
    source, null_values, delimiter, encoding, types
        As for `dure.data.read`.
    splits : mapping of str to float
        Names of the splits and their shares; only proportions matter. Default: two thirds to
        ``"train"`` and one third to ``"eval"``.
    split_by : sequence of str, optional
        Columns whose values alone decide the split, so that the rows of one customer, patient
        or day stay together. Default: the whole row, so that equal rows stay together.
    bad_rows : {"error", "refuse"}
        What becomes of CSV rows with too few or too many fields: an error, or they are left
        out, and `Examples.refused` counts them.
    progress : Progress
        Is told how far reading is, in files, and then how many rows there are.

    Returns
    -------
    examples : Examples
        Each row that was read is in exactly one split; rows keep their order.

    Raises
    ------
    DataError
        The data is missing, unreadable or malformed, or a split would have no rows.
    UsageError
        An argument is wrong.
    """
    check_ratios(splits)
    table = load(
        source,
        null_values=null_values,
        dialect=Dialect(delimiter, encoding, bad_rows),
        types=types,
        progress=progress,
    )
    parts = split_frame(table.frame, splits, split_by)
    progress(table.frame.height, table.frame.height, unit="rows", note="split")
    return Examples.from_frames(parts, source=table.label, refused=table.refused)
