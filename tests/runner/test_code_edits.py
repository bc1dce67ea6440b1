"""An edit of what a step reaches changes its parts, and undoing it brings them back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dure.runner.code import Reached

Reach = Callable[..., Reached]

# Each is a step, and what is replaced in it by what.
EDITS = {
    "a number": ("def step(x): return x + 1", "+ 1", "+ 2"),
    "the type of a number": ("def step(x): return x + 1", "+ 1", "+ 1.0"),
    "the sign of zero": ("def step(x): return x * 0.0", "0.0", "-0.0"),
    "an operator": ("def step(x): return x + 1", "+", "-"),
    "a comparison": ("def step(x): return x < 1", "<", "<="),
    "a branch": ("def step(x):\n  if x: return 1\n  return 2", "if x", "if not x"),
    "a keyword of a call": ("def step(x): return dict(a=x)", "a=x", "b=x"),
    "an attribute": ("def step(x): return x.real", "real", "imag"),
    "an argument's name": ("def step(x): return 1", "(x)", "(y)"),
    "whether an argument goes by name": ("def step(x, y): return 1", "x, y", "x, *, y"),
    "a default": ("def step(x, y=1): return y", "y=1", "y=2"),
    "a default by keyword": ("def step(x, *, y=1): return y", "y=1", "y=2"),
    "a default that is a function": (
        "def f(): return 1\ndef step(x, y=f): return y()",
        "return 1",
        "return 2",
    ),
    "a lambda": ("def step(x): return map(lambda y: y + 1, x)", "+ 1", "+ 2"),
    "a lambda in a global": ("f = lambda y: y + 1\ndef step(x): return f(x)", "+ 1", "+ 2"),
    "a comprehension": ("def step(x): return [y + 1 for y in x]", "+ 1", "+ 2"),
    "a generator's condition": ("def step(x): return sum(y for y in x if y > 1)", "> 1", "> 2"),
    "a set of constants": ("def step(x): return x in {1, 2}", "2}", "3}"),
    "a text that is formatted": ("def step(x): return f'{x!r}'", "!r", "!s"),
    "a nested function": (
        "def step(x):\n  def inner(y): return y + 1\n  return inner(x)",
        "+ 1",
        "+ 2",
    ),
    "a class in a function": (
        "def step(x):\n  class A:\n    k = 1\n  return A.k",
        "k = 1",
        "k = 2",
    ),
    "a global": ("K = 1\ndef step(x): return x + K", "K = 1", "K = 2"),
    "a global that is None": ("K = None\ndef step(x): return K", "None", "0"),
    "a global inside a nested function": (
        "K = 1\ndef step(x):\n  def inner():\n    return lambda: K\n  return inner()()",
        "K = 1",
        "K = 2",
    ),
    "a global inside a comprehension": (
        "K = 1\ndef step(x): return [K for _ in x]",
        "K = 1",
        "K = 2",
    ),
    "a global in the body of a class": (
        "K = 1\ndef step(x):\n  class A:\n    k = K\n  return A",
        "K = 1",
        "K = 2",
    ),
    "what a name is bound to": (
        "def f(): return 1\ndef g(): return 2\na, b = f, g\ndef step(x): return a() - b()",
        "a, b = f, g",
        "a, b = g, f",
    ),
    "which library's function a name is": (
        "from math import floor as up\ndef step(x): return up(x)",
        "floor",
        "ceil",
    ),
    "which library's class a name is": (
        "from collections import OrderedDict as D\ndef step(x): return D()",
        "OrderedDict",
        "Counter",
    ),
    "which library a name is": ("import math as m\ndef step(x): return m.e", "math", "cmath"),
    "a bound method of a table": (
        "f = {'a': 1}.get\ndef step(x): return f(x)",
        "'a': 1",
        "'a': 2",
    ),
    "a closure": (
        "def make(k):\n  def step(x): return x + k\n  return step\nstep = make(1)",
        "make(1)",
        "make(2)",
    ),
    "a decorator of the user's": (
        "def deco(f):\n  def g(x): return f(x) + 1\n  return g\n@deco\ndef step(x): return x",
        "+ 1",
        "+ 2",
    ),
    "what is under a decorator of the user's": (
        (
            "import functools\ndef deco(f):\n  @functools.wraps(f)\n  def g(x): return f(x)\n"
            "  return g\n@deco\ndef step(x): return x + 1"
        ),
        "+ 1",
        "+ 2",
    ),
    "an argument of a decorator that is a class": (
        (
            "import functools\nclass Deco:\n  def __init__(self, f, n):\n    self.n = n\n"
            "    functools.update_wrapper(self, f)\n  def __call__(self, x): return self.n\n"
            "def helper(x): return x\nhelper = Deco(helper, 1)\ndef step(x): return helper(x)"
        ),
        "helper, 1",
        "helper, 2",
    ),
    "what is under lru_cache": (
        "import functools\n@functools.lru_cache\ndef f(x): return x + 1\ndef step(x): return f(x)",
        "+ 1",
        "+ 2",
    ),
    "what is under contextmanager": (
        (
            "import contextlib\n@contextlib.contextmanager\ndef f(x): yield x + 1\n"
            "def step(x):\n  with f(x) as y: return y"
        ),
        "+ 1",
        "+ 2",
    ),
    "what is under two decorators of a library": (
        (
            "import contextlib, functools\n@contextlib.contextmanager\n@functools.lru_cache\n"
            "def f(x): return x + 1\ndef step(x):\n  with f(x) as y: return y"
        ),
        "+ 1",
        "+ 2",
    ),
    "what a decorator of a library was given": (
        (
            "import reprlib\n@reprlib.recursive_repr('one')\ndef f(x): return 1\n"
            "def step(x): return f(x)"
        ),
        "'one'",
        "'two'",
    ),
    "what singledispatch has registered": (
        (
            "import functools\n@functools.singledispatch\ndef f(x): return 0\n@f.register\n"
            "def _(x: int): return x + 1\ndef step(x): return f(x)"
        ),
        "+ 1",
        "+ 2",
    ),
    "a function in a partial": (
        "import functools\ndef f(x, y): return x + 1\nstep = functools.partial(f, y=1)",
        "+ 1",
        "+ 2",
    ),
    "an argument of a partial": (
        (
            "import functools\ndef f(x, y): return x\np = functools.partial(f, y=1)\n"
            "def step(x): return p(x)"
        ),
        "y=1",
        "y=2",
    ),
    "a function in a list": (
        "def f(x): return x + 1\nSTEPS = [(f, 1)]\ndef step(x): return STEPS[0][0](x)",
        "+ 1",
        "+ 2",
    ),
    "a function that an instance holds": (
        (
            "class A:\n  def __init__(self, f): self.f = f\ndef f(x): return x + 1\na = A(f)\n"
            "def step(x): return a.f(x)"
        ),
        "+ 1",
        "+ 2",
    ),
    "the state of an instance": (
        (
            "class A:\n  def __init__(self, k): self.k = k\n  def f(self): return self.k\na = A(1)\n"
            "def step(x): return a.f()"
        ),
        "A(1)",
        "A(2)",
    ),
    "a method of an instance in a global": (
        "class A:\n  def f(self): return 1\na = A()\ndef step(x): return a.f()",
        "return 1",
        "return 2",
    ),
    "a bound method in a global": (
        "class A:\n  def f(self, x): return 1\nf = A().f\ndef step(x): return f(x)",
        "return 1",
        "return 2",
    ),
    "an attribute of a function": (
        "def f(): pass\nf.k = 1\ndef step(x): return f.k",
        "f.k = 1",
        "f.k = 2",
    ),
    "a method": (
        "class A:\n  def f(self): return 1\ndef step(x): return A().f()",
        "return 1",
        "return 2",
    ),
    "a class method": (
        "class A:\n  @classmethod\n  def f(cls): return 1\ndef step(x): return A.f()",
        "return 1",
        "return 2",
    ),
    "a static method": (
        "class A:\n  @staticmethod\n  def f(): return 1\ndef step(x): return A.f()",
        "return 1",
        "return 2",
    ),
    "a property": (
        "class A:\n  @property\n  def f(self): return 1\ndef step(x): return A().f",
        "return 1",
        "return 2",
    ),
    "a cached property": (
        (
            "import functools\nclass A:\n  @functools.cached_property\n  def f(self): return 1\n"
            "def step(x): return A().f"
        ),
        "return 1",
        "return 2",
    ),
    "a class attribute": ("class A:\n  k = 1\ndef step(x): return A.k", "k = 1", "k = 2"),
    "a base class": (
        "class B:\n  k = 1\nclass A(B): pass\ndef step(x): return A.k",
        "k = 1",
        "k = 2",
    ),
    "which base class": (
        "class B: k = 1\nclass C: k = 2\nclass A(B): pass\ndef step(x): return A.k, B, C",
        "A(B)",
        "A(C)",
    ),
    "a meta class": (
        (
            "class M(type):\n  def f(cls): return 1\nclass A(metaclass=M): pass\n"
            "def step(x): return A.f()"
        ),
        "return 1",
        "return 2",
    ),
    "a function that super() calls": (
        (
            "class B:\n  def f(self): return 1\nclass A(B):\n  def f(self): return super().f()\n"
            "def step(x): return A().f()"
        ),
        "return 1",
        "return 2",
    ),
    "a data class's default": (
        (
            "from dataclasses import dataclass\n@dataclass\nclass A:\n  k: int = 1\n"
            "def step(x): return A()"
        ),
        "int = 1",
        "int = 2",
    ),
    "a data class's default factory": (
        (
            "from dataclasses import dataclass, field\n@dataclass\nclass A:\n"
            "  k: list = field(default_factory=lambda: [1])\ndef step(x): return A()"
        ),
        "[1]",
        "[2]",
    ),
    "a data class's field": (
        (
            "from dataclasses import dataclass\n@dataclass\nclass A:\n  k: int\n"
            "a = A(1)\ndef step(x): return a.k"
        ),
        "A(1)",
        "A(2)",
    ),
    "a named tuple's default": (
        (
            "from typing import NamedTuple\nclass A(NamedTuple):\n  k: int = 1\n"
            "def step(x): return A()"
        ),
        "int = 1",
        "int = 2",
    ),
    "an enum's value": (
        "import enum\nclass A(enum.Enum):\n  k = 1\ndef step(x): return A.k.value",
        "k = 1",
        "k = 2",
    ),
    "an enum's value that has no hash": (
        "import enum\nclass A(enum.Enum):\n  k = [1]\ndef step(x): return A.k.value",
        "[1]",
        "[2]",
    ),
    "an enum's method": (
        (
            "import enum\nclass A(enum.Enum):\n  k = 1\n  def f(self): return 'a'\n"
            "def step(x): return A.k.f()"
        ),
        "'a'",
        "'b'",
    ),
    "an enum's way to make a member": (
        (
            "import enum\nclass A(enum.Enum):\n  k = 1\n  def __new__(cls, v):\n"
            "    self = object.__new__(cls)\n    self._value_ = v\n    self.more = 'a'\n"
            "    return self\ndef step(x): return A.k.more"
        ),
        "'a'",
        "'b'",
    ),
    "a member of an enum in a global": (
        "import enum\nclass A(enum.Enum):\n  k = 1\n  m = 2\na = A.k\ndef step(x): return a",
        "a = A.k",
        "a = A.m",
    ),
    "a pydantic field's default": (
        "import pydantic\nclass A(pydantic.BaseModel):\n  k: int = 1\ndef step(x): return A()",
        "int = 1",
        "int = 2",
    ),
    "a pydantic field's bound": (
        (
            "import pydantic\nclass A(pydantic.BaseModel):\n  k: int = pydantic.Field(1, gt=0)\n"
            "def step(x): return A()"
        ),
        "gt=0",
        "gt=-1",
    ),
    "a pydantic validator": (
        (
            "import pydantic\nclass A(pydantic.BaseModel):\n  k: int\n"
            "  @pydantic.field_validator('k')\n  @classmethod\n  def f(cls, v): return v + 1\n"
            "def step(x): return A(k=1)"
        ),
        "+ 1",
        "+ 2",
    ),
    "a pydantic model in a global": (
        (
            "import pydantic\nclass A(pydantic.BaseModel):\n  k: int\na = A(k=1)\n"
            "def step(x): return a"
        ),
        "k=1",
        "k=2",
    ),
    "a regular expression": (
        "import re\nR = re.compile('a')\ndef step(x): return R.match(x)",
        "'a'",
        "'b'",
    ),
    "a NumPy array": (
        "import numpy as np\nA = np.array([1, 2])\ndef step(x): return A",
        "2]",
        "3]",
    ),
}


@pytest.mark.parametrize("case", EDITS)
def test_an_edit_changes_the_parts_and_undoing_it_brings_them_back(case: str, reach: Reach) -> None:
    source, old, new = EDITS[case]
    assert source.count(old) >= 1
    before, after = reach({"main.py": source}), reach({"main.py": source.replace(old, new, 1)})
    assert before.parts != after.parts
    assert reach({"main.py": source}).parts == before.parts
    assert not before.opaque
