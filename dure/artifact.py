"""What a step makes: a value that is a folder of ordinary files on disk."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self

from markupsafe import Markup

from dure import draw
from dure.gate import Gate


class Artifact(ABC):
    """A result with ``save(directory)`` and ``load(directory)``.

    Rules
    -----
    - `save` writes ordinary files that can be read without Dure (Parquet, JSON, YAML, SavedModel)
      into a directory that exists and is empty. It never renames or publishes anything: whoever
      calls it does. The same value writes the same bytes: no time stamps, no absolute paths.
    - `load` is cheap: it opens no data and imports no heavy package (TensorFlow, Polars). What
      is large is read on first use. An artifact never changes the directory it was loaded from.
    - A value is not changed after it was made; a change makes a new value.

    `save` and `load` are all that an artifact must have; the rest has plain defaults.
    """

    @abstractmethod
    def save(self, directory: Path) -> None:
        """Write the value into an empty directory that exists."""

    @classmethod
    @abstractmethod
    def load(cls, directory: Path) -> Self:
        """Return the value that `save` wrote into ``directory``."""

    @property
    def gate(self) -> Gate | None:
        """The verdict that this artifact carries, or None where it is no gate."""
        return None

    def problem(self) -> str | None:
        """Return why the artifact cannot be reused although its own files are whole, or None.

        For an artifact that stands for something outside its folder, such as a model that was
        released to another place.
        """
        return None

    def summary(self) -> str:
        """Return one line of plain text, such as ``"344 rows, 8 columns, 2 splits"``."""
        return type(self).__name__

    def text(self) -> str:
        """Return the value as plain text of at most 80 columns, for a terminal."""
        return self.summary()

    def html(self) -> Markup:
        """Return the value as a piece of HTML without scripts, made with `dure.draw`."""
        return Markup("<pre>{}</pre>").format(self.text())

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.summary()}>"

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        return str(draw.notebook(self.html()))
