"""The feature lists of tf.SequenceExample as columns; see `dure.data.readers.tf_example`.

A feature list is a list of steps, and each step is a feature. Where every step has exactly one
value the column is ``list[T]``, else ``list[list[T]]``; the collector makes the second of the
first as soon as one block needs it, so the type does not depend on where blocks are cut. A list
without steps is ``[]``, and one that a record does not have is null. A step without a value, or
without a kind, is ``[]``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dure.data.readers.tf_columns import Flat
from dure.data.readers.tfrecord import Ints
from dure.data.readers.wire import fields
from dure.errors import DataError

if TYPE_CHECKING:
    from dure.data.readers.tf_example import _Attempt

_LISTS = 0x12


def list_columns(attempt: _Attempt) -> dict[str, Flat]:
    """Return the columns of the feature lists of a block.

    Parameters
    ----------
    attempt : _Attempt
        The reading of the block; it is told which records are bad.
    """
    names = attempt.parser.list_names
    entries = attempt.entries(names, *attempt.part(_LISTS))
    return {
        name: _column(attempt, name, *entries[name]) if name in entries else Flat(None)
        for name in sorted(names.known | entries.keys())
    }


def clash(names: set[str]) -> DataError:
    """Return the error that says that context and lists have features of the same name."""
    return DataError(
        f"'{min(names)}' is the name of a feature of the context and of a feature list",
        expected="names that are different, since each is one column",
        got=f"both have {', '.join(sorted(names))}",
        fix="rename one of the two where the records are written",
    )


def _column(attempt: _Attempt, name: str, row: Ints, start: Ints, stop: Ints) -> Flat:
    steps = fields(attempt.wire, start, stop, (0x0A,))
    attempt.bad[row[steps.bad]] = True
    order = np.argsort(steps.owner, kind="stable")
    owner = steps.owner[order]
    counts = np.bincount(owner, minlength=row.size)
    # From here on a step, not a record, is what has values.
    record = row[owner]
    number = np.arange(owner.size)
    found = attempt.features(name, number, steps.start[order], steps.stop[order], record)
    return Flat(attempt.values(attempt.parser.list_names, found, record), (row, counts))
