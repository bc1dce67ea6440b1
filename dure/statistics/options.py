"""`StatisticsOptions`: what to compute, as values that JSON can hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Self

from dure.data.slicing import SliceSpec
from dure.errors import UsageError, nearest


@dataclass(frozen=True)
class StatisticsOptions:
    """What `describe` computes.

    Parameters
    ----------
    columns : tuple of str, optional
        Only these columns; default: all. A column of weights or slices need not be among them.
    weight : str, optional
        A number column that says how much each row counts; adds `ColumnStatistics.weighted`. A
        missing weight counts as 0 everywhere. One that is negative, NaN or infinite is an error.
    weights : mapping of str to str
        Other weights for single columns: the name of the weight by that of the column.
    slices : tuple of SliceSpec
        Parts of the rows that are described as well; see `dure.data.slicing`. A name stands for
        the slices of that column, several names for their crosses.
    label : str, optional
        The column to predict: adds the lift of the other columns with it.
    semantic : bool
        Find out what values mean: times, addresses, identifiers. Default True.
    crosses : bool
        Compare columns in pairs: correlation, association, mutual information. Default False.
    natural_language : tuple of str
        Text columns whose words are counted.
    images : tuple of str
        Columns with images, or with their paths, whose pixels are looked at.
    sparse : mapping of str to tuple of str
        Sparse features: the value column and then its index columns, by name.
    weighted_features : mapping of str to tuple of (str, str)
        Weighted features: the value column and its weight column, by name.
    aggregates : tuple of str
        Aggregates of one's own, as ``"module:Class"``; see `dure.statistics.aggregate`.
    settings : mapping of str to Any
        Settings of single aggregates, by their name. JSON values.

    Examples
    --------
    >>> StatisticsOptions.from_dict(StatisticsOptions(label="tips").to_dict()).label
    'tips'
    """

    columns: tuple[str, ...] | None = None
    weight: str | None = None
    weights: Mapping[str, str] = field(default_factory=dict)
    slices: tuple[SliceSpec, ...] = ()
    label: str | None = None
    semantic: bool = True
    crosses: bool = False
    natural_language: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    sparse: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    weighted_features: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    aggregates: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Frozen: what was given in a short form is put in its place only here.
        object.__setattr__(self, "slices", _specs(self.slices))

    def weight_of(self, column: str) -> str | None:
        """Return the name of the column that weighs the rows of ``column``, or None."""
        return self.weights.get(column, self.weight)

    def to_dict(self) -> dict[str, Any]:
        """Return the options as values that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Return the options that `to_dict` wrote, also after a way through JSON.

        Raises
        ------
        UsageError
            There is no such option.
        """
        known = {one.name for one in fields(cls)}
        for name in record:
            if name not in known:
                raise UsageError(
                    f"there is no option '{name}' of statistics",
                    expected="options of StatisticsOptions",
                    fix=nearest(name, known),
                )
        values = {name: _frozen(value) for name, value in record.items()}
        values["slices"] = tuple(
            SliceSpec(**{key: _frozen(value) for key, value in one.items()})
            if isinstance(one, Mapping)
            else one
            for one in record.get("slices", ())
        )
        if "settings" in record:
            values["settings"] = dict(record["settings"])
        return cls(**values)


def _frozen(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(map(_frozen, value))
    if isinstance(value, Mapping):
        return {key: _frozen(one) for key, one in value.items()}
    return value


def _specs(slices: Sequence[str | Sequence[str] | SliceSpec]) -> tuple[SliceSpec, ...]:
    """Return slices that were given by the names of their columns, or whole, as whole ones."""
    if isinstance(slices, str):
        raise UsageError(
            "slices is one text", expected="a sequence", got=repr(slices), fix=f"[{slices!r}]"
        )
    return tuple(map(_spec, slices))


def _spec(one: str | Sequence[str] | SliceSpec) -> SliceSpec:
    if isinstance(one, SliceSpec):
        return one
    columns = (one,) if isinstance(one, str) else one
    if not isinstance(columns, list | tuple) or not all(isinstance(n, str) for n in columns):
        raise UsageError(
            "a slice is none",
            expected="the name of a column, several names, or a SliceSpec",
            got=repr(one),
        )
    return SliceSpec(tuple(columns))


def options_for(
    options: StatisticsOptions | None = None,
    *,
    weight: str | None = None,
    slices: Sequence[str | Sequence[str] | SliceSpec] = (),
    label: str | None = None,
) -> StatisticsOptions:
    """Return ``options`` with what is asked for most set in them.

    Parameters
    ----------
    options : StatisticsOptions, optional
        The rest.
    weight, label : str, optional
        As there.
    slices : sequence of str, sequence of str, or SliceSpec
        A column by its values, columns by their crosses, or a whole `SliceSpec`.
    """
    made = options or StatisticsOptions()
    return replace(
        made,
        weight=weight if weight is not None else made.weight,
        label=label if label is not None else made.label,
        slices=made.slices + _specs(slices),
    )
