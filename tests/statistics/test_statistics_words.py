"""Statistics in words: right plurals, and years that look like years."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from dure import draw
from dure.statistics import describe
from dure.statistics.page import statistics_page


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (2007, "2007"),
        (-2007, "-2007"),
        (9999, "9999"),
        (10000, "10,000"),
        (1234567, "1,234,567"),
        (2007.0, "2007"),
        (9999.99, "10,000"),
        (None, "–"),
        (float("nan"), "NaN"),
    ],
)
def test_values_of_four_digits_have_no_comma(value: float | None, shown: str) -> None:
    assert draw.value(value) == shown


def test_years_are_shown_as_years() -> None:
    statistics = describe(pl.DataFrame({"year": range(2007, 2010), "far": range(19998, 20001)}))
    assert "2007 … 2009" in statistics.text()
    assert "19,998 … 20,000" in statistics.text().replace("2e+04", "20,000")
    for page in (str(statistics.html()), statistics.text()):
        assert "2007" in page
        assert "2,007" not in page


def test_one_of_something_is_no_plural() -> None:
    one = describe(pl.DataFrame({"a": [1]}))
    assert "train: 1 row, 1 column\n" in one.text()
    assert one.summary() == "1 column, rows: train 1, 0 values missing"
    assert describe(pl.DataFrame({"a": [1, None]})).summary().endswith(", 1 value missing")
    assert "1 column<" in one.html()


def test_the_page_shows_years_as_years_and_one_column_as_one(look: Callable[..., Any]) -> None:
    page = statistics_page(describe(pl.DataFrame({"year": [2007, 2008, 2010, 20000]})))
    seen = look(page, "return page.body.textContent")
    assert "2007" in seen
    assert "20,000" in seen
    assert "2,007" not in seen
    assert "1 column" in seen
    assert "1 columns" not in seen
