"""Which code a step depends on: what its functions reach by name in the user's own modules.

Starting from a function, the walk follows every name that its bytecode mentions: global
functions, classes and constants, attributes of the user's modules, imports inside the function,
what closures and defaults hold. Each definition reached becomes one entry, ``name -> digest``;
the folder around it, comments, docstrings, formatting and line numbers do not count.

What is the *user's own* code is said in `dure.runner.own`. Other people's code is named, and
enters a key by the version of the package that a component declares.

The walk reads the code that is loaded, not the file it came from, so a function in a notebook,
a lambda and a function made by another are all treated alike. A module of the user's that is
passed on as a whole, or asked for a computed name, counts as a whole. What ``importlib`` brings
in under a computed name cannot be seen: pass it as a setting.
"""

from __future__ import annotations

import contextlib
import enum
import functools
import importlib
import importlib.util
import sys
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from dure.errors import FingerprintError
from dure.runner.bytecode import Import, code_bytes, mentions
from dure.runner.encode import digest_of, encode, frame
from dure.runner.lazy import lazily
from dure.runner.own import dotted_name, is_own, is_own_file, is_own_module, module_name

__all__ = ["Reached", "dotted_name", "is_own", "is_own_file", "walk"]

# Attributes of a class that say where it stands or repeat what is hashed elsewhere.
_CLASS_NOISE = frozenset(
    {
        "__dict__",
        "__weakref__",
        "__doc__",
        "__module__",
        "__qualname__",
        "__firstlineno__",
        "__static_attributes__",
        "__abstractmethods__",
        "_abc_impl",
        "__annotate_func__",
        "__annotations_cache__",
        "__dataclass_fields__",
        "__dataclass_params__",
        "__class_vars__",
        "__private_attributes__",
        "__signature__",
    }
)

# What a module says about itself: it changes with the folder, or with how the file is run.
_MODULE_NOISE = frozenset(
    {
        "__name__",
        "__file__",
        "__doc__",
        "__package__",
        "__spec__",
        "__loader__",
        "__path__",
        "__cached__",
        "__builtins__",
        "__annotations__",
    }
)


@dataclass
class Reached:
    """What a walk has reached.

    Attributes
    ----------
    parts : dict of str to str
        Digest of each definition of the user's, by its dotted name.
    opaque : dict of str to str
        Constants that have no digest, by name, with the reason. A step that reaches one cannot
        be reused.
    packages : set of str
        Top-level names of the other people's modules that were reached.
    """

    parts: dict[str, str] = field(default_factory=dict)
    opaque: dict[str, str] = field(default_factory=dict)
    packages: set[str] = field(default_factory=set)
    _names: dict[Any, str] = field(default_factory=dict, repr=False, compare=False)
    # Definitions that have a name and no digest yet. A list, not recursion: a chain of calls
    # in a large project is longer than Python's stack.
    _waiting: list[tuple[str, Any]] = field(default_factory=list, repr=False, compare=False)
    _busy: bool = field(default=False, repr=False, compare=False)
    # Objects are told apart by id, so they have to stay alive while the walk lasts.
    _alive: list[Any] = field(default_factory=list, repr=False, compare=False)

    def refer(self, value: Any) -> bytes:
        """Return the bytes that stand for a function, class or module, and walk into it.

        The bytes are its name alone; its content becomes an entry of `parts`. That is what
        keeps recursion and mutual reference finite.
        """
        if isinstance(value, types.ModuleType):
            return self._module(value, None)
        name = dotted_name(value)
        if is_own(value):
            return self._own(name, id(value), value)
        self._note_package(_maker(value))
        return frame("foreign", name.encode()) + self._all_own_inside(value)

    def _own(self, name: str, key: Any, value: Any) -> bytes:
        """Return the reference to a definition; it is digested once."""
        if key not in self._names:
            unique, count = name, 2
            # Two lambdas of one line, or one factory called twice, share a name.
            while unique in self.parts:
                unique, count = f"{name}#{count}", count + 1
            self._names[key] = unique
            self._alive.append(value)
            self.parts[unique] = ""
            self._waiting.append((unique, value))
            self._drain()
        return frame("own", self._names[key].encode())

    def _drain(self) -> None:
        if self._busy:
            return
        self._busy = True
        try:
            while self._waiting:
                name, value = self._waiting.pop()
                self.parts[name] = digest_of(self._content(name, value))
        finally:
            self._busy = False

    def _content(self, name: str, value: Any) -> bytes:
        if isinstance(value, types.FunctionType):
            return self._function(name, value)
        return self._class(name, value) if isinstance(value, type) else self._constant(name, value)

    def _note_package(self, module: str) -> None:
        top = module.split(".", maxsplit=1)[0]
        if top not in {"builtins", ""}:
            self.packages.add(top)

    def _all_own_inside(self, value: Any) -> bytes:
        """Return what of the user's a library's wrapper holds, such as a decorated function."""
        if not isinstance(value, types.FunctionType):
            return b""
        own = list(_own_inside(value, set()))
        if not own:
            return b""
        # It wraps the user's code: what it was given beside, `@retry(3)`, is the user's too.
        plain = b"".join(encode(item) for item in _plain_inside(value, set()))
        return b"".join(map(self.refer, own)) + frame("given", plain)

    def _constant(self, name: str, value: Any) -> bytes:
        try:
            return encode(value, self.refer)
        except FingerprintError as error:
            self.opaque[name] = f"{error.what}: {error.got}"
            return b"opaque"

    # --- functions and classes ----------------------------------------------------------------

    def _function(self, name: str, function: types.FunctionType) -> bytes:
        defaults = (function.__defaults__, function.__kwdefaults__)
        content = [
            code_bytes(function.__code__),
            self._constant(f"a default of {name}", defaults),
        ]
        for variable, held in _cells(function):
            content += [_label("closure", variable), self._constant(f"{variable} of {name}", held)]
        for attribute, held in sorted(vars(function).items()):
            content += [_label("attribute", attribute), self._constant(f"{name}.{attribute}", held)]
        content += self._mentioned(function)
        return b"".join(content)

    def _class(self, name: str, cls: type) -> bytes:
        content = [frame("kind", self.refer(type(cls)))]
        content += [frame("base", self.refer(base)) for base in cls.__bases__]
        noise = _CLASS_NOISE | {label for label in vars(cls) if label.startswith("__pydantic_")}
        noise -= {"__pydantic_fields__"}  # the fields' defaults
        if issubclass(cls, enum.Enum):
            # Its own tables hold what the values say, in forms that differ between versions.
            values = {label: member.value for label, member in cls.__members__.items()}
            content.append(self._constant(f"{name} members", list(values.items())))
            noise = noise | values.keys() | _ENUM_NOISE
        for label in sorted(vars(cls).keys() - noise):
            member = vars(cls)[label]
            content += [_label("member", label), self._member(f"{name}.{label}", member)]
        return b"".join(content)

    def _member(self, name: str, member: Any) -> bytes:
        if issubclass(type(member), staticmethod | classmethod):  # not isinstance: see `encode`
            return frame(type(member).__name__, self._constant(name, member.__func__))
        if issubclass(type(member), property):
            parts = (member.fget, member.fset, member.fdel)
            return frame("property", self._constant(name, parts))
        if issubclass(type(member), functools.cached_property):
            return frame("property", self._constant(name, member.func))
        if issubclass(type(member), types.MemberDescriptorType | types.GetSetDescriptorType):
            return frame("slot", name.encode())
        return self._constant(name, member)

    # --- names --------------------------------------------------------------------------------

    def _mentioned(self, function: types.FunctionType) -> Iterator[bytes]:
        """Walk into everything of the user's that a function names; yield what stands for it.

        What a name is bound to is part of the function: `from math import floor as up` and
        `from math import ceil as up` make the same bytecode.
        """
        scope = function.__globals__
        own = module_name(function.__module__, scope)
        found = mentions(function.__code__)
        for name in sorted((found.global_names & scope.keys()) - _MODULE_NOISE):
            for path in sorted(found.paths[name]):
                yield _label("name", name) + self._reach(f"{own}.{name}", scope[name], path)
        for item in found.imports:
            for dotted, value in self._imported(item, scope):
                for path in sorted(found.paths.get(item.bound, ())):
                    yield _label("import", dotted) + self._reach(dotted, value, path)

    def _reach(self, dotted: str, value: Any, path: tuple[str, ...] = ()) -> bytes:
        """Return the reference to ``value``, and of a module to what ``path`` leads to."""
        if isinstance(value, types.ModuleType):
            return self._module(value, path)
        if isinstance(value, type | types.FunctionType | types.BuiltinFunctionType):
            return self._constant(dotted, value)
        if _wraps(value):
            return self._constant(dotted, value)  # the function inside has its own entry
        return self._own(dotted, (dotted, id(value)), value)

    def _module(self, module: types.ModuleType, path: tuple[str, ...] | None) -> bytes:
        """Return the reference to a module; of the user's own, and to what is used of it.

        Parameters
        ----------
        module : module
            The module.
        path : tuple of str, or None
            The attributes that are read from it; empty or None: it is passed on as a whole.
        """
        # Read past a lazy module's own __getattribute__, which would import it.
        name: str = types.ModuleType.__getattribute__(module, "__name__")
        if not is_own_module(module):
            self._note_package(name)
            return frame("module", name.encode())
        scope = vars(module)
        name = module_name(name, scope)
        if path:
            used: Iterable[str] = ({path[0], "__getattr__"} & scope.keys()) - _MODULE_NOISE
        else:
            used = {label for label in scope if not label.startswith("__")}
        seen = ("module", name, path or ())
        if seen in self._names:
            return frame("module", name.encode())
        self._names[seen] = name
        held = [
            _label("name", label) + self._reach(f"{name}.{label}", scope[label], (path or ())[1:])
            for label in sorted(used)
        ]
        del self._names[seen]
        return frame("module", name.encode() + b"".join(held))

    def _imported(self, item: Import, scope: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        """Yield what an import inside a function binds, if it is the user's own."""
        module = import_own(item.module, item.level, scope)
        if module is None:
            if not item.level:
                self._note_package(item.module)
            return
        name = module_name(module.__name__, vars(module))
        if item.attribute is not None:
            value = getattr(module, item.attribute, None)
            if value is None:
                value = import_own(f"{module.__name__}.{item.attribute}", 0, scope)
            yield f"{name}.{item.attribute}", value
        elif item.top:
            top = module.__name__.split(".")[0]
            yield top, sys.modules.get(top, module)
        else:
            yield name, module


_ENUM_NOISE = frozenset(
    {
        "_member_map_",
        "_member_names_",
        "_member_type_",
        "_value2member_map_",
        "_unhashable_values_",
        "_unhashable_values_map_",
        "_hashable_values_",
        "_new_member_",
        "_value_repr_",
        "_use_args_",
        "_flag_mask_",
        "_singles_mask_",
        "_all_bits_",
        "_inverted_",
        "__new__",  # enum's own; one that the user writes is kept as __new_member__
    }
)


def _wraps(value: Any) -> bool:
    """Return whether an object stands before a function, as `functools.lru_cache` makes it."""
    return "__wrapped__" in (getattr(value, "__dict__", None) or {})


def _label(what: str, name: str) -> bytes:
    return frame(what, name.encode("utf-8", "surrogatepass"))


def _maker(value: Any) -> str:
    """Return the module that a function or class was made in; a wrapper takes on another's."""
    if isinstance(value, types.FunctionType):
        return str(value.__globals__.get("__name__", ""))
    return str(getattr(value, "__module__", None) or "")


def _own_inside(value: Any, seen: set[int]) -> Iterator[Any]:
    """Yield the user's functions and classes that a library's function holds, however deep."""
    if id(value) in seen or issubclass(type(value), types.ModuleType):
        return
    seen.add(id(value))
    inside: Iterable[Any] = ()
    if isinstance(value, type | types.FunctionType) and is_own(value):
        yield value
    elif isinstance(value, types.FunctionType):
        inside = (getattr(value, "__wrapped__", None), *(held for _, held in _cells(value)))
    elif isinstance(value, functools.partial):
        inside = (value.func, *value.args, *value.keywords.values())
    elif isinstance(value, types.MethodType):
        inside = (value.__func__, type(value.__self__))
    elif isinstance(value, list | tuple):
        inside = value
    elif isinstance(value, dict | types.MappingProxyType):
        inside = value.values()
    elif _wraps(value):
        inside = (value.__wrapped__,)
    for item in inside:
        yield from _own_inside(item, seen)


def _plain_inside(value: Any, seen: set[int]) -> Iterator[Any]:
    """Yield the plain values that a library's function has closed over, however deep."""
    if value is None or isinstance(value, _PLAIN):
        yield value
    if id(value) in seen:
        return
    seen.add(id(value))
    inside: Iterable[Any] = ()
    if isinstance(value, types.FunctionType) and not is_own(value):
        inside = (held for _, held in _cells(value))
    elif isinstance(value, functools.partial):
        inside = (value.func, *value.args, *value.keywords.values())
    elif type(value) in (list, tuple):
        inside = value
    elif type(value) is dict:
        inside = (item for pair in value.items() for item in pair)
    for item in inside:
        yield from _plain_inside(item, seen)


_PLAIN = (bool, int, float, complex, str, bytes)


def _cells(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    """Yield the variables that a function has closed over; not those that are unbound yet."""
    names = function.__code__.co_freevars
    for name, cell in zip(names, function.__closure__ or (), strict=True):
        with contextlib.suppress(ValueError):
            yield name, cell.cell_contents


def import_own(name: str, level: int, scope: dict[str, Any]) -> types.ModuleType | None:
    """Return the user's module that an import statement names, or None for other people's.

    It has to be imported to see what its names hold; the step would import it anyway. What
    does not import is left to the step, which will say so.
    """
    try:
        if level:
            name = importlib.util.resolve_name("." * level + name, scope.get("__package__"))
        if name not in sys.modules and not _is_own_name(name):
            return None
        with lazily():
            module = importlib.import_module(name)
    except Exception:  # noqa: BLE001 - importing runs the user's code, which may raise anything
        return None
    return module if is_own_module(module) else None


def _is_own_name(name: str) -> bool:
    top = name.split(".", maxsplit=1)[0]
    if top in sys.stdlib_module_names:
        return False
    # Of the package alone: to look for a module in it would import the package.
    spec = importlib.util.find_spec(top)
    if spec is None:
        return False
    places = (
        [spec.origin] if spec.origin else [f"{p}/" for p in spec.submodule_search_locations or ()]
    )
    return any(is_own_file(place) for place in places)


def walk(*roots: Any) -> Reached:
    """Return what the functions, classes and values ``roots`` reach.

    Parameters
    ----------
    roots : object
        Where to start: functions and classes, the user's own or not.

    Returns
    -------
    Reached
        The definitions, with their digests.
    """
    reached = Reached()
    for root in roots:
        encode(root, reached.refer)
    return reached
