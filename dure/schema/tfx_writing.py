"""A `Column` as a ``Feature`` of TFDV's schema, and what such a feature has no word for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dure.errors import SchemaError
from dure.schema.column import Column
from dure.schema.semantics import Embedding, Image, NaturalLanguage, Time, Token
from dure.schema.tfx_words import EMPTY, METRICS, OF_DAY, STAGES, TYPES, UNITS, schema_pb2

_WORDS = {word: field for field, word in EMPTY.items()}
_STAGES = {stage: name for name, stage in STAGES.items()}
_UNITS = {unit: name for name, unit in (UNITS | OF_DAY).items()}
_ONEOFS = ("presence_constraints", "shape_type", "domain_info")


def feature_of(column: Column, name: str, domain: str | None, path: str) -> Any:
    """Return a column as a feature.

    Parameters
    ----------
    column : Column
        What is expected.
    name : str
        The last part of its path.
    domain : str or None
        The name of its domain among the schema's string domains.
    path : str
        Where it is, for messages.
    """
    feature = schema_pb2().Feature(name=name)
    kind = "INT" if column.element == "bool" else TYPES[column.element]
    feature.type = schema_pb2().FeatureType.Value(kind)
    rest = parsed(schema_pb2().Feature(), column.tfx, f"column {path!r}")
    inline = rest.HasField("string_domain")
    _rows(feature, column)
    _valency(feature, column, rest)
    _life(feature, column, rest)
    _comparators(feature, column)
    if column.distinct is not None:
        _set_pair(feature.unique_constraints, column.distinct)
    if column.domain is not None and not inline:
        feature.domain = domain
    elif column.domain is not None:
        feature.string_domain.value.extend(column.domain)
    else:
        _domain(feature, column)
    if column.domain is not None and column.domain_share != 1.0:
        feature.distribution_constraints.min_domain_mass = column.domain_share
    _merge(feature, rest)
    return feature


def parsed(message: Any, text: str | None, where: str) -> Any:
    """Return the message that a text in a schema's ``tfx`` stands for.

    Raises
    ------
    SchemaError
        When it is no such text.
    """
    from google.protobuf import text_format

    try:
        return text_format.Parse(text or "", message)
    except text_format.ParseError as error:
        raise SchemaError(
            f"{where}: tfx is not protocol buffer text of a {message.DESCRIPTOR.name}",
            got=str(error),
            fix="leave tfx as it was read, or out",
        ) from error


def _merge(feature: Any, rest: Any) -> None:
    """Add what had no word; what was edited since then goes first."""
    for oneof in _ONEOFS:
        ours, theirs = feature.WhichOneof(oneof), rest.WhichOneof(oneof)
        if ours is not None and theirs is not None and (ours != theirs or ours == "domain"):
            rest.ClearField(theirs)
    feature.MergeFrom(rest)


def _rows(feature: Any, column: Column) -> None:
    if column.min_rows is not None:
        feature.presence.min_count = column.min_rows
    if column.presence:
        feature.presence.min_fraction = column.presence


def _valency(feature: Any, column: Column, rest: Any) -> None:
    if column.shape is not None:
        feature.shape.SetInParent()
        for size in column.shape:
            feature.shape.dim.add(size=size)
    elif column.depth == 0:
        # It is the type that says so.
        if rest.WhichOneof("shape_type") is None:
            feature.value_count.min = feature.value_count.max = 1
    elif column.values is not None and len(column.values) == 1:
        _set_pair(feature.value_count, column.values[0])
    elif column.values is not None:
        for pair in column.values:
            _set_pair(feature.value_counts.value_count.add(), pair)


def _set_pair(message: Any, pair: Any, low: str = "min", high: str = "max") -> None:
    for name, bound in ((low, pair[0]), (high, pair[1])):
        if bound is not None:
            setattr(message, name, bound)


def _life(feature: Any, column: Column, rest: Any) -> None:
    if rest.deprecated and column.stage != "deprecated":
        rest.ClearField("deprecated")
        rest.ClearField("lifecycle_stage")
    if column.stage is not None and not rest.deprecated:
        feature.lifecycle_stage = schema_pb2().LifecycleStage.Value(_STAGES[column.stage])
    feature.in_environment.extend(column.in_environment)
    feature.not_in_environment.extend(column.not_in_environment)
    feature.annotation.tag.extend(column.tags)
    if column.comment is not None:
        feature.annotation.comment.extend(column.comment.split("\n"))
    if not feature.annotation.ListFields():
        feature.ClearField("annotation")


def _comparators(feature: Any, column: Column) -> None:
    for which in ("drift", "skew"):
        limits = getattr(column, which)
        if not isinstance(limits, Mapping):
            continue
        message = getattr(feature, f"{which}_comparator")
        for theirs, metric in METRICS.items():
            if metric in limits:
                getattr(message, theirs).threshold = limits[metric]


def _domain(feature: Any, column: Column) -> None:
    """Write what stands in one place there: of several things that are said here, the first."""
    bounds = column.min is not None or column.max is not None
    if column.holds == "bool" or column.element == "bool":
        feature.bool_domain.SetInParent()
        for name in ("true_value", "false_value"):
            if getattr(column, name) is not None:
                setattr(feature.bool_domain, name, getattr(column, name))
    elif column.holds is not None:
        message = getattr(feature, f"{column.holds}_domain")
        message.SetInParent()
        _numbers(message, column)
    elif column.element in ("int", "float") and (bounds or _is_numeric(column)):
        _numbers(getattr(feature, f"{column.element}_domain"), column)
    else:
        _meaning(feature, column.semantic)


def _meaning(feature: Any, semantic: Any) -> None:
    if isinstance(semantic, str) and semantic in _WORDS:
        getattr(feature, _WORDS[semantic]).SetInParent()
    elif isinstance(semantic, Image):
        feature.image_domain.SetInParent()
        if semantic.supported is not None:
            feature.image_domain.minimum_supported_image_fraction = semantic.supported
        if semantic.max_bytes is not None:
            feature.image_domain.max_image_byte_size = semantic.max_bytes
    elif isinstance(semantic, Time):
        _time(feature, semantic)
    elif isinstance(semantic, NaturalLanguage):
        feature.natural_language_domain.SetInParent()
        _language(feature.natural_language_domain, semantic)


def _is_numeric(column: Column) -> bool:
    """Return whether a number column says something that TFDV says of numbers."""
    embedding = isinstance(column.semantic, Embedding) and column.element == "float"
    return column.semantic == "category" or embedding or column.nan == 0 or column.inf == 0


def _numbers(message: Any, column: Column) -> None:
    whole = message.DESCRIPTOR.name == "IntDomain"
    for name in ("min", "max"):
        bound = getattr(column, name)
        if bound is not None and not (whole and not _is_int64(bound)):
            setattr(message, name, int(bound) if whole else bound)
    if column.semantic == "category" and column.holds is None:
        message.is_categorical = True
    if whole:
        return
    if column.nan == 0:
        message.disallow_nan = True
    if column.inf == 0:
        message.disallow_inf = True
    if isinstance(column.semantic, Embedding):
        message.is_embedding = True
        if column.semantic.size is not None:
            message.embedding_dim = column.semantic.size
        if column.semantic.of is not None:
            message.embedding_type = column.semantic.of


def _is_int64(bound: float) -> bool:
    return float(bound).is_integer() and -(2**63) <= bound < 2**63


def _time(feature: Any, semantic: Time) -> None:
    message = feature.time_of_day_domain if semantic.of_day else feature.time_domain
    message.SetInParent()
    if semantic.format is None:
        return
    if "%" in semantic.format:
        message.string_format = semantic.format
    elif semantic.of_day == (semantic.format in OF_DAY.values()):
        kind = message.DESCRIPTOR.fields_by_name["integer_format"].enum_type
        message.integer_format = kind.values_by_name[_UNITS[semantic.format]].number


def _language(message: Any, semantic: NaturalLanguage) -> None:
    if semantic.vocabulary is not None:
        message.vocabulary = semantic.vocabulary
    coverage, lengths = message.coverage, message.sequence_length_constraints
    if semantic.coverage is not None:
        coverage.min_coverage = semantic.coverage
    if semantic.token_length is not None:
        coverage.min_avg_token_length = semantic.token_length
    _put_tokens(coverage, "excluded_{}_tokens", semantic.excluded)
    coverage.oov_string_tokens.extend(map(str, semantic.unknown))
    message.token_constraints.extend(map(_constraint, semantic.tokens))
    if semantic.length is not None:
        _set_pair(lengths, semantic.length, "min_sequence_length", "max_sequence_length")
    _put_tokens(lengths, "excluded_{}_value", semantic.length_excluded)
    for name in ("coverage", "sequence_length_constraints"):
        if not getattr(message, name).ListFields():
            message.ClearField(name)


def _put_tokens(message: Any, field: str, tokens: tuple[str | int, ...]) -> None:
    for token in tokens:
        kind = "int" if isinstance(token, int) else "string"
        getattr(message, field.format(kind)).append(token)


def _constraint(token: Token) -> Any:
    message = schema_pb2().SequenceValueConstraints()
    kind = "int_value" if isinstance(token.value, int) else "string_value"
    setattr(message, kind, token.value)
    if token.per_sequence is not None:
        _set_pair(message, token.per_sequence, "min_per_sequence", "max_per_sequence")
    if token.share is not None:
        names = ("min_fraction_of_sequences", "max_fraction_of_sequences")
        _set_pair(message, token.share, *names)
    return message


def untranslated(column: Column) -> Iterator[str]:
    """Yield the expectations of a column that a feature has no word for."""
    for name in ("regex", "length", "mean", "std"):
        if getattr(column, name) is not None:
            yield name
    for name in ("unique", "quantiles", "balance", "severity"):
        if getattr(column, name):
            yield name
    for name in ("nan", "inf"):
        if getattr(column, name):
            yield f"{name} above 0"
    for which in ("drift", "skew"):
        limits = getattr(column, which)
        known = isinstance(limits, Mapping) and set(limits) <= set(METRICS.values())
        if limits is not None and not known:
            yield which
    yield from _untranslated_meaning(column)


def _untranslated_meaning(column: Column) -> Iterator[str]:
    semantic = column.semantic
    if isinstance(semantic, Time) and (semantic.min or semantic.max):
        yield "min and max of a time"
    if semantic in ("email", "uuid", "id"):
        yield f"semantic {semantic}"
    elif semantic is not None and (column.domain is not None or column.holds is not None):
        yield "semantic beside a domain"
    elif semantic == "category" and column.element not in ("int", "float"):
        yield "semantic category of a column without numbers"
    if column.element == "int" and (column.min is not None or column.max is not None):
        bounds = [bound for bound in (column.min, column.max) if bound is not None]
        if not all(_is_int64(bound) for bound in bounds):
            yield "a bound of whole numbers that is none"
