"""Components: typed functions that a pipeline calls.

Parameters annotated with an artifact class are inputs, the rest are settings; the return
annotation is the output. The function itself stays callable as ``component.function``.
"""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Generic, ParamSpec, TypeVar, cast, overload

from dure.artifact import Artifact
from dure.errors import UsageError, nearest
from dure.runner import context
from dure.runner.resources import Resources

P = ParamSpec("P")
R = TypeVar("R")


State = Callable[[Any], bytes | None]


@dataclass(frozen=True)
class Content:
    """Marks a parameter whose key is what its files hold, not where they are; see `Source`.

    Parameters
    ----------
    state : callable, optional
        Given a text or a path, returns bytes that change when what it stands for changes, or None
        where it is a local file, folder or pattern, which are looked at here. It raises
        `FingerprintError` where nothing tells; then the step is never reused.
    """

    state: State | None = None


Source = Annotated[Any, Content()]
"""Annotation of a parameter that names files: a path, a glob, a folder; or a table in memory.

What the files hold enters the cache key, not their name, so that moving the data re-runs
nothing and changing one byte re-runs what reads it.
"""


@dataclass(frozen=True)
class Options:
    """How a component's steps are run.

    Parameters
    ----------
    name : str
        Name of the step; a second call of the same name in a run gets ``-2``.
    packages : tuple of str
        Installed packages whose versions enter the cache key.
    retries : int
        How often a failed attempt is repeated. Default 0.
    backoff : float
        Seconds before the first repetition; doubles each time, to at most 60. Default 1.
    timeout : float or None
        Seconds an attempt may take; then its process is killed. None: no limit. A step with a
        timeout runs in a process of its own.
    resources : Resources
        What an attempt asks of the machine. Default one processor.
    cache : bool
        Whether a result may be reused. Default True.
    """

    name: str
    packages: tuple[str, ...] = ()
    retries: int = 0
    backoff: float = 1.0
    timeout: float | None = None
    resources: Resources = field(default_factory=Resources)
    cache: bool = True

    def __post_init__(self) -> None:
        wrong = [
            ("retries", self.retries, "0 or more", self.retries < 0),
            ("backoff", self.backoff, "0 seconds or more", self.backoff < 0),
            (
                "timeout",
                self.timeout,
                "more than 0 seconds",
                self.timeout is not None and not self.timeout > 0,
            ),
            (
                "packages",
                self.packages,
                "a tuple of names, such as ('numpy',)",
                isinstance(self.packages, str),
            ),
        ]
        for name, value, expected, bad in wrong:
            if bad:
                raise UsageError(
                    f"option '{name}' of component {self.name} is wrong",
                    expected=expected,
                    got=repr(value),
                )


class Component(Generic[P, R]):
    """A typed function whose calls are run, remembered and reused; see `component`."""

    def __init__(self, function: Callable[P, R], options: Options) -> None:
        functools.update_wrapper(cast("Callable[..., Any]", self), function)
        self.function = function
        self.settings = options

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the component, or reuse its result, and return a handle on the artifact."""
        who = context.caller()
        if who is None:
            from dure.runner.session import session

            who = session()
        return cast("R", who.call(self, args, kwargs))

    def options(
        self,
        *,
        name: str | None = None,
        packages: tuple[str, ...] | None = None,
        retries: int | None = None,
        backoff: float | None = None,
        timeout: float | None = None,
        resources: Resources | None = None,
        cache: bool | None = None,
    ) -> Component[P, R]:
        """Return the same component, run in another way; see `Options`.

        >>> Trainer.options(name="wide", retries=2)(features, build_wide)  # doctest: +SKIP
        """
        given = {
            "name": name,
            "packages": packages,
            "retries": retries,
            "backoff": backoff,
            "timeout": timeout,
            "resources": resources,
            "cache": cache,
        }
        changes: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
        return Component(self.function, replace(self.settings, **changes))

    @functools.cached_property
    def signature(self) -> inspect.Signature:
        """Parameters of the function."""
        return inspect.signature(self.function)

    @functools.cached_property
    def _hints(self) -> dict[str, Any]:
        try:
            return typing.get_type_hints(self.function, include_extras=True)
        except NameError as error:
            raise UsageError(
                f"component {self.settings.name} has an annotation that cannot be read",
                got=str(error),
                fix="import the type at the top of the module, not inside a function",
            ) from error

    @functools.cached_property
    def output(self) -> type[Artifact]:
        """The artifact class that the function returns."""
        kind = self._hints.get("return")
        if not (isinstance(kind, type) and issubclass(kind, Artifact)):
            raise UsageError(
                f"component {self.settings.name} does not say what it makes",
                expected="a return annotation that is an artifact class, such as '-> Statistics'",
                got="no return annotation" if kind is None else repr(kind),
            )
        return kind

    @functools.cached_property
    def inputs(self) -> dict[str, tuple[type[Artifact], ...]]:
        """The parameters that take artifacts, with the classes that each takes."""
        return {
            name: kinds
            for name in self.signature.parameters
            if (kinds := artifact_classes(self._hints.get(name)))
        }

    def source(self, parameter: str) -> Content | None:
        """Return the mark of a parameter that names files; see `Source`. None: it does not."""
        metadata = getattr(self._hints.get(parameter), "__metadata__", ())
        return next((mark for mark in metadata if isinstance(mark, Content)), None)

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return every parameter with its value, defaults included.

        Raises
        ------
        UsageError
            If a parameter is missing, unknown or given twice.
        """
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            unknown = [name for name in kwargs if name not in self.signature.parameters]
            raise UsageError(
                f"component {self.settings.name} was called wrongly: {error}",
                expected=f"{self.settings.name}{_shape(self.signature)}",
                fix=nearest(unknown[0], self.signature.parameters) if unknown else None,
            ) from error
        bound.apply_defaults()
        return dict(bound.arguments)


def artifact_classes(hint: Any) -> tuple[type[Artifact], ...]:
    """Return the artifact classes in an annotation: one, a union, or a list or tuple of them."""
    if isinstance(hint, type) and issubclass(hint, Artifact):
        return (hint,)
    if typing.get_origin(hint) in (typing.Union, types.UnionType, list, tuple, Sequence, Annotated):
        return tuple(kind for part in typing.get_args(hint) for kind in artifact_classes(part))
    return ()


def _shape(signature: inspect.Signature) -> str:
    """Return the parameters without their annotations, as one would call the function."""
    plain = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for parameter in signature.parameters.values()
    ]
    return str(signature.replace(parameters=plain, return_annotation=inspect.Signature.empty))


@overload
def component(function: Callable[P, R], /) -> Component[P, R]: ...
@overload
def component(
    *,
    name: str | None = ...,
    packages: tuple[str, ...] = ...,
    retries: int = ...,
    backoff: float = ...,
    timeout: float | None = ...,
    resources: Resources | None = ...,
    cache: bool = ...,
) -> Callable[[Callable[P, R]], Component[P, R]]: ...
def component(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    packages: tuple[str, ...] = (),
    retries: int = 0,
    backoff: float = 1.0,
    timeout: float | None = None,
    resources: Resources | None = None,
    cache: bool = True,
) -> Any:
    """Make a component of a typed function.

    Parameters
    ----------
    function : callable
        Parameters annotated with an artifact class are inputs, the rest are settings; the
        return annotation is the artifact class that it returns.
    name, packages, retries, backoff, timeout, resources, cache
        How its steps are run; see `Options`. The name defaults to the function's.

    Returns
    -------
    Component
        Called like the function; inside a pipeline the call returns at once with a handle.

    Examples
    --------
    >>> from dure.artifact import Artifact
    >>> class Count(Artifact):
    ...     def __init__(self, rows): self.rows = rows
    ...     def save(self, directory): (directory / "rows").write_text(str(self.rows))
    ...     @classmethod
    ...     def load(cls, directory): return cls(int((directory / "rows").read_text()))
    >>> @component(retries=2)
    ... def Double(count: Count, times: int = 2) -> Count:
    ...     return Count(count.rows * times)
    >>> Double.function(Count(3)).rows
    6
    """

    def decorate(decorated: Callable[..., Any]) -> Component[..., Any]:
        options = Options(
            name=name or decorated.__name__,
            packages=packages,
            retries=retries,
            backoff=backoff,
            timeout=timeout,
            resources=resources or Resources(),
            cache=cache,
        )
        return Component(decorated, options)

    return decorate if function is None else decorate(function)
