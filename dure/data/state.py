"""What tells that a source behind a URL has changed, for those who want to reuse what was read."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from dure.data.location import scheme_of, shown
from dure.data.spans import has_spans, matching, shown_pattern
from dure.errors import DureError, FingerprintError

# What file systems say of a file that changes with its content, the surest first.
_SIGNS = (
    ("ETag", "etag", "md5Hash", "md5", "checksum", "Content-MD5", "generation", "VersionId"),
    ("LastModified", "last_modified", "mtime", "updated", "created", "Last-Modified"),
)
_FILES = ("sqlite", "duckdb")
_BLOCK = 1 << 20


def source_state(source: str | os.PathLike[str]) -> bytes | None:
    """Return bytes that change when what is behind a URL changes.

    Parameters
    ----------
    source : str or path
        What a user names.

    Returns
    -------
    bytes or None
        None: it is a local file, folder or pattern, at which the caller can look itself. For files
        behind a URL: names and ETags, or sizes and times of change where there are no ETags. For a
        database that is a file: its content. For a pattern with spans: all that matches it, of
        whatever span, since a new one may be the one that is read.

    Raises
    ------
    FingerprintError
        Nothing tells: the server of a database, a web server that says nothing, or a place that
        cannot be reached. The reader will say what is wrong with it.
    """
    text = os.fspath(source)
    scheme = scheme_of(text)
    if scheme not in _FILES and has_spans(text):
        return _spans(text)
    if not scheme:
        return None
    if scheme == "file":
        return _file(Path(unquote(urlsplit(text).path)))
    if scheme in _FILES:
        return _database(text)
    from dure.data.formats import scheme_kinds

    if scheme in scheme_kinds():
        raise FingerprintError(
            f"nothing tells whether the data behind '{shown(text)}' has changed since"
        )
    return _remote(text)


def _spans(pattern: str) -> bytes:
    try:
        names = matching(pattern)
    except DureError as error:
        raise FingerprintError(
            f"'{shown_pattern(pattern)}' cannot be looked at: {error}"
        ) from error
    if not names:
        raise FingerprintError(f"nothing matches '{shown_pattern(pattern)}' yet")
    look = _remote if scheme_of(pattern) else lambda name: _file(Path(name))
    parts = (name.encode("utf-8", "surrogatepass") + b"\0" + look(name) for name in names)
    return hashlib.sha256(b"\0".join(parts)).digest()


def _database(url: str) -> bytes:
    body = url.partition("://")[2].partition("?")[0]
    path = Path(unquote(body.removeprefix("/")) if body.startswith("/") else body)
    # The query is part of what is read.
    return _file(path) + url.partition("?")[2].encode("utf-8", "surrogatepass")


def _file(path: Path) -> bytes:
    if path.is_dir():
        files = sorted(item for item in path.rglob("*") if item.is_file())
        names = (item.relative_to(path).as_posix().encode() + b"\0" + _file(item) for item in files)
        return hashlib.sha256(b"\0".join(names)).digest()
    whole = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                whole.update(block)
    except OSError as error:
        raise FingerprintError(f"'{path}' cannot be read: {error.strerror}") from error
    return whole.digest()


def _remote(url: str) -> bytes:
    from dure.data.remote import filesystem, listing

    try:
        _, urls = listing(url, shown(url))
        system, _ = filesystem(url)
        found = [(each, system.info(filesystem(each)[1])) for each in urls]
    except (DureError, OSError, ValueError) as error:
        raise FingerprintError(f"'{shown(url)}' cannot be looked at: {error}") from error
    if not found:
        raise FingerprintError(f"nothing is at '{shown(url)}' yet")
    return hashlib.sha256(
        b"\0".join(_sign(each, info).encode("utf-8", "surrogatepass") for each, info in found)
    ).digest()


def _sign(url: str, info: dict[str, Any]) -> str:
    for names in _SIGNS:
        for name in names:
            if info.get(name):
                return f"{url}\0{info.get('size')}\0{name}\0{info[name]}"
    raise FingerprintError(f"nothing tells whether '{shown(url)}' has changed since")
