"""Times in texts and numbers, with Python's own strptime as the second opinion."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.statistics.aggregates.semantic import SemanticType, semantic_type
from dure.statistics.aggregates.time_formats import NOT_A_TIME, candidates, parse
from dure.statistics.aggregates.time_numbers import unit_of

UTC = dt.UTC
EPOCH = dt.datetime(1970, 1, 1)
FORMATS = [
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y"),
    *("%d.%m.%Y", "%d.%m.%y", "%m/%d/%y", "%d/%m/%y", "%d %b %Y", "%d %B %Y", "%b %d, %Y"),
    *("%B %d, %Y", "%d-%b-%y", "%d-%b-%Y", "%d/%b/%Y", "%A, %B %d, %Y", "%a, %d %b %Y"),
    *("%Y-%m", "%m/%Y", "%b %Y", "%H:%M:%S", "%H:%M", "%I:%M %p", "%H:%M:%S.%f"),
    *("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S.%f"),
    *("%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z", "%Y%m%dT%H%M%S"),
    *("%Y%m%d%H%M%S", "%m/%d/%Y %I:%M:%S %p", "%d/%m/%Y %H:%M", "%m/%d/%Y %I:%M%p"),
    *("%a, %d %b %Y %H:%M:%S %z", "%d/%b/%Y:%H:%M:%S %z", "%a %b %d %H:%M:%S %Y"),
    *("%a %b %d %H:%M:%S %z %Y", "%b %d, %Y %H:%M", "%Y-%m-%d %H:%M:%S %z"),
]
MOMENTS = st.datetimes(
    dt.datetime(1970, 1, 1), dt.datetime(2068, 12, 31), timezones=st.sampled_from([UTC])
)


def expected(text: str, form: str) -> int:
    when = dt.datetime.strptime(text, form)
    if when.tzinfo is not None:
        when = when.astimezone(UTC).replace(tzinfo=None)
    if "%Y" not in form and "%y" not in form:
        when = when.replace(year=1970)
    return (when - EPOCH) // dt.timedelta(microseconds=1)


@pytest.mark.parametrize("form", FORMATS)
@settings(deadline=None)
@given(moment=MOMENTS)
def test_a_written_time_is_read_back_as_python_reads_it(form: str, moment: dt.datetime) -> None:
    text = moment.strftime(form)
    found = candidates(text)
    # May is both the short and the long name.
    assert form in found or form.replace("%B", "%b") in found
    assert parse(pl.Series([text]), form)[0] == expected(text, form)


@settings(deadline=None)
@given(text=st.text(max_size=30))
def test_whatever_text_is_either_no_time_or_one_that_a_format_reads(text: str) -> None:
    for form in candidates(text):
        parse(pl.Series([text]), form)


@settings(deadline=None)
@given(text=st.from_regex(r"[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}", fullmatch=True))
def test_a_date_that_does_not_exist_is_no_time(text: str) -> None:
    for form in candidates(text):
        try:
            want = expected(text, form)
        except ValueError:
            want = NOT_A_TIME
        assert parse(pl.Series([text]), form)[0] == want


def times(form: str, count: int = 200, step: dt.timedelta = dt.timedelta(hours=7)) -> list[str]:
    start = dt.datetime(2021, 3, 5, 1, 30, tzinfo=UTC)
    return [(start + i * step).strftime(form) for i in range(count)]


@pytest.mark.parametrize("form", FORMATS)
def test_a_column_of_one_format_is_a_time_of_that_format(form: str) -> None:
    found = semantic_type(pl.Series("x", times(form, 400, dt.timedelta(hours=29))))
    assert found is not None
    assert found.kind == "time"
    assert found.details["format"] == form
    assert found.share == 1.0


def test_first_last_step_and_gaps_are_those_of_the_values() -> None:
    days = times("%Y-%m-%d", 300, dt.timedelta(days=1))
    del days[100:110]
    found = semantic_type(pl.Series("x", days))
    assert found is not None
    assert found.details["first"] == days[0]
    assert found.details["last"] == days[-1]
    assert found.details["step"] == 86400
    assert found.details["gaps"] == 1
    assert found.details["largest_gap"] == 11 * 86400
    assert found.details["exact"] is True


def test_a_day_past_12_tells_the_order_of_day_and_month() -> None:
    texts = times("%d/%m/%Y", 400, dt.timedelta(days=1))
    found = semantic_type(pl.Series("x", texts))
    assert found is not None
    assert found.details["format"] == "%d/%m/%Y"
    assert "ambiguous" not in found.details


def test_an_order_of_day_and_month_that_nothing_tells_is_said_to_be_ambiguous() -> None:
    texts = [f"{1 + i % 12:02}/{1 + i // 12 % 12:02}/2024" for i in range(144)]
    found = semantic_type(pl.Series("x", texts))
    assert found is not None
    assert found.details["format"] == "%m/%d/%Y"
    assert found.details["ambiguous"] == ["%d/%m/%Y"]


def test_several_formats_have_their_shares() -> None:
    texts = times("%Y-%m-%d", 150, dt.timedelta(days=1)) + times("%d %b %Y", 50)
    found = semantic_type(pl.Series("x", texts))
    assert found is not None
    assert found.details["formats"] == {"%Y-%m-%d": 0.75, "%d %b %Y": 0.25}


def test_zones_are_named_and_times_are_in_utc() -> None:
    texts = [f"2024-01-{1 + i % 28:02}T00:30:00+09:00" for i in range(100)]
    texts += ["2024-02-01T00:00:00Z"] * 10
    found = semantic_type(pl.Series("x", texts))
    assert found is not None
    assert found.details["zones"] == ["+09:00", "UTC"]
    assert found.details["first"] == "2023-12-31T15:30:00+00:00"
    assert found.details["last"] == "2024-02-01T00:00:00+00:00"


@pytest.mark.parametrize("share", [0.79, 0.81])
def test_four_fifths_of_the_values_have_to_be_times(share: float) -> None:
    good = round(1000 * share)
    texts = times("%Y-%m-%d %H:%M:%S", good) + [f"word{i}" for i in range(1000 - good)]
    found = semantic_type(pl.Series("x", texts))
    assert (found is not None and found.kind == "time") == (share > 0.8)


def test_fewer_than_a_hundred_values_have_no_kind() -> None:
    assert semantic_type(pl.Series("x", times("%Y-%m-%d", 99))) is None
    assert semantic_type(pl.Series("x", times("%Y-%m-%d", 99)), min_values=99) is not None


@pytest.mark.parametrize("year", [1999, 2031, 2095])
@pytest.mark.parametrize(
    ("unit", "per_second"),
    [
        *(("unix_seconds", 1), ("unix_milliseconds", 10**3)),
        *(("unix_microseconds", 10**6), ("unix_nanoseconds", 10**9)),
    ],
)
def test_numbers_since_1970_are_times_also_past_2030(unit: str, per_second: int, year: int) -> None:
    start = int(dt.datetime(year, 2, 3, tzinfo=UTC).timestamp())
    seconds = start + np.sort(np.random.default_rng(0).integers(0, 10**7, 500))
    found = semantic_type(pl.Series("x", seconds * per_second))
    assert found is not None
    assert found.kind == "time"
    assert found.details["format"] == unit
    first = dt.datetime.fromtimestamp(int(seconds[0]), UTC)
    assert found.details["first"] == first.isoformat()


@pytest.mark.parametrize("name", ["timestamp", "createdAt", "event_time"])
def test_a_name_that_says_time_needs_no_further_evidence(name: str) -> None:
    seconds = pl.Series(name, [1_600_000_000 + i for i in range(200)])
    found = semantic_type(seconds)
    assert found is not None
    assert found.kind == "time"
    plain = semantic_type(seconds.alias("x"))
    assert plain is not None
    assert plain.kind == "id"


RNG = np.random.default_rng(1)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(RNG.integers(10**8, 10**9, 1000), id="keys of nine digits"),
        pytest.param(RNG.integers(10**9, 10**10, 1000), id="keys of ten digits"),
        pytest.param(RNG.integers(10**12, 10**13, 1000), id="keys of thirteen digits"),
        pytest.param(np.arange(1_700_000_000, 1_700_001_000), id="a counter"),
        pytest.param(1_000_000_000 + RNG.integers(0, 10**6, 1000), id="a counter with gaps"),
        pytest.param(
            np.array([2_056_000_000, 2_515_000_000, 3_345_000_000])[RNG.integers(0, 3, 1000)]
            + RNG.integers(0, 10**6, 1000),
            id="telephone numbers",
        ),
        pytest.param(RNG.integers(1, 2000, 1000) * 1000, id="prices"),
        pytest.param(
            (1 << 60) + np.sort(RNG.integers(0, 1 << 59, 1000)) * 2 + 1, id="keys of 64 bits"
        ),
        pytest.param(RNG.integers(18_000, 20_000, 1000), id="amounts that could be days"),
        pytest.param(RNG.integers(1900, 2100, 1000), id="numbers that could be years"),
    ],
)
def test_other_numbers_are_no_times(values: np.ndarray) -> None:
    found = semantic_type(pl.Series("x", np.asarray(values, np.int64)))
    assert found is None or found.kind != "time"


@pytest.mark.parametrize(
    ("name", "values", "form"),
    [
        ("x", [20240000 + 100 * (1 + i % 12) + 1 + i % 28 for i in range(200)], "%Y%m%d"),
        ("year", [1950 + i % 90 for i in range(400)], "%Y"),
        ("month", [202000 + 100 * (i % 4) + 1 + i % 12 for i in range(200)], "%Y%m"),
        ("date", [18_000 + i for i in range(200)], "unix_days"),
    ],
)
def test_numbers_that_are_written_like_dates(name: str, values: list[int], form: str) -> None:
    found = semantic_type(pl.Series(name, values))
    assert found is not None
    assert (found.kind, found.details["format"]) == ("time", form)


def test_first_and_last_are_exact_where_only_a_sample_is_kept() -> None:
    texts = times("%m/%d/%Y %H:%M", 6000, dt.timedelta(hours=3))
    one = SemanticType("x", "string")
    state = one.init()
    for start in range(0, 6000, 1500):
        part = pl.DataFrame({"value": texts[start : start + 1500]}).with_columns(count=pl.lit(1))
        state = one.update(state, part.sort("value"))
    found = one.finish(state)
    assert found is not None
    assert found.details["exact"] is False
    assert found.details["first"] == "2021-03-05T01:30:00"
    last = dt.datetime(2021, 3, 5, 1, 30) + 5999 * dt.timedelta(hours=3)
    assert found.details["last"] == last.isoformat()
    assert found.details["step"] == 3 * 3600


def test_no_value_is_a_unit() -> None:
    assert unit_of(np.zeros(0, np.int64), np.zeros(0, np.int64), "time") is None
