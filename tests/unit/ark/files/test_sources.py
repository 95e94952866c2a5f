"""Where the content of an upload comes from, and what is refused before anything is sent."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from langchain_volcark.ark.files import sources
from langchain_volcark.ark.files.sources import read_source
from tests.documents import pdf
from tests.pictures import png

PNG = png(1, 2, 3)


def sent(file: Any, filename: str | None = None) -> tuple[str, bytes, str]:
    """Name, content and type of the file as it would be sent."""
    with read_source(file, filename).opened() as opened:
        assert opened is not None
        content = opened.content if isinstance(opened.content, bytes) else opened.content.read()
        return opened.name, content, opened.content_type


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "图 1.png"
    path.write_bytes(PNG)
    return path


@pytest.mark.parametrize("given", [Path, str, Path.as_uri], ids=["path", "text", "file URL"])
def test_a_path_is_opened_and_closed(picture: Path, given: Callable[[Path], Any]) -> None:
    source = read_source(given(picture), None)
    with source.opened() as opened:
        assert opened is not None
        file = opened.content
        assert not isinstance(file, bytes)
        assert (opened.name, file.read(), opened.content_type) == ("图 1.png", PNG, "image/png")
    assert file.closed


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_of_a_known_format_have_a_name(kind: Callable[[bytes], Any]) -> None:
    assert sent(kind(PNG)) == ("file.png", PNG, "image/png")
    assert sent(kind(pdf("x")))[::2] == ("file.pdf", "application/pdf")


def test_the_callers_name_wins(picture: Path) -> None:
    with picture.open("rb") as file:
        for given in (picture, PNG, file):
            assert sent(given, "a.bin")[::2] == ("a.bin", "application/octet-stream")
            file.seek(0)


def test_a_file_object_is_sent_from_where_it_stands_and_stays_open(picture: Path) -> None:
    with picture.open("rb") as file:
        file.seek(8)
        assert sent(file)[:2] == ("图 1.png", PNG[8:])
        assert not file.closed


@pytest.mark.parametrize("make", [io.BytesIO, lambda content: _filled(tempfile.TemporaryFile(), content)])  # noqa: SIM115
def test_a_file_object_without_a_name_is_looked_into(make: Callable[[bytes], BinaryIO]) -> None:
    with make(PNG) as file:
        assert sent(file) == ("file.png", PNG, "image/png")


def _filled(file: Any, content: bytes) -> Any:
    file.write(content)
    file.seek(0)
    return file


@pytest.mark.parametrize("url", ["https://e.com/a.mp4", "HTTP://e.com/a", "tos://bucket/a.mp4"])
def test_a_url_is_left_to_the_service(url: str) -> None:
    source = read_source(url, None)
    assert (source.url, source.content) == (url, None)
    with source.opened() as opened:
        assert opened is None


class Pipe(io.RawIOBase):
    """A file that can only be read once."""

    def readable(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("file", "filename", "words"),
    [
        (b"", None, "is empty"),
        (io.BytesIO(), None, "is empty"),
        ("", None, "is empty"),
        (b"unknown", None, "give a name with an ending"),
        (io.BytesIO(b"unknown"), None, "give a name with an ending"),
        (io.StringIO("text"), None, "opened as text"),
        (Pipe(), None, "cannot seek"),
        (PNG, "\ud800.png", "not valid Unicode"),
        ("s3://bucket/a.mp4", None, "s3:// is no address"),
        ("data:image/png;base64,AAAA", None, "data: is no address"),
        ("https://e.com/a.mp4", "a.mp4", "filename"),
        (PNG, " ", "filename"),
        (PNG, 1, "filename"),
        (None, None, "must be a path"),
        ([PNG], None, "not a list"),
    ],
)
def test_what_cannot_be_sent_is_refused(file: Any, filename: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_source(file, filename)


def test_a_closed_file_and_a_directory_are_refused(picture: Path) -> None:
    file = picture.open("rb")
    file.close()
    with pytest.raises(ValueError, match="is closed"):
        read_source(file, None)
    with pytest.raises(ValueError, match="is a directory"):
        read_source(picture.parent, None)
    with pytest.raises(FileNotFoundError):
        read_source(picture.parent / "b.png", None)


def test_a_file_that_is_written_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "a.png").open("wb") as file:
        file.write(PNG)
        with pytest.raises(ValueError, match="cannot be read"):
            read_source(file, None)


def test_a_temporary_file_of_text_is_refused() -> None:
    with tempfile.NamedTemporaryFile("w+") as file:
        file.write("text")
        file.seek(0)
        with pytest.raises(ValueError, match="opened as text"):
            read_source(file, None)


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="the system refuses such file names")
def test_a_path_that_is_no_unicode_needs_a_name(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff.png")
    path.write_bytes(PNG)
    with pytest.raises(ValueError, match="give another name"):
        read_source(path, None)
    assert sent(path, "a.png")[0] == "a.png"


def test_the_rest_of_a_file_counts(picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_BYTES", 10)
    for file in (picture, PNG, io.BytesIO(PNG)):
        with pytest.raises(ValueError, match="the service accepts 10 "):
            read_source(file, "a.png")
    rest = io.BytesIO(PNG)
    rest.seek(len(PNG) - 10)
    assert sent(rest, "a.png")[1] == PNG[-10:]


def test_more_than_512_mb_are_refused_without_reading_them(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    with path.open("wb") as file:
        file.truncate(512 * 1024**2)
    assert read_source(path, None).filename == "film.mp4"
    os.truncate(path, 512 * 1024**2 + 1)
    with pytest.raises(ValueError, match=r"film.mp4 has 536,870,913 bytes; .* 536,870,912 \(512 MB\)"):
        read_source(path, None)
