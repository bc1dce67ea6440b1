"""Statistics as TensorFlow Data Validation writes and reads them: ``.pb``, ``.pbtxt``, TFRecord.

What TFDV has no word for (skewness, shapes of texts, meanings ...) is left out on the way there.
On the way back, what TFDV does not count is None, and everything is marked with how far it can be
trusted: TFDV's quantiles come from a sketch. TFDV counts a missing value of a weight as 1, Dure as
0; weighted figures are carried over as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from dure.errors import DataError
from dure.statistics.model import SplitStatistics
from dure.statistics.statistics import Statistics
from dure.statistics.tfx_reading import from_dataset
from dure.statistics.tfx_writing import statistics_pb2, to_proto

EVERYTHING = "All Examples"  # TFDV's name of the slice that is the whole
FILE = "FeatureStats.pb"
_FOLDER = "Split-"


def read_tfdv(path: str | Path) -> Statistics:
    """Return the statistics in a file, or in a folder, of TFDV or TFX.

    Parameters
    ----------
    path : path
        A file that ends in ``.pb`` (binary), ``.pbtxt`` (text), or ``.tfrecord`` (TFRecord of one
        or more lists); or a folder as StatisticsGen of TFX leaves it, ``Split-train/FeatureStats.pb``.

    Returns
    -------
    Statistics
        A split for each folder, or for each data set of a file that is no slice; data sets that
        are slices of ``All Examples`` become its slices.

    Raises
    ------
    DataError
        The file is missing or is no statistics of TFDV; a text file is named with its line.
    MissingExtraError
        tensorflow-metadata is not installed.
    """
    place = Path(path)
    if not place.is_dir():
        return Statistics(_splits(_read(place), default="train"))
    found = sorted(place.glob(f"{_FOLDER}*/*"))
    if not found:
        raise DataError(
            f"the folder '{place}' has no statistics of TFX",
            expected=f"folders such as {_FOLDER}train with {FILE} in them",
            got=", ".join(sorted(item.name for item in place.iterdir())[:5]) or "nothing",
        )
    splits: dict[str, SplitStatistics] = {}
    for file in found:
        name = file.parent.name.removeprefix(_FOLDER)
        splits |= _splits(_read(file), default=name, whole=name)
    return Statistics(splits)


def write_tfdv(statistics: Statistics, path: str | Path) -> None:
    """Write statistics for TFDV.

    Parameters
    ----------
    statistics : Statistics
        What is written.
    path : path
        ``.pb``, ``.pbtxt`` or ``.tfrecord``: one file with a data set for each split and slice. Any
        other name: a folder with ``Split-NAME/FeatureStats.pb`` for each split, as TFX has it.

    Raises
    ------
    MissingExtraError
        tensorflow-metadata is not installed.
    """
    place = Path(path)
    if place.suffix in (".pb", ".pbtxt", ".tfrecord"):
        _write(place, to_proto(statistics))
        return
    for name, split in statistics.splits.items():
        folder = place / f"{_FOLDER}{name}"
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / FILE, to_proto(Statistics({EVERYTHING: split})))


def _read(path: Path) -> Any:
    from google.protobuf import message, text_format

    made = statistics_pb2().DatasetFeatureStatisticsList()
    try:
        if path.suffix == ".pbtxt":
            text_format.Parse(path.read_text(encoding="utf-8"), made)
        elif path.suffix == ".tfrecord":
            for record in _records(path):
                made.MergeFromString(record)
        else:
            made.ParseFromString(path.read_bytes())
    except FileNotFoundError as error:
        raise DataError(f"there is no file '{path}'", expected="statistics of TFDV") from error
    except (text_format.ParseError, message.DecodeError, UnicodeDecodeError) as error:
        raise DataError(
            f"'{path}' holds no statistics of TFDV",
            expected="a DatasetFeatureStatisticsList: text in .pbtxt, TFRecord in .tfrecord, else binary",
            got=str(error),
        ) from error
    if not made.datasets:
        raise DataError(
            f"'{path}' holds no statistics of TFDV",
            expected="at least one data set",
            got="none" if path.stat().st_size else "an empty file",
        )
    return made


def _records(path: Path) -> Iterator[bytes]:
    from dure.data.readers.tfrecord import read_blocks

    with path.open("rb") as file:
        for block in read_blocks(file, str(path), block_bytes=1 << 24):
            if block.broken:
                raise DataError(f"'{path}' is damaged: {block.broken[0].reason}")
            for start, stop in zip(block.starts, block.stops, strict=True):
                yield block.data[start:stop]


def _write(path: Path, proto: Any) -> None:
    from google.protobuf import text_format

    if path.suffix == ".pbtxt":
        path.write_text(text_format.MessageToString(proto), encoding="utf-8")
    elif path.suffix == ".tfrecord":
        from dure.data.readers.tfrecord import framed

        path.write_bytes(framed(proto.SerializeToString(deterministic=True)))
    else:
        path.write_bytes(proto.SerializeToString(deterministic=True))


def _splits(proto: Any, *, default: str, whole: str | None = None) -> dict[str, SplitStatistics]:
    names = [dataset.name for dataset in proto.datasets]
    if EVERYTHING in names:
        slices = {
            dataset.name: from_dataset(dataset)
            for dataset in proto.datasets
            if dataset.name != EVERYTHING
        }
        split = from_dataset(proto.datasets[names.index(EVERYTHING)])
        return {whole or default: replace(split, slices=slices)}
    if len(names) == 1:
        return {whole or names[0] or default: from_dataset(proto.datasets[0])}
    return {
        name or default: from_dataset(dataset)
        for name, dataset in zip(names, proto.datasets, strict=True)
    }
