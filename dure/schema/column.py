"""What can be expected of one column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dure.schema import types
from dure.schema.bounds import Bounds
from dure.schema.checking import check_column
from dure.schema.override import Override
from dure.schema.semantics import Semantic

VERSION = 2  # of the form of the file
STAGES = (
    *("planned", "alpha", "beta", "production"),
    *("deprecated", "debug_only", "disabled", "validation_derived"),
)
CHECKED_STAGES = (None, "beta", "production", "validation_derived")
AUTO = "auto"

# A metric of `dure.validate` and the distance above which it is an anomaly; "auto" lets the type
# of the column and the number of rows choose both; an empty mapping is no comparison at all.
Comparator = str | Mapping[str, float]


@dataclass(frozen=True)
class Column:
    """What is expected of one column. What is left out is not expected.

    Parameters
    ----------
    type : str
        The type of its values: ``"int"``, ``"float"``, ``"string"``, ``"bool"``, ``"bytes"``,
        ``"struct"`` or ``"list[...]"`` of one of these. The fields of a struct are columns of
        their own.
    presence : float, default 0
        The least share of rows that are not null, from 0 to 1. NaN is a value; see `nan`.
    domain : tuple of str, optional
        The texts that a string column may have; None means any.
    domain_share : float, default 1
        The least share of the values, among those that are there, that are in the domain. At 1 a
        single value outside is an error; below 1 the list is known to be incomplete, and values
        outside are warnings until their share is too large. (TFDV: ``min_domain_mass``.)
    min, max : float, optional
        The smallest and the largest number that a number column may have, both allowed. Also of a
        string column that holds numbers.
    min_rows : int, optional
        The fewest rows that are not null. (TFDV: ``min_count``.)
    values : tuple of (int or None, int or None), optional
        The fewest and the most entries of the lists, a pair for each level of lists; one pair
        alone may be given for one level.
    shape : tuple of int, optional
        Sizes of the tensor that each row is. Each row then has their product of values; or, in
        nested lists, each level has its size. Excludes `values`.
    domain_name : str, optional
        The domain is that of the schema with this name, which columns may share. `Schema` fills
        `domain` in.
    holds : {"int", "float", "bool"}, optional
        What the values stand for, where they are written as another type: a string column that
        holds numbers or truth values, a number column that holds truth values.
    true_value, false_value : str, optional
        The only texts of a string column that holds truth values.
    nan, inf : float, optional
        The largest share of the values that may be NaN, or infinite: 0 forbids them, 1 allows
        them. None: they are said as warnings.
    unique : bool, default False
        No value comes twice: the column is a key.
    distinct : (int or None, int or None), optional
        The fewest and the most distinct values.
    regex : str, optional
        A regular expression, as Polars takes them, that is found in each text. Anchor it with
        ``^`` and ``$`` to match it as a whole.
    length : (int or None, int or None), optional
        The shortest and the longest text in characters, or bytes in bytes.
    semantic : str, Time, NaturalLanguage, Image or Embedding, optional
        What the values mean, and what follows from it; see `dure.schema.semantics`.
    mean, std : (float or None, float or None), optional
        Bounds of the mean and the standard deviation.
    quantiles : mapping of float to (float or None, float or None)
        Bounds of quantiles: ``{0.5: (10, 20)}``.
    balance : mapping of str to (float or None, float or None)
        Bounds of the share of single values: ``{"Cash": (0.4, 0.6)}``; of bools ``"true"`` and
        ``"false"``.
    drift, skew : "auto" or mapping of str to float, optional
        The distance from the previous data, and from the serving data, above which it is an
        anomaly: ``{"jensen_shannon": 0.1}``. ``"auto"`` chooses metric and threshold. None: what
        the schema says for all columns; empty: none.
    stage : str, optional
        TFDV's stage of life: only ``"beta"``, ``"production"``, ``"validation_derived"`` and None
        are checked; see `checked`.
    in_environment, not_in_environment : tuple of str
        The environments that it is in beside the schema's default ones, and is not in.
    severity : mapping of str to Override
        By kind of anomaly, what it counts as: ``{"new_values": "warning"}``.
    tags : tuple of str
        Anything.
    comment : str, optional
        Anything.
    tfx : str, optional
        What TFDV's schema said of it that has no word here, as it was: protocol buffer text of a
        ``Feature``. Written back by `dure.schema.tfx`.

    Raises
    ------
    SchemaError
        When a value is out of its range, or does not fit the type.
    """

    type: str
    presence: float = 0.0
    domain: tuple[str, ...] | None = None
    domain_share: float = 1.0
    min: float | None = None
    max: float | None = None
    min_rows: int | None = None
    values: tuple[Bounds, ...] | None = None
    shape: tuple[int, ...] | None = None
    domain_name: str | None = None
    holds: str | None = None
    true_value: str | None = None
    false_value: str | None = None
    nan: float | None = None
    inf: float | None = None
    unique: bool = False
    distinct: Bounds | None = None
    regex: str | None = None
    length: Bounds | None = None
    semantic: Semantic | None = None
    mean: Bounds | None = None
    std: Bounds | None = None
    quantiles: Mapping[float, Bounds] = field(default_factory=dict)
    balance: Mapping[str, Bounds] = field(default_factory=dict)
    drift: Comparator | None = None
    skew: Comparator | None = None
    stage: str | None = None
    in_environment: tuple[str, ...] = ()
    not_in_environment: tuple[str, ...] = ()
    severity: Mapping[str, Override] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    comment: str | None = None
    tfx: str | None = None

    __hash__ = None  # type: ignore[assignment] # it holds dicts

    def __post_init__(self) -> None:
        for name, value in check_column(self).items():
            object.__setattr__(self, name, value)

    @property
    def element(self) -> str:
        """The type inside all lists: ``"string"`` of ``"list[string]"``."""
        return types.element(self.type)

    @property
    def depth(self) -> int:
        """How many lists are around each value: 0 of ``"string"``."""
        return types.depth(self.type)

    @property
    def checked(self) -> bool:
        """Whether data is held to it at all, at its `stage` of life."""
        return self.stage in CHECKED_STAGES

    @property
    def semantic_kind(self) -> str | None:
        """The name of its `semantic`: ``"time"`` of ``Time(format="%Y")``."""
        if self.semantic is None or isinstance(self.semantic, str):
            return self.semantic
        return self.semantic.kind

    def accepts(self, kind: str) -> bool:
        """Return whether data of the type ``kind`` fits.

        The same type does, single values where lists are expected, whole numbers where floats
        are, and text where bytes are.
        """
        return types.accepts(self.type, kind)

    def is_in(self, environment: str | None, defaults: tuple[str, ...] = ()) -> bool:
        """Return whether it is expected in an environment, as TFDV says it.

        Parameters
        ----------
        environment : str or None
            None: every column is expected.
        defaults : tuple of str
            The environments of columns that name none: `Dataset.environments`.
        """
        if environment is None or environment in self.in_environment:
            return True
        return environment in defaults and environment not in self.not_in_environment
