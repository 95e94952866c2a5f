"""Capabilities of Ark's image models, as documented; refuses parameters that a model does not have.

From https://www.volcengine.com/docs/82379/1541523 (image generation API),
https://www.volcengine.com/docs/82379/1824121 (Seedream 4.0 to 5.0) and
https://docs.volcengine.com/docs/ark/seedream-5-0-pro (Seedream 5.0 pro and flash), state of November 2026. A model
that is not listed, and an endpoint id, can be used too: then nothing is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MAX_PICTURES = 15
"""Reference pictures and generated ones of a request together."""
MIN_SIDE = 15
"""Least width and height of a reference picture, in pixels."""
MAX_REFERENCE_PIXELS = 36_000_000
"""Most pixels of a reference picture."""

_WIDEST = 16
_PIXELS = re.compile(r"\s*(\d{1,6})\s*[xX×*]\s*(\d{1,6})\s*")
_MB = 1024 * 1024


@dataclass(frozen=True)
class ImageModel:
    """The capabilities of one generation of models.

    Attributes:
        name: The generation, for errors.
        sizes: The words that `size` may be.
        min_pixels: Least number of pixels of a size in pixels.
        max_pixels: Most pixels.
        references: Most reference pictures.
        needs_reference: Whether it only edits pictures.
        max_reference_bytes: Largest file of a reference picture.
        max_reference_ratio: Largest ratio of a reference picture's sides.
        sequential: Whether it makes groups of pictures, and streams.
        web_search: Whether it searches the web.
        output_format: Whether the file format can be chosen.
        optimizes: The modes of its prompt optimization.
        seed: Whether it takes `seed` and `guidance_scale`.
        layers: Whether it takes `background` and `layer_decomposition`.
    """

    name: str
    sizes: tuple[str, ...]
    min_pixels: int
    max_pixels: int
    references: int = 14
    needs_reference: bool = False
    max_reference_bytes: int = 10 * _MB
    max_reference_ratio: int = _WIDEST
    sequential: bool = True
    web_search: bool = False
    output_format: bool = False
    optimizes: tuple[str, ...] = ("standard",)
    seed: bool = False
    layers: bool = False


def _pro(name: str, *optimizes: str) -> ImageModel:
    return ImageModel(
        name,
        ("1K", "1.5K", "2K"),
        921_600,
        4_624_220,
        references=10,
        max_reference_bytes=30 * _MB,
        sequential=False,
        output_format=True,
        optimizes=optimizes,
        layers=True,
    )


# BytePlus has the same ids without the first part.
_MODELS: tuple[tuple[re.Pattern[str], ImageModel], ...] = tuple(
    (re.compile(rf"(?:doubao-)?{pattern}(?:-\d{{6}})?"), model)
    for pattern, model in (
        (
            "seedream-5-0(?:-lite)?",
            ImageModel(
                "seedream-5-0",
                ("2K", "3K", "4K"),
                3_686_400,
                16_777_216,
                web_search=True,
                output_format=True,
            ),
        ),
        ("seedream-5-0-pro", _pro("seedream-5-0-pro", "standard", "fast")),
        ("seedream-5-0-flash", _pro("seedream-5-0-flash", "standard")),
        ("seedream-4-5", ImageModel("seedream-4-5", ("2K", "4K"), 3_686_400, 16_777_216)),
        (
            "seedream-4-0",
            ImageModel("seedream-4-0", ("1K", "2K", "4K"), 921_600, 16_777_216, optimizes=("standard", "fast")),
        ),
        (
            "seedream-3-0-t2i",
            ImageModel(
                "seedream-3-0-t2i",
                (),
                512 * 512,
                2048 * 2048,
                references=0,
                sequential=False,
                optimizes=(),
                seed=True,
            ),
        ),
        (
            "seededit-3-0-i2i",
            ImageModel(
                "seededit-3-0-i2i",
                ("adaptive",),
                512 * 512,
                2048 * 2048,
                references=1,
                needs_reference=True,
                max_reference_ratio=3,
                sequential=False,
                optimizes=(),
                seed=True,
            ),
        ),
    )
)


def find_model(name: str) -> ImageModel | None:
    """The capabilities of a model; None for an endpoint id or an unknown model."""
    return next((model for pattern, model in _MODELS if pattern.fullmatch(name)), None)


_HAS: dict[str, Callable[[ImageModel], bool]] = {
    "seed": lambda model: model.seed,
    "guidance_scale": lambda model: model.seed,
    "sequential_image_generation_options": lambda model: model.sequential,
    "sequential_image_generation": lambda model: model.sequential,
    "tools": lambda model: model.web_search,
    "output_format": lambda model: model.output_format,
    "optimize_prompt_options": lambda model: bool(model.optimizes),
    "background": lambda model: model.layers,
    "layer_decomposition": lambda model: model.layers,
    "image": lambda model: model.references > 0,
}

_ARGUMENTS = {
    "sequential_image_generation_options": "max_images",
    "tools": "web_search",
    "image": "images",
}
"""The arguments whose names differ from those of the body."""


def check_parameters(model: ImageModel, body: Mapping[str, Any], name: str) -> None:
    """Refuse parameters that a model does not have, and values that it does not take.

    Args:
        model: The model's capabilities.
        body: The fields of the request.
        name: The model id, for errors.

    Raises:
        ValueError: The text has the argument and what to do.
    """
    for field, has in _HAS.items():
        if field in body and not has(model):
            others = ", ".join(other.name for _, other in _MODELS if has(other))
            argument = _ARGUMENTS.get(field, field)
            raise ValueError(f"{argument}: {name} does not have this parameter. Models that do: {others}.")
    mode = (body.get("optimize_prompt_options") or {}).get("mode")
    if mode is not None and mode not in model.optimizes:
        raise ValueError(
            f"optimize_prompt_options: {name} does not have the mode {mode!r}, but {_either(model.optimizes)}."
        )
    if (size := body.get("size")) is not None and not (size == "auto" and body.get("layer_decomposition")):
        check_size(model, size, name)
    _check_references(model, body, name)


def normalise_size(size: str) -> str:
    """Write a size as the API documents it: `2k` as `2K`, `2048 × 1152` as `2048x1152`."""
    found = _PIXELS.fullmatch(size)
    if found is not None:
        return f"{int(found[1])}x{int(found[2])}"
    stripped = size.strip()
    return stripped.upper() if re.fullmatch(r"[\d.]+[kK]", stripped) else stripped


def check_size(model: ImageModel, size: str, name: str) -> None:
    """Refuse a size that a model does not make.

    Args:
        model: The model's capabilities.
        size: A word such as `2K`, or pixels such as `2048x1152`.
        name: The model id, for the error.

    Raises:
        ValueError: The size is unknown, too small, too large, too wide or too high.
    """
    if size in model.sizes:
        return
    found = _PIXELS.fullmatch(size)
    if found is None:
        words = _either((*model.sizes, "WIDTHxHEIGHT in pixels, such as 2048x2048"))
        raise ValueError(f"size: {name} takes {words}, not {size!r}.")
    width, height = int(found[1]), int(found[2])
    pixels = width * height
    if not model.min_pixels <= pixels <= model.max_pixels:
        raise ValueError(
            f"size: {size} has {pixels:,} pixels; {name} makes {model.min_pixels:,} to {model.max_pixels:,}."
        )
    if max(width, height) > _WIDEST * min(width, height):
        raise ValueError(f"size: one side of {size} is more than {_WIDEST} times as long as the other.")


def _check_references(model: ImageModel, body: Mapping[str, Any], name: str) -> None:
    image = body.get("image")
    count = 0 if image is None else 1 if isinstance(image, str) else len(image)
    if model.needs_reference and not count:
        raise ValueError(f"images: {name} edits a picture, and none is given.")
    if count > model.references:
        raise ValueError(f"images: {name} takes at most {model.references}, not {count}.")
    most = (body.get("sequential_image_generation_options") or {}).get("max_images")
    if most is not None and count + most > MAX_PICTURES:
        raise ValueError(
            f"max_images: {most} and {count} reference pictures are more than {MAX_PICTURES} together."
        )
    if body.get("background") == "transparent":
        if count != 1:
            raise ValueError(
                f"background: {name} makes it transparent only for one picture in images, a PNG with transparency."
            )
        if body.get("output_format", "png") != "png":
            raise ValueError("output_format: a transparent background needs png.")


def _either(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
