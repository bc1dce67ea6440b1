"""Helpers of the runner's unit tests: projects made of text, and a small world to run them in."""

from __future__ import annotations

import importlib
import itertools
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from dure.runner.code import Reached, walk
from dure.runner.store import Store

TOYS = """
import os, signal, subprocess, sys, threading, time
from pathlib import Path

from dure.artifact import Artifact
from dure.runner.component import component
from dure.runner.context import step_progress


class Number(Artifact):
    loads = 0

    def __init__(self, value):
        self.value = value

    def save(self, directory):
        (directory / "value.txt").write_text(str(self.value))

    @classmethod
    def load(cls, directory):
        cls.loads += 1
        return cls(int((directory / "value.txt").read_text()))

    def summary(self):
        return f"the number {self.value}"


@component
def Make(value: int) -> Number:
    return Number(value)


@component
def Add(numbers: list[Number], more: int = 0) -> Number:
    return Number(sum(n.value for n in numbers if n is not None) + more)
"""


@pytest.fixture
def forget_modules() -> Iterator[None]:
    """Take back what a test imports and what it does to the path."""
    modules, path, silent = set(sys.modules), list(sys.path), sys.dont_write_bytecode
    sys.dont_write_bytecode = True  # two versions of one file within a second share a time stamp
    yield
    for name in set(sys.modules) - modules:
        file = getattr(sys.modules[name], "__file__", None)
        if file is None or "pytest-" in file:
            del sys.modules[name]
    sys.path[:] = path
    sys.dont_write_bytecode = silent
    importlib.invalidate_caches()


@pytest.fixture
def load(tmp_path: Path, forget_modules: None) -> Callable[..., ModuleType]:
    """Return a function that writes a module, imports it and returns it."""
    count = itertools.count()

    def write(source: str, name: str | None = None) -> ModuleType:
        name = name or f"toys_{tmp_path.name.replace('-', '_')}_{next(count)}"
        folder = tmp_path / "modules"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.py").write_text(textwrap.dedent(source), encoding="utf-8")
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
        importlib.invalidate_caches()
        return importlib.import_module(name)

    return write


@pytest.fixture
def toys(load: Callable[..., ModuleType]) -> Callable[..., ModuleType]:
    """Return a function that imports the toy artifact and components, with more below them."""
    return lambda more="": load(TOYS + "\n\n" + textwrap.dedent(more))


Reach = Callable[..., Reached]


@pytest.fixture
def reach(tmp_path: Path, forget_modules: None) -> Reach:
    """Return a function that writes a project, imports it afresh and walks from a root.

    Takes the files, path -> text, or one text for ``main.py``, and the dotted name of the root.
    """
    count = itertools.count()

    def run(files: Mapping[str, str] | str, root: str = "main.step") -> Reached:
        files = {"main.py": files} if isinstance(files, str) else files
        folder = tmp_path / f"project{next(count)}"
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(textwrap.dedent(text), encoding="utf-8")
        for name in [n for n, m in sys.modules.items() if _lies_in(m, tmp_path)]:
            del sys.modules[name]
        sys.path[:] = [str(folder), *(p for p in sys.path if not p.startswith(str(tmp_path)))]
        importlib.invalidate_caches()
        return walk(resolve(root))

    return run


def _lies_in(module: Any, folder: Path) -> bool:
    places = [getattr(module, "__file__", None) or "", *map(str, getattr(module, "__path__", ()))]
    return any(place.startswith(str(folder)) for place in places)


def resolve(dotted: str) -> Any:
    """Return what ``module.attribute`` names; the module is the first part that is one."""
    module, _, rest = dotted.rpartition(".")
    value: Any = importlib.import_module(module)
    return getattr(value, rest)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return an empty store."""
    return Store(tmp_path / "home")
