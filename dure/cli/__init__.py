"""The command line: one sub-command for each word of a model's life.

Nothing heavy is imported before it is known what was asked for. Results go to standard output,
everything else to standard error. Exit status: 0 done, 1 failed, 2 called wrongly, 3 stopped by
a gate, 130 interrupted.
"""

from __future__ import annotations

import argparse
import io
import sys
from typing import NoReturn

import dure
from dure.cli import artifacts, data, pipelines, schemas, serving
from dure.cli.shared import say
from dure.errors import DureError, GateError, UsageError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dure",
        description="From raw data to a served, watched and repaired Keras model.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"dure {dure.__version__}")
    words = parser.add_subparsers(title="words", metavar="WORD", required=True)
    for part in (data, schemas, pipelines, artifacts, serving):
        part.add(words)
    return parser


def main() -> NoReturn:
    """Run the command line and leave with its exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without letters for the data's
    options, words = _parser().parse_known_args()
    if words and not options.takes_words:
        options.command.error("not understood: " + " ".join(words))
    options.words = words
    try:
        status = options.function(options)
    except GateError as error:
        status = _told(error, 3)
    except UsageError as error:
        status = _told(error, 2)
    except DureError as error:
        status = _told(error, 1)
    except BrokenPipeError:
        # Whoever read standard output has left, as `head` does; that is no failure of ours.
        sys.stderr.close()
        status = 0
    except Exception as error:  # noqa: BLE001 - what is not the user's own is raised again
        status = _users_own(error)
    except KeyboardInterrupt:
        say("interrupted; finished steps are kept and will be reused")
        status = 130
    sys.exit(status)


def _users_own(error: Exception) -> int:
    """Say an error of the pipeline's own function, its line first; raise what is Dure's."""
    from dure.runner.attempt import user_line

    where = user_line(error)
    if where is None:
        raise error
    say(f"error: the pipeline's own code failed\n  at:       {where}")
    say(f"  error:    {type(error).__name__}: {error}")
    return 1


def _told(error: DureError, status: int) -> int:
    say(f"error: {error}")
    return status
