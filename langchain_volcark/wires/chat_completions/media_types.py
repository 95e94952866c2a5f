"""Detects MIME types of images, videos and audio from their first bytes; reads data URLs."""

from __future__ import annotations

import base64
import re

# The first pattern that matches decides.
_SIGNATURES: tuple[tuple[str, re.Pattern[bytes]], ...] = tuple(
    (mime_type, re.compile(pattern, re.DOTALL))
    for mime_type, pattern in (
        ("image/png", rb"\x89PNG\r\n\x1a\n"),
        ("image/jpeg", rb"\xff\xd8\xff"),
        ("image/gif", rb"GIF8[79]a"),
        ("image/webp", rb"RIFF.{4}WEBP"),
        ("image/bmp", rb"BM.{4}\x00{4}"),
        ("image/tiff", rb"II\*\x00|MM\x00\*"),
        ("image/x-icon", rb"\x00\x00\x01\x00[^\x00]\x00"),
        ("image/jp2", rb"\x00\x00\x00\x0cjP  "),
        ("image/icns", rb"icns"),
        ("image/avif", rb".{4}ftyp(?:avif|avis)"),
        # `mif1` and `msf1` name no codec; the compatible brands that follow often include AVIF.
        ("image/avif", rb".{4}ftyp(?:mif1|msf1).{4}(?:.{4}){0,4}avif"),
        ("image/heic", rb".{4}ftyp(?:heic|heix|heim|heis|hevc|hevx)"),
        ("image/heif", rb".{4}ftyp(?:mif1|msf1)"),
        ("audio/mp4", rb".{4}ftyp(?:M4A |M4B )"),
        ("video/quicktime", rb".{4}(?:ftypqt  |moov|mdat|wide)"),
        ("video/mp4", rb".{4}ftyp"),
        ("video/x-msvideo", rb"RIFF.{4}AVI "),
        ("video/webm", rb"\x1a\x45\xdf\xa3"),
        ("audio/wav", rb"RIFF.{4}WAVE"),
        ("audio/mpeg", rb"ID3|\xff[\xe2\xe3\xf2\xf3\xfa\xfb]"),
        ("audio/aac", rb"\xff[\xf0\xf1\xf8\xf9]|ADIF"),
        ("audio/flac", rb"fLaC"),
        ("audio/ogg", rb"OggS"),
        ("application/pdf", rb"%PDF-"),
    )
)
_HEADER_BYTES = 48
_GENERIC = frozenset({"", "application/octet-stream", "binary/octet-stream", "image/*", "video/*", "audio/*"})


def sniff(data: bytes) -> str | None:
    """The MIME type of a file that starts with these bytes; None where the format is unknown."""
    head = data[:_HEADER_BYTES]
    return next((mime_type for mime_type, pattern in _SIGNATURES if pattern.match(head)), None)


def sniff_base64(text: str) -> str | None:
    """Same as `sniff`, for bytes in base64."""
    try:
        return sniff(base64.b64decode(text[: _HEADER_BYTES // 3 * 4]))
    except ValueError:
        return None


def is_unknown(mime_type: str | None) -> bool:
    """Whether a MIME type is missing or generic (`application/octet-stream`, `image/*`)."""
    return mime_type is None or mime_type in _GENERIC


def size_of_base64(text: str) -> int | None:
    """The number of bytes of a base64 text; None where it is not base64, or empty."""
    try:
        return len(base64.b64decode(text, validate=True)) or None
    except ValueError:
        return None


def split_data_url(url: str) -> tuple[str, str] | None:
    """Split a base64 data URL into MIME type and data; None for any other URL.

    The type is in lower case, without parameters; empty where the URL has none.
    """
    if url[:5].lower() != "data:":
        return None
    header, _, data = url.partition(",")
    mime_type, *parameters = header[5:].lower().split(";")
    return (mime_type.strip(), data) if "base64" in parameters else None
