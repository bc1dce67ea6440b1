"""The schema: what is expected of every column and of the whole, in one YAML file."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from markupsafe import Markup

from dure.artifact import Artifact
from dure.errors import SchemaError, nearest
from dure.schema.column import Column
from dure.schema.dataset import Dataset

if TYPE_CHECKING:
    import polars as pl

FILE = "schema.yaml"


@dataclass(frozen=True, repr=False)
class Schema(Artifact):
    """What is expected of the data.

    Parameters
    ----------
    columns : mapping of str to Column
        The expectation of each column, in the order of the data's columns. A field of a struct has
        its path with dots as its name: ``"trip.start"``.
    dataset : Dataset
        What is expected of the data as a whole.

    Raises
    ------
    SchemaError
        When a column names a domain that is not in `Dataset.domains`.

    Examples
    --------
    >>> schema = Schema({"island": Column("string", presence=1.0, domain=("Biscoe", "Dream"))})
    >>> schema.summary()
    '1 column, 1 domain'
    >>> wider = schema.edit("island", domain=("Biscoe", "Dream", "Torgersen"))
    >>> schema.diff(wider)
    ("'island': domain gains 'Torgersen'",)
    """

    columns: dict[str, Column]
    dataset: Dataset = field(default_factory=Dataset)

    __hash__ = None  # type: ignore[assignment] # it holds dicts

    def __post_init__(self) -> None:
        columns = {name: self._with_domain(name, one) for name, one in self.columns.items()}
        object.__setattr__(self, "columns", columns)

    def _with_domain(self, name: str, column: Column) -> Column:
        shared = column.domain_name
        if shared is None:
            return column
        if shared not in self.dataset.domains:
            raise SchemaError(
                f"column {name!r}: there is no domain {shared!r}",
                expected="the name of one of the schema's domains",
                got=repr(shared),
                fix=nearest(shared, self.dataset.domains),
            )
        values = self.dataset.domains[shared]
        return column if column.domain == values else dataclasses.replace(column, domain=values)

    # --- files ----------------------------------------------------------------------------------

    def save(self, directory: Path) -> None:
        """Write ``schema.yaml``."""
        self.write(Path(directory) / FILE)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Return the schema that `save` wrote, or that was put there by hand."""
        return cls.read(Path(directory) / FILE)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """Return the schema in a file.

        Parameters
        ----------
        path : path
            A YAML file, a folder with a ``schema.yaml`` in it, or a ``.pbtxt`` of TFDV.

        Raises
        ------
        SchemaError
            When there is no such file, or it is no schema: names file, line and column.
        """
        from dure.schema.reading import read_schema

        place = Path(path)
        if place.suffix == ".pbtxt":
            from dure.schema.tfx import read_pbtxt

            found = read_pbtxt(place)
            return cls(found.columns, found.dataset)
        return cls(*read_schema(place / FILE if place.is_dir() else place))

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the schema as a YAML file, to be edited and read back."""
        Path(path).write_text(self.yaml(), encoding="utf-8", newline="\n")

    def yaml(self) -> str:
        """Return the schema as YAML, the same for the same schema."""
        from dure.schema.writing import schema_text

        return schema_text(self.columns, self.dataset)

    # --- looking and changing -------------------------------------------------------------------

    def column(self, name: str) -> Column:
        """Return one column.

        Raises
        ------
        SchemaError
            When there is none of this name: names the nearest.
        """
        if name not in self.columns:
            raise SchemaError(
                f"there is no column {name!r} in the schema", fix=nearest(name, self.columns)
            )
        return self.columns[name]

    def edit(self, name: str, /, **changes: Any) -> Schema:
        """Return a schema in which one column's expectations are changed.

        Parameters
        ----------
        name : str
            A column.
        **changes
            Fields of `Column` and their new values. A new ``domain`` is the column's own, also
            where it shared one.

        Raises
        ------
        SchemaError
            When there is no such column or field, or a value does not fit.
        """
        column = self.column(name)
        _check_fields("a column", Column, changes)
        if "domain" in changes:
            changes.setdefault("domain_name", None)
        elif changes.get("domain_name", "") is None:
            changes["domain"] = column.domain
        return self.replace({**self.columns, name: dataclasses.replace(column, **changes)})

    def edit_dataset(self, **changes: Any) -> Schema:
        """Return a schema in which what is expected of the whole is changed.

        Parameters
        ----------
        **changes
            Fields of `Dataset` and their new values.

        Raises
        ------
        SchemaError
            When there is no such field, or a value does not fit.
        """
        _check_fields("the data as a whole", Dataset, changes)
        return Schema(self.columns, dataclasses.replace(self.dataset, **changes))

    def replace(self, columns: Mapping[str, Column]) -> Schema:
        """Return a schema with other columns and the same expectations of the whole."""
        return Schema(dict(columns), self.dataset)

    def without(self, *names: str) -> Schema:
        """Return a schema that lacks some columns, and the fields of these if they are structs."""
        for name in names:
            self.column(name)
        gone = tuple(f"{name}." for name in names if self.columns[name].element == "struct")
        return self.replace(
            {
                name: column
                for name, column in self.columns.items()
                if name not in names and not name.startswith(gone)
            }
        )

    def domain(self, name: str) -> tuple[str, ...] | None:
        """Return the values that a column may have, or None for any."""
        return self.column(name).domain

    def set_domain(self, name: str, values: Iterable[str] | str | None) -> Schema:
        """Return a schema in which a column, or a domain that columns share, has other values.

        Parameters
        ----------
        name : str
            A column; or one of `Dataset.domains`, if no column is called so.
        values : iterable of str, str or None
            The values; the name of a shared domain; or None, for a column without a domain.

        Raises
        ------
        SchemaError
            When there is no such column or domain.
        """
        if name in self.columns:
            if isinstance(values, str):
                return self.edit(name, domain=None, domain_name=values)
            return self.edit(name, domain=None if values is None else tuple(values))
        if name not in self.dataset.domains or values is None or isinstance(values, str):
            raise SchemaError(
                f"there is no column or domain {name!r} in the schema that can have these values",
                got=repr(values),
                fix=nearest(name, [*self.columns, *self.dataset.domains]),
            )
        return self.edit_dataset(domains={**self.dataset.domains, name: tuple(values)})

    def environment(self, name: str | None) -> dict[str, Column]:
        """Return the columns that are expected in an environment.

        Raises
        ------
        SchemaError
            When nothing in the schema speaks of this environment.
        """
        if name is None:
            return dict(self.columns)
        known = set(self.dataset.environments).union(
            *(c.in_environment + c.not_in_environment for c in self.columns.values())
        )
        if name not in known:
            raise SchemaError(
                f"the schema speaks of no environment {name!r}",
                expected="an environment of the schema, or of one of its columns",
                got=repr(name),
                fix=nearest(name, known)
                if known
                else f"say 'environments: [training, {name}]' in the schema, and of a column that "
                f"is not there 'not_in_environment: [{name}]'",
            )
        defaults = self.dataset.environments
        return {key: one for key, one in self.columns.items() if one.is_in(name, defaults)}

    def comparator(self, name: str, which: str) -> str | Mapping[str, float] | None:
        """Return how a column is compared: its own ``"drift"`` or ``"skew"``, or the default."""
        own: str | Mapping[str, float] | None = getattr(self.column(name), which)
        default: str | Mapping[str, float] | None = getattr(self.dataset, which)
        return default if own is None else own

    def diff(self, other: Schema) -> tuple[str, ...]:
        """Return what is different in ``other``, one readable line a change; empty when equal."""
        from dure.schema.difference import changes

        return changes(self, other)

    # --- what people look at --------------------------------------------------------------------

    def frame(self) -> pl.DataFrame:
        """Return the schema as a table: a row a column, what is expected in words."""
        from dure.schema.looks import frame

        return frame(self)

    def summary(self) -> str:
        """Return, for example, ``"7 columns, 3 domains"``."""
        from dure.schema.looks import summary

        return summary(self)

    def text(self) -> str:
        """Return a table of the columns, at most 80 characters wide."""
        from dure.schema.looks import text

        return text(self)

    def html(self) -> Markup:
        """Return a table of the columns."""
        from dure.schema.looks import html

        return html(self)


def dummy(names: Iterable[str], kind: str = "string") -> Schema:
    """Return a schema of columns of one type with no other expectation, to start from.

    Parameters
    ----------
    names : iterable of str
        Columns, or dotted paths to fields of structs.
    kind : str, default "string"
        The type of all of them.
    """
    return Schema({name: Column(kind) for name in names})


def _check_fields(of: str, kind: type, changes: Mapping[str, object]) -> None:
    known = [one.name for one in dataclasses.fields(kind)]
    for key in changes:
        if key not in known:
            raise SchemaError(f"{of} has no expectation {key!r}", got=key, fix=nearest(key, known))
