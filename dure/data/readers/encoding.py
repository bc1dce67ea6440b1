"""From the bytes of a text file to UTF-8, a block at a time, or to an error that says where not."""

from __future__ import annotations

import codecs
from typing import BinaryIO

from dure.errors import DataError, UsageError

_PIECE, _FIRST_PIECE = 1 << 20, 1 << 12
_SAMPLE = 1 << 16
_FEW = 8  # less than so many bytes look like nothing
_MARK = "\udc80"  # stands for bytes that are no text; UTF-8 has no way to write it


def _mark(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return _MARK, max(error.end, error.start + 1)


codecs.register_error("dure-mark", _mark)


class Utf8Stream:
    r"""A text file as UTF-8, without a byte order mark, its lines ended by ``\n`` or ``\r\n``.

    Parameters
    ----------
    stream : binary file
        The bytes of the file.
    where : str
        The file, for messages.
    encoding : str
        The name of its encoding, as Python knows it. Bytes that should be UTF-8 are passed on
        unchecked: `first_invalid` looks at them.
    mark : bool
        Bytes that are not in another encoding become bytes that are no UTF-8, for `first_invalid`
        to find; else they are an error.

    Raises
    ------
    UsageError
        Python knows no such encoding.
    DataError
        While reading: the bytes are not in the encoding. The message has the line, the byte
        offset, and the encoding to try.
    """

    def __init__(self, stream: BinaryIO, where: str, encoding: str, *, mark: bool = False) -> None:
        self._stream, self._where, self._encoding = stream, where, encoding
        self._name = encoding_name(encoding)
        self._plain = self._name in ("utf-8", "utf-8-sig")
        self._decoder = codecs.getincrementaldecoder(self._name)("dure-mark" if mark else "strict")
        self._raw, self._lines = 0, 0  # bytes read, line ends passed
        self._ended = False
        self._returns = False  # the line ends are those of old Macintosh programs
        self._last = b""
        self.skipped = 0
        """Bytes of the byte order mark that are not passed on."""
        self._ahead = self._begin()

    def read(self, size: int) -> bytes:
        """Return about ``size`` bytes; less, or none, at the end."""
        block, self._ahead = self._ahead[:size], self._ahead[size:]
        while len(block) < size and not self._ended:
            more = self._ended_line(self._next(size - len(block)))
            block = block + more if block else more
        return block

    @property
    def ended(self) -> bool:
        """Whether all was read."""
        return self._ended and not self._ahead

    @property
    def sample(self) -> bytes:
        """The first bytes, before any were read."""
        return self._ahead

    def _begin(self) -> bytes:
        first = self._next(_PIECE)
        while len(first) < _PIECE and not self._ended:
            first += self._next(_PIECE)
        mark = codecs.BOM_UTF8
        if first.startswith(mark):
            first, self.skipped = first[len(mark) :], len(mark)
        self._returns = b"\n" not in first and b"\r" in first
        return self._ended_line(first)

    def _ended_line(self, block: bytes) -> bytes:
        if self._returns:
            if b"\n" in block:
                raise DataError(
                    f"{self._where}: its line ends are of two kinds",
                    expected="lines that all end in \\n, or \\r\\n, or \\r",
                    got=f"\\r alone in the first {_PIECE:,} bytes, \\n after them",
                    fix="check what wrote the file",
                )
            return block.replace(b"\r", b"\n")
        self._last = block[-1:] or self._last
        return block + b"\n" if self._ended and self._last == b"\r" else block

    def _next(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._ended = not data
        if self._plain:
            self._raw += len(data)
            return data
        pending = len(self._decoder.getstate()[0])
        try:
            text = self._decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            raise self._not_text(error, self._raw - pending) from error
        except UnicodeError as error:  # UTF-16 and UTF-32 without their mark
            raise DataError(
                f"{self._where}: the bytes are not {self._encoding} text",
                expected="a byte order mark at the start, which says what order the bytes have",
                got=f"the bytes 0x{data[:4].hex()}",
                fix=f'read it with encoding="{guess_encoding(data, self._encoding)}"',
            ) from error
        if not self._raw and text.startswith("\ufeff"):
            text = text[1:]
        self._raw += len(data)
        self._lines += text.count("\n")
        return text.encode("utf-8", "surrogatepass")

    def _not_text(self, error: UnicodeDecodeError, base: int) -> DataError:
        good = error.object[: error.start].decode(self._name, errors="ignore")
        line = self._lines + good.count("\n") + 1
        offset = base + error.start
        return not_text(error.object, error.start, self._where, line, offset, self._encoding)


def encoding_name(encoding: str) -> str:
    """Return Python's own name of a text encoding.

    Raises
    ------
    UsageError
        Python knows no such encoding.
    """
    try:
        info = codecs.lookup(encoding)
    except LookupError:
        info = None
    if info is None or not getattr(info, "_is_text_encoding", True):
        raise UsageError(
            f"there is no encoding '{encoding}'",
            expected="the name of a text encoding, such as utf-8, utf-16, cp949 or cp1252",
            got=f"encoding={encoding!r}",
        )
    return info.name


def first_invalid(data: bytes, start: int = 0, end: int | None = None) -> int:
    """Return the offset of the first byte in ``data[start:end]`` that is no UTF-8, or -1.

    What is given has to be whole lines: a character that is cut off is invalid.
    """
    end = len(data) if end is None else end
    # Piece by piece: decoding much in one go would hold up to four bytes a character. Small
    # pieces first: what is looked for may be near.
    decoder = codecs.getincrementaldecoder("utf-8")()
    at, size = start, _FIRST_PIECE
    while at < end:
        pending = len(decoder.getstate()[0])
        last = min(at + size, end)
        try:
            decoder.decode(data[at:last], final=last == end)
        except UnicodeDecodeError as error:
            return at - pending + error.start
        at, size = last, min(2 * size, _PIECE)
    return -1


def not_text(data: bytes, at: int, where: str, line: int, offset: int, encoding: str) -> DataError:
    """Return the error for the byte ``data[at]``, at ``offset`` of its file."""
    other = guess_encoding(data, encoding)
    return DataError(
        f"{where}, line {line}: the bytes are not {encoding} text",
        expected=f"text in {encoding}",
        got=f"byte 0x{data[at]:02x} at byte offset {offset}",
        fix=f'read it with encoding="{other}", or save the file as UTF-8',
    )


def looks_wide(sample: bytes) -> bool:
    """Return whether bytes look like UTF-16 without its mark.

    About every second byte is 0, and so is one beside each line end.
    """
    head = sample[:_SAMPLE]
    lines = head.count(b"\n")
    beside = max(head.count(b"\n\0"), head.count(b"\0\n"))
    return len(head) >= _FEW and head.count(0) > len(head) // 4 and beside >= lines - 1


def guess_encoding(data: bytes, tried: str) -> str:
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
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        decoder.decode(data)  # its last character may be cut off
    except UnicodeDecodeError:
        return False
    return True
