"""Reads an image, a video or audio for a video task: a path, bytes, a URL, a content block, a picture or a video.

Follows https://www.volcengine.com/docs/82379/1520757 (task API).
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from langchain_volcark.ark.local_files import check_regular
from langchain_volcark.base.image_sizes import image_size
from langchain_volcark.base.values import shown
from langchain_volcark.wires.chat_completions.content import Media, read_media
from langchain_volcark.wires.chat_completions.media_types import size_of_base64, sniff

_KINDS = {
    "image": ("jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff", "gif", "heic", "heif"),
    "video": ("mp4", "mov"),
    "audio": ("wav", "mp3"),
}
_BY_SUFFIX = {f".{suffix}": kind for kind, suffixes in _KINDS.items() for suffix in suffixes}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://|data:", re.IGNORECASE)
_LINKS = ("http", "https", "asset")

_MB = 1024 * 1024
_LARGEST = {"image": 30 * _MB, "audio": 15 * _MB}
_SIDES = (300, 6000)
_SHAPES = (0.4, 2.5)
_MIME_TYPES = {"audio/mpeg": "audio/mp3", "audio/x-wav": "audio/wav"}  # as the page writes them


def read_medium(value: Any, name: str, *, kind: str | None = None) -> Media:
    """Read one image, video or audio file.

    Args:
        value: A path, bytes, a URL (`http:`, `https:`, `data:`, `asset:`, `file:`), a content block, or an object
            with a `video_url`, a `url` or `data`, such as a task or a generated picture.
        name: The argument, for errors.
        kind: `image`, `video` or `audio`; None tells it from the content or the file name.

    Returns:
        It, with a URL or the data as a data URL.

    Raises:
        ValueError: It is none of these, or of another kind, or too large.
        OSError: A file cannot be read; the error names its path.
    """
    medium = _read(value, name, kind)
    if medium.file_id and not medium.url:
        raise ValueError(f"{name}: a file id is no input of a video: pass a path, bytes or a URL.")
    try:
        url = medium.data_url
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    if not url:
        raise ValueError(f"{name} has neither a URL nor data.")
    if kind is not None and medium.kind != kind:
        raise ValueError(f"{name} must be an {kind}, not {_with_article(medium.kind)}.")
    if medium.kind not in _KINDS:
        raise ValueError(f"{name} is neither an image nor a video nor audio, but {_with_article(medium.kind)}.")
    if medium.base64 is not None:
        url = _check_data(medium, url, name)
    elif url.partition(":")[0].lower() not in _LINKS:
        raise ValueError(f"{name}: {shown(url)} is no http, https, asset or data URL.")
    return Media(medium.kind, url=url)


def check_picture(medium: Media, name: str) -> None:
    """Refuse a picture whose size the service refuses; links and formats that are not read here pass.

    Args:
        medium: The picture.
        name: The argument, for errors.

    Raises:
        ValueError: It is too small, too large, or too long.
    """
    data = medium.base64
    size = image_size(base64.b64decode(data)) if data else None
    if size is None:
        return
    width, height = size
    if not all(_SIDES[0] <= side <= _SIDES[1] for side in size) or not (
        _SHAPES[0] <= width / height <= _SHAPES[1]
    ):
        raise ValueError(
            f"{name} has {width} x {height} pixels: each side must have {_SIDES[0]} to {_SIDES[1]} pixels, and "
            f"width / height must be {_SHAPES[0]} to {_SHAPES[1]}."
        )


def _read(value: Any, name: str, kind: str | None) -> Media:
    if isinstance(value, Mapping):
        return _from_block(value, name)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _from_bytes(bytes(value), name, kind)
    if isinstance(value, os.PathLike) or (isinstance(value, str) and not _SCHEME.match(value)):
        return _from_path(value, name, kind)
    if isinstance(value, str):
        return _from_url(value, name, kind)
    return _from_object(value, name, kind)


def _from_block(block: Mapping[str, Any], name: str) -> Media:
    try:
        found = read_media(block)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    if not isinstance(found, Media):
        raise ValueError(  # noqa: TRY004
            f"{name} is a content block of the type {block.get('type')!r}, not an image, a video or audio."
        )
    return found


def _from_object(value: Any, name: str, kind: str | None) -> Media:
    """A finished task, a generated picture, or anything else that says where its content is."""
    if video := getattr(value, "video_url", None):
        return Media("video", url=str(video))
    if url := getattr(value, "url", None):
        return _from_url(str(url), name, kind or "image")
    data = getattr(value, "data", None)
    if isinstance(data, (bytes, bytearray)) and data:
        return _from_bytes(bytes(data), name, kind)
    raise ValueError(
        f"{name} must be a path, bytes, a URL, a content block, or an object with a url or data, not "
        f"{shown(value)}."
    )


def _from_url(url: str, name: str, kind: str | None) -> Media:
    scheme = url.partition(":")[0].lower()
    if scheme == "file":
        return _from_path(url2pathname(urlsplit(url).path), name, kind)
    if scheme == "data":
        found = Media("file", url=url)
        return found if found.kind != "file" or kind is None else Media(kind, url=url)
    told = _BY_SUFFIX.get(Path(urlsplit(url).path).suffix.lower())
    if kind is None and told is None:
        raise ValueError(
            f"{name}: {shown(url)} does not say whether it is an image, a video or audio: pass "
            f'{{"type": "image", "url": …}}, or the type "video" or "audio".'
        )
    return Media(kind or told or "", url=url)


def _from_path(path: str | os.PathLike[str], name: str, kind: str | None) -> Media:
    if not os.fspath(path):
        raise ValueError(f"{name} is an empty path.")
    file = Path(path)
    check_regular(file, name)
    return _from_bytes(file.read_bytes(), name, kind)


def _from_bytes(data: bytes, name: str, kind: str | None) -> Media:
    mime_type = sniff(data) or ""
    found = mime_type.partition("/")[0]
    if found not in _KINDS:
        wanted = "an image" if kind == "image" else "an image, a video or audio"
        raise ValueError(f"{name}: its first bytes are of no known format of {wanted}.")
    return Media(found, data=base64.b64encode(data).decode(), mime_type=mime_type)


def _check_data(medium: Media, url: str, name: str) -> str:
    """The data URL in the page's form."""
    data = medium.base64 or ""
    size = size_of_base64(data)
    if size is None:
        raise ValueError(f"{name}: its data is empty, or not base64.")
    largest = _LARGEST.get(medium.kind)
    if largest is not None and size > largest:
        raise ValueError(f"{name} is larger than the {largest // _MB} MB that the service takes: make it smaller.")
    mime_type = medium.mime_type or ""
    return f"data:{_MIME_TYPES[mime_type]};base64,{data}" if mime_type in _MIME_TYPES else url


def _with_article(kind: str) -> str:
    return {"image": "an image", "video": "a video", "audio": "audio", "file": "a file"}.get(kind, repr(kind))
