"""Every kind of anomaly: its name, what TFDV calls it, how bad it is, and when it is found.

The table of ``docs/validate.md`` is `markdown`, and a test keeps the two the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

Severity = Literal["error", "warning"]


class KindOf(NamedTuple):
    """One kind of anomaly.

    Parameters
    ----------
    name : str
    severity : {"error", "warning"}
        Unless the finding, or the schema, says otherwise.
    when : str
        The condition.
    tfdv : tuple of str
        The names that TFDV's ``AnomalyInfo.Type`` has for it; empty where TFDV has none. Where
        there are several, each anomaly has the one that fits.
    """

    name: str
    severity: Severity
    when: str
    tfdv: tuple[str, ...] = ()


_E: Severity = "error"
_W: Severity = "warning"
_BY_GROUP: Mapping[str, tuple[KindOf, ...]] = {
    "the data as a whole": (
        KindOf("empty_split", _E, "a split has no rows; nothing else is said about it"),
        KindOf("too_few_rows", _E, "a split has fewer rows than `rows` says", ("DATASET_LOW_NUM_EXAMPLES",)),
        KindOf("too_many_rows", _E, "a split has more rows than `rows` says", ("DATASET_HIGH_NUM_EXAMPLES",)),
        KindOf("fewer_rows_than_before", _E, "rows divided by those of the previous span or version are below the bound", ("COMPARATOR_LOW_NUM_EXAMPLES",)),
        KindOf("more_rows_than_before", _E, "rows divided by those of the previous span or version are above the bound", ("COMPARATOR_HIGH_NUM_EXAMPLES",)),
        KindOf("missing_column", _E, "a column of the schema is not in the data; a similar new name is pointed out", ("SCHEMA_MISSING_COLUMN",)),
        KindOf("new_column", _W, "a column of the data is not in the schema", ("SCHEMA_NEW_COLUMN",)),
    ),
    "types": (
        KindOf("type_changed", _E, "a column has a type that does not fit", ("UNEXPECTED_DATA_TYPE",)),
        KindOf("whole_numbers", _W, "a `float` column holds whole numbers only and was read as `int`; they are floats too"),
        KindOf("invalid_text", _E, "a `string` column was read as `bytes`: some values are not UTF-8", ("ENUM_TYPE_INVALID_UTF8",)),
        KindOf("not_int", _E, "a text is no whole number, where the texts hold whole numbers", ("INT_TYPE_NOT_INT_STRING",)),
        KindOf("not_float", _E, "a text is no number, where the texts hold numbers", ("FLOAT_TYPE_STRING_NOT_FLOAT",)),
        KindOf("not_truth", _E, "a value is no truth value, where the column holds truth values", ("BOOL_TYPE_UNEXPECTED_STRING", "BOOL_TYPE_UNEXPECTED_FLOAT", "BOOL_TYPE_BIG_INT", "BOOL_TYPE_SMALL_INT")),
    ),
    "presence and shape": (
        KindOf("no_values", _E, "no row has a value; a warning where `presence` is 0, or where all values are NaN or empty lists", ("FEATURE_TYPE_NOT_PRESENT",)),
        KindOf("too_few_values", _E, "fewer rows have a value than `presence` says", ("FEATURE_TYPE_LOW_FRACTION_PRESENT",)),
        KindOf("too_few_present", _E, "fewer rows have a value than `min_rows` says", ("FEATURE_TYPE_LOW_NUMBER_PRESENT",)),
        KindOf("too_few_entries", _E, "a list has fewer entries than `values` says, at any level", ("FEATURE_TYPE_LOW_NUMBER_VALUES",)),
        KindOf("too_many_entries", _E, "a list has more entries than `values` says, at any level", ("FEATURE_TYPE_HIGH_NUMBER_VALUES",)),
        KindOf("nesting_changed", _E, "the values have the right type, in lists that are nested otherwise", ("VALUE_NESTEDNESS_MISMATCH",)),
        KindOf("shape_changed", _E, "the rows are no tensors of `shape`, or some are missing", ("INVALID_FEATURE_SHAPE",)),
    ),
    "values": (
        KindOf("unexpected_values", _E, "the share of values in the domain is below `domain_share`, which is 1 unless the schema says otherwise; a warning where some are outside and the share is kept", ("ENUM_TYPE_UNEXPECTED_STRING_VALUES",)),
        KindOf("unchecked_values", _W, "the statistics do not know every value, and no examples were given to look at"),
        KindOf("below_min", _E, "a number is below `min`, or is -infinity", ("INT_TYPE_SMALL_INT", "FLOAT_TYPE_SMALL_FLOAT")),
        KindOf("above_max", _E, "a number is above `max`, or is infinity", ("INT_TYPE_BIG_INT", "FLOAT_TYPE_BIG_FLOAT")),
        KindOf("nan", _W, "a float is NaN; an error where `nan` forbids so many", ("FLOAT_TYPE_HAS_NAN",)),
        KindOf("infinity", _W, "a float is infinite and no `min` or `max` forbids it; an error where `inf` forbids so many", ("FLOAT_TYPE_HAS_INF",)),
        KindOf("sentinel", _W, "a number such as -999 or 99999 comes often and lies far from all others: it likely stands for a missing value"),
        KindOf("beyond_exact", _W, "a whole number is beyond 2^53, so that a model, which computes in floats, cannot tell it from its neighbours"),
        KindOf("no_match", _E, "a text does not match `regex`"),
        KindOf("too_short", _E, "a text or its bytes are shorter than `length` says"),
        KindOf("too_long", _E, "a text or its bytes are longer than `length` says"),
        KindOf("not_unique", _E, "a value comes twice in a column that is `unique`"),
        KindOf("too_few_distinct", _E, "there are fewer distinct values than `distinct` says", ("FEATURE_TYPE_LOW_UNIQUE",)),
        KindOf("too_many_distinct", _E, "there are more distinct values than `distinct` says", ("FEATURE_TYPE_HIGH_UNIQUE",)),
        KindOf("distinct_unknown", _W, "`distinct` or `unique` is asked of a type whose distinct values are not counted", ("FEATURE_TYPE_NO_UNIQUE",)),
    ),
    "distribution": (
        KindOf("mean_outside", _E, "the mean is outside the bounds of `mean`"),
        KindOf("std_outside", _E, "the standard deviation is outside the bounds of `std`"),
        KindOf("quantile_outside", _E, "a quantile is outside its bounds in `quantiles`"),
        KindOf("balance_outside", _E, "the share of a value is outside its bounds in `balance`"),
        KindOf("drift", _E, "the column differs from the previous data: by a threshold of the schema, or by the rule of [drift](drift.md); a warning where the schema does not ask for a comparison", ("COMPARATOR_L_INFTY_HIGH", "COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH", "COMPARATOR_NORMALIZED_ABSOLUTE_DIFFERENCE_HIGH")),
        KindOf("skew", _E, "the same against the serving data", ("COMPARATOR_L_INFTY_HIGH", "COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH", "COMPARATOR_NORMALIZED_ABSOLUTE_DIFFERENCE_HIGH")),
        KindOf("baseline_missing", _E, "the schema asks for a comparison, and the other data lacks the column or the split; a warning where nothing at all could be compared", ("COMPARATOR_CONTROL_DATA_MISSING",)),
    ),
    "meaning": (
        KindOf("semantic_changed", _W, "the values mean something else than `semantic` says", ("SEMANTIC_DOMAIN_UPDATE",)),
        KindOf("not_time", _E, "a text does not have the `format` of its time"),
        KindOf("time_outside", _E, "a time is before `min` or after `max`"),
        KindOf("too_few_images", _E, "fewer values are BMP, GIF, JPEG or PNG images than `supported` says", ("LOW_SUPPORTED_IMAGE_FRACTION",)),
        KindOf("image_too_large", _E, "an image has more bytes than `max_bytes`", ("MAX_IMAGE_BYTE_SIZE_EXCEEDED",)),
        KindOf("embedding_size", _E, "a vector has not the `size` of the embedding", ("EMBEDDING_SHAPE_INVALID",)),
        KindOf("coverage_too_low", _E, "fewer tokens are in the vocabulary than `coverage` says", ("FEATURE_COVERAGE_TOO_LOW",)),
        KindOf("tokens_too_short", _E, "the mean length of a token is below `token_length`", ("FEATURE_COVERAGE_TOO_SHORT_AVG_TOKEN_LENGTH",)),
        KindOf("token_too_seldom", _E, "a token comes fewer times in a sequence than `per_sequence` says", ("SEQUENCE_VALUE_TOO_FEW_OCCURRENCES",)),
        KindOf("token_too_often", _E, "a token comes more times in a sequence than `per_sequence` says", ("SEQUENCE_VALUE_TOO_MANY_OCCURRENCES",)),
        KindOf("token_in_too_few", _E, "fewer sequences have a token than its `share` says", ("SEQUENCE_VALUE_TOO_SMALL_FRACTION",)),
        KindOf("token_in_too_many", _E, "more sequences have a token than its `share` says", ("SEQUENCE_VALUE_TOO_LARGE_FRACTION",)),
        KindOf("sequence_length", _E, "a sequence has fewer or more tokens than `length` says"),
        KindOf("statistics_missing", _W, "something is expected that these statistics do not tell, and no examples were given", ("STATS_NOT_AVAILABLE",)),
    ),
    "across columns": (
        KindOf("expression_failed", _E, "an expression is true in fewer rows than its `share` says"),
        KindOf("rule_found", _E, "a rule of one's own found something"),
        KindOf("rule_failed", _E, "a rule of one's own cannot be found, or raised an error"),
        KindOf("sparse_value_missing", _E, "the value column of a sparse tensor is missing where an index is there", ("SPARSE_FEATURE_MISSING_VALUE",)),
        KindOf("sparse_index_missing", _E, "an index column of a sparse tensor is missing where its values are there", ("SPARSE_FEATURE_MISSING_INDEX",)),
        KindOf("sparse_length", _E, "a row has not as many indices as values", ("SPARSE_FEATURE_LENGTH_MISMATCH",)),
        KindOf("sparse_name_taken", _E, "a sparse tensor has the name of a column", ("SPARSE_FEATURE_NAME_COLLISION",)),
        KindOf("weighted_value_missing", _E, "the values are missing where their weights are there", ("WEIGHTED_FEATURE_MISSING_VALUE",)),
        KindOf("weighted_weight_missing", _E, "the weights are missing where their values are there", ("WEIGHTED_FEATURE_MISSING_WEIGHT",)),
        KindOf("weighted_length", _E, "a row has not as many weights as values", ("WEIGHTED_FEATURE_LENGTH_MISMATCH",)),
        KindOf("weighted_name_taken", _E, "a weighted column has the name of a column", ("WEIGHTED_FEATURE_NAME_COLLISION",)),
    ),
}  # fmt: skip

KINDS: Mapping[str, KindOf] = {kind.name: kind for group in _BY_GROUP.values() for kind in group}

# What TFDV reports of the schema itself is an error when a schema is made or read: there is no
# data to be blamed for it.
REFUSED: Mapping[str, str] = {
    "BOOL_TYPE_INVALID_CONFIG": "`true_value` and `false_value` are the same, or are no texts",
    "DOMAIN_INVALID_FOR_TYPE": "a column has a domain, bounds or a meaning that its type cannot have",
    "FEATURE_MISSING_NAME": "a feature of a pbtxt has no name; in YAML, the name is the key",
    "FEATURE_MISSING_TYPE": "a column has no type",
    "INVALID_SCHEMA_SPECIFICATION": "a bound is out of its range, such as a presence of 1.5",
    "INVALID_DOMAIN_SPECIFICATION": "a domain has no values, or `min` is above `max`",
}
# Derived features are TFDV's experiment of columns that it computes itself while it validates.
NOT_HERE: Mapping[str, str] = {
    "DERIVED_FEATURE_BAD_LIFECYCLE": "there are no derived features: `transform` makes new columns",
    "DERIVED_FEATURE_INVALID_SOURCE": "there are no derived features: `transform` makes new columns",
}
# Several reasons of one column are several anomalies here, and one with this name in a pbtxt.
SEVERAL = "MULTIPLE_REASONS"


def markdown() -> str:
    """Return the tables of all kinds, as they stand in the documentation."""
    lines: list[str] = []
    for group, kinds in _BY_GROUP.items():
        lines += [f"### {group[0].upper()}{group[1:]}", ""]
        lines += ["| kind | severity | when | in TFDV |", "|---|---|---|---|"]
        for kind in kinds:
            names = ", ".join(f"`{name}`" for name in kind.tfdv) or "–"
            lines.append(f"| `{kind.name}` | {kind.severity} | {kind.when} | {names} |")
        lines.append("")
    lines += ["### Refused when a schema is made or read", "", "| in TFDV | when |", "|---|---|"]
    lines += [f"| `{name}` | {when} |" for name, when in REFUSED.items()]
    lines += ["", "### What TFDV has and Dure has not", "", "| in TFDV | why |", "|---|---|"]
    lines += [f"| `{name}` | {why} |" for name, why in NOT_HERE.items()]
    return "\n".join(lines) + "\n"
