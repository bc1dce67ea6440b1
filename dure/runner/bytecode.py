"""What a function's bytecode does and what it mentions, without where it stands.

Reads the instructions as `dis` names them in Python 3.11 to 3.14, put into one form: line
numbers, docstrings, positions in tables, and the pairs of instructions that the compiler fuses
or not depending on line breaks, are gone.
"""

from __future__ import annotations

import dis
import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from dure.runner.encode import Refer, encode, frame

_FILLERS = frozenset({"EXTENDED_ARG", "NOP", "CACHE"})

# Fused by the compiler only where both stand on one line (Python 3.13).
_FUSED = {
    "LOAD_FAST_LOAD_FAST": ("LOAD_FAST", "LOAD_FAST"),
    "STORE_FAST_LOAD_FAST": ("STORE_FAST", "LOAD_FAST"),
    "STORE_FAST_STORE_FAST": ("STORE_FAST", "STORE_FAST"),
    "LOAD_FAST_BORROW_LOAD_FAST_BORROW": ("LOAD_FAST_BORROW", "LOAD_FAST_BORROW"),
}

# What the body of a class notes about its own place in the source.
_PLACES = frozenset({"__doc__", "__firstlineno__", "__static_attributes__"})

_JUMPS = frozenset(dis.hasjrel) | frozenset(dis.hasjabs)

_CONSTANTS = frozenset({"LOAD_CONST", "LOAD_SMALL_INT"})
_LOADS = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FAST", "LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM")
_STORES = frozenset({"STORE_FAST", "STORE_DEREF", "STORE_NAME", "STORE_GLOBAL"})
_ATTRIBUTES = frozenset({"LOAD_ATTR", "LOAD_METHOD"})


@dataclass(frozen=True)
class _Step:
    """An instruction and its argument; of a jump, the number of the step that it leads to."""

    name: str
    value: Any
    offset: int


def code_tree(code: types.CodeType) -> Iterator[types.CodeType]:
    """Yield ``code`` and all code inside it: comprehensions, inner functions, classes."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from code_tree(constant)


def _steps(code: types.CodeType) -> list[_Step]:
    found: list[_Step] = []
    for item in dis.get_instructions(code):
        if item.opname in _FILLERS:
            continue
        names = _FUSED.get(item.opname, (item.opname,))
        values = item.argval if len(names) == 2 else (item.argval,)
        if item.opcode in _JUMPS:
            values = (_Target(item.argval),)
        found += [_Step(n, v, item.offset) for n, v in zip(names, values, strict=True)]
    return _without_places(found)


@dataclass(frozen=True)
class _Target:
    offset: int


def _without_places(steps: list[_Step]) -> list[_Step]:
    kept: list[_Step] = []
    for step in steps:
        if step.name == "STORE_NAME" and step.value in _PLACES and kept:
            if kept[-1].name in _CONSTANTS:
                kept.pop()
                continue
        kept.append(step)
    return kept


def code_bytes(code: types.CodeType, refer: Refer) -> bytes:
    """Return what ``code`` does, without where it stands: no line numbers, file or docstring.

    Instructions are taken with what they mean (the constant, the name, the step that a jump
    leads to), not with positions in tables, so that a new docstring does not shift what follows.
    """
    steps = _steps(code)
    # Number of the first step at or after an offset: fillers at a jump's target are gone.
    number: dict[int, int] = {}
    place = len(steps)
    for offset in range(len(code.co_code), -1, -2):
        while place > 0 and steps[place - 1].offset >= offset:
            place -= 1
        number[offset] = place
    content = [frame(step.name, _argument(step.value, number, refer)) for step in steps]
    table = [
        (number[entry.start], number[entry.end], number[entry.target], entry.depth, entry.lasti)
        for entry in dis.Bytecode(code).exception_entries
    ]
    # Of a function the flags less the one that says whether there is a docstring (Python 3.14).
    shape = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount)
    names = (code.co_varnames, code.co_freevars, code.co_flags & ~0x4000000)
    return frame("code", encode((shape, names, table)) + b"".join(content))


def _argument(value: Any, number: dict[int, int], refer: Refer) -> bytes:
    if isinstance(value, types.CodeType):
        return code_bytes(value, refer)
    if isinstance(value, _Target):
        return frame("step", str(number[value.offset]).encode())
    return encode(value, refer)


@dataclass(frozen=True)
class Import:
    """An import statement inside a function, for one of the names that it binds.

    Attributes
    ----------
    bound : str
        The name that it binds.
    module : str
        The module that it names.
    attribute : str or None
        What it takes from the module; None: the module itself.
    level : int
        Number of dots in front.
    top : bool
        Whether it binds the package that contains ``module``: ``import a.b`` binds ``a``.
    """

    bound: str
    module: str
    attribute: str | None
    level: int
    top: bool = False


@dataclass
class Mentions:
    """What a function, and all code inside it, mentions.

    Attributes
    ----------
    paths : dict of str to set of tuple of str
        Each name that is read, with the attributes that are read from it at once:
        ``a.b.c + a`` is ``{"a": {("b", "c"), ()}}``.
    global_names : set of str
        Those names that are looked up in the module.
    imports : list of Import
        The imports.
    """

    paths: dict[str, set[tuple[str, ...]]] = field(default_factory=dict)
    global_names: set[str] = field(default_factory=set)
    imports: list[Import] = field(default_factory=list)


def mentions(code: types.CodeType) -> Mentions:
    """Return what ``code`` and all code inside it mention."""
    found = Mentions()
    for part in code_tree(code):
        steps = _steps(part)
        # Python 3.13 loads the cells for an inner function like variables.
        cells = {*part.co_cellvars, *part.co_freevars}
        for index, step in enumerate(steps):
            if step.name == "LOAD_FAST" and step.value in cells:
                continue
            if step.name.startswith(_LOADS):
                path = tuple(_path(steps, index + 1))
                found.paths.setdefault(step.value, set()).add(path)
                if step.name in {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"}:
                    found.global_names.add(step.value)
            elif step.name == "IMPORT_NAME":
                found.imports += _imports(steps, index)
    return found


def _path(steps: list[_Step], index: int) -> Iterator[str]:
    while index < len(steps) and steps[index].name in _ATTRIBUTES:
        yield steps[index].value
        index += 1


def _imports(steps: list[_Step], index: int) -> Iterator[Import]:
    """Yield the imports of the statement whose IMPORT_NAME is at ``index``."""
    module, level, names = (steps[index - place].value for place in (0, 2, 1))
    if not names:
        # `import a.b as c` takes b out of a by IMPORT_FROM, and binds it; `import a.b` binds a.
        bound = next(step.value for step in steps[index + 1 :] if step.name in _STORES)
        yield Import(bound, module, None, level, top=steps[index + 1].name in _STORES)
        return
    for step, after in zip(steps[index + 1 :], steps[index + 2 :], strict=False):
        if step.name == "IMPORT_NAME":
            return
        if step.name == "IMPORT_FROM" and after.name in _STORES:
            yield Import(after.value, module, step.value, level)
