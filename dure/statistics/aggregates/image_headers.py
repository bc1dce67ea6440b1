"""Format, size and channels of an image from its first bytes, without decoding it.

Sources: PNG (W3C, section 11.2), GIF89a (section 18), JPEG (ITU-T T.81, annex B), BMP (BITMAPINFO
and BITMAPCOREHEADER), WebP container (RFC 9649), TIFF 6.0 (section 2), HEIF (ISO/IEC 23008-12,
property ``ispe``), of which AVIF and HEIC are kinds.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

FORMATS = ("avif", "bmp", "gif", "heic", "jpeg", "png", "tiff", "webp")
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PNG_END = b"IEND\xaeB`\x82"
_NO_FRAME = {0xC4, 0xC8, 0xCC}
_TIFF_SIZES = {1: 1, 3: 2, 4: 4}
_WIDTH, _HEIGHT, _SAMPLES = 256, 257, 277
_AVIF = (b"avif", b"avis")
_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


@dataclass(frozen=True)
class ImageHeader:
    """What the first bytes of an image tell.

    Parameters
    ----------
    format : str
        One of `FORMATS`.
    width, height : int
        In pixels, at least 1.
    channels : int or None
        As stored: 1 with a palette. None: the header does not tell (AVIF and HEIC).
    """

    format: str
    width: int
    height: int
    channels: int | None


def image_format(data: bytes) -> str | None:
    """Return the format of an image by its first bytes, or None if it is none.

    >>> image_format(b"GIF89a...")
    'gif'
    """
    for form, starts in _STARTS.items():
        if data.startswith(starts):
            return form
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[4:8] == b"ftyp":
        if data[8:12] in _AVIF:
            return "avif"
        return "heic" if data[8:12] in _HEIC else None
    # Two letters alone begin many texts: the size of the header has to be one of those in use.
    if data[:2] == b"BM" and len(data) >= 18 and data[14:18] in _BMP_SIZES:
        return "bmp"
    return None


def image_header(data: bytes) -> ImageHeader | None:
    """Return format, size and channels; None: no image, or its header is broken.

    Raises nothing, whatever the bytes are.
    """
    form = image_format(data)
    if form is None:
        return None
    try:
        found = _READERS[form](data)
    except (struct.error, IndexError):
        return None  # cut off within the header
    if found is None or found[0] < 1 or found[1] < 1:
        return None
    return ImageHeader(form, *found)


def is_whole(data: bytes, form: str) -> bool:
    """Whether an image goes to the end that its format prescribes, as far as this is cheap."""
    if form == "png":
        return data.rstrip(b"\0").endswith(_PNG_END)
    if form == "jpeg":
        return b"\xff\xd9" in data[-64:]
    if form == "gif":
        return data.rstrip(b"\0").endswith(b";")
    if form == "webp":
        return len(data) >= int.from_bytes(data[4:8], "little") + 8
    if form == "bmp":
        return len(data) >= int.from_bytes(data[2:6], "little")
    return True


Found = tuple[int, int, int | None] | None


def _png(data: bytes) -> Found:
    width, height, _, kind = struct.unpack_from(">IIBB", data, 16)
    channels = _PNG_CHANNELS.get(kind)
    return (width, height, channels) if data[12:16] == b"IHDR" and channels else None


def _gif(data: bytes) -> Found:
    return (*struct.unpack_from("<HH", data, 6), 1)


def _bmp(data: bytes) -> Found:
    if data[14:18] == b"\x0c\0\0\0":
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
    else:
        width, height, _, bits = struct.unpack_from("<iiHH", data, 18)
    return width, abs(height), 1 if bits <= 8 else 3 if bits <= 24 else 4


def _jpeg(data: bytes) -> Found:
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return None
        mark = data[at + 1]
        if mark == 0xFF:  # fill
            at += 1
        elif 0xC0 <= mark <= 0xCF and mark not in _NO_FRAME:
            height, width, channels = struct.unpack_from(">HHB", data, at + 5)
            return width, height, channels
        elif mark in (0xD9, 0xDA):
            return None
        elif mark == 0x01 or 0xD0 <= mark <= 0xD7:
            at += 2
        else:
            at += 2 + max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
    return None


def _webp(data: bytes) -> Found:
    kind = data[12:16]
    if kind == b"VP8X":
        flags = data[20]
        width = int.from_bytes(data[24:27], "little") + 1
        height = int.from_bytes(data[27:30], "little") + 1
        return (width, height, 4 if flags & 0x10 else 3) if len(data) >= 30 else None
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, 4 if bits >> 28 & 1 else 3
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF, 3
    return None


def _tiff(data: bytes) -> Found:
    order = "<" if data[:2] == b"II" else ">"
    (start,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, start)
    tags: dict[int, int] = {}
    for index in range(count):
        at = start + 2 + 12 * index
        tag, kind = struct.unpack_from(f"{order}HH", data, at)
        if tag in (_WIDTH, _HEIGHT, _SAMPLES) and kind in _TIFF_SIZES:
            code = {1: "B", 2: "H", 4: "I"}[_TIFF_SIZES[kind]]
            (tags[tag],) = struct.unpack_from(order + code, data, at + 8)
    if _WIDTH not in tags or _HEIGHT not in tags:
        return None
    return tags[_WIDTH], tags[_HEIGHT], tags.get(_SAMPLES, 1)


def _heif(data: bytes) -> Found:
    """Return the largest size of the images in the file: the others are thumbnails and tiles."""
    best: Found = None
    at = data.find(b"ispe")
    while at >= 0:
        width, height = struct.unpack_from(">II", data, at + 8)
        if best is None or width * height > best[0] * best[1]:
            best = width, height, None
        at = data.find(b"ispe", at + 4)
    return best


_STARTS: dict[str, tuple[bytes, ...]] = {
    "png": (b"\x89PNG\r\n\x1a\n",),
    "jpeg": (b"\xff\xd8\xff",),
    "gif": (b"GIF87a", b"GIF89a"),
    "tiff": (b"II*\0", b"MM\0*"),
}
_BMP_SIZES = tuple(size.to_bytes(4, "little") for size in (12, 40, 52, 56, 64, 108, 124))
_READERS: dict[str, Callable[[bytes], Found]] = {
    "avif": _heif,
    "bmp": _bmp,
    "gif": _gif,
    "heic": _heif,
    "jpeg": _jpeg,
    "png": _png,
    "tiff": _tiff,
    "webp": _webp,
}
