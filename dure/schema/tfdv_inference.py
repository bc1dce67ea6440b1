"""TFDV's rules for a first draft, as its C++ has them.

The source is tensorflow/data-validation 1.16, ``anomalies/``: ``InitPresenceAndShape`` in
``feature_util.cc``, ``CreateColumn`` in ``schema.cc``, ``bool_domain_util.cc``,
``int_domain_util.cc`` and ``string_domain_util.cc``. A column that is no list has exactly one value
in each row, which its type says already; TFDV writes ``value_count {min: 1 max: 1}``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from dure.schema import types
from dure.schema.bounds import Bounds
from dure.schema.column import Column
from dure.schema.semantics import WITH_SETTINGS, WORDS, Time, knows_time

if TYPE_CHECKING:
    from dure.statistics.model import ColumnStatistics

TRUE = ("TRUE", "true", "SET", "set", "1", "")
FALSE = ("FALSE", "false", "CLEAR", "clear", "0")
MAX_DOMAIN = 100
_INT = re.compile(r"[ \t\n\v\f\r]*[+-]?[0-9]+[ \t\n\v\f\r]*")
_INT_SHAPES = frozenset({"9", "-9", "+9"})
_INT64 = range(-(2**63), 2**63)


def draft(
    statistics: ColumnStatistics,
    *,
    max_domain: int = MAX_DOMAIN,
    shapes: bool = False,
    semantics: bool = False,
) -> Column:
    """Return what TFDV expects of a column that it has not seen before.

    Parameters
    ----------
    statistics : ColumnStatistics
        What is known of it.
    max_domain : int, default 100
        The most values of a domain. TFDV: ``max_string_domain_size``.
    shapes : bool, default False
        Whether a column whose every row has the same number of values gets a shape. TFDV:
        ``infer_feature_shape``.
    semantics : bool, default False
        Whether a meaning that was found out comes before other rules. TFDV:
        ``enable_semantic_domain_stats``.
    """
    fields = valency(statistics, shapes=shapes)
    fields["min_rows"] = 1 if statistics.count else 0
    if statistics.count and not statistics.missing:
        fields["presence"] = 1.0
    meaning = semantic_of(statistics) if semantics else None
    if meaning is not None:
        fields["semantic"] = meaning
    else:
        fields.update(domain(statistics, max_domain))
    return Column(types.normal(statistics.type), **fields)


def valency(statistics: ColumnStatistics, *, shapes: bool = False) -> dict[str, Any]:
    """Return the fields ``values`` or ``shape`` of a draft."""
    if not statistics.count:
        return {}
    levels = [(level.min, level.max, level.missing) for level in statistics.levels]
    levels = levels or [(1, 1, statistics.missing)]
    fixed = all(low == high > 0 and not missing for low, high, missing in levels)
    if shapes and fixed and types.element(types.normal(statistics.type)) != "struct":
        return {"shape": tuple(low for low, _, _ in levels)}
    if not statistics.levels:
        return {}
    pairs = tuple(_pair(low, high) for low, high, _ in levels)
    return {} if pairs == ((None, None),) else {"values": pairs}


def _pair(low: int, high: int) -> Bounds:
    if not low:
        return (None, None)
    return (low, high) if low == high else (1, None)


def domain(statistics: ColumnStatistics, max_domain: int = MAX_DOMAIN) -> dict[str, Any]:
    """Return the fields that say which values may come."""
    kind = statistics.element
    if kind == "int":
        low, high = statistics.min, statistics.max
        return {"holds": "bool"} if low is not None and low >= 0 and high == 1 else {}
    if kind != "string":
        return {}
    # TFDV looks at the 1,000 most frequent ones; there are at most two of these.
    words = None if statistics.values is None else truth_words(texts(statistics))
    if words is not None:
        return {"holds": "bool", "true_value": words[0], "false_value": words[1]}
    if all_ints(statistics):
        return {"holds": "int"}
    values = statistics.values
    if values and len(values) <= max_domain:
        # TFDV's map of values is in the order of their bytes, which is that of the code points.
        return {"domain": tuple(sorted(value for value, _ in values))}
    return {}


def truth_words(values: Iterable[str]) -> tuple[str | None, str | None] | None:
    """Return the text for true and the text for false, if the values are no more than these."""
    found = sorted(values)
    true = [value for value in found if value in TRUE]
    false = [value for value in found if value in FALSE]
    if not found or len(true) > 1 or len(false) > 1 or len(found) > len(true) + len(false):
        return None
    return next(iter(true), None), next(iter(false), None)


def all_ints(statistics: ColumnStatistics) -> bool:
    """Return whether every text of a column is a whole number of 64 bits.

    Where not all texts are listed, their shapes have to say so.
    """
    if statistics.values is not None:
        return bool(statistics.values) and all(
            parse_int(v) is not None for v, _ in statistics.values
        )
    shapes = dict(statistics.patterns or ())
    covered = sum(shapes.values()) == statistics.number_of_values
    short = (statistics.max_length or 0) <= len(str(2**63 - 1)) - 1
    return bool(shapes) and covered and short and shapes.keys() <= _INT_SHAPES


def parse_int(text: str) -> int | None:
    """Return the whole number of 64 bits that a text is, or None. As ``absl::SimpleAtoi``."""
    if not _INT.fullmatch(text):
        return None
    digits = text.strip()
    # Python refuses to read thousands of digits.
    number = int(digits) if len(digits) < 4000 else 2**63
    return number if number in _INT64 else None


def parse_float(text: str) -> float | None:
    """Return the number that a text is, or None. As ``absl::SimpleAtof``: also nan and inf."""
    bare = text.strip(" \t\n\v\f\r")
    if "_" in bare or not bare.isascii():
        return None
    try:
        return float(bare)
    except ValueError:
        return None


def texts(statistics: ColumnStatistics) -> tuple[str, ...]:
    """Return the texts that are known: all of them, or the most frequent ones."""
    known = statistics.values if statistics.values is not None else statistics.top
    return tuple(text for text, _ in known or ())


def semantic_of(statistics: ColumnStatistics) -> Any:
    """Return the meaning that the statistics found out, as a schema says it; None if none."""
    found = statistics.semantic
    if found is None or found.kind not in (*WORDS, *WITH_SETTINGS):
        return None
    if found.kind == Time.kind and knows_time(found.details.get("format")):
        return Time(format=found.details["format"])
    return found.kind
