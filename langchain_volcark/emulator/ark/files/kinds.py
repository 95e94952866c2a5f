"""Detects the type of an uploaded file from its first bytes, or from its name where there are none."""

from __future__ import annotations

import mimetypes
import re

# The first pattern that matches decides.
_SIGNATURES: tuple[tuple[str, re.Pattern[bytes]], ...] = tuple(
    (mime, re.compile(pattern, re.DOTALL))
    for mime, pattern in (
        ("image/png", rb"\x89PNG\r\n\x1a\n"),
        ("image/jpeg", rb"\xff\xd8\xff"),
        ("image/gif", rb"GIF8[79]a"),
        ("image/webp", rb"RIFF.{4}WEBP"),
        ("image/bmp", rb"BM"),
        ("image/tiff", rb"II\*\x00|MM\x00\*"),
        ("image/heic", rb".{4}ftyp(?:heic|heix|hevc|heif|mif1|msf1)"),
        ("audio/m4a", rb".{4}ftyp(?:M4A |M4B )"),
        ("video/mov", rb".{4}ftypqt  "),
        ("video/mp4", rb".{4}ftyp"),
        ("video/avi", rb"RIFF.{4}AVI "),
        ("audio/wav", rb"RIFF.{4}WAVE"),
        ("audio/mp3", rb"ID3|\xff[\xe2\xe3\xf2\xf3\xfa\xfb]"),
        ("audio/aac", rb"\xff[\xf0\xf1\xf8\xf9]|ADIF"),
        ("audio/flac", rb"fLaC"),
        ("audio/ogg", rb"OggS"),
        ("application/pdf", rb"%PDF-"),
    )
)
_SUPPORTED = frozenset(mime for mime, _ in _SIGNATURES)
_NAMES = {
    "video/quicktime": "video/mov",
    "video/x-msvideo": "video/avi",
    "audio/mpeg": "audio/mp3",
    "audio/x-wav": "audio/wav",
    "audio/mp4": "audio/m4a",
    "audio/mp4a-latm": "audio/m4a",
}
_UNKNOWN = "application/octet-stream"


def type_of(content: bytes, filename: str) -> str:
    """Return the MIME type of a file; `application/octet-stream` if it is unknown."""
    if content:
        return next((mime for mime, pattern in _SIGNATURES if pattern.match(content)), _UNKNOWN)
    guessed = mimetypes.guess_type(filename)[0] or _UNKNOWN
    return _NAMES.get(guessed, guessed)


def is_supported(mime_type: str) -> bool:
    """Whether models can read files of this type."""
    return mime_type in _SUPPORTED


def kind_of(mime_type: str) -> str:
    """Return `image`, `video`, `audio` or `document`."""
    kind = mime_type.partition("/")[0]
    return kind if kind in ("image", "video", "audio") else "document"
