"""Streams out of compressed files, and out of files far away, that say where they broke off."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from typing import Any, BinaryIO, cast

from dure.data.remote import without_secrets
from dure.errors import DataError, MissingExtraError

_BLOCK = 1 << 16

COMPRESSIONS = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz", ".zst": "Zstandard"}


def decompressed(raw: BinaryIO, ending: str, name: str) -> BinaryIO:
    """Return the stream of what ``raw`` has compressed.

    Parameters
    ----------
    raw : binary file
        The compressed bytes. Closing the result closes it.
    ending : str
        One of `COMPRESSIONS`.
    name : str
        What is read, for messages.

    Raises
    ------
    MissingExtraError
        Zstandard needs Python 3.14 or the extra ``arrow``.
    """
    if ending == ".zst":
        return cast("BinaryIO", _zstandard(raw, name))
    if ending == ".gz":
        return cast("BinaryIO", _Owning(gzip.GzipFile(fileobj=raw, mode="rb"), raw))
    maker: Any = {".bz2": bz2.BZ2Decompressor, ".xz": lzma.LZMADecompressor}[ending]
    return cast("BinaryIO", _Members(raw, maker))


class _Members(io.RawIOBase):
    """Compressed data, one piece after the other, each of which has to be whole.

    The standard library's own streams take what follows the first piece and is none for no data,
    which hides a piece whose start is damaged.
    """

    def __init__(self, raw: BinaryIO, maker: Any) -> None:
        super().__init__()
        self._raw, self._maker = raw, maker
        self._decoder = maker()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        data = b""
        while not data and len(view):
            if self._decoder.eof:
                rest = self._next_piece()
                if not rest:
                    return 0
                self._decoder = self._maker()
                data = self._decoder.decompress(rest, len(view))
                continue
            more = self._raw.read(_BLOCK) if self._decoder.needs_input else b""
            if self._decoder.needs_input and not more:
                raise EOFError("the file ended before the end of its data")
            data = self._decoder.decompress(more, len(view))
        view[: len(data)] = data
        return len(data)

    def _next_piece(self) -> bytes:
        rest = bytes(self._decoder.unused_data).lstrip(b"\0")  # xz may be padded with zeros
        while not rest and (block := self._raw.read(_BLOCK)):
            rest = block.lstrip(b"\0")
        return rest

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class _Owning:
    """A stream that closes the file below it: the standard library's streams don't."""

    def __init__(self, stream: Any, raw: BinaryIO) -> None:
        self._stream, self._raw = stream, raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def close(self) -> None:
        self._stream.close()
        self._raw.close()


def _zstandard(raw: BinaryIO, name: str) -> Any:
    try:
        from compression import zstd  # type: ignore[import-not-found]  # Python 3.14
    except ImportError:
        try:
            import pyarrow as pa
        except ImportError as error:
            raw.close()
            raise MissingExtraError(
                "pyarrow", extra="arrow", purpose=f"reading '{name}' before Python 3.14"
            ) from error
        return pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd")
    return _Owning(zstd.ZstdFile(raw), raw)


class Checked(io.RawIOBase):
    """A stream whose failures are `DataError`, with the place up to which it could be read.

    Parameters
    ----------
    stream : binary file
        What is read. It is closed with this.
    name : str
        What it is, for messages.
    ending : str
        The ending of its compression, or ``""``.
    """

    def __init__(self, stream: Any, name: str, ending: str) -> None:
        super().__init__()
        self._stream, self._name, self._ending = stream, name, ending
        self._at = 0
        # One block of the file at a time: what was readable before it broke is then counted.
        self._read = getattr(stream, "read1", stream.read)

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return whether the stream below can seek."""
        return bool(self._stream.seekable())

    def tell(self) -> int:
        """Return how many bytes came out so far."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Seek in the stream below, and return where that is."""
        try:
            self._at = int(self._stream.seek(offset, whence))
        except (EOFError, OSError, zlib.error, lzma.LZMAError) as error:
            raise self._broken(error) from self._cause(error)
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill ``buffer`` as far as one read goes, and return how many bytes that is."""
        view = memoryview(buffer).cast("B")
        try:
            data = self._read(len(view))
        except Exception as error:  # noqa: BLE001 - each storage has errors of its own
            raise self._broken(error) from self._cause(error)
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        """Close the stream below too."""
        if not self.closed:
            self._stream.close()
        super().close()

    def _cause(self, error: Exception) -> Exception | None:
        # What a library says of a URL with secrets in it may have them too.
        hidden = "***@" in self._name or self._name.endswith("?…")
        return None if hidden else error

    def _broken(self, error: Exception) -> DataError:
        if not self._ending:
            return DataError(
                f"'{self._name}' could not be read to its end",
                expected="a file that stays and is reachable while it is read",
                got=f"{self._at:,} bytes, then {type(error).__name__}: {without_secrets(str(error))}",
                fix="see whether it was changed or removed, and run again",
            )
        kind = COMPRESSIONS[self._ending]
        return DataError(
            f"'{self._name}' is not a whole {kind} file",
            expected=f"{kind} data up to the end of the file",
            got=f"{self._at:,} bytes came out of it, then: {without_secrets(str(error))}",
            fix="copy or write the file again; it looks cut off or damaged",
        )
