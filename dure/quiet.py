"""Lets TensorFlow start without the lines that it writes about itself."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator

# What TensorFlow says about itself at start: remarks and warnings in absl's form, the line
# before them, a continuation, and the complaint that a machine without a GPU has no GPU.
_NOISE = re.compile(
    r"^(?:[IW]\d{4} \d\d:\d\d:\d\d"
    r"|WARNING: All log messages before absl::InitializeLog"
    r"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IW] "
    r"|To enable the following instructions"
    r"|E\d{4} .*(?:cuInit|Unable to register cu))"
)

# Two threads that turned the same file descriptor at once would restore it in the wrong order.
_starting = threading.RLock()


@contextlib.contextmanager
def start() -> Iterator[None]:
    """Have TensorFlow, where it is first imported inside, start without its noise.

    TF_CPP_MIN_LOG_LEVEL does not reach what is logged before absl is set up, so the file
    descriptor of standard error is turned for the seconds of the import; what is no noise is
    let through afterwards.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with _starting, tempfile.TemporaryFile() as held:
        try:
            saved = os.dup(2)
        except OSError:  # no standard error at all, so there is nothing to hold back
            yield
            return
        try:
            sys.stderr.flush()
            os.dup2(held.fileno(), 2)
            yield
            if "tensorflow.python" in sys.modules:  # really loaded, not only named
                # It looks for GPUs at the first question, and says what it found.
                sys.modules["tensorflow"].config.list_physical_devices()
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            held.seek(0)
            for line in held.read().decode(errors="replace").splitlines(keepends=True):
                if not _NOISE.match(line):
                    sys.stderr.write(line)
