"""Images made by Pillow, whose headers are read without it."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, features

from dure.statistics.aggregates.image_headers import image_format, image_header, is_whole
from dure.statistics.aggregates.images import image_statistics
from dure.statistics.aggregates.semantic import semantic_type

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
MODES = [
    *(("BMP", "RGB"), ("BMP", "L"), ("GIF", "P"), ("JPEG", "RGB"), ("JPEG", "L"), ("JPEG", "CMYK")),
    *(("PNG", "RGB"), ("PNG", "RGBA"), ("PNG", "L"), ("PNG", "LA"), ("PNG", "P"), ("TIFF", "RGB")),
    *(("TIFF", "L"), ("WEBP", "RGB"), ("WEBP", "RGBA"), ("AVIF", "RGB")),
]


def encoded(form: str, mode: str, size: tuple[int, int], **how: object) -> bytes:
    if form == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow writes no AVIF")
    file = io.BytesIO()
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (size[1], size[0], 4), np.uint8)
    Image.fromarray(pixels, "RGBA" if mode == "RGBA" else None).convert(mode).save(
        file, form, **how
    )
    return file.getvalue()


@pytest.mark.parametrize(("form", "mode"), MODES)
@pytest.mark.parametrize("size", [(1, 1), (31, 17), (300, 2)])
def test_headers_tell_what_pillow_reads(form: str, mode: str, size: tuple[int, int]) -> None:
    data = encoded(form, mode, size)
    found = image_header(data)
    assert found is not None
    assert found.format == form.lower()
    assert (found.width, found.height) == size
    with Image.open(io.BytesIO(data)) as image:
        if found.channels is not None:
            assert found.channels == len(image.getbands())
    assert is_whole(data, found.format)


def test_other_kinds_of_webp_and_jpeg_are_read_too() -> None:
    for how in (
        {"lossless": True},
        {"lossless": True, "exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"},
    ):
        found = image_header(encoded("WEBP", "RGB", (20, 30), **how))
        assert found is not None
        assert (found.width, found.height) == (20, 30)
    found = image_header(encoded("JPEG", "RGB", (20, 30), progressive=True))
    assert found is not None
    assert (found.width, found.height) == (20, 30)


def test_heic_is_told_by_its_brand() -> None:
    box = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0\0\0\x14ispe" + b"\0" * 4
    found = image_header(box + (640).to_bytes(4, "big") + (480).to_bytes(4, "big"))
    assert found is not None
    assert (found.format, found.width, found.height, found.channels) == ("heic", 640, 480, None)


@pytest.mark.parametrize(("form", "mode"), MODES)
def test_no_beginning_of_an_image_is_more_than_broken(form: str, mode: str) -> None:
    data = encoded(form, mode, (9, 9))
    for end in range(min(len(data), 400)):
        image_header(data[:end])
    if form in ("PNG", "JPEG", "GIF", "BMP", "WEBP"):
        assert not is_whole(data[:-70], form.lower())


@settings(deadline=None)
@given(
    st.binary(max_size=200), st.sampled_from([b"", b"\xff\xd8\xff", b"II*\0", b"RIFF....WEBPVP8X"])
)
def test_whatever_bytes_are_read_without_a_crash(data: bytes, start: bytes) -> None:
    image_header(start + data)


@settings(deadline=None)
@given(st.text(max_size=50))
def test_texts_are_no_images(text: str) -> None:
    assert image_format(text.encode()) is None or not text.isascii() or text.startswith("GIF8")


def test_statistics_are_those_of_the_images() -> None:
    good = [
        encoded("PNG", "RGB", (4, 2)),
        encoded("JPEG", "L", (6, 6)),
        encoded("PNG", "L", (2, 4)),
    ]
    column = pl.Series("x", [*good, good[0][:-20], b"text", None])
    found = image_statistics(column)
    assert found["images"] == 5
    assert found["formats"] == {"jpeg": 1, "png": 3}
    assert (found["corrupt"], found["no_image"]) == (1, 1)
    assert found["channels"] == {"1": 2, "3": 1}
    assert found["width"] == {"min": 2, "max": 6, "mean": 4}
    assert found["height"] == {"min": 2, "max": 6, "mean": 4}
    assert found["aspect"] == {"min": 0.5, "max": 2.0, "mean": pytest.approx(3.5 / 3)}
    assert "mean" not in found


def test_an_image_that_does_not_decode_is_corrupt() -> None:
    data = bytearray(encoded("PNG", "RGB", (40, 40)))
    data[60:90] = bytes(30)
    column = pl.Series("x", [bytes(data)])
    assert image_statistics(column)["corrupt"] == 0
    assert image_statistics(column, decode=True)["corrupt"] == 1


def test_means_of_channels_are_those_of_all_pixels() -> None:
    images = [encoded("PNG", "RGB", (5, 3)), encoded("PNG", "RGB", (2, 8))]
    pixels = np.concatenate(
        [np.asarray(Image.open(io.BytesIO(one))).reshape(-1, 3) for one in images]
    )
    found = image_statistics(pl.Series("x", images), decode=True)
    assert found["mean"] == pytest.approx(pixels.mean(axis=0))
    assert found["std"] == pytest.approx(pixels.std(axis=0))


def test_paths_are_opened_and_those_that_cannot_be_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded("PNG", "RGB", (5, 3)))
    column = pl.Series("x", [str(tmp_path / "a.png"), str(tmp_path / "b.png")])
    found = image_statistics(column)
    assert (found["images"], found["unreadable"], found["formats"]) == (2, 1, {"png": 1})


def test_a_column_of_images_is_one_and_a_column_of_other_bytes_is_none() -> None:
    data = [encoded("PNG", "L", (3, 3))] * 90 + [b"no"] * 10
    found = semantic_type(pl.Series("x", data))
    assert found is not None
    assert (found.kind, found.share, found.details) == ("image", 0.9, {"formats": {"png": 90}})
    assert semantic_type(pl.Series("x", data[:70] + [b"no"] * 30)) is None


def test_handwritten_digits_have_the_mean_of_their_pixels() -> None:
    path = SHARED / "mnist/mnist.npz"
    if not path.exists():
        pytest.skip("MNIST is not there")
    with np.load(path) as file:
        pixels = file["x_test"][:300]
    images = []
    for one in pixels:
        buffer = io.BytesIO()
        Image.fromarray(one).save(buffer, "PNG")
        images.append(buffer.getvalue())
    found = image_statistics(pl.Series("x", images), decode=True)
    assert found["formats"] == {"png": 300}
    assert found["width"] == found["height"] == {"min": 28, "max": 28, "mean": 28}
    assert found["mean"] == pytest.approx([pixels.mean()] * 3)
    assert found["std"] == pytest.approx([pixels.std()] * 3)
