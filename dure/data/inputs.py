"""From what a user calls the source to the inputs that are read one after another."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from dure.data.batch import Batch, ReadOptions
from dure.data.collect import Input
from dure.data.formats import reader_of
from dure.data.location import Location, scheme_of
from dure.data.sources import Found, find
from dure.data.spans import Spans, has_spans, query_of_span, resolve
from dure.errors import DataError, UsageError

_ROWS = 1 << 16


@dataclass(frozen=True)
class Inputs:
    """What is read.

    Parameters
    ----------
    inputs : tuple of Input
        In the order in which they are read.
    label : str
        What the source is called, without its folder.
    in_memory : bool
        The data is in memory already.
    spans : tuple of int
        The spans that are read, where the source has spans.
    version : int or None
        The version of the last.
    """

    inputs: tuple[Input, ...]
    label: str
    in_memory: bool = False
    spans: tuple[int, ...] = ()
    version: int | None = None


def inputs_of(source: Any, options: ReadOptions, span: int | Spans | None = None) -> Inputs:
    """Return what a source means.

    Parameters
    ----------
    source : path, URL, pattern, list of these, table in memory, or mapping of split to these
        See `dure.data.read`; of a mapping, each split has a source of its own.
    options : ReadOptions
        How it is read.
    span : int or Spans, optional
        For patterns with spans: which.

    Raises
    ------
    DataError, UsageError
        There is nothing, or nothing that can be read.
    """
    named = source if is_named(source) else {None: source}
    places: dict[str | None, Any] = {split: _places(each) for split, each in named.items()}
    if not all(isinstance(each, list) for each in places.values()):
        _check_no_span(span)
        return _in_memory(places)
    if options.query is not None and isinstance(span, int) and not _any_spans(places):
        # TFX's way with a query: the span says which day it asks for.
        query = query_of_span(options.query, span)
        return replace(_outside(places, replace(options, query=query), None), spans=(span,))
    return _outside(places, options, span)


def is_named(source: object) -> bool:
    """Return whether a source is a mapping of splits to sources, and not of names to columns."""
    kinds = (str, os.PathLike, pl.DataFrame, pl.LazyFrame)
    return (
        isinstance(source, Mapping)
        and bool(source)
        and all(isinstance(each, kinds) or _is_paths(each) for each in source.values())
    )


def _is_paths(source: object) -> bool:
    return (
        isinstance(source, list | tuple)
        and bool(source)
        and all(isinstance(each, str | os.PathLike) for each in source)
    )


def _places(source: object) -> list[str] | object:
    """Return the paths and URLs of a source; the source itself where it is a table in memory."""
    if isinstance(source, str | os.PathLike):
        return [os.fspath(source)]
    if _is_paths(source):
        return [os.fspath(each) for each in source]  # type: ignore[attr-defined] # _is_paths looked
    return source


def _any_spans(places: Mapping[str | None, Any]) -> bool:
    return any(has_spans(pattern) for each in places.values() for pattern in each)


def _check_no_span(span: int | Spans | None) -> None:
    if span is not None:
        raise UsageError(
            "a span is asked for, and the source is a table in memory",
            expected='a source with spans, such as "trips/{SPAN}/*.csv"',
            got=f"span={span!r}",
        )


def _in_memory(places: Mapping[str | None, Any]) -> Inputs:
    from dure.data.memory import to_frame

    inputs = []
    for split, each in places.items():
        if isinstance(each, list):
            raise UsageError(
                "some splits are files and some are tables in memory",
                expected="files, or tables, for all",
                got=f"files for split '{split}'",
                fix="read the files first: dure.data.read(path)",
            )
        where = "the table" if split is None else f"the table of split '{split}'"
        if isinstance(each, pl.DataFrame):
            where = where.replace("table", "DataFrame")
        inputs.append(Input("", where, "memory", _Frames(to_frame(each, where)), split))
    label = type(next(iter(places.values()))).__name__
    return Inputs(tuple(inputs), label, in_memory=True)


@dataclass(frozen=True)
class _Frames:
    """Reads a frame in slices."""

    frame: pl.DataFrame

    def __call__(self, _options: ReadOptions) -> Iterator[Batch]:
        for start in range(0, max(self.frame.height, 1), _ROWS):
            some = self.frame.slice(start, _ROWS)
            yield Batch(some, found=some.height)


@dataclass(frozen=True)
class _Located:
    """Reads a location with the reader of its format."""

    location: Location
    kind: str

    def __call__(self, options: ReadOptions) -> Iterator[Batch]:
        return reader_of(self.kind)(self.location, options)


def _outside(
    places: Mapping[str | None, list[str]], options: ReadOptions, span: int | Spans | None
) -> Inputs:
    patterns = [pattern for each in places.values() for pattern in each]
    splits = [split for split, each in places.items() for _ in each]
    resolved = resolve(patterns, span)
    inputs: list[Input] = []
    labels: list[str] = []
    for pattern, split, sources in zip(patterns, splits, resolved.sources, strict=True):
        for source in sources:
            found = find(source, options)
            inputs += _located(found, split)
        labels.append(found.label if not resolved.spans else _last(pattern))
    _check_once(inputs)
    label = ", ".join(dict.fromkeys(labels))
    return Inputs(tuple(inputs), label, spans=resolved.spans, version=resolved.version)


def _located(found: Found, split: str | None) -> list[Input]:
    return [
        Input(place.name, f"'{place.url}'", found.kind, _Located(place, found.kind), split)
        for place in found.locations
    ]


def _last(pattern: str) -> str:
    """Return the last part of a pattern that has something to say."""
    parts = [part for part in pattern.replace("\\", "/").split("/") if part]
    marked = [part for part in parts if has_spans(part)]
    return (
        parts[-1]
        if has_spans(parts[-1]) or not marked
        else "/".join(parts[parts.index(marked[0]) :])
    )


def _check_once(inputs: Sequence[Input]) -> None:
    seen: dict[str, str | None] = {}
    for each in inputs:
        if each.where in seen:
            both = seen[each.where] != each.split
            raise DataError(
                f"{each.where} is read twice",
                expected="each file in one split" if both else "each file once",
                got=f"in the splits '{seen[each.where]}' and '{each.split}'"
                if both
                else "sources that overlap",
                fix="make the patterns such that they do not overlap",
            )
        seen[each.where] = each.split


def below(base: str | os.PathLike[str], pattern: str) -> str:
    """Return a pattern below a folder or a URL."""
    text = os.fspath(base)
    return f"{text.rstrip('/')}/{pattern}" if scheme_of(text) else os.path.join(text, pattern)  # noqa: PTH118 - a pattern is no path
