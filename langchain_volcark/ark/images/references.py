"""Writes reference pictures for a request: paths, bytes, URLs, content blocks, and generated pictures.

Follows https://www.volcengine.com/docs/82379/1541523 (image generation API): pictures are sent as a URL, or as a
data URL with the MIME type in lower case.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from langchain_volcark.ark.image_files import check_image
from langchain_volcark.ark.images.models import MAX_REFERENCE_PIXELS, MIN_SIDE
from langchain_volcark.ark.images.pictures import ArkImage
from langchain_volcark.base.image_sizes import image_size
from langchain_volcark.wires.chat_completions.content import Media, read_block
from langchain_volcark.wires.chat_completions.media_types import sniff, split_data_url

if TYPE_CHECKING:
    from langchain_volcark.ark.images.models import ImageModel

ImageInput: TypeAlias = "str | os.PathLike[str] | bytes | Mapping[str, Any] | ArkImage"
"""A picture: path, bytes, http(s), file or data URL, content block, or a generated picture."""

_MB = 1024 * 1024


def write_references(
    images: ImageInput | Sequence[ImageInput] | None, model: ImageModel | None
) -> str | list[str] | None:
    """Write the `image` field of a request; reads files.

    Args:
        images: A picture or several.
        model: The model's capabilities, whose limits are checked where the bytes are known; None checks nothing.

    Returns:
        One URL, or a list for several pictures; None without pictures.

    Raises:
        ValueError: A picture is invalid; the text names its position.
        OSError: A file cannot be read.
    """
    if images is None:
        return None
    if isinstance(images, (str, os.PathLike, bytes, bytearray, memoryview, Mapping, ArkImage)):
        return _write("images", images, model)
    if not isinstance(images, Sequence):
        raise ValueError(f"images must be a picture or a list of them, not a {type(images).__name__}.")  # noqa: TRY004
    written = [_write(f"images[{position}]", image, model) for position, image in enumerate(images)]
    return (written[0] if len(written) == 1 else written) or None


def _write(name: str, image: Any, model: ImageModel | None) -> str:
    try:
        url = _media(name, image).data_url
    except ValueError as error:
        text = str(error)
        raise ValueError(text if text.startswith(name) else f"{name}: {text}") from error
    if not url:
        raise ValueError(f"{name}: the picture has neither a URL nor bytes.")
    inline = split_data_url(url)
    if inline is None:
        return url
    try:
        data = base64.b64decode(inline[1], validate=True)
    except ValueError:
        raise ValueError(f"{name}: the data URL is not valid base64.") from None
    kind = sniff(data)
    if kind is not None and not kind.startswith("image/"):
        raise ValueError(f"{name} is no picture, but {kind}.")
    if model is not None:
        _check_limits(name, data, model)
    return url


def _media(name: str, image: Any) -> Media:
    if isinstance(image, ArkImage):
        image = image.block()
    if isinstance(image, (bytes, bytearray, memoryview)):
        return Media("image", data=base64.b64encode(image).decode())
    if isinstance(image, Mapping):
        read = read_block(image)
        if isinstance(read, Media) and read.kind == "image" and not read.file_id:
            return read
        raise ValueError(f"{name}: a block of the type {image.get('type')!r} holds no picture by URL or base64.")
    source = check_image(name, image)
    if isinstance(source, Path):
        return Media("image", data=base64.b64encode(source.read_bytes()).decode())
    return Media("image", url=source)


def _check_limits(name: str, data: bytes, model: ImageModel) -> None:
    if len(data) > model.max_reference_bytes:
        most = model.max_reference_bytes // _MB
        raise ValueError(f"{name} has {len(data) / _MB:.1f} MB; {model.name} takes {most} MB.")
    size = image_size(data)
    if size is None:
        return
    width, height = size
    if min(size) < MIN_SIDE:
        raise ValueError(f"{name} has {width}x{height} pixels; each side needs at least {MIN_SIDE}.")
    if width * height > MAX_REFERENCE_PIXELS:
        raise ValueError(f"{name} has {width}x{height} pixels; at most {MAX_REFERENCE_PIXELS:,} are taken.")
    if max(size) > model.max_reference_ratio * min(size):
        raise ValueError(
            f"{name} has {width}x{height} pixels: one side is more than {model.max_reference_ratio} times as long "
            "as the other."
        )
