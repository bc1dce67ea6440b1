"""KerasTuner's interface and defaults, given values, and what is refused."""

import json
import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.errors import UsageError
from dure.tune import HyperParameters


def ask(hp):
    return {
        "units": hp.Int("units", 16, 128, step=16),
        "rate": hp.Float("rate", 1e-4, 1e-1, sampling="log"),
        "activation": hp.Choice("activation", ["relu", "tanh"]),
        "dropout": hp.Boolean("dropout"),
        "depth": hp.Fixed("depth", 3),
    }


def test_defaults_are_kerastuners():
    hp = HyperParameters()
    expected = {"units": 16, "rate": 1e-4, "activation": "relu", "dropout": False, "depth": 3}
    assert ask(hp) == expected
    assert hp.values == expected
    assert hp.Int("given", 1, 9, default=5) == 5
    assert hp.Choice("second", [1.5, 2.5], default=2.5) == 2.5
    assert hp.Boolean("yes", default=True) is True


def test_given_values_take_the_place_of_defaults():
    given_values = {"units": 48, "rate": 0.01, "activation": "tanh", "dropout": True}
    hp = HyperParameters(given_values)
    assert ask(hp) == {**given_values, "depth": 3}
    hp.finish()


def test_a_value_is_got_by_name_like_a_mapping():
    hp = HyperParameters()
    ask(hp)
    assert hp.get("units") == hp["units"] == 16
    assert "units" in hp
    assert "unit" not in hp
    with pytest.raises(UsageError, match="no hyperparameter 'unit'") as caught:
        hp.get("unit")
    assert "did you mean 'units'" in caught.value.fix


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("units", 17, "an integer from 16 to 128 in steps of 16"),
        ("units", 144, "an integer from 16 to 128"),
        ("units", 16.5, "an integer from 16 to 128"),
        ("units", "16", "an integer from 16 to 128"),
        ("units", True, "an integer from 16 to 128"),
        ("rate", 1.0, "a number from 0.0001 to 0.1"),
        ("rate", math.nan, "a number from 0.0001 to 0.1"),
        ("activation", "elu", "one of 'relu', 'tanh'"),
        ("dropout", 1, "one of False, True"),
        ("depth", 4, "one of 3"),
    ],
)
def test_a_given_value_out_of_its_range_is_refused(name, value, expected):
    with pytest.raises(UsageError, match=f"'{name}' cannot have this value") as caught:
        ask(HyperParameters({name: value}))
    assert caught.value.expected == expected
    assert caught.value.got == repr(value)


def test_a_given_value_that_nobody_asks_for_is_refused_when_the_build_is_done():
    hp = HyperParameters({"unitss": 32})
    ask(hp)
    with pytest.raises(UsageError, match="no hyperparameter 'unitss'") as caught:
        hp.finish()
    assert "did you mean 'units'" in caught.value.fix


@pytest.mark.parametrize("value", [2, 4, 8, 16, 32])
def test_a_log_step_is_a_factor(value):
    assert HyperParameters({"b": value}).Int("b", 2, 32, step=2, sampling="log") == value


@pytest.mark.parametrize("value", [3, 6, 31])
def test_a_value_off_a_log_step_is_refused(value):
    with pytest.raises(UsageError, match="'b'"):
        HyperParameters({"b": value}).Int("b", 2, 32, step=2, sampling="log")


@given(st.integers(-50, 50), st.integers(0, 40), st.integers(1, 7), st.integers(-60, 100))
def test_a_linear_step_allows_what_range_holds(low, width, step, value):
    hp = HyperParameters({"n": value})
    if value in range(low, low + width + 1, step):
        assert hp.Int("n", low, low + width, step=step) == value
    else:
        with pytest.raises(UsageError):
            hp.Int("n", low, low + width, step=step)


def test_what_is_conditional_is_none_until_its_parent_has_the_value():
    def build(hp):
        kind = hp.Choice("kind", ["mlp", "cnn"])
        with hp.conditional_scope("kind", ["cnn"]):
            filters = hp.Int("filters", 8, 64)
        units = hp.Int("units", 1, 9, parent_name="kind", parent_values="mlp")
        return kind, filters, units

    hp = HyperParameters()
    assert build(hp) == ("mlp", None, 1)
    assert hp.values == {"kind": "mlp", "units": 1}
    assert hp.is_active("units")
    assert not hp.is_active("filters")
    assert build(HyperParameters({"kind": "cnn", "filters": 16})) == ("cnn", 16, None)
    inactive = HyperParameters({"kind": "mlp", "filters": 16})
    assert build(inactive) == ("mlp", None, 1)
    inactive.finish()


def test_one_name_may_have_a_range_for_each_condition():
    def build(hp):
        hp.Choice("size", ["s", "l"])
        with hp.conditional_scope("size", ["s"]):
            small = hp.Int("units", 1, 4)
        with hp.conditional_scope("size", ["l"]):
            large = hp.Int("units", 100, 400)
        return small, large

    assert build(HyperParameters()) == (1, None)
    assert build(HyperParameters({"size": "l"})) == (None, 100)


def test_name_scopes_are_put_before_names():
    hp = HyperParameters({"block/units": 5})
    with hp.name_scope("block"):
        assert hp.Int("units", 1, 9) == 5
        assert hp.get("units") == 5
    assert hp.values == {"block/units": 5}


def test_a_condition_on_an_unknown_parent_is_refused():
    hp = HyperParameters()
    hp.Choice("kind", ["a"])
    with pytest.raises(UsageError, match="was not asked for yet") as caught:
        hp.Int("n", 1, 2, parent_name="kin", parent_values=["a"])
    assert "did you mean 'kind'" in caught.value.fix


def test_the_same_question_twice_has_the_first_answer():
    hp = HyperParameters()
    assert hp.Int("n", 1, 9) == 1
    assert hp.Int("n", 5, 9) == 1
    assert len(hp.space) == 1


@pytest.mark.parametrize(
    "question",
    [
        lambda hp: hp.Int("n", 5, 1),
        lambda hp: hp.Int("n", 1.5, 2),
        lambda hp: hp.Int("n", 1, 2, sampling="cubic"),
        lambda hp: hp.Int("n", 0, 2, sampling="log"),
        lambda hp: hp.Int("n", 1, 2, step=0),
        lambda hp: hp.Int("n", 1, 8, step=1, sampling="log"),
        lambda hp: hp.Int("n", 1, 2, default=3),
        lambda hp: hp.Float("n", 0.0, math.inf),
        lambda hp: hp.Float("n", "a", 1.0),
        lambda hp: hp.Choice("n", []),
        lambda hp: hp.Choice("n", [1, "a"]),
        lambda hp: hp.Choice("n", "abc"),
        lambda hp: hp.Choice("n", ["a"], default="b"),
        lambda hp: hp.Choice("n", ["a"], ordered=True),
        lambda hp: hp.Boolean("n", default="yes"),
        lambda hp: hp.Int("", 1, 2),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(question):
    with pytest.raises(UsageError) as caught:
        question(HyperParameters())
    assert caught.value.expected
    assert caught.value.got


def test_a_value_of_no_usable_type_is_refused():
    with pytest.raises(UsageError, match="no usable type"):
        HyperParameters({"a": [1]})


def test_one_and_true_are_different_choices():
    with pytest.raises(UsageError):
        HyperParameters({"a": True}).Choice("a", [1, 2])
    assert HyperParameters({"a": 1}).Choice("a", [1, 2]) == 1


def test_what_is_loaded_is_what_was_saved(tmp_path):
    hp = HyperParameters({"units": 32})
    ask(hp)
    hp.Int("more", 1, 4, parent_name="dropout", parent_values=[True])
    hp.save(tmp_path)
    loaded = HyperParameters.load(tmp_path)
    assert loaded == hp
    assert (loaded.summary().count(","), loaded.gate) == (hp.summary().count(","), None)
    record = json.loads((tmp_path / "hyperparameters.json").read_text())
    assert record["values"]["units"] == 32
    assert record["values"]["dropout"] is False
    assert loaded.text()
    assert "units" in str(loaded.html())
    assert HyperParameters().summary() == "no hyperparameters"


def test_a_copy_forgets_the_questions_and_keeps_the_values():
    hp = HyperParameters({"units": 32})
    ask(hp)
    again = hp.copy()
    assert again.values == hp.values
    assert again.space == ()


def test_the_tuner_loads_nothing_heavy():
    code = (
        "import sys; from dure.tune import HyperParameters as H; H({'a': 1}).Int('a', 1, 2);"
        "assert not {'tensorflow', 'keras', 'polars'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
