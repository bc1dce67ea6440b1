"""One place that data is read from: a local file, an object behind a URL, or a database."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast
from urllib.parse import unquote

from dure.data.compressed import COMPRESSIONS, Checked, decompressed
from dure.data.remote import cause, filesystem, remote_error, shown
from dure.errors import DataError, DureError

__all__ = ["Location", "last_part", "no_permission", "scheme_of", "shown", "suffix_of"]

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+)://")
_SHARD = re.compile(r"-\d+-of-\d+$")
_BUFFER = 1 << 20


@dataclass(frozen=True)
class Location:
    """One file, object or database.

    Parameters
    ----------
    url : str
        What to call it in messages: the path as it was found, or the URL without its password
        and without the values after ``?``, which may be secret too.
    address : str
        What opens it. Never show it.
    path : Path or None
        The file, if it is local and not compressed: what wants a path or a memory map takes it.
    """

    url: str
    address: str = field(repr=False)
    path: Path | None = None

    @classmethod
    def of_path(cls, path: Path) -> Location:
        """Return the location of a local file or folder."""
        plain = path.suffix.lower() not in COMPRESSIONS
        return cls(str(path), str(path), path if plain else None)

    @classmethod
    def of_url(cls, url: str) -> Location:
        """Return the location of something behind a URL."""
        return cls(shown(url), url)

    @property
    def name(self) -> str:
        """Its last part, without its folder."""
        return last_part(self.address)

    @property
    def compression(self) -> str:
        """The ending of its compression, or ``""``."""
        ending = PurePosixPath(self.name).suffix.lower()
        return ending if ending in COMPRESSIONS else ""

    @property
    def suffix(self) -> str:
        """The ending that says its format, in lower case: ``".csv"`` of ``"A.CSV.gz"``.

        Shards count as what they are parts of: ``"a_tfrecord-00000-of-00002.gz"`` and
        ``"a.tfrecord-00000-of-00002"`` have ``".tfrecord"``.
        """
        return suffix_of(self.name)

    @property
    def scheme(self) -> str:
        """The scheme of its URL, without the driver of a database; ``""`` for a local file."""
        return scheme_of(self.address)

    def open(self) -> BinaryIO:
        """Open it for reading; what comes is decompressed.

        Raises
        ------
        DataError
            It is not there any more, may not be read, or a package for its compression is
            missing. What is read from it raises the same when the data breaks off.
        """
        compression = self.compression
        if self.path is not None:
            return cast("BinaryIO", self._raw())
        raw = cast("BinaryIO", self._raw())
        stream = decompressed(raw, compression, self.url) if compression else raw
        return cast("BinaryIO", io.BufferedReader(Checked(stream, self.url, compression), _BUFFER))

    def size(self) -> int:
        """Return how many bytes it has where it is stored, compressed or not."""
        try:
            if not self.scheme:
                return Path(self.address).stat().st_size
            system, inside = filesystem(self.address)
            return int(system.size(inside) or 0)
        except DureError:
            raise
        except Exception as error:  # noqa: BLE001 - each storage has errors of its own
            raise self._unreadable(error) from cause(self.address, error)

    def _raw(self) -> object:
        try:
            if not self.scheme:
                return Path(self.address).open("rb")
            system, inside = filesystem(self.address)
            return system.open(inside, "rb")
        except DureError:
            raise
        except Exception as error:  # noqa: BLE001 - each storage has errors of its own
            raise self._unreadable(error) from cause(self.address, error)

    def _unreadable(self, error: Exception) -> Exception:
        if isinstance(error, FileNotFoundError):
            return DataError(
                f"'{self.url}' is gone",
                expected="a file that stays while it is read",
                got="it was there when the source was listed, and is not any more",
                fix="see what removes files there, and run again",
            )
        if isinstance(error, PermissionError) and not self.scheme:
            return no_permission(Path(self.address), error)
        return remote_error(self.url, error)


def no_permission(path: Path, error: OSError) -> DataError:
    """Return the error that says that ``path`` may not be read."""
    return DataError(
        f"no permission to read '{error.filename or path}'",
        expected="a file or folder that the current user may read",
        got=f"{error.strerror or error}",
        fix=f"check it with: ls -ld '{error.filename or path}'",
    )


def scheme_of(source: str) -> str:
    """Return the scheme of a URL in lower case, without a driver; ``""`` for a path.

    >>> scheme_of("postgresql+psycopg://localhost/trips"), scheme_of("data/trips.csv")
    ('postgresql', '')
    """
    match = _SCHEME.match(source)
    return match[1].lower().partition("+")[0] if match else ""


def last_part(address: str) -> str:
    """Return the last part of a path or a URL, without what follows ``?`` in a URL."""
    if not scheme_of(address):
        return Path(address).name
    body = address.partition("://")[2]
    if scheme_of(address) in ("http", "https"):
        return unquote(body.partition("?")[0].rstrip("/").rpartition("/")[2])
    return body.rstrip("/").rpartition("/")[2]


def suffix_of(name: str) -> str:
    """Return the ending of a file's name that says its format; see `Location.suffix`."""
    stem = PurePosixPath(name)
    if stem.suffix.lower() in COMPRESSIONS:
        stem = stem.with_suffix("")
    bare = _SHARD.sub("", stem.name).lower()
    return ".tfrecord" if bare.endswith("_tfrecord") else PurePosixPath(bare).suffix
