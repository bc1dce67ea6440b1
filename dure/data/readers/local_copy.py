"""A place's content as a file of this machine, for formats that are read from their end."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dure.data.location import Location

_BLOCK = 1 << 20


@contextmanager
def local_file(location: Location) -> Iterator[Path]:
    """Give a path at which the content of ``location`` lies, decompressed.

    A local file that is not compressed is given as it is. Anything else is copied to the folder
    for temporary files (``TMPDIR``) first, which takes as much disk as the content is large and
    no memory to speak of; the copy is removed at the end.

    Raises
    ------
    DataError
        It cannot be read to its end.
    """
    if location.path is not None:
        location.open().close()  # says who may not read it, or that it is gone
        yield location.path
        return
    with tempfile.TemporaryDirectory(prefix="dure-") as folder:
        # The ending of the format alone: Polars would decompress a name that ends in .gz itself.
        copy = Path(folder) / f"copy{location.suffix}"
        with location.open() as source, copy.open("wb") as target:
            shutil.copyfileobj(source, target, _BLOCK)
        yield copy
