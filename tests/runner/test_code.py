"""The code that a step depends on is what its functions reach, and nothing else."""

from __future__ import annotations

import ast
import importlib
import json
import os
import subprocess
import sys
import sysconfig
import textwrap
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dure.runner.bytecode import code_bytes, mentions
from dure.runner.code import Reached, walk
from dure.runner.own import dotted_name, is_own, is_own_file, is_own_module

Reach = Callable[..., Reached]

PROJECT = {
    "main.py": """
        from near import near
        from other import other

        def step(x):
            return near(x)

        def second(x):
            return other(x)

        def third(x):
            return x + 3
    """,
    "near.py": """
        import far

        def near(x):
            return far.helper(x) + 1

        def unused():
            return far.UNUSED
    """,
    "far.py": """
        SCALE = 10
        UNUSED = 1

        def helper(x):
            return x * SCALE
    """,
    "other.py": """
        def other(x):
            return x
    """,
}
ROOTS = ("main.step", "main.second", "main.third", "near.unused")


def edited(file: str, old: str, new: str) -> dict[str, str]:
    assert PROJECT[file].count(old) == 1
    return {**PROJECT, file: PROJECT[file].replace(old, new)}


def test_a_constant_two_modules_away_changes_what_reaches_it_and_nothing_else(reach: Reach) -> None:
    files = edited("far.py", "SCALE = 10", "SCALE = 11")
    changed = {root for root in ROOTS if reach(PROJECT, root).parts != reach(files, root).parts}
    assert changed == {"main.step"}


def test_only_the_part_that_was_edited_changes(reach: Reach) -> None:
    before = reach(PROJECT).parts
    assert set(before) == {"main.step", "near.near", "far.helper", "far.SCALE"}
    after = reach(edited("far.py", "x * SCALE", "SCALE * x")).parts
    assert {name for name in before if before[name] != after[name]} == {"far.helper"}


def test_an_unrelated_file_changes_nothing(reach: Reach) -> None:
    more = {**PROJECT, "unrelated.py": "def step(x): return 5", "far2.py": "SCALE = 3"}
    for root in ROOTS:
        assert reach(PROJECT, root) == reach(more, root)


def test_an_unrelated_name_beside_changes_nothing(reach: Reach) -> None:
    files = edited("far.py", "UNUSED = 1", "UNUSED = 2; MORE = 3; another = lambda: MORE")
    assert reach(PROJECT) == reach(files)


STYLED = """
    def decorate(function):
        def inside(*args):
            return function(*args)
        return inside

    class Base:
        def method(self, x, y=2):
            return [i for i in range(x) if i and i is not y]

    @decorate
    def step(x, y=1):
        class Local(Base):
            LIMIT = 3
            def get(self):
                try:
                    return self.method(x, y=y) or x and y
                finally:
                    print("done", end="")
        if x:
            pass
        total = 0
        for a, b in zip([x], [y]):
            total += a * b
        return Local().get(), lambda q: q + 1, total
"""
RESTYLED = '''
    """A docstring of the module."""

    # A comment.
    def decorate(function):
        """Say what it does."""

        def inside(*args):
            """Say what it does."""
            return function(*args)  # another comment

        return inside



    class Base:
        """A docstring of a class."""

        def method(self, x, y=2):
            """A docstring of a method."""
            return [
                i
                for i in range(x)
                if i
                and i is not y
            ]


    @decorate
    def step(
        x,
        y=1,
    ):
        """A docstring
        of two lines.
        """

        class Local(Base):
            """A docstring of a class in a function."""

            LIMIT = 3

            def get(self):
                """A docstring of its method."""
                try:
                    return (
                        self.method(
                            x,
                            y=y,
                        )
                        or x
                        and y
                    )
                finally:
                    print("done",
                          end="")

        if x: pass
        total = 0
        for a, b in zip(
            [x],
            [y],
        ):
            total += (
                a
                * b
            )
        return (
            Local().get(),
            lambda q: q + 1,
            total,
        )
'''


def test_comments_docstrings_blank_lines_and_line_breaks_change_nothing(reach: Reach) -> None:
    before = reach(STYLED)
    assert reach(RESTYLED) == before
    other = RESTYLED.replace("Say what it does.", "Do it.").replace("A docstring", "Words")
    assert reach(other) == before


class _NoDocstrings(ast.NodeTransformer):
    def strip(self, node: Any) -> Any:
        self.generic_visit(node)
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        return self.strip(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> Any:
        return self.strip(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> Any:
        return self.strip(node)


def functions_in(code: types.CodeType) -> Iterator[types.CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield constant
            yield from functions_in(constant)


@pytest.mark.parametrize("module", ["argparse", "inspect", "contextlib", "asyncio/tasks"])
def test_rewriting_a_library_without_comments_and_docstrings_changes_no_function(
    module: str,
) -> None:
    path = Path(sysconfig.get_path("stdlib")) / f"{module}.py"
    source = path.read_text(encoding="utf-8")
    before = compile(source, str(path), "exec")
    rewritten = ast.unparse(_NoDocstrings().visit(ast.parse(source)))
    after = compile(rewritten, str(path), "exec")
    pairs = list(zip(functions_in(before), functions_in(after), strict=True))
    assert len(pairs) > 50
    for one, two in pairs:
        assert code_bytes(one) == code_bytes(two), one.co_qualname


# Each imports `value` out of a module of the user's, in some way or other.
IMPORTS = {
    "from x import y": "from pkg.sub import value\n    return value()",
    "from x import y as z": "from pkg.sub import value as v\n    return v()",
    "from x import module": "from pkg import sub\n    return sub.value()",
    "import x.y": "import pkg.sub\n    return pkg.sub.value()",
    "import x.y as z": "import pkg.sub as s\n    return s.value()",
    "import x, used in a nested function": (
        "import pkg.sub as s\n    def inner():\n        return s.value()\n    return inner()"
    ),
    "an import in a nested function": (
        "def inner():\n        from pkg.sub import value\n        return value()\n    return inner()"
    ),
    "an import in a branch": (
        "if x:\n        from pkg.sub import value\n        return value()\n    return 0"
    ),
    "an import that may fail": (
        "try:\n        from pkg.sub import value\n    except ImportError:\n        return 0\n"
        "    return value()"
    ),
    "a module by a computed name": ("import pkg.sub as s\n    return getattr(s, 'val' + 'ue')()"),
    "many constants before": (
        f"many = {list(range(300, 600))!r}, [{', '.join(f'{i}.5 + x' for i in range(300))}]\n"
        "    from pkg.sub import value\n    return value()"
    ),
}
PACKAGE = {
    "pkg/__init__.py": "",
    "pkg/sub.py": "K = 1\ndef value(): return K\ndef other(): return 7",
}


@pytest.mark.parametrize("case", IMPORTS)
def test_an_import_inside_a_function_is_followed(case: str, reach: Reach) -> None:
    files = {**PACKAGE, "main.py": f"def step(x):\n    {IMPORTS[case]}\n"}
    before = reach(files)
    assert "pkg.sub.K" in before.parts
    after = reach({**files, "pkg/sub.py": files["pkg/sub.py"].replace("K = 1", "K = 2")})
    assert {n for n in before.parts if before.parts[n] != after.parts[n]} == {"pkg.sub.K"}
    if "computed" not in case:
        unrelated = reach({**files, "pkg/sub.py": files["pkg/sub.py"].replace("7", "8")})
        assert unrelated.parts == before.parts


@pytest.mark.parametrize(
    "statement",
    [
        "from .sub import value",
        "from . import sub; value = sub.value",
        "from ..pkg.sub import value",
        "import outer.pkg.sub; value = outer.pkg.sub.value",
    ],
)
@pytest.mark.parametrize("inside", [True, False])
def test_a_relative_import_is_followed(statement: str, inside: bool, reach: Reach) -> None:
    body = f"def step(x):\n    {statement}\n    return value()"
    if not inside:
        body = f"{statement}\ndef step(x): return value()"
    files = {
        "outer/__init__.py": "",
        **{f"outer/{path}": text for path, text in PACKAGE.items()},
        "outer/pkg/main.py": body,
    }
    before = reach(files, "outer.pkg.main.step")
    files["outer/pkg/sub.py"] = files["outer/pkg/sub.py"].replace("K = 1", "K = 2")
    assert reach(files, "outer.pkg.main.step").parts != before.parts


def test_a_package_without_an_init_file_is_the_users_as_well(reach: Reach) -> None:
    files = {"pkg/sub.py": PACKAGE["pkg/sub.py"]}
    for body in ("import pkg.sub\ndef step(x): return pkg.sub.value()",
                 "def step(x):\n  import pkg.sub\n  return pkg.sub.value()"):  # fmt: skip
        before = reach({**files, "main.py": body})
        assert "pkg.sub.K" in before.parts


def test_of_a_module_only_what_is_used_counts_unless_it_is_passed_on(reach: Reach) -> None:
    tools = "A = 1\nB = 2\ndef run(): return 3"
    use = "import tools, tools as t\ndef step(x): return tools.A + x.run() + x.B"
    assert set(reach({"main.py": use, "tools.py": tools}).parts) == {"main.step", "tools.A"}
    whole = "import tools\ndef use(m): return m.A\ndef step(x): return use(tools)"
    reached = reach({"main.py": whole, "tools.py": tools})
    assert {"tools.A", "tools.B", "tools.run"} <= set(reached.parts)
    held = "import tools\nALL = [tools]\ndef step(x): return ALL[0].A"
    assert "tools.A" in reach({"main.py": held, "tools.py": tools}).parts


def test_modules_that_name_each_other_end(reach: Reach) -> None:
    files = {
        "main.py": "import a\ndef step(x): return a",
        "a.py": "import b\nK = 1\ndef f(): return b.g(b)",
        "b.py": "import a\ndef g(x): return a.f() + a.K",
    }
    assert set(reach(files).parts) == {"main.step", "a.f", "a.K", "b.g"}


def test_recursion_and_mutual_reference_end(reach: Reach) -> None:
    source = """
        def step(n): return even(n) + step(n - 1)
        def even(n): return n == 0 or odd(n - 1)
        def odd(n): return n != 0 and even(n - 1) and NODE and Node
        class Node:
            next = None
            def other(self): return Node, step
        NODE = Node()
        NODE.me = NODE
        NODE.all = [step, NODE]
    """
    parts = {"step", "even", "odd", "Node", "Node.other", "NODE"}
    assert set(reach(source).parts) == {f"main.{part}" for part in parts}


def test_a_chain_of_calls_longer_than_the_stack_is_followed(reach: Reach) -> None:
    many = 3 * sys.getrecursionlimit()
    lines = [f"def f{i}(x): return f{i + 1}(x)" for i in range(many)]
    source = "\n".join([*lines, f"def f{many}(x): return 1", "def step(x): return f0(x)"])
    before = reach({"main.py": source})
    assert len(before.parts) == many + 2
    assert before.parts != reach({"main.py": source.replace("return 1", "return 2")}).parts


def test_two_lambdas_on_a_line_are_told_apart(reach: Reach) -> None:
    source = "f, g = lambda x: x + 1, lambda x: x + 2\nT = [f, g, {}]\ndef step(x): return T"
    one, two = (reach({"main.py": source.replace("{}", last)}) for last in "fg")
    assert one.parts != two.parts
    assert {"main.<lambda>", "main.<lambda>#2"} <= set(one.parts)


def test_what_one_factory_made_twice_is_told_apart(reach: Reach) -> None:
    source = """
        def make(k):
            def inner(x): return x + k
            return inner
        a, b = make(1), make(2)
        def step(x): return a(x) - b(x)
    """
    assert reach(source).parts != reach(source.replace("a, b", "b, a")).parts


def test_other_peoples_code_is_named_only(reach: Reach) -> None:
    source = """
        import collections, json
        import numpy as np
        from pathlib import Path
        def step(x):
            import argparse
            return json.dumps(np.mean(x)), Path(x), collections.Counter(x), argparse.Namespace
    """
    reached = reach(source)
    assert set(reached.parts) == {"main.step"}
    assert not reached.opaque
    assert {"numpy", "json", "argparse"} <= reached.packages


def test_packages_are_other_peoples_alone(reach: Reach) -> None:
    source = """
        import contextlib
        @contextlib.contextmanager
        def helper(x): yield x
        def step(x):
            from pkg.sub import value
            import numpy.linalg
            return helper(value())
    """
    reached = reach({**PACKAGE, "main.py": textwrap.dedent(source)})
    assert "numpy" in reached.packages
    assert not {"main", "pkg", "sub", "builtins"} & reached.packages


def test_an_import_of_another_package_inside_a_function_does_not_import_it(reach: Reach) -> None:
    source = """
        def step(x):
            import sklearn.linear_model
            from wsgiref.util import FileWrapper
            import no_such_package.sub
            return FileWrapper
    """
    for name in ("sklearn", "wsgiref", "wsgiref.util"):
        sys.modules.pop(name, None)
    reached = reach(source)
    assert "sklearn" in reached.packages
    assert not {"sklearn", "wsgiref", "wsgiref.util"} & sys.modules.keys()


def test_a_module_of_the_users_that_does_not_import_is_left_to_the_step(reach: Reach) -> None:
    source = "def step(x):\n  try:\n    import broken\n  except ValueError:\n    return 1"
    reached = reach({"main.py": source, "broken.py": "raise ValueError('no')"})
    assert set(reached.parts) == {"main.step"}


def test_a_heavy_package_is_not_imported_by_the_walk(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(
        "import keras\nimport tensorflow as tf\nimport helper\n"
        "class Holder: backend = keras\nHELD = [tf]\n"
        "def step(x):\n    import late\n"
        "    return keras.ops.mean(x), tf.constant(1), helper.f(), late.g(), Holder, HELD\n"
    )
    (tmp_path / "helper.py").write_text("import keras\ndef f(): return keras.layers.Dense\n")
    (tmp_path / "late.py").write_text("import tensorflow\ndef g(): return tensorflow.io\n")
    script = """
        import sys
        from dure.runner.lazy import lazily
        from dure.runner.code import walk
        with lazily():
            import main
        found = walk(main.step)
        print(sorted(found.parts), sorted(found.packages & {"keras", "tensorflow"}))
        print(found.opaque, "keras.src" in sys.modules, "tensorflow.python" in sys.modules)
    """
    assert in_a_process(tmp_path, script).split("\n") == [
        "['helper.f', 'late.g', 'main.HELD', 'main.Holder', 'main.step'] ['keras', 'tensorflow']",
        "{} False False",
    ]


def in_a_process(folder: Path, script: str, *arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *(arguments or ("-c", textwrap.dedent(script)))],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


SCRIPT = """
import dataclasses, enum, json, logging, sys
from dure.runner.code import walk

log = logging.getLogger(__name__)

class Mode(enum.Enum):
    FAST = 1

@dataclasses.dataclass
class Config:
    rate: float = 0.1

class Plain:
    def __init__(self): self.k = 1
    def f(self): return self.k

CONFIG, PLAIN, MODE = Config(), Plain(), Mode.FAST

def step(x):
    class Local(Plain):
        pass
    log.info("%s %s", __name__, __file__)
    return Local().f() + CONFIG.rate + PLAIN.f() + (MODE is Mode.FAST)

if __name__ in ("__main__", "again"):
    pass
def show(): print(json.dumps(walk(step).parts, sort_keys=True))
if __name__ == "__main__": show()
"""


def test_a_file_run_as_a_script_and_the_same_file_imported_have_the_same_parts(
    tmp_path: Path,
) -> None:
    (tmp_path / "pkg").mkdir()
    for folder in (tmp_path, tmp_path / "pkg"):
        (folder / "taxi.py").write_text(SCRIPT)
    imported = json.loads(in_a_process(tmp_path, "import taxi; taxi.show()"))
    assert set(imported) >= {"taxi.step", "taxi.CONFIG", "taxi.Plain", "taxi.log"}
    assert json.loads(in_a_process(tmp_path, "", "taxi.py")) == imported
    assert json.loads(in_a_process(tmp_path, "", "-m", "taxi")) == imported
    inside = json.loads(in_a_process(tmp_path, "import pkg.taxi; pkg.taxi.show()"))
    assert json.loads(in_a_process(tmp_path, "", "-m", "pkg.taxi")) == inside


def test_the_seed_of_hashes_the_folder_and_the_process_do_not_matter(tmp_path: Path) -> None:
    source = SCRIPT.replace(
        "CONFIG, PLAIN",
        "SETS = [{'a', 'b', 'c'}, Plain()]\nSETS[1].tags = {'x', 'y'}\nCONFIG, PLAIN",
    ).replace("return Local", "SETS and x in {'p', 'q', 'r'}\n    return Local")
    found = set()
    for seed in ("0", "1", "77"):
        folder = tmp_path / seed
        folder.mkdir()
        (folder / "taxi.py").write_text(source)
        found.add(in_a_process(folder, "", "taxi.py", PYTHONHASHSEED=seed))
    assert len(found) == 1


OPAQUE = {
    "a lock in a global": ("import threading\nL = threading.Lock()\ndef step(x): return L", "main.L"),
    "a generator": ("G = (i for i in 'ab')\ndef step(x): return G", "main.G"),
    "an open file in a list": ("import sys\nF = [sys.stdout]\ndef step(x): return F", "main.F"),
    "a default": (
        "import threading\ndef step(x, lock=threading.Lock()): return lock",
        "a default of main.step",
    ),
    "a closure": (
        ("import threading\ndef make(lock):\n  def step(x): return lock\n  return step\n"
        "step = make(threading.Lock())"),
        "lock of main.make.<locals>.step",
    ),
    "a class attribute": (
        "import threading\nclass A:\n  lock = threading.Lock()\ndef step(x): return A.lock",
        "main.A.lock",
    ),
    "an attribute of a module": (
        "import other\ndef step(x): return other.L",
        "other.L",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", OPAQUE)
def test_a_constant_without_a_digest_is_opaque_and_says_why(case: str, reach: Reach) -> None:
    source, name = OPAQUE[case]
    reached = reach({"main.py": source, "other.py": "import threading\nL = threading.Lock()"})
    assert list(reached.opaque) == [name]
    assert "has no digest" in reached.opaque[name]
    assert "cannot pickle" in reached.opaque[name]


CLEAR = """
    import abc, collections, contextlib, dataclasses, enum, functools, logging, re, typing
    from typing import NamedTuple, Protocol, TypedDict, TypeVar
    import numpy as np, pydantic

    T = TypeVar("T")
    log = logging.getLogger(__name__)

    @dataclasses.dataclass(order=True, slots=True, kw_only=True)
    class D:
        a: int
        b: list = dataclasses.field(default_factory=list)
        c: dataclasses.InitVar[int] = 3
    class E(enum.Flag):
        A = enum.auto()
        B = enum.auto()
    class N(NamedTuple):
        a: int
        b: str = "x"
    class M(pydantic.BaseModel):
        a: int = pydantic.Field(3, gt=0)
        b: list[str] = pydantic.Field(default_factory=lambda: ["x"])
        @pydantic.model_validator(mode="after")
        def check(self): return self
        @pydantic.computed_field
        @property
        def twice(self) -> int: return 2 * self.a
    class P(Protocol):
        def f(self) -> int: ...
    class Abstract(abc.ABC, typing.Generic[T]):
        @abc.abstractmethod
        def f(self) -> int: ...
        @functools.singledispatchmethod
        def g(self, x): return x
        @functools.cached_property
        def h(self): return 1
        part = functools.partialmethod(g, 1)
        __slots__ = ("slot", "__dict__")
    class Typed(TypedDict):
        a: int
    Old = collections.namedtuple("Old", "a b")
    Alias = dict[str, list[int]] | None
    CONST = [D(a=1), E.A | E.B, N(1), M(a=2), Old(1, 2), re.compile("a"), np.eye(2), Alias, {}]
    WEIRD = (np.add, np.random.default_rng(0), functools.partial(sorted, key=len), range(3), ...)
    @contextlib.contextmanager
    def context(): yield 1
    @functools.total_ordering
    class Ordered:
        def __lt__(self, other): return False
    def step(x):
        log.info("x")
        return D, E, N, M, P, Abstract, Typed, Old, Alias, CONST, WEIRD, context, Ordered, T
"""


def test_the_usual_kinds_of_classes_and_constants_are_not_opaque(reach: Reach) -> None:
    before = reach(CLEAR)
    assert before.opaque == {}
    assert reach(CLEAR).parts == before.parts


@pytest.mark.slow  # imports TensorFlow
def test_keras_layers_and_their_configuration_are_not_opaque(reach: Reach) -> None:
    pytest.importorskip("keras")
    source = """
        import keras, numpy as np
        class Scale(keras.layers.Layer):
            def __init__(self, factor=1.0, **kwargs):
                super().__init__(**kwargs)
                self.factor = factor
            def call(self, x): return x * self.factor
            def get_config(self): return {**super().get_config(), "factor": self.factor}
        SCALE = Scale(2.0, name="scale")
        DENSE = keras.layers.Dense(3, activation="relu", name="dense")
        ADAM = keras.optimizers.Adam(0.1, name="adam")
        LOSS = keras.losses.MeanSquaredError()
        FIXED = keras.layers.Dense(1, name="fixed")
        FIXED.build((None, 1))
        FIXED.set_weights([np.array([[5.0]]), np.array([0.0])])
        def step(x):
            return Scale()(x), SCALE, DENSE, ADAM, LOSS, FIXED
    """
    before = reach(source)
    assert before.opaque == {}
    assert "keras" in before.packages
    for old, new, part in [
        ("x * self", "self.factor + x * self", "main.Scale.call"),
        ("Scale(2.0", "Scale(3.0", "main.SCALE"),
        ("Dense(3", "Dense(4", "main.DENSE"),
        ("Adam(0.1", "Adam(0.2", "main.ADAM"),
        ("[[5.0]]", "[[6.0]]", "main.FIXED"),
    ]:
        after = reach(source.replace(old, new))
        assert {n for n in before.parts if before.parts[n] != after.parts[n]} == {part}


def test_what_is_typed_in_is_the_users(reach: Reach) -> None:
    scope: dict[str, Any] = {"__name__": "__main__", "K": 1}
    exec("def step(x): return K", scope)  # as an interpreter does
    before = walk(scope["step"]).parts
    scope["K"] = 2
    assert len(before) == 2
    assert walk(scope["step"]).parts != before


def test_what_is_the_users_own_and_what_is_not(tmp_path: Path) -> None:
    assert is_own_file(str(tmp_path / "a.py"))
    assert is_own_file("<ipython-input-1>")
    assert is_own_file("<stdin>")
    for file in (json.__file__, pytest.__file__, "<frozen importlib._bootstrap>", "built-in"):
        assert not is_own_file(file)
    assert not is_own_file(importlib.import_module("dure").__file__ or "")
    assert not is_own_file(str(tmp_path / "env/lib/python3.11/site-packages/a.py"))
    assert is_own(test_what_is_typed_in_is_the_users)
    assert is_own(_NoDocstrings)
    for foreign in (json.dumps, json.JSONDecoder, int, len, Path, 3, pytest.raises):
        assert not is_own(foreign)
    assert not is_own_module(json)
    assert not is_own_module(sys)


def test_a_librarys_generated_function_is_the_librarys() -> None:
    scope = {"__name__": "json", "__file__": json.__file__}
    exec("def made(): pass", scope)
    assert not is_own(scope["made"])


def test_a_dotted_name_is_module_and_qualified_name() -> None:
    assert dotted_name(json.JSONDecoder.decode) == "json.decoder.JSONDecoder.decode"
    assert dotted_name(len) == "builtins.len"


def test_mentions_are_names_with_what_is_read_from_them() -> None:
    source = """
        def f(x):
            import a.b
            import c.d as e
            from . import g
            from ..h import i as j, k
            return a.b.z + e.y(x.w) + g + j.v + k + l.m.n + l
    """
    code = next(functions_in(compile(textwrap.dedent(source), "f", "exec")))
    found = mentions(code)
    assert found.paths["a"] == {("b", "z")}
    assert found.paths["e"] == {("y",)}
    assert found.paths["l"] == {("m", "n"), ()}
    assert found.global_names == {"l"}
    assert [(i.bound, i.module, i.attribute, i.level, i.top) for i in found.imports] == [
        ("a", "a.b", None, 0, True),
        ("e", "c.d", None, 0, False),
        ("g", "", "g", 1, False),
        ("j", "h", "i", 2, False),
        ("k", "h", "k", 2, False),
    ]
