"""The public page: what it lists is there, what is there is listed, and it costs nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

import dure
from dure import errors

HEAVY = (
    "polars",
    "tensorflow",
    "keras",
    "sqlalchemy",
    "numpy",
    "rich",
    "alembic",
    "pydantic",
    "jinja2",
)


def loaded_after(code: str) -> set[str]:
    probe = f"import sys; {code}; print(' '.join(sorted(sys.modules)), file=sys.stdout)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_everything_listed_can_be_imported() -> None:
    for name in dure.__all__:
        assert getattr(dure, name) is not None


def test_the_list_is_sorted_and_dir_shows_it() -> None:
    assert dure.__all__ == sorted(dure.__all__)
    assert set(dure.__all__) <= set(dir(dure))


def test_no_public_name_is_hidden_by_a_module_of_the_same_name() -> None:
    # `import dure.<module>` sets an attribute of the package, and would replace the function.
    import pkgutil

    modules = {module.name for module in pkgutil.iter_modules(dure.__path__)}
    assert modules.isdisjoint(dure.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Traner"):
        _ = dure.Traner  # type: ignore[attr-defined]


def test_importing_dure_loads_nothing_heavy() -> None:
    assert loaded_after("import dure").isdisjoint(HEAVY)


def test_help_loads_nothing_heavy() -> None:
    loaded = loaded_after(
        "import dure.cli, contextlib, io\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    sys.argv = ['dure', '--help']; dure.cli.main()\n"
        "pass"
    )
    assert "argparse" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_components_and_their_artifacts_load_no_tensorflow_keras_or_polars() -> None:
    loaded = loaded_after("import dure.components")
    assert loaded.isdisjoint({"polars", "tensorflow", "keras", "sqlalchemy", "numpy"})


def test_the_error_tree_is_the_one_that_is_drawn() -> None:
    drawn = [
        line.replace("│", " ").replace("├──", "   ").replace("└──", "   ").split()[0]
        for line in (errors.__doc__ or "").splitlines()
        if "Error" in line and line.startswith("    ")
    ]
    defined = [
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.DureError)
    ]
    assert sorted(drawn) == sorted(defined)


def test_an_error_sets_out_what_was_expected_what_came_and_what_to_do() -> None:
    error = errors.DataError("a.csv, line 3", expected="5 fields", got="6", fix="quote it")
    assert str(error) == "a.csv, line 3\n  expected: 5 fields\n  got:      6\n  to do:    quote it"
    missing = errors.MissingExtraError("optuna", extra="tune", purpose="the Tuner")
    assert isinstance(missing, ImportError)
    assert "pip install 'dure[tune]'" in str(missing)


def test_errors_survive_a_pickle() -> None:
    import pickle

    before = errors.StepError("w", step="s", expected="e", got="g", fix="f")
    after = pickle.loads(pickle.dumps(before))
    assert (after.step, str(after)) == ("s", str(before))
