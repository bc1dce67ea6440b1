"""Folders of images: each file is a row, and the folder that it lies in is its class."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from dure.data.batch import Batch, ReadOptions, Refused
from dure.data.formats import FORMATS
from dure.data.location import Location
from dure.data.remote import files_below, filesystem
from dure.errors import DataError, MissingExtraError, UsageError

_DEPTH = 3  # split/class/name.png
_SCHEMA: dict[str, pl.DataType] = {
    "image": pl.Binary(),
    "label": pl.String(),
    "path": pl.String(),
    "width": pl.Int64(),
    "height": pl.Int64(),
    "channels": pl.Int64(),
    "format": pl.String(),
}


@dataclass(frozen=True)
class _File:
    parts: tuple[str, ...]  # of its path below the folder
    location: Location

    @property
    def path(self) -> str:
        return "/".join(self.parts)


def read_images(location: Location, options: ReadOptions) -> Iterator[Batch]:
    """Yield the images of a folder, sorted by their paths.

    ``FOLDER/class/name.png`` or ``FOLDER/split/class/name.png``. The columns are ``image`` (the
    bytes of the file), ``label`` (the name of its folder; missing for images directly in
    ``FOLDER``), ``path`` (below ``FOLDER``), ``width``, ``height``, ``channels`` and ``format``
    (``"PNG"``), and ``split`` if there are folders of splits. Each image is decoded once, to see
    that it can be. Files with other endings, and names that begin with ``.`` or ``_``, are left
    alone.

    Parameters
    ----------
    location : Location
        The folder, local or behind a URL.
    options : ReadOptions
        ``on_bad_rows`` and ``batch_bytes`` count.

    Raises
    ------
    DataError
        An image does not decode, unless bad rows are set aside; images lie deeper than that; or
        the folder has none.
    MissingExtraError
        Pillow is not installed.
    """
    _pillow()
    files = _files(location)
    _check_depths(files, location)
    has_splits = any(len(file.parts) == _DEPTH for file in files)
    rows: list[dict[str, Any]] = []
    refused: list[Refused] = []
    size = found = 0
    for file in files:
        with file.location.open() as stream:
            data = stream.read()
        found += 1
        try:
            rows.append(_row(file, data))
            size += len(data)
        except _NoImageError as error:
            refused.append(_refused(file, str(error), len(data), options))
        if size >= options.batch_bytes:
            yield Batch(_frame(rows, has_splits=has_splits), tuple(refused), found)
            rows, refused, size, found = [], [], 0, 0
    if found:
        yield Batch(_frame(rows, has_splits=has_splits), tuple(refused), found)


class _NoImageError(Exception):
    """An image does not decode."""


def _row(file: _File, data: bytes) -> dict[str, Any]:
    depth = len(file.parts)
    return {
        "image": data,
        "label": file.parts[-2] if depth > 1 else None,
        "path": file.path,
        "split": file.parts[0] if depth == _DEPTH else None,
        **_facts(data),
    }


def _facts(data: bytes) -> dict[str, Any]:
    """Decode an image, and return its width, height, channels and format."""
    image = _pillow()
    try:
        with warnings.catch_warnings():
            # Of large images, and of metadata that is slightly wrong; the pixels are what counts.
            warnings.simplefilter("ignore")
            with image.open(io.BytesIO(data)) as opened:
                opened.load()
                return {
                    "width": opened.width,
                    "height": opened.height,
                    "channels": len(opened.getbands()),
                    "format": opened.format,
                }
    except Exception as error:
        # Which error a damaged file gives depends on where the decoder meets the damage.
        said = str(error).replace(f"{io.BytesIO.__name__}", "file")
        if isinstance(error, image.DecompressionBombError):
            said = f"more pixels than is safe to decode: {error}"
        elif type(error).__name__ == "UnidentifiedImageError":
            said = "no image format is known that begins like this"
        raise _NoImageError(said or type(error).__name__) from error


def _refused(file: _File, reason: str, size: int, options: ReadOptions) -> Refused:
    reason = f"the image does not decode: {reason}" if size else "the file is empty"
    if options.on_bad_rows != "quarantine":
        raise DataError(
            f"'{file.location.url}': {reason}",
            expected="an image that decodes to its end",
            got=f"{size:,} bytes",
            fix='replace or remove it, or set bad rows aside: on_bad_rows="quarantine"',
        )
    return Refused(file.location.name, file.path, reason)


def _frame(rows: list[dict[str, Any]], *, has_splits: bool) -> pl.DataFrame:
    schema = _SCHEMA | ({"split": pl.String()} if has_splits else {})
    return pl.DataFrame(
        [pl.Series(name, [row[name] for row in rows], dtype) for name, dtype in schema.items()]
    )


def _files(location: Location) -> list[_File]:
    """Return the images below a folder, sorted by the parts of their paths."""
    if location.scheme:
        files = _remote(location)
    else:
        root = Path(location.address)
        files = [
            _File(path.relative_to(root).parts, Location.of_path(path))
            for path in root.rglob("*")
            if _is_image(path.relative_to(root).parts) and path.is_file()
        ]
    if not files:
        raise DataError(
            f"the folder '{location.url}' has no images",
            expected=f"files that end in {', '.join(FORMATS['images'].suffixes)}",
            got="none",
            fix="check the folder",
        )
    return sorted(files, key=lambda file: file.parts)


def _remote(location: Location) -> list[_File]:
    # Both names are the file system's own, so that one is the beginning of the other.
    system, inside = filesystem(location.address)
    root = str(system.unstrip_protocol(inside)).rstrip("/") + "/"
    found = []
    for url in files_below(location.address, location.url):
        parts = tuple(url.removeprefix(root).split("/"))
        if _is_image(parts):
            found.append(_File(parts, Location.of_url(url)))
    return found


def _is_image(parts: tuple[str, ...]) -> bool:
    hidden = any(part.startswith((".", "_")) for part in parts)
    return not hidden and parts[-1].lower().endswith(FORMATS["images"].suffixes)


def _check_depths(files: list[_File], location: Location) -> None:
    deep = next((file for file in files if len(file.parts) > _DEPTH), None)
    if deep is not None:
        raise UsageError(
            f"'{location.url}' has images that lie too deep",
            expected="class/name.png or split/class/name.png below the folder",
            got=f"'{deep.path}'",
            fix="name a folder further down",
        )


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingExtraError(
            "pillow", extra="images", purpose="reading folders of images"
        ) from error
    return Image
