"""What a function's bytecode does and what it mentions, without where it stands.

Reads the instructions as `dis` names them in Python 3.11 to 3.14, put into one form: line
numbers, docstrings, positions in tables, and the pairs of instructions that the compiler fuses
or not depending on line breaks, are gone.
"""

from __future__ import annotations

import dis
import functools
import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from dure.runner.encode import encode, frame

_FILLERS = frozenset({"EXTENDED_ARG", "NOP", "CACHE", "NOT_TAKEN"})

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
    """An instruction, what its argument means, and where it stands."""

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
        if item.opname == "KW_NAMES":  # `dis` does not look these up (Python 3.11 and 3.12)
            values = (code.co_consts[item.arg or 0],)
        if item.opcode in _JUMPS:
            names = (item.opname.replace("_FORWARD", "").replace("_BACKWARD", ""),)
            values = (_Target(item.argval),)
        found += [_Step(n, v, item.offset) for n, v in zip(names, values, strict=True)]
    return _without_places(found)


@dataclass(frozen=True)
class _Target:
    """Where a jump leads to."""

    offset: int


def _without_places(steps: list[_Step]) -> list[_Step]:
    kept: list[_Step] = []
    for step in steps:
        place = step.name == "STORE_NAME" and step.value in _PLACES
        if place and kept and kept[-1].name in _CONSTANTS:
            kept.pop()
        else:
            kept.append(step)
    return kept


@functools.lru_cache(maxsize=4096)
def code_bytes(code: types.CodeType) -> bytes:
    """Return what ``code`` does, without where it stands: no line numbers, file or docstring.

    Instructions are taken with what they mean (the constant, the name), in the order in which a
    walk through the code first meets them. Where each stands, where it jumps over, and which of
    two branches comes first depend on docstrings and on where lines are broken.
    """
    flow = _Flow(_steps(code), code)
    content = []
    for place in flow.order:
        step, after = flow.steps[place], flow.after(place)
        argument = _argument(step.value)
        nexts = [flow.number[item] for item in after.places]
        content.append(frame(after.name, argument + encode((nexts, after.handler))))
    shape = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount)
    # Of the flags, not the one that says whether there is a docstring (Python 3.14).
    names = (code.co_varnames, code.co_freevars, code.co_flags & ~0x4000000)
    return frame("code", encode((shape, names)) + b"".join(content))


def _argument(value: Any) -> bytes:
    if isinstance(value, types.CodeType):
        return code_bytes(value)
    # Of a jump, what follows says it all; what formats text takes str, repr or ascii.
    return encode(
        None if isinstance(value, _Target) else value, lambda code: code.__name__.encode()
    )


_ENDS = frozenset({"RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE"})
_GOTO = frozenset({"JUMP", "JUMP_NO_INTERRUPT", "JUMP_ABSOLUTE"})
_MIRRORED = {"POP_JUMP_IF_TRUE": "POP_JUMP_IF_FALSE", "POP_JUMP_IF_NOT_NONE": "POP_JUMP_IF_NONE"}
_KEEP_OR_POP = frozenset({"JUMP_IF_TRUE_OR_POP", "JUMP_IF_FALSE_OR_POP"})


@dataclass(frozen=True)
class _After:
    """What can follow an instruction: its name in its one form, and places in order."""

    name: str
    places: tuple[int, ...]
    handler: tuple[int, int, bool] | None


class _Flow:
    """The instructions of a function as a graph, and the order in which a walk meets them."""

    def __init__(self, steps: list[_Step], code: types.CodeType) -> None:
        self.steps = steps
        self._at = _places(steps, len(code.co_code))
        self._handlers = {
            offset: (self._at[entry.target], entry.depth, entry.lasti)
            for entry in dis.Bytecode(code).exception_entries  # type: ignore[attr-defined]
            for offset in range(entry.start, entry.end, 2)
        }
        self.order: list[int] = []
        self.number: dict[int, int] = {}
        waiting = [self._settle(0)]
        while waiting:
            place = waiting.pop()
            if place in self.number:
                continue
            self.number[place] = len(self.order)
            self.order.append(place)
            _, places, handler = self._after(place)
            waiting += [] if handler is None else [handler[0]]
            waiting += reversed(places)

    def after(self, place: int) -> _After:
        """Return what follows the instruction at ``place``."""
        name, places, handler = self._after(place)
        target, depth, lasti = handler or (-1, 0, False)
        numbered = None if handler is None else (self.number[target], depth, lasti)
        return _After(name, places, numbered)

    def _after(self, place: int) -> tuple[str, tuple[int, ...], tuple[int, int, bool] | None]:
        step = self.steps[place]
        handler = self._handlers.get(step.offset)
        if handler is not None:
            handler = (self._settle(handler[0]), *handler[1:])
        if step.name in _ENDS or place + 1 == len(self.steps):
            return step.name, (), handler
        following = self._settle(place + 1)
        if not isinstance(step.value, _Target):
            return step.name, (following,), handler
        name, target = self._cut_short(step.name, self._settle(self._at[step.value.offset]))
        if name in _MIRRORED:
            return _MIRRORED[name], (target, following), handler
        return name, (following, target), handler

    def _settle(self, place: int) -> int:
        """Follow unconditional jumps."""
        seen: set[int] = set()
        while self.steps[place].name in _GOTO and place not in seen:
            seen.add(place)
            place = self._at[self.steps[place].value.offset]
        return place

    def _cut_short(self, name: str, target: int) -> tuple[str, int]:
        """Follow what `and` and `or` inside each other jump to (Python 3.11)."""
        while name in _KEEP_OR_POP and self.steps[target].name in _KEEP_OR_POP:
            if self.steps[target].name != name:
                return f"POP_{name.removesuffix('_OR_POP')}", self._settle(target + 1)
            target = self._settle(self._at[self.steps[target].value.offset])
        return name, target


def _places(steps: list[_Step], end: int) -> dict[int, int]:
    """Return the place of the first step at or after each offset: fillers there are gone."""
    at: dict[int, int] = {}
    place = len(steps)
    for offset in range(end, -1, -2):
        while place > 0 and steps[place - 1].offset >= offset:
            place -= 1
        at[offset] = place
    return at


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


@functools.lru_cache(maxsize=4096)
def mentions(code: types.CodeType) -> Mentions:
    """Return what ``code`` and all code inside it mention; not to be changed."""
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
