"""What can be expected of one column."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Literal, get_args

from dure.errors import SchemaError, nearest

Type = Literal["int", "float", "string", "bool"]
TYPES: tuple[str, ...] = get_args(Type)
VERSION = 1  # of the form of the file


@dataclass(frozen=True)
class Column:
    """What is expected of one column. What is left out is not expected.

    Parameters
    ----------
    type : {"int", "float", "string", "bool"}
        The type of its values.
    presence : float, default 0
        The least share of rows that have a value, from 0 to 1.
    domain : tuple of str, optional
        The values that a string column may have; None means any.
    domain_share : float, default 1
        The least share of the values, among those that are there, that are in the domain. At 1 a
        single value outside is an error; below 1 the list is known to be incomplete, and values
        outside are warnings until their share is too large.
    min, max : float, optional
        The smallest and the largest number that a number column may have, both allowed.

    Raises
    ------
    SchemaError
        When a value is out of its range, or does not fit the type.
    """

    type: Type
    presence: float = 0.0
    domain: tuple[str, ...] | None = None
    domain_share: float = 1.0
    min: float | None = None
    max: float | None = None

    def __post_init__(self) -> None:
        if self.type not in TYPES:
            raise SchemaError(
                "unknown type",
                expected=f"one of {', '.join(TYPES)}",
                got=repr(self.type),
                fix=nearest(str(self.type), TYPES),
            )
        _share("presence", self.presence)
        _share("domain_share", self.domain_share)
        self._check_domain()
        self._check_range()

    def _check_domain(self) -> None:
        if self.domain is None:
            if self.domain_share != 1.0:
                raise SchemaError(
                    "domain_share without a domain",
                    expected="a domain beside it",
                    got=f"domain_share {self.domain_share}",
                    fix="list the values in domain, or leave domain_share out",
                )
            return
        if self.type != "string":
            raise SchemaError(
                "a domain is for string columns",
                expected="type string",
                got=f"type {self.type}",
                fix="use min and max for numbers, or leave the domain out",
            )
        given: object = self.domain  # a caller without types may give a string
        wrong = [value for value in self.domain if not isinstance(value, str)]
        if isinstance(given, str) or wrong or not self.domain:
            raise SchemaError(
                "the domain is not a list of strings",
                expected="at least one string, each a value that is allowed",
                got=repr(wrong[0]) if wrong else repr(self.domain),
                fix="list the allowed values, or leave the domain out to allow any",
            )
        object.__setattr__(self, "domain", tuple(dict.fromkeys(self.domain)))

    def _check_range(self) -> None:
        for name, bound in (("min", self.min), ("max", self.max)):
            if bound is None:
                continue
            if self.type not in ("int", "float"):
                raise SchemaError(
                    f"{name} is for number columns",
                    expected="type int or float",
                    got=f"type {self.type}",
                    fix=f"leave {name} out",
                )
            # NaN fails the comparison, and so does an integer too large for a float.
            if not _is_number(bound) or not abs(bound) <= sys.float_info.max:
                raise SchemaError(
                    f"{name} is not a finite number",
                    expected="a number",
                    got=repr(bound),
                    fix=f"leave {name} out where there is no bound",
                )
        if self.min is not None and self.max is not None and self.min > self.max:
            raise SchemaError(
                "min is greater than max",
                expected="min <= max",
                got=f"min {self.min}, max {self.max}",
                fix="swap them",
            )


def _share(name: str, value: object) -> None:
    # NaN fails the comparison, as it should.
    if not _is_number(value) or not 0.0 <= value <= 1.0:  # type: ignore[operator]  # it is a number
        raise SchemaError(
            f"{name} is not a share",
            expected="a number from 0 to 1",
            got=repr(value),
            fix=f"{name}: 1.0 for all of them, 0.0 for no expectation",
        )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
