"""Stage 3, EXPECT: what the data is expected to look like, in a file made to be edited.

Files, in the order to read them: `column` (what can be expected of one column) with `types`,
`bounds`, `semantics`, `override` and the rules in `checking`; `dataset` (of the whole); `model` (the
schema, an artifact). A file: `reading` (hand-edited, with errors that name the line, on `nodes`),
`writing` with `help`; what people see: `looks`, `difference`. Drafts from statistics: `inference`
(the better rules), `tfdv_inference` (TFDV's), `suggest` (what else one may want), `update` (the
least change that makes data fit). `history` keeps versions; `tfx` reads and writes TFDV's schemas.
"""

from __future__ import annotations

from dure.schema.column import Column
from dure.schema.dataset import Dataset, Expression, Rule, Sparse, Weighted
from dure.schema.inference import infer
from dure.schema.model import Schema, dummy
from dure.schema.override import Override
from dure.schema.semantics import Embedding, Image, NaturalLanguage, Time, Token

__all__ = [
    "Column",
    "Dataset",
    "Embedding",
    "Expression",
    "Image",
    "NaturalLanguage",
    "Override",
    "Rule",
    "Schema",
    "Sparse",
    "Time",
    "Token",
    "Weighted",
    "dummy",
    "infer",
]
