"""Lets a pipeline file import heavy packages at its top without paying for them until used.

While a pipeline file is being loaded, ``import keras`` gives a module that is only really
imported when something in it is used. A run in which every step is reused therefore never
imports TensorFlow, however the file is written. ``from keras import layers`` uses it at once.
"""

from __future__ import annotations

import importlib.util
import sys
import threading
import types
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any, ClassVar

from dure import quiet

HEAVY = frozenset({"keras", "tensorflow"})
"""Packages that take seconds to import."""

_lock = threading.Lock()


class _LazyFinder:
    """Finds the heavy packages as usual, and has them loaded on first use.

    Only for the thread that made it: a step that runs beside it imports as usual.
    """

    def __init__(self) -> None:
        self._thread = threading.get_ident()

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in HEAVY or threading.get_ident() != self._thread:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or spec.loader is None:
            return None
        spec.loader = _PatientLoader(spec.loader)
        return spec


class _PatientLoader(importlib.util.LazyLoader):
    """A lazy loader whose modules stay lazy when a second file imports them."""

    def exec_module(self, module: types.ModuleType) -> None:
        super().exec_module(module)
        _Patient.impatient = type(module)
        module.__class__ = _Patient


class _Patient(types.ModuleType):
    """A module that is loaded when anything but its spec is asked for.

    An import statement asks a module that is there already for its spec, to see whether another
    thread is still importing it. `importlib.util` takes that for a use.
    """

    impatient: ClassVar[type] = types.ModuleType

    def __getattribute__(self, name: str) -> Any:
        if name == "__spec__":
            return super().__getattribute__(name)
        self.__class__ = _Patient.impatient
        return getattr(self, name)


@contextmanager
def lazily() -> Iterator[None]:
    """Have the heavy packages imported inside loaded on first use."""
    finder = _LazyFinder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


def settle(packages: Collection[str]) -> None:
    """Really import those of ``packages`` that were imported lazily.

    Called before a step that uses them runs: two threads that first use a lazy module at the
    same moment would see half of it (python/cpython#114763, open in 3.11).
    """
    with _lock:
        found = [sys.modules[name] for name in sorted(HEAVY & set(packages) & sys.modules.keys())]
        waiting = [module for module in found if type(module) is not types.ModuleType]
        if waiting:
            with quiet.start():
                for module in waiting:
                    _ = module.__doc__
