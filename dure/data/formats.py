"""The formats that Dure reads: which names they have, and which function reads them.

A reader is one function, ``read(location, options)``, that yields batches (`dure.data.batch`). It
is imported when the first file of its format is read, so that a format costs nothing to those
who don't use it. `register` adds a format of one's own.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass

from dure.data.batch import Reader
from dure.errors import UsageError, nearest


@dataclass(frozen=True)
class Format:
    """A format, and where its reader is.

    Parameters
    ----------
    suffixes : tuple of str
        The endings of its files, in lower case, without that of a compression.
    module, function : str
        Its reader; the module is imported when it is needed.
    schemes : tuple of str
        The schemes of URLs that mean this format whatever follows: ``"sqlite"`` for
        ``sqlite:///trips.db``.
    folder : bool
        Each file is one row, and a folder of them is one source.
    text : bool
        Values are text, whose types are a matter of reading: a column of numbers in which
        something else turns up later is read again as text.
    keyed : bool
        Rows name their columns, so that some may have columns that others lack.
    """

    suffixes: tuple[str, ...]
    module: str
    function: str
    schemes: tuple[str, ...] = ()
    folder: bool = False
    text: bool = False
    keyed: bool = False


_IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff")

FORMATS: dict[str, Format] = {
    "csv": Format((".csv",), "dure.data.readers.csv_reader", "read_csv", text=True),
    "tsv": Format((".tsv", ".tab"), "dure.data.readers.csv_reader", "read_csv", text=True),
    "jsonl": Format(
        (".jsonl", ".ndjson"), "dure.data.readers.jsonl_reader", "read_jsonl", keyed=True
    ),
    "parquet": Format((".parquet", ".pq"), "dure.data.readers.parquet_reader", "read_parquet"),
    "arrow": Format(
        (".arrow", ".arrows", ".feather", ".ipc"), "dure.data.readers.arrow_reader", "read_arrow"
    ),
    "avro": Format((".avro",), "dure.data.readers.avro_reader", "read_avro"),
    "tfrecord": Format(
        (".tfrecord", ".tfrecords", ".tfrec"),
        "dure.data.readers.tfrecord_reader",
        "read_tfrecord",
        keyed=True,
    ),
    "numpy": Format((".npz", ".npy"), "dure.data.readers.numpy_reader", "read_npz"),
    "images": Format(_IMAGES, "dure.data.readers.image_reader", "read_images", folder=True),
    "sql": Format(
        (), "dure.data.readers.sql_reader", "read_sql", schemes=("postgresql", "sqlite", "duckdb")
    ),
    "bigquery": Format(
        (), "dure.data.readers.bigquery_reader", "read_bigquery", schemes=("bigquery",)
    ),
}
"""Every format by its name, which is what ``format=`` takes. Change it with `register` only."""

_REGISTERED: dict[str, Reader] = {}


def register(
    kind: str,
    reader: Reader,
    *,
    suffixes: Sequence[str] = (),
    schemes: Sequence[str] = (),
    folder: bool = False,
    text: bool = False,
    keyed: bool = False,
) -> None:
    """Add a format, or replace one.

    Call it where the reading is done: another process knows nothing of it. There,
    ``format="package.module:function"`` names a reader that is imported instead.

    Parameters
    ----------
    kind : str
        Its name, for ``format=``.
    reader : callable
        ``reader(location, options)`` yields `dure.data.batch.Batch`.
    suffixes : sequence of str
        The endings of its files, such as ``".dat"``.
    schemes : sequence of str
        The schemes of URLs that mean this format, such as ``"mongodb"``.
    folder : bool
        Each file is one row; the reader is given the folder.
    text : bool
        Values are text, of which the reader makes types by itself. A column that began with
        numbers and has a text later is then read again, as ``options.types`` says to the reader;
        without it two types that have nothing in common are an error.
    keyed : bool
        Rows name their columns: batches may have different ones, and what a row lacks is missing.

    Raises
    ------
    UsageError
        The name, an ending or a scheme is wrong, or belongs to another format.

    Examples
    --------
    >>> import polars as pl
    >>> from dure.data.batch import Batch
    >>> def read_lines(location, options):
    ...     with location.open() as file:
    ...         yield Batch(pl.DataFrame({"line": file.read().decode().splitlines()}))
    >>> register("lines", read_lines, suffixes=[".log"])
    """
    if not kind.isidentifier():
        raise UsageError(
            "the name of a format is wrong",
            expected="letters, digits and underscores",
            got=f"{kind!r}",
        )
    for what, given, known in (
        ("ending", suffixes, suffix_kinds()),
        ("scheme", schemes, scheme_kinds()),
    ):
        _check_names(kind, what, given, known)
    _REGISTERED[kind] = reader
    FORMATS[kind] = Format(
        tuple(suffix.lower() for suffix in suffixes), "", kind, tuple(schemes), folder, text, keyed
    )


def reader_of(kind: str) -> Reader:
    """Return the reader of a format, importing it now.

    Parameters
    ----------
    kind : str
        A name in `FORMATS`, or ``"package.module:function"``.

    Raises
    ------
    UsageError
        There is no such format, module or function.
    """
    if kind in _REGISTERED:
        return _REGISTERED[kind]
    if ":" in kind:
        return _named(kind)
    check_kind(kind)
    form = FORMATS[kind]
    reader: Reader = getattr(importlib.import_module(form.module), form.function)
    return reader


def check_kind(kind: str) -> None:
    """Raise `UsageError` unless ``kind`` names a format."""
    if kind not in FORMATS and ":" not in kind:
        raise UsageError(
            f"there is no format '{kind}'",
            expected="the name of a format, or package.module:function",
            got=f"format={kind!r}",
            fix=nearest(kind, FORMATS),
        )


def suffix_kinds() -> dict[str, str]:
    """Return the format of each ending."""
    return {suffix: kind for kind, form in FORMATS.items() for suffix in form.suffixes}


def scheme_kinds() -> dict[str, str]:
    """Return the format of each scheme that has one."""
    return {scheme: kind for kind, form in FORMATS.items() for scheme in form.schemes}


def _named(kind: str) -> Reader:
    module, _, function = kind.partition(":")
    try:
        reader: Reader = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(
            f"there is no reader '{kind}'",
            expected="package.module:function, which can be imported",
            got=f"{type(error).__name__}: {error}",
            fix="check the name, and that the package is installed or on PYTHONPATH",
        ) from error
    return reader


def _check_names(kind: str, what: str, given: Sequence[str], known: dict[str, str]) -> None:
    if isinstance(given, str):
        raise UsageError(
            f"the {what}s of the format '{kind}' are one text",
            expected=f"a sequence of {what}s",
            got=f"{given!r}",
            fix=f"[{given!r}]",
        )
    for name in given:
        if what == "ending" and not (name.startswith(".") and len(name) > 1):
            raise UsageError(
                f"an ending of the format '{kind}' is wrong",
                expected="a dot and letters, such as '.dat'",
                got=f"{name!r}",
            )
        owner = known.get(name.lower(), kind)
        if owner != kind:
            raise UsageError(
                f"the {what} '{name}' belongs to the format '{owner}'",
                expected=f"an {what} that no format has" if what == "ending" else "a free scheme",
                got=f"register({kind!r}, …, {what}s=[{name!r}])",
                fix=f"name the format when you read: format={kind!r}",
            )
