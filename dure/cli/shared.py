"""What the words of the command line share."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dure.errors import StoreError, UsageError

if TYPE_CHECKING:
    from dure.lineage import Lineage
    from dure.runner.home import Home

Options = argparse.Namespace


def add_word(
    words: Any,
    function: Callable[[Options], int],
    *,
    home: bool = True,
    takes_words: bool = False,
    name: str | None = None,
    **kwargs: Any,
) -> Any:
    """Add a sub-command that is called as its function is, and described by its docstring.

    Parameters
    ----------
    words : sub-parsers
        Where it is added.
    function : callable
        Takes the options and returns the exit status.
    home : bool
        Whether it looks into the folder of artifacts.
    takes_words : bool
        Whether words that are no options of its own are left to it, as ``options.words``.
    name : str, optional
        Default: the function's.
    **kwargs
        For the parser.
    """
    text = function.__doc__
    command = words.add_parser(
        name or function.__name__, help=text, description=text, allow_abbrev=False, **kwargs
    )
    command.set_defaults(function=function, command=command, words=[], takes_words=takes_words)
    if home:
        command.add_argument(
            "--home", metavar="DIR", help="folder of artifacts and records (default .dure)"
        )
    return command


def at_least_one(text: str) -> int:
    """Read a whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number, 1 or more; got {text!r}")
    return int(text)


def home_of(options: Options) -> Home:
    """Return the folder that ``--home`` or the environment names."""
    from dure.runner.home import Home

    return Home.find(options.home)


def lineage_of(options: Options) -> Lineage:
    """Open the records of that folder; nothing is made where nothing has run."""
    from dure.lineage import Lineage

    home = home_of(options)
    if "://" not in home.lineage and not Path(home.lineage).exists():
        raise UsageError(
            f"nothing has run here yet: there is no {short_path(Path(home.lineage))}",
            fix="'dure run FILE.py' makes it; --home or DURE_HOME names another folder",
        )
    return Lineage.open(home.lineage)


def short_path(path: Path) -> str:
    """Return a path from the current folder where it lies below it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def print_lines(lines: Sequence[str]) -> int:
    """Write results to standard output; return the exit status of success."""
    for line in lines:
        sys.stdout.write(_harmless(line) + "\n")
    return 0


def say(line: str) -> None:
    """Write a line to standard error: progress, notes and errors."""
    sys.stderr.write(_harmless(line) + "\n")
    sys.stderr.flush()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say which file cannot be written, and what the system says; make its folder."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written",
            got=error.strerror or str(error),
            fix="name a file in a folder that you may write to",
        ) from error


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all; what is no ordinary file, as /dev/stdout, as it goes."""
    with writing(path):
        if path.is_symlink() or (path.exists() and not path.is_file()):
            path.write_text(text, encoding="utf-8", newline="\n")
            return
        part = path.with_name(f".{path.name}.part")
        try:
            part.write_text(text, encoding="utf-8", newline="\n")
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


def _harmless(text: str) -> str:
    """Return a text whose control characters, which could come from data, do nothing."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "·", text)
