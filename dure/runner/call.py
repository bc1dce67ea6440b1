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
from dure.runner.component import Component, Content, State
from dure.runner.encode import Refer, digest_of, encode, frame, short
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

    def changed_sources(self) -> list[str]:
        """Return the parameters whose files are no longer what they were at the call."""
        return [
            name
            for name in self.settings
            if (mark := self.component.source(name)) is not None
            and _source_setting(name, self.arguments[name], Reached(), mark)[0]
            != self.settings[name][0]
        ]

    def chosen(self) -> list[str]:
        """Return the names of the settings that were given, not left at their defaults."""
        parameters = self.component.signature.parameters
        return [
            name
            for name in self.settings
            if name not in parameters or parameters[name].default is not self.arguments[name]
        ]

    def run(self, values: Mapping[str, Artifact]) -> Any:
        """Call the function with ``values`` in place of the handles."""
        function = self.component.function
        bound = self.component.signature.bind_partial()
        bound.arguments.update(
            {name: fill(argument, name, values) for name, argument in self.arguments.items()}
        )
        return function(*bound.args, **bound.kwargs)


def fill(argument: Any, role: str, values: Mapping[str, Any]) -> Any:
    """Return an argument with ``values``, by role, in place of its handles."""
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
        rest = _without_handles(argument)
        if rest is not None:
            settings[name] = _setting(component, name, rest[0], reached)
    # The class as well: its `save` and `load` are the user's code, and only the annotation may
    # name it.
    for code in (component.function, component.output):
        if is_own(code):
            reached.refer(code)
    inputs = dict(handles_in(arguments))
    opaque = tuple(f"{name} has no digest ({why})" for name, why in reached.opaque.items())
    packages = frozenset(reached.packages)
    return Call(component, arguments, inputs, settings, reached.parts, opaque, packages)


def _setting(
    component: Component[..., Any], name: str, value: Any, reached: Reached
) -> tuple[str, str]:
    _refuse_hidden(component, name, value)
    try:
        mark = component.source(name)
        if mark is not None:
            return _source_setting(name, value, reached, mark)
        return digest_of(encode(value, reached.refer)), short(value)
    except FingerprintError as error:
        raise FingerprintError(
            f"setting '{name}' of component {component.settings.name}: {error.what}",
            expected=error.expected,
            got=error.got,
            fix=error.fix,
        ) from error


def _source_setting(name: str, value: Any, reached: Reached, mark: Content) -> tuple[str, str]:
    try:
        digest = source_digest(value, reached.refer, mark.state)
    except FingerprintError as error:
        if not _names_files(value):
            raise
        # The step can still run; it only can't be reused.
        reached.opaque[f"setting '{name}'"] = error.what
        digest = digest_of(frame("unknown", repr(value).encode("utf-8", "surrogatepass")))
    return digest, _short_source(value)


def _names_files(value: Any) -> bool:
    """Return whether a value is a path, or paths by name or in a row."""
    if isinstance(value, dict):
        return bool(value) and all(map(_names_files, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_names_files, value))
    return isinstance(value, str | os.PathLike)


def _short_source(value: Any) -> str:
    """Return a path as a short line that keeps its end, which tells files apart."""
    text = short(value, limit=1000)
    if isinstance(value, str | os.PathLike) and len(text) > _WIDTH:
        return f"…{text[1 - _WIDTH :]}"
    return short(value, limit=_WIDTH)


_WIDTH = 60


def _to_handles(value: Any, role: str, keep: Callable[[str, Artifact], Handle]) -> Any:
    if is_handle(value):
        return value
    if isinstance(value, Artifact):
        return keep(role, value)
    if isinstance(value, list | tuple) and any(
        is_handle(item) or isinstance(item, Artifact) for item in value
    ):
        items = [_to_handles(item, f"{role}[{i}]", keep) for i, item in enumerate(value)]
        return items if isinstance(value, list) else tuple(items)
    return value


def _has_handles(value: Any) -> bool:
    return isinstance(value, list | tuple) and any(is_handle(item) for item in value)


def _without_handles(argument: Any) -> tuple[Any] | None:
    """Return what of an argument is a setting, as a tuple of one; None where nothing is."""
    if is_handle(argument):
        return None
    if not _has_handles(argument):
        return (argument,)
    rest = {index: item for index, item in enumerate(argument) if not is_handle(item)}
    return (rest,) if rest else None


def _refuse_hidden(component: Component[..., Any], name: str, value: Any) -> None:
    """Refuse artifacts where nothing would look for them, so that no input is left out."""
    waiting, seen = [value], set()
    while waiting:
        item = waiting.pop()
        if is_handle(item) or isinstance(item, Artifact):
            raise UsageError(
                f"component {component.settings.name} was called wrongly: parameter '{name}' "
                "holds an artifact in a dict, or in a list in a list",
                expected="an artifact, or a list or tuple of artifacts",
                got=f"a {item.__class__.__name__} further inside",
                fix="give each artifact a parameter of its own, or pass a list of them",
            )
        if type(item) in (dict, list, tuple, set, frozenset) and id(item) not in seen:
            seen.add(id(item))
            waiting += item.values() if isinstance(item, dict) else item


def handles_in(arguments: Mapping[str, Any]) -> list[tuple[str, Handle]]:
    """Return the handles among ``arguments`` by role."""
    found: list[tuple[str, Handle]] = []
    for name, argument in arguments.items():
        if is_handle(argument):
            found.append((name, argument))
        elif _has_handles(argument):
            found += [(f"{name}[{i}]", item) for i, item in enumerate(argument) if is_handle(item)]
    return found


def _check_input(component: Component[..., Any], name: str, argument: Any) -> None:
    """Refuse a plain value, or another kind of artifact, where an artifact is expected."""
    kinds = component.inputs.get(name)
    if kinds is None:
        return
    expected = " or ".join(kind.__name__ for kind in kinds)
    items = argument if isinstance(argument, list | tuple) else [argument]
    for item in items:
        if item is None or isinstance(item, kinds):
            continue
        raise UsageError(
            f"component {component.settings.name} was called wrongly: parameter '{name}'",
            expected=f"a {expected}, as another component returns it",
            got=f"{type(item).__name__ if not is_handle(item) else item.__class__.__name__}"
            f"{'' if is_handle(item) else ' ' + short(item)}",
            fix=f"pass what a component that makes a {expected} returned, "
            f"or {kinds[0].__name__}.load(folder)",
        )


def source_digest(value: Any, refer: Refer | None = None, state: State | None = None) -> str:
    """Return the digest of the files that a path, a folder, a glob, or a list or a dict of these
    names.

    A single file counts by its ending and its bytes, so that it may be renamed or moved; the
    files of a folder or a glob count by their names too, because a reader may look at them. A
    path at which there is nothing, or nothing that can be read, has the digest of that fact;
    the step will say so. Anything but a path (a table in memory) counts by its value.

    Parameters
    ----------
    value : Any
        What names the files.
    refer : callable, optional
        As for `encode`.
    state : callable, optional
        As `Content.state`.

    Raises
    ------
    FingerprintError
        A value has no digest, or ``state`` cannot tell.
    """
    if isinstance(value, list | tuple):
        items = (frame("item", source_digest(v, refer, state).encode()) for v in value)
        return digest_of(b"".join(items))
    if isinstance(value, dict) and _names_files(value):
        named = (
            frame("name", str(name).encode()) + source_digest(v, refer, state).encode()
            for name, v in value.items()
        )
        return digest_of(frame("named", b"".join(named)))
    if not isinstance(value, str | os.PathLike):
        return digest_of(encode(value, refer or Reached().refer))
    known = state(value) if state is not None else None
    if known is not None:
        return digest_of(frame("state", known))
    try:
        return _digest_files(Path(value))
    except (OSError, ValueError):  # a query, a URL, a name that no file can have
        return digest_of(frame("unreadable", str(value).encode("utf-8", "surrogatepass")))


def _digest_files(path: Path) -> str:
    if path.is_file():
        return digest_of(frame("suffix", os.fsencode(path.suffix)) + digest_file(path))
    root, names = _matches(path)
    if not names:
        return digest_of(frame("nothing", os.fsencode(path)))
    whole = hashlib.sha256()
    for name in names:
        whole.update(frame("file", os.fsencode(name)))
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
