"""The least change of a schema that makes data pass, as TFDV's ``update_schema``."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from dure.draw import counted
from dure.errors import SchemaError, UsageError, nearest
from dure.schema import types
from dure.schema.bounds import Bounds
from dure.schema.column import Column
from dure.schema.model import Schema
from dure.schema.tfdv_inference import MAX_DOMAIN, draft, semantic_of
from dure.schema.widen import widen, widen_all

if TYPE_CHECKING:
    from dure.statistics import ColumnStatistics, SplitStatistics, Statistics


def update(
    schema: Schema,
    statistics: Statistics,
    *,
    splits: Iterable[str] | None = None,
    environment: str | None = None,
    max_domain: int = MAX_DOMAIN,
    shapes: bool = False,
    semantics: bool = False,
    largest_domain: int | None = None,
) -> Schema:
    """Return ``schema`` with the least changes that let the data pass.

    Parameters
    ----------
    schema : Schema
        What is expected so far.
    statistics : Statistics
        What is known of the data.
    splits : iterable of str, optional
        The splits that have to pass; all by default.
    environment : str, optional
        Where the data is from. Columns that are there, and not expected there, are added to it.
    max_domain, shapes, semantics
        As of `dure.schema.infer`, for columns that are new.
    largest_domain : int, optional
        A domain that grows to this many values is dropped. (TFDV: ``enum_delete_threshold``.)

    Returns
    -------
    Schema
        New columns are drafted by TFDV's rules. A column that is not there any more, or that has
        no value any more, gets the stage ``"deprecated"``. A column of another type gets that type;
        TFDV deprecates it, so that nobody would look at it any more.

    Raises
    ------
    SchemaError
        When there is no such split.
    """
    names = list(statistics.splits if splits is None else splits)
    chosen_splits(statistics, names)  # they are there, and not all empty
    for name in names:
        split = statistics.splits[name]
        if not split.rows or not split.columns:
            continue
        seen = {key: _in_full(statistics, name, key, schema) for key in split.columns}
        split = dataclasses.replace(split, columns=seen)
        schema = _updated(schema, split, environment, largest_domain)
        schema = _with_new(schema, split, max_domain, shapes, semantics)
    return schema


def chosen_splits(statistics: Statistics, names: Iterable[str] | None) -> list[SplitStatistics]:
    """Return splits that a schema is made from; those of no rows are left out.

    Raises
    ------
    SchemaError
        When one is not there, or all are empty.
    """
    wanted = list(statistics.splits) if names is None else list(names)
    for name in wanted:
        if name not in statistics.splits:
            raise SchemaError(
                f"there is no split {name!r} to make a schema from",
                got=name,
                fix=nearest(name, statistics.splits),
            )
    found = [statistics.splits[name] for name in wanted]
    full = [split for split in found if split.rows and split.columns]
    if not full:
        sizes = "; ".join(
            f"{name}: {counted(one.rows, 'row')}, {counted(len(one.columns), 'column')}"
            for name, one in zip(wanted, found, strict=True)
        )
        which = f"split {wanted[0]!r} is" if len(wanted) == 1 else "all splits are"
        raise SchemaError(
            f"{which} empty: there is nothing to make a schema from",
            expected="at least one row and one column",
            got=sizes or "no split",
            fix="make the schema from another split, or give this one some data",
        )
    return full


def accept(
    schema: Schema, name: str, fields: Iterable[str], statistics: ColumnStatistics
) -> Schema:
    """Return ``schema`` with some expectations of one column widened to what the data has.

    Parameters
    ----------
    schema : Schema
        What is expected so far.
    name : str
        A column of it.
    fields : iterable of str
        Fields of `Column` that the data does not meet; see `dure.schema.widen.WIDEN`. A domain
        that columns share grows for all of them.
    statistics : ColumnStatistics
        What is known of the column.

    Raises
    ------
    SchemaError
        When there is no such column, or a field cannot be widened.
    """
    column = schema.column(name)
    for field in fields:
        column = widen(column, field, statistics)
    return replace_column(schema, name, column)


def replace_column(schema: Schema, name: str, column: Column) -> Schema:
    """Return ``schema`` with another column of this name; its shared domain changes with it."""
    shared, domains = column.domain_name, schema.dataset.domains
    if shared is not None and column.domain is not None and domains.get(shared) != column.domain:
        schema = schema.edit_dataset(domains={**domains, shared: column.domain})
    return schema.replace({**schema.columns, name: column})


def _in_full(statistics: Statistics, split: str, name: str, schema: Schema) -> ColumnStatistics:
    """Return what is known of a column, with all its values where they are looked at one by one."""
    seen, column = statistics.splits[split].columns[name], schema.columns.get(name)
    listed = column is not None and (column.domain is not None or column.holds is not None)
    if not listed or seen.element != "string" or seen.values is not None or not seen.count:
        return seen
    try:
        frame, _ = statistics.counts(split, name)
    except UsageError:  # statistics of TFDV have no more than their most frequent values
        return seen
    values = tuple(zip(frame["value"].to_list(), frame["count"].to_list(), strict=True))
    return dataclasses.replace(seen, values=values)


def _updated(
    schema: Schema, split: SplitStatistics, environment: str | None, largest: int | None
) -> Schema:
    rows = schema.dataset.rows
    if rows is not None:
        schema = schema.edit_dataset(rows=_around(rows, split.rows))
    columns, domains = dict(schema.columns), dict(schema.dataset.domains)
    gone = _gone(columns, split.columns)
    for name, column in columns.items():
        if not column.checked or name.startswith(gone):
            continue
        new = column
        # Domains that columns share: this one starts from what the ones before it have added.
        if column.domain_name is not None:
            new = dataclasses.replace(column, domain=domains[column.domain_name])
        new = _small_domain(_column(new, split.columns.get(name), environment, schema), largest)
        if new.domain_name is not None and new.domain is not None:
            domains[new.domain_name] = new.domain
        columns[name] = new
    # Dropped for one, dropped for all that share it.
    dropped = {
        old.domain_name
        for name, old in schema.columns.items()
        if old.domain_name is not None and columns[name].domain_name is None
    }
    columns = {name: _without_domain(column, dropped) for name, column in columns.items()}
    domains = {name: values for name, values in domains.items() if name not in dropped}
    return Schema(columns, dataclasses.replace(schema.dataset, domains=domains))


def _gone(columns: Mapping[str, Column], seen: Mapping[str, object]) -> tuple[str, ...]:
    """Return the beginnings of the names of fields whose structs are not there any more."""
    return tuple(
        f"{name}."
        for name, column in columns.items()
        if column.element == "struct" and (name not in seen or not column.checked)
    )


def _column(
    column: Column, seen: ColumnStatistics | None, environment: str | None, schema: Schema
) -> Column:
    defaults = schema.dataset.environments
    if seen is None or not seen.count:
        required = bool(column.presence or column.min_rows) and column.is_in(environment, defaults)
        return dataclasses.replace(column, stage="deprecated") if required else column
    if environment is not None and not column.is_in(environment, defaults):
        left = tuple(one for one in column.not_in_environment if one != environment)
        column = dataclasses.replace(column, not_in_environment=left)
        if not column.is_in(environment, defaults):
            inside = (*column.in_environment, environment)
            column = dataclasses.replace(column, in_environment=inside)
    return widen_all(column, seen)


def _small_domain(column: Column, largest: int | None) -> Column:
    if largest is None or column.domain is None or len(column.domain) < largest:
        return column
    return dataclasses.replace(column, domain=None, domain_name=None, domain_share=1.0)


def _without_domain(column: Column, dropped: Collection[str | None]) -> Column:
    if column.domain_name is None or column.domain_name not in dropped:
        return column
    return dataclasses.replace(column, domain=None, domain_name=None, domain_share=1.0)


def _around(pair: Bounds, value: float) -> Bounds:
    low, high = pair
    return None if low is None else min(low, value), None if high is None else max(high, value)


def _with_new(
    schema: Schema, split: SplitStatistics, max_domain: int, shapes: bool, semantics: bool
) -> Schema:
    new = {
        name: draft(seen, max_domain=max_domain, shapes=shapes, semantics=semantics)
        for name, seen in split.columns.items()
        if name not in schema.columns
    }
    if semantics:
        new |= {
            name: dataclasses.replace(column, semantic=meaning)
            for name, column in schema.columns.items()
            if name in split.columns
            and _says_nothing(column)
            and (meaning := semantic_of(split.columns[name])) is not None
        }
    return schema.replace(_placed(schema.columns, new, tuple(split.columns))) if new else schema


def _says_nothing(column: Column) -> bool:
    """Return whether nothing is said of the values: TFDV's ``domain_info`` is not set."""
    said = (column.domain, column.holds, column.semantic, column.min, column.max)
    return all(one is None for one in said)


def _placed(
    old: Mapping[str, Column], new: Mapping[str, Column], order: tuple[str, ...]
) -> dict[str, Column]:
    """Return all columns: those of before, then new ones in the order of the data.

    A new field of a struct follows the fields that the struct has.
    """
    columns = {name: new.get(name, column) for name, column in old.items()}
    for name in order:
        if name in columns or name not in new:
            continue
        parent = name.rpartition(".")[0]
        if parent not in columns or types.element(columns[parent].type) != "struct":
            columns[name] = new[name]
            continue
        last = [key for key in columns if key == parent or key.startswith(f"{parent}.")][-1]
        items = list(columns.items())
        place = list(columns).index(last) + 1
        columns = dict([*items[:place], (name, new[name]), *items[place:]])
    return columns
