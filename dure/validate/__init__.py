"""Stage 4, CHECK: what in the data differs from its schema, how bad it is, and what to do.

Files, in the order to read them: `anomalies` (one finding, and the artifact with its gate), `kinds`
(all there are), `checks` (what is looked at, in order). A file for each sort of check: `dataset`,
`presence`, `types`, `domains`, `numbers`, `text`, `distribution`, `semantic`, `language`,
`expressions`, `rules`; they hand back what is in `finding`, take the values of a column from
`values`, and `examples` finds rows that show it. `accepting` changes the schema to what was found.

Other data: `distances` (formulas), `samples` and `metrics` (what they are taken of), `chance` (what
they are worth), `comparing` (choice and decision, in words by `explain`), `report` (what came out),
`comparators` (fixed thresholds), `against` (as the schema asks). `feature_skew` compares the same
examples cell by cell. `show`, `show_drift`, `shapes` and `words` are for people, `tfx` for TFDV.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dure.validate.anomalies import Anomalies, Anomaly
from dure.validate.report import Comparison, DriftReport

if TYPE_CHECKING:
    from dure.validate.accepting import accept, accept_all, reject
    from dure.validate.checks import validate, validate_distribution
    from dure.validate.comparing import drift
    from dure.validate.feature_skew import ExampleDifferences, example_diff
    from dure.validate.rules import Found, rule

__all__ = [
    "Anomalies",
    "Anomaly",
    "Comparison",
    "DriftReport",
    "ExampleDifferences",
    "Found",
    "accept",
    "accept_all",
    "drift",
    "example_diff",
    "reject",
    "rule",
    "validate",
    "validate_distribution",
]

# Loaded on first use: whoever reads anomalies needs neither NumPy nor Polars.
_LATE = {
    "ExampleDifferences": "feature_skew",
    "Found": "rules",
    "accept": "accepting",
    "accept_all": "accepting",
    "drift": "comparing",
    "example_diff": "feature_skew",
    "reject": "accepting",
    "rule": "rules",
    "validate": "checks",
    "validate_distribution": "checks",
}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
    globals()[name] = value
    return value
