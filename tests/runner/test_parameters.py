"""A pipeline's parameters, from a command line and a file, typed by its signature."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Optional

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.errors import UsageError
from dure.runner.parameters import convert, from_command_line, usage
from dure.runner.pipeline import Pipeline, pipeline


class Color(enum.Enum):
    RED = "red"
    TWO = 2


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


@pipeline
def taxi(
    data: str,
    trials: int = 10,
    rate: float = 0.1,
    shuffle: bool = True,
    folder: Path = Path("out"),
    mode: Literal["fast", "slow", 3] = "fast",
    color: Color = Color.RED,
    layers: list[int] = [8],  # noqa: B006 - as a user writes it
    seed: int | None = None,
    no_answer: bool = False,
) -> None:
    """Predict tips.

    The second line.
    """


def read(*words: str, target: Any = taxi, config: Path | None = None) -> dict[str, Any]:
    return from_command_line(target, words, config)


def one(name: str, *words: str) -> Any:
    return read("--data", "x", *words)[name]


@pytest.mark.parametrize(
    ("words", "name", "expected"),
    [
        ("--trials 5", "trials", 5),
        ("--trials=5", "trials", 5),
        ("--trials -5", "trials", -5),
        ("--rate 1e-3", "rate", 1e-3),
        ("--rate 2", "rate", 2.0),
        ("--rate inf", "rate", float("inf")),
        ("--shuffle", "shuffle", True),
        ("--shuffle --trials 5", "shuffle", True),
        ("--no-shuffle", "shuffle", False),
        ("--no-shuffle --trials 5", "shuffle", False),
        ("--shuffle=false", "shuffle", False),
        ("--shuffle false", "shuffle", False),
        ("--shuffle yes", "shuffle", True),
        ("--shuffle=0", "shuffle", False),
        ("--folder a/b", "folder", Path("a/b")),
        ("--mode slow", "mode", "slow"),
        ("--mode 3", "mode", 3),
        ("--color red", "color", Color.RED),
        ("--color RED", "color", Color.RED),
        ("--color 2", "color", Color.TWO),
        ("--layers 1,2,3", "layers", [1, 2, 3]),
        ("--layers=7", "layers", [7]),
        ("--layers=", "layers", []),
        ("--seed 3", "seed", 3),
        ("--seed none", "seed", None),
        ("--seed None", "seed", None),
        ("--no-answer", "no_answer", True),
        ("--no_answer", "no_answer", True),
        ("--no-no-answer", "no_answer", False),
    ],
)
def test_a_word_becomes_what_the_annotation_says(words: str, name: str, expected: object) -> None:
    value = one(name, *words.split())
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    "text",
    ["", " ", "a b", "none", "true", "5", "-", "-x", "=", "a=b", "--a", "[1]", "두레", "a,b"],
)
def test_a_text_is_taken_as_it_is(text: str) -> None:
    assert read(f"--data={text}")["data"] == text
    if not text.startswith("--"):
        assert read("--data", text)["data"] == text


HINTS = {
    (Optional[str], "none"): None,  # noqa: UP045 - another class than str | None
    (str | None, "none"): None,
    (str | None, "x"): "x",
    (bool | None, "false"): False,
    (list[str], "a, b ,c"): ["a", "b", "c"],
    (list[float] | None, "1,2.5"): [1.0, 2.5],
    (list[float] | None, "none"): None,
    (tuple[int, ...], "1,2"): (1, 2),
    (tuple[int, str], "1,x"): (1, "x"),
    (set[int], "1,1,2"): {1, 2},
    (frozenset[str], "a"): frozenset("a"),
    (Sequence[int], "1,2"): [1, 2],
    (list[Color], "red,TWO"): [Color.RED, Color.TWO],
    (list[Path], "a,b"): [Path("a"), Path("b")],
    (list[bool], "true,no"): [True, False],
    (list, "a,b"): ["a", "b"],
    (dict[str, float], '{"train": 2}'): {"train": 2.0},
    (Mapping[str, int], '{"a": 1}'): {"a": 1},
    (Level, "2"): Level.HIGH,
    (Level, "HIGH"): Level.HIGH,
    (Literal["a", 1], "1"): 1,
    (Literal["a"] | None, "none"): None,
    (int | str, "x"): "x",
    (int | float, "2.5"): 2.5,
    (dt.date, "2024-01-31"): dt.date(2024, 1, 31),
    (Annotated[int, "a remark"], "3"): 3,
    (Any, "3"): "3",
}


@pytest.mark.parametrize(("hint", "text"), HINTS, ids=str)
def test_a_text_becomes_what_the_hint_says(hint: Any, text: str) -> None:
    value = convert(text, hint, "x")
    assert value == HINTS[hint, text]
    assert type(value) is type(HINTS[hint, text])


@given(st.lists(st.integers(), max_size=5))
def test_a_list_of_numbers_is_written_with_commas(numbers: list[int]) -> None:
    assert convert(",".join(map(str, numbers)), list[int], "x") == numbers


@given(st.floats(allow_nan=False))
def test_a_number_is_read_as_python_writes_it(number: float) -> None:
    assert convert(repr(number), float, "x") == number


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("--trials five", "int"),
        ("--trials 5.5", "int"),
        ("--trials=", "int"),
        ("--trials none", "int"),
        ("--rate x", "float"),
        ("--shuffle maybe", "bool"),
        ("--mode medium", "Literal['fast', 'slow', 3]"),
        ("--color green", "Color"),
        ("--layers 1,x", "list[int]"),
        ("--seed x", "int | None"),
    ],
)
def test_an_ill_typed_word_is_refused_with_its_place(words: str, expected: str) -> None:
    name = words[2:].replace("=", " ").split()[0]
    with pytest.raises(UsageError, match="has the wrong type") as caught:
        one(name, *words.split())
    assert caught.value.what == f"parameter '{name}' on the command line has the wrong type"
    assert caught.value.expected == expected
    text = words.replace("=", " ").partition(" ")[2]
    assert (caught.value.got or "").startswith(repr(text))


def test_a_type_that_text_cannot_make_is_refused_in_words() -> None:
    class Table:
        pass

    with pytest.raises(UsageError, match="cannot be given as text") as caught:
        convert("x", Table, "parameter 'table'")
    assert caught.value.got == "Table"
    assert "plain type" in (caught.value.expected or "")


def test_dashes_and_underscores_are_the_same() -> None:
    @pipeline
    def other(batch_size: int) -> None:
        """Do nothing."""

    assert read("--batch-size", "3", target=other) == {"batch_size": 3}
    assert read("--batch_size=3", target=other) == {"batch_size": 3}


@pytest.mark.parametrize("word", ["--trails", "--trails=5", "--Trials"])
def test_an_unknown_parameter_is_refused_with_the_nearest_name(word: str) -> None:
    with pytest.raises(UsageError, match="has no parameter") as caught:
        read("--data", "x", word, "5") if "=" not in word else read("--data", "x", word)
    assert "did you mean 'trials'?" in (caught.value.fix or "")
    assert "on the command line" in str(caught.value)


def test_missing_parameters_are_all_named() -> None:
    @pipeline
    def other(data_path: str, target: str, trials: int = 1) -> None:
        """Do nothing."""

    with pytest.raises(UsageError, match="needs a value for 'data_path', 'target'") as caught:
        read(target=other)
    assert caught.value.fix == "--data-path VALUE --target VALUE"


@pytest.mark.parametrize(
    "words",
    [
        "--trials 1 --trials 2",
        "--trials=1 --trials 1",
        "--shuffle --no-shuffle",
        "--no-answer --no_answer",
    ],
)
def test_a_parameter_given_twice_is_refused(words: str) -> None:
    with pytest.raises(UsageError, match="is given twice") as caught:
        one("data", *words.split())
    assert words in (caught.value.got or "")


@pytest.mark.parametrize("words", ["5", "-t 5", "--", "--trials 5 6", "-"])
def test_a_word_out_of_place_is_refused(words: str) -> None:
    with pytest.raises(UsageError, match="is not understood") as caught:
        one("data", *words.split())
    assert caught.value.expected == "--parameter value"


@pytest.mark.parametrize("words", ["--trials", "--trials --rate 5", "--folder --"])
def test_a_parameter_without_its_value_is_refused(words: str) -> None:
    with pytest.raises(UsageError, match="has no value") as caught:
        one("data", *words.split())
    option = words.split(maxsplit=1)[0]
    assert f"{option} VALUE" in (caught.value.fix or "")
    assert f"{option}=VALUE" in (caught.value.fix or "")


def test_without_an_annotation_the_default_says_the_type() -> None:
    @pipeline
    def loose(
        data,
        trials=10,
        rate=0.5,
        shuffle=False,
        folder=Path("a"),
        layers=[1],  # noqa: B006 - as a user writes it
        color=Color.RED,
        none=None,
    ):  # type: ignore[no-untyped-def]
        """Do nothing."""

    words = "--data 5 --trials 5 --rate 1 --shuffle --folder b --layers 2,3 --color TWO --none 5"
    found = read(*words.split(), target=loose)
    assert found == {
        "data": "5",
        "trials": 5,
        "rate": 1.0,
        "shuffle": True,
        "folder": Path("b"),
        "layers": [2, 3],
        "color": Color.TWO,
        "none": "5",
    }
    assert type(found["rate"]) is float
    assert read("--data=x", "--no-shuffle", target=loose)["shuffle"] is False
    with pytest.raises(UsageError, match="wrong type"):
        read("--data=x", "--trials", "x", target=loose)


def test_without_an_annotation_a_value_in_a_file_is_kept_as_it_is(tmp_path: Path) -> None:
    @pipeline
    def loose(data, trials=10):  # type: ignore[no-untyped-def]
        """Do nothing."""

    config = tmp_path / "c.toml"
    config.write_text("data = [1, 2.5]\ntrials = 3\n")
    assert read(target=loose, config=config) == {"data": [1, 2.5], "trials": 3}


def test_a_file_gives_parameters_and_the_command_line_wins(tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text(
        'data = "trips.csv"\ntrials = 3\nrate = 1\nshuffle = false\nfolder = "a"\n'
        'mode = 3\ncolor = "red"\nlayers = [1, 2]\nseed = 7\nno-answer = true\n'
    )
    expected = {
        "data": "trips.csv",
        "trials": 3,
        "rate": 1.0,
        "shuffle": False,
        "folder": Path("a"),
        "mode": 3,
        "color": Color.RED,
        "layers": [1, 2],
        "seed": 7,
        "no_answer": True,
    }
    assert read(config=config) == expected
    words = ["--trials", "5", "--shuffle", "--layers=9"]
    changed = {"trials": 5, "shuffle": True, "layers": [9]}
    assert read(*words, config=config) == {**expected, **changed}


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("trials = true", "parameter 'trials' in {config} has the wrong type"),
        ("trials = 2.5", "parameter 'trials' in {config} has the wrong type"),
        ('trials = "x"', "parameter 'trials' in {config} has the wrong type"),
        ("data = 3", "parameter 'data' in {config} has the wrong type"),
        ("data = true", "parameter 'data' in {config} has the wrong type"),
        ("rate = false", "parameter 'rate' in {config} has the wrong type"),
        ('layers = ["x"]', "parameter 'layers' in {config} has the wrong type"),
        ("trails = 3", "pipeline 'taxi' has no parameter 'trails', given in {config}"),
        ("[table]\nx = 1", "pipeline 'taxi' has no parameter 'table', given in {config}"),
        ("no-answer = true\nno_answer = true", "parameter 'no_answer' is given twice in {config}"),
        ("trials = ", "the file {config} is no TOML"),
        ("trials = 1\ntrials = 2", "the file {config} is no TOML"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_its_name(
    line: str, what: str, tmp_path: Path
) -> None:
    config = tmp_path / "c.toml"
    config.write_text(("" if "data" in line else 'data = "x"\n') + line)
    with pytest.raises(UsageError) as caught:
        read(config=config)
    assert caught.value.what == what.format(config=config)


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read(config=tmp_path / "nowhere.toml")
    with pytest.raises(UsageError, match="cannot be read"):
        read(config=tmp_path)
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="is no TOML"):
        read(config=binary)


def test_what_is_given_nowhere_is_left_to_the_default() -> None:
    assert read("--data", "x") == {"data": "x"}


@pytest.mark.parametrize(
    ("value", "hint", "expected"),
    [
        (3, float, 3.0),
        (3.0, int, 3),
        ("3", int, 3),
        ([1, 2], tuple[int, ...], (1, 2)),
        (dt.date(2024, 1, 1), dt.date, dt.date(2024, 1, 1)),
        ({"train": 2}, dict[str, float], {"train": 2.0}),
        (True, bool, True),
        (True, Any, True),
        (np.int64(3), Any, np.int64(3)),
    ],
)
def test_a_value_of_a_file_becomes_what_the_hint_says(
    value: Any, hint: Any, expected: object
) -> None:
    found = convert(value, hint, "x")
    assert found == expected
    assert type(found) is type(expected)


def test_usage_shows_every_parameter_with_its_type_and_default() -> None:
    text = usage(taxi, "taxi.py")
    assert "dure run taxi.py" in text
    assert "Predict tips.\n\nThe second line." in text
    lines = {line.split()[0]: line for line in text.splitlines() if line.startswith("  --")}
    assert lines["--data"].split() == ["--data", "str", "required"]
    assert lines["--trials"].split() == ["--trials", "int", "default", "10"]
    assert "--no-answer" in lines
    empty: Pipeline[..., Any] = Pipeline(lambda: None, "empty")
    assert "takes no parameters" in usage(empty, "x.py")
