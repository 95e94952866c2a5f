"""Detects the format and size of images and audio from their bytes."""

from __future__ import annotations

import base64
import binascii
import re
import struct

_DATA_URL = re.compile(r"data:([^;,]+);base64,", re.ASCII)
_IMAGE_MAGIC = re.compile(
    rb"\x89PNG\r\n\x1a\n|GIF8[79]a|\xff\xd8\xff|BM|II\*\x00|MM\x00\*|\x00\x00\x01\x00|icns|\x01\xda|RIFF....WEBP"
    rb"|....ftyp(?:heic|heix|hevc|heif|mif1|msf1)|\x00\x00\x00\x0cjP  ",
    re.DOTALL,
)
_AUDIO_MAGIC = {
    "wav": re.compile(rb"RIFF....WAVE", re.DOTALL),
    "mp3": re.compile(rb"ID3|\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff]"),
    "aac": re.compile(rb"\xff[\xf0\xf1\xf8\xf9]|ADIF"),
    "m4a": re.compile(rb"....ftyp", re.DOTALL),
    "flac": re.compile(rb"fLaC"),
    "ogg": re.compile(rb"OggS"),
}


def split_data_url(url: str) -> tuple[str, str]:
    """Return MIME type and payload of a base64 data URL; empty strings for other URLs."""
    found = _DATA_URL.match(url)
    return (found[1], url[found.end() :]) if found else ("", "")


def decode_base64(text: str) -> bytes:
    """Decode base64; empty if the text is not strictly valid."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def looks_like_image(data: bytes) -> bool:
    """Whether the first bytes are those of an image format that Ark supports."""
    return _IMAGE_MAGIC.match(data) is not None


def looks_like_audio(data: bytes, kind: str) -> bool:
    """Whether the first bytes match this audio format; raw PCM cannot be detected."""
    magic = _AUDIO_MAGIC.get(kind)
    return magic is None or magic.match(data) is not None


def image_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height of a PNG, GIF or JPEG; None for other formats or if unknown."""
    if data.startswith(b"\x89PNG") and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return width, height
    if data.startswith(b"GIF8") and len(data) >= 10:
        width, height = struct.unpack("<HH", data[6:10])
        return width, height
    return _jpeg_size(data) if data.startswith(b"\xff\xd8") else None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Read JPEG segments up to the frame header, which has the size."""
    position = 2
    while position + 9 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[position + 5 : position + 9])
            return width, height
        (length,) = struct.unpack(">H", data[position + 2 : position + 4])
        position += 2 + length
    return None
