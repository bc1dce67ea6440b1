"""Pipelines: ordinary functions that call components; and the files that hold them."""

from __future__ import annotations

import functools
import importlib.util
import inspect
import sys
import traceback
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar, cast

from dure.errors import PipelineFileError, StepError, UsageError, nearest
from dure.runner import context
from dure.runner.code import is_own_file
from dure.runner.encode import short
from dure.runner.events import Listener
from dure.runner.home import Home
from dure.runner.lazy import lazily
from dure.runner.run import EnoughError, Run
from dure.runner.selection import Selection

P = ParamSpec("P")
R = TypeVar("R")


class Pipeline(Generic[P, R]):
    """A function that calls components; see `pipeline`."""

    def __init__(self, function: Callable[P, R], name: str) -> None:
        functools.update_wrapper(cast("Callable[..., Any]", self), function)
        self.function = function
        self.name = name

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the pipeline and return what its function returns.

        Inside another pipeline its steps become steps of that one.
        """
        if context.caller() is not None:
            return self.function(*args, **kwargs)
        arguments = dict(self.signature.bind(*args, **kwargs).arguments)
        with Run(self.name, Home.find(), parameters=as_text(arguments)) as run:
            return cast("R", self.carry_out(run, arguments))

    def carry_out(self, run: Run, arguments: Mapping[str, Any]) -> Any:
        """Call the function in ``run`` and wait for all of its steps.

        Raises
        ------
        StepError
            What stopped the run.
        """
        made = None
        try:
            with context.calling(run):
                made = self.function(**arguments)  # type: ignore[call-arg]
        except EnoughError:
            pass  # only a part was asked for, and it is under way
        except StepError:
            run.drain()
            # The step that failed tells more than the one that the pipeline looked at.
            if run.failure is not None:
                raise run.failure from None
            raise
        except Exception:
            run.drain()
            raise
        run.wait()
        return made

    @functools.cached_property
    def signature(self) -> inspect.Signature:
        """The pipeline's parameters."""
        return inspect.signature(self.function)

    @functools.cached_property
    def hints(self) -> dict[str, Any]:
        """The annotations of the pipeline's parameters."""
        return typing.get_type_hints(self.function)


def pipeline(function: Callable[P, R] | None = None, /, *, name: str | None = None) -> Any:
    """Make a pipeline of a function that calls components.

    Parameters
    ----------
    function : callable
        Its parameters are the pipeline's; annotate them, and the command line converts what it
        is given. ``if`` and ``for`` on what steps have made work as they do everywhere.
    name : str, optional
        Name of the pipeline. Default: the function's.

    Returns
    -------
    Pipeline
        Called like the function.
    """

    def decorate(decorated: Callable[..., Any]) -> Pipeline[..., Any]:
        return Pipeline(decorated, name or decorated.__name__)

    return decorate if function is None else decorate(function)


def as_text(arguments: Mapping[str, Any]) -> dict[str, str]:
    """Return arguments as people read them."""
    return {name: short(value) for name, value in arguments.items()}


def execute(
    target: Pipeline[..., Any],
    arguments: Mapping[str, Any],
    home: Home,
    *,
    selection: Selection | None = None,
    override: str | None = None,
    listener: Listener | None = None,
    on_run: Callable[[Run], None] | None = None,
) -> Run:
    """Run a pipeline and return the run, however it ended.

    Parameters
    ----------
    target : Pipeline
        What to run.
    arguments : mapping of str to object
        Its arguments.
    home : Home
        Where everything is kept.
    selection, override, listener
        See `Run`.
    on_run : callable, optional
        Given the run before its first step.

    Raises
    ------
    StepError
        What stopped the run.
    """
    run = Run(
        target.name,
        home,
        parameters=as_text(arguments),
        selection=selection,
        override=override,
        listener=listener,
    )
    with run:
        if on_run is not None:
            on_run(run)
        target.carry_out(run, arguments)
    return run


def load_pipeline(reference: str) -> Pipeline[..., Any]:
    """Return the pipeline in a file.

    Parameters
    ----------
    reference : str
        Path of a Python file, with ``:name`` after it where the file holds several pipelines.

    Raises
    ------
    PipelineFileError
        If there is no such file, it does not import, or it does not hold the pipeline.
    """
    path, name = _split(reference)
    module = _load(path)
    # By type, because isinstance() would look into a lazy module and so import it.
    found = {v.name: v for v in vars(module).values() if issubclass(type(v), Pipeline)}
    if not found:
        raise PipelineFileError(
            f"{path} holds no pipeline",
            expected="a function decorated with @dure.pipeline",
            fix="write '@dure.pipeline' above the function that calls the components",
        )
    if name is not None and name not in found:
        raise PipelineFileError(f"{path} holds no pipeline '{name}'", fix=nearest(name, found))
    if name is None and len(found) > 1:
        raise PipelineFileError(
            f"{path} holds {len(found)} pipelines",
            expected="one, or the name of one",
            got=", ".join(sorted(found)),
            fix=f"say which: {path}:{min(found)}",
        )
    return found[name] if name is not None else next(iter(found.values()))


def _split(reference: str) -> tuple[Path, str | None]:
    head, colon, tail = reference.rpartition(":")
    if colon and tail.isidentifier() and not Path(reference).exists():
        return Path(head), tail
    return Path(reference), None


def _load(path: Path) -> Any:
    if not path.is_file():
        raise PipelineFileError(
            f"there is no pipeline file {path}",
            expected="the path of a Python file",
            got="a folder" if path.is_dir() else "nothing at that path",
            fix=f"the current folder is {Path.cwd()}",
        )
    spec = importlib.util.spec_from_file_location(path.stem, path.resolve())
    if spec is None or spec.loader is None:
        raise PipelineFileError(
            f"{path} is no Python file", expected="a name that ends in .py", got=path.name
        )
    module = importlib.util.module_from_spec(spec)
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)  # so that the file can import what stands beside it
    sys.modules[path.stem] = module
    try:
        with lazily():
            spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[path.stem]
        raise PipelineFileError(
            f"{path} does not import: {_place(error)}",
            got=f"{type(error).__name__}: {error}",
            fix="mend that line; nothing was run",
        ) from error
    return module


def _place(error: Exception) -> str:
    """Return the innermost line of the user's own that ``error`` names."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{Path(error.filename).name}, line {error.lineno}: {(error.text or '').strip()}"
    own = [f for f in traceback.extract_tb(error.__traceback__) if is_own_file(f.filename)]
    if not own:
        return "it raised"
    return f"{Path(own[-1].filename).name}, line {own[-1].lineno}: {own[-1].line}"


def check_names(selection: Selection, known: list[str]) -> None:
    """Raise `UsageError` where the selection names a step that there is not."""
    for name in sorted(selection.names - set(known)):
        raise UsageError(f"no step is called '{name}'", fix=nearest(name, known))
