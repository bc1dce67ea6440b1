"""`Examples`: rows in named splits, as Parquet on disk."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from markupsafe import Markup

from dure import draw
from dure.artifact import Artifact
from dure.errors import StoreError, UsageError, nearest

if TYPE_CHECKING:
    import polars as pl

_FORMAT = 1
_REMARKS = 20
_FILE = "examples.json"
_PART = "part-00000.parquet"


class Examples(Artifact):
    """Rows in named splits.

    Made by `make_examples`, or from frames that are split already by `from_frames`. On disk:
    ``examples.json``, and a folder for each split with ``part-00000.parquet`` in it.

    Attributes
    ----------
    rows : dict of str to int
        How many rows each split has, in the order of the splits.
    columns : dict of str to {"int", "float", "string", "bool"}
        The type of each column.
    refused : int
        How many rows of the source were left out because they were malformed.
    remarks : tuple of str
        Where the first 20 of those are, and what is wrong with them.
    source : str
        What the rows were read from, without its folder.
    """

    def __init__(
        self,
        *,
        rows: Mapping[str, int],
        columns: Mapping[str, str],
        refused: int,
        remarks: Sequence[str],
        source: str,
        frames: Mapping[str, pl.DataFrame] | None = None,
        directory: Path | None = None,
    ) -> None:
        self.rows = dict(rows)
        self.columns = dict(columns)
        self.refused = refused
        self.remarks = tuple(remarks)
        self.source = source
        self._frames = dict(frames or {})
        self._directory = directory

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
        parts = dict(zip(frames, unite(plain), strict=True))
        return cls(
            rows={name: part.height for name, part in parts.items()},
            columns=columns_of(next(iter(parts.values()))),
            refused=len(refused),
            remarks=refused[:_REMARKS],
            source=source,
            frames=parts,
        )

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits."""
        return tuple(self.rows)

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
        names = list(self.columns) if columns is None else list(columns)
        for name in names:
            if name not in self.columns:
                raise UsageError(
                    f"there is no column '{name}' in the examples",
                    expected="columns of the examples",
                    got=f"columns={names!r}",
                    fix=nearest(name, self.columns),
                )
        frame = self.scan(split).select(names).collect()
        if names and frame.height != self.rows[split]:
            raise StoreError(
                f"split '{split}' of the examples in '{self._directory}' is not whole",
                expected=f"{self.rows[split]:,} rows",
                got=f"{frame.height:,} rows",
                fix="make the examples again",
            )
        return frame

    def scan(self, split: str) -> pl.LazyFrame:
        """Return the rows of a split as a lazy frame, read when it is collected.

        Raises
        ------
        UsageError
            There is no such split.
        StoreError
            Its file is gone.
        """
        import polars as pl

        if split not in self.rows:
            raise UsageError(
                f"there is no split '{split}' in the examples",
                expected=f"one of {', '.join(self.rows)}",
                got=f"split={split!r}",
                fix=nearest(str(split), self.rows),
            )
        if split in self._frames:
            return self._frames[split].lazy()
        assert self._directory is not None
        path = self._directory / split / _PART
        if not path.is_file():
            raise StoreError(
                f"the file '{path}' of split '{split}' is gone",
                expected="the Parquet file that was saved",
                got="no file",
                fix="make the examples again",
            )
        return pl.scan_parquet(path, glob=False)

    def save(self, directory: Path) -> None:
        """Write ``examples.json``, and Parquet for each split.

        Raises
        ------
        StoreError
            Parquet cannot be written, as when the disk is full.
        """
        import polars as pl

        for split in self.splits:
            (directory / split).mkdir()
            path = directory / split / _PART
            try:
                # A fixed row group size: bytes must not depend on how the frame came about.
                self.frame(split).rechunk().write_parquet(
                    path, compression="zstd", row_group_size=1 << 17
                )
            except pl.exceptions.PolarsError as error:
                raise StoreError(
                    f"cannot write '{path}'",
                    expected="a file system with room for the rows",
                    got=str(error).splitlines()[0],
                    fix="free some space, then run again",
                ) from error
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
            if record["format"] != _FORMAT:
                raise ValueError(f"format {record['format']}")  # noqa: TRY301 - one place for all
            return cls(
                rows={split["name"]: split["rows"] for split in record["splits"]},
                columns={column["name"]: column["type"] for column in record["columns"]},
                refused=record["refused"],
                remarks=record["remarks"],
                source=record["source"],
                directory=directory,
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f"'{path}' does not describe examples",
                expected=f"the file that Dure wrote, format {_FORMAT}",
                got=f"{type(error).__name__}: {error}",
                fix="make the examples again",
            ) from error

    def _record(self) -> dict[str, Any]:
        # Lists, not objects, where order counts: keys of objects are sorted.
        return {
            "columns": [{"name": name, "type": kind} for name, kind in self.columns.items()],
            "format": _FORMAT,
            "refused": self.refused,
            "remarks": list(self.remarks),
            "source": self.source,
            "splits": [{"name": name, "rows": rows} for name, rows in self.rows.items()],
        }

    def summary(self) -> str:
        """Return rows, columns and splits in one line."""
        total = sum(self.rows.values())
        refused = f", {self.refused:,} refused" if self.refused else ""
        splits = ", ".join(f"{name} {rows:,}" for name, rows in self.rows.items())
        return f"{total:,} rows, {len(self.columns)} columns, {splits}{refused}"

    def text(self) -> str:
        """Return the source, the splits and the columns as text."""
        lines = [_cut(f"{self.source}: {self.summary()}"), ""]
        lines += [f"  {name:<20} {rows:>14}  {share:>6}" for name, rows, share in self._shares()]
        for kind, names in self._by_type().items():
            lines += ["", *textwrap.wrap(f"{kind}: {', '.join(names)}", 80, subsequent_indent="  ")]
        lines += ["", "refused:"] if self.remarks else []
        lines += [_cut(f"  {remark}") for remark in self.remarks]
        return "\n".join(lines)

    def html(self) -> Markup:
        """Return the source, the splits and the columns as HTML."""
        facts = {"Source": self.source, "Rows": f"{sum(self.rows.values()):,}"}
        facts |= {"Columns": str(len(self.columns)), "Refused rows": f"{self.refused:,}"}
        parts = [
            draw.facts(facts),
            Markup("<h3>Splits</h3>"),
            draw.table(["split", "rows", "share"], self._shares(), numeric=(1, 2)),
            Markup("<h3>Columns</h3>"),
            draw.facts({kind: ", ".join(names) for kind, names in self._by_type().items()}),
        ]
        if self.remarks:
            head = f"The first {len(self.remarks)} refused rows"
            parts += [
                Markup("<h3>{}</h3>").format(head),
                draw.table(["where"], [[r] for r in self.remarks]),
            ]
        return Markup("").join(parts)

    def _shares(self) -> list[tuple[str, str, str]]:
        total = sum(self.rows.values())
        return [(name, f"{n:,}", f"{100 * n / total:.1f} %") for name, n in self.rows.items()]

    def _by_type(self) -> dict[str, list[str]]:
        kinds = sorted(set(self.columns.values()))
        return {kind: [c for c, k in self.columns.items() if k == kind] for kind in kinds}


def _cut(line: str, width: int = 80) -> str:
    return line if len(line) <= width else line[: width - 1] + "…"
