"""The one way in which records are written as JSON."""

from __future__ import annotations

import json


def dumps(value: object) -> str:
    """Return a value as one line of JSON with sorted keys.

    >>> dumps({"b": 1, "a": [True]})
    '{"a":[true],"b":1}'
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False
    )
