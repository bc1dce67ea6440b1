"""Read a source and split it into `Examples`, in bounded memory."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from dure.data.batch import NULL_VALUES
from dure.data.collect import Collected, Collector
from dure.data.examples import Examples
from dure.data.inputs import Inputs, below, inputs_of, is_named
from dure.data.leakage import check_no_leakage
from dure.data.merging import Columns
from dure.data.naming import pick
from dure.data.quarantine import check_limit
from dure.data.reader import Source, read_options
from dure.data.spans import Spans
from dure.data.split import check_columns, check_counts
from dure.data.split_by import SplitBy
from dure.data.splitters import shares_of, splitter_for
from dure.data.times import Ranked, cuts_at, time_keys
from dure.data.types import type_of
from dure.data.workspace import Workspace
from dure.errors import UsageError
from dure.progress import Progress, silent

MEMORY = 2 << 30
_LEAST_MEMORY = 64 << 20
_UNBOUNDED = 1 << 62

Splits = Mapping[str, float] | Mapping[str, str] | Sequence[str]


def make_examples(
    source: Source | None,
    *,
    splits: Splits | None = None,
    split_by: Sequence[str] | SplitBy | None = None,
    span: int | Spans | None = None,
    no_leakage: Sequence[str] | None = None,
    format: str | None = None,  # noqa: A002 - what everyone calls it
    null_values: Sequence[str] = NULL_VALUES,
    delimiter: str | None = None,
    quote: str | None = '"',
    header: Sequence[str] | None = None,
    encoding: str = "utf-8",
    strip: bool = False,
    types: Mapping[str, str] | None = None,
    query: str | None = None,
    message: str | None = None,
    on_bad_rows: Literal["fail", "quarantine"] = "fail",
    max_bad_rows: float = 0.1,
    memory: int = MEMORY,
    folder: str | os.PathLike[str] | None = None,
    progress: Progress = silent,
) -> Examples:
    """Return the rows of ``source`` in splits, by a stable hash of each row unless told otherwise.

    Parameters
    ----------
    source, format, null_values, delimiter, quote, header, encoding, strip, types, query, message, span
        As for `dure.data.read`. A mapping of names to sources gives each split a source of its
        own: ``{"train": "a/*.csv", "eval": "b/*.csv"}``.
    splits : mapping of str to float or str, or sequence of str, optional
        Names of the splits and their shares, of which only proportions matter; default: two
        thirds to ``"train"`` and one third to ``"eval"``; one split takes all rows. Or names and
        patterns below the folder ``source``: ``{"train": "train-*.csv", "eval": "eval/*"}``, with
        None as the source where the patterns are whole. Or names alone, where ``split_by`` needs
        no shares.
    split_by : sequence of str or SplitBy, optional
        Columns whose values alone decide the split, so that the rows of one customer, patient
        or day stay together; or a way from `dure.data.split_by`. Default: the whole row, so
        that equal rows stay together.
    no_leakage : sequence of str, optional
        Columns that name a group: no group may stand in two splits. An empty sequence: no row may.
    on_bad_rows : {"fail", "quarantine"}
        A row that cannot be read is an error, or is set aside: `Examples.quarantine` has it.
    max_bad_rows : int or float
        With ``"quarantine"``: at most so many rows (an int), or such a share of all rows (a
        float). Beyond it the data is refused. Default: a tenth.
    memory : int
        About how many bytes may be taken, whatever the size of the source; at least 64 MiB.
        Default 2 GiB. Tables that are in memory already are not counted.
    folder : path, optional
        Where rows are written that memory has no room for, until they are saved; best on the
        file system where that will be. Default: the folder for temporary files, ``$TMPDIR``.
    progress : Progress
        Is told how far reading is, in files.

    Returns
    -------
    examples : Examples
        Each row that was read is in exactly one split; rows keep their order.

    Raises
    ------
    DataError
        The data is missing, unreadable or malformed, rows were lost, a split would have no
        rows, or a group stands in two splits.
    StoreError
        There is no room for the rows.
    UsageError
        An argument is wrong.
    """
    check_limit(on_bad_rows, max_bad_rows)
    _check_memory(memory)
    options = read_options(
        format=format,
        null_values=null_values,
        delimiter=delimiter,
        quote=quote,
        header=header,
        encoding=encoding,
        strip=strip,
        types=types,
        query=query,
        message=message,
        on_bad_rows=on_bad_rows,
        batch_bytes=min(1 << 25, memory >> 6),
        window_bytes=memory >> 2,
    )
    source, shares = _named(source, splits)
    by = _way(split_by)
    if not is_named(source) and (by.method != "time" or by.cuts):
        splitter_for(by, shares)  # an argument that is wrong is said before anything is read
    inputs = inputs_of(source, options, span)
    workspace = Workspace(None if folder is None else Path(folder))
    collector = Collector(
        label=inputs.label,
        options=options,
        workspace=workspace,
        memory=_UNBOUNDED if inputs.in_memory else memory // 4,
        max_bad_rows=max_bad_rows,
        progress=progress,
    )
    try:
        done = _collected(collector, inputs, shares, by, split_by)
        examples = _examples(done, inputs, workspace)
        if no_leakage is not None:
            check_no_leakage(examples, no_leakage, memory=memory // 2)
    except BaseException:
        workspace.remove()
        raise
    return examples


def _named(source: Any, splits: Any) -> tuple[Any, Any]:
    """Return the source and the splits, patterns among the splits put into the source."""
    if not isinstance(splits, Mapping) or not any(
        isinstance(each, str | os.PathLike) for each in splits.values()
    ):
        if source is None:
            raise UsageError(
                "there is no source",
                expected='a source, or patterns as splits: {"train": "a/*.csv", "eval": "b/*.csv"}',
                got=f"source=None, splits={splits!r}",
            )
        if is_named(source) and splits is not None:
            raise UsageError(
                "both the source and splits name splits",
                expected="one of them",
                got=f"the splits {', '.join(source)} and splits={splits!r}",
            )
        return source, splits
    if not all(isinstance(each, str | os.PathLike) for each in splits.values()):
        raise UsageError(
            "splits has both shares and patterns",
            expected='all shares, or all patterns: {"train": "train-*.csv", "eval": "eval/*"}',
            got=f"splits={dict(splits)!r}",
        )
    if source is None:
        return dict(splits), None
    if not isinstance(source, str | os.PathLike):
        raise UsageError(
            "splits has patterns, and the source is no folder",
            expected="a folder or a URL, below which the patterns are",
            got=f"{type(source).__name__}",
        )
    return {split: below(source, os.fspath(each)) for split, each in splits.items()}, None


def _way(split_by: Sequence[str] | SplitBy | None) -> SplitBy:
    if isinstance(split_by, SplitBy):
        return split_by
    if split_by is None:
        return SplitBy("hash")
    if isinstance(split_by, str) or not split_by:
        check_columns(split_by, ())
    return SplitBy("hash", tuple(split_by))


def _check_memory(memory: object) -> None:
    if not isinstance(memory, int) or isinstance(memory, bool) or memory < _LEAST_MEMORY:
        raise UsageError(
            "memory is wrong",
            expected=f"a number of bytes, at least {_LEAST_MEMORY:,}",
            got=f"memory={memory!r}",
            fix="leave it out for 2 GiB",
        )


def _collected(
    collector: Collector,
    inputs: Inputs,
    splits: Any,
    by: SplitBy,
    split_by: Sequence[str] | SplitBy | None,
) -> Collected:
    names = [each.split for each in inputs.inputs if each.split is not None]
    if names:
        if split_by is not None:
            raise UsageError(
                "split_by has nothing to split",
                expected="no split_by where each split has files of its own",
                got=f"split_by={split_by!r}",
            )
        ratios = dict.fromkeys(names, 1.0)
        make = splitter_for(SplitBy("hash"), ratios)
    else:
        cuts = _cuts(collector, inputs, splits, by)
        make = splitter_for(by, splits, cuts)
    done = collector.collect(inputs.inputs, make)
    counts = {split: sum(p.rows for p in parts) for split, parts in done.parts.items()}
    check_counts(counts, sum(counts.values()), _together(by))
    return done


def _together(by: SplitBy) -> Sequence[str] | None:
    """Return the columns that keep rows together, for a message."""
    return by.columns if by.columns and by.method in ("hash", "time") else None


def _cuts(collector: Collector, inputs: Inputs, splits: Any, by: SplitBy) -> list[float]:
    """Return where the shares cut time: found in a pass over that column alone."""
    if by.method != "time" or by.cuts:
        return []
    shares = shares_of(splits)
    column = by.columns[0]
    ranked = Ranked(collector.workspace, collector.memory)
    options = replace(collector.options, columns=[column])
    for each in inputs.inputs:
        for batch in each.read(options):
            if batch.frame.height:
                check_columns([column], batch.frame.columns)
                # On its own, so that a column of text is no matter of other columns.
                one = Columns(text=False, keyed=False).take(pick(batch.frame, [column]), each.where)
                ranked.add(time_keys(one[column]))
    return cuts_at(ranked, shares) if ranked.rows else [0.0] * (len(shares) - 1)


def _examples(done: Collected, inputs: Inputs, workspace: Workspace) -> Examples:
    return Examples(
        rows={split: sum(part.rows for part in parts) for split, parts in done.parts.items()},
        columns={name: type_of(dtype) for name, dtype in done.columns.items()},
        source=inputs.label,
        refused=sum(file.refused for file in done.files),
        remarks=done.remarks,
        files=() if inputs.in_memory else done.files,
        spans=inputs.spans,
        version=inputs.version,
        parts=done.parts,
        quarantine=done.refused,
        workspace=workspace,
    )
