"""The report in a real browser: does it fit, is it readable, does nothing run."""

import re

import pytest

from dure.web.report import report_html

pytestmark = pytest.mark.browser

LOOK = """
  const inside = element => element.closest(".scroll");
  const shown = [...page.body.querySelectorAll("*")].filter(e => e.getClientRects().length);
  const wide = shown.filter(e => !inside(e) && !e.closest("thead")
    && e.getBoundingClientRect().right > view.innerWidth + 0.5);
  const boxes = [...page.querySelectorAll("svg.steps a")].map(box => ({
    name: box.querySelector(".name").textContent,
    over: box.querySelector(".name").getBoundingClientRect().right
      - box.querySelector(".box").getBoundingClientRect().right,
  }));
  return {
    page: page.documentElement.scrollWidth,
    wide: wide.slice(0, 5).map(e => e.outerHTML.slice(0, 200)),
    over: boxes.filter(box => box.over > 0),
    boxes: boxes.length,
    ground: view.getComputedStyle(page.body).backgroundColor,
    ran: view.ran === undefined ? "nothing" : "a script",
    details: [...page.querySelectorAll("details")].length,
  };
"""


def measure(look, page, *, opened=True, **window):
    if opened:
        page = re.sub(r'<details class="(step|about)">', r'<details class="\1" open>', page)
    return look(page, LOOK, **window)


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_the_page_is_never_wider_than_the_window(look, failed_run, width):
    seen = measure(look, report_html(failed_run), width=width)
    assert seen["wide"] == []
    assert seen["page"] <= width


def test_hostile_texts_do_not_widen_the_page_nor_run(look, hostile_run):
    seen = measure(look, report_html(hostile_run), width=390)
    assert seen["wide"] == []
    assert seen["page"] <= 390
    assert seen["ran"] == "nothing"


def test_a_script_that_an_artifact_draws_does_not_run(look, run, step):
    page = report_html(run(step(kind="Bare"))).replace("alert(1)", "window.ran = 1")
    assert "<script>window.ran = 1</script>" in page
    assert measure(look, page)["ran"] == "nothing"
    # The measure would see it, were it not for the page's own policy.
    without = re.sub(r"<meta http-equiv[^>]*>", "", page)
    assert measure(look, without)["ran"] == "a script"


@pytest.mark.parametrize(
    ("dark", "ground"), [(False, "rgb(255, 255, 255)"), (True, "rgb(20, 23, 27)")]
)
def test_the_page_follows_the_theme_of_the_system(look, run, step, dark, ground):
    assert measure(look, report_html(run(step())), dark=dark)["ground"] == ground


def test_names_stay_in_their_boxes(look, run, step):
    names = [
        "ExampleGen",
        "ExampleValidator",
        "WWWWWWWWWWWWWWWWWWWWWWWW",
        "i" * 80,
        "m" * 17,
        "한국어단계이름이아주아주아주길어요",
        "MIXED_lower_123456789",
        "x",
    ]
    steps = [step(name, parents=names[:1] if i else ()) for i, name in enumerate(names)]
    seen = measure(look, report_html(run(*steps)))
    assert seen["boxes"] == len(names)
    assert seen["over"] == []


@pytest.mark.parametrize("count", [0, 40])
def test_runs_of_any_size_fit(look, run, step, count):
    steps = [
        step(f"Step {i}", parents=tuple(f"Step {j}" for j in {i // 2, i - 1} if j >= 0))
        for i in range(count)
    ]
    seen = measure(look, report_html(run(*steps)), width=390, opened=False)
    assert seen["boxes"] == count
    assert seen["page"] <= 390
    assert seen["wide"] == []
