"""NumPy: ``.npz`` and ``.npy``, some rows of each array at a time.

What an array means:

====================================================== =====================================
``.npz`` of ``x_train, y_train, x_test, y_test``       columns ``x``, ``y`` and ``split``, which
(the layout of keras.datasets; also ``…_val``)         is ``"train"`` or ``"test"``
another ``.npz``                                       a column for each array
``.npy`` of one dimension                              a column ``value``
``.npy`` of two                                        columns ``column_0``, ``column_1``, …
``.npy`` of more                                       a column ``value`` of lists
a structured array                                     a column for each of its fields
====================================================== =====================================

``header=`` names the columns of a ``.npy`` otherwise. Dimensions beyond the first are lists in
each other: an image of 28 × 28 is a ``list[list[int]]``, whose shape a model sees.
"""

from __future__ import annotations

import io
import math
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import numpy as np
import polars as pl

from dure.data.batch import Batch, ReadOptions
from dure.data.location import Location
from dure.data.readers.local_copy import local_file
from dure.errors import DataError, UsageError

KINDS = "biufSUmM"  # of arrays that become columns: numbers, text, bytes, dates
_CELL = 8
_ORDER = ("train", "val", "valid", "validation", "test")
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, struct.error)
_ZIP, _NPY = b"PK", b"\x93NUMPY"


def read_npz(location: Location, options: ReadOptions) -> Iterator[Batch]:
    """Yield the rows of a NumPy file; the table above says what they are.

    Arrays in C order are read some rows at a time, compressed ones too; an array in Fortran
    order is read as a whole, since its rows are spread over the file.

    Parameters
    ----------
    location : Location
        A ``.npz`` or ``.npy`` file. One that is far away or compressed is copied to the folder
        for temporary files first.
    options : ReadOptions
        ``header`` (for ``.npy``) and ``batch_bytes`` count.

    Raises
    ------
    DataError
        It is no NumPy file, is cut off or damaged, holds Python objects or complex numbers, or
        its arrays have different lengths.
    """
    with local_file(location) as path, ExitStack() as stack:
        with path.open("rb") as file:
            begin = file.read(len(_NPY))
        try:
            if begin.startswith(_ZIP):
                yield from _npz(path, location, options, stack)
            elif begin == _NPY:
                source = stack.enter_context(path.open("rb"))
                array = _Array(source, "value", location)
                yield from _batches(array.as_columns(options.header), options, {})
            else:
                raise _no_numpy(location, "other bytes at its beginning")
        except _DAMAGED as error:
            raise _no_numpy(location, f"{type(error).__name__}: {error}") from error


def _npz(path: Path, location: Location, options: ReadOptions, stack: ExitStack) -> Iterator[Batch]:
    archive = stack.enter_context(zipfile.ZipFile(path))
    names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
    if not names:
        raise _no_numpy(location, "an archive without arrays")
    groups = _splits(names) or {"": {name: name for name in names}}
    for split, columns in groups.items():
        # Two arrays of an archive are read in turn, so each has its own place in the file.
        arrays = [
            _Array(
                stack.enter_context(stack.enter_context(zipfile.ZipFile(path)).open(f"{name}.npy")),
                column,
                location,
            )
            for column, name in columns.items()
        ]
        _check_lengths(arrays, location)
        yield from _batches(arrays, options, {"split": split} if split else {})


def _splits(names: Sequence[str]) -> dict[str, dict[str, str]] | None:
    """Return the arrays of each split by column, if all names are of that kind."""
    groups: dict[str, dict[str, str]] = {}
    for name in names:
        column, _, split = name.rpartition("_")
        if not column or column == "split" or split not in _ORDER:
            return None
        groups.setdefault(split, {})[column] = name
    first, *rest = (set(columns) for columns in groups.values())
    if not rest or any(columns != first for columns in rest):
        return None
    order = sorted(first, key=lambda column: (column != "x", column))
    return {
        split: {column: groups[split][column] for column in order}
        for split in sorted(groups, key=_ORDER.index)
    }


class _Array:
    """An array in a stream: what its header says, and its next rows."""

    def __init__(self, stream: IO[bytes], name: str, location: Location) -> None:
        self._stream, self.name, self._location = stream, name, location
        try:
            version = np.lib.format.read_magic(stream)
            read = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
            }.get(version)
            if read is None:
                # Version 3 differs from 2 in the encoding of the names of fields.
                shape, fortran, dtype = _header_3(stream)
            else:
                shape, fortran, dtype = read(stream)
        except ValueError as error:
            raise _no_numpy(location, f"the array '{name}': {error}") from error
        self.shape, self.dtype = shape, dtype
        self.names: list[str] | None = None
        self._whole: np.ndarray[Any, Any] | None = None
        self._at = 0
        self._check()
        if fortran and len(shape) > 1:
            data = self._bytes(math.prod(shape) * dtype.itemsize)
            self._whole = np.frombuffer(data, dtype).reshape(shape, order="F")

    def as_columns(self, header: Sequence[str] | None) -> list[_Array]:
        """Return this array of a ``.npy`` such that its columns have names."""
        if self.dtype.names:
            self.names = list(self.dtype.names)
        elif len(self.shape) == 2:
            self.names = [f"column_{index}" for index in range(self.shape[1])]
        else:
            self.names = [self.name]
        if header is not None:
            if len(header) != len(self.names):
                raise UsageError(
                    f"'{self._location.url}' has another number of columns than header=",
                    expected=f"{len(self.names):,} names",
                    got=f"{len(header):,}",
                )
            self.names = list(header)
        return [self]

    @property
    def rows(self) -> int:
        """Its length."""
        return int(self.shape[0])

    @property
    def row_cells(self) -> int:
        """How many values a row has."""
        fields = len(self.dtype.names) if self.dtype.names else 1
        return max(1, math.prod(self.shape[1:]) * fields)

    def next_rows(self, count: int) -> list[pl.Series]:
        """Return the next rows as columns."""
        count = min(count, self.rows - self._at)
        shape = (count, *self.shape[1:])
        if self._whole is not None:
            data = self._whole[self._at : self._at + count]
        else:
            size = math.prod(shape) * self.dtype.itemsize
            data = np.frombuffer(self._bytes(size), self.dtype).reshape(shape)
        self._at += count
        if data.dtype.names:
            names = self.names or data.dtype.names
            return [
                series_of(name, data[field])
                for name, field in zip(names, data.dtype.names, strict=True)
            ]
        if self.names is not None and data.ndim == 2:
            return [series_of(name, data[:, index]) for index, name in enumerate(self.names)]
        return [series_of(self.names[0] if self.names else self.name, data)]

    def _bytes(self, size: int) -> bytes:
        data = self._stream.read(size)
        if len(data) < size:
            raise _no_numpy(
                self._location,
                f"the array '{self.name}' breaks off {size - len(data):,} bytes before its end",
            )
        return data

    def _check(self) -> None:
        if not self.shape:
            raise DataError(
                f"'{self._location.url}': '{self.name}' is a single value",
                expected="arrays whose first dimension counts the rows",
                got="no dimension",
                fix="leave it out of the file",
            )
        if 0 in self.shape[1:]:
            raise DataError(
                f"'{self._location.url}': '{self.name}' has a dimension without values",
                expected="at least one value in each row",
                got=f"the shape {self.shape}",
                fix="leave it out of the file",
            )
        kinds = [self.dtype] if not self.dtype.names else list(_fields(self.dtype).values())
        for dtype in kinds:
            if dtype.base.kind not in KINDS:
                raise self._no_type(dtype)

    def _no_type(self, dtype: np.dtype[Any]) -> DataError:
        if dtype.hasobject:
            return DataError(
                f"'{self._location.url}': '{self.name}' holds Python objects",
                expected="numbers, text, dates, or fields of these",
                got="an array of objects, which only pickle reads, and pickle can run any code",
                fix="save lists of different lengths as Parquet or JSON Lines",
            )
        return DataError(
            f"'{self._location.url}': '{self.name}' holds values of the type {dtype}",
            expected="numbers, text, dates, or fields of these",
            got=f"{dtype}",
            fix="save complex numbers as two arrays of their parts, and leave other types out",
        )


def _header_3(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    (length,) = struct.unpack("<I", stream.read(4))
    text = stream.read(length).decode("utf-8").encode("latin1", errors="backslashreplace")
    if len(text) >= 1 << 32:
        raise ValueError("a header of 4 GiB")
    again = io.BytesIO(struct.pack("<I", len(text)) + text)
    shape, fortran, dtype = np.lib.format.read_array_header_2_0(again)
    return shape, fortran, dtype


def _fields(dtype: np.dtype[Any]) -> Mapping[str, np.dtype[Any]]:
    assert dtype.fields is not None
    return {name: entry[0] for name, entry in dtype.fields.items()}


def _batches(
    arrays: Sequence[_Array], options: ReadOptions, constants: Mapping[str, str]
) -> Iterator[Batch]:
    total = arrays[0].rows
    cells = sum(array.row_cells for array in arrays)
    rows = max(1, options.batch_bytes // (_CELL * cells))
    for start in range(0, max(total, 1), rows):
        columns = [series for array in arrays for series in array.next_rows(rows)]
        frame = pl.DataFrame(columns)
        if constants:
            frame = frame.with_columns(pl.lit(each).alias(name) for name, each in constants.items())
        yield Batch(frame, found=min(rows, total - start))


def series_of(name: str, data: np.ndarray[Any, Any]) -> pl.Series:
    """Return an array as a column: each dimension but the first as a level of lists."""
    kind = data.dtype.kind
    if kind == "f" and data.dtype.itemsize not in (4, 8):
        data = data.astype(np.float32 if data.dtype.itemsize == 2 else np.float64)
    if kind in "mM":
        unit, step = np.datetime_data(data.dtype)
        if unit not in ("D", "ms", "us", "ns") or step != 1 or (kind == "m" and unit == "D"):
            coarse = unit in ("Y", "M", "W", "D") and kind == "M"
            data = data.astype(f"{kind}8[{'D' if coarse else 'ms' if unit == 's' else 'us'}]")
    data = np.ascontiguousarray(data.astype(data.dtype.newbyteorder("="), copy=False))
    series = pl.Series(name, data.reshape(-1))
    if data.ndim == 1:
        return series
    dtype = series.dtype
    for _ in data.shape[1:]:
        dtype = pl.List(dtype)
    return series.reshape(data.shape).cast(dtype) if len(data) else pl.Series(name, [], dtype)


def _check_lengths(arrays: Sequence[_Array], location: Location) -> None:
    lengths = {array.name: array.rows for array in arrays}
    if len(set(lengths.values())) > 1:
        raise DataError(
            f"'{location.url}' has arrays of different lengths",
            expected="as many rows in each, or names such as x_train, y_train, x_test, y_test",
            got=", ".join(f"'{name}' has {rows:,}" for name, rows in lengths.items()),
            fix="save those that belong together in one file",
        )


def _no_numpy(location: Location, got: str) -> DataError:
    return DataError(
        f"'{location.url}' cannot be read as NumPy",
        expected="a whole .npz or .npy file",
        got=got,
        fix="write or copy the file again; if it is of another format, say which: format=…",
    )
