"""Writes the body of a request for pictures from typed parameters.

Follows https://www.volcengine.com/docs/82379/1541523 (image generation API).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, PlainValidator

from langchain_volcark.ark.images.models import check_parameters, find_model, normalise_size
from langchain_volcark.ark.images.references import write_references
from langchain_volcark.base.service import Headers, Query, Timeout
from langchain_volcark.base.values import must_be

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_volcark.ark.images.references import ImageInput

PATH = "/images/generations"

Size = Annotated[str, AfterValidator(normalise_size)]
"""A size in words or pixels, written as the API documents it."""


def _read_optimization(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        return {"mode": value}
    if not isinstance(value, Mapping):
        raise must_be("a mode ('standard' or 'fast') or a dictionary")
    return dict(value)


OptimizePrompt = Annotated[
    dict[str, Any], PlainValidator(_read_optimization, json_schema_input_type=dict[str, Any] | str)
]
"""Options of prompt optimization, or its mode alone."""

CALL_TYPES: dict[str, Any] = {
    "extra_body": dict[str, Any],
    "extra_headers": Headers,
    "extra_query": Query,
    "timeout": Timeout,
}
"""Types of the arguments that a call accepts and the constructor does not, or in another form."""

SENT_FIELDS = (
    *("size", "seed", "guidance_scale", "image_guidance_scale", "watermark", "sequential_image_generation"),
    *("output_format", "response_format", "background", "layer_decomposition"),
    *("optimize_prompt", "optimize_prompt_options"),
)
"""Parameters that are fields of the body under the same name."""
PARAMETERS = (*SENT_FIELDS, "max_images", "web_search")
"""Parameters of the constructor that a call may set too."""


def write_body(
    values: Mapping[str, Any],
    prompt: str,
    images: ImageInput | Sequence[ImageInput] | None,
    extra_body: Mapping[str, Any],
) -> dict[str, Any]:
    """Write the body of a request; reads files of reference pictures.

    Args:
        values: `model` and the parameters that are set.
        prompt: The prompt.
        images: Reference pictures.
        extra_body: Further fields, which override everything else and are not checked.

    Raises:
        ValueError: An argument is invalid, or the model does not have it.
        OSError: A file cannot be read.
    """
    model = values["model"]
    known = find_model(model)
    body: dict[str, Any] = {"model": model}
    if not isinstance(prompt, str):
        raise ValueError(f"prompt must be a text, not a {type(prompt).__name__}.")  # noqa: TRY004
    if prompt.strip():
        body["prompt"] = prompt
    elif not values.get("layer_decomposition"):
        raise ValueError("prompt is empty: describe the picture.")
    if (references := write_references(images, known)) is not None:
        body["image"] = references
    body |= {name: values[name] for name in SENT_FIELDS if values.get(name) is not None}
    body |= _group(values)
    if values.get("web_search"):
        body["tools"] = [{"type": "web_search"}]
    if body.get("layer_decomposition") and not isinstance(references, str):
        raise ValueError("images: layer_decomposition takes exactly one picture.")
    if known is not None:
        check_parameters(known, body, model)
    return {**body, **extra_body}


def _group(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields for several pictures; one picture needs none."""
    most, mode = values.get("max_images"), values.get("sequential_image_generation")
    if most is None or (most == 1 and mode != "auto"):
        return {}
    if mode == "disabled":
        raise ValueError(
            f"max_images={most} contradicts sequential_image_generation='disabled': leave one of them out."
        )
    return {"sequential_image_generation": "auto", "sequential_image_generation_options": {"max_images": most}}
