"""`Examples`: rows in named splits, as Parquet on disk."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from markupsafe import Markup

from dure import draw
from dure.artifact import Artifact
from dure.errors import StoreError, UsageError, nearest

if TYPE_CHECKING:
    import polars as pl

    from dure.data.parts import Part
    from dure.data.workspace import Workspace

_FORMATS = (1, 2)
_REMARKS = 20
_FILE = "examples.json"
_QUARANTINE = "quarantine.parquet"


@dataclass(frozen=True)
class FileRows:
    """What became of the rows of one file.

    Parameters
    ----------
    name : str
        Its name, without its folder.
    found : int
        How many rows it has, by a count of its own where its format allows one.
    kept, refused : int
        How many of them are in a split, and how many were set aside.
    """

    name: str
    found: int
    kept: int
    refused: int


class Examples(Artifact):
    """Rows in named splits.

    Made by `make_examples`, or from frames that are split already by `from_frames`. On disk:
    ``examples.json``, a folder for each split with ``part-00000.parquet``, ``part-00001.parquet``
    and so on in it, and ``quarantine.parquet`` where rows were refused.

    Attributes
    ----------
    rows : dict of str to int
        How many rows each split has, in the order of the splits.
    columns : dict of str to str
        The type of each column: ``"int"``, ``"float"``, ``"string"``, ``"bool"``, ``"bytes"``,
        ``"list[…]"`` or ``"struct[…]"``; see `dure.data.types`.
    files : tuple of FileRows
        How many rows each file had, and what became of them; empty for data in memory.
    refused : int
        How many rows of the source were left out because they were malformed.
    remarks : tuple of str
        Where the first 20 of those are, and what is wrong with them; `quarantine` has all.
    source : str
        What the rows were read from, without its folder.
    spans : tuple of int
        The spans that were read, where the source has spans.
    version : int or None
        The version of the last of them, where the source has versions.
    """

    def __init__(
        self,
        *,
        rows: Mapping[str, int],
        columns: Mapping[str, str],
        source: str,
        refused: int = 0,
        remarks: Sequence[str] = (),
        files: Sequence[FileRows] = (),
        spans: Sequence[int] = (),
        version: int | None = None,
        parts: Mapping[str, Sequence[Part]] | None = None,
        frames: Mapping[str, pl.DataFrame] | None = None,
        quarantine: pl.DataFrame | pl.LazyFrame | None = None,
        directory: Path | None = None,
        sizes: Mapping[str, Sequence[int]] | None = None,
        workspace: Workspace | None = None,
    ) -> None:
        self.rows = dict(rows)
        self.columns = dict(columns)
        self.source = source
        self.refused = refused
        self.remarks = tuple(remarks)
        self.files = tuple(files)
        self.spans = tuple(spans)
        self.version = version
        # Parts of one of three kinds: given, cut from whole frames, or in the files of a folder.
        self._parts = {split: tuple(some) for split, some in (parts or {}).items()}
        self._frames = dict(frames or {})
        self._directory = directory
        self._sizes = {split: tuple(some) for split, some in (sizes or {}).items()}
        self._quarantine = quarantine
        # Keeps the files of the parts until nobody can ask for them any more.
        self._workspace = workspace

    @classmethod
    def from_frames(
        cls,
        frames: Mapping[str, pl.DataFrame],
        *,
        source: str = "DataFrame",
        refused: Sequence[str] = (),
    ) -> Self:
        """Return examples of data that is split already.

        Parameters
        ----------
        frames : mapping of str to polars.DataFrame
            The rows of each split. Columns have to be the same, in any order; an int column
            that is float in another split becomes float.
        source : str
            What the rows come from, in a few words.
        refused : sequence of str
            A remark on each row that was left out.

        Raises
        ------
        UsageError
            There is no split, or a name cannot name one.
        DataError
            A split is empty, columns differ, or a column has types that nothing fits.
        """
        from dure.data.split import check_split_name
        from dure.data.types import columns_of, standardise, unite

        if not isinstance(frames, Mapping) or not frames:
            raise UsageError(
                "from_frames got no splits",
                expected='frames by split, such as {"train": frame, "eval": frame}',
                got=f"{type(frames).__name__}",
            )
        for name in frames:
            check_split_name(name)
        plain = {
            f"split '{name}'": standardise(part, f"split '{name}'") for name, part in frames.items()
        }
        whole = dict(zip(frames, unite(plain), strict=True))
        return cls(
            rows={name: part.height for name, part in whole.items()},
            columns=columns_of(next(iter(whole.values()))),
            refused=len(refused),
            remarks=refused[:_REMARKS],
            source=source,
            frames=whole,
        )

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits."""
        return tuple(self.rows)

    def parts(self, split: str) -> tuple[Part, ...]:
        """Return the parts of a split, in the order of their rows.

        Where parts end depends on the data alone: see `dure.data.parts`.

        Raises
        ------
        UsageError
            There is no such split.
        """
        from dure.data.parts import Part, cut, part_name

        self._check_split(split)
        if split in self._parts:
            return self._parts[split]
        if split in self._frames:
            frame = self._frames[split]
            ends = [0, *cut(frame)]
            ends += [frame.height] if ends[-1] < frame.height else []
            parts = tuple(
                Part(split, i, end - start, held=frame.slice(start, end - start))
                for i, (start, end) in enumerate(pairwise(ends))
            )
        else:
            assert self._directory is not None
            folder = self._directory / split
            parts = tuple(
                Part(split, i, rows, folder / part_name(i))
                for i, rows in enumerate(self._sizes[split])
            )
        self._parts[split] = parts
        return parts

    def frame(self, split: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Return the rows of a split.

        Parameters
        ----------
        split : str
            One of `splits`.
        columns : sequence of str, optional
            Only these columns, in this order; default: all.

        Raises
        ------
        UsageError
            There is no such split or column.
        StoreError
            What is on disk is not what was saved.
        """
        import polars as pl

        from dure.data.naming import pick

        names = list(self.columns) if columns is None else list(columns)
        for name in names:
            if name not in self.columns:
                raise UsageError(
                    f"there is no column '{name}' in the examples",
                    expected="columns of the examples",
                    got=f"columns={names!r}",
                    fix=nearest(name, self.columns),
                )
        self._check_split(split)
        if split in self._frames:
            return pick(self._frames[split], names)
        return pl.concat([part.frame(names) for part in self.parts(split)])

    def scan(self, split: str) -> pl.LazyFrame:
        """Return the rows of a split as a lazy frame, read when it is collected.

        Raises
        ------
        UsageError
            There is no such split.
        StoreError
            A file of it is gone.
        """
        import polars as pl

        self._check_split(split)
        if split in self._frames:
            return self._frames[split].lazy()
        parts = self.parts(split)
        if all(part.held is None for part in parts):
            paths = [part.file() for part in parts]
            return pl.scan_parquet(paths, glob=False, hive_partitioning=False)
        return pl.concat([part.scan() for part in parts])

    def quarantine(self) -> pl.DataFrame:
        """Return the rows that were refused, in the order of the source.

        Returns
        -------
        polars.DataFrame
            Columns ``file`` (its name), ``place`` (such as ``"line 12"``), ``reason``, and
            ``text``: the row as it stands in the file, cut to 1,000 characters.

        Raises
        ------
        StoreError
            Its file is gone or cannot be read.
        """
        import polars as pl

        from dure.data.quarantine import COLUMNS, open_quarantine

        if self._quarantine is not None:
            return self._quarantine.lazy().collect()
        if self._directory is None or not self.refused:
            return pl.DataFrame(schema=COLUMNS)
        return open_quarantine(self._directory / _QUARANTINE, self.refused)

    def save(self, directory: Path) -> None:
        """Write ``examples.json``, Parquet for each part, and the quarantine if there is one.

        What was written already while it was collected is linked, or copied where a file system
        cannot link; nothing is encoded twice.

        Raises
        ------
        StoreError
            Parquet cannot be written, as when the disk is full.
        """
        from dure.data.parts import part_name, write_part
        from dure.data.workspace import place

        for split in self.splits:
            folder = directory / split
            folder.mkdir()
            for part in self.parts(split):
                to = folder / part_name(part.index)
                if part.held is not None:
                    write_part(part.held, to)
                else:
                    place(part.file(), to, link=self._workspace is not None)
        self._save_quarantine(directory / _QUARANTINE)
        text = json.dumps(self._record(), indent=2, sort_keys=True, ensure_ascii=False)
        (directory / _FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Return the examples in ``directory``; rows are read when they are asked for.

        Raises
        ------
        StoreError
            ``examples.json`` is gone, or is not what `save` writes.
        """
        path = directory / _FILE
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            if record["format"] not in _FORMATS:
                raise ValueError(f"format {record['format']}")  # noqa: TRY301 - one place for all
            splits = record["splits"]
            return cls(
                rows={split["name"]: split["rows"] for split in splits},
                columns={column["name"]: column["type"] for column in record["columns"]},
                refused=record["refused"],
                remarks=record["remarks"],
                source=record["source"],
                files=[FileRows(**file) for file in record.get("files", ())],
                spans=record.get("spans", ()),
                version=record.get("version"),
                directory=directory,
                # Format 1 had one part a split.
                sizes={split["name"]: split.get("parts", [split["rows"]]) for split in splits},
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f"'{path}' does not describe examples",
                expected=f"the file that Dure wrote, format {_FORMATS[-1]}",
                got=f"{type(error).__name__}: {error}",
                fix="make the examples again",
            ) from error

    def write_tfrecord(
        self, directory: Path | str, compression: Literal["gzip"] | None = None
    ) -> list[Path]:
        """Write each split as TFRecord files of tf.Example, which ``tf.data`` and TFX read.

        The files are ``Split-train/data_tfrecord-00000-of-00003`` and so on, as TFX names them,
        one for each part. What tf.Example cannot hold, and what becomes of missing values, is
        said in `dure.data.readers.tfrecord_writer`.

        Parameters
        ----------
        directory : path
            Where the folders of the splits are made.
        compression : {None, "gzip"}
            Whether the files are compressed.

        Returns
        -------
        list of Path
            The files, in the order of splits and parts.

        Raises
        ------
        DataError
            A column has values that tf.Example cannot hold.
        UsageError
            A folder is there already.
        """
        from dure.data.readers.tfrecord_writer import write_tfrecord

        return [
            path
            for split in self.splits
            for path in write_tfrecord(
                self.parts(split), Path(directory) / f"Split-{split}", compression=compression
            )
        ]

    def _save_quarantine(self, path: Path) -> None:
        from dure.data.quarantine import save_quarantine

        if self._quarantine is not None:
            save_quarantine(self._quarantine, path)
        elif self._directory is not None and self.refused:
            save_quarantine(self.quarantine(), path)

    def _check_split(self, split: str) -> None:
        if split not in self.rows:
            raise UsageError(
                f"there is no split '{split}' in the examples",
                expected=f"one of {', '.join(self.rows)}",
                got=f"split={split!r}",
                fix=nearest(str(split), self.rows),
            )

    def _record(self) -> dict[str, Any]:
        # Lists, not objects, where order counts: keys of objects are sorted.
        return {
            "columns": [{"name": name, "type": kind} for name, kind in self.columns.items()],
            "files": [asdict(file) for file in self.files],
            "format": _FORMATS[-1],
            "refused": self.refused,
            "remarks": list(self.remarks),
            "source": self.source,
            "spans": list(self.spans),
            "splits": [
                {"name": name, "parts": [part.rows for part in self.parts(name)], "rows": rows}
                for name, rows in self.rows.items()
            ],
            "version": self.version,
        }

    def __getstate__(self) -> dict[str, Any]:
        # The folder of the parts belongs to the process that made it.
        return {**self.__dict__, "_workspace": None}

    def summary(self) -> str:
        """Return rows, columns and splits in one line."""
        total = sum(self.rows.values())
        refused = f", {self.refused:,} refused" if self.refused else ""
        splits = ", ".join(f"{name} {rows:,}" for name, rows in self.rows.items())
        columns = draw.counted(len(self.columns), "column")
        return f"{draw.counted(total, 'row')}, {columns}, {splits}{refused}"

    def text(self) -> str:
        """Return the source, the splits and the columns as text."""
        lines = [_cut(f"{self.source}: {self.summary()}"), ""]
        lines += [_cut(f"  spans {self._spans_text()}"), ""] if self.spans else []
        lines += [f"  {name:<20} {rows:>14}  {share:>6}" for name, rows, share in self._shares()]
        kinds = self._by_type()
        lines += [""] if kinds else []
        for kind, names in kinds.items():
            lines += [*textwrap.wrap(f"{kind}: {', '.join(names)}", 80, subsequent_indent="  ")]
        lines += ["", "refused:"] if self.remarks else []
        lines += [_cut(f"  {remark}") for remark in self.remarks]
        return "\n".join(lines)

    def html(self) -> Markup:
        """Return the source, the splits and the columns as HTML."""
        facts = {"Source": self.source, "Rows": f"{sum(self.rows.values()):,}"}
        facts |= {"Columns": str(len(self.columns)), "Refused rows": f"{self.refused:,}"}
        facts |= {"Spans": self._spans_text()} if self.spans else {}
        parts = [
            draw.facts(facts),
            Markup("<h3>Splits</h3>"),
            draw.table(["split", "rows", "share"], self._shares(), numeric=(1, 2)),
            Markup("<h3>Columns</h3>"),
            draw.facts({kind: ", ".join(names) for kind, names in self._by_type().items()}),
        ]
        if self.remarks:
            shown = len(self.remarks)
            head = "The first refused row" if shown == 1 else f"The first {shown} refused rows"
            parts += [
                Markup("<h3>{}</h3>").format(head),
                draw.table(["where"], [[r] for r in self.remarks]),
            ]
        return Markup("").join(parts)

    def _shares(self) -> list[tuple[str, str, str]]:
        total = sum(self.rows.values())
        return [(name, f"{n:,}", f"{100 * n / total:.1f} %") for name, n in self.rows.items()]

    def _spans_text(self) -> str:
        first, last = self.spans[0], self.spans[-1]
        spans = f"{first}" if first == last else f"{first} to {last} ({len(self.spans)})"
        return spans + ("" if self.version is None else f", version {self.version}")

    def _by_type(self) -> dict[str, list[str]]:
        kinds = sorted(set(self.columns.values()))
        return {kind: [c for c, k in self.columns.items() if k == kind] for kind in kinds}


def _cut(line: str, width: int = 80) -> str:
    return line if len(line) <= width else line[: width - 1] + "…"
