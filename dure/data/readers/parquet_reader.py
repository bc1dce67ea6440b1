"""Parquet, slice by slice.

Polars reads a slice by going to the row groups that have it. It holds such a row group as it is in
the file, compressed, and decodes it for each slice; so slices are as large as memory has room for.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from dure.data.batch import Batch, ReadOptions
from dure.data.location import Location
from dure.data.readers.local_copy import local_file
from dure.data.readers.slices import scanned

_WHOLE = "a whole Parquet file, which begins and ends with PAR1"


def read_parquet(location: Location, options: ReadOptions) -> Iterator[Batch]:
    """Yield the rows of a Parquet file, with the types that the file has.

    Parameters
    ----------
    location : Location
        The file. One that is far away or compressed is copied to the folder for temporary
        files first, since the index of a Parquet file is at its end.
    options : ReadOptions
        ``columns``, ``batch_bytes`` and ``window_bytes`` count.

    Raises
    ------
    DataError
        It is no Parquet file, is cut off, is damaged, or has a type that Polars cannot hold.
    """
    with local_file(location) as path:
        # Neither "[" nor "day=1" in a path means anything here.
        scan = pl.scan_parquet(path, glob=False, hive_partitioning=False, low_memory=True)
        yield from scanned(scan, location, "Parquet", _WHOLE, options)
