"""A call taken apart: its inputs, its settings, and the code that it reaches."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Annotated, Any, Self

import pytest

from dure.artifact import Artifact
from dure.errors import FingerprintError, UsageError
from dure.runner.call import Call, fill, handles_in, source_digest, take_apart
from dure.runner.component import Content, Source, component
from dure.runner.handle import Handle, resolved, value_of
from dure.runner.store import Store, Stored


class Number(Artifact):
    def __init__(self, value: int) -> None:
        self.value = value

    def save(self, directory: Path) -> None:
        (directory / "value").write_text(str(self.value))

    @classmethod
    def load(cls, directory: Path) -> Self:
        return cls(int((directory / "value").read_text()))


class Text(Number):
    pass


class Plain(Number):
    pass


@component
def Add(number: Number, more: int = 0, note: Any = None) -> Number:
    return Number(number.value + more)


@component
def Sum(numbers: list[Number], more: Any = None) -> Number:
    return Number(sum(n.value for n in numbers if n is not None))


@component
def Either(number: Text | Plain) -> Number:
    return Number(1)


@component
def Loose(things: list[Any]) -> Number:
    return Number(1)


@component
def Read(data: Source) -> Number:
    return Number(1)


def handle(value: int = 1, kind: type[Artifact] = Number) -> Handle:
    return resolved(f"step-{value}", kind, Stored(kind.__name__, f"{value:032}", Path("nowhere")))


def keep(role: str, value: Artifact) -> Handle:
    assert isinstance(value, Number)
    return handle(value.value)


def call(target: Any, *args: Any, **kwargs: Any) -> Call:
    return take_apart(target, args, kwargs, keep)


def key(made: Call) -> str:
    return made.parts(
        {role: item._dure_future.result().uid for role, item in made.inputs.items()}
    ).key


def test_handles_are_inputs_and_the_rest_are_settings() -> None:
    number = handle()
    made = call(Add, number, more=3)
    assert made.inputs == {"number": number}
    assert {name: text for name, (_, text) in made.settings.items()} == {
        "more": "3",
        "note": "None",
    }
    assert made.opaque == ()
    assert all(name.startswith(__name__) for name in made.code)
    assert {f"{__name__}.Add", f"{__name__}.Number"} <= set(made.code)


def test_a_default_and_the_same_value_given_are_one_call() -> None:
    assert key(call(Add, handle())) == key(call(Add, number=handle(), more=0, note=None))


@pytest.mark.parametrize(
    "changed",
    [
        lambda: call(Add, handle(2)),
        lambda: call(Add, handle(), 1),
        lambda: call(Add, handle(), 0.0),
        lambda: call(Add, handle(), note=[]),
        lambda: call(Add.options(packages=("pytest",)), handle()),
        lambda: call(Sum, [handle()]),
    ],
)
def test_what_differs_has_another_key(changed: Callable[[], Call]) -> None:
    assert key(changed()) != key(call(Add, handle()))


def test_how_a_step_is_run_does_not_enter_its_key() -> None:
    other = Add.options(name="other", retries=3, timeout=9.0, backoff=0.1, cache=False)
    assert key(call(other, handle())) == key(call(Add, handle()))


def test_an_artifact_made_by_hand_is_kept_and_becomes_an_input() -> None:
    made = call(Add, Number(7))
    assert made.inputs["number"]._dure_step == "step-7"
    assert "number" not in made.settings
    assert list(call(Sum, [Number(1), handle(2)]).inputs) == ["numbers[0]", "numbers[1]"]


def test_none_in_place_of_an_artifact_is_a_setting() -> None:
    made = call(Add, None)
    assert made.inputs == {}
    assert made.settings["number"][1] == "None"


def test_a_list_of_artifacts_keeps_its_order_and_its_kind() -> None:
    one, two = handle(1), handle(2)
    made = call(Sum, [one, two])
    assert made.inputs == {"numbers[0]": one, "numbers[1]": two}
    assert "numbers" not in made.settings
    assert key(made) != key(call(Sum, [two, one]))
    assert isinstance(call(Sum, (one, two)).arguments["numbers"], tuple)
    assert call(Sum, []).inputs == {}


def test_what_stands_beside_artifacts_in_a_list_counts() -> None:
    made = {
        key(call(Loose, things))
        for things in (
            [handle()],
            [handle(), None],
            [None, handle()],
            [handle(), 3],
            [handle(), 4],
            [handle(), "3"],
        )
    }
    assert len(made) == 6


@pytest.mark.parametrize(
    "hidden",
    [
        lambda item: {"a": item},
        lambda item: [[item]],
        lambda item: {"a": [1, (2, {"b": item})]},
        lambda item: [item, [item]],
    ],
)
def test_an_artifact_where_nobody_would_look_for_it_is_refused(
    hidden: Callable[[Any], Any],
) -> None:
    pending = Handle("late", Number, Future())  # must not be waited for
    for item in (pending, Number(1)):
        with pytest.raises(UsageError, match="parameter 'note' holds an artifact") as caught:
            call(Add, handle(), note=hidden(item))
        assert "Number" in (caught.value.got or "")
        assert "parameter of its own" in (caught.value.fix or "")


def test_a_setting_may_contain_itself() -> None:
    ring: list[Any] = [1]
    ring.append(ring)
    other: list[Any] = [2]
    other.append(other)
    assert key(call(Add, handle(), note=ring)) != key(call(Add, handle(), note=other))


@pytest.mark.parametrize(
    ("argument", "got"),
    [
        (lambda: 3, "int 3"),
        (lambda: "a.csv", "str 'a.csv'"),
        (lambda: handle(1, Text), "Text"),
        (lambda: Text(3), "Text"),
    ],
)
def test_a_plain_value_or_another_artifact_is_refused_where_one_is_expected(
    argument: Callable[[], Any], got: str
) -> None:
    @component
    def Wants(number: Plain) -> Number:
        return number

    with pytest.raises(UsageError, match="parameter 'number'") as caught:
        take_apart(Wants, (argument(),), {}, lambda _, value: handle(1, type(value)))
    assert caught.value.expected == "a Plain, as another component returns it"
    assert caught.value.got == got
    assert "Plain.load(folder)" in (caught.value.fix or "")


def test_any_kind_of_a_union_is_accepted_and_no_other() -> None:
    for kind in (Text, Plain):
        assert call(Either, handle(1, kind)).inputs
    with pytest.raises(UsageError, match="parameter 'number'") as caught:
        call(Either, handle(1, Number))
    assert caught.value.expected == "a Text or Plain, as another component returns it"


def test_each_item_of_a_list_is_checked() -> None:
    with pytest.raises(UsageError, match="parameter 'numbers'") as caught:
        call(Sum, [handle(), 3])
    assert caught.value.got == "int 3"


def test_a_setting_without_a_digest_names_component_and_parameter() -> None:
    with pytest.raises(FingerprintError, match="setting 'note' of component Add") as caught:
        call(Add, handle(), note=(i for i in "ab"))
    assert "generator" in caught.value.what
    assert caught.value.fix


def test_a_step_that_reaches_something_without_a_digest_says_why() -> None:
    source = (i for i in "ab")

    @component
    def Uses(x: int = 0) -> Number:
        return Number(next(source))  # type: ignore[arg-type]

    (reason,) = call(Uses).opaque
    assert "source of" in reason
    assert "generator" in reason


def test_the_users_artifact_class_counts_even_where_only_the_annotation_names_it() -> None:
    def helper() -> Any:
        raise NotImplementedError

    @component
    def Makes() -> Plain:
        return helper()  # type: ignore[no-any-return]

    code = call(Makes).code
    assert f"{__name__}.Plain" in code
    assert f"{__name__}.Number.save" in code


def test_a_function_given_as_a_setting_is_walked() -> None:
    def build(x: int) -> int:
        return _helper(x)

    made = call(Add, handle(), note=build)
    assert f"{__name__}._helper" in made.code
    assert made.settings["note"][1].endswith("build")


def _helper(x: int) -> int:
    return x + 1


def test_running_fills_the_artifacts_in() -> None:
    assert call(Add, handle(), 3).run({"number": Number(4)}).value == 7
    values = {"numbers[0]": Number(1), "numbers[2]": Number(2)}
    assert call(Sum, [handle(), None, handle()]).run(values).value == 3


def test_filling_looks_at_roles() -> None:
    one, two = handle(1), handle(2)
    assert fill(one, "a", {"a": 1}) == 1
    assert fill([one, 5, two], "a", {"a[0]": 1, "a[2]": 2}) == [1, 5, 2]
    assert fill((one,), "a", {"a[0]": 1}) == (1,)
    assert fill({"b": 1}, "a", {}) == {"b": 1}
    assert handles_in({"a": one, "b": [two, 3], "c": 4}) == [("a", one), ("b[0]", two)]


# --- files ----------------------------------------------------------------------------------------


def test_a_file_counts_by_its_bytes_and_ending_not_by_its_place(tmp_path: Path) -> None:
    for name, text in [("a.csv", "x"), ("b.csv", "x"), ("a.txt", "x"), ("c.csv", "y")]:
        (tmp_path / name).write_text(text)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.csv").write_text("x")
    digest = source_digest(tmp_path / "a.csv")
    assert source_digest(str(tmp_path / "b.csv")) == digest
    assert source_digest(tmp_path / "deep" / "a.csv") == digest
    assert source_digest(tmp_path / "a.txt") != digest
    assert source_digest(tmp_path / "c.csv") != digest


def test_a_folder_counts_by_names_and_bytes_not_by_its_place(tmp_path: Path) -> None:
    def folder(name: str, **files: str) -> str:
        for file, text in files.items():
            (tmp_path / name / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / file).write_text(text)
        return source_digest(tmp_path / name)

    digest = folder("one", a="x", b="y")
    assert folder("two", b="y", a="x") == digest
    assert folder("three", a="y", b="x") != digest
    assert folder("four", a="x", c="y") != digest
    assert folder("five", a="x") != digest
    assert folder("six", a="xb", b="y") != digest


def test_a_glob_counts_what_it_matches(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv", "c.txt", "deep/d.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    digest = source_digest(tmp_path / "*.csv")
    (tmp_path / "c.txt").write_text("other")
    (tmp_path / "deep" / "d.csv").write_text("other")
    assert source_digest(f"{tmp_path}/*.csv") == digest
    assert source_digest(f"{tmp_path}/**/*.csv") != digest
    (tmp_path / "e.csv").write_text("")
    assert source_digest(tmp_path / "*.csv") != digest


def test_a_list_of_files_counts_by_what_each_holds(tmp_path: Path) -> None:
    one, two = tmp_path / "a.csv", tmp_path / "b.csv"
    one.write_text("x")
    two.write_text("y")
    digest = source_digest([str(one), two])
    assert source_digest((one, str(two))) == digest
    assert source_digest([two, one]) != digest
    two.write_text("z")
    assert source_digest([str(one), two]) != digest


@pytest.mark.parametrize(
    "value",
    ["nowhere.csv", "no*.csv", "", "s3://bucket/a", "SELECT " + "x, " * 500, "a\0b", "\ud800"],
)
def test_what_is_no_file_has_a_digest_that_says_so(
    value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert source_digest(value) == source_digest(value)
    assert source_digest(value) != source_digest(value + "x")


def test_a_file_that_cannot_be_read_is_left_to_the_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("x")
    readable = source_digest(path)

    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "no")

    monkeypatch.setattr("dure.runner.call.digest_file", refuse)
    assert source_digest(path) != readable


def test_a_table_in_memory_counts_by_its_value() -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"a": [1, 2], "b": ["x", None]})
    digest = source_digest(frame)
    assert source_digest(frame.clone()) == digest
    assert source_digest(frame.with_columns(a=polars.lit(1))) != digest
    assert source_digest(frame.rename({"a": "c"})) != digest
    assert source_digest({"a": [1, 2]}) != source_digest({"a": [1, 3]})


def test_moving_the_data_keeps_the_key_and_changing_it_does_not(tmp_path: Path) -> None:
    one, two = tmp_path / "a.csv", tmp_path / "b.csv"
    one.write_text("x")
    before = call(Read, str(one))
    one.rename(two)
    after = call(Read, str(two))
    assert key(after) == key(before)
    assert after.settings["data"][1].endswith("b.csv'")
    assert len(after.settings["data"][1]) <= 60
    assert call(Read, "b.csv").settings["data"][1] == "'b.csv'"
    two.write_text("y")
    assert key(call(Read, str(two))) != key(before)


def test_the_handle_of_an_artifact_made_by_hand_loads_it(store: Store) -> None:
    with store.staging("run-1") as staging:
        made = take_apart(
            Add,
            (Number(5),),
            {},
            lambda role, value: resolved(role, type(value), store.publish(value, staging)),
        )
        assert value_of(made.inputs["number"]).value == 5


def _stamped(stamps: dict[str, bytes]) -> Callable[[Any], bytes | None]:
    def state(value: Any) -> bytes | None:
        if "://" not in str(value):
            return None
        if value not in stamps:
            raise FingerprintError(f"nothing tells whether '{value}' has changed")
        return stamps[value]

    return state


def test_what_is_behind_a_url_counts_by_its_state() -> None:
    before = source_digest("s3://a/b", None, _stamped({"s3://a/b": b"1"}))
    assert source_digest("s3://a/b", None, _stamped({"s3://a/b": b"1"})) == before
    assert source_digest("s3://a/b", None, _stamped({"s3://a/b": b"2"})) != before


def test_sources_by_name_count_by_name_and_content(tmp_path: Path) -> None:
    one, two = tmp_path / "a.csv", tmp_path / "b.csv"
    one.write_text("x")
    two.write_text("y")
    digest = source_digest({"train": one, "eval": two})
    assert source_digest({"train": str(one), "eval": str(two)}) == digest
    assert source_digest({"train": two, "eval": one}) != digest
    assert source_digest({"train": one, "test": two}) != digest
    two.write_text("z")
    assert source_digest({"train": one, "eval": two}) != digest


def test_a_source_of_which_nothing_tells_is_never_reused() -> None:
    @component
    def Look(data: Annotated[Any, Content(_stamped({}))]) -> Number:
        return Number(1)

    made = call(Look, "postgresql://host/trips")
    assert any("setting 'data'" in why and "nothing tells" in why for why in made.opaque)
    assert made.changed_sources() == []
