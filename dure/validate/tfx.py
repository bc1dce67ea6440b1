"""TFDV's ``anomalies.pbtxt``, written and read; needs the extra ``tfx``.

TFDV has one message a split, in it one anomaly a column, and in that one reason for each thing that
is wrong. Each `Anomaly` is a reason here: its kind is the short description, its words are the
description. What TFDV has no name for is a ``CUSTOM_VALIDATION``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from dure.errors import DataError, MissingExtraError, UsageError, nearest
from dure.validate.anomalies import Anomalies, Anomaly
from dure.validate.kinds import KINDS, SEVERAL, Severity
from dure.validate.report import Comparison, DriftReport, Kind

if TYPE_CHECKING:
    from dure.statistics import Statistics

_OWN = "CUSTOM_VALIDATION"
_MEASURED = {
    "l_infinity": "L_INFTY",
    "jensen_shannon": "JENSEN_SHANNON_DIVERGENCE",
    "normalised_difference": "NORMALIZED_ABSOLUTE_DIFFERENCE",
}
_SEPARATOR = "\n"


def _proto() -> Any:
    try:
        from tensorflow_metadata.proto.v0 import anomalies_pb2
    except ImportError as error:
        raise MissingExtraError(
            "tensorflow-metadata", extra="tfx", purpose="reading or writing anomalies.pbtxt"
        ) from error
    return anomalies_pb2


def to_proto(anomalies: Anomalies, split: str, *, statistics: Statistics | None = None) -> Any:
    """Return the anomalies of one split as a ``tensorflow.metadata.v0.Anomalies`` message.

    Parameters
    ----------
    anomalies : Anomalies
    split : str
        The split; TFX writes one file for each.
    statistics : Statistics, optional
        Tells which columns are fields of structs, whose path has several steps.

    Raises
    ------
    UsageError
        There is no such split.
    MissingExtraError
        tensorflow-metadata is not installed.
    """
    proto = _proto()
    if split not in anomalies.rows:
        raise UsageError(
            f"there is no split {split!r} in the anomalies", fix=nearest(split, anomalies.rows)
        )
    paths = _paths(statistics, split)
    message = proto.Anomalies(anomaly_name_format=proto.Anomalies.SERIALIZED_PATH)
    message.data_missing = not anomalies.rows[split]
    mine = [one for one in anomalies if one.split == split]
    for column in dict.fromkeys(one.column for one in mine):
        group = [one for one in mine if one.column == column]
        if column is None:
            _fill(message.dataset_anomaly_info, group, proto)
            continue
        steps = paths.get(column, (column,))
        info = message.anomaly_info[_serialized(steps)]
        info.path.step.extend(steps)
        _fill(info, group, proto)
    for report in anomalies.reports:
        _measure(message, report, split, paths, proto)
    return message


def to_pbtxt(anomalies: Anomalies, split: str, *, statistics: Statistics | None = None) -> str:
    """Return the anomalies of one split as the text of an ``anomalies.pbtxt``; see `to_proto`."""
    from google.protobuf import text_format

    text: str = text_format.MessageToString(
        to_proto(anomalies, split, statistics=statistics), as_utf8=True
    )
    return text


def from_pbtxt(text: str | bytes, *, split: str = "train", rows: int = 0) -> Anomalies:
    """Return the anomalies in the text of an ``anomalies.pbtxt``.

    Parameters
    ----------
    text : str or bytes
        What TFDV or `to_pbtxt` wrote. Bytes are UTF-8.
    split : str
        What the split is called; the file does not say it.
    rows : int, default 0
        How many rows it has; the file does not say it either.

    Raises
    ------
    DataError
        It is not such a message.
    MissingExtraError
        tensorflow-metadata is not installed.
    """
    message = _proto().Anomalies()
    from google.protobuf import text_format

    try:
        given = text.decode("utf-8") if isinstance(text, bytes) else text
        text_format.Parse(given, message)
    except (text_format.ParseError, UnicodeError, RecursionError) as error:
        raise DataError(
            "this is no text of TFDV's anomalies",
            expected="a tensorflow.metadata.v0.Anomalies message as text",
            got=str(error).splitlines()[0][:200] if str(error) else type(error).__name__,
            fix="give the anomalies.pbtxt that ExampleValidator wrote",
        ) from error
    return from_proto(message, split=split, rows=rows)


def from_proto(message: Any, *, split: str = "train", rows: int = 0) -> Anomalies:
    """Return the anomalies in a ``tensorflow.metadata.v0.Anomalies`` message; see `from_pbtxt`."""
    found: list[Anomaly] = []
    for key in sorted(message.anomaly_info):
        info = message.anomaly_info[key]
        name = ".".join(info.path.step) if info.path.step else key
        found += _read(info, split, name)
    if message.HasField("dataset_anomaly_info"):
        found += _read(message.dataset_anomaly_info, split, None)
    reports = [
        DriftReport(kind, tuple(_comparisons(message, kind, split))) for kind in _kinds(message)
    ]
    return Anomalies(tuple(found), {split: rows}, tuple(reports))


def _paths(statistics: Statistics | None, split: str) -> Mapping[str, tuple[str, ...]]:
    if statistics is None or split not in statistics.splits:
        return {}
    return {name: one.path for name, one in statistics.splits[split].columns.items()}


def _serialized(steps: Iterable[str]) -> str:
    """Return a path as TFDV writes it: a step with other signs than letters is in brackets."""
    return ".".join(
        step
        if step and all(c.isalnum() or c in "_-/ " for c in step)
        else f"({step.replace(')', '))')})"
        for step in steps
    )


def _fill(info: Any, group: list[Anomaly], proto: Any) -> None:
    worst = "ERROR" if any(one.severity == "error" for one in group) else "WARNING"
    info.severity = proto.AnomalyInfo.Severity.Value(worst)
    names = proto.AnomalyInfo.Type.keys()
    for one in group:
        name = one.tfdv if one.tfdv in names else _OWN
        info.reason.add(
            type=proto.AnomalyInfo.Type.Value(name),
            short_description=one.kind,
            description=_described(one),
        )
    info.short_description = group[0].kind if len(group) == 1 else "Multiple errors"
    info.description = " ".join(reason.description.splitlines()[0] for reason in info.reason)


def _described(one: Anomaly) -> str:
    return _SEPARATOR.join(
        " ".join(part.split())
        for part in (
            one.reason,
            f"expected: {one.expected}",
            f"got: {one.got}",
            f"to do: {one.fix}",
        )
    )


def _read(info: Any, split: str, column: str | None) -> Iterator[Anomaly]:
    names = info.DESCRIPTOR.file.message_types_by_name["AnomalyInfo"].enum_types_by_name["Type"]
    severity: Severity = "error" if info.severity == 2 else "warning"
    seen: dict[str, int] = {}
    for reason in info.reason:
        tfdv = names.values_by_number[reason.type].name
        kind = reason.short_description if reason.short_description in KINDS else _kind(tfdv)
        seen[kind] = seen.get(kind, 0) + 1
        parts = _parts(reason.description)
        yield Anomaly(
            split,
            column,
            kind,
            severity,
            parts.get("", reason.short_description or tfdv),
            parts.get("expected", "what the schema of TFDV says"),
            parts.get("got", reason.short_description or tfdv),
            parts.get("to do", "repair the data, or update the schema"),
            detail=str(seen[kind]) if seen[kind] > 1 else "",
            tfdv=None if tfdv in (_OWN, "UNKNOWN_TYPE", SEVERAL) else tfdv,
        )


def _kind(tfdv: str) -> str:
    """Return our name of a type of TFDV's; one that has none is found by a rule we do not know."""
    return next((kind.name for kind in KINDS.values() if tfdv in kind.tfdv), "rule_found")


def _parts(description: str) -> dict[str, str]:
    first, *rest = description.split(_SEPARATOR) if description else [""]
    parts = {"": first} if first else {}
    for line in rest:
        name, colon, text = line.partition(": ")
        if colon and name in ("expected", "got", "to do"):
            parts[name] = text
    return parts


# --- distances ----------------------------------------------------------------------------------


def _measure(
    message: Any, report: DriftReport, split: str, paths: Mapping[str, tuple[str, ...]], proto: Any
) -> None:
    kinds = proto.DriftSkewInfo.Measurement.Type
    infos: dict[str, Any] = {".".join(one.path.step): one for one in message.drift_skew_info}
    for one in report:
        measured = one.metric in _MEASURED and one.value is not None
        if one.split != split or one.slice is not None or one.of != "values" or not measured:
            continue
        if one.column not in infos:
            infos[one.column] = message.drift_skew_info.add()
            infos[one.column].path.step.extend(paths.get(one.column, (one.column,)))
        field = getattr(infos[one.column], f"{report.kind}_measurements")
        added = field.add(type=kinds.Value(_MEASURED[one.metric]), value=one.value)
        if one.threshold is not None:
            added.threshold = one.threshold


def _kinds(message: Any) -> tuple[Kind, ...]:
    found: list[Kind] = []
    if any(info.drift_measurements for info in message.drift_skew_info):
        found.append("drift")
    if any(info.skew_measurements for info in message.drift_skew_info):
        found.append("skew")
    return tuple(found)


def _comparisons(message: Any, kind: Kind, split: str) -> Iterator[Comparison]:
    metrics = {number: name for name, number in _MEASURED.items()}
    for info in message.drift_skew_info:
        for one in getattr(info, f"{kind}_measurements"):
            name = one.DESCRIPTOR.fields_by_name["type"].enum_type.values_by_number[one.type].name
            threshold = one.threshold if one.HasField("threshold") else None
            above = threshold is not None and one.value > threshold
            bound = "" if threshold is None else f"; the threshold is {threshold:g}"
            yield Comparison(
                ".".join(info.path.step),
                split,
                split,
                "differs" if above else "same",
                f"{name} is {one.value:g}{bound}.",
                metric=metrics.get(name, name.lower()),
                value=one.value,
                threshold=threshold,
            )
