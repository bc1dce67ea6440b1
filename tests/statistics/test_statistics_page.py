"""The page of statistics in a real browser: it draws, sorts, filters, compares, and fits."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dure.statistics.model import (
    ColumnStatistics,
    Cross,
    Exactness,
    Histogram,
    Level,
    Lift,
    Semantic,
    SplitStatistics,
    Weighted,
)
from dure.statistics.page import statistics_page
from dure.statistics.statistics import Statistics

pytestmark = pytest.mark.browser
Look = Callable[..., Any]

NAMES = "return [...page.querySelectorAll('button.open')].map(e => e.textContent)"


def number(name: str, mean: float, missing: int = 0, shift: float = 0.0) -> ColumnStatistics:
    from dure.statistics.model import QUANTILES

    return ColumnStatistics(
        name=name,
        type="float",
        count=100 - missing,
        missing=missing,
        unique=50,
        mean=mean,
        std=1.0,
        min=0.0 + shift,
        max=4.0 + shift,
        zeros=1,
        nan=0,
        positive_inf=0,
        negative_inf=0,
        quantiles=tuple(4.0 * at + shift for at in QUANTILES),
        histogram=Histogram((0.0 + shift, 2.0 + shift, 4.0 + shift), (30, 70)),
    )


def text(name: str, *values: tuple[str, int]) -> ColumnStatistics:
    return ColumnStatistics(
        name=name,
        type="string",
        count=sum(count for _, count in values),
        missing=0,
        unique=len(values),
        top=values,
        values=values,
        min_length=1,
        mean_length=2.0,
        max_length=3,
    )


def made(*columns: ColumnStatistics, other: tuple[ColumnStatistics, ...] = ()) -> Statistics:
    splits = {"train": SplitStatistics(100, {column.name: column for column in columns})}
    if other:
        splits["eval"] = SplitStatistics(100, {column.name: column for column in other})
    return Statistics(splits)


def three() -> Statistics:
    return made(number("b", 3.0), number("a", 1.0, missing=10), text("c", ("x", 9), ("y", 1)))


def test_every_column_has_a_row_in_the_order_of_the_data(look: Look) -> None:
    assert look(statistics_page(three()), NAMES) == ["b", "a", "c"]


def test_a_click_on_a_heading_sorts_and_a_second_turns_around(look: Look) -> None:
    click = "[...page.querySelectorAll('button.sort')].find(e => e.textContent.startsWith('column')).click();"
    assert look(statistics_page(three()), click + NAMES) == ["a", "b", "c"]
    assert look(statistics_page(three()), click + click + NAMES) == ["c", "b", "a"]
    assert look(statistics_page(three()), click * 3 + NAMES) == ["b", "a", "c"]


def test_search_type_and_missing_choose_columns(look: Look) -> None:
    page = statistics_page(three())
    search = (
        "const s = page.querySelector('input[type=search]'); s.value = 'A';"
        "s.dispatchEvent(new Event('input'));"
    )
    assert look(page, search + NAMES) == ["a"]
    choose = (
        "const s = page.querySelector('select'); s.value = 'string';"
        "s.dispatchEvent(new Event('change'));"
    )
    assert look(page, choose + NAMES) == ["c"]
    missing = "page.querySelectorAll('#controls input[type=checkbox]')[0].click();"
    assert look(page, missing + NAMES) == ["a"]
    count = "return page.getElementById('count').textContent"
    assert look(page, search + count) == "1 of 3 columns"


def test_an_opened_column_shows_its_numbers_and_a_chart(look: Look) -> None:
    seen = look(
        statistics_page(three()),
        "page.querySelectorAll('button.open')[1].click();"
        "return {facts: [...page.querySelectorAll('.details tbody tr')].map(e => e.textContent),"
        " bars: [...page.querySelectorAll('.details svg.big rect title')].map(e => e.textContent)}",
    )
    assert "missing10 (10.0 %)" in seen["facts"]
    assert "median2" in seen["facts"]
    assert seen["bars"] == ["train, 0 to 2: 30 (30.0 %)", "train, 2 to 4: 70 (70.0 %)"]


def test_two_sets_are_compared_with_the_difference_of_their_bars(look: Look) -> None:
    page = statistics_page(
        {"monday": made(number("a", 1.0)), "tuesday": made(number("a", 3.0, shift=4.0))}
    )
    seen = look(
        page,
        "return {head: [...page.querySelectorAll('thead th')].map(e => e.textContent),"
        " last: [...page.querySelectorAll('tr.row td')].pop().textContent,"
        " rows: page.querySelector('p.soft').textContent}",
    )
    assert seen["head"][-1] == "difference"
    assert seen["last"] == "1.000"  # nothing in common
    assert seen["rows"] == "monday: train 100 rows; tuesday: train 100 rows"


def test_the_log_scale_draws_counts(look: Look) -> None:
    page = statistics_page(made(text("c", ("x", 999), ("y", 1))))
    high = (
        "page.querySelector('button.open').click();"
        "return [...page.querySelectorAll('.details svg.big rect')].map(e => +e.getAttribute('height'))"
    )
    linear = look(page, high)
    log = look(page, "page.querySelectorAll('#controls input')[2].click();" + high)
    assert linear[1] / linear[0] < 0.02
    assert log[1] / log[0] == pytest.approx(0.1003, abs=0.01)  # log 2 to log 1000


@pytest.mark.parametrize("width", [390, 1280])
def test_only_the_table_scrolls_sideways(look: Look, width: int) -> None:
    long = number("a_name_of_a_column_" * 8, 1.0)
    page = statistics_page(made(long, text("t" * 200, ("w" * 3000, 2))))
    opened = "page.querySelectorAll('button.open').forEach((_, i) => page.querySelectorAll('button.open')[i].click());"
    assert look(page, opened + "return page.documentElement.scrollWidth", width=width) <= width


@pytest.mark.parametrize(
    ("dark", "ground"), [(False, "rgb(255, 255, 255)"), (True, "rgb(20, 23, 27)")]
)
def test_it_follows_the_theme_of_the_system(look: Look, dark: bool, ground: str) -> None:
    script = "return view.getComputedStyle(page.body).backgroundColor"
    assert look(statistics_page(three()), script, dark=dark) == ground


def test_a_thousand_columns_are_drawn(look: Look) -> None:
    page = statistics_page(made(*(number(f"c{i}", float(i)) for i in range(1000))))
    assert look(page, "return page.querySelectorAll('tr.row').length") == 1000


def many_sets() -> str:
    slices = {f"day={i}": SplitStatistics(10 + i, {"a": number("a", float(i))}) for i in range(60)}
    splits = {
        name: SplitStatistics(100, {"a": number("a", 1.0)}, slices=slices)
        for name in ("train", "eval")
    }
    return statistics_page(Statistics(splits))


def test_of_many_sets_the_splits_are_shown_and_others_are_found_by_name(look: Look) -> None:
    boxes = "[...page.querySelectorAll('#sets label')].map(e => e.textContent)"
    add = (
        "const field = page.querySelector('#sets input[list]');"
        "field.value = 'eval, day=7 (17 rows)'; field.dispatchEvent(new Event('input'));"
    )
    drop = "page.querySelectorAll('#sets input[type=checkbox]')[0].click();"
    means = "[...page.querySelectorAll('tr.row td:nth-child(7) .line')].map(e => e.textContent)"
    seen = look(
        many_sets(),
        f"const before = {boxes}; {add} const after = {boxes}; const shown = {means};"
        f"const offered = page.querySelectorAll('datalist option').length; {drop}"
        f"return {{before, after, shown, offered, left: {boxes},"
        " head: page.querySelector('p.soft').textContent}",
    )
    assert seen["before"] == ["train (100 rows)", "eval (100 rows)"]
    assert seen["after"] == [*seen["before"], "eval, day=7 (17 rows)"]
    assert seen["shown"] == ["1", "1", "7"]
    assert seen["offered"] == 119
    assert seen["left"] == seen["after"][1:]
    assert seen["head"] == "train 100 rows; eval 100 rows; 120 slices"


def full() -> str:
    crosses = tuple(
        Cross("a", f"b{i}", 90, pearson=(-1) ** i * i / 40, spearman=0.0, sampled=50)
        for i in range(40)
    )
    lift = Lift("c", "paid", 1, 50, (("x", 1.5, 20, 15), ("y", 0.25, 30, 4)))
    column = replace(
        text("tags", ("x", 150), ("y", 50)),
        type="list[string]",
        count=90,
        missing=10,
        total=200,
        levels=(Level(90, 10, 0, 5, 200),),
        weighted=Weighted(45.0, 5.0, 100.0),
        semantic=Semantic("time", 0.9, 200, {"format": "%Y", "zones": ["+09:00"], "exact": False}),
        custom={"sentinels": {"values": {"-": 3}, "share": 0.015}},
        exactness=Exactness(unique=0.01, counts=3),
    )
    return statistics_page(
        Statistics(
            {"train": SplitStatistics(100, {"tags": column}, crosses=crosses, lifts=(lift,))}
        )
    )


def test_an_opened_column_tells_of_lists_weights_meaning_and_error(look: Look) -> None:
    seen = look(
        full(),
        "page.querySelector('button.open').click();"
        "return Object.fromEntries([...page.querySelectorAll('.details tbody tr')]"
        ".map(e => [e.cells[0].textContent, e.cells[1].textContent]))",
    )
    expected = {
        "entries a row": "0 to 5, mean 2.22",
        "distinct": "2 ± 1.0 %",
        "weight of values": "45",
        "time, fits": "90.0% of 200",
        "format": "%Y",
        "zones": "+09:00",
        "exact": "no",
        "sentinels, values": "- 3",
        "sentinels, share": "0.015",
        "counts of values at most too small by": "3",
        "x": "75.0 %",  # of the values, not of the rows
    }
    assert {name: seen.get(name) for name in expected} == expected


def test_pairs_stand_below_the_strongest_first_and_sort_by_size(look: Look) -> None:
    rows = "[...page.querySelectorAll('#pairs tbody tr')].map(e => e.cells[2].textContent)"
    heads = "[...page.querySelectorAll('#pairs thead th')].map(e => e.textContent)"
    seen = look(
        full(),
        f"const first = {rows}; const names = {heads};"
        "[...page.querySelectorAll('#pairs > button')].pop().click();"
        f"const all = {rows}.length;"
        "[...page.querySelectorAll('#pairs button.sort')].find(e => e.textContent === 'Pearson')"
        f".click(); return {{first, names, all, sorted: {rows}}}",
    )
    assert seen["first"] == [f"b{i}" for i in range(39, 19, -1)]
    assert seen["all"] == 40
    assert seen["sorted"][:3] == ["b39", "b38", "b37"]  # by size, whatever the sign
    assert "Cramér's V" not in seen["names"]  # no pair has one
    assert seen["names"][-1] == "from rows"


def test_lift_stands_below_and_hides_with_its_set(look: Look) -> None:
    cells = "[...page.querySelectorAll('#lifts tbody tr')].map(r => [...r.cells].map(e => e.textContent))"
    assert look(full(), f"return {cells}") == [
        ["train", "c", "y", "paid = 1", "0.250", "30", "4"],
        ["train", "c", "x", "paid = 1", "1.500", "20", "15"],
    ]
    search = (
        "const s = page.querySelector('input[type=search]'); s.value = 'x';"
        "s.dispatchEvent(new Event('input'));"
    )
    assert len(look(full(), f"{search} return {cells}")) == 1


@pytest.mark.parametrize("width", [390, 600, 1280])
def test_what_is_opened_fits_into_the_window(look: Look, width: int) -> None:
    script = (
        "page.querySelector('button.open').click();"
        "return page.querySelector('.details').getBoundingClientRect().right"
    )
    assert look(full(), script, width=width) <= width


@pytest.mark.parametrize("width", [390, 1280])
def test_the_tables_below_scroll_by_themselves(look: Look, width: int) -> None:
    opened = "page.querySelectorAll('button.open')[0].click();"
    assert look(full(), opened + "return page.documentElement.scrollWidth", width=width) <= width
    assert look(many_sets(), "return page.documentElement.scrollWidth", width=width) <= width


def test_texts_of_the_data_neither_run_nor_break_the_page(look: Look) -> None:
    evil = '</script><script>view.ran=1</script><img src=x onerror="view.ran=1"><!--'
    page = statistics_page(made(text(evil, (evil, 3), ("\u2028\x00", 1))))
    (shown,) = look(page, NAMES)
    assert shown == evil[:59] + "…"
    assert look(page, "return view.ran === undefined") is True


def test_the_page_names_no_address_and_its_policy_allows_its_own_script_alone() -> None:
    page = statistics_page(three())
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert "default-src 'none'" in policy[1]
    assert re.search(r"script-src 'sha256-[A-Za-z0-9+/=]{44}'\Z", policy[1])


def test_whole_numbers_that_a_script_cannot_hold_are_written_out() -> None:
    column = ColumnStatistics("a", "int", 1, 0, 1, min=2**53 + 1, max=2**63 - 1, nan=0)
    page = statistics_page(made(column))
    found = re.search(r'id="data">(.*?)</script>', page)
    assert found is not None
    (part,) = json.loads(found[1])["columns"][0]["parts"]
    assert part["min"] == "9,007,199,254,740,993"
    assert part["max"] == "9,223,372,036,854,775,807"
