"""`HyperParameters`: what a hypermodel asks for its settings."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self, cast

from markupsafe import Markup

from dure import draw
from dure.artifact import Artifact
from dure.errors import UsageError, nearest
from dure.tune.space import Condition, HyperParameter, Value, choice, numeric, unknown


class HyperParameters(Artifact):
    """Values of hyperparameters, and the space that they come from.

    A ``build_model(hp, features)`` asks for each setting by name and range; it gets the value
    that was given for the name, or the default. Interface and defaults are KerasTuner's.

    Parameters
    ----------
    values : mapping of str to bool, int, float or str, optional
        Given values. Each is checked against its range when it is asked for, and `finish` says
        which were never asked for.

    Attributes
    ----------
    values : dict of str to bool, int, float, str or None
        The values that are active: given, or defaults of what was asked for.
    space : tuple of HyperParameter
        What was asked for, in order.

    Examples
    --------
    >>> hp = HyperParameters({"units": 64})
    >>> hp.Int("units", 16, 128, step=16), hp.Choice("activation", ["relu", "tanh"])
    (64, 'relu')
    >>> hp.values
    {'units': 64, 'activation': 'relu'}

    Notes
    -----
    On disk: ``hyperparameters.json``. Not safe for use by several threads.
    """

    def __init__(self, values: Mapping[str, Value] | None = None) -> None:
        self.values: dict[str, Value] = {}
        self._given = dict(values or {})
        self._space: list[HyperParameter] = []
        self._scopes: list[str] = []
        self._conditions: list[Condition] = []
        for name, value in self._given.items():
            if not isinstance(name, str) or not isinstance(value, bool | int | float | str | None):
                raise UsageError(
                    f"a hyperparameter's value is of no usable type: {name!r}",
                    expected="bool, int, float or str",
                    got=f"{type(value).__name__}: {value!r:.60}",
                )
        self.values.update(self._given)

    @property
    def space(self) -> tuple[HyperParameter, ...]:
        """What was asked for, in order."""
        return tuple(self._space)

    def copy(self) -> HyperParameters:
        """Return the same values, with nothing asked for yet."""
        return HyperParameters(self.values)

    # The names of KerasTuner's methods are capitalised: hypermodels run on both unchanged.

    def Int(  # noqa: N802 - KerasTuner's name
        self,
        name: str,
        min_value: int,
        max_value: int,
        step: int | None = None,
        sampling: str = "linear",
        default: int | None = None,
        parent_name: str | None = None,
        parent_values: Value | Sequence[Value] = None,
    ) -> int:
        """Return an integer from ``min_value`` to ``max_value``, both included.

        Parameters
        ----------
        name : str
            Its name.
        min_value, max_value : int
            Ends of the range.
        step : int, optional
            Distance of allowed values (default 1 for linear sampling); a factor for the others.
        sampling : {"linear", "log", "reverse_log"}
            How a search draws from the range.
        default : int, optional
            The value where none is given; ``min_value``, if None.
        parent_name, parent_values : str and value or sequence of values, optional
            Active only while that hyperparameter has one of these values; else None is returned.

        Raises
        ------
        UsageError
            If an argument, or the given value, is wrong.
        """
        with self._maybe(parent_name, parent_values):
            found = self._ask(
                numeric(
                    "Int",
                    self._full(name),
                    min_value,
                    max_value,
                    step,
                    sampling,
                    default,
                    tuple(self._conditions),
                )
            )
        return cast("int", found)

    def Float(  # noqa: N802 - KerasTuner's name
        self,
        name: str,
        min_value: float,
        max_value: float,
        step: float | None = None,
        sampling: str = "linear",
        default: float | None = None,
        parent_name: str | None = None,
        parent_values: Value | Sequence[Value] = None,
    ) -> float:
        """Return a number from ``min_value`` to ``max_value``; arguments as for `Int`."""
        with self._maybe(parent_name, parent_values):
            found = self._ask(
                numeric(
                    "Float",
                    self._full(name),
                    min_value,
                    max_value,
                    step,
                    sampling,
                    default,
                    tuple(self._conditions),
                )
            )
        return cast("float", found)

    def Choice(  # noqa: N802 - KerasTuner's name
        self,
        name: str,
        values: Sequence[Value],
        ordered: bool | None = None,
        default: Value = None,
        parent_name: str | None = None,
        parent_values: Value | Sequence[Value] = None,
    ) -> Value:
        """Return one of ``values``, which are of one type; the default is the first."""
        with self._maybe(parent_name, parent_values):
            return self._ask(
                choice(self._full(name), values, ordered, default, tuple(self._conditions))
            )

    def Boolean(  # noqa: N802 - KerasTuner's name
        self,
        name: str,
        default: bool = False,
        parent_name: str | None = None,
        parent_values: Value | Sequence[Value] = None,
    ) -> bool:
        """Return True or False."""
        if not isinstance(default, bool):
            raise UsageError(
                f"hyperparameter '{name}': default is wrong",
                expected="True or False",
                got=repr(default),
            )
        with self._maybe(parent_name, parent_values):
            found = self._ask(
                HyperParameter(
                    name=self._full(name),
                    kind="Boolean",
                    default=default,
                    values=(False, True),
                    conditions=tuple(self._conditions),
                )
            )
        return cast("bool", found)

    def Fixed(  # noqa: N802 - KerasTuner's name
        self,
        name: str,
        value: Value,
        parent_name: str | None = None,
        parent_values: Value | Sequence[Value] = None,
    ) -> Value:
        """Return ``value``, and record it."""
        with self._maybe(parent_name, parent_values):
            return self._ask(
                HyperParameter(
                    name=self._full(name),
                    kind="Fixed",
                    default=value,
                    values=(value,),
                    conditions=tuple(self._conditions),
                )
            )

    @contextlib.contextmanager
    def conditional_scope(
        self, parent_name: str, parent_values: Value | Sequence[Value]
    ) -> Iterator[None]:
        """Make what is asked for inside active only while the parent has one of these values."""
        parent = self._full(parent_name)
        if all(parameter.name != parent for parameter in self._space):
            raise UsageError(
                f"a condition rests on hyperparameter '{parent}', which was not asked for yet",
                expected="the name of a hyperparameter above it",
                got=repr(parent_name),
                fix=nearest(parent, [parameter.name for parameter in self._space]),
            )
        several = isinstance(parent_values, Sequence) and not isinstance(parent_values, str)
        values = cast("Sequence[Value]", parent_values if several else [parent_values])
        self._conditions.append(Condition(parent, tuple(values)))
        try:
            yield
        finally:
            self._conditions.pop()

    @contextlib.contextmanager
    def name_scope(self, name: str) -> Iterator[None]:
        """Put ``name/`` before the names of what is asked for inside."""
        self._scopes.append(name)
        try:
            yield
        finally:
            self._scopes.pop()

    def get(self, name: str) -> Value:
        """Return the value of a hyperparameter that is active.

        Raises
        ------
        UsageError
            If there is none of this name.
        """
        full = self._full(name)
        if full not in self.values:
            raise UsageError(
                f"there is no hyperparameter '{full}'",
                expected="one that was asked for, and is active",
                got=repr(name),
                fix=nearest(full, self.values),
            )
        return self.values[full]

    def __getitem__(self, name: str) -> Value:
        return self.get(name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._full(name) in self.values

    def is_active(self, name: str) -> bool:
        """Return whether a hyperparameter of this name was asked for, and its conditions hold."""
        return any(parameter.name == name and self._holds(parameter) for parameter in self._space)

    def finish(self) -> None:
        """Check, after a build, that every given value was asked for.

        A given value whose conditions don't hold is kept, and is no error.

        Raises
        ------
        UsageError
            If one was not; it names the nearest that was.
        """
        known = [parameter.name for parameter in self._space]
        left = [name for name in self._given if name not in known]
        if left:
            raise unknown(left, known)

    def _ask(self, parameter: HyperParameter) -> Value:
        twin = next(
            (
                old
                for old in self._space
                if old.name == parameter.name and old.conditions == parameter.conditions
            ),
            None,
        )
        if twin is None:
            self._space.append(parameter)
        else:
            parameter = twin  # KerasTuner's rule: the first range of a name counts
        if not self._holds(parameter):
            return None
        if parameter.name in self.values:
            self.values[parameter.name] = parameter.check(self.values[parameter.name])
        else:
            self.values[parameter.name] = parameter.default
        return self.values[parameter.name]

    def _holds(self, parameter: HyperParameter) -> bool:
        return all(condition.holds(self.values) for condition in parameter.conditions)

    def _full(self, name: str) -> str:
        if not isinstance(name, str) or not name:
            raise UsageError("a hyperparameter has no name", expected="a string", got=repr(name))
        return "/".join([*self._scopes, name])

    @contextlib.contextmanager
    def _maybe(
        self, parent_name: str | None, parent_values: Value | Sequence[Value]
    ) -> Iterator[None]:
        if parent_name is None:
            yield
            return
        with self.conditional_scope(parent_name, parent_values):
            yield

    # ------------------------------------------------------------------ artifact

    def save(self, directory: Path) -> None:
        """Write ``hyperparameters.json``."""
        record = {
            "values": self.values,
            "space": [parameter.to_dict() for parameter in self._space],
        }
        text = json.dumps(record, indent=2, sort_keys=True, ensure_ascii=False)
        (directory / "hyperparameters.json").write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Return what `save` wrote."""
        record = json.loads((directory / "hyperparameters.json").read_text(encoding="utf-8"))
        loaded = cls(record["values"])
        loaded._space = [HyperParameter.from_dict(entry) for entry in record["space"]]
        return loaded

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, HyperParameters)
            and self.values == other.values
            and self._space == other._space
        )

    __hash__ = None  # type: ignore[assignment] # values change during a build

    def summary(self) -> str:
        """Return the values in one line."""
        if not self.values:
            return "no hyperparameters"
        return ", ".join(f"{name} {_shown(value)}" for name, value in self.values.items())

    def _rows(self) -> list[tuple[str, str, str]]:
        ranges: dict[str, str] = {}
        for parameter in self._space:
            ranges.setdefault(parameter.name, parameter.describe())
        return [(name, _shown(value), ranges.get(name, "")) for name, value in self.values.items()]

    def text(self) -> str:
        """Return names, values and ranges, one a line."""
        width = max((len(name) for name in self.values), default=0)
        lines = [f"{name:<{width}}  {value:<10}  {span}" for name, value, span in self._rows()]
        return "\n".join(line.rstrip()[:80] for line in lines) or self.summary()

    def html(self) -> Markup:
        """Return names, values and ranges as a table."""
        if not self.values:
            return Markup("<p>{}</p>").format(self.summary())
        return draw.table(("hyperparameter", "value", "range"), self._rows())


def _shown(value: Value) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return draw.number(value)
