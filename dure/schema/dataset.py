"""What is expected of the data as a whole: its rows, and how columns go together."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dure.errors import SchemaError
from dure.schema.bounds import Bounds, bounds, share
from dure.schema.checking import comparator, domain, severities, texts
from dure.schema.override import Override


@dataclass(frozen=True)
class Expression:
    """Something that has to be true in each row, across columns.

    Parameters
    ----------
    expression : str
        A condition in SQL, as `polars.sql_expr` takes it: ``"tips <= fare"``. A row in which it is
        null, because a value is missing, is not counted.
    share : float, default 1
        The least share of the rows in which it is true.
    severity : str or Override, default "error"
        What it counts as when it fails.
    comment : str, optional
        Why it has to be.
    """

    expression: str
    share: float = 1.0
    severity: Override = field(default_factory=lambda: Override("error"))
    comment: str | None = None

    def __post_init__(self) -> None:
        _require_text("expression", self.expression)
        share("share", self.share)
        _check_common(self)


@dataclass(frozen=True)
class Rule:
    """A function of one's own that looks at the data.

    Parameters
    ----------
    function : str
        Where it is: ``"package.module:function"``. See `dure.validate` for what it takes.
    settings : mapping of str to Any
        What it is given beside the data. JSON values.
    severity : str or Override, default "error"
        What it counts as when it fails.
    comment : str, optional
        Why it is there.
    """

    function: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    severity: Override = field(default_factory=lambda: Override("error"))
    comment: str | None = None

    def __post_init__(self) -> None:
        _require_text("function", self.function)
        module, colon, name = self.function.partition(":")
        if not colon or not all(part.isidentifier() for part in (*module.split("."), name)):
            raise SchemaError(
                "a rule does not name a function",
                expected="package.module:function",
                got=repr(self.function),
            )
        if not isinstance(self.settings, Mapping):
            raise SchemaError("settings is not a mapping", got=repr(self.settings))
        try:
            plain = json.loads(json.dumps(dict(self.settings), allow_nan=False))
        except (TypeError, ValueError) as error:
            raise SchemaError(
                "settings of a rule have a value that JSON does not have",
                expected="texts, finite numbers, truth values, null, lists and mappings of these",
                got=str(error),
            ) from error
        object.__setattr__(self, "settings", plain)
        _check_common(self)


@dataclass(frozen=True)
class Sparse:
    """A sparse tensor whose indices and values are columns: TFDV's ``SparseFeature``.

    Parameters
    ----------
    values : str
        The column of the values.
    indices : tuple of str
        The columns of the indices, one for each dimension.
    shape : tuple of int, optional
        The size of each dimension.
    is_sorted : bool, default False
        The indices come in order.
    stage : str, optional
        As of a `Column`.
    tfx : str, optional
        What else TFDV's schema said of it.
    """

    values: str
    indices: tuple[str, ...]
    shape: tuple[int, ...] | None = None
    is_sorted: bool = False
    stage: str | None = None
    tfx: str | None = None

    def __post_init__(self) -> None:
        _require_text("values", self.values)
        object.__setattr__(self, "indices", texts("indices", self.indices))
        if self.shape is not None:
            object.__setattr__(self, "shape", tuple(self.shape))


@dataclass(frozen=True)
class Weighted:
    """A column whose values each have a weight in another one: TFDV's ``WeightedFeature``.

    Parameters
    ----------
    values, weights : str
        The two columns.
    stage : str, optional
        As of a `Column`.
    tfx : str, optional
        What else TFDV's schema said of it.
    """

    values: str
    weights: str
    stage: str | None = None
    tfx: str | None = None

    def __post_init__(self) -> None:
        _require_text("values", self.values)
        _require_text("weights", self.weights)


@dataclass(frozen=True)
class Dataset:
    """What is expected of the data as a whole. What is left out is not expected.

    Parameters
    ----------
    environments : tuple of str
        The environments that a column is in if it does not say otherwise, such as
        ``("training", "serving")``. (TFDV: ``default_environment``.)
    rows : (int or None, int or None), optional
        The fewest and the most rows of a split.
    rows_to_previous_span, rows_to_previous_version : (float or None, float or None), optional
        Bounds of the number of rows divided by that of the data before it.
    drift, skew : "auto" or mapping of str to float, optional
        What holds for each column that has no comparison of its own.
    severity : mapping of str to Override
        By kind of anomaly, what it counts as in any column that does not say otherwise.
    domains : mapping of str to tuple of str
        Lists of values that columns share, by name; see `Column.domain_name`.
    expressions : mapping of str to Expression
        What has to be true in each row, by name.
    rules : mapping of str to Rule
        Functions of one's own, by name.
    sparse : mapping of str to Sparse
        Sparse tensors, by name.
    weighted : mapping of str to Weighted
        Weighted columns, by name.
    metadata : mapping of str to str
        Anything.
    tfx : str, optional
        What TFDV's schema said of the whole that has no word here: protocol buffer text.
    """

    environments: tuple[str, ...] = ()
    rows: Bounds | None = None
    rows_to_previous_span: Bounds | None = None
    rows_to_previous_version: Bounds | None = None
    drift: str | Mapping[str, float] | None = None
    skew: str | Mapping[str, float] | None = None
    severity: Mapping[str, Override] = field(default_factory=dict)
    domains: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    expressions: Mapping[str, Expression] = field(default_factory=dict)
    rules: Mapping[str, Rule] = field(default_factory=dict)
    sparse: Mapping[str, Sparse] = field(default_factory=dict)
    weighted: Mapping[str, Weighted] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    tfx: str | None = None

    __hash__ = None  # type: ignore[assignment] # it holds dicts

    def __post_init__(self) -> None:
        changes: dict[str, Any] = {
            "environments": texts("environments", self.environments),
            "severity": severities(self.severity),
            "domains": {name: domain(values) for name, values in self.domains.items()},
        }
        if self.rows is not None:
            changes["rows"] = bounds("rows", self.rows, whole=True, low=0)
        for name in ("rows_to_previous_span", "rows_to_previous_version"):
            if getattr(self, name) is not None:
                changes[name] = bounds(name, getattr(self, name), low=0)
        for name in ("drift", "skew"):
            if getattr(self, name) is not None:
                changes[name] = comparator(name, getattr(self, name))
        kinds = {"expressions": Expression, "rules": Rule, "sparse": Sparse, "weighted": Weighted}
        for name, kind in {**kinds, "metadata": str}.items():
            changes[name] = _named(name, getattr(self, name), kind)
        for name, value in changes.items():
            object.__setattr__(self, name, value)


def _named(name: str, given: Any, kind: type) -> dict[str, Any]:
    fits = isinstance(given, Mapping) and all(
        isinstance(key, str) and isinstance(value, kind) for key, value in given.items()
    )
    if not fits:
        raise SchemaError(
            f"{name} is not a mapping of names to {kind.__name__}", got=repr(given)[:200]
        )
    return dict(given)


def _require_text(name: str, value: object) -> None:
    if not isinstance(value, str) or not value.strip():
        raise SchemaError(f"{name} is not text", expected="text", got=repr(value))


def _check_common(one: Expression | Rule) -> None:
    given: Any = one.severity
    if not isinstance(given, Override):
        object.__setattr__(one, "severity", Override(given))
    if one.comment is not None:
        _require_text("comment", one.comment)
