"""Sizes of pictures: words such as `2K`, and width and height in pixels.

A word only sets the class of the size; the prompt sets the shape, here by a ratio in it such as `16:9`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from langchain_volcark.emulator.ark.errors import invalid

if TYPE_CHECKING:
    from langchain_volcark.emulator.ark.images.models import ImageModel

Size = tuple[int, int]

_PIXELS = re.compile(r"(\d{1,6})[x×](\d{1,6})")
_RATIO = re.compile(r"(?<!\d)(\d{1,2}):(\d{1,2})(?!\d)")
_WIDEST = 16

_SIDES = {"1K": 1024, "1.5K": 1536, "2K": 2048, "3K": 3072, "4K": 4096}
# Documented sizes of the shapes that have one, by word; a portrait is its landscape, turned.
_LANDSCAPES: dict[str, dict[tuple[int, int], Size]] = {
    "1K": {(4, 3): (1152, 864), (16, 9): (1424, 800), (3, 2): (1248, 832), (21, 9): (1568, 672)},
    "1.5K": {(4, 3): (1792, 1344), (16, 9): (2048, 1152), (3, 2): (1872, 1248)},
    "2K": {(4, 3): (2304, 1728), (16, 9): (2848, 1600), (3, 2): (2496, 1664), (21, 9): (3136, 1344)},
    "3K": {(4, 3): (3456, 2592), (16, 9): (4096, 2304), (3, 2): (3744, 2496), (21, 9): (4704, 2016)},
    "4K": {(4, 3): (4704, 3520), (16, 9): (5504, 3040), (3, 2): (4992, 3328), (21, 9): (6240, 2656)},
}


def read_size(size: object, prompt: str, model: ImageModel, reference: Size | None) -> Size:
    """Return width and height for a request's `size`.

    Args:
        size: The field's value, or None.
        prompt: The prompt, which may name a shape.
        model: The model.
        reference: The size of the first reference picture, if it is known.

    Raises:
        ArkError: The size is invalid for the model.
    """
    if size is None:
        return _shaped("2K", prompt) if "2K" in model.sizes else (reference or (1024, 1024))
    if not isinstance(size, str):
        raise invalid("size", "expected a string")
    word = size if size == "adaptive" else size.upper()
    if word in model.sizes:
        return (reference or (1024, 1024)) if word == "adaptive" else _shaped(word, prompt)
    found = _PIXELS.fullmatch(size)
    if found is None:
        expected = ", ".join((*model.sizes, "WIDTHxHEIGHT"))
        raise invalid("size", f"expected one of {expected}, got {size}")
    width, height = int(found[1]), int(found[2])
    _check_pixels(width, height, model)
    return width, height


def _check_pixels(width: int, height: int, model: ImageModel) -> None:
    pixels = width * height
    if model.sides is not None and not all(model.sides[0] <= side <= model.sides[1] for side in (width, height)):
        raise invalid("size", f"width and height must be between {model.sides[0]} and {model.sides[1]}")
    if pixels < model.least:
        raise invalid("size", f"image size must be at least {model.least} pixels")
    if pixels > model.most:
        raise invalid("size", f"image size must be at most {model.most} pixels")
    if max(width, height) > _WIDEST * min(width, height):
        raise invalid("size", "image aspect ratio must be between 1/16 and 16")


def _shaped(word: str, prompt: str) -> Size:
    found = _RATIO.search(prompt)
    side = _SIDES[word]
    if found is None:
        return side, side
    across, down = int(found[1]), int(found[2])
    landscapes = _LANDSCAPES[word]
    if (across, down) in landscapes:
        return landscapes[across, down]
    if (down, across) in landscapes:
        height, width = landscapes[down, across]
        return width, height
    return side, side
