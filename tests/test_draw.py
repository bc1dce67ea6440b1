import math
import re
from html.parser import HTMLParser
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup, escape

from dure import draw, style

ANY = st.text(st.characters(codec="utf-8"))
FLOATS = st.floats(allow_nan=True, allow_infinity=True)


def xml(markup):
    """Return the piece as a tree; only what is well-formed can be read."""
    return ET.fromstring(f"<div>{markup}</div>")


class Texts(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.text, self.tags = "", []
        self.feed(str(html))
        self.close()

    def handle_data(self, data):
        self.text += data

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)


# --- numbers


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "–"),
        (0, "0"),
        (0.0, "0"),
        (-0.0, "0"),
        (15_002, "15,002"),
        (-1_234_567, "-1,234,567"),
        (1234.5678, "1,235"),
        (0.123456, "0.1235"),
        (0.99999, "1"),
        (9.99996, "10"),
        (1e-5, "1.000e-05"),
        (1e9, "1.000e+09"),
        (123_456_789.0, "123,456,789"),
        (math.nan, "NaN"),
        (math.inf, "∞"),
        (-math.inf, "-∞"),
        (10**17, "100,000,000,000,000,000"),
        pytest.param(10**5000, "1.000e+5000", id="beyond what Python writes"),
    ],
)
def test_numbers_are_written_as_people_do(value, written):
    assert draw.number(value) == written


@given(st.floats(-1e308, 1e308))
def test_a_written_number_is_near_the_number(value):
    assert float(draw.number(value).replace(",", "")) == pytest.approx(value, rel=5.1e-4, abs=0)


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0.0, "0.00 s"),
        (9.994, "9.99 s"),
        (9.996, "10.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (119.6, "2 min 00 s"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h 00 min"),
        (7325.0, "2 h 02 min"),
        (86400.0 * 100, "2,400 h 00 min"),
        (math.nan, "–"),
        (math.inf, "–"),
    ],
)
def test_spans_of_time_never_say_sixty(seconds, written):
    assert draw.duration(seconds) == written


# --- texts


@given(ANY)
def test_any_text_in_any_piece_is_shown_and_never_read(text):
    pieces = [
        draw.table([text], [[text]]),
        draw.facts({text: text}),
        draw.badge(text, "pass"),
        draw.badge("x", text),
        draw.panels([(text, Markup("x"))]),
        draw.note(text, text, "fail"),
        draw.cut(text),
        draw.fold(text),
        draw.bars([text, "b"], [1, 2], x_name=text, y_name=text),
        draw.lines({text: [1, 2], "b": [2, 3]}, x=[0, 1], x_name=text, y_name=text),
    ]
    for piece in pieces:
        assert "<script" not in piece
        assert not set(Texts(piece).tags) & {"script", "img", "a", "iframe"}
    for piece in pieces[:2] + pieces[4:8]:
        if len(text) <= 80:
            assert escape(text) in piece


def test_long_texts_are_cut_with_the_whole_in_the_tool_tip():
    assert draw.cut("abcdef", 4) == '<bdi title="abcdef">abc…</bdi>'
    assert draw.cut("abcd", 4) == "<bdi>abcd</bdi>"


def test_long_texts_in_a_table_are_folded_and_whole():
    text = "<" * 1000
    piece = draw.table(["a"], [[text]])
    assert Texts(piece).text.endswith("(1,000 letters)" + text)
    assert "<details" in piece
    assert "<details" not in draw.table(["a"], [["x" * draw.FOLD]])


def test_markup_in_a_table_is_taken_as_it_is():
    assert "<td><b>1</b></td>" in draw.table(["a"], [[Markup("<b>1</b>")]])


def test_numeric_columns_alone_are_set_flush_right():
    tree = xml(draw.table(["a", "b"], [["x", 1]], numeric=(1,)))
    assert [cell.get("class") for cell in tree.iter("td")] == [None, "n"]
    assert [cell.get("class") for cell in tree.iter("th")] == [None, "n"]
    assert {cell.get("scope") for cell in tree.iter("th")} == {"col"}


@pytest.mark.parametrize("headers", [[], ["a"], ["a", "b", "c"]])
def test_a_table_without_rows_says_so(headers):
    tree = xml(draw.table(headers, []))
    assert [cell.get("colspan") for cell in tree.iter("td")] == [str(max(1, len(headers)))]
    assert "none" in "".join(tree.itertext())
    assert "none" in draw.facts({})


@pytest.mark.parametrize("status", ["pass", "fail", "skip", "reused", "warn"])
def test_every_status_has_a_sign_of_its_own(status):
    others = {"pass", "fail", "skip", "reused", "warn"} - {status}
    assert draw.sign(status)
    assert draw.sign(status) not in {draw.sign(other) for other in others}
    assert draw.sign(status) in draw.badge("x", status)


def test_an_unknown_status_has_no_sign():
    assert draw.sign("odd") == ""
    assert draw.badge("x", "odd") == '<span class="badge odd"> x</span>'


# --- charts


def coordinates(svg):
    """Return the numbers of an SVG's shapes."""
    shown = []
    for element in xml(svg).iter():
        for name in ("x", "y", "cx", "cy", "width", "height", "d"):
            shown += re.sub(r"[MLHh]", " ", element.get(name, "")).split()
    return [float(text) for text in shown]


@given(st.lists(FLOATS, max_size=12), st.lists(FLOATS, max_size=12))
def test_lines_of_any_numbers_stay_in_the_picture(x, y):
    count = min(len(x), len(y))
    svg = draw.lines({"a": y[:count], "b": y[:count]}, x=x[:count], x_name="x", y_name="y")
    assert all(-1 <= value <= draw.WIDTH + 1 for value in coordinates(svg))


@given(st.lists(st.floats(0, allow_infinity=True) | st.just(math.nan), max_size=12))
def test_bars_of_any_heights_stay_in_the_picture(values):
    svg = draw.bars([str(v) for v in values], values, x_name="x", y_name="y")
    assert all(-1 <= value <= draw.WIDTH + 1 for value in coordinates(svg))
    bars = list(xml(svg).iter("rect"))
    assert len(bars) == sum(math.isfinite(value) and value <= 1e300 for value in values)


def test_heights_of_bars_are_in_proportion():
    tree = xml(draw.bars(["a", "b", "c"], [10, 5, 0], x_name="x", y_name="y"))
    tall, half, none = (float(bar.get("height")) for bar in tree.iter("rect"))
    assert half == pytest.approx(tall / 2, abs=0.01)
    assert none == 0


def test_a_value_that_is_not_finite_leaves_a_gap():
    svg = draw.lines({"a": [1, 2, math.nan, 2, 3]}, x=range(5), x_name="x", y_name="y")
    paths = [e.get("d") for e in xml(svg).iter("path") if e.get("class") == "s0"]
    assert [path.count("M") for path in paths if "L" in path] == [2]


def test_a_lone_point_is_a_dot():
    svg = draw.lines({"a": [1, math.nan, 2, 3]}, x=range(4), x_name="x", y_name="y")
    assert len(list(xml(svg).iter("circle"))) == 1


def test_a_single_line_of_the_axis_name_needs_no_legend():
    one = draw.lines({"loss": [1, 2]}, x=[0, 1], x_name="epoch", y_name="loss")
    two = draw.lines({"loss": [1, 2], "val_loss": [1, 2]}, x=[0, 1], x_name="e", y_name="loss")
    assert [e.text for e in xml(one).iter("text") if e.get("class")] == []
    assert [e.text for e in xml(two).iter("text") if e.get("class")] == ["loss", "val_loss"]


def test_a_chart_names_its_axes_for_those_who_do_not_see_it():
    tree = xml(draw.lines({"a": [1]}, x=[0], x_name="epoch", y_name="loss"))
    assert next(tree.iter("svg")).get("aria-label") == "loss by epoch"


@given(
    st.floats(-1e300, 1e300).flatmap(
        lambda low: st.tuples(st.just(low), st.floats(low, 1e301, exclude_min=True))
    )
)
def test_ticks_are_few_evenly_apart_and_hold_the_range(ends):
    low, high = ends
    if high - low <= 1e-12 * max(abs(low), abs(high)) or high - low < 1e-300:
        return  # a range of rounding errors
    ticks = draw._ticks(low, high)
    gap = ticks[1] - ticks[0]
    assert 2 <= len(ticks) <= 6
    assert ticks[0] <= low + 1e-6 * gap
    assert ticks[-1] >= high - 1e-6 * gap
    assert all(b - a == pytest.approx(gap, rel=1e-3) for a, b in pairwise(ticks))


# --- style


def luminance(colour):
    """Return the relative luminance of WCAG 2.1, section 1.4.3."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_the_standard():
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", style.THEMES)
@pytest.mark.parametrize("ground", ["ground", "panel"])
def test_every_text_stands_out_from_every_ground(theme, ground):
    colours = style.THEMES[theme]
    for name in colours.keys() - {"ground", "panel", "line"}:
        assert contrast(colours[name], colours[ground]) >= 4.5, name


def test_both_themes_have_the_same_colours_and_no_other_is_used():
    light, dark = style.THEMES.values()
    assert light.keys() == dark.keys()
    assert set(re.findall(r"var\(--(\w+)\)", style.STYLE)) <= light.keys()


def test_every_selector_is_below_dure():
    sheet = style.STYLE.removeprefix("<style>").removesuffix("</style>")
    rules = re.findall(r"([^{}]+)\{[^{}]*\}", re.sub(r"@media[^{]+\{", "", sheet))
    assert len(rules) > 30
    for selector in (one.strip() for rule in rules for one in rule.split(",")):
        assert re.search(r"(^|\s)\.dure", selector), selector


def test_the_style_loads_nothing():
    assert not re.search(r"url|@import|@font-face|http", style.STYLE)


# --- documents


def test_a_notebook_cell_carries_its_style_and_no_script():
    cell = draw.notebook(Markup("<p>x</p>"))
    assert cell.startswith(style.STYLE)
    assert cell.endswith('<div class="dure notebook"><p>x</p></div>')
    assert isinstance(cell, Markup)


def test_a_page_is_one_document_that_loads_and_runs_nothing():
    page = draw.page("<title>", Markup("<p>x</p>"), style=Markup("<style>p{}</style>"))
    assert page.startswith("<!doctype html>")
    assert page.count("<title>&lt;title&gt;</title>") == 1
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert page.index("p{}") < page.index("</head>")
    assert type(page) is str


@pytest.mark.parametrize("make", [draw.notebook, lambda body: draw.page("t", body)])
def test_what_no_page_can_hold_is_made_visible(make):
    shown = make(escape("a\x00b\x1bc\x7fd\ud800e\nf"))
    assert "a␀b␛c␡d\\ud800e\nf" in shown
    assert str(shown).encode("utf-8")
