"""`Statistics` on disk, in a terminal and as HTML."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from dure.data import Examples
from dure.errors import StoreError
from dure.statistics import ColumnStatistics, Histogram, Statistics, describe
from dure.statistics.options import options_for
from dure.statistics.panels import bin_labels
from dure.statistics.text import bars, columns_wide, fit, share

FRAME = pl.DataFrame(
    {
        "miles": [0.5, None, math.nan, math.inf, 1710.0, -math.inf],
        "hour": [1, 2, 3, None, 2, 1],
        "company": ["서울 택시", "<b>Cab</b>", None, "Cab & Co", "Cab & Co", ""],
        "paid": [True, None, False, True, True, True],
        "nothing": [None] * 6,
        "a_name_that_is_much_longer_than_any_column_of_a_terminal": [1.0, 2, 3, 4, 5, 6],
        "화물": ["긴 글 " * 50, "\n\t\x1b[31m", "x", "y", "z", "w"],
    }
)


@pytest.fixture
def statistics() -> Statistics:
    return describe(Examples.from_frames({"train": FRAME, "eval": FRAME.head(2)}))


def test_what_is_saved_comes_back_and_gives_the_same_bytes(
    statistics: Statistics, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    statistics.save(tmp_path / "a")
    loaded = Statistics.load(tmp_path / "a")
    assert loaded == statistics
    assert list(loaded.splits) == ["train", "eval"]
    assert loaded.columns == tuple(FRAME.columns)
    loaded.save(tmp_path / "b")
    content = (tmp_path / "a" / "statistics.json").read_bytes()
    assert content == (tmp_path / "b" / "statistics.json").read_bytes()
    files = sorted(str(p.relative_to(tmp_path / "a")) for p in (tmp_path / "a").rglob("*.*"))
    kinds = ["numbers.parquet", "sketches.parquet", "state.json", "texts.parquet"]
    assert files == [f"states/{split}/{k}" for split in ("eval", "train") for k in kinds] + [
        "statistics.json"
    ]
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_the_file_is_plain_json_with_sorted_keys(statistics: Statistics, tmp_path: Path) -> None:
    statistics.save(tmp_path)

    def refuse(constant: str) -> float:
        raise ValueError(constant)  # NaN and Infinity are no JSON

    text = (tmp_path / "statistics.json").read_text(encoding="utf-8")
    record = json.loads(text, parse_constant=refuse)
    miles = record["splits"][0]["columns"][0]
    assert list(miles) == sorted(miles)
    assert (miles["name"], miles["nan"], miles["positive_inf"]) == ("miles", 1, 1)
    assert "top" not in miles
    assert "서울 택시" in text


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"format": 2}', '{"format": 1}'])
def test_a_file_that_is_no_statistics_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "statistics.json").write_text(content)
    with pytest.raises(StoreError, match="does not hold statistics"):
        Statistics.load(tmp_path)


def test_a_folder_without_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="does not hold statistics"):
        Statistics.load(tmp_path)


def test_loading_and_drawing_import_nothing_heavy(statistics: Statistics, tmp_path: Path) -> None:
    statistics.save(tmp_path)
    code = (
        "import sys, pathlib; from dure.statistics import Statistics;"
        "s = Statistics.load(pathlib.Path(sys.argv[1]));"
        "s.summary(), s.text(), s.html(), s.gate, s._repr_html_(), repr(s);"
        "s.to_html(pathlib.Path(sys.argv[1]) / 'page.html');"
        "bad = {'polars', 'numpy', 'tensorflow', 'keras'} & set(sys.modules);"
        "sys.exit(str(bad) if bad else 0)"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path], check=True)


def test_text_fits_eighty_columns_whatever_the_values(statistics: Statistics) -> None:
    text = statistics.text()
    assert max(map(columns_wide, text.splitlines())) <= 80
    assert "\x1b" not in text
    assert "train: 6 rows, 7 columns" in text
    assert "no values" in text
    assert statistics.summary().startswith("7 columns, rows: train 6, eval 2")


def test_text_tells_of_nan_and_infinities() -> None:
    frame = pl.DataFrame({"x": [1.0, math.nan, math.inf, -math.inf, None]})
    assert "1  NaN 1  inf 2" in describe(frame).text()
    assert "NaN 1  inf 2" in describe(frame[1:]).text()


def test_shares_say_zero_and_all_only_when_they_are() -> None:
    assert [share(n, 10_000) for n in (0, 1, 1234, 9_999, 10_000)] == [
        "0 %",
        "<0.1 %",
        "12.3 %",
        ">99.9 %",
        "100 %",
    ]


def test_bars_show_every_count_above_zero_and_none_for_zero() -> None:
    assert bars([0, 1, 10_000]) == " ▁█"
    assert len(bars([1] * 20)) == 10
    assert bars([0, 0]) == "  "
    assert bars([]) == ""


@pytest.mark.parametrize("text", ["abc", "서울특별시 강남구", "e\u0301t\u0301", "a\nb", ""])
@pytest.mark.parametrize("width", [1, 2, 5, 12])
def test_fitted_text_takes_exactly_its_width(text: str, width: int) -> None:
    assert columns_wide(fit(text, width)) == width


class Balance(HTMLParser):
    """Checks that tags close in the order they opened, and collects their names."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_runs_and_loads_nothing_but_its_own_script(
    statistics: Statistics, tmp_path: Path
) -> None:
    page = statistics.to_html(tmp_path / "page.html").read_text(encoding="utf-8")
    check = Balance()
    check.feed(page)
    assert check.open == []
    assert not check.seen & {"link", "img", "iframe", "object", "embed", "form", "b"}
    # Two: the data, which no browser runs, and the one whose hash the policy names.
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", page, re.DOTALL)
    assert [attributes.strip() for attributes, _ in scripts] == [
        'type="application/json" id="data"',
        "",
    ]
    digest = base64.b64encode(hashlib.sha256(scripts[1][1].encode()).digest()).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert policy[1].endswith(f"script-src 'sha256-{digest}'")
    assert "default-src 'none'" in policy[1]
    assert not re.search(r"https?:(?!//www\.w3\.org/2000/svg)", page)
    data = json.loads(scripts[0][1])
    assert [column["name"] for column in data["columns"]] == FRAME.columns
    assert "<" not in scripts[0][1]


def test_panels_are_whole_escaped_and_without_scripts_or_addresses(statistics: Statistics) -> None:
    html = str(statistics.html())
    check = Balance()
    check.feed(html)
    assert check.open == []
    assert not check.seen & {"script", "link", "img", "iframe", "b"}
    assert "http:" not in html
    assert "https:" not in html
    assert "&lt;b&gt;Cab&lt;/b&gt;" in html
    for name in FRAME.columns:
        assert name in html
    assert html.count('class="panel"') == 7


def test_html_shows_the_numbers_of_all_splits(statistics: Statistics) -> None:
    html = str(statistics.html())
    for text in ("train", "eval", "empty text", "1 (16.7 %)", "No values"):
        assert text in html


def test_one_split_needs_no_legend() -> None:
    html = str(describe(FRAME, split="all").html())
    assert "all: " in html  # tool tips name it
    assert '<text x="56"' not in html


def test_labels_of_bins_say_which_are_open_ended() -> None:
    plain = Histogram((0.0, 0.5, 1.0, 1.5), (1, 1, 1))
    assert bin_labels(plain) == ["0 to 0.5", "0.5 to 1", "1 to 1.5"]
    far = Histogram((-100.0, 0.0, 0.5, 1.0, 700.0), (1, 1, 1, 1))
    assert bin_labels(far) == ["below 0", "0 to 0.5", "0.5 to 1", "1 and above"]
    months = Histogram((0.5, 1.5, 2.5, 3.5), (1, 1, 1))
    assert bin_labels(months) == ["1", "2", "3"]
    pairs = Histogram((0.5, 2.5, 4.5), (1, 1))
    assert bin_labels(pairs) == ["1 to 2", "3 to 4"]
    assert bin_labels(Histogram((7.0, 7.0), (3,))) == ["7"]


def test_columns_are_values() -> None:
    one = ColumnStatistics("a", "bool", 3, 1, 2, true=1, false=2)
    assert one == ColumnStatistics("a", "bool", 3, 1, 2, true=1, false=2)
    assert (one.rows, one.inf, one.median) == (4, 0, None)
    with pytest.raises(AttributeError):
        one.count = 4  # type: ignore[misc]


def test_of_many_columns_the_terminal_gets_all_and_a_notebook_the_first() -> None:
    frame = pl.DataFrame({f"c{i}": [i, i + 1, None] for i in range(1000)})
    statistics = describe(frame)
    assert len(statistics.text().splitlines()) == 1004
    html = str(statistics.html())
    assert html.count('class="panel"') == 200
    assert "800 more columns: to_html() writes a page with all of them" in html
    assert len(html) < 2_000_000


NESTED = pl.DataFrame(
    {
        "tags": [["a", "b"], ["a"], [], None],
        "deep": [[[1.0], [2.0, 3.0]], [[4.0]], [None], []],
        "trip": [{"zone": "x", "at": 1}] * 4,
        "blob": [b"", b"ab", b"abc", b"abcd"],
        "weight": [1.0, 2.0, 3.0, 4.0],
    }
)


@pytest.fixture
def nested() -> Statistics:
    options = options_for(weight="weight", slices=["weight"])
    return describe(NESTED, options=options)


def test_text_tells_of_lists_structs_bytes_weights_and_slices(nested: Statistics) -> None:
    text = nested.text()
    lines = dict(line.split(maxsplit=1) for line in text.splitlines() if " " in line)
    assert "train: 4 rows (weight 10), 7 columns" in text
    assert lines["tags"].startswith("[string]   25.0 %")
    assert lines["tags"].endswith("0 to 2 each  a 66.7 %, b 33.3 %")
    assert lines["deep"].startswith("[[float…")
    assert lines["trip"].split() == ["struct", "0", "%", "–"]
    assert lines["trip.zone"].endswith("x 100 %")
    assert lines["blob"].endswith("0 … 4 bytes")
    assert "4 slices" in text
    assert max(map(columns_wide, text.splitlines())) <= 80


def test_text_marks_what_is_no_exact_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dure.statistics.numbers.limit_for", lambda columns: 100)
    inexact = describe(pl.DataFrame({"x": [float(i) for i in range(1000)]})).text()
    assert re.search(r"x .* ~\d", inexact)
    assert inexact.endswith("~ an estimate: there were too many values to keep them all")
    assert "~" not in describe(pl.DataFrame({"x": [1.0, 2.0]})).text()


def test_text_says_what_values_mean() -> None:
    frame = pl.DataFrame({"mail": [f"user{i}@example.org" for i in range(200)]})
    assert "email: each once: user0@example.org, user10…" in describe(frame).text()


def test_panels_show_lists_structs_weights_and_slices(nested: Statistics) -> None:
    html = str(nested.html())
    for text in ("entries a row", "entries, level 2", "0 to 2, mean 1", "weighted mean"):
        assert text in html
    assert "train, weight=4" in html
    assert "trip · struct" in html
    assert "No finite values" not in html


def test_a_table_of_values_is_there_for_values_that_were_counted(nested: Statistics) -> None:
    found = {name: nested.has_counts("train", name) for name in nested.columns}
    assert [name for name, known in found.items() if not known] == ["trip", "blob"]
    for name, known in found.items():
        if known:
            nested.counts("train", name)
    assert not nested.has_counts("eval", "tags")
    assert not nested.has_counts("train", "other")
    assert not Statistics(nested.splits).has_counts("train", "tags")
