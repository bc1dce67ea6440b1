"""Rows as TFRecord files of tf.Example, for tf.data and TFX."""

from __future__ import annotations

import gzip
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, Literal, Protocol, cast

import polars as pl

from dure.data.readers.tf_example_encoder import check_types, encode
from dure.data.types import standard
from dure.errors import DataError, UsageError

_ROWS = 4096  # encoded at once; fewer where rows are large
_BYTES = 1 << 22
_PREFIX = "data_tfrecord"  # TFX's own


class HasFrame(Protocol):
    """A part of a split: something with a frame."""

    def frame(self) -> pl.DataFrame:
        """Return its rows."""


Parts = pl.DataFrame | Iterable[pl.DataFrame | HasFrame]


def write_tfrecord(
    data: Parts,
    path: str | os.PathLike[str],
    *,
    compression: Literal["gzip"] | None = None,
    shards: int | None = None,
) -> tuple[Path, ...]:
    """Write rows as TFRecord files of tf.Example.

    int and bool become an int64 list of one value, float a float list, string and bytes a bytes
    list; a list becomes a list of its values, and an empty one a list without values. What is null
    is left out. tf.Example has float32 only: a float keeps about 7 digits, whole numbers all.

    Parameters
    ----------
    data : polars.DataFrame, or iterable of these or of parts
        The rows. Parts of a split (``examples.parts("train")``) are read one after another.
    path : str or path
        A name that ends in ``.tfrecord`` or ``.tfrecord.gz``: one file. Else a folder that is
        not there yet; it gets ``data_tfrecord-00000-of-00003`` and so on, with ``.gz``.
    compression : {None, "gzip"}
        Default: what the name of the file says, and none in a folder.
    shards : int, optional
        Files in the folder, over which the rows of one frame are spread evenly and in order.
        Default: one for each part.

    Returns
    -------
    paths : tuple of Path
        The files. The same rows give the same bytes. They appear under their names only when
        they are whole.

    Raises
    ------
    DataError
        A column is a struct or a list of lists, a list has a null in it, a number is larger than
        any float32, or parts have different columns.
    UsageError
        The folder is there already, or an argument is wrong.
    """
    target = Path(path)
    single = target.name.endswith((".tfrecord", ".tfrecord.gz"))
    _check(target, single=single, compression=compression, shards=shards, data=data)
    packed = compression == "gzip" or (single and target.suffix == ".gz")
    frames = _frames(data, 1 if single and isinstance(data, pl.DataFrame) else shards)
    target.parent.mkdir(parents=True, exist_ok=True)
    if single:
        return (_one_file(frames, target, packed=packed),)
    return _folder(frames, target, packed=packed)


def _one_file(frames: Iterator[pl.DataFrame], target: Path, *, packed: bool) -> Path:
    number, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    staged = Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            _write(frames, file, packed=packed)
            os.fsync(file.fileno())
        staged.chmod(0o666 & ~_umask())
        staged.replace(target)
    except BaseException:
        staged.unlink(missing_ok=True)
        raise
    return target


def _folder(frames: Iterator[pl.DataFrame], target: Path, *, packed: bool) -> tuple[Path, ...]:
    staged = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        count = 0
        for count, frame in enumerate(frames, start=1):
            with (staged / str(count - 1)).open("wb") as file:
                _write(iter([frame]), file, packed=packed)
                os.fsync(file.fileno())
        names = [
            f"{_PREFIX}-{at:05d}-of-{count:05d}" + (".gz" if packed else "") for at in range(count)
        ]
        for at, name in enumerate(names):
            (staged / str(at)).rename(staged / name)
        staged.chmod(0o777 & ~_umask())
        staged.rename(target)
    except BaseException:
        shutil.rmtree(staged)
        raise
    return tuple(target / name for name in names)


def _write(frames: Iterator[pl.DataFrame], file: BinaryIO, *, packed: bool) -> None:
    if not packed:
        for frame in frames:
            _encode_into(frame, file)
        return
    # Neither name nor time in its header: the same rows give the same bytes.
    with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as stream:
        for frame in frames:
            _encode_into(frame, cast("BinaryIO", stream))


def _encode_into(frame: pl.DataFrame, file: BinaryIO) -> None:
    size = frame.estimated_size() / max(frame.height, 1)
    rows = max(1, min(_ROWS, int(_BYTES / max(size, 1))))
    file.writelines(encode(part) for part in frame.iter_slices(rows))


def _frames(data: Parts, shards: int | None) -> Iterator[pl.DataFrame]:
    first: tuple[str, ...] | None = None
    for number, part in enumerate(_cut(data, shards)):
        frame = part if isinstance(part, pl.DataFrame) else part.frame()
        frame = standard(frame, f"part {number}")
        check_types(frame)
        if first is not None and set(first) != set(frame.columns):
            odd = sorted(set(first) ^ set(frame.columns))
            raise DataError(
                f"the columns of part {number} differ from those of part 0",
                expected=f"{len(first)} columns: {', '.join(first[:8])}",
                got=f"only one of them has {', '.join(odd[:8])}",
                fix="write data whose parts have the same columns",
            )
        first = first or tuple(frame.columns)
        yield frame


def _cut(data: Parts, shards: int | None) -> Iterator[pl.DataFrame | HasFrame]:
    if not isinstance(data, pl.DataFrame):
        yield from data
        return
    pieces = shards or 1
    bounds = [data.height * at // pieces for at in range(pieces + 1)]
    for begin, end in pairwise(bounds):
        yield data[begin:end]


def _check(
    target: Path, *, single: bool, compression: str | None, shards: int | None, data: Parts
) -> None:
    if compression not in (None, "gzip"):
        raise UsageError(
            "a TFRecord file cannot be compressed so",
            expected='"gzip" or None',
            got=f"compression={compression!r}",
        )
    if single and compression == "gzip" and target.suffix != ".gz":
        raise UsageError(
            f"'{target}' would be compressed, and its name does not say so",
            expected="a name that ends in .tfrecord.gz",
            got=f"'{target.name}' with compression='gzip'",
            fix=f"name it '{target.name}.gz'",
        )
    if shards is not None and (single or shards < 1 or not isinstance(data, pl.DataFrame)):
        raise UsageError(
            "shards does not fit",
            expected="1 or more, with one frame and the name of a folder",
            got=f"shards={shards!r}, {type(data).__name__}, '{target.name}'",
            fix="leave it out: parts are written as one file each",
        )
    if not single and target.exists():
        raise UsageError(
            f"'{target}' is there already",
            expected="the name of a folder that is not there yet",
            got="a folder" if target.is_dir() else "a file",
            fix="remove it, or write elsewhere; one file ends in .tfrecord",
        )


def _umask() -> int:
    # mkstemp and mkdtemp let nobody else in; what is kept gets what a plain file would get.
    old = os.umask(0o077)
    os.umask(old)
    return old


__all__ = ["HasFrame", "write_tfrecord"]
