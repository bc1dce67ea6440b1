"""Heavy packages that a pipeline file imports are really imported when they are used."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from dure.runner.lazy import HEAVY, lazily, settle

# Stand-ins that say when they are really imported.
KERAS = "print('keras is loaded')\nimport keras.layers as layers\nversion = 3\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras/__init__.py").write_text(KERAS)
    (tmp_path / "keras/layers.py").write_text("class Dense: pass\n")
    (tmp_path / "tensorflow.py").write_text("import time\ntime.sleep(0.3)\nconstant = 1\n")
    (tmp_path / "other.py").write_text("import keras\nimport keras as k\n")
    return tmp_path


def run(folder: Path, script: str) -> list[str]:
    head = "import sys, types, threading\nfrom dure.runner.lazy import lazily, settle\n"
    done = subprocess.run(
        [sys.executable, "-c", head + textwrap.dedent(script)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_heavy_package_is_loaded_when_something_in_it_is_used(project: Path) -> None:
    script = """
        with lazily():
            import keras
        print("imported")
        print(keras.version, keras.layers.Dense.__name__, type(keras) is types.ModuleType)
    """
    assert run(project, script) == ["imported", "keras is loaded", "3 Dense True"]


def test_a_second_file_that_imports_it_does_not_load_it(project: Path) -> None:
    script = """
        with lazily():
            import keras
            import other
        import other as again
        print("imported")
        assert other.keras is keras is other.k
        print(other.k.version)
    """
    assert run(project, script) == ["imported", "keras is loaded", "3"]


def test_taking_a_name_out_of_it_loads_it_at_once(project: Path) -> None:
    script = """
        with lazily():
            from keras import layers
        print("imported", layers.Dense.__name__)
    """
    assert run(project, script) == ["keras is loaded", "imported Dense"]


def test_settling_loads_only_what_is_named_and_was_imported(project: Path) -> None:
    script = """
        with lazily():
            import keras, tensorflow
        settle({"tensorflow", "numpy", "polars"})
        print(type(tensorflow) is types.ModuleType, type(keras) is types.ModuleType)
        settle({"keras"})
        settle({"keras"})
        print(type(keras) is types.ModuleType, "numpy" in sys.modules)
    """
    assert run(project, script) == ["True False", "keras is loaded", "True False"]


def test_many_threads_settle_at_once_and_each_sees_the_whole_module(project: Path) -> None:
    script = """
        with lazily():
            import tensorflow
        found = []
        def use():
            settle({"tensorflow"})
            found.append(tensorflow.constant)
        threads = [threading.Thread(target=use) for _ in range(8)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        print(found == [1] * 8)
    """
    assert run(project, script) == ["True"]


def test_another_thread_imports_as_usual(project: Path) -> None:
    script = """
        def use():
            import keras
            print(type(keras) is types.ModuleType)
        with lazily():
            thread = threading.Thread(target=use)
            thread.start()
            thread.join()
    """
    assert run(project, script) == ["keras is loaded", "True"]


def test_a_package_that_is_not_there_is_missed_at_its_import(tmp_path: Path) -> None:
    script = """
        with lazily():
            try:
                import keras_of_nobody
            except ImportError as error:
                print(error)
    """
    assert run(tmp_path, script) == ["No module named 'keras_of_nobody'"]


def test_the_importer_is_put_back_even_after_an_error() -> None:
    before = list(sys.meta_path)

    def fail() -> None:
        with lazily():
            assert len(sys.meta_path) == len(before) + 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert sys.meta_path == before
    assert frozenset({"keras", "tensorflow"}) == HEAVY


def test_settling_what_was_never_imported_does_nothing() -> None:
    before = set(sys.modules)
    thread = threading.Thread(target=settle, args=(HEAVY - before,))
    thread.start()
    thread.join()
    assert set(sys.modules) == before
