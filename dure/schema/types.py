"""The types of columns as a schema writes them, without loading Polars.

As in the data (`dure.data.types`), but a struct is just ``struct``: each of its fields is a column
of the schema of its own, named by its path with dots.
"""

from __future__ import annotations

from dure.errors import SchemaError, nearest

SCALARS = ("int", "float", "string", "bool", "bytes", "struct")
_MEANT = {"str": "string", "text": "string", "integer": "int", "double": "float"}
_EXPECTED = "int, float, string, bool, bytes, struct, or list[...] of one of these"


def normal(text: object) -> str:
    """Return a type as schemas write it: ``struct[a: int]`` becomes ``struct``.

    Raises
    ------
    SchemaError
        When the text is no type.

    >>> normal("list[struct[a: int, b: list[string]]]")
    'list[struct]'
    """
    inner, depth = str(text), 0
    while inner.startswith("list[") and inner.endswith("]"):
        inner, depth = inner[len("list[") : -1].strip(), depth + 1
    if inner.startswith("struct[") and inner.endswith("]"):
        inner = "struct"
    if not isinstance(text, str) or inner not in SCALARS:
        meant = nearest(_MEANT.get(inner, inner), SCALARS)
        raise SchemaError("unknown type", expected=_EXPECTED, got=repr(text), fix=meant)
    return "list[" * depth + inner + "]" * depth


def element(kind: str) -> str:
    """Return the type inside all lists.

    >>> element("list[list[int]]")
    'int'
    """
    return kind.rpartition("list[")[2].rstrip("]")


def depth(kind: str) -> int:
    """Return how many lists are around the element.

    >>> depth("list[list[int]]")
    2
    """
    return kind.count("list[")


def accepts(expected: str, got: str) -> bool:
    """Return whether data of the type ``got`` fits a column of the type ``expected``.

    The same type fits; and single values where lists are expected (lists of one), whole numbers
    where floats are, text where bytes are.

    Parameters
    ----------
    expected : str
        A type of a schema.
    got : str
        A type of a schema, or of data.
    """
    got = normal(got)
    inner, other = element(expected), element(got)
    same = inner == other or (inner, other) in (("float", "int"), ("bytes", "string"))
    levels = depth(expected), depth(got)
    return same and (levels[0] == levels[1] or levels == (1, 0))
