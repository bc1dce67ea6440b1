"""What tests of several folders share: a real browser that looks at a page from outside."""

from __future__ import annotations

import gc
import html
import json
import os
import re
import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# The machines are shared and noisy: how long an example takes says nothing about it.
hypothesis.settings.register_profile("dure", deadline=None, print_blob=True)
if os.environ.get("CI") != "true":  # there Hypothesis has a profile of its own, without deadlines
    hypothesis.settings.load_profile("dure")

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

# A window of a headless browser is never narrower than 500 px, and the policy of a page lets no
# other script run in it: the page is put into a frame of the width that is asked for, and looked
# at from outside.
FRAME = """<!doctype html><meta charset="utf-8"><body style="margin:0">
<iframe id="frame" style="border:0;width:{width}px;height:900px" srcdoc="{page}"></iframe>
<script>
document.getElementById("frame").onload = event => {{
  const page = event.target.contentDocument, view = event.target.contentWindow;
  const look = () => {{ {script} }};
  let result;
  try {{ result = look(); }} catch (error) {{ result = "failed: " + error; }}
  const pre = document.createElement("pre");
  pre.id = "result"; pre.textContent = JSON.stringify(result); document.body.append(pre);
}};
</script>"""


@pytest.fixture
def look(tmp_path: Path) -> Callable[..., Any]:
    """Return ``look(page, script, width=1280, dark=False)``: what a script sees in a page.

    The script is the body of a function; ``page`` is the document, ``view`` its window, and what
    it returns comes back as JSON values.
    """
    if CHROMIUM is None and os.environ.get("CI") == "true":
        pytest.fail("Chromium is not installed, and CI=true asks for it")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")

    def run(page: str, script: str, *, width: int = 1280, dark: bool = False) -> Any:
        frame = tmp_path / "frame.html"
        text = FRAME.format(width=width, page=html.escape(page), script=script)
        frame.write_text(text, encoding="utf-8")
        done = subprocess.run(
            [
                str(CHROMIUM),
                *FLAGS,
                f"--user-data-dir={tmp_path / 'profile'}",
                f"--blink-settings=preferredColorScheme={0 if dark else 1}",
                "--window-size=1400,900",
                "--dump-dom",
                frame.as_uri(),
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        found = re.search(r'<pre id="result">(.*?)</pre>', done.stdout, re.DOTALL)
        assert found, f"nothing was seen: {done.stdout[-300:]} {done.stderr[-2000:]}"
        return json.loads(html.unescape(found[1]))

    return run


@pytest.fixture(scope="module")
def clients_leave_sockets() -> Iterator[None]:
    """Collect what clients of other people leave open, before a test of another file is blamed."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
