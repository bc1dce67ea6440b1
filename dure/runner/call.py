"""One call of a component, taken apart: inputs, settings, and all that its key needs."""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dure.artifact import Artifact
from dure.errors import FingerprintError, UsageError
from dure.runner.cache import KeyParts, versions
from dure.runner.code import Reached, dotted_name, is_own
from dure.runner.component import Component
from dure.runner.encode import digest_of, encode, frame, short
from dure.runner.handle import Handle, is_handle
from dure.runner.store import digest_file


@dataclass(frozen=True)
class Call:
    """A component with its arguments.

    Parameters
    ----------
    component : Component
        What was called.
    arguments : dict of str to object
        Every argument by parameter, handles in place of artifacts.
    inputs : dict of str to Handle
        The handles among them by role: the parameter, or ``parameter[i]`` in a list.
    settings : dict of str to (digest, text)
        The other arguments, for the key and for people.
    code : dict of str to str
        Digests of the user's definitions that the call reaches.
    opaque : tuple of str
        Why the call cannot be reused, where it reaches something without a digest.
    packages : frozenset of str
        Top-level names of the libraries that its code uses.
    """

    component: Component[..., Any]
    arguments: dict[str, Any]
    inputs: dict[str, Handle]
    settings: dict[str, tuple[str, str]]
    code: dict[str, str]
    opaque: tuple[str, ...]
    packages: frozenset[str] = frozenset()

    def parts(self, inputs: Mapping[str, str]) -> KeyParts:
        """Return the parts of the key, given the ``Type:digest`` of each input."""
        options = self.component.settings
        return KeyParts(
            component=dotted_name(self.component.function),
            settings=self.settings,
            inputs=dict(inputs),
            code=self.code,
            packages=versions(options.packages),
        )

    def run(self, values: Mapping[str, Artifact]) -> Any:
        """Call the function with ``values`` in place of the handles."""
        function = self.component.function
        bound = self.component.signature.bind_partial()
        bound.arguments.update(
            {name: fill(argument, name, values) for name, argument in self.arguments.items()}
        )
        return function(*bound.args, **bound.kwargs)


def fill(argument: Any, role: str, values: Mapping[str, Artifact]) -> Any:
    """Return an argument with the artifacts in place of its handles."""
    if is_handle(argument):
        return values[role]
    if _has_handles(argument):
        return type(argument)(
            fill(item, f"{role}[{index}]", values) for index, item in enumerate(argument)
        )
    return argument


def take_apart(
    component: Component[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    keep: Callable[[str, Artifact], Handle],
) -> Call:
    """Return the call of ``component``.

    Parameters
    ----------
    component : Component
        What is called.
    args, kwargs
        What it is called with.
    keep : callable
        Given a role and an artifact made by hand, puts it into the store and returns a handle.

    Raises
    ------
    UsageError
        If the arguments do not fit the parameters.
    FingerprintError
        If a setting has no digest.
    """
    given = component.bind(args, dict(kwargs))
    arguments = {name: _to_handles(value, name, keep) for name, value in given.items()}
    for name, argument in arguments.items():
        _check_input(component, name, argument)
    reached = Reached()
    settings: dict[str, tuple[str, str]] = {}
    for name, argument in arguments.items():
        if not is_handle(argument) and not _has_handles(argument):
            settings[name] = _setting(component, name, argument, reached)
    if is_own(component.function):
        reached.refer(component.function)
    inputs = dict(_handles(arguments))
    opaque = tuple(f"{name} has no digest ({why})" for name, why in reached.opaque.items())
    packages = frozenset(reached.packages)
    return Call(component, arguments, inputs, settings, reached.parts, opaque, packages)


def _setting(
    component: Component[..., Any], name: str, value: Any, reached: Reached
) -> tuple[str, str]:
    try:
        if component.is_source(name):
            return source_digest(value), short(value)
        return digest_of(encode(value, reached.refer)), short(value)
    except FingerprintError as error:
        raise FingerprintError(
            f"setting '{name}' of component {component.settings.name}: {error.what}",
            expected=error.expected,
            got=error.got,
            fix=error.fix,
        ) from error


def _to_handles(value: Any, role: str, keep: Callable[[str, Artifact], Handle]) -> Any:
    if is_handle(value):
        return value
    if isinstance(value, Artifact):
        return keep(role, value)
    if isinstance(value, list | tuple) and any(
        is_handle(item) or isinstance(item, Artifact) for item in value
    ):
        return [_to_handles(item, f"{role}[{i}]", keep) for i, item in enumerate(value)]
    return value


def _has_handles(value: Any) -> bool:
    return isinstance(value, list | tuple) and any(is_handle(item) for item in value)


def _handles(arguments: Mapping[str, Any]) -> list[tuple[str, Handle]]:
    found: list[tuple[str, Handle]] = []
    for name, argument in arguments.items():
        if is_handle(argument):
            found.append((name, argument))
        elif _has_handles(argument):
            found += [(f"{name}[{i}]", item) for i, item in enumerate(argument) if is_handle(item)]
    return found


def _check_input(component: Component[..., Any], name: str, argument: Any) -> None:
    """Refuse a plain value, or another kind of artifact, where an artifact is expected."""
    kind = component.inputs.get(name)
    if kind is None:
        return
    items = argument if _has_handles(argument) else [argument]
    for item in items:
        if item is None or isinstance(item, kind):
            continue
        raise UsageError(
            f"component {component.settings.name} was called wrongly: parameter '{name}'",
            expected=f"a {kind.__name__}, as another component returns it",
            got=f"{type(item).__name__ if not is_handle(item) else item.__class__.__name__}"
            f"{'' if is_handle(item) else ' ' + short(item)}",
            fix=f"pass what a component that makes a {kind.__name__} returned, "
            f"or {kind.__name__}.load(folder)",
        )


def source_digest(value: Any) -> str:
    """Return the digest of the files that a path, a folder or a glob names.

    A single file counts by its ending and its bytes, so that it may be renamed or moved; the
    files of a folder or a glob count by their names too, because a reader may look at them. A
    path at which there is nothing has the digest of that fact; the step will say so. Anything
    but a path (a table in memory) counts by its value.
    """
    if not isinstance(value, str | os.PathLike):
        return digest_of(encode(value, Reached().refer))
    path = Path(value)
    if path.is_file():
        return digest_of(frame("suffix", path.suffix.encode()) + digest_file(path))
    root, names = _matches(path)
    if not names:
        return digest_of(frame("nothing", str(path).encode()))
    whole = hashlib.sha256()
    for name in names:
        whole.update(frame("file", name.encode("utf-8", "surrogateescape")))
        whole.update(digest_file(root / name))
    return digest_of(whole.digest())


def _matches(path: Path) -> tuple[Path, list[str]]:
    """Return a folder and the sorted names of the files in it that ``path`` stands for."""
    if path.is_dir():
        files = [item for item in path.rglob("*") if item.is_file()]
        return path, sorted(item.relative_to(path).as_posix() for item in files)
    if not glob.has_magic(str(path)):
        return path.parent, []
    found = [Path(name) for name in glob.glob(str(path), recursive=True)]  # noqa: PTH207 - Path.glob takes no absolute pattern
    files = [item for item in found if item.is_file()]
    if not files:
        return path.parent, []
    root = Path(os.path.commonpath([item.parent for item in files]))
    return root, sorted(item.relative_to(root).as_posix() for item in files)
