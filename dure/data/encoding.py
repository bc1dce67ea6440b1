"""From the bytes of a text file to UTF-8, or to an error that says where they are not text."""

from __future__ import annotations

import codecs
from pathlib import Path

from dure.errors import DataError, UsageError

_BLOCK = 1 << 20
_SAMPLE = 1 << 16


def to_utf8(data: bytes, path: Path, encoding: str = "utf-8") -> bytes:
    """Return ``data`` as valid UTF-8 without a byte order mark.

    Parameters
    ----------
    data : bytes
        The content of the file.
    path : Path
        The file, for messages.
    encoding : str
        The name of its encoding, as Python knows it.

    Raises
    ------
    UsageError
        Python knows no such encoding.
    DataError
        The bytes are not in that encoding. The message has the line, the byte offset, and the
        encoding to try.
    """
    try:
        name = codecs.lookup(encoding).name
    except LookupError as error:
        raise UsageError(
            f"there is no encoding '{encoding}'",
            expected="the name of a text encoding, such as utf-8, utf-16, cp949 or cp1252",
            got=f"encoding={encoding!r}",
        ) from error
    if name in ("utf-8", "utf-8-sig"):
        data = data.removeprefix(codecs.BOM_UTF8)
        if not data.isascii():
            _check_utf8(data, path)
        return data
    try:
        return data.decode(name).removeprefix("\ufeff").encode("utf-8")
    except UnicodeDecodeError as error:
        raise _not_text(data, error.start, path, encoding) from error


def _check_utf8(data: bytes, path: Path) -> None:
    # Block by block: decoding a large file in one go would hold up to four bytes a character.
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(data), _BLOCK):
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(data[start : start + _BLOCK], final=start + _BLOCK >= len(data))
        except UnicodeDecodeError as error:
            raise _not_text(data, start - pending + error.start, path, "utf-8") from error


def _not_text(data: bytes, offset: int, path: Path, encoding: str) -> DataError:
    line = data.count(b"\n", 0, offset) + 1
    other = _guess(data, encoding)
    return DataError(
        f"'{path}', line {line}: the bytes are not {encoding} text",
        expected=f"text in {encoding}",
        got=f"byte 0x{data[offset]:02x} at byte offset {offset}",
        fix=f'read it with encoding="{other}", or save the file as UTF-8',
    )


def _guess(data: bytes, tried: str) -> str:
    """Return the encoding that the bytes are most likely in.

    Few rules on purpose: the answer is a proposal in a message, never used by itself.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    head = data[:_SAMPLE]
    if head.count(0) > len(head) // 4:
        return "utf-16-le" if head[1::2].count(0) > head[0::2].count(0) else "utf-16-be"
    korean = data.decode("cp949", errors="ignore")
    letters = [c for c in korean if ord(c) > 0x7F]
    hangul = sum("가" <= c <= "힣" for c in letters)
    if _decodes(data, "cp949") and 2 * hangul >= len(letters) > 0:
        return "cp949"
    if tried != "utf-8" and _decodes(data, "utf-8"):
        return "utf-8"
    return "cp1252" if _decodes(data, "cp1252") else "latin-1"


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
