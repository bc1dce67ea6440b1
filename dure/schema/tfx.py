"""Reads and writes TFDV's schemas: ``schema.pbtxt``, messages of ``tensorflow_metadata``.

Reading loses nothing: what Dure has no word for is kept as it was, as text under ``tfx``, and is
written back. Writing can lose what TFDV has no word for; `untranslated` says what that is.

A feature with exactly one value in each row (``value_count {min: 1 max: 1}``) becomes a column of
single values; one that says nothing, or something else, of the number of its values becomes a column
of lists, which data with single values fits too.
"""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from dure.errors import SchemaError
from dure.schema.column import Column
from dure.schema.dataset import Dataset, Sparse, Weighted
from dure.schema.model import Schema
from dure.schema.tfx_reading import column_of
from dure.schema.tfx_words import STAGES, enum_name, schema_pb2, text_of
from dure.schema.tfx_writing import feature_of, parsed
from dure.schema.tfx_writing import untranslated as _untranslated

_STAGES = {stage: name for name, stage in STAGES.items()}


def read_pbtxt(path: str | os.PathLike[str]) -> Schema:
    """Return the schema in a file of TFDV.

    Parameters
    ----------
    path : path
        The file, or a folder with a ``schema.pbtxt`` in it, as TFX's SchemaGen writes it.

    Raises
    ------
    SchemaError
        When there is no such file, or it is no schema: names file and line.
    MissingExtraError
        When tensorflow-metadata is not installed.
    """
    place = Path(path)
    place = place / "schema.pbtxt" if place.is_dir() else place
    try:
        text = place.read_bytes().decode("utf-8")
    except OSError as error:
        raise SchemaError(f"{place}: cannot be read", got=str(error)) from error
    except UnicodeDecodeError as error:
        raise SchemaError(
            f"{place}: is not UTF-8 text",
            expected="protocol buffer text",
            got=f"byte 0x{error.object[error.start]:02x} at position {error.start}",
        ) from error
    try:
        return from_proto(parse(text, str(place)))
    except SchemaError as error:
        if error.what.startswith(str(place)):
            raise
        raise SchemaError(
            f"{place}: {error.what}", expected=error.expected, got=error.got, fix=error.fix
        ) from error


def write_pbtxt(schema: Schema, path: str | os.PathLike[str]) -> None:
    """Write a schema as a file that TFDV reads."""
    from google.protobuf import text_format

    message = to_proto(schema)
    text = text_format.MessageToString(message, as_utf8=True)
    Path(path).write_text(text, encoding="utf-8", newline="\n")


def parse(text: str, where: str = "schema.pbtxt") -> Any:
    """Return the message of a schema's text.

    Raises
    ------
    SchemaError
        When it is no protocol buffer text of a schema: names the line.
    """
    message = schema_pb2().Schema()
    from google.protobuf import text_format

    try:
        with warnings.catch_warnings():
            # Python's own complaint about an escape that there is none of: the text is wrong.
            warnings.filterwarnings("error", "invalid escape sequence", DeprecationWarning)
            return text_format.Parse(text, message)
    except DeprecationWarning as error:
        raise SchemaError(f"{where}: is no schema of TFDV", got=str(error)) from error
    except text_format.ParseError as error:
        line = f":{error.GetLine()}" if error.GetLine() else ""
        problem = str(error).partition(" : ")[2] or str(error)
        raise SchemaError(
            f"{where}{line}: is no schema of TFDV",
            expected="protocol buffer text of tensorflow.metadata.v0.Schema",
            got=problem.replace("\n", " "),
        ) from error
    except RecursionError as error:
        raise SchemaError(f"{where}: is nested too deep to be a schema") from error


def from_proto(message: Any) -> Schema:
    """Return a ``tensorflow_metadata.proto.v0.schema_pb2.Schema`` as a schema.

    Raises
    ------
    SchemaError
        When a feature has no name or type, or there are two of one name, or a value is out of its
        range.
    """
    rest = type(message)()
    rest.CopyFrom(message)
    domains = _take_domains(rest)
    columns: dict[str, Column] = {}
    for path, feature in _features(message.feature, ""):
        if path in columns:
            raise SchemaError(f"feature {path!r} comes twice", fix="remove one of the two")
        columns[path] = column_of(feature, path, domains)
    rest.ClearField("feature")
    columns, domains = _own_domains(columns, domains)
    fields: dict[str, Any] = {"domains": domains, "environments": tuple(rest.default_environment)}
    rest.ClearField("default_environment")
    _take_rows(rest, fields)
    fields["sparse"] = {one.name: _sparse(one) for one in rest.sparse_feature}
    fields["weighted"] = {one.name: _weighted(one) for one in rest.weighted_feature}
    for name, field in (("sparse", "sparse_feature"), ("weighted", "weighted_feature")):
        if len(fields[name]) < len(getattr(rest, field)):
            raise SchemaError(f"two entries of {field} have the same name")
        rest.ClearField(field)
    return Schema(columns, Dataset(**fields, tfx=text_of(rest)))


def to_proto(schema: Schema) -> Any:
    """Return a schema as a ``tensorflow_metadata.proto.v0.schema_pb2.Schema``."""
    module = schema_pb2()
    message, dataset = module.Schema(), schema.dataset
    rest = parsed(module.Schema(), dataset.tfx, "the schema")
    names = _domain_names(schema)
    features: dict[str, Any] = {}
    for path, column in schema.columns.items():
        parent = parent_of(path, features, schema.columns)
        into = message.feature if parent is None else features[parent].struct_domain.feature
        name = path if parent is None else path[len(parent) + 1 :]
        into.append(feature_of(column, name, names.get(path), path))
        features[path] = into[-1]
        if feature_has_own_values(features[path]):
            names.pop(path, None)
    domains = {names[path]: schema.columns[path].domain for path in names}
    for name, values in {**domains, **dataset.domains}.items():
        message.string_domain.add(name=name, value=values)
    message.default_environment.extend(dataset.environments)
    _put_rows(message, dataset)
    for name, sparse in dataset.sparse.items():
        message.sparse_feature.append(_sparse_message(name, sparse))
    for name, weighted in dataset.weighted.items():
        message.weighted_feature.append(_weighted_message(name, weighted))
    _merge(message, rest)
    return message


def untranslated(schema: Schema) -> tuple[str, ...]:
    """Return what `to_proto` leaves out, for TFDV has no word for it: one line a finding.

    >>> untranslated(Schema({"code": Column("string", regex="^[A-Z]+$")}))
    ("'code': regex",)
    """
    lines = [
        f"{name!r}: {what}"
        for name, column in schema.columns.items()
        for what in _untranslated(column)
    ]
    whole = ("expressions", "rules", "metadata", "severity", "drift", "skew")
    lines += [name for name in whole if getattr(schema.dataset, name)]
    return tuple(lines)


def parent_of(path: str, known: Iterable[str], columns: Mapping[str, Column]) -> str | None:
    """Return the struct among ``known`` that a path is a field of, or None."""
    parent, dot, _ = path.rpartition(".")
    while dot:
        if parent in known and columns[parent].element == "struct":
            return parent
        parent, dot, _ = parent.rpartition(".")
    return None


def feature_has_own_values(feature: Any) -> bool:
    """Return whether the values of its domain stand in the feature itself."""
    return bool(feature.WhichOneof("domain_info") == "string_domain")


# --- domains ------------------------------------------------------------------------------------


def _take_domains(rest: Any) -> dict[str, tuple[str, ...]]:
    """Take the lists of values out of the string domains; a domain without values stays."""
    found: dict[str, tuple[str, ...]] = {}
    kept = []
    for one in rest.string_domain:
        if one.name in found:
            raise SchemaError(f"domain {one.name!r} comes twice", fix="remove one of the two")
        if one.value:
            found[one.name] = tuple(one.value)
            one.ClearField("value")
            if len(one.ListFields()) == 1 and one.name:
                continue
        kept.append(one)
    left = [type(one).FromString(one.SerializeToString()) for one in kept]
    rest.ClearField("string_domain")
    rest.string_domain.extend(left)
    return found


def _own_domains(
    columns: dict[str, Column], domains: dict[str, tuple[str, ...]]
) -> tuple[dict[str, Column], dict[str, tuple[str, ...]]]:
    """Give a column the domain that only it uses and that has its name, as TFDV infers them."""
    users: dict[str, list[str]] = {}
    for path, column in columns.items():
        if column.domain_name is not None:
            users.setdefault(column.domain_name, []).append(path)
    own = {name for name, paths in users.items() if paths == [name]}
    columns = {
        path: dataclasses.replace(column, domain_name=None) if column.domain_name in own else column
        for path, column in columns.items()
    }
    return columns, {name: values for name, values in domains.items() if name not in own}


def _domain_names(schema: Schema) -> dict[str, str]:
    """Return the name of each column's domain among those of the message."""
    names: dict[str, str] = {}
    taken = set(schema.dataset.domains)
    for path, column in schema.columns.items():
        if column.domain_name is not None:
            names[path] = column.domain_name
        elif column.domain is not None:
            # TFDV: the path, with the first number from 2 that makes it new.
            name, number = path, 1
            while name in taken:
                number += 1
                name = f"{path}{number}"
            taken.add(name)
            names[path] = name
    return names


def _merge(message: Any, rest: Any) -> None:
    """Add what had no word; of a string domain that is written, its further settings."""
    written = {one.name: one for one in message.string_domain}
    new = [one for one in rest.string_domain if one.name not in written]
    for one in rest.string_domain:
        if one.name in written:
            written[one.name].MergeFrom(one)
    copies = [type(one).FromString(one.SerializeToString()) for one in new]
    rest.ClearField("string_domain")
    message.MergeFrom(rest)
    message.string_domain.extend(copies)


# --- features and rows --------------------------------------------------------------------------


def _features(features: Iterable[Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for feature in features:
        if not feature.HasField("name"):
            raise SchemaError(
                f"a feature{f' of {prefix[:-1]!r}' if prefix else ''} has no name",
                got=str(feature)[:200],
                fix="give it a name, or remove it",
            )
        path = prefix + feature.name
        yield path, feature
        if (
            feature.WhichOneof("domain_info") == "struct_domain"
            and enum_name(feature, "type") == "STRUCT"
        ):
            yield from _features(feature.struct_domain.feature, f"{path}.")


_RATIOS = {
    "rows_to_previous_span": "num_examples_drift_comparator",
    "rows_to_previous_version": "num_examples_version_comparator",
}


def _take_rows(rest: Any, fields: dict[str, Any]) -> None:
    if not rest.HasField("dataset_constraints"):
        return
    message = rest.dataset_constraints
    empty = not message.ListFields()
    for name, theirs, low, high in _row_fields():
        part = message if theirs is None else getattr(message, theirs)
        pair = tuple(getattr(part, one) if part.HasField(one) else None for one in (low, high))
        if pair != (None, None):
            fields[name] = pair
            for one in (low, high):
                part.ClearField(one)
            if theirs is not None and not part.ListFields():
                message.ClearField(theirs)
    if not empty and not message.ListFields():
        rest.ClearField("dataset_constraints")


def _put_rows(message: Any, dataset: Dataset) -> None:
    for name, theirs, low, high in _row_fields():
        pair = getattr(dataset, name)
        if pair is None:
            continue
        part = message.dataset_constraints
        part = part if theirs is None else getattr(part, theirs)
        for field, bound in ((low, pair[0]), (high, pair[1])):
            if bound is not None:
                setattr(part, field, bound)


def _row_fields() -> Iterator[tuple[str, str | None, str, str]]:
    yield "rows", None, "min_examples_count", "max_examples_count"
    for name, theirs in _RATIOS.items():
        yield name, theirs, "min_fraction_threshold", "max_fraction_threshold"


# --- sparse and weighted ------------------------------------------------------------------------


def _sparse(message: Any) -> Sparse:
    rest = type(message)()
    rest.CopyFrom(message)
    rest.ClearField("name")
    shape = None
    if rest.HasField("dense_shape") and all(
        d.HasField("size") and not d.HasField("name") for d in rest.dense_shape.dim
    ):
        shape = tuple(dim.size for dim in rest.dense_shape.dim)
        rest.ClearField("dense_shape")
    stage = STAGES.get(enum_name(rest, "lifecycle_stage"))
    if stage is not None:
        rest.ClearField("lifecycle_stage")
    if rest.is_sorted:
        rest.ClearField("is_sorted")
    rest.ClearField("value_feature")
    rest.ClearField("index_feature")
    try:
        return Sparse(
            message.value_feature.name,
            tuple(one.name for one in message.index_feature),
            shape,
            message.is_sorted,
            stage,
            text_of(rest),
        )
    except SchemaError as error:
        raise SchemaError(
            f"sparse feature {message.name!r}: {error.what}", expected=error.expected, got=error.got
        ) from error


def _sparse_message(name: str, sparse: Sparse) -> Any:
    message = schema_pb2().SparseFeature(name=name)
    message.value_feature.name = sparse.values
    for index in sparse.indices:
        message.index_feature.add(name=index)
    if sparse.shape is not None:
        message.dense_shape.SetInParent()
        for size in sparse.shape:
            message.dense_shape.dim.add(size=size)
    if sparse.is_sorted:
        message.is_sorted = True
    _put_stage(message, sparse.stage)
    message.MergeFrom(parsed(schema_pb2().SparseFeature(), sparse.tfx, f"sparse {name!r}"))
    return message


def _weighted(message: Any) -> Weighted:
    rest = type(message)()
    rest.CopyFrom(message)
    rest.ClearField("name")
    stage = STAGES.get(enum_name(rest, "lifecycle_stage"))
    if stage is not None:
        rest.ClearField("lifecycle_stage")
    names = {}
    for field in ("feature", "weight_feature"):
        steps = list(getattr(message, field).step)
        names[field] = ".".join(steps)
        if not any("." in step for step in steps):
            rest.ClearField(field)
    try:
        return Weighted(names["feature"], names["weight_feature"], stage, text_of(rest))
    except SchemaError as error:
        raise SchemaError(
            f"weighted feature {message.name!r}: {error.what}",
            expected=error.expected,
            got=error.got,
        ) from error


def _weighted_message(name: str, weighted: Weighted) -> Any:
    message = schema_pb2().WeightedFeature(name=name)
    rest = parsed(schema_pb2().WeightedFeature(), weighted.tfx, f"weighted {name!r}")
    for field, column in (("feature", weighted.values), ("weight_feature", weighted.weights)):
        # A path with a dot within a step is kept as it was.
        if not rest.HasField(field):
            getattr(message, field).step.extend(column.split("."))
    _put_stage(message, weighted.stage)
    message.MergeFrom(rest)
    return message


def _put_stage(message: Any, stage: str | None) -> None:
    if stage is not None:
        message.lifecycle_stage = schema_pb2().LifecycleStage.Value(_STAGES[stage])
