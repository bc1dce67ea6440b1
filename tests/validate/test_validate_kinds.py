"""The table of kinds: complete, true, and what the documentation shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dure.errors import SchemaError
from dure.schema import Column
from dure.validate.kinds import KINDS, NOT_HERE, REFUSED, SEVERAL, markdown

ROOT = Path(__file__).parents[2]
SOURCE = {path.name: path.read_text() for path in (ROOT / "dure" / "validate").glob("*.py")}

# The types that the sources of TFDV 1.22 name outside of their tests.
EMITTED = [
    "BOOL_TYPE_BIG_INT",
    "BOOL_TYPE_SMALL_INT",
    "BOOL_TYPE_UNEXPECTED_FLOAT",
    "BOOL_TYPE_UNEXPECTED_STRING",
    "COMPARATOR_CONTROL_DATA_MISSING",
    "COMPARATOR_HIGH_NUM_EXAMPLES",
    "COMPARATOR_LOW_NUM_EXAMPLES",
    "COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH",
    "COMPARATOR_L_INFTY_HIGH",
    "COMPARATOR_NORMALIZED_ABSOLUTE_DIFFERENCE_HIGH",
    "DATASET_HIGH_NUM_EXAMPLES",
    "DATASET_LOW_NUM_EXAMPLES",
    "DERIVED_FEATURE_BAD_LIFECYCLE",
    "DERIVED_FEATURE_INVALID_SOURCE",
    "DOMAIN_INVALID_FOR_TYPE",
    "ENUM_TYPE_INVALID_UTF8",
    "ENUM_TYPE_UNEXPECTED_STRING_VALUES",
    "FEATURE_COVERAGE_TOO_LOW",
    "FEATURE_COVERAGE_TOO_SHORT_AVG_TOKEN_LENGTH",
    "FEATURE_MISSING_NAME",
    "FEATURE_MISSING_TYPE",
    "FEATURE_TYPE_HIGH_NUMBER_VALUES",
    "FEATURE_TYPE_HIGH_UNIQUE",
    "FEATURE_TYPE_LOW_FRACTION_PRESENT",
    "FEATURE_TYPE_LOW_NUMBER_PRESENT",
    "FEATURE_TYPE_LOW_NUMBER_VALUES",
    "FEATURE_TYPE_LOW_UNIQUE",
    "FEATURE_TYPE_NOT_PRESENT",
    "FEATURE_TYPE_NO_UNIQUE",
    "FLOAT_TYPE_BIG_FLOAT",
    "FLOAT_TYPE_HAS_INF",
    "FLOAT_TYPE_HAS_NAN",
    "FLOAT_TYPE_SMALL_FLOAT",
    "FLOAT_TYPE_STRING_NOT_FLOAT",
    "INT_TYPE_BIG_INT",
    "INT_TYPE_NOT_INT_STRING",
    "INT_TYPE_SMALL_INT",
    "INVALID_DOMAIN_SPECIFICATION",
    "INVALID_FEATURE_SHAPE",
    "INVALID_SCHEMA_SPECIFICATION",
    "LOW_SUPPORTED_IMAGE_FRACTION",
    "MAX_IMAGE_BYTE_SIZE_EXCEEDED",
    "MULTIPLE_REASONS",
    "SCHEMA_MISSING_COLUMN",
    "SCHEMA_NEW_COLUMN",
    "SEMANTIC_DOMAIN_UPDATE",
    "SEQUENCE_VALUE_TOO_FEW_OCCURRENCES",
    "SEQUENCE_VALUE_TOO_LARGE_FRACTION",
    "SEQUENCE_VALUE_TOO_MANY_OCCURRENCES",
    "SEQUENCE_VALUE_TOO_SMALL_FRACTION",
    "SPARSE_FEATURE_LENGTH_MISMATCH",
    "SPARSE_FEATURE_MISSING_INDEX",
    "SPARSE_FEATURE_MISSING_VALUE",
    "SPARSE_FEATURE_NAME_COLLISION",
    "STATS_NOT_AVAILABLE",
    "UNEXPECTED_DATA_TYPE",
    "VALUE_NESTEDNESS_MISMATCH",
    "WEIGHTED_FEATURE_LENGTH_MISMATCH",
    "WEIGHTED_FEATURE_MISSING_VALUE",
    "WEIGHTED_FEATURE_MISSING_WEIGHT",
    "WEIGHTED_FEATURE_NAME_COLLISION",
]


def test_every_type_that_tfdv_can_emit_has_its_place() -> None:
    ours = {name for kind in KINDS.values() for name in kind.tfdv}
    assert set(EMITTED) <= {*ours, *REFUSED, *NOT_HERE, SEVERAL}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_found_in_some_test(kind: str) -> None:
    tests = [path for path in Path(__file__).parent.glob("*.py") if path != Path(__file__)]
    assert any(f'"{kind}"' in path.read_text(encoding="utf-8") for path in tests)


def test_every_kind_that_a_check_names_is_in_the_table() -> None:
    named = {
        name for text in SOURCE.values() for name in re.findall(r'Finding\(\s*"([a-z_]+)"', text)
    }
    assert len(named) > 40
    assert named <= set(KINDS)


def test_the_documentation_shows_the_table() -> None:
    assert markdown() in (ROOT / "docs" / "validate.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "string", "holds": "bool", "true_value": "x", "false_value": "x"},
        {"type": "int", "domain": ("a",)},
        {"type": ""},
        {"type": "int", "presence": 1.5},
        {"type": "string", "domain": ()},
        {"type": "int", "min": 2, "max": 1},
    ],
)
def test_what_is_wrong_with_a_schema_is_refused_when_it_is_made(fields: dict[str, object]) -> None:
    with pytest.raises(SchemaError):
        Column(**fields)  # type: ignore[arg-type]
