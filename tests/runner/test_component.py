"""A component is a typed function: what it takes, what it makes, how it is run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Optional, Self

import pytest

from dure.artifact import Artifact
from dure.errors import UsageError
from dure.runner.component import Component, Options, Source, artifact_classes, component
from dure.runner.context import calling
from dure.runner.resources import Resources, resources


class Number(Artifact):
    def __init__(self, value: int = 0) -> None:
        self.value = value

    def save(self, directory: Path) -> None:
        (directory / "value").write_text(str(self.value))

    @classmethod
    def load(cls, directory: Path) -> Self:
        return cls(int((directory / "value").read_text()))


class Text(Number):
    pass


@component
def Add(left: Number, right: Optional[Number] = None, *, more: int = 0) -> Number:  # noqa: UP045 - as users write it too
    """Add two numbers."""
    return Number(left.value + (right.value if right else 0) + more)


def test_a_component_is_its_function_with_a_name_and_options() -> None:
    assert Add.__name__ == "Add"
    assert Add.__doc__ == "Add two numbers."
    assert Add.settings == Options(name="Add")
    assert Add.function(Number(1), Number(2), more=3).value == 6
    assert Add.output is Number
    assert Add.inputs == {"left": (Number,), "right": (Number,)}


def test_options_are_kept_and_can_be_changed_for_a_copy() -> None:
    @component(
        name="wide",
        packages=("numpy",),
        retries=2,
        backoff=0.5,
        timeout=3,
        resources=resources(cpu=2, memory="1G"),
        cache=False,
    )
    def Train() -> Number:
        return Number()

    assert Train.settings == Options(
        "wide", ("numpy",), 2, 0.5, 3, Resources(2, 0, 10**9), cache=False
    )
    other = Train.options(name="deep", retries=0, cache=True)
    assert other.function is Train.function
    assert other.settings == Options("deep", ("numpy",), 0, 0.5, 3, Resources(2, 0, 10**9))
    assert Train.settings.name == "wide"
    assert Train.options().settings == Train.settings


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("retries", -1, "0 or more"),
        ("backoff", -0.1, "0 seconds or more"),
        ("timeout", 0, "more than 0 seconds"),
        ("timeout", -1, "more than 0 seconds"),
        ("timeout", float("nan"), "more than 0 seconds"),
        ("packages", "numpy", "a tuple of names, such as ('numpy',)"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(option: str, value: Any, expected: str) -> None:
    for make in (component(**{option: value}), lambda f: component(f).options(**{option: value})):
        with pytest.raises(
            UsageError, match=f"option '{option}' of component f is wrong"
        ) as caught:
            make(_named_f())
        assert caught.value.expected == expected
        assert caught.value.got == repr(value)


def _named_f() -> Callable[..., Number]:
    def f() -> Number:
        return Number()

    return f


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        (Number, (Number,)),
        (Number | None, (Number,)),
        (Optional[Number], (Number,)),  # noqa: UP045 - another class than Number | None
        (Number | Text, (Number, Text)),
        (list[Number], (Number,)),
        (tuple[Number, ...], (Number,)),
        (Sequence[Number], (Number,)),
        (list[Number] | None, (Number,)),
        (Annotated[Number, "a remark"], (Number,)),
        (int, ()),
        (list[int], ()),
        (None, ()),
        (Any, ()),
        ("Number", ()),
    ],
)
def test_the_artifact_classes_in_an_annotation(hint: Any, expected: tuple[type, ...]) -> None:
    assert artifact_classes(hint) == expected


def test_what_names_files_is_known() -> None:
    @component
    def Read(data: Source, other: str = "x") -> Number:
        return Number()

    assert Read.source("data") is not None
    assert Read.source("other") is None
    assert Read.source("nothing") is None


def test_without_a_return_annotation_it_does_not_say_what_it_makes() -> None:
    made: Component[..., Any] = component(lambda: None)
    with pytest.raises(UsageError, match="does not say what it makes") as caught:
        _ = made.output
    assert caught.value.got == "no return annotation"


def test_a_return_annotation_that_is_no_artifact_is_refused() -> None:
    @component
    def Wrong() -> int:
        return 1

    with pytest.raises(UsageError, match="'-> Statistics'") as caught:
        _ = Wrong.output
    assert caught.value.got == "<class 'int'>"


def test_an_annotation_that_cannot_be_read_is_refused(load: Callable[..., ModuleType]) -> None:
    module = load(
        """
        from __future__ import annotations
        from dure.runner.component import component

        @component
        def Wrong(x: Missing) -> int: ...
        """
    )
    with pytest.raises(UsageError, match="annotation that cannot be read") as caught:
        _ = module.Wrong.output
    assert "Missing" in (caught.value.got or "")
    assert "top of the module" in (caught.value.fix or "")


def test_binding_fills_in_the_defaults() -> None:
    left = Number(1)
    assert Add.bind((left,), {}) == {"left": left, "right": None, "more": 0}
    assert Add.bind((), {"more": 2, "left": left}) == {"left": left, "right": None, "more": 2}


@pytest.mark.parametrize(
    ("args", "kwargs", "words", "fix"),
    [
        ((), {}, "missing a required argument: 'left'", None),
        ((1, 2, 3), {}, "too many positional arguments", None),
        ((1,), {"left": 1}, "multiple values for argument 'left'", None),
        ((1,), {"mroe": 1}, "unexpected keyword argument 'mroe'", "did you mean 'more'?"),
    ],
)
def test_a_wrong_call_shows_the_shape_of_a_right_one(
    args: tuple[int, ...], kwargs: dict[str, int], words: str, fix: str | None
) -> None:
    with pytest.raises(UsageError, match="component Add was called wrongly") as caught:
        Add.bind(args, kwargs)
    assert words in caught.value.what
    assert caught.value.expected == "Add(left, right=None, *, more=0)"
    assert (caught.value.fix or "").startswith(fix or "")


def test_a_call_is_answered_by_who_is_set_to_answer() -> None:
    class Answers:
        def call(self, *call: Any) -> Any:
            return call

    with calling(Answers()):
        assert Add(1, more=2) == (Add, (1,), {"more": 2})  # type: ignore[arg-type,comparison-overlap]
