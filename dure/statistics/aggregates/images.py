"""Images in a column: whether there are any, of which formats and sizes, and of what brightness.

A column holds encoded images as bytes, or as texts the paths or URLs of files with them. Sizes
come from headers (`image_headers`). Pixels are looked at only if ``decode`` asks for it (extra
``images``): then images that do not decode are found, and the mean and the standard deviation of
each channel are those of all pixels of all images as 8-bit RGB.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from typing import Any

import fsspec
import numpy as np
import polars as pl

from dure.data.naming import unnamed
from dure.errors import MissingExtraError
from dure.statistics.aggregate import Aggregate
from dure.statistics.aggregates.image_headers import image_format, image_header, is_whole
from dure.statistics.model import Semantic
from dure.statistics.packing import pack, unpack

_VERSION = 1
_LOOK = 512
_HEAD = 64
_ASPECT = 1_000_000_000
_RGB = "RGB"

State = dict[str, Any]


class ImageType(Aggregate[State]):
    """Whether the bytes of a column are images, by their first bytes.

    Parameters
    ----------
    column : str
        The column, or the dotted path of a field.
    min_values, min_share : int, float
        As of `dure.statistics.aggregates.semantic.SemanticType`.

    Notes
    -----
    Of each shard the first 512 values are looked at. The details are ``formats``: how many of
    those have each format.
    """

    name = "semantic"
    place = "semantic"

    def __init__(self, column: str, min_values: int = 100, min_share: float = 0.8) -> None:
        self.columns = (column,)
        self.min_values = min_values
        self.min_share = min_share

    def init(self) -> State:
        """Return the state of no values."""
        return {"checked": 0, "formats": {}}

    def update(self, state: State, frame: pl.DataFrame) -> State:
        """Look at the first values of a shard."""
        values = _flat(unnamed(frame[self.columns[0]])).head(_LOOK)
        found = Counter(image_format(head) for head in values.bin.head(_HEAD).to_list())
        del found[None]
        return self.merge(state, {"checked": len(values), "formats": dict(found)})

    def merge(self, first: State, second: State) -> State:
        """Return the counts of both."""
        return {
            "checked": first["checked"] + second["checked"],
            "formats": _added(first["formats"], second["formats"]),
        }

    def finish(self, state: State) -> Semantic | None:
        """Return ``"image"`` with the formats, or None."""
        images, checked = sum(state["formats"].values()), state["checked"]
        if checked < self.min_values or images < self.min_share * checked:
            return None
        return Semantic("image", images / checked, checked, {"formats": state["formats"]})

    def dump(self, state: State) -> bytes:
        """Return the state as bytes."""
        return pack(_VERSION, state)

    def load(self, data: bytes) -> State:
        """Return the state that `dump` wrote."""
        record: State = unpack(_VERSION, data, self.name)[0]
        return record


class ImageStatistics(Aggregate[State]):
    """Formats, sizes and, if asked for, pixels of the images of a column.

    Parameters
    ----------
    column : str
        A column of bytes, or of paths and URLs; lists of them too.
    decode : bool
        Decode every image with Pillow.

    Notes
    -----
    The result has ``images`` (values), ``formats`` (how many of each), ``no_image`` (values of no
    known format), ``corrupt`` (a known format, but a broken header or end, or, with ``decode``,
    not decodable), ``unreadable`` (a path that cannot be opened), ``width``, ``height`` and
    ``aspect`` (width / height) with min, max and mean, ``channels`` (how many images have how
    many), and with ``decode`` ``mean`` and ``std`` of red, green and blue, from 0 to 255. Exact,
    in memory that does not depend on the data; the mean aspect within 1e-9.
    """

    name = "images"

    def __init__(self, column: str, *, decode: bool = False) -> None:
        self.columns = (column,)
        self.decode = decode

    def init(self) -> State:
        """Return the state of no images."""
        return {
            "images": 0,
            "no_image": 0,
            "corrupt": 0,
            "unreadable": 0,
            "sized": 0,
            "formats": {},
            "channels": {},
            "range": None,
            "sums": [0, 0, 0],
            "pixels": 0,
            "bright": [0] * 3,
            "squares": [0] * 3,
        }

    def update(self, state: State, frame: pl.DataFrame) -> State:
        """Add the images of a shard."""
        part = self.init()
        for data in self._contents(unnamed(frame[self.columns[0]]), part):
            self._add(part, data)
        return self.merge(state, part)

    def merge(self, first: State, second: State) -> State:
        """Return the counts of both."""
        merged: State = {}
        for key, one in first.items():
            two = second[key]
            if key == "range":
                merged[key] = _wider(one, two)
            elif isinstance(one, dict):
                merged[key] = _added(one, two)
            elif isinstance(one, list):
                merged[key] = [a + b for a, b in zip(one, two, strict=True)]
            else:
                merged[key] = one + two
        return merged

    def finish(self, state: State) -> dict[str, Any]:
        """Return the statistics."""
        names = ("images", "formats", "no_image", "corrupt", "unreadable", "channels")
        found: dict[str, Any] = {name: state[name] for name in names}
        if state["sized"]:
            scales = (1, 1, _ASPECT)
            for index, name in enumerate(("width", "height", "aspect")):
                low, high = state["range"][2 * index : 2 * index + 2]
                mean = state["sums"][index] / state["sized"] / scales[index]
                found[name] = {"min": low, "max": high, "mean": mean}
        if state["pixels"]:
            means = [total / state["pixels"] for total in state["bright"]]
            # Whole numbers, so that the difference is taken before anything is rounded.
            spread = [
                state["pixels"] * square - total * total
                for total, square in zip(state["bright"], state["squares"], strict=True)
            ]
            found["mean"] = means
            found["std"] = [float(np.sqrt(one / state["pixels"] ** 2)) for one in spread]
        return found

    def dump(self, state: State) -> bytes:
        """Return the state as bytes."""
        return pack(_VERSION, state)

    def load(self, data: bytes) -> State:
        """Return the state that `dump` wrote."""
        record: State = unpack(_VERSION, data, self.name)[0]
        return record

    def _contents(self, column: pl.Series, part: State) -> Iterator[bytes]:
        for value in _flat(column).to_list():
            part["images"] += 1
            if isinstance(value, bytes):
                yield value
                continue
            try:
                with fsspec.open(value, "rb") as file:
                    data = file.read()
            except (OSError, ValueError):
                # Counted, and so told: a path that cannot be opened is a finding about the data.
                part["unreadable"] += 1
            else:
                yield data

    def _add(self, part: State, data: bytes) -> None:
        form = image_format(data)
        if form is None:
            part["no_image"] += 1
            return
        part["formats"] = _added(part["formats"], {form: 1})
        header = image_header(data)
        if header is None or not is_whole(data, form):
            part["corrupt"] += 1
            return
        if self.decode and not _add_pixels(part, data):
            part["corrupt"] += 1
            return
        part["sized"] += 1
        channels = "unknown" if header.channels is None else str(header.channels)
        part["channels"] = _added(part["channels"], {channels: 1})
        wide, high = header.width, header.height
        aspect = wide / high
        part["range"] = _wider(part["range"], [wide, wide, high, high, aspect, aspect])
        part["sums"] = [
            *(part["sums"][0] + wide, part["sums"][1] + high),
            part["sums"][2] + round(aspect * _ASPECT),
        ]


def image_statistics(column: pl.Series, *, decode: bool = False) -> dict[str, Any]:
    """Return the statistics of the images of one column; see `ImageStatistics`."""
    one = ImageStatistics(column.name, decode=decode)
    return one.finish(one.update(one.init(), column.to_frame()))


def _add_pixels(part: State, data: bytes) -> bool:
    """Add the brightness of an image; False: it does not decode."""
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingExtraError(
            "pillow", extra="images", purpose="to look at the pixels of images"
        ) from error
    try:
        with Image.open(io.BytesIO(data)) as image:
            pixels = np.asarray(image.convert(_RGB), np.int64).reshape(-1, 3)
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        return False  # what Pillow raises for broken files; the caller counts it
    part["pixels"] += len(pixels)
    sums, squares = pixels.sum(axis=0).tolist(), (pixels * pixels).sum(axis=0).tolist()
    part["bright"] = [a + b for a, b in zip(part["bright"], sums, strict=True)]
    part["squares"] = [a + b for a, b in zip(part["squares"], squares, strict=True)]
    return True


def _flat(column: pl.Series) -> pl.Series:
    while isinstance(column.dtype, pl.List):
        column = column.explode()
    return column.drop_nulls()


def _added(first: dict[str, int], second: dict[str, int]) -> dict[str, int]:
    both = Counter(first)
    both.update(second)
    return dict(sorted(both.items()))


def _wider(first: list[Any] | None, second: list[Any] | None) -> list[Any] | None:
    if first is None or second is None:
        return first or second
    return [
        (min, max)[index % 2](pair) for index, pair in enumerate(zip(first, second, strict=True))
    ]
