"""From what a user names, a file, a folder, a pattern or a URL, to the places that are meant."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from dure.data import remote
from dure.data.batch import ReadOptions
from dure.data.formats import FORMATS, check_kind, scheme_kinds, suffix_kinds
from dure.data.location import Location, last_part, no_permission, scheme_of, shown, suffix_of
from dure.draw import counted
from dure.errors import DataError

__all__ = ["Found", "Location", "find", "no_permission"]

_T = TypeVar("_T")
_DEPTH = 3  # folders between a source and its images: split/class/name.png


@dataclass(frozen=True)
class Found:
    """What a source means.

    Parameters
    ----------
    kind : str
        The one format that all of it has: a name in `dure.data.formats.FORMATS`, or
        ``"package.module:function"``.
    locations : tuple of Location
        At least one, in the order of their names.
    label : str
        The last part of what the user named. It goes into artifacts, and the same data in
        another folder has to give the same artifact; so it is no whole path.
    """

    kind: str
    locations: tuple[Location, ...]
    label: str


def find(source: str | os.PathLike[str], options: ReadOptions | None = None) -> Found:
    """Return the files, or the database, that ``source`` means.

    Parameters
    ----------
    source : str or path
        A file, a folder (its files, not those of its sub-folders; a folder of images is one
        source with all of its sub-folders), a pattern with ``*``, ``?``, ``[...]`` or ``**``,
        a URL of those (``s3://``, ``gs://``, ``https://``, ``file://`` and what else fsspec
        knows), or the URL of a database. What exists is never taken for a pattern.
    options : ReadOptions, optional
        Its ``format`` overrules what the endings of the names say.

    Raises
    ------
    DataError
        Nothing is there, it cannot be looked into, or its formats are unknown or mixed.
    UsageError
        There is no such format, or no way to read such a URL.
    """
    options = options or ReadOptions()
    if options.format is not None:
        check_kind(options.format)
    text = os.fspath(source)
    scheme = scheme_of(text)
    if scheme == "file":
        text, scheme = unquote(urlsplit(text).path), ""
    if scheme in scheme_kinds():
        location = Location.of_url(text)
        return Found(options.format or scheme_kinds()[scheme], (location,), database_name(text))
    if scheme:
        return _behind_url(text, options.format)
    return _local(text, options.format)


def database_name(url: str) -> str:
    """Return the last part of a database's URL: what it is called, and no password."""
    body = url.partition("://")[2].partition("?")[0].rstrip("/")
    return body.rpartition("/")[2].rpartition("@")[2] or scheme_of(url)


def _local(source: str, kind: str | None) -> Found:
    path = Path(source)
    try:
        if path.is_dir():
            return _of_folder(path, kind)
        if path.exists():
            paths = [path]
        elif glob.has_magic(source):
            paths = _of_pattern(source)
        else:
            raise _missing(path)
    except PermissionError as error:
        raise no_permission(path, error) from error
    locations = tuple(Location.of_path(path) for path in paths)
    return Found(kind or _one_kind(locations), locations, path.name or "data")


def _of_folder(folder: Path, kind: str | None) -> Found:
    label = folder.name or "data"
    inside = sorted(folder.iterdir())
    files = [path for path in inside if not _hidden(path.name) and path.is_file()]
    chosen = [Location.of_path(path) for path in _of_kind(files, lambda path: path.name, kind)]
    if chosen and not _is_folder_kind(kind):
        return Found(kind or _one_kind(chosen), tuple(chosen), label)
    folder_kind = _kind_of_folder(_names_below(folder, _DEPTH), kind)
    if folder_kind:
        return Found(folder_kind, (Location.of_path(folder),), label)
    deeper = any(path.is_dir() for path in inside)
    raise _no_data_files(
        str(folder), [path.name for path in inside], deeper, ending=_example_ending(kind)
    )


def _behind_url(url: str, kind: str | None) -> Found:
    name = shown(url)
    what, urls = remote.listing(url, name)
    label = last_part(url.rstrip("/")) or "data"
    if what == "nothing":
        raise DataError(
            f"there is no file or folder '{name}'",
            expected=_expected(),
            got="nothing",
            fix="check the URL and the credentials",
        )
    if what == "folder":
        return _of_remote_folder(url, urls, kind, label)
    if not urls:
        raise DataError(
            f"no file matches the pattern '{name}'",
            expected="at least one file",
            got="none",
            fix="check the pattern, and the credentials for what it names",
        )
    if not label.startswith("."):  # a star matches no hidden file, as in a shell
        urls = [found for found in urls if not last_part(found).startswith(".")] or urls
    locations = tuple(Location.of_url(found) for found in urls)
    return Found(kind or _one_kind(locations), locations, label)


def _of_remote_folder(url: str, urls: list[str], kind: str | None, label: str) -> Found:
    visible = [found for found in urls if not _hidden(last_part(found))]
    chosen = [Location.of_url(found) for found in _of_kind(visible, last_part, kind)]
    if chosen and not _is_folder_kind(kind):
        return Found(kind or _one_kind(chosen), tuple(chosen), label)
    below = remote.files_below(url, shown(url), depth=_DEPTH)
    folder_kind = _kind_of_folder(map(last_part, below), kind)
    if folder_kind:
        return Found(folder_kind, (Location.of_url(url),), label)
    raise _no_data_files(
        shown(url),
        [last_part(found) for found in urls],
        len(below) > len(urls),
        ending=_example_ending(kind),
    )


def _of_kind(files: Sequence[_T], name: Callable[[_T], str], kind: str | None) -> list[_T]:
    """Return the files of one format; with none given, of all formats of which a file is many rows.

    Where the format is given and no name ends in it, those are meant that end in no format.
    """
    kinds = suffix_kinds()
    if kind is None:
        return [f for f in files if not _is_folder_kind(kinds.get(suffix_of(name(f)), "images"))]
    own = [file for file in files if kinds.get(suffix_of(name(file))) == kind]
    return own or [file for file in files if suffix_of(name(file)) not in kinds]


def _is_folder_kind(kind: str | None) -> bool:
    return kind in FORMATS and FORMATS[kind].folder


def _kind_of_folder(names: Iterator[str], kind: str | None) -> str | None:
    kinds = suffix_kinds()
    if kind is not None:
        return kind if _is_folder_kind(kind) else None
    found = (kinds.get(suffix_of(name)) for name in names if not _hidden(name))
    return next((each for each in found if _is_folder_kind(each)), None)


def _names_below(folder: Path, depth: int) -> Iterator[str]:
    for path in sorted(folder.iterdir()):
        if path.is_file():
            yield path.name
        elif depth > 1 and path.is_dir() and not _hidden(path.name):
            yield from _names_below(path, depth - 1)


def _of_pattern(pattern: str) -> list[Path]:
    # Path.glob takes no absolute pattern, and which part of one is a folder is glob's to know.
    found = glob.glob(pattern, recursive=True)  # noqa: PTH207 - see above
    paths = sorted(path for path in map(Path, found) if path.is_file())
    if not paths:
        raise DataError(
            f"no file matches the pattern '{pattern}'",
            expected="at least one file",
            got=f"none, looking from the folder '{Path.cwd()}'",
            fix=f"try the pattern in a shell: ls {pattern}",
        )
    return paths


def _one_kind(locations: Sequence[Location]) -> str:
    kinds: dict[str, Location] = {}
    known = suffix_kinds()
    for location in locations:
        kind = known.get(location.suffix)
        if kind is None or _is_folder_kind(kind):
            raise _unknown_format(location, kind)
        kinds.setdefault(kind, location)
    if len(kinds) > 1:
        raise DataError(
            f"{' and '.join(kinds)} files are mixed in one source",
            expected="files of one format",
            got=" and ".join(f"'{location.url}'" for location in kinds.values()),
            fix=f"name one format with a pattern such as 'folder/*{_example_ending(next(iter(kinds)))}'",
        )
    return next(iter(kinds))


def _unknown_format(location: Location, kind: str | None) -> DataError:
    if kind is not None:
        return DataError(
            f"'{location.url}' is one of the {kind}, which are read by the folder",
            expected="a folder",
            got="a file",
            fix="name the folder that has them",
        )
    fixes = {
        ".json": 'if each line is one row, name it: format="jsonl"',
        ".txt": 'say what it is: format="csv", with the delimiter',
        ".data": 'say what it is: format="csv", with the delimiter',
        ".db": f"name it as a URL: 'sqlite:///{location.url}'",
        ".sqlite": f"name it as a URL: 'sqlite:///{location.url}'",
        ".sqlite3": f"name it as a URL: 'sqlite:///{location.url}'",
        ".duckdb": f"name it as a URL: 'duckdb:///{location.url}'",
    }
    return DataError(
        f"cannot tell the format of '{location.url}'",
        expected=_expected(),
        got=f"the ending '{location.suffix}'" if location.suffix else "no ending",
        fix=fixes.get(location.suffix, "say what it is: format=…; or pass a DataFrame"),
    )


def _expected() -> str:
    endings = [form.suffixes[0] for form in FORMATS.values() if form.suffixes and not form.folder]
    return f"a file that ends in {', '.join(endings)}, a folder of such files, or a pattern"


def _example_ending(kind: str | None) -> str:
    form = FORMATS.get(kind or "parquet")
    return form.suffixes[0] if form and form.suffixes else ""


def _no_data_files(folder: str, names: list[str], deeper: bool, *, ending: str) -> DataError:
    return DataError(
        f"the folder '{folder}' has no data files",
        expected=f"directly in it, {_expected().partition(',  a folder')[0]}",
        got=f"{counted(len(names), 'entry', 'entries')}: {', '.join(names[:5])}"
        if names
        else "an empty folder",
        fix=f"name the sub-folders with a pattern: '{folder.rstrip('/')}/**/*{ending}'"
        if deeper
        else "name the folder that has the data files; or say of what format these are: format=…",
    )


def _missing(path: Path) -> DataError:
    parent = path.parent
    near = (
        sorted(p.name for p in parent.iterdir() if not _hidden(p.name)) if parent.is_dir() else []
    )
    got = (
        f"nothing; the folder '{parent}' has {', '.join(near[:8]) or 'no files'}"
        if parent.is_dir()
        else f"nothing; the folder '{parent}' is not there either"
    )
    return DataError(
        f"there is no file or folder '{path}'",
        expected=_expected(),
        got=got,
        fix=f"check the path; relative paths start at '{Path.cwd()}'",
    )


def _hidden(name: str) -> bool:
    return name.startswith((".", "_"))
