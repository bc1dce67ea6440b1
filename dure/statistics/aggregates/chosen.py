"""What a pass computes beside the statistics of columns: which aggregates the options turn on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

from dure.data.types import depth, element
from dure.errors import UsageError, nearest
from dure.statistics.aggregate import Aggregate
from dure.statistics.aggregates.crosses import Crosses
from dure.statistics.aggregates.feature_pairs import SparseFeature, WeightedFeature
from dure.statistics.aggregates.images import ImageStatistics, ImageType
from dure.statistics.aggregates.information import InformationOptions, LabelInformation
from dure.statistics.aggregates.lift import Lifts
from dure.statistics.aggregates.natural_language import (
    LanguageOptions,
    NaturalLanguage,
    WeightedNaturalLanguage,
)
from dure.statistics.aggregates.order import Order
from dure.statistics.aggregates.semantic import KINDS, SemanticType
from dure.statistics.aggregates.sentinels import Sentinels
from dure.statistics.aggregates.sequences import AlignedSequences, SequenceLengths
from dure.statistics.options import StatisticsOptions

Some = list[Aggregate[Any]]
T = TypeVar("T")
SINGLE = ("int", "float", "string", "bool")
_CATEGORIES = ("int", "string", "bool")
_MOST_ALIGNED = 50


def aggregates(columns: Mapping[str, str], options: StatisticsOptions) -> Some:
    """Return the aggregates that ``options`` turn on, in a fixed order.

    Parameters
    ----------
    columns : mapping of str to str
        The type of every column and of every field in a struct (by its dotted path).
    options : StatisticsOptions
        What was asked for. Its ``settings`` may have, by the name of an aggregate, what its
        constructor takes:

        - ``semantic``: ``min_values``, ``min_share``
        - ``sentinels``: ``extra``
        - ``crosses``: ``columns``
        - ``lift``: ``bins``, ``top``, ``min_count``
        - ``mutual_information``: ``estimator``, ``neighbours``, ``partitions``, ``seed``
        - ``natural_language``: by the name of a column, the fields of `LanguageOptions`
        - ``images``: ``decode``

    Raises
    ------
    UsageError
        The options name a column that is not there or has a type that does not fit, or a setting
        that there is not.
    """
    _check_settings(options)
    found: Some = []
    if options.semantic:
        found += _meaning(columns, options)
    found += _asked(columns, options)
    top = {name: kind for name, kind in columns.items() if not _inside(name, columns)}
    if options.crosses:
        found.append(_crosses(top, options))
    if options.label is not None:
        found += _label(top, options, options.label)
    for name, (value, *others) in options.sparse.items():
        _check(top, [value, *others], f"the sparse feature '{name}'")
        found.append(SparseFeature(name, value, tuple(others)))
    for name, (value, weight) in options.weighted_features.items():
        _check(top, [value, weight], f"the weighted feature '{name}'")
        found.append(WeightedFeature(name, value, weight))
    return found


def _meaning(columns: Mapping[str, str], options: StatisticsOptions) -> Some:
    """Return what is found out without being asked for."""
    found: Some = []
    semantic, sentinels = _settings(options, "semantic"), _settings(options, "sentinels")
    extra = tuple(sentinels.get("extra", ()))
    for name, kind in columns.items():
        inner, levels = element(kind), depth(kind)
        if inner in KINDS:
            found.append(_made(SemanticType, "semantic", column=name, kind=inner, **semantic))
            found.append(Sentinels(name, inner, extra))
            if not levels:
                found.append(Order(name))
        elif inner == "bytes":
            found.append(_made(ImageType, "semantic", column=name, **semantic))
        if levels:
            found.append(SequenceLengths(name, levels))
    lists = [n for n, kind in columns.items() if depth(kind) and not _inside(n, columns)]
    if 2 <= len(lists) <= _MOST_ALIGNED:
        found.append(AlignedSequences(tuple(lists)))
    return found


def _asked(columns: Mapping[str, str], options: StatisticsOptions) -> Some:
    """Return the statistics of words and of pixels of the columns that are named for it."""
    found: Some = []
    words = _settings(options, "natural_language")
    for name in options.natural_language:
        _check(columns, [name], "natural_language", ("string", "list[string]", "list[int]"))
        given = {
            key: tuple(one) if isinstance(one, list) else one
            for key, one in dict(words.get(name, {})).items()
        }
        language = _made(LanguageOptions, "natural_language", **given)
        found.append(NaturalLanguage(name, language))
        weight = options.weight_of(name)
        if weight is not None and not _inside(name, columns):
            found.append(WeightedNaturalLanguage(name, weight, language))
    images = _settings(options, "images")
    for name in options.images:
        _check(columns, [name], "images")
        if element(columns[name]) not in ("bytes", "string"):
            raise UsageError(
                f"column '{name}' holds no images",
                expected="bytes, or texts that are paths or URLs",
                got=columns[name],
            )
        found.append(_made(ImageStatistics, "images", column=name, **images))
    return found


def _crosses(columns: Mapping[str, str], options: StatisticsOptions) -> Aggregate[Any]:
    given = _settings(options, "crosses")
    names = given.get("columns")
    if names is None:
        names = [name for name, kind in columns.items() if kind in SINGLE]
    _check(columns, list(names), "crosses", SINGLE)
    return Crosses({name: columns[name] for name in names})


def _label(columns: Mapping[str, str], options: StatisticsOptions, label: str) -> Some:
    _check(columns, [label], "the label", SINGLE)
    features = tuple(
        name
        for name, kind in columns.items()
        if name not in (label, options.weight) and element(kind) in _CATEGORIES and depth(kind) < 2
    )
    lift = _settings(options, "lift")
    found: Some = []
    if features:
        found.append(
            _made(Lifts, "lift", features=features, label=label, weight=options.weight, **lift)
        )
    if "mutual_information" in options.settings:
        given = _made(
            InformationOptions, "mutual_information", **_settings(options, "mutual_information")
        )
        single = {n: kind for n, kind in columns.items() if kind in SINGLE}
        found.append(LabelInformation(single, label, given))
    return found


def _settings(options: StatisticsOptions, name: str) -> dict[str, Any]:
    return dict(options.settings.get(name) or {})


def _check_settings(options: StatisticsOptions) -> None:
    """Raise where a setting is of an aggregate that there is not, or is one that it has not."""
    for name, given in options.settings.items():
        if name not in _SETTINGS_OF:
            raise UsageError(
                f"there are no settings of '{name}'",
                expected="the name of an aggregate",
                fix=nearest(name, _SETTINGS_OF),
            )
        if given is not None and not isinstance(given, Mapping):
            raise UsageError(
                f"the settings of '{name}' have no names", expected="a mapping", got=repr(given)
            )
        if name == "natural_language":
            continue  # by the names of columns; looked at where they are used
        for key in given or {}:
            if key not in _SETTINGS_OF[name]:
                raise _no_setting(name, key)


def _no_setting(name: str, wrong: str) -> UsageError:
    known = _SETTINGS_OF[name]
    return UsageError(
        f"'{name}' has no setting '{wrong}'",
        expected=f"settings of '{name}'",
        fix=nearest(wrong, known),
    )


def _made(make: Callable[..., T], name: str, **given: Any) -> T:
    """Call a constructor; a setting that it does not have is an error that says so."""
    try:
        return make(**given)
    except TypeError as error:
        if str(error).find("unexpected keyword argument") < 0:
            raise
        raise _no_setting(name, str(error).split("'")[1]) from error


_SETTINGS_OF = {
    "semantic": ["min_values", "min_share"],
    "sentinels": ["extra"],
    "crosses": ["columns"],
    "lift": ["bins", "top", "min_count"],
    "images": ["decode"],
    "mutual_information": [one.name for one in fields(InformationOptions)],
    "natural_language": [one.name for one in fields(LanguageOptions)],
}


def _inside(name: str, columns: Mapping[str, str]) -> bool:
    """Whether a name is the path of a field in a struct."""
    parts = name.split(".")
    return any(
        element(columns.get(".".join(parts[:i]), "")).startswith("struct[")
        for i in range(1, len(parts))
    )


def _check(
    columns: Mapping[str, str], names: list[str], what: str, kinds: tuple[str, ...] = ()
) -> None:
    for name in names:
        if name not in columns:
            raise UsageError(
                f"{what} names a column that is not there: '{name}'",
                expected="a column of the data",
                fix=nearest(name, columns),
            )
        if kinds and columns[name] not in kinds:
            raise UsageError(
                f"{what} names column '{name}', whose type does not fit",
                expected=", ".join(kinds),
                got=columns[name],
            )
