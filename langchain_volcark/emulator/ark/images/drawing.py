"""Draws a picture that shows its prompt as text; the same picture for the same request.

It has a palette of a few colours, so that 16 million pixels are drawn and compressed in a fraction of a second.
"""

from __future__ import annotations

import colorsys
import functools
import io
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from PIL import Image, ImageDraw, ImageFont

_WORDS = re.compile(r"\\u[0-9a-f]{4}|[\u2e80-\uffdc]|(?:(?!\\u)[^\s\u2e80-\uffdc]){1,20}")
# Pillow's own font has no Chinese; these are looked for in the folders of the system.
_CHINESE_FONTS = (
    *(
        "NotoSansCJK-Regular.ttc",
        "NotoSansSC-Regular.otf",
        "wqy-microhei.ttc",
        "wqy-zenhei.ttc",
        "DroidSansFallback.ttf",
    ),
    *("PingFang.ttc", "STHeiti Light.ttc", "msyh.ttc", "simhei.ttf"),
)
_BASIC = 0x250  # Pillow's own font has the letters below
_GROUND, _BAND, _INK, _FAINT = range(4)

_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True)
class Picture:
    """What a picture shows.

    Attributes:
        text: The prompt.
        caption: A line below it.
        width: Its width in pixels.
        height: Its height.
        file_format: `png` or `jpeg`.
        watermark: Whether it has the watermark.
        transparent: Whether its background is transparent.
        variant: Which of several pictures of the prompt this is; sets the colours.
    """

    text: str
    caption: str
    width: int
    height: int
    file_format: Literal["png", "jpeg"] = "jpeg"
    watermark: bool = True
    transparent: bool = False
    variant: str = ""

    @property
    def media_type(self) -> str:
        """Its MIME type."""
        return f"image/{self.file_format}"


def draw(picture: Picture) -> bytes:
    """Return a picture as a file."""
    image = Image.new("P", (picture.width, picture.height), _GROUND)
    image.putpalette(_palette(f"{picture.text}\n{picture.variant}"))
    pen = ImageDraw.Draw(image)
    short = min(picture.width, picture.height)
    size = max(short // 16, 8)
    band = max(short // 40, 1)
    if not picture.transparent:
        pen.rectangle((0, 0, picture.width, band), fill=_BAND)
        pen.rectangle((0, picture.height - band, picture.width, picture.height), fill=_BAND)
    margin = min(size, short // 8)
    lines = [*_wrapped(pen, picture.text, picture.width - 2 * margin, size), ""]
    height = size * 5 // 4
    room = max((picture.height - 2 * margin) // height - 2, 1)
    for number, line in enumerate([*lines[:room], picture.caption]):
        _write(pen, (margin, margin + band + number * height), line, size, _INK)
    if picture.watermark:
        mark = "AI生成" if _chinese_font(size) else "AI generated"
        width = pen.textlength(mark, font=_font(mark, size))
        corner = (picture.width - margin - width, picture.height - margin - band - size)
        _write(pen, corner, mark, size, _FAINT)
    return _encoded(image, picture)


def _encoded(image: Image.Image, picture: Picture) -> bytes:
    file = io.BytesIO()
    if picture.file_format == "jpeg":
        image.convert("RGB").save(file, "JPEG", quality=80)
    elif picture.transparent:
        image.save(file, "PNG", compress_level=1, transparency=_GROUND)
    else:
        image.save(file, "PNG", compress_level=1)
    return file.getvalue()


def _palette(text: str) -> list[int]:
    hue = sha256(text.encode("utf-8", "replace")).digest()[0] / 256
    colours = ((hue, 0.88, 0.55), (hue, 0.45, 0.65), (hue, 0.15, 0.60), (hue, 0.65, 0.35))
    return [round(255 * part) for colour in colours for part in colorsys.hls_to_rgb(*colour)]


def _wrapped(pen: ImageDraw.ImageDraw, text: str, width: int, size: int) -> list[str]:
    """Break a text into lines; Chinese breaks between any two characters."""
    text = _drawable(text, size)
    font = _font(text, size)
    lines = [""]
    end = 0
    for found in _WORDS.finditer(text):
        gap = " " if found.start() > end and lines[-1] else ""
        end = found.end()
        longer = lines[-1] + gap + found[0]
        if lines[-1] and pen.textlength(longer, font=font) > width:
            lines.append(found[0])
        else:
            lines[-1] = longer
    return lines


def _write(pen: ImageDraw.ImageDraw, place: tuple[float, float], text: str, size: int, colour: int) -> None:
    pen.text(place, _drawable(text, size), fill=colour, font=_font(text, size))


def _drawable(text: str, size: int) -> str:
    """The text, with what no font here can show written as escapes."""
    if _chinese_font(size) is not None:
        return text
    return "".join(one if ord(one) < _BASIC else f"\\u{ord(one):04x}" for one in text)


def _font(text: str, size: int) -> _Font:
    chinese = None if all(ord(one) < _BASIC for one in text) else _chinese_font(size)
    return chinese or _latin_font(size)


@functools.lru_cache(maxsize=64)
def _latin_font(size: int) -> _Font:
    return ImageFont.load_default(size)


@functools.lru_cache(maxsize=64)
def _chinese_font(size: int) -> ImageFont.FreeTypeFont | None:
    for name in _CHINESE_FONTS:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return None
