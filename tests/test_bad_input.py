"""Bad input gets an error that says what was expected, what came and what to do; nothing is lost.

Through the components, as a user meets them: what is said is the error of the step.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import dure
from dure.errors import DureError, GateError, StepError, StoreError
from dure.runner.home import Home
from dure.runner.pipeline import Pipeline, execute
from dure.transform import compute_and_apply_vocabulary, scale_to_z_score

GOOD = "size,colour,kind,empty\n" + "".join(
    f"{i % 7 + i / 100},{'red' if i % 3 else 'blue'},{'a' if i % 7 > 3 else 'b'},\n"
    for i in range(120)
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.csv").write_text(GOOD)
    return tmp_path


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / ".dure", str(tmp_path / ".dure" / "lineage.db"))


def told(home: Home, function: Callable[[], Any]) -> str:
    """Run a pipeline that has to fail and return what the user is told."""
    with pytest.raises(DureError) as caught:
        execute(Pipeline(function, "test"), {}, home)
    text = str(caught.value)
    assert isinstance(caught.value, StepError)
    staging = home.root / "staging"
    assert list(staging.iterdir()) == []
    return text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["bad.csv", "empty"]),
        (b"a,b,c\n", ["bad.csv", "header"]),
        (b"a,b\n1,2\n1,2,3\n", ["bad.csv", "line 3", "2 fields", "3"]),
        (b"a,b\n1,2\n1\n", ["bad.csv", "line 3", "2 fields", "1"]),
        (b'a,b\n"x\ny",2\n1,2,3\n', ["bad.csv", "line 4"]),
        (b"a,b\n1,caf\xe9\n", ["bad.csv", "line 2", "utf-8", "encoding"]),
        (b"a,b,a\n1,2,3\n", ["bad.csv", "'a'", "2 columns"]),
    ],
    ids=["empty", "header", "too-many", "too-few", "after-multi-line", "encoding", "same-name"],
)
def test_a_malformed_csv_names_file_and_line(
    home: Home, folder: Path, content: bytes, words: list[str]
) -> None:
    (folder / "bad.csv").write_bytes(content)
    text = told(home, lambda: dure.ExampleGen(folder / "bad.csv"))
    assert text.startswith("step 'ExampleGen' failed: ")
    assert [word for word in words if word.lower() not in text.lower()] == [], text


def test_a_missing_file_is_named(home: Home, folder: Path) -> None:
    text = told(home, lambda: dure.ExampleGen(folder / "nowhere.csv"))
    assert "nowhere.csv" in text
    assert "to do:" in text


def test_a_store_without_permission_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(folder / "locked" / ".dure", str(folder / "lineage.db"))

    def refuse(self: Path, *args: Any, **kwargs: Any) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    if os.geteuid() == 0:  # root may write everywhere, so the refusal has to be made
        monkeypatch.setattr(Path, "mkdir", refuse)
    else:
        (folder / "locked").mkdir(mode=0o500)
    with pytest.raises(StoreError, match="DURE_HOME") as caught:
        execute(Pipeline(lambda: dure.ExampleGen(folder / "good.csv"), "test"), {}, home)
    assert "Permission denied" in str(caught.value)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.decode().strip()}")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_is_said_and_leaves_nothing_half_done(small_disk: Path, folder: Path) -> None:
    home = Home(small_disk / ".dure", str(folder / "lineage.db"))
    rows = "".join(f"{i},{os.urandom(20).hex()}\n" for i in range(20_000))
    (folder / "large.csv").write_text("number,noise\n" + rows)
    text = told(home, lambda: dure.ExampleGen(folder / "large.csv"))
    assert "full" in text.lower()
    assert "to do:" in text
    assert list(home.root.glob("artifacts/*/*")) == []
    # And once there is room, the same call goes through.
    execute(Pipeline(lambda: dure.ExampleGen(folder / "good.csv"), "test"), {}, home)
    assert len(list(home.root.glob("artifacts/*/*"))) == 1


def features(folder: Path, preprocess: Callable[..., Any], **kwargs: Any) -> Any:
    examples = dure.ExampleGen(folder / "good.csv", **kwargs)
    schema = dure.SchemaGen(dure.StatisticsGen(examples))
    return dure.Transform(examples, schema, preprocess)


def plain(x: dict[str, Any]) -> dict[str, Any]:
    return {
        "size": scale_to_z_score(x["size"]),
        "colour": compute_and_apply_vocabulary(x["colour"]),
        "kind": compute_and_apply_vocabulary(x["kind"]),
    }


def network(units: int, activation: str, loss: str) -> Callable[..., Any]:
    def build_model(hp: Any, features: Any) -> Any:
        import keras

        inputs = features.inputs()
        output = keras.layers.Dense(units, activation=activation)(inputs["size"])
        model = keras.Model(inputs, output)
        model.compile("sgd", loss)
        return model

    return build_model


GOOD_NETWORK = network(1, "sigmoid", "binary_crossentropy")


def test_a_preprocess_that_returns_a_number_is_told_which_feature(home: Home, folder: Path) -> None:
    text = told(home, lambda: features(folder, lambda x: {"size": x["size"], "one": 1.0}))
    assert "'one'" in text
    assert "float" in text


def test_a_preprocess_that_names_no_column_is_told_the_nearest(home: Home, folder: Path) -> None:
    text = told(home, lambda: features(folder, lambda x: {"size": x["sise"]}))
    assert "did you mean 'size'" in text


def test_an_error_inside_preprocess_shows_the_users_line(home: Home, folder: Path) -> None:
    def broken(x: dict[str, Any]) -> dict[str, Any]:
        return {"size": x["size"] + undefined_name}  # type: ignore[name-defined]  # noqa: F821

    text = told(home, lambda: features(folder, broken))
    assert "undefined_name" in text
    assert "test_bad_input.py" in text


def test_an_analyzer_on_a_column_that_is_all_null_is_told(home: Home, folder: Path) -> None:
    def uses_empty(x: dict[str, Any]) -> dict[str, Any]:
        return {**plain(x), "empty": compute_and_apply_vocabulary(x["empty"])}

    text = told(home, lambda: features(folder, uses_empty))
    assert "'empty'" in text


def test_a_column_that_is_all_null_can_be_read_and_described(home: Home, folder: Path) -> None:
    def pipeline() -> None:
        statistics = dure.StatisticsGen(dure.ExampleGen(folder / "good.csv"))
        assert statistics.splits["train"].columns["empty"].count == 0
        dure.ExampleValidator(statistics, dure.SchemaGen(statistics))

    execute(Pipeline(pipeline, "test"), {}, home)


@pytest.mark.parametrize(
    ("label", "network", "words"),
    [
        ("kidn", GOOD_NETWORK, ["'kidn'", "did you mean 'kind'"]),
        ("kind", network(3, "softmax", "sparse_categorical_crossentropy"), ["3", "2"]),
    ],
    ids=["no-such-label", "wrong-output"],
)
def test_a_label_or_model_that_does_not_fit_is_told_before_training(
    home: Home, folder: Path, label: str, network: Callable[..., Any], words: list[str]
) -> None:
    text = told(home, lambda: dure.Trainer(features(folder, plain), network, label=label, epochs=1))
    assert [word for word in words if word not in text] == [], text
    assert "step 'Trainer' failed" in text


def test_a_label_with_one_class_is_told(home: Home, folder: Path) -> None:
    rows = GOOD.replace(",b,", ",a,")
    (folder / "good.csv").write_text(rows)
    text = told(
        home, lambda: dure.Trainer(features(folder, plain), GOOD_NETWORK, label="kind", epochs=1)
    )
    assert "one" in text
    assert "kind" in text


def test_data_that_differs_from_its_schema_stops_the_pipeline(home: Home, folder: Path) -> None:
    (folder / "new.csv").write_text(GOOD.replace("blue", "green").replace("kind", "sort"))

    def pipeline() -> None:
        schema = dure.SchemaGen(dure.StatisticsGen(dure.ExampleGen(folder / "good.csv")))
        new = dure.ExampleGen(folder / "new.csv")
        dure.ExampleValidator(dure.StatisticsGen(new), schema)
        dure.Transform(new, schema, plain)

    with pytest.raises(GateError) as caught:
        execute(Pipeline(pipeline, "test"), {}, home)
    text = str(caught.value)
    assert "kind" in text
    assert "green" in text
    assert not list(home.root.glob("artifacts/TransformGraph/*"))


def test_a_lineage_of_a_newer_version_costs_the_record_and_is_named(
    home: Home, folder: Path
) -> None:
    def pipeline() -> None:
        dure.ExampleGen(folder / "good.csv")

    execute(Pipeline(pipeline, "test"), {}, home)
    with sqlite3.connect(home.lineage) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999_later'")
    connection.close()
    remarks: list[str] = []
    done = execute(
        Pipeline(pipeline, "test"),
        {},
        home,
        listener=lambda event: remarks.append(getattr(event, "text", "")),
    )
    assert done.steps[0].state == "CACHED"
    assert any("newer" in remark for remark in remarks), remarks
