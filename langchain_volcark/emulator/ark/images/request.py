"""Reads and checks requests for pictures.

Fields and limits: https://www.volcengine.com/docs/82379/1541523.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from langchain_volcark.emulator.ark.checks import check_bool, check_choice, check_fields, check_number
from langchain_volcark.emulator.ark.errors import ArkError, invalid, missing, unsupported
from langchain_volcark.emulator.ark.images.models import MAX_PICTURES, ImageModel
from langchain_volcark.emulator.ark.images.sizes import Size, read_size
from langchain_volcark.emulator.ark.media import decode_base64, image_size, looks_like_image, split_data_url
from langchain_volcark.emulator.moderation import is_sensitive

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIELDS = frozenset(
    {
        *("model", "prompt", "image", "size", "seed", "guidance_scale", "image_guidance_scale", "watermark"),
        *("sequential_image_generation", "sequential_image_generation_options", "tools", "stream"),
        *("output_format", "response_format", "optimize_prompt", "optimize_prompt_options", "background"),
        "layer_decomposition",
    }
)
_MIN_SIDE = 15
_MAX_PIXELS = 36_000_000
# "3 pictures", "three images", "4张": how many pictures of a group the prompt asks for.
_COUNT = re.compile(
    r"(?P<digits>\d{1,2})\s*(?:pictures|images|panels|张|幅|格)|"
    r"\b(?P<word>two|three|four|five|six)\s+(?:pictures|images|panels)",
    re.IGNORECASE,
)
_WORDS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6}


@dataclass(frozen=True)
class ImageRequest:
    """A valid request.

    Attributes:
        model: The model.
        name: The model as the request names it: a model or endpoint id.
        prompt: The prompt; empty only where a picture is decomposed.
        size: Width and height of the pictures.
        references: Number of reference pictures.
        count: How many pictures to make.
        sequential: Whether a group was asked for.
        stream: Whether to stream.
        inline: Whether the pictures are in the reply, as base64, instead of links.
        file_format: `png` or `jpeg`.
        watermark: Whether they have a watermark.
        transparent: Whether their background is transparent.
        layers: Whether the reference picture is decomposed.
        searches: Number of web searches.
        variant: What distinguishes requests with an equal prompt: the seed, and the reference pictures.
    """

    model: ImageModel
    name: str
    prompt: str
    size: Size
    references: int
    count: int
    sequential: bool
    stream: bool
    inline: bool
    file_format: Literal["png", "jpeg"]
    watermark: bool
    transparent: bool
    layers: bool
    searches: int
    variant: str


def read_image_request(body: dict[str, Any], model: ImageModel) -> ImageRequest:
    """Check a request's fields by the rules of its model.

    Raises:
        ArkError: A field is missing, invalid, or not supported by the model.
    """
    body = {name: value for name, value in body.items() if value is not None}
    check_fields(body, _FIELDS, "body")
    _check_support(body, model)
    layers = body.get("layer_decomposition") is True
    prompt = _read_prompt(body, optional=layers)
    references = _read_references(body, model, layers=layers)
    _check_values(body, model)
    count, sequential = _read_count(body, prompt, len(references))
    transparent = body.get("background") == "transparent"
    is_png = transparent or body.get("output_format") == "png"
    _check_transparency(body, references)
    known = next((image_size(data) for data in references if data), None)
    size = (known or (1024, 1024)) if body.get("size") == "auto" and layers else None
    return ImageRequest(
        model=model,
        name=body["model"],
        prompt=prompt,
        size=size or read_size(body.get("size"), prompt, model, known),
        references=len(references),
        count=count,
        sequential=sequential,
        stream=body.get("stream") is True,
        inline=body.get("response_format") == "b64_json",
        file_format="png" if is_png else "jpeg",
        watermark=body.get("watermark", True),
        transparent=transparent,
        layers=layers,
        searches=1 if body.get("tools") and not layers else 0,
        variant=f"{body.get('seed', '')}/{body.get('image', '')}",
    )


def _check_support(body: Mapping[str, Any], model: ImageModel) -> None:
    """Refuse the fields that the model does not have."""
    lacking = {
        "seed": not model.seed,
        "guidance_scale": not model.seed,
        "sequential_image_generation": not model.sequential,
        "sequential_image_generation_options": not model.sequential,
        "stream": not model.sequential and body.get("stream") is True,
        "tools": not model.web_search,
        "output_format": not model.output_format,
        "optimize_prompt_options": not model.optimizes,
        "background": not model.layers,
        "layer_decomposition": not model.layers,
        "image": model.references == 0,
    }
    for name, is_lacking in lacking.items():
        if is_lacking and name in body:
            raise unsupported(name, model.id)


def _read_prompt(body: Mapping[str, Any], *, optional: bool) -> str:
    prompt = body.get("prompt")
    if prompt is None and optional:
        return ""
    if prompt is None:
        raise missing("prompt")
    if not isinstance(prompt, str):
        raise invalid("prompt", "expected a string")
    if not prompt.strip() and not optional:
        raise invalid("prompt", "expected a text that is not empty")
    if is_sensitive(prompt):
        raise ArkError(
            400,
            "InputTextSensitiveContentDetected",
            "The request failed because the input text may contain sensitive information.",
        )
    return prompt


def _read_references(body: Mapping[str, Any], model: ImageModel, *, layers: bool) -> list[bytes]:
    """Return the bytes of each reference picture; none for a link."""
    image = body.get("image", [])
    images = [image] if isinstance(image, str) else image
    if not isinstance(images, list) or not all(isinstance(one, str) for one in images):
        raise invalid("image", "expected a string or a list of strings")
    if (layers or model.needs_reference) and not images:
        raise missing("image")
    most = 1 if layers else model.references
    if len(images) > most:
        raise invalid("image", f"expected at most {most} images, got {len(images)}")
    return [_read_reference(one, model) for one in images]


def _read_reference(url: str, model: ImageModel) -> bytes:
    if not url.startswith("data:"):
        if urlsplit(url).scheme not in ("http", "https"):
            raise ArkError(400, "InvalidImageURL.InvalidFormat", "The image url is invalid.", "image")
        return b""
    kind, payload = split_data_url(url)
    data = decode_base64(payload)
    if not kind.startswith("image/") or kind != kind.lower() or not looks_like_image(data):
        raise ArkError(400, "InvalidImageURL.InvalidFormat", "The image cannot be decoded.", "image")
    if len(data) > model.reference_bytes:
        raise invalid("image", f"image must be at most {model.reference_bytes // (1024 * 1024)} MB")
    size = image_size(data)
    if size is not None:
        if min(size) < _MIN_SIDE:
            raise invalid("image", "width and height must be greater than 14 pixels")
        if size[0] * size[1] > _MAX_PIXELS:
            raise invalid("image", f"image must have at most {_MAX_PIXELS} pixels")
        if max(size) > model.reference_ratio * min(size):
            raise invalid("image", f"image aspect ratio must be at most {model.reference_ratio:g}")
    return data


def _check_values(body: Mapping[str, Any], model: ImageModel) -> None:
    owner = dict(body)
    for name in ("watermark", "stream", "layer_decomposition", "optimize_prompt"):
        check_bool(owner, name)
    check_choice(owner, "response_format", ("url", "b64_json"))
    check_choice(owner, "output_format", ("png", "jpeg"))
    check_choice(owner, "sequential_image_generation", ("auto", "disabled"))
    check_choice(owner, "background", ("opaque", "transparent"))
    check_number(owner, "seed", -1, 2**31 - 1, whole=True)
    check_number(owner, "guidance_scale", 1, 10)
    check_number(owner, "image_guidance_scale", 1, 10)
    options = owner.get("optimize_prompt_options", {})
    check_fields(options, frozenset({"mode", "thinking"}), "optimize_prompt_options")
    if options.get("mode") is not None and options["mode"] not in model.optimizes:
        raise invalid("optimize_prompt_options.mode", f"expected one of {list(model.optimizes)}")
    check_choice(options, "thinking", ("auto", "enabled", "disabled"))
    tools = owner.get("tools", [])
    if not isinstance(tools, list) or any(tool != {"type": "web_search"} for tool in tools):
        raise invalid("tools", "expected a list of tools of the type web_search")
    if owner.get("layer_decomposition") and "background" in owner:
        raise invalid("background", "not supported with layer_decomposition")


def _check_transparency(body: Mapping[str, Any], references: list[bytes]) -> None:
    if body.get("background") != "transparent":
        return
    if body.get("output_format", "png") != "png":
        raise invalid("output_format", "a transparent background requires png")
    if len(references) != 1:
        raise invalid("image", "a transparent background requires exactly one image")
    if references[0] and not references[0].startswith(b"\x89PNG"):
        raise invalid("image", "a transparent background requires a png with an alpha channel")


def _read_count(body: Mapping[str, Any], prompt: str, references: int) -> tuple[int, bool]:
    """Return how many pictures to make, and whether they are a group."""
    options = body.get("sequential_image_generation_options", {})
    check_fields(options, frozenset({"max_images"}), "sequential_image_generation_options")
    check_number(options, "max_images", 1, MAX_PICTURES, whole=True, path="sequential_image_generation_options.")
    if body.get("sequential_image_generation") != "auto":
        return 1, False
    room = MAX_PICTURES - references
    most = options.get("max_images") or room
    if most > room:
        raise invalid(
            "sequential_image_generation_options.max_images",
            f"reference images and generated images together must be at most {MAX_PICTURES}",
        )
    found = _COUNT.search(prompt)
    if found is None:
        return most, True
    wanted = int(found["digits"]) if found["digits"] else _WORDS[found["word"].lower()]
    return max(1, min(wanted, most)), True
