"""A ``Feature`` of TFDV's schema as a `Column`.

Each function takes what it has a word for out of a copy of the message; whatever is left of the
copy in the end is kept as text in `Column.tfx`, so that nothing is lost.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from dure.errors import SchemaError
from dure.schema.column import Column
from dure.schema.semantics import Embedding, Image, NaturalLanguage, Time, Token
from dure.schema.tfx_words import (
    EMPTY,
    METRICS,
    OF_DAY,
    STAGES,
    TYPES_BACK,
    UNITS,
    enum_name,
    single,
    text_of,
)

Fields = dict[str, Any]


def column_of(feature: Any, path: str, domains: Mapping[str, tuple[str, ...]]) -> Column:
    """Return a feature as a column. The features of a struct are left out.

    Parameters
    ----------
    feature : Feature
        A message of the schema.
    path : str
        Where it is, for messages.
    domains : mapping of str to tuple of str
        The schema's string domains.

    Raises
    ------
    SchemaError
        When it has no type, or says something that makes no sense.
    """
    rest = type(feature)()
    rest.CopyFrom(feature)
    rest.ClearField("name")
    kind = TYPES_BACK.get(enum_name(feature, "type"))
    if kind is None and feature.WhichOneof("domain_info") in ("domain", "string_domain"):
        kind = "string"  # TFDV infers the same
    if kind is None:
        raise SchemaError(
            f"feature {path!r} has no type",
            expected="type: BYTES, INT, FLOAT or STRUCT",
            got=enum_name(feature, "type"),
        )
    if feature.type:
        rest.ClearField("type")
    if kind == "string" and rest.HasField("image_domain"):
        kind = "bytes"
    fields: Fields = {}
    depth = _valency(rest, fields)
    for take in (_presence, _life, _distinct, _comparators):
        take(rest, fields)
    _domain(rest, kind, fields, domains)
    _clear_children(rest, kind)
    fields["type"] = "list[" * depth + kind + "]" * depth
    fields["tfx"] = text_of(rest)
    try:
        return Column(**fields)
    except SchemaError as error:
        raise SchemaError(
            f"feature {path!r}: {error.what}",
            expected=error.expected,
            got=error.got,
            fix=error.fix,
        ) from error


def _valency(rest: Any, fields: Fields) -> int:
    """Take the shape or the numbers of values, and return how many lists there are."""
    which = rest.WhichOneof("shape_type")
    if which == "shape":
        dims = rest.shape.dim
        if not all(
            dim.HasField("size") and dim.size >= 0 and not dim.HasField("name") for dim in dims
        ):
            return 1
        fields["shape"] = tuple(dim.size for dim in dims)
        rest.ClearField("shape")
        return 0 if fields["shape"] in ((), (1,)) else 1
    if which == "value_count":
        pair = _pair(rest.value_count)
        if pair == (None, None):
            return 1
        rest.ClearField("value_count")
        if pair == (1, 1):
            return 0
        fields["values"] = (pair,)
        return 1
    if which == "value_counts" and len(rest.value_counts.value_count) > 1:
        fields["values"] = tuple(_pair(one) for one in rest.value_counts.value_count)
        rest.ClearField("value_counts")
        return len(fields["values"])
    return 1


def _pair(message: Any, low: str = "min", high: str = "max") -> tuple[Any, Any]:
    return (
        getattr(message, low) if message.HasField(low) else None,
        getattr(message, high) if message.HasField(high) else None,
    )


def _presence(rest: Any, fields: Fields) -> None:
    if rest.WhichOneof("presence_constraints") != "presence":
        return
    presence = rest.presence
    empty = not presence.ListFields()
    if presence.HasField("min_count"):
        fields["min_rows"] = presence.min_count
        presence.ClearField("min_count")
    if presence.HasField("min_fraction") and presence.min_fraction != 0:
        fields["presence"] = presence.min_fraction
        presence.ClearField("min_fraction")
    if not empty:
        _drop_empty(rest, "presence")


def _life(rest: Any, fields: Fields) -> None:
    stage = STAGES.get(enum_name(rest, "lifecycle_stage"))
    if rest.deprecated:
        fields["stage"] = "deprecated"  # whatever the stage; both stay as they were
    elif stage is not None:
        fields["stage"] = stage
        rest.ClearField("lifecycle_stage")
    for name in ("in_environment", "not_in_environment"):
        fields[name] = tuple(getattr(rest, name))
        rest.ClearField(name)
    if not rest.HasField("annotation"):
        return
    empty = not rest.annotation.ListFields()
    fields["tags"] = tuple(rest.annotation.tag)
    rest.annotation.ClearField("tag")
    comments = list(rest.annotation.comment)
    # One text there is one line here.
    if comments and not any("\n" in comment for comment in comments):
        fields["comment"] = "\n".join(comments)
        rest.annotation.ClearField("comment")
    if not empty:
        _drop_empty(rest, "annotation")


def _distinct(rest: Any, fields: Fields) -> None:
    if rest.HasField("unique_constraints"):
        pair = _pair(rest.unique_constraints)
        if pair != (None, None):
            fields["distinct"] = pair
            rest.ClearField("unique_constraints")


def _comparators(rest: Any, fields: Fields) -> None:
    for which, field in (("drift", "drift_comparator"), ("skew", "skew_comparator")):
        if not rest.HasField(field):
            continue
        message, limits = getattr(rest, field), {}
        for name, metric in METRICS.items():
            one = getattr(message, name)
            if one.HasField("threshold") and 0 <= one.threshold < math.inf:
                limits[metric] = one.threshold
                one.ClearField("threshold")
                _drop_empty(message, name)
        if limits:
            fields[which] = limits
            _drop_empty(rest, field)


# --- domains ------------------------------------------------------------------------------------


def _domain(rest: Any, kind: str, fields: Fields, domains: Mapping[str, tuple[str, ...]]) -> None:
    which = rest.WhichOneof("domain_info")
    if which is None:
        return
    if which in EMPTY:
        fields["semantic"] = EMPTY[which]
        rest.ClearField(which)
    elif which in ("domain", "string_domain") and kind == "string":
        _texts(rest, which, fields, domains)
    elif which == "bool_domain" and kind in ("int", "float", "string"):
        _bools(rest, kind, fields)
    elif which == f"{kind}_domain" and kind in ("int", "float"):
        _numbers(rest, which, kind, fields)
    elif which in ("int_domain", "float_domain") and kind == "string":
        fields["holds"] = which.removesuffix("_domain")
        _numbers(rest, which, fields["holds"], fields)
        _drop_empty(rest, which)
    elif which in _SEMANTIC:
        fields["semantic"] = _SEMANTIC[which](getattr(rest, which))
        _drop_empty(rest, which)


def _texts(rest: Any, which: str, fields: Fields, domains: Mapping[str, tuple[str, ...]]) -> None:
    if which == "domain" and rest.domain in domains:
        fields["domain_name"] = rest.domain
        fields["domain"] = domains[rest.domain]
        rest.ClearField("domain")
    elif which == "string_domain" and rest.string_domain.value:
        # The empty message that is left says that the values stand in the feature itself.
        fields["domain"] = tuple(rest.string_domain.value)
        rest.string_domain.ClearField("value")
    else:
        return
    constraints = rest.distribution_constraints
    mass = constraints.min_domain_mass
    if constraints.HasField("min_domain_mass") and mass != 1:
        fields["domain_share"] = mass
        rest.ClearField("distribution_constraints")


def _bools(rest: Any, kind: str, fields: Fields) -> None:
    fields["holds"] = "bool"
    if kind == "string":
        for name in ("true_value", "false_value"):
            if rest.bool_domain.HasField(name):
                fields[name] = getattr(rest.bool_domain, name)
                rest.bool_domain.ClearField(name)
    _drop_empty(rest, "bool_domain")


def _numbers(rest: Any, which: str, kind: str, fields: Fields) -> None:
    message = getattr(rest, which)
    empty = not message.ListFields()
    for name in ("min", "max"):
        if message.HasField(name) and math.isfinite(getattr(message, name)):
            bound = getattr(message, name)
            fields[name] = single(bound) if kind == "float" else bound
            message.ClearField(name)
    if kind == "float":
        _floats(message, fields)
    if message.is_categorical and "semantic" not in fields and "holds" not in fields:
        fields["semantic"] = "category"
        message.ClearField("is_categorical")
    if not empty:
        _drop_empty(rest, which)


def _floats(message: Any, fields: Fields) -> None:
    for name, flag in (("nan", "disallow_nan"), ("inf", "disallow_inf")):
        if getattr(message, flag):
            fields[name] = 0
            message.ClearField(flag)
    if message.is_embedding:
        size = message.embedding_dim if message.HasField("embedding_dim") else None
        of = message.embedding_type if message.HasField("embedding_type") else None
        if size is None or size >= 0:
            fields["semantic"] = Embedding(size, of)
            for name in ("is_embedding", "embedding_dim", "embedding_type"):
                message.ClearField(name)


def _image(message: Any) -> Image:
    fields: Fields = {}
    if message.HasField("minimum_supported_image_fraction"):
        fields["supported"] = single(message.minimum_supported_image_fraction)
    if message.HasField("max_image_byte_size"):
        fields["max_bytes"] = message.max_image_byte_size
    message.Clear()
    return Image(**fields)


def _time(message: Any) -> Time:
    found: str | None = None
    if message.WhichOneof("format") == "string_format" and "%" in message.string_format:
        found = message.string_format
    elif message.WhichOneof("format") == "integer_format":
        found = UNITS.get(enum_name(message, "integer_format"))
    if found is not None:
        message.Clear()
    return Time(found)


def _time_of_day(message: Any) -> Time:
    found: str | None = None
    if message.WhichOneof("format") == "string_format" and "%" in message.string_format:
        found = message.string_format
    elif message.WhichOneof("format") == "integer_format":
        found = OF_DAY.get(enum_name(message, "integer_format"))
    if found is not None:
        message.Clear()
    return Time(found, of_day=True)


def _language(message: Any) -> NaturalLanguage:
    fields: Fields = {}
    if message.HasField("vocabulary"):
        fields["vocabulary"] = message.vocabulary
        message.ClearField("vocabulary")
    coverage = message.coverage
    for name, theirs in (("coverage", "min_coverage"), ("token_length", "min_avg_token_length")):
        if coverage.HasField(theirs):
            fields[name] = single(getattr(coverage, theirs))
    fields["excluded"] = (*coverage.excluded_string_tokens, *coverage.excluded_int_tokens)
    fields["unknown"] = tuple(coverage.oov_string_tokens)
    if coverage.ListFields():
        message.ClearField("coverage")
    if message.token_constraints and all(
        one.WhichOneof("value") for one in message.token_constraints
    ):
        fields["tokens"] = tuple(_tokens(message.token_constraints))
        message.ClearField("token_constraints")
    lengths = message.sequence_length_constraints
    pair = _pair(lengths, "min_sequence_length", "max_sequence_length")
    if pair != (None, None):
        fields["length"] = pair
    fields["length_excluded"] = (*lengths.excluded_string_value, *lengths.excluded_int_value)
    if lengths.ListFields():
        message.ClearField("sequence_length_constraints")
    return NaturalLanguage(**fields)


def _tokens(constraints: Any) -> Iterator[Token]:
    for one in constraints:
        value = getattr(one, one.WhichOneof("value"))
        times = _pair(one, "min_per_sequence", "max_per_sequence")
        low, high = _pair(one, "min_fraction_of_sequences", "max_fraction_of_sequences")
        share = (None if low is None else single(low), None if high is None else single(high))
        none = (None, None)
        yield Token(value, None if times == none else times, None if share == none else share)


_SEMANTIC = {
    "image_domain": _image,
    "time_domain": _time,
    "time_of_day_domain": _time_of_day,
    "natural_language_domain": _language,
}


def _clear_children(rest: Any, kind: str) -> None:
    if kind == "struct" and rest.struct_domain.feature:
        rest.struct_domain.ClearField("feature")
        _drop_empty(rest, "struct_domain")


def _drop_empty(message: Any, field: str) -> None:
    if message.HasField(field) and not getattr(message, field).ListFields():
        message.ClearField(field)
