"""The report in a real browser: does it fit, is it readable, does nothing run."""

import html
import json
import os
import re
import shutil
import subprocess

import pytest

from dure.web.report import report_html

pytestmark = pytest.mark.browser

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# The page itself runs no script, and a window of a headless browser is never narrower than 500
# px: the page is put into a frame of the width that is asked for, and measured from outside.
FRAME = """<!doctype html><meta charset="utf-8"><body style="margin:0">
<iframe id="frame" style="border:0;width:{width}px;height:900px" srcdoc="{page}"></iframe>
<script>
document.getElementById("frame").onload = event => {{
  const page = event.target.contentDocument, view = event.target.contentWindow;
  const inside = element => element.closest(".scroll");
  const shown = [...page.body.querySelectorAll("*")].filter(e => e.getClientRects().length);
  const wide = shown.filter(e => !inside(e) && !e.closest("thead")
    && e.getBoundingClientRect().right > {width} + 0.5);
  const boxes = [...page.querySelectorAll("svg.steps a")].map(box => ({{
    name: box.querySelector(".name").textContent,
    over: box.querySelector(".name").getBoundingClientRect().right
      - box.querySelector(".box").getBoundingClientRect().right,
  }}));
  const result = {{
    page: page.documentElement.scrollWidth,
    wide: wide.slice(0, 5).map(e => e.outerHTML.slice(0, 200)),
    over: boxes.filter(box => box.over > 0),
    boxes: boxes.length,
    ground: view.getComputedStyle(page.body).backgroundColor,
    ran: view.ran === undefined ? "nothing" : "a script",
    details: [...page.querySelectorAll("details")].length,
  }};
  const pre = document.createElement("pre");
  pre.id = "result"; pre.textContent = JSON.stringify(result); document.body.append(pre);
}};
</script>"""


@pytest.fixture(scope="module", autouse=True)
def chromium():
    if CHROMIUM is None and os.environ.get("CI") == "true":
        pytest.fail("Chromium is not installed, and CI=true asks for it")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")


def measure(page, tmp_path, *, width=1280, dark=False, opened=True):
    if opened:
        page = re.sub(r'<details class="(step|about)">', r'<details class="\1" open>', page)
    frame = tmp_path / "frame.html"
    frame.write_text(FRAME.format(width=width, page=html.escape(page)), encoding="utf-8")
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    done = subprocess.run(
        [CHROMIUM, *FLAGS, profile, scheme, "--window-size=1400,900", "--dump-dom", frame.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    found = re.search(r'<pre id="result">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, f"the page could not be measured: {done.stdout[-300:]} {done.stderr[-2000:]}"
    return json.loads(html.unescape(found[1]))


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_the_page_is_never_wider_than_the_window(failed_run, tmp_path, width):
    seen = measure(report_html(failed_run), tmp_path, width=width)
    assert seen["wide"] == []
    assert seen["page"] <= width


def test_hostile_texts_do_not_widen_the_page_nor_run(hostile_run, tmp_path):
    seen = measure(report_html(hostile_run), tmp_path, width=390)
    assert seen["wide"] == []
    assert seen["page"] <= 390
    assert seen["ran"] == "nothing"


def test_a_script_that_an_artifact_draws_does_not_run(run, step, tmp_path):
    page = report_html(run(step(kind="Bare"))).replace("alert(1)", "window.ran = 1")
    assert "<script>window.ran = 1</script>" in page
    assert measure(page, tmp_path)["ran"] == "nothing"
    # The measure would see it, were it not for the page's own policy.
    without = re.sub(r"<meta http-equiv[^>]*>", "", page)
    assert measure(without, tmp_path)["ran"] == "a script"


@pytest.mark.parametrize(
    ("dark", "ground"), [(False, "rgb(255, 255, 255)"), (True, "rgb(20, 23, 27)")]
)
def test_the_page_follows_the_theme_of_the_system(run, step, tmp_path, dark, ground):
    assert measure(report_html(run(step())), tmp_path, dark=dark)["ground"] == ground


def test_names_stay_in_their_boxes(run, step, tmp_path):
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
    seen = measure(report_html(run(*steps)), tmp_path)
    assert seen["boxes"] == len(names)
    assert seen["over"] == []


@pytest.mark.parametrize("count", [0, 40])
def test_runs_of_any_size_fit(run, step, tmp_path, count):
    steps = [
        step(f"Step {i}", parents=tuple(f"Step {j}" for j in {i // 2, i - 1} if j >= 0))
        for i in range(count)
    ]
    seen = measure(report_html(run(*steps)), tmp_path, width=390, opened=False)
    assert seen["boxes"] == count
    assert seen["page"] <= 390
    assert seen["wide"] == []
