"""Files behind URLs, through fsspec: how they are found, and what is said when they aren't."""

from __future__ import annotations

import re
from typing import Any

from dure.errors import DataError, DureError, MissingExtraError, UsageError

_EXTRAS = {"s3": ("s3fs", "s3"), "s3a": ("s3fs", "s3")}
_HTTP = ("http", "https")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"<>()]+")


def shown(url: str) -> str:
    """Return a URL that may be shown: no password, no values after ``?``.

    >>> shown("postgresql://ann:secret@db.example/trips?sslpassword=x")
    'postgresql://ann:***@db.example/trips?…'
    """
    start = url.find("://") + 3
    body, question, _ = url[start:].partition("?")
    # A password may hold an unescaped '@' or '/', so all up to the last '@' is hidden - but an
    # object's name may hold one too, so only where something like a password stands before it.
    user, colon, rest = body.partition(":")
    port = url[:start].lower().startswith("http") and re.match(r"\d+/", rest)
    if colon and "@" in rest and "/" not in user and not port:
        body = f"{user}:***@{rest.rpartition('@')[2]}"
    return url[:start] + body + ("?…" if question else "")


def without_secrets(text: str) -> str:
    """Return what a library says, with each URL in it as `shown` gives it."""
    return _URL.sub(lambda match: shown(match[0]), text)


def cause(url: str, error: Exception) -> Exception | None:
    """Return ``error`` as the cause to name, or None if its text may hold the secrets of ``url``."""
    return error if shown(url) == url else None


def filesystem(url: str) -> tuple[Any, str]:
    """Return the fsspec file system of a URL, and the name of what it means in there.

    Raises
    ------
    MissingExtraError, UsageError
        The package for this kind of URL is not installed, or there is no such kind.
    DataError
        What it names cannot be reached.
    """
    import fsspec

    scheme = url.partition("://")[0].lower()
    try:
        system, inside = fsspec.core.url_to_fs(url)
    except ImportError as error:
        if scheme in _EXTRAS:
            package, extra = _EXTRAS[scheme]
            raise MissingExtraError(
                package, extra=extra, purpose=f"reading {scheme}:// URLs"
            ) from error
        raise UsageError(
            f"a package for {scheme}:// URLs is not installed",
            expected=f"a package through which fsspec reads {scheme}://",
            got=f"{error}",
            fix="install the package that is named there",
        ) from error
    except ValueError as error:
        raise UsageError(
            f"URLs that begin with {scheme}:// cannot be read",
            expected="s3://, gs://, https://, file://, a database, or another that fsspec knows",
            got=f"{error}",
        ) from error
    except OSError as error:  # some, as FTP, connect here
        raise remote_error(shown(url), error) from cause(url, error)
    return system, inside


def remote_error(name: str, error: Exception) -> DureError:
    """Return what to say when the storage behind ``name`` refuses."""
    if isinstance(error, DureError):
        return error
    if isinstance(error, PermissionError):
        return DataError(
            f"no permission to read '{name}'",
            expected="a file that the current credentials may read",
            got=without_secrets(f"{error}"),
            fix="check the credentials in the environment",
        )
    return DataError(
        f"'{name}' cannot be read",
        expected="a file or folder that is reachable",
        got=without_secrets(f"{type(error).__name__}: {error}"),
        fix="check the URL, the network and the credentials",
    )


def listing(url: str, name: str) -> tuple[str, list[str]]:
    """Return what ``url`` is, and the URLs of its files.

    Parameters
    ----------
    url : str
        A file, a folder or a pattern.
    name : str
        The same for messages.

    Returns
    -------
    what : {"file", "folder", "pattern", "nothing"}
        ``"nothing"``: it is not there.
    urls : list of str
        Sorted; of a folder, those directly in it.
    """
    system, inside = filesystem(url)
    try:
        system.invalidate_cache()  # what stood there at an earlier look may be gone
        what, paths = _listing(system, inside)
    except Exception as error:  # noqa: BLE001 - each storage has errors of its own
        raise remote_error(name, error) from cause(url, error)
    if what == "file":
        return what, [url]
    return what, sorted(_url(system, path) for path in paths)


def files_below(url: str, name: str, *, depth: int | None = None) -> list[str]:
    """Return the URLs of all files in a folder and its sub-folders, sorted."""
    system, inside = filesystem(url)
    try:
        return sorted(_url(system, path) for path in system.find(inside, maxdepth=depth))
    except Exception as error:  # noqa: BLE001 - each storage has errors of its own
        raise remote_error(name, error) from cause(url, error)


def _listing(system: Any, inside: str) -> tuple[str, list[str]]:
    magic = "[*[]" if system.protocol in _HTTP or "http" in system.protocol else "[*?[]"
    if re.search(magic, inside) and not _is_file(system, inside):
        return "pattern", [name for name in system.glob(inside) if system.isfile(name)]
    if not inside.endswith("/") and _is_file(system, inside):
        return "file", [inside]
    if system.isdir(inside):
        entries = system.ls(inside, detail=True)
        return "folder", [entry["name"] for entry in entries if entry["type"] == "file"]
    return "nothing", []


def _is_file(system: Any, inside: str) -> bool:
    return bool(system.isfile(inside))


def _url(system: Any, name: str) -> str:
    return str(system.unstrip_protocol(name))
