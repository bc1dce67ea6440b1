"""Every exception that Dure raises on purpose.

::

    DureError                       what went wrong, what was expected, what came, what to do
    ├── UsageError                  a call, an option or a parameter is wrong
    │   └── PipelineFileError       a pipeline file cannot be loaded
    ├── DataError                   the data is not what it has to be
    ├── SchemaError                 a schema is wrong, or does not fit the data
    ├── TransformError              a preprocess function, or an analyzer in it, is wrong
    ├── TrainingError               a model cannot be built, trained or exported
    ├── EvaluationError             a model cannot be judged
    ├── PushError                   a model cannot be released
    ├── ServingError                a model cannot be loaded or served
    ├── ShardError                  workers died over one part of the data, or none can take it
    ├── StepError                   a step of a pipeline did not finish
    │   ├── StepTimeoutError        it took longer than its timeout
    │   ├── ResourceError           it asks for more than the machine has
    │   └── GateError               a gate before it said no
    ├── FingerprintError            a setting has no digest, so nothing can be said about reuse
    ├── StoreError                  an artifact cannot be written, or what is there is not whole
    ├── LineageError                the lineage database cannot be read
    └── MissingExtraError           an optional package is not installed (also an ImportError)
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class DureError(Exception):
    """Base of all of Dure's exceptions.

    Parameters
    ----------
    what : str
        What went wrong, and where: the step, file, line, column or argument.
    expected : str, optional
        What was expected.
    got : str, optional
        What came instead.
    fix : str, optional
        What the reader can do now.

    Attributes
    ----------
    what, expected, got, fix : str or None
        The parts, as given. ``str(error)`` sets them out one below the other.
    """

    def __init__(
        self,
        what: str,
        *,
        expected: str | None = None,
        got: str | None = None,
        fix: str | None = None,
    ) -> None:
        self.what = what
        self.expected = expected
        self.got = got
        self.fix = fix
        super().__init__(what)

    def __str__(self) -> str:
        parts = (("expected", self.expected), ("got", self.got), ("to do", self.fix))
        return "\n".join(
            [self.what, *(f"  {name + ':':<10}{text}" for name, text in parts if text)]
        )

    def __reduce__(self) -> tuple[object, ...]:
        # Exception pickles its positional arguments alone, which would drop the keyword-only
        # parts when an error comes back from a child process.
        return _restore, (type(self), self.__dict__)


def _restore(kind: type[DureError], state: dict[str, object]) -> DureError:
    error = kind.__new__(kind)
    error.__dict__.update(state)
    error.args = (error.what,)
    return error


class UsageError(DureError):
    """A call, an option or a parameter is wrong."""


class PipelineFileError(UsageError):
    """A pipeline file is missing, does not import, or holds no pipeline."""


class DataError(DureError):
    """The data is not what it has to be: missing, empty, malformed, or of the wrong type."""


class SchemaError(DureError):
    """A schema is wrong, or does not fit the data."""


class TransformError(DureError):
    """A preprocess function, or an analyzer in it, is wrong."""


class TrainingError(DureError):
    """A model cannot be built, trained or exported."""


class EvaluationError(DureError):
    """A model cannot be judged on this data."""


class PushError(DureError):
    """A model cannot be released to where it should go."""


class ServingError(DureError):
    """A model cannot be loaded or served."""


class ShardError(DureError):
    """Workers died over one part of the data, or no worker is large enough for it."""


class StepError(DureError):
    """A step of a pipeline did not finish.

    Attributes
    ----------
    step : str
        The name of the step.
    """

    def __init__(
        self,
        what: str,
        *,
        step: str,
        expected: str | None = None,
        got: str | None = None,
        fix: str | None = None,
    ) -> None:
        super().__init__(what, expected=expected, got=got, fix=fix)
        self.step = step


class StepTimeoutError(StepError):
    """A step took longer than its timeout."""


class ResourceError(StepError):
    """A step asks for more than the machine has."""


class GateError(StepError):
    """A gate before this step said no."""


class FingerprintError(DureError):
    """A value has no digest, so nothing can be said about reuse."""


class StoreError(DureError):
    """An artifact cannot be written, or what is there is not whole."""


class LineageError(DureError):
    """The lineage database cannot be read or written."""


class MissingExtraError(DureError, ImportError):
    """An optional package is not installed."""

    def __init__(self, package: str, *, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package '{package}', which is not installed",
            fix=f"pip install 'dure[{extra}]'",
        )
        self.package = package
        self.extra = extra


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``known`` as a phrase that names the nearest to ``name`` first.

    >>> nearest("epohcs", ["batch_size", "epochs"])
    "did you mean 'epochs'? (known: batch_size, epochs)"
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    listing = ", ".join(names) if names else "none"
    return f"did you mean '{close[0]}'? (known: {listing})" if close else f"known: {listing}"
