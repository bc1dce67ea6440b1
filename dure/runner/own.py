"""What is the user's own code, what is other people's, and what each is called.

The *user's own* is what lies neither in the standard library, nor among the installed packages,
nor in Dure.
"""

from __future__ import annotations

import builtins
import functools
import site
import sys
import sysconfig
import types
from pathlib import Path
from typing import Any

_PACKAGE = str(Path(__file__).resolve().parent.parent)


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
    path = Path(file).resolve()
    # Packages of another environment, reached through PYTHONPATH, are other people's as well.
    if {"site-packages", "dist-packages"}.intersection(path.parts):
        return False
    return not str(path).startswith(_foreign_folders())


def is_own_module(module: types.ModuleType) -> bool:
    """Return whether a module is the user's own; a lazy module stays unloaded."""
    scope = types.ModuleType.__getattribute__(module, "__dict__")
    if scope.get("__name__") == "__main__":
        return True
    file = scope.get("__file__")
    if file is None:  # a folder without __init__.py is a module all the same
        return any(is_own_file(f"{folder}/") for folder in scope.get("__path__", ()))
    return is_own_file(file)


def is_own(value: Any) -> bool:
    """Return whether a function or class is the user's own, not a library's."""
    if isinstance(value, types.FunctionType):
        file = value.__code__.co_filename
        made_by = value.__globals__.get("__file__")
        if file.startswith("<") and isinstance(made_by, str):
            return is_own_file(made_by)  # exec was called for a module that has a file
        return is_own_file(file)
    if isinstance(value, type):
        module = sys.modules.get(value.__module__)
        if module is None:
            return value.__module__ != builtins.__name__
        return is_own_module(module)
    return False


def module_name(name: str | None, scope: dict[str, Any]) -> str:
    """Return a module's name; what runs as ``__main__`` has the name it is imported by."""
    if name == "__main__":
        spec = scope.get("__spec__")  # set by `python -m package.module`
        if spec is not None:
            return str(spec.name)
        if scope.get("__file__"):
            return Path(scope["__file__"]).stem
    return str(name)


def dotted_name(value: Any) -> str:
    """Return ``module.qualified.name`` of a function or class."""
    module = getattr(value, "__module__", None) or "builtins"
    found = sys.modules.get(module)
    scope = vars(found) if module == "__main__" and found is not None else {}
    return f"{module_name(module, scope)}.{getattr(value, '__qualname__', type(value).__name__)}"
