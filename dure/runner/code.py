"""Which code a step depends on: what its functions reach by name in the user's own modules.

Starting from a function, the walk follows every name that its bytecode mentions: global
functions, classes and constants, attributes of the user's modules, imports inside the function,
what closures and defaults hold. Each definition reached becomes one entry, ``name -> digest``;
the folder around it, comments, docstrings, formatting and line numbers do not count.

The *user's own* code is what lies neither in the standard library, nor among the installed
packages, nor in Dure. Other people's code enters a key by the version of the package that a
component declares.

The walk reads the code that is loaded, not the file it came from, so a function in a notebook,
a lambda and a function made by another are all treated alike. What is looked up by a computed
name (``getattr(module, name)``, ``importlib``) cannot be seen: pass it as a setting.
"""

from __future__ import annotations

import builtins
import contextlib
import dis
import functools
import importlib
import importlib.util
import site
import sys
import sysconfig
import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dure.errors import FingerprintError
from dure.runner.encode import Refer, digest_of, encode, frame

_PACKAGE = str(Path(__file__).resolve().parent.parent)

# Attributes of a class that say where it stands or repeat what is hashed elsewhere.
_CLASS_NOISE = frozenset(
    {
        "__dict__",
        "__weakref__",
        "__doc__",
        "__module__",
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
    _seen: dict[int, bytes] = field(default_factory=dict, repr=False)
    # Objects are told apart by id, so they have to stay alive while the walk lasts.
    _alive: list[Any] = field(default_factory=list, repr=False)

    def refer(self, value: Any) -> bytes:
        """Return the bytes that stand for a function, class or module, and walk into it.

        The bytes are its name alone; its content becomes an entry of `parts`. That is what
        keeps recursion and mutual reference finite.
        """
        if isinstance(value, types.ModuleType):
            return self._refer_module(value)
        name = dotted_name(value)
        if not is_own(value):
            return name.encode() + self._inside_foreign(value, name)
        if id(value) in self._seen:
            return self._seen[id(value)]
        self._seen[id(value)] = name.encode()
        self._alive.append(value)
        content = self._class(value) if isinstance(value, type) else self._function(value)
        return self._add(name, content)

    def _inside_foreign(self, value: Any, name: str) -> bytes:
        """Return what of the user's a library's wrapper holds, such as a decorated function."""
        if not name.startswith("builtins."):
            self.packages.add(name.split(".", maxsplit=1)[0])
        held = [getattr(value, "__wrapped__", None)]
        if isinstance(value, types.FunctionType):
            held += [content for _, content in _cells(value)]
        own = [item for item in held if isinstance(item, type | types.FunctionType)]
        return b"".join(self.refer(item) for item in own if is_own(item))

    def _refer_module(self, module: types.ModuleType) -> bytes:
        # Read past a lazy module's own __getattribute__, which would import it.
        name: str = types.ModuleType.__getattribute__(module, "__name__")
        if not _own_module(module):
            self.packages.add(name.split(".", maxsplit=1)[0])
        return frame("module", name.encode())

    def _add(self, name: str, content: bytes) -> bytes:
        digest, unique = digest_of(content), name
        count = 2
        # Two lambdas of one line, or one factory called twice, share a name.
        while self.parts.get(unique, digest) != digest:
            unique, count = f"{name}#{count}", count + 1
        self.parts[unique] = digest
        return frame("own", unique.encode())

    def _function(self, function: types.FunctionType) -> bytes:
        code = function.__code__
        content = [_code_bytes(code, self.refer)]
        content.append(encode((function.__defaults__, function.__kwdefaults__), self.refer))
        for name, held in _cells(function):
            content.append(frame("closure", name.encode()) + self._constant(name, held))
        own = _module_name(function.__module__, function.__globals__)
        self._names(code, function.__globals__, own)
        return b"".join(content)

    def _class(self, cls: type) -> bytes:
        content = [b"".join(self.refer(base) for base in cls.__bases__)]
        for name, member in sorted(vars(cls).items()):
            if name in _CLASS_NOISE or name.startswith("__pydantic_"):
                continue
            content.append(frame("member", name.encode()) + self._member(cls, name, member))
        return b"".join(content)

    def _member(self, cls: type, name: str, member: Any) -> bytes:
        if isinstance(member, staticmethod | classmethod):
            return frame(type(member).__name__, encode(member.__func__, self.refer))
        if isinstance(member, property):
            parts = (member.fget, member.fset, member.fdel)
            return frame("property", encode(parts, self.refer))
        if isinstance(member, functools.cached_property):
            return frame("property", encode(member.func, self.refer))
        if isinstance(member, types.MemberDescriptorType | types.GetSetDescriptorType):
            return frame("slot", name.encode())
        return self._constant(f"{dotted_name(cls)}.{name}", member)

    def _names(self, code: types.CodeType, scope: dict[str, Any], module: str) -> None:
        """Walk into everything of the user's that ``code`` names."""
        global_names, attributes = _named(code)
        for name in sorted(global_names & scope.keys()):
            self._reach(f"{module}.{name}", scope[name], attributes)
        for part in _code_tree(code):
            self.packages.update(_imported_packages(part))
            for value, dotted in _local_imports(part, scope):
                self._reach(dotted, value, attributes)

    def _reach(self, dotted: str, value: Any, attributes: set[str]) -> None:
        if isinstance(value, types.ModuleType):
            self._refer_module(value)
            if _own_module(value) and id(value) not in self._seen:
                self._walk_module(value, attributes)
        elif isinstance(value, type | types.FunctionType | types.BuiltinFunctionType):
            self.refer(value)
        else:
            self._add(dotted, self._constant(dotted, value))

    def _walk_module(self, module: types.ModuleType, attributes: set[str]) -> None:
        # Guards against modules that name each other; lifted afterwards, because another
        # function may reach other names of the same module.
        self._seen[id(module)] = b""
        name = _module_name(module.__name__, vars(module))
        for attribute in sorted(attributes & vars(module).keys()):
            self._reach(f"{name}.{attribute}", vars(module)[attribute], attributes)
        del self._seen[id(module)]

    def _constant(self, name: str, value: Any) -> bytes:
        try:
            return encode(value, self.refer)
        except FingerprintError as error:
            self.opaque[name] = f"{error.what}: {error.got}"
            return b"opaque"
        except RecursionError:
            self.opaque[name] = "it contains itself"
            return b"opaque"


def _code_tree(code: types.CodeType) -> Iterator[types.CodeType]:
    """Yield ``code`` and all code inside it: comprehensions, inner functions, classes."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _code_tree(constant)


def _code_bytes(code: types.CodeType, refer: Refer) -> bytes:
    """Return what ``code`` does, without where it stands: no line numbers, file or docstring.

    Instructions are taken with what they mean (the constant, the name), not with positions in
    tables, so that a new docstring does not shift everything after it.
    """
    steps = [
        frame(step.opname, _argument(step.argval, refer))
        for step in dis.get_instructions(code)
        if step.opname != "EXTENDED_ARG"
    ]
    # Flags less the one that says whether there is a docstring (Python 3.14).
    shape = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount)
    names = (code.co_varnames, code.co_freevars, code.co_flags & ~0x4000000)
    table = getattr(code, "co_exceptiontable", b"")
    return frame("code", encode((shape, names, table)) + b"".join(steps))


def _argument(value: Any, refer: Refer) -> bytes:
    return _code_bytes(value, refer) if isinstance(value, types.CodeType) else encode(value, refer)


def _named(code: types.CodeType) -> tuple[set[str], set[str]]:
    """Return the global names and the attribute names that ``code`` and all inside it mention."""
    global_names: set[str] = set()
    attributes: set[str] = set()
    for part in _code_tree(code):
        for step in dis.get_instructions(part):
            if step.opname in _GLOBAL_LOADS:
                global_names.add(str(step.argval))
            elif "ATTR" in step.opname or step.opname in {"LOAD_METHOD", "IMPORT_FROM"}:
                attributes.add(str(step.argval))
    return global_names, attributes


_GLOBAL_LOADS = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"})


def _cells(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    """Yield the variables that a function has closed over; not those that are unbound yet."""
    names = function.__code__.co_freevars
    for name, cell in zip(names, function.__closure__ or (), strict=True):
        with contextlib.suppress(ValueError):
            yield name, cell.cell_contents


def _imported_packages(code: types.CodeType) -> set[str]:
    """Return the top-level names of what is imported inside a function."""
    steps = (step for step in dis.get_instructions(code) if step.opname == "IMPORT_NAME")
    return {str(step.argval).split(".", maxsplit=1)[0] for step in steps} - {""}


def _local_imports(code: types.CodeType, scope: dict[str, Any]) -> Iterator[tuple[Any, str]]:
    """Yield what the imports inside a function bring in from the user's own modules."""
    before: list[Any] = [None, None]
    module: types.ModuleType | None = None
    for step in dis.get_instructions(code):
        if step.opname == "IMPORT_NAME":
            level, _ = before[-2:]
            module = _import_own(str(step.argval), level, scope)
            if module is not None:
                yield module, module.__name__
        elif step.opname == "IMPORT_FROM" and module is not None:
            name = str(step.argval)
            value = getattr(module, name, None)
            if value is None:
                value = _import_own(f"{module.__name__}.{name}", 0, scope)
            if value is not None:
                yield value, f"{module.__name__}.{name}"
        before.append(step.argval)


def _import_own(name: str, level: Any, scope: dict[str, Any]) -> types.ModuleType | None:
    """Return the user's module that an import statement names, or None for other people's.

    It has to be imported to see what its names hold; the step would import it anyway.
    """
    if isinstance(level, int) and level > 0:
        try:
            name = importlib.util.resolve_name("." * level + name, scope.get("__package__"))
        except ImportError:
            return None
    top = name.split(".")[0]
    if top in sys.stdlib_module_names or top in _known_packages():
        return None
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None  # the step itself will say that the import fails
    if spec is None or not spec.origin or not is_own_file(spec.origin):
        return None
    return importlib.import_module(name)


@functools.cache
def _known_packages() -> frozenset[str]:
    return frozenset({"dure", "tensorflow", "keras", "numpy", "polars", "torch", "jax"})


@functools.cache
def _foreign_folders() -> tuple[str, ...]:
    paths = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    paths |= {*site.getsitepackages(), site.getusersitepackages(), _PACKAGE}
    return tuple(str(Path(path).resolve()) + "/" for path in paths if path)


@functools.lru_cache(maxsize=4096)
def is_own_file(file: str) -> bool:
    """Return whether a source file is the user's own, not a library's."""
    if file.startswith("<frozen") or file == "built-in":
        return False
    if file.startswith("<"):
        return True  # typed into an interpreter or made by exec
    return not str(Path(file).resolve()).startswith(_foreign_folders())


def _own_module(module: types.ModuleType) -> bool:
    scope = types.ModuleType.__getattribute__(module, "__dict__")
    if scope.get("__name__") == "__main__":
        return True
    file = scope.get("__file__")
    return file is not None and is_own_file(file)


def is_own(value: Any) -> bool:
    """Return whether a function or class is the user's own, not a library's."""
    if isinstance(value, types.FunctionType):
        return is_own_file(value.__code__.co_filename)
    if isinstance(value, type):
        module = sys.modules.get(value.__module__)
        if module is None:
            return value.__module__ != builtins.__name__
        return _own_module(module)
    return False


def _module_name(name: str, scope: dict[str, Any]) -> str:
    """Return a module's name; a script run as ``__main__`` keeps the name of its file."""
    if name == "__main__" and scope.get("__file__"):
        return Path(scope["__file__"]).stem
    return name


def dotted_name(value: Any) -> str:
    """Return ``module.qualified.name`` of a function or class."""
    module = getattr(value, "__module__", None) or "builtins"
    scope = vars(sys.modules[module]) if module in sys.modules else {}
    return f"{_module_name(module, scope)}.{getattr(value, '__qualname__', repr(value))}"


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
