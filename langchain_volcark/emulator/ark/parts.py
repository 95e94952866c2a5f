"""Validates content parts: text, image, video, audio, file.

Images: https://www.volcengine.com/docs/82379/1362931. Video: https://www.volcengine.com/docs/82379/1895586.
Audio: https://www.volcengine.com/docs/82379/2377589.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator.ark.checks import check_fields, check_number
from langchain_volcark.emulator.ark.errors import ArkError, invalid, missing, unsupported
from langchain_volcark.emulator.ark.media import (
    decode_base64,
    image_size,
    looks_like_audio,
    looks_like_image,
    split_data_url,
)

if TYPE_CHECKING:
    from langchain_volcark.emulator.ark.models import Model

_MB = 1024 * 1024
_MAX_IMAGE, _MAX_AUDIO, _MAX_VIDEO, _MAX_FILE = 10 * _MB, 25 * _MB, 50 * _MB, 50 * _MB
_MIN_SIDE, _MIN_PIXELS, _MAX_PIXELS = 14, 196, 36_000_000
_LOWEST_LIMIT, _HIGHEST_LIMIT = 1_764, 9_031_680
_IMAGE_TYPES = frozenset(
    "image/" + kind
    for kind in [
        "jpeg",
        "jpg",
        "png",
        "gif",
        "webp",
        "bmp",
        "tiff",
        "x-icon",
        "vnd.microsoft.icon",
        "ico",
        "dib",
        "icns",
        "sgi",
        "jp2",
        "heic",
        "heif",
    ]
)
_VIDEO_TYPES = frozenset({"video/mp4", "video/avi", "video/mov"})
_AUDIO_FORMATS = ("wav", "mp3", "aac", "m4a", "pcm", "flac", "ogg")
_VIDEO_LINK = re.compile(r"https?://[^?#]*\.(mp4|avi|mov)([?#]|$)", re.IGNORECASE)

# Tutorials put the options of an image or video beside its object, the API reference inside it.
_BESIDE = frozenset({"detail", "image_pixel_limit", "fps"})


def check_part(part: Any, path: str, model: Model) -> None:
    """Check a content part of a message."""
    if not isinstance(part, dict):
        raise invalid(path, "expected an object")
    kind = part.get("type")
    if kind is None:
        raise missing(f"{path}.type")
    if kind == "text":
        check_fields(part, frozenset({"type", "text"}), path)
        if not isinstance(part.get("text"), str):
            raise missing(f"{path}.text")
    elif kind in ("image_url", "video_url"):
        check_fields(part, frozenset({"type", kind}) | _BESIDE, path)
        if not isinstance(part.get(kind), dict):
            raise missing(f"{path}.{kind}")
        _MEDIA_CHECKS[kind](part[kind], f"{path}.{kind}")
    elif kind == "input_audio":
        check_fields(part, frozenset({"type", "input_audio"}), path)
        if not isinstance(part.get("input_audio"), dict):
            raise missing(f"{path}.input_audio")
        if "audio" not in model.inputs:
            raise unsupported("input_audio", model.id)
        _check_audio(part["input_audio"], f"{path}.input_audio")
    elif kind == "file":
        check_fields(part, frozenset({"type", "file"}), path)
        if not isinstance(part.get("file"), dict):
            raise missing(f"{path}.file")
        check_file(part["file"], f"{path}.file")
    else:
        raise invalid(f"{path}.type", f"unknown type of content {kind!r}")


def _check_image(image: dict[str, Any], path: str) -> None:
    check_fields(
        image, frozenset({"url", "file_id", "detail", "image_pixel_limit", "min_pixels", "max_pixels"}), path
    )
    detail = image.get("detail")
    if detail is not None and detail not in ("low", "high", "xhigh", "auto"):
        raise ArkError(
            400,
            "InvalidArgumentError.InvalidImageDetail",
            f"Invalid image detail {detail!r}.",
            f"{path}.detail",
        )
    _check_pixel_limit(image.get("image_pixel_limit"), f"{path}.image_pixel_limit")
    if _names_file(image, path, "url"):
        return
    url = image.get("url")
    if not url:
        raise ArkError(400, "InvalidImageURL.EmptyURL", "The image URL is empty.", f"{path}.url")
    if not isinstance(url, str):
        raise invalid(f"{path}.url", "expected a string")
    if url.startswith("data:video/") or _VIDEO_LINK.match(url):
        raise invalid(f"{path}.url", "a video belongs into a video_url part")
    if url.startswith(("http://", "https://")):
        return
    mime, payload = split_data_url(url)
    data = decode_base64(payload)
    if mime not in _IMAGE_TYPES or not data:
        raise _bad_image(path, "expected http(s) or data:image/<lowercase format>;base64,…")
    _check_image_data(data, path)


def _check_image_data(data: bytes, path: str) -> None:
    if len(data) > _MAX_IMAGE:
        raise _bad_image(path, "the image is larger than 10 MB")
    if not looks_like_image(data):
        raise _bad_image(path, "the data is not an image")
    size = image_size(data)
    if size is None:
        return
    width, height = size
    if min(size) <= _MIN_SIDE or not _MIN_PIXELS <= width * height <= _MAX_PIXELS:
        raise _bad_image(path, f"an image of {width} x {height} pixels is too small or too large")


def _bad_image(path: str, problem: str) -> ArkError:
    return ArkError(400, "InvalidImageURL.InvalidFormat", f"The image cannot be read: {problem}.", f"{path}.url")


def _check_pixel_limit(limit: Any, path: str) -> None:
    if limit is None:
        return
    check_fields(limit, frozenset({"min_pixels", "max_pixels"}), path)
    low, high = limit.get("min_pixels", _LOWEST_LIMIT), limit.get("max_pixels", _HIGHEST_LIMIT)
    whole = all(isinstance(one, int) and not isinstance(one, bool) for one in (low, high))
    if not whole or not _LOWEST_LIMIT <= low <= high <= _HIGHEST_LIMIT:
        raise ArkError(
            400, "InvalidArgumentError.InvalidPixelLimit", f"Invalid pixel limit {low} to {high}.", path
        )


def _check_video(video: dict[str, Any], path: str) -> None:
    check_fields(video, frozenset({"url", "file_id", "fps"}), path)
    check_number(video, "fps", 0.2, 5, path=f"{path}.")
    if _names_file(video, path, "url"):
        return
    url = video.get("url")
    if not url:
        raise missing(f"{path}.url")
    if not isinstance(url, str):
        raise invalid(f"{path}.url", "expected a string")
    if url.startswith(("http://", "https://")):
        return
    mime, payload = split_data_url(url)
    data = decode_base64(payload)
    if mime not in _VIDEO_TYPES or not data:
        raise invalid(f"{path}.url", f"expected http(s) or base64 data of one of {sorted(_VIDEO_TYPES)}")
    if len(data) > _MAX_VIDEO:
        raise invalid(f"{path}.url", "the video is larger than 50 MB")


def _check_audio(audio: dict[str, Any], path: str) -> None:
    check_fields(audio, frozenset({"url", "file_id", "data", "format"}), path)
    if _names_file(audio, path, "url", "data"):
        return
    url, payload = audio.get("url"), audio.get("data")
    if payload is None:
        if not isinstance(url, str) or not url:
            raise missing(f"{path}.data")
        if not url.startswith(("http://", "https://", "data:audio/")):
            raise invalid(f"{path}.url", "expected an http(s) URL")
        return
    kind = audio.get("format")
    if kind is None:
        raise missing(f"{path}.format")
    if kind not in _AUDIO_FORMATS:
        raise invalid(f"{path}.format", f"expected one of {list(_AUDIO_FORMATS)}")
    data = decode_base64(payload) if isinstance(payload, str) else b""
    if not data:
        raise invalid(f"{path}.data", "expected bare base64 without a data: prefix")
    if len(data) > _MAX_AUDIO:
        raise invalid(f"{path}.data", "the audio is larger than 25 MB")
    if not looks_like_audio(data, kind):
        raise invalid(f"{path}.format", f"the data is not {kind}")


def _names_file(owner: dict[str, Any], path: str, *others: str) -> bool:
    """Whether a part has the id of an uploaded file; it must be a string, and the only source."""
    file_id = owner.get("file_id")
    if not file_id:
        return False
    if not isinstance(file_id, str):
        raise invalid(f"{path}.file_id", "expected a string")
    for name in others:
        if owner.get(name):
            raise invalid(path, f"file_id and {name} exclude each other")
    return True


def check_file(file: dict[str, Any], path: str) -> None:
    """Check the object of a file part: exactly one source, and inline data with a name."""
    check_fields(file, frozenset({"file_id", "file_url", "file_data", "filename"}), path)
    given = [name for name in ("file_id", "file_url", "file_data") if file.get(name)]
    if not given:
        raise missing(f"{path}.file_id")
    if len(given) > 1:
        raise invalid(path, f"{' and '.join(given)} exclude each other")
    for name in (given[0], "filename"):
        if not isinstance(file.get(name), str | None):
            raise invalid(f"{path}.{name}", "expected a string")
    data = file.get("file_data")
    if data is None:
        return
    if not file.get("filename"):
        raise missing(f"{path}.filename")
    mime, payload = split_data_url(data)
    decoded = decode_base64(payload)
    if not mime or not decoded:
        raise ArkError(
            400, "InvalidParameter", "Invalid base64 file_data: expected data:<type>;base64,…", f"{path}.file_data"
        )
    if len(decoded) > _MAX_FILE:
        raise invalid(f"{path}.file_data", "the file is larger than 50 MB")


_MEDIA_CHECKS = {"image_url": _check_image, "video_url": _check_video}
