"""Folders of images: a row for each file, its class the folder that it lies in."""

from __future__ import annotations

import io
import random
import sys
from pathlib import Path
from typing import Any

import fsspec
import polars as pl
import pytest

from dure.data.batch import Batch, ReadOptions
from dure.data.location import Location
from dure.data.readers.image_reader import read_images
from dure.errors import DataError, MissingExtraError, UsageError

Image = pytest.importorskip("PIL.Image", reason="writes the images")


def image(mode: str = "RGB", size: tuple[int, int] = (4, 3), form: str = "PNG") -> bytes:
    made = Image.new(mode, size)
    draw = random.Random(0)
    bands = len(made.getbands())
    for x in range(size[0]):
        for y in range(size[1]):
            values = tuple(draw.randrange(256) for _ in range(bands))
            made.putpixel((x, y), values if bands > 1 else values[0] % 2)
    made.save(buffer := io.BytesIO(), form)
    return buffer.getvalue()


def put(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def batches(folder: Path, **options: Any) -> list[Batch]:
    found = list(read_images(Location.of_path(folder), ReadOptions(**options)))
    for batch in found:
        assert batch.found == batch.frame.height + len(batch.refused)
    return found


def test_each_image_is_a_row_with_its_class_and_size(tmp_path: Path) -> None:
    files = {
        "dog/b.JPG": image(form="JPEG"),
        "cat/a.png": image("L", (2, 5)),
        "cat/c.png": image("RGBA"),
        "dog/notes.txt": b"no image",
        "dog/.hidden.png": b"no image",
        "_old/x.png": b"no image",
        ".git/x.png": b"no image",
    }
    (batch,) = batches(put(tmp_path, files))
    assert batch.frame.drop("image").rows() == [
        ("cat", "cat/a.png", 2, 5, 1, "PNG"),
        ("cat", "cat/c.png", 4, 3, 4, "PNG"),
        ("dog", "dog/b.JPG", 4, 3, 3, "JPEG"),
    ]
    assert batch.frame["image"].to_list() == [
        files[name] for name in ("cat/a.png", "cat/c.png", "dog/b.JPG")
    ]


def test_folders_of_splits_give_a_column(tmp_path: Path) -> None:
    folder = put(
        tmp_path, {"train/cat/a.png": image(), "test/cat/b.png": image(), "dog/c.png": image()}
    )
    (batch,) = batches(folder)
    assert batch.frame.select("split", "label", "path").rows() == [
        (None, "dog", "dog/c.png"),
        ("test", "cat", "test/cat/b.png"),
        ("train", "cat", "train/cat/a.png"),
    ]


def test_images_without_a_class_have_no_label(tmp_path: Path) -> None:
    (batch,) = batches(put(tmp_path, {"a.png": image()}))
    assert batch.frame.select("label", "path").rows() == [(None, "a.png")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"GIF89a but no more", "the image does not decode"),
        (b"no image at all", "no image format is known that begins like this"),
        (image(size=(64, 64))[:-900], "the image does not decode"),
        (image(size=(64, 64), form="JPEG")[:-900], "the image does not decode"),
    ],
    ids=["empty", "gif", "text", "png", "jpeg"],
)
def test_an_image_that_does_not_decode_is_refused(
    tmp_path: Path, content: bytes, said: str
) -> None:
    folder = put(tmp_path, {"cat/a.png": image(), "cat/b.png": content, "dog/c.png": image()})
    (batch,) = batches(folder, on_bad_rows="quarantine")
    assert batch.frame["path"].to_list() == ["cat/a.png", "dog/c.png"]
    (refused,) = batch.refused
    assert (refused.file, refused.place) == ("b.png", "cat/b.png")
    assert str(refused).startswith(f"cat/b.png: {refused.reason}")
    assert said in refused.reason
    assert "0x" not in refused.reason
    with pytest.raises(DataError, match=said) as caught:
        batches(folder)
    assert str(folder / "cat/b.png") in str(caught.value)


def test_more_pixels_than_are_safe_to_decode_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = put(tmp_path, {"cat/a.png": image(size=(64, 64))})
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    (batch,) = batches(folder, on_bad_rows="quarantine")
    assert "more pixels than is safe" in batch.refused[0].reason


def test_batches_are_small_and_in_order(tmp_path: Path) -> None:
    folder = put(tmp_path, {f"c/{index:03}.png": image(size=(20, 20)) for index in range(50)})
    found = batches(folder, batch_bytes=5000)
    assert len(found) > 5
    paths = pl.concat([batch.frame for batch in found])["path"].to_list()
    assert paths == [f"c/{index:03}.png" for index in range(50)]


def test_a_folder_without_images_and_one_with_too_deep_ones_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no images"):
        batches(put(tmp_path, {"a.txt": b""}))
    with pytest.raises(UsageError, match="too deep"):
        batches(put(tmp_path, {"a/b/c/d.png": image()}))


def test_a_remote_folder_gives_the_same(tmp_path: Path) -> None:
    files = {"train/cat/a.png": image(), "test/dog/b.png": image("L")}
    for name, data in files.items():
        with fsspec.open(f"memory://images/set/{name}", "wb") as file:
            file.write(data)
    (local,) = batches(put(tmp_path, files))
    for url in ("memory://images/set", "memory://images/set/"):
        (remote,) = read_images(Location.of_url(url), ReadOptions())
        assert remote.frame.equals(local.frame)


def test_without_pillow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingExtraError, match=r"dure\[images\]|needs the package 'pillow'"):
        batches(put(tmp_path, {"a.png": b""}))
