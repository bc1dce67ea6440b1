"""Stage 3, EXPECT: what the data is expected to look like, in a file made to be edited.

Files, in the order to read them: `column` (what can be expected of one column), `model` (the
schema, an artifact), `inference` (a first draft from statistics), `reading` (a hand-edited file, with
errors that name the line), `writing` and `difference`.
"""

from __future__ import annotations

from dure.schema.column import Column
from dure.schema.inference import infer
from dure.schema.model import Schema

__all__ = ["Column", "Schema", "infer"]
