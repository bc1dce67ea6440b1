"""The boundary around functions that users write: their own line first, their cause kept."""

from __future__ import annotations

import contextlib
import linecache
import sysconfig
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from dure.errors import DureError


@contextlib.contextmanager
def user_code(name: str, error: type[DureError], *, expected: str, fix: str) -> Iterator[None]:
    """Turn what a user's function raises into ``error``, with the user's line before it.

    Parameters
    ----------
    name : str
        The function's name, for the message.
    error : type of DureError
        What to raise. An error of Dure's own keeps its class.
    expected, fix : str
        The parts of the message.
    """
    try:
        yield
    except DureError as problem:
        problem.what = f"{user_line(problem.__traceback__)}{problem.what}"
        problem.args = (problem.what,)
        raise
    except Exception as problem:
        reason = str(problem).strip().split("\n\n")[0]
        raise error(
            f"{user_line(problem.__traceback__)}{name} raised {type(problem).__name__}: {reason}",
            expected=expected,
            fix=fix,
        ) from problem


def user_line(where: TracebackType | None) -> str:
    r"""Return ``"file.py:12: code\n"`` of the user's innermost own line, or an empty string."""
    ours = Path(__file__).parent.parent
    libraries = {Path(path) for path in sysconfig.get_paths().values()}
    found = ""
    for frame in traceback.extract_tb(where):
        path = Path(frame.filename)
        if ours in path.parents or any(library in path.parents for library in libraries):
            continue
        code = (frame.line or linecache.getline(frame.filename, frame.lineno or 0)).strip()
        found = f"{path.name}:{frame.lineno}: {code}\n"
    return found
