"""The emulated image models and their capabilities.

From the image generation API https://www.volcengine.com/docs/82379/1541523 and the tutorials
https://www.volcengine.com/docs/82379/1824121 and https://docs.volcengine.com/docs/ark/seedream-5-0-pro, state of
November 2026.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

DEFAULT_IMAGE_MODEL = "doubao-seedream-5-0-260128"
MAX_PICTURES = 15
"""Reference and generated pictures of one request together."""


@dataclass(frozen=True)
class ImageModel:
    """One model.

    Attributes:
        id: The model id, date suffix included.
        sizes: The words that `size` may be.
        least: Minimum number of pixels of a size in pixels.
        most: Maximum number.
        references: Maximum number of reference pictures.
        needs_reference: Whether a request needs one.
        reference_bytes: Maximum size of a reference picture.
        reference_ratio: Maximum ratio of its longer to its shorter side.
        sides: The least and the greatest side of a size in pixels; None where only the number of pixels counts.
        sequential: Whether it makes groups of pictures, and streams.
        web_search: Whether it searches the web.
        output_format: Whether the format can be chosen; JPEG is the default, and else the only one.
        optimizes: The modes of `optimize_prompt_options`.
        seed: Whether it takes `seed` and `guidance_scale`.
        layers: Whether it decomposes pictures and takes `background`.
    """

    id: str
    sizes: tuple[str, ...]
    least: int
    most: int
    references: int = 14
    needs_reference: bool = False
    reference_bytes: int = 10 * 1024 * 1024
    reference_ratio: float = 16
    sides: tuple[int, int] | None = None
    sequential: bool = True
    web_search: bool = False
    output_format: bool = False
    optimizes: tuple[str, ...] = ("standard",)
    seed: bool = False
    layers: bool = False


_LITE = ImageModel(
    DEFAULT_IMAGE_MODEL, ("2K", "3K", "4K"), 3_686_400, 16_777_216, web_search=True, output_format=True
)
_PRO = ImageModel(
    "doubao-seedream-5-0-pro-260628",
    ("1K", "1.5K", "2K"),
    921_600,
    4_624_220,
    references=10,
    reference_bytes=30 * 1024 * 1024,
    sequential=False,
    output_format=True,
    optimizes=("standard", "fast"),
    layers=True,
)

_ALL = [
    _LITE,
    replace(_LITE, id="doubao-seedream-5-0-lite-260128"),
    _PRO,
    replace(_PRO, id="doubao-seedream-5-0-flash-260915", optimizes=("standard",)),
    ImageModel("doubao-seedream-4-5-251128", ("2K", "4K"), 3_686_400, 16_777_216),
    ImageModel(
        "doubao-seedream-4-0-250828",
        ("1K", "2K", "4K"),
        921_600,
        16_777_216,
        optimizes=("standard", "fast"),
    ),
    ImageModel(
        "doubao-seedream-3-0-t2i-250415",
        (),
        512 * 512,
        2048 * 2048,
        references=0,
        sides=(512, 2048),
        sequential=False,
        optimizes=(),
        seed=True,
    ),
    ImageModel(
        "doubao-seededit-3-0-i2i-250628",
        ("adaptive",),
        512 * 512,
        2048 * 2048,
        references=1,
        needs_reference=True,
        reference_ratio=3,
        sequential=False,
        optimizes=(),
        seed=True,
    ),
]

IMAGE_MODELS = {model.id: model for model in _ALL}
