"""The schema: what is expected of every column, in one YAML file."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from markupsafe import Markup

from dure import draw
from dure.artifact import Artifact
from dure.errors import SchemaError, nearest
from dure.schema.column import VERSION, Column
from dure.statistics.text import fit

FILE = "schema.yaml"
_HEADER = """\
# What this data is expected to look like. Edit it: data that differs is reported.
#   type          int, float, string or bool
#   presence      least share of rows that have a value, from 0 to 1
#   domain        the values that a string column may have; leave it out to allow any
#   domain_share  least share of values that are in the domain; leave it out for all of them
#   min, max      smallest and largest number; leave them out where there is no bound
"""


@dataclass(frozen=True, repr=False)
class Schema(Artifact):
    """What is expected of every column of the data.

    Parameters
    ----------
    columns : mapping of str to Column
        The expectation of each column, in the order of the data's columns.

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

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", dict(self.columns))

    def save(self, directory: Path) -> None:
        """Write ``schema.yaml``."""
        self.write(Path(directory) / FILE)

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Return the schema that `save` wrote, or that was put there by hand."""
        return cls.read(Path(directory) / FILE)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """Return the schema in a YAML file.

        Parameters
        ----------
        path : path
            The file, or a folder with a ``schema.yaml`` in it.

        Raises
        ------
        SchemaError
            When there is no such file, or it is no schema: names file, line and column.
        """
        from dure.schema.reading import read_columns

        place = Path(path)
        return cls(read_columns(place / FILE if place.is_dir() else place))

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the schema as a YAML file, to be edited and read back."""
        Path(path).write_text(self.yaml(), encoding="utf-8", newline="\n")

    def yaml(self) -> str:
        """Return the schema as YAML, the same for the same schema."""
        from dure.schema.writing import dump

        content = {
            "version": VERSION,
            "columns": {name: _record(column) for name, column in self.columns.items()},
        }
        return _HEADER + dump(content)

    def edit(self, name: str, /, **changes: Any) -> Schema:
        """Return a schema in which one column's expectations are changed.

        Parameters
        ----------
        name : str
            A column.
        **changes
            Fields of `Column` and their new values.

        Raises
        ------
        SchemaError
            When there is no such column or field, or a value does not fit.
        """
        if name not in self.columns:
            raise SchemaError(
                f"there is no column {name!r} in the schema", fix=nearest(name, self.columns)
            )
        known = [field.name for field in dataclasses.fields(Column)]
        for key in changes:
            if key not in known:
                raise SchemaError(
                    f"a column has no expectation {key!r}", got=key, fix=nearest(key, known)
                )
        return Schema({**self.columns, name: dataclasses.replace(self.columns[name], **changes)})

    def diff(self, other: Schema) -> tuple[str, ...]:
        """Return what is different in ``other``, one readable line a change; empty when equal."""
        from dure.schema.difference import changes

        return changes(self.columns, other.columns)

    def summary(self) -> str:
        """Return, for example, ``"7 columns, 3 domains"``."""
        domains = sum(column.domain is not None for column in self.columns.values())
        return f"{_count(len(self.columns), 'column')}, {_count(domains, 'domain')}"

    def text(self) -> str:
        """Return a table of the columns, at most 80 characters wide."""
        lines = [f"{'column':<24} {'type':<6} {'presence':>8}  values"]
        for full_name, column in self.columns.items():
            # Cut first: fitting looks at the text again for each letter that it takes away.
            name = fit(full_name[:80], 24)
            row = f"{name} {column.type:<6} {column.presence:>8.2f}  {_values(column)}"
            lines.append(fit(row[:160], 80).rstrip())
        return "\n".join(lines)

    def html(self) -> Markup:
        """Return a table of the columns."""
        rows = [
            (name, column.type, f"{column.presence:.2f}", _values(column))
            for name, column in self.columns.items()
        ]
        return draw.table(("column", "type", "presence", "values"), rows, numeric=(2,))


def _record(column: Column) -> dict[str, object]:
    record: dict[str, object] = {"type": column.type, "presence": column.presence}
    if column.domain is not None:
        if column.domain_share != 1.0:
            record["domain_share"] = column.domain_share
        record["domain"] = list(column.domain)
    bounds: Mapping[str, float | None] = {"min": column.min, "max": column.max}
    record.update({name: bound for name, bound in bounds.items() if bound is not None})
    return record


def _values(column: Column) -> str:
    if column.domain is not None:
        share = f"{column.domain_share * 100:g} % in: " if column.domain_share != 1.0 else ""
        return f"{share}{', '.join(column.domain)}"
    low = "" if column.min is None else f"≥ {draw.number(column.min)}"
    high = "" if column.max is None else f"≤ {draw.number(column.max)}"
    return ", ".join(part for part in (low, high) if part) or "any"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
