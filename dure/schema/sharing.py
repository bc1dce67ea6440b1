"""Finds columns with about the same values, and lets them share one domain.

TFDV's ``GetRelatedEnums`` (``schema.cc``) with ``IsSimilarStringDomain``: two lists are alike when
they are equal, or both have more than 10 values and their Jaccard similarity is above 0.5.
"""

from __future__ import annotations

import dataclasses

from dure.schema.model import Schema

MIN_JACCARD = 0.5
MIN_VALUES = 10


def share(
    schema: Schema, *, min_jaccard: float = MIN_JACCARD, min_values: int = MIN_VALUES
) -> Schema:
    """Return ``schema`` with one domain for columns whose own domains are alike.

    Parameters
    ----------
    schema : Schema
        With domains of single columns.
    min_jaccard : float, default 0.5
        Values in both lists divided by those in any: what it has to be above.
    min_values : int, default 10
        How many values each of two lists that are not equal has to have more than.

    Returns
    -------
    Schema
        The shared domain has the values of all of them, in order, and the shortest of the columns'
        names; the first of these in the alphabet.
    """
    own = {
        name: set(column.domain)
        for name, column in schema.columns.items()
        if column.domain is not None and column.domain_name is None
    }
    columns, domains = dict(schema.columns), dict(schema.dataset.domains)
    left = list(own)
    while left:
        first, *others = left
        alike = [n for n in others if _alike(own[first], own[n], min_jaccard, min_values)]
        left = [name for name in others if name not in alike]
        if not alike:
            continue
        group = [first, *alike]
        title = min((name for name in group), key=lambda name: (len(name), name))
        while title in domains:
            title += "_"
        domains[title] = tuple(sorted(set().union(*(own[name] for name in group))))
        for name in group:
            columns[name] = dataclasses.replace(
                columns[name], domain=domains[title], domain_name=title
            )
    return Schema(columns, dataclasses.replace(schema.dataset, domains=domains))


def _alike(first: set[str], second: set[str], min_jaccard: float, min_values: int) -> bool:
    both, either = len(first & second), len(first | second)
    similar = both / either > min_jaccard and min(len(first), len(second)) > min_values
    return similar or both == either
