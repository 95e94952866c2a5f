"""Generated pictures as values: repr, pickling, blocks, saving of bytes."""

from __future__ import annotations

import base64
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_volcark import ArkImage, GeneratedImages
from langchain_volcark.ark.images.pictures import with_client
from langchain_volcark.exceptions import ContentFilterError, ResponseFormatError
from tests.pictures import png

PNG = png(1, 2, 3)
ENCODED = base64.b64encode(PNG).decode()
LINK = "https://tos.example.com/m/021_0.jpeg?X-Tos-Signature=secret"


def test_repr_shows_neither_bytes_nor_the_signature_of_the_link() -> None:
    shown = repr(ArkImage(url=LINK, size="2048x2048", index=2, extra={"new": 1}))
    assert (
        shown
        == "ArkImage(url='https://tos.example.com/m/021_0.jpeg', size='2048x2048', index=2, extra={'new': 1})"
    )
    assert repr(ArkImage(base64=ENCODED)) == f"ArkImage(base64='<{len(ENCODED)} characters>')"


def test_a_picture_cannot_be_changed_and_is_a_value() -> None:
    picture = ArkImage(url=LINK, bounding_box={"absolute": [1]}, extra={"a": 1})
    with pytest.raises(AttributeError):
        picture.url = "x"  # type: ignore[misc]
    same = ArkImage(url=LINK, bounding_box={"absolute": [1]}, extra={"a": 1})
    assert picture == same
    assert len({picture, same}) == 1


def test_pictures_and_results_survive_pickling() -> None:
    picture = with_client(ArkImage(base64=ENCODED, index=1), object())  # type: ignore[arg-type]
    result = GeneratedImages([picture])
    result.usage = {"generated_images": 1}
    result.errors[0] = ContentFilterError("no", code="c")
    result.errors[0].partial = result
    copy = pickle.loads(pickle.dumps(result))
    assert (copy, type(copy), copy.usage) == ([picture], GeneratedImages, {"generated_images": 1})
    assert (copy.errors[0].code, copy.errors[0].partial) == ("c", copy)
    assert copy[0]._client is None


@pytest.mark.parametrize(
    ("picture", "mime_type"),
    [
        (ArkImage(base64=ENCODED), "image/png"),
        (ArkImage(base64="/9j/4A==", output_format="png"), "image/jpeg"),
        (ArkImage(url=LINK), "image/jpeg"),
        (ArkImage(url="https://x/a.JPG"), "image/jpeg"),
        (ArkImage(url="https://x/a", output_format="png"), "image/png"),
        (ArkImage(url="https://x/a"), None),
    ],
)
def test_the_mime_type_is_that_of_the_bytes_or_what_the_service_says(
    picture: ArkImage, mime_type: str | None
) -> None:
    assert picture.mime_type == mime_type


def test_blocks() -> None:
    assert ArkImage(url=LINK).block() == {"type": "image", "url": LINK, "mime_type": "image/jpeg"}
    assert ArkImage(base64=ENCODED).block(detail="high") == {
        "type": "image",
        "base64": ENCODED,
        "mime_type": "image/png",
        "detail": "high",
    }
    assert ArkImage(base64=ENCODED).data == PNG
    assert ArkImage(url=LINK).data is None


def test_bytes_are_saved_with_the_extension_of_their_format(tmp_path: Path) -> None:
    picture = ArkImage(base64=ENCODED)
    assert picture.save(tmp_path / "fox") == tmp_path / "fox.png"
    assert picture.save(str(tmp_path / "fox.jpg")) == tmp_path / "fox.jpg"
    assert picture.read() == (tmp_path / "fox.png").read_bytes() == (tmp_path / "fox.jpg").read_bytes() == PNG


def test_a_folder_gets_a_name_per_picture(tmp_path: Path) -> None:
    first, second = ArkImage(base64=ENCODED), ArkImage(base64=base64.b64encode(png(3, 2, 1)).decode())
    paths = {first.save(tmp_path), second.save(tmp_path), first.save(f"{tmp_path}/new/deep/")}
    assert len(paths) == 3
    assert {path.suffix for path in paths} == {".png"}
    assert first.save(tmp_path) in paths


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (LINK, "021_0"),
        ("https://x/a/..%2F..%2Fetc%2Fpasswd.png", "passwd"),
        ("https://x/..", "picture"),
        ("https://x/.hidden.png", "hidden"),
        ("https://x/a%00b c\\d.png", "a_b_c_d"),
        ("https://x/%E7%8B%90.png", "狐"),
        (f"https://x/{'a' * 300}.png", "a" * 100),
        ("https://x", "picture"),
        ("", "picture"),
    ],
)
def test_file_names_are_safe_whatever_the_link(url: str, name: str) -> None:
    assert ArkImage(url=url).file_name == name


@given(st.text(max_size=30))
def test_any_link_can_be_shown_and_named(url: str) -> None:
    picture = ArkImage(url=f"https://x/{url}")
    assert "?" not in repr(picture)
    assert "/" not in picture.file_name


def test_nothing_is_left_where_saving_fails(tmp_path: Path) -> None:
    with pytest.raises(ResponseFormatError, match="does not lead to a picture"):
        ArkImage(base64="PGh0bWw+").save(tmp_path / "a.png")
    with pytest.raises(FileNotFoundError):
        ArkImage(base64=ENCODED).save(tmp_path / "none" / "a.png")
    with pytest.raises(ValueError, match="neither url nor base64"):
        ArkImage().save(tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_kept_until_the_new_one_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    with pytest.raises(ResponseFormatError):
        ArkImage(base64="PGh0bWw+").save(path)
    assert path.read_bytes() == b"old"
    ArkImage(base64=ENCODED).save(path)
    assert path.read_bytes() == PNG


async def test_bytes_are_saved_and_read_without_blocking(tmp_path: Path) -> None:
    picture = ArkImage(base64=ENCODED)
    assert await picture.asave(tmp_path / "fox") == tmp_path / "fox.png"
    assert await picture.aread() == PNG
    with pytest.raises(ResponseFormatError):
        await ArkImage(base64="PGh0bWw+").asave(tmp_path / "a.png")
    assert [path.name for path in tmp_path.iterdir()] == ["fox.png"]
