"""The filled graph as an artifact."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from markupsafe import Markup

from dure import draw
from dure.artifact import Artifact
from dure.errors import TransformError, nearest
from dure.transform._keras import load_keras
from dure.transform.columns import RawColumn, convert
from dure.transform.features import Feature, Features

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


class TransformGraph(Artifact):
    """A preprocess function as one Keras graph, with the state of its analyzers.

    Parameters
    ----------
    features : Features
        What comes out.
    columns : mapping of str to RawColumn
        The raw columns that go in: only those that a feature needs.
    needs : mapping of str to sequence of str
        The raw columns that each feature needs.
    analyzers : sequence of dict
        What each analyzer learned: ``function``, ``of``, ``state``.
    rows : mapping of str to int
        Rows of each split.
    example : mapping of str to object
        The first value of each raw column, for examples of requests.
    model : keras.Model, optional
        The graph, where it was just made.
    tables : mapping of str to polars.DataFrame, optional
        The transformed rows of each split, where they were just made.

    Notes
    -----
    On disk: ``graph.keras``, ``transform.json``, ``features/<split>.parquet``.
    """

    def __init__(
        self,
        *,
        features: Features,
        columns: Mapping[str, RawColumn],
        needs: Mapping[str, Sequence[str]],
        analyzers: Sequence[dict[str, Any]],
        rows: Mapping[str, int],
        example: Mapping[str, Any],
        model: Any = None,
        tables: Mapping[str, pl.DataFrame] | None = None,
    ) -> None:
        self.features = features
        self.columns = dict(columns)
        self.needs = {name: tuple(needed) for name, needed in needs.items()}
        self.analyzers = list(analyzers)
        self.rows = dict(rows)
        self.example = dict(example)
        self._made = model
        self._tables = None if tables is None else dict(tables)
        self._directory: Path | None = None

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits."""
        return tuple(self.rows)

    # ------------------------------------------------------------------ the graph

    def model(self) -> Any:
        """Return the whole graph.

        Returns
        -------
        keras.Model
            A dict of raw columns by served name, each of shape ``(rows,)``, in; a dict of
            features out.
        """
        return self._model

    @cached_property
    def _model(self) -> Any:
        if self._made is not None:
            return self._made
        load_keras("TransformGraph.model")
        from dure.transform.keras_file import read

        return read(self._where / "graph.keras")

    def submodel(self, names: Iterable[str]) -> Any:
        """Return the part of the graph that makes these features.

        Returns
        -------
        keras.Model
            Takes only the raw columns that these features need. It shares its layers, and so
            their state, with `model`.
        """
        keras = load_keras("TransformGraph.submodel")
        wanted = [self.features[name].name for name in names]
        inputs, outputs = self.model().input, self.model().output
        return keras.Model(
            {c.served_name: inputs[c.served_name] for c in self.raw_inputs(wanted).values()},
            {name: outputs[name] for name in wanted},
        )

    def raw_inputs(self, names: Iterable[str] | None = None) -> dict[str, RawColumn]:
        """Return the raw columns that these features need (default: all features)."""
        wanted = self.features if names is None else [self.features[n].name for n in names]
        needed = {column for name in wanted for column in self.needs[name]}
        return {name: column for name, column in self.columns.items() if name in needed}

    def convert(self, frame: pl.DataFrame, columns: Iterable[str] | None = None) -> dict[str, Any]:
        """Return raw columns as the graph takes them, by the rule in `dure.transform.columns`."""
        names = self.columns if columns is None else columns
        return convert(frame, {name: self.columns[name] for name in names})

    # ------------------------------------------------------------------ the rows

    def arrays(self, split: str, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
        """Return transformed rows.

        Parameters
        ----------
        split : str
            Which split.
        names : iterable of str, optional
            Which features; all, if None.

        Returns
        -------
        dict of str to numpy.ndarray
            Arrays of shape ``(rows, *feature.shape)`` in the feature's dtype; strings as objects.

        Raises
        ------
        TransformError
            If the split or a feature is not there, or the rows were not kept.
        """
        if split not in self.rows:
            raise TransformError(
                f"there is no split '{split}'",
                expected="a split of the examples",
                got=repr(split),
                fix=nearest(split, self.rows),
            )
        wanted = list(self.features) if names is None else [self.features[n].name for n in names]
        from dure.transform.table import to_array

        table = self._table(split, wanted)
        return {name: to_array(table.get_column(name), self.features[name]) for name in wanted}

    def _table(self, split: str, names: Sequence[str]) -> pl.DataFrame:
        if self._tables is not None:
            return self._tables[split]
        path = None if self._directory is None else self._features(self._directory, split)
        if path is None or not path.exists():
            raise TransformError(
                f"the transformed rows of split '{split}' were not kept",
                fix="make the graph with materialize=True",
            )
        import polars as pl

        return pl.read_parquet(path, columns=list(names))

    @staticmethod
    def _features(directory: Path, split: str) -> Path:
        return directory / "features" / f"{split}.parquet"

    @property
    def _where(self) -> Path:
        assert self._directory is not None
        return self._directory

    # ------------------------------------------------------------------ on disk

    def save(self, directory: Path) -> None:
        """Write ``transform.json``, ``graph.keras`` and ``features/<split>.parquet``."""
        record = {
            "features": [feature.to_dict() for feature in self.features.values()],
            "columns": [
                {"name": c.name, "type": c.type, "dtype": c.dtype, "example": self.example[c.name]}
                for c in self.columns.values()
            ],
            "needs": {name: list(columns) for name, columns in self.needs.items()},
            "analyzers": self.analyzers,
            "rows": [[split, rows] for split, rows in self.rows.items()],
        }
        text = json.dumps(record, indent=2, sort_keys=True, ensure_ascii=False)
        (directory / "transform.json").write_text(text + "\n", encoding="utf-8")
        if self._directory is not None:
            shutil.copyfile(self._where / "graph.keras", directory / "graph.keras")
            if (self._where / "features").is_dir():
                shutil.copytree(self._where / "features", directory / "features")
            return
        from dure.transform.keras_file import write

        write(self.model(), directory / "graph.keras")
        for split, table in (self._tables or {}).items():
            path = self._features(directory, split)
            path.parent.mkdir(exist_ok=True)
            table.write_parquet(path, statistics=False)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Return the graph in ``directory``; Keras and the rows are loaded on first use."""
        record = json.loads((directory / "transform.json").read_text(encoding="utf-8"))
        graph = cls(
            features=Features(Feature.from_dict(feature) for feature in record["features"]),
            columns={
                column["name"]: RawColumn(column["name"], column["type"], column["dtype"])
                for column in record["columns"]
            },
            needs=record["needs"],
            analyzers=record["analyzers"],
            rows=dict(record["rows"]),
            example={column["name"]: column["example"] for column in record["columns"]},
        )
        graph._directory = directory
        return graph

    # ------------------------------------------------------------------ to look at

    def summary(self) -> str:
        """Return one line: how many features, columns and analyzers."""
        return (
            f"{len(self.features)} features of {len(self.columns)} columns, "
            f"{len(self.analyzers)} analyzers, {sum(self.rows.values()):,} rows"
        )

    def _feature_rows(self) -> list[tuple[str, str, str, str, str]]:
        return [
            (
                name,
                feature.dtype,
                "×".join(str(extent) for extent in feature.shape),
                "" if feature.size is None else f"{feature.size:,}",
                ", ".join(self.needs[name]),
            )
            for name, feature in self.features.items()
        ]

    def text(self) -> str:
        """Return the features as a table for a terminal."""
        head = ("feature", "dtype", "shape", "ids", "from")
        rows = [head, *self._feature_rows()]
        widths = [min(24, max(len(row[i]) for row in rows)) for i in range(4)]
        lines = [
            "  ".join(cell[:width].ljust(width) for cell, width in zip(row, widths, strict=False))
            + "  "
            + row[4]
            for row in rows
        ]
        return "\n".join([self.summary(), "", *(line.rstrip()[:80] for line in lines)])

    def html(self) -> Markup:
        """Return the features and what the analyzers learned, as two tables."""
        learned = [
            (entry["function"], entry["of"], _state(entry["state"])) for entry in self.analyzers
        ]
        features = draw.table(("feature", "dtype", "shape", "ids", "from"), self._feature_rows())
        return Markup("<p>{}</p><h3>Features</h3>{}{}").format(
            self.summary(),
            features,
            Markup("<h3>Learned by full passes over the data</h3>{}").format(
                draw.table(("analyzer", "of", "state"), learned)
            )
            if learned
            else "",
        )


def _state(state: Mapping[str, Any]) -> str:
    order = ("mean", "std", "min", "max", "boundaries", "terms", "first")
    parts = []
    for name in sorted(state, key=order.index):
        value = state[name]
        if isinstance(value, list):
            shown = ", ".join(draw.number(v) if isinstance(v, float) else str(v) for v in value[:8])
            parts.append(f"{name} {shown}" + (", …" if len(value) > 8 else ""))
        else:
            parts.append(f"{name} {draw.number(value)}")
    return "; ".join(parts)
