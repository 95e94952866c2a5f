"""Reference pictures in every form that a user has them in."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from langchain_volcark import ArkImage
from langchain_volcark.ark.images.models import find_model
from langchain_volcark.ark.images.references import write_references
from tests.documents import mp4
from tests.pictures import png

LITE = find_model("doubao-seedream-5-0-260128")
PNG = png(1, 2, 3)
ENCODED = base64.b64encode(PNG).decode()
DATA_URL = f"data:image/png;base64,{ENCODED}"
LINK = "https://example.com/a.png"


@pytest.mark.parametrize(
    ("image", "written"),
    [
        (LINK, LINK),
        (DATA_URL, DATA_URL),
        (f"data:image/PNG;base64,{ENCODED}", DATA_URL),
        (PNG, DATA_URL),
        (bytearray(PNG), DATA_URL),
        ({"type": "image", "url": LINK}, LINK),
        ({"type": "image", "base64": ENCODED, "mime_type": "image/png"}, DATA_URL),
        ({"type": "image", "base64": ENCODED}, DATA_URL),
        ({"type": "image_url", "image_url": {"url": LINK}}, LINK),
        ({"type": "input_image", "image_url": LINK}, LINK),
        (ArkImage(url=LINK), LINK),
        (ArkImage(base64=ENCODED), DATA_URL),
    ],
)
def test_each_form_is_written(image: Any, written: str) -> None:
    assert write_references(image, LITE) == written
    assert write_references([image], LITE) == written
    assert write_references([image, LINK], LITE) == [written, LINK]
    assert write_references((image,), None) == written


def test_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    for image in (path, str(path), path.as_uri()):
        assert write_references(image, LITE) == DATA_URL


def test_no_pictures_are_no_field() -> None:
    assert write_references(None, LITE) is None
    assert write_references([], LITE) is None


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (5, r"images must be a picture or a list of them, not a int"),
        ([5], r"images\[0\] is neither a path nor a URL"),
        (["ftp://example.com/a.png"], r"images\[0\]: ftp:// is no address that the service can read"),
        ([LINK, b"no picture"], r"images\[1\]: the image needs its mime_type"),
        ({"type": "text", "text": "x"}, r"images: a block of the type 'text' holds no picture"),
        ({"type": "image", "file_id": "file-1"}, r"images: a block of the type 'image' holds no picture"),
        ({"type": "video", "url": LINK}, r"images: a block of the type 'video' holds no picture"),
        ({"type": "image"}, r"images: the picture has neither a URL nor bytes"),
        (ArkImage(), r"images: the picture has neither a URL nor bytes"),
        ("data:image/png;base64,%%", r"images: the data URL is not valid base64"),
        (mp4(), "images is no picture, but video/mp4"),
        (png(1, 2, 3, 14), r"images has 14x14 pixels; each side needs at least 15"),
        (PNG + bytes(10 * 1024 * 1024), r"images has 10.0 MB; seedream-5-0 takes 10 MB"),
    ],
)
def test_what_is_no_picture_is_refused_by_position(image: Any, words: str) -> None:
    with pytest.raises(ValueError, match=f"^{words}"):
        write_references(image, LITE)


def header(width: int, height: int) -> bytes:
    return PNG[:16] + width.to_bytes(4, "big") + height.to_bytes(4, "big") + PNG[24:]


def test_sizes_of_pictures_are_checked_where_the_model_is_known() -> None:
    with pytest.raises(ValueError, match=r"images has 6001x6000 pixels; at most 36,000,000"):
        write_references(header(6001, 6000), LITE)
    with pytest.raises(ValueError, match=r"one side is more than 16 times as long"):
        write_references(header(1700, 100), LITE)
    with pytest.raises(ValueError, match=r"one side is more than 3 times as long"):
        write_references(header(400, 100), find_model("doubao-seededit-3-0-i2i-250628"))
    assert write_references(header(6001, 6000), None)


def test_a_missing_file_is_an_os_error() -> None:
    with pytest.raises(FileNotFoundError):
        write_references("/no/such/file.png", LITE)
