"""The word serve."""

from __future__ import annotations

import argparse
from typing import Any

from dure.cli.shared import Options, add_word, say


def add(words: Any) -> None:
    """Add the word to the command line."""
    _serve_options(add_word(words, serve, home=False))


def serve(options: Options) -> int:
    """Answer predictions over REST, as TensorFlow Serving does."""
    from dure.serve import serve as run_server

    run_server(
        options.folder,
        name=options.name,
        host=options.host,
        port=options.port,
        poll_seconds=options.poll_seconds,
        ready=lambda url: say(f"serving {url}"),
    )
    return 0


def _serve_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("folder", metavar="FOLDER", help="folder of a model's numbered versions")
    command.add_argument("--name", help="name of the model (default: the folder's)")
    command.add_argument("--host", default="127.0.0.1", help="address (default 127.0.0.1)")
    command.add_argument(
        "--port", type=int, default=8501, help="port; 0 picks a free one (default 8501)"
    )
    command.add_argument(
        "--poll-seconds",
        type=float,
        default=1.0,
        metavar="SECONDS",
        help="how often to look for new versions (default 1)",
    )
