"""A result is reused when nothing has changed, and every answer has its reason in words."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.artifact import Artifact
from dure.runner import cache as cache_module
from dure.runner.cache import Cache, Found, KeyParts, differences, package_version, versions
from dure.runner.store import Store, Stored

PARTS = KeyParts(
    component="taxi.Train",
    settings={"epochs": ("d1", "5"), "rate": ("d2", "0.1")},
    inputs={"examples": "Examples:aa"},
    code={"taxi.build": "c1"},
    packages={"python": "3.11", "keras": "3.10.0"},
)

# Each change of the parts, and what is said about it.
CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "a component": ({"component": "taxi.Fit"}, "component changed: taxi.Train → taxi.Fit"),
    "a setting": (
        {"settings": {"epochs": ("d3", "10"), "rate": ("d2", "0.1")}},
        "setting epochs changed: 5 → 10",
    ),
    "the content behind a setting": (
        {"settings": {"epochs": ("d3", "5"), "rate": ("d2", "0.1")}},
        "setting epochs: the content of 5 changed",
    ),
    "a new setting": (
        {"settings": {**PARTS.settings, "seed": ("d4", "0")}},
        "setting seed is new: 0",
    ),
    "a setting less": (
        {"settings": {"epochs": ("d1", "5")}},
        "setting rate is gone (it was 0.1)",
    ),
    "an input": ({"inputs": {"examples": "Examples:bb"}}, "input examples changed"),
    "a new input": (
        {"inputs": {**PARTS.inputs, "schema": "Schema:cc"}},
        "input schema is new",
    ),
    "an input less": ({"inputs": {}}, "input examples is gone"),
    "code": ({"code": {"taxi.build": "c2"}}, "code taxi.build changed"),
    "new code": ({"code": {**PARTS.code, "taxi.helper": "c3"}}, "code taxi.helper is new"),
    "code less": ({"code": {}}, "code taxi.build is gone"),
    "a package": (
        {"packages": {"python": "3.11", "keras": "3.11.0"}},
        "package keras changed: 3.10.0 → 3.11.0",
    ),
    "python": (
        {"packages": {"python": "3.12", "keras": "3.10.0"}},
        "package python changed: 3.11 → 3.12",
    ),
}


class Number(Artifact):
    fault: ClassVar[str | Exception | None] = None

    def __init__(self, value: int) -> None:
        self.value = value

    def save(self, directory: Path) -> None:
        (directory / "value").write_text(str(self.value))

    @classmethod
    def load(cls, directory: Path) -> Self:
        return cls(int((directory / "value").read_text()))


class Released(Number):
    def problem(self) -> str | None:
        if isinstance(self.fault, Exception):
            raise self.fault
        return self.fault


@pytest.fixture
def staging(store: Store) -> Iterator[Path]:
    with store.staging("run-1") as folder:
        yield folder


@pytest.fixture
def cache(store: Store) -> Cache:
    return Cache(store)


@pytest.fixture
def stored(store: Store, staging: Path, cache: Cache) -> Stored:
    """Return an artifact that is in the cache under `PARTS`."""
    stored = store.publish(Number(3), staging)
    cache.put("taxi", "Train", PARTS, Found(stored, "run-1", "uid-1", "the number 3"))
    return stored


def ask(cache: Cache, parts: KeyParts = PARTS, kind: type[Artifact] = Number) -> Any:
    return cache.ask("taxi", "Train", parts, kind)


def test_the_first_time_a_step_has_not_run_before(cache: Cache) -> None:
    answer = ask(cache)
    assert answer.found is None
    assert answer.reasons == ("it has not run before",)


def test_the_same_parts_find_the_result(cache: Cache, stored: Stored) -> None:
    answer = ask(cache, KeyParts.from_dict(json.loads(json.dumps(PARTS.to_dict()))))
    assert answer.found == Found(stored, "run-1", "uid-1", "the number 3")
    assert answer.reasons == ("nothing changed since run run-1",)


@pytest.mark.parametrize("change", CHANGES)
def test_every_kind_of_difference_is_a_miss_and_is_said(
    change: str, cache: Cache, stored: Stored
) -> None:
    fields, reason = CHANGES[change]
    parts = replace(PARTS, **fields)
    assert parts.key != PARTS.key
    assert differences(PARTS, parts) == [reason]
    answer = ask(cache, parts)
    assert answer.found is None
    assert answer.reasons == (reason,)


def test_several_differences_are_all_said() -> None:
    parts = replace(PARTS, **CHANGES["a setting"][0], **CHANGES["code"][0])
    assert differences(PARTS, parts) == [
        "setting epochs changed: 5 → 10",
        "code taxi.build changed",
    ]
    assert differences(PARTS, PARTS) == []


TEXT = st.text("ab:", max_size=2)
TABLE = st.dictionaries(TEXT, TEXT, max_size=2)
ANY_PARTS = st.builds(
    KeyParts,
    component=TEXT,
    settings=st.dictionaries(TEXT, st.tuples(TEXT, TEXT), max_size=2),
    inputs=TABLE,
    code=TABLE,
    packages=TABLE,
)


def without_texts(parts: KeyParts) -> tuple[Any, ...]:
    digests = {name: digest for name, (digest, _) in parts.settings.items()}
    return (parts.component, digests, parts.inputs, parts.code, parts.packages)


@given(ANY_PARTS, ANY_PARTS)
def test_two_keys_are_equal_exactly_when_their_parts_are(one: KeyParts, two: KeyParts) -> None:
    assert (one.key == two.key) == (without_texts(one) == without_texts(two))
    assert (differences(one, two) == []) == (without_texts(one) == without_texts(two))


def test_how_a_setting_reads_does_not_enter_the_key() -> None:
    words = replace(PARTS, settings={"epochs": ("d1", "five"), "rate": ("d2", "0.1")})
    assert words.key == PARTS.key


def test_a_deleted_artifact_is_a_miss_that_says_so(
    cache: Cache, store: Store, stored: Stored
) -> None:
    store.remove(stored)
    answer = ask(cache)
    assert answer.found is None
    assert answer.reasons == ("the result of run run-1 is not usable: its files are gone",)
    assert cache.last("taxi", "Train") is None


def test_a_damaged_artifact_is_a_miss_that_says_so(cache: Cache, stored: Stored) -> None:
    (stored.path / "value").write_text("4")
    (reason,) = ask(cache).reasons
    assert reason == (
        "the result of run run-1 is not usable: its files have changed since they were written"
    )
    assert cache.last("taxi", "Train") is None


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (None, "nothing changed since run run-1"),
        ("it was taken back", "the result of run run-1 is not usable: it was taken back"),
        (
            OSError("no such disk"),
            "the result of run run-1 is not usable: it could not be asked (OSError: no such disk)",
        ),
    ],
)
def test_what_an_artifact_says_about_itself_is_honoured(
    fault: str | Exception | None,
    reason: str,
    cache: Cache,
    store: Store,
    staging: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Number, "fault", fault)
    made = store.publish(Released(3), staging)
    cache.put("taxi", "Train", PARTS, Found(made, "run-1", "uid-1", ""))
    answer = ask(cache, kind=Released)
    assert answer.reasons == (reason,)
    assert (answer.found is None) == (fault is not None)


def test_a_component_that_makes_something_else_now_is_a_miss(cache: Cache, stored: Stored) -> None:
    answer = ask(cache, kind=Released)
    assert answer.found is None
    assert answer.reasons == ("it makes a Released now, not a Number",)


def test_the_last_result_is_found_whatever_its_key(cache: Cache, stored: Stored) -> None:
    found = cache.last("taxi", "Train")
    assert found is not None
    assert found.stored == stored
    assert cache.last("taxi", "Other") is None
    assert cache.last("other", "Train") is None


def test_going_back_to_an_old_setting_finds_the_old_result(
    cache: Cache, store: Store, staging: Path, stored: Stored
) -> None:
    parts = replace(PARTS, **CHANGES["a setting"][0])
    newer = store.publish(Number(4), staging)
    cache.put("taxi", "Train", parts, Found(newer, "run-2", "uid-2", ""))
    last = cache.last("taxi", "Train")
    assert last is not None
    assert last.stored == newer
    assert ask(cache).found.stored == stored
    cache.touch("taxi", "Train", PARTS)
    last = cache.last("taxi", "Train")
    assert last is not None
    assert last.stored == stored


def test_a_result_is_found_by_another_pipeline_with_the_same_parts(
    cache: Cache, stored: Stored
) -> None:
    assert cache.ask("other", "Step-2", PARTS, Number).found.stored == stored  # type: ignore[union-attr]


def test_what_is_forgotten_is_not_found(cache: Cache, store: Store, stored: Stored) -> None:
    cache.forget([Stored("Number", "0" * 32, Path("x"))])
    assert ask(cache).found is not None
    cache.forget([stored])
    assert ask(cache).reasons == ("it has not run before",)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", "3", '{"type": "Number"}', '{"run": null}']
)
def test_an_index_that_makes_no_sense_is_a_miss_and_no_error(
    content: str, cache: Cache, store: Store, stored: Stored
) -> None:
    for path in (store.root / "cache").rglob("*.json"):
        path.write_text(content)
    assert ask(cache).reasons == ("it has not run before",)
    assert cache.last("taxi", "Train") is None
    cache.touch("taxi", "Train", PARTS)
    cache.forget([stored])


def test_an_entry_that_was_lost_is_said(cache: Cache, store: Store, stored: Stored) -> None:
    for path in (store.root / "cache" / "keys").rglob("*.json"):
        path.unlink()
    assert ask(cache).reasons == ("its entry in the cache is gone",)


def test_another_way_to_make_keys_is_said(
    cache: Cache, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_module, "FORMAT", cache_module.FORMAT + 1)
    assert ask(cache).reasons == ("this version of Dure makes keys in another way",)


@pytest.mark.parametrize(
    "name", ["a/b", "..", ".", "", "두레" * 40, "x" * 300, "a b%2F", "A", "a", "\ud800".join("ab")]
)
def test_any_name_of_a_pipeline_or_step_can_be_kept(
    name: str, cache: Cache, store: Store, staging: Path
) -> None:
    stored = store.publish(Number(3), staging)
    for pipeline, step in ((name, "step"), ("pipeline", name)):
        cache.put(pipeline, step, PARTS, Found(stored, "run-1", "uid-1", ""))
        assert cache.last(pipeline, step) is not None
    everything = [path for path in (store.root / "cache").rglob("*") if path.is_file()]
    assert {path.suffix for path in everything} == {".json"}


def test_names_that_differ_are_kept_apart(cache: Cache, store: Store, staging: Path) -> None:
    stored = store.publish(Number(3), staging)
    names = ["a/b", "a%2Fb", "x" * 300, "x" * 301, "..", "."]
    for name in names:
        cache.put("p", name, PARTS, Found(stored, name, "uid", ""))
    for name in names:
        assert cache.last("p", name).run == name  # type: ignore[union-attr]


PUT = """
    import sys
    from pathlib import Path
    from dure.runner.cache import Cache, Found, KeyParts
    from dure.runner.store import Store
    store = Store(Path(sys.argv[1]))
    cache, stored = Cache(store), store.locate("Number", sys.argv[2])
    parts = [KeyParts("c", {"i": (str(i), "")}, {}, {}, {}) for i in range(5)]
    sys.stdin.readline()
    for turn in range(60):
        cache.put("p", "s", parts[turn % 5], Found(stored, sys.argv[3], "uid", ""))
        cache.touch("p", "s", parts[0])
"""


def test_processes_that_put_the_same_keys_leave_a_whole_index(
    cache: Cache, store: Store, stored: Stored
) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(PUT), store.root, stored.digest, f"run-{i}"],
            stdin=subprocess.PIPE,
            text=True,
        )
        for i in range(3)
    ]
    parts = KeyParts("c", {"i": ("0", "")}, {}, {}, {})
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    while any(process.poll() is None for process in processes):
        cache.ask("p", "s", parts, Number)  # never an error
        for path in (store.root / "cache").glob("*/*/*.json"):
            json.loads(path.read_text())
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait() == 0
    for index in range(5):
        found = cache.ask("p", "s", KeyParts("c", {"i": (str(index), "")}, {}, {}, {}), Number)
        assert found.found is not None
    assert [p for p in (store.root / "cache").rglob(".*") if p.is_file()] == []


def test_versions_are_those_of_python_and_of_what_is_declared() -> None:
    found = versions(("pytest", "no-such-package"))
    assert found == {
        "python": ".".join(platform.python_version_tuple()[:2]),
        "pytest": pytest.__version__,
        "no-such-package": "not installed",
    }
    assert package_version("pytest") == pytest.__version__


def test_a_setting_that_became_an_input_is_said_once() -> None:
    without = KeyParts("c", {"previous": ("a", "None")}, {}, {}, {})
    with_input = KeyParts("c", {}, {"previous": "Statistics:1"}, {}, {})
    assert differences(without, with_input) == ["input previous is new"]
    assert differences(with_input, without) == ["input previous is gone"]
