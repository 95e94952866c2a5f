"""Image generation as a tool for agents.

The content of a result, which a chat model reads, has text and links, never the bytes; those are in the artifact.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.tools import StructuredTool
from pydantic import BaseModel, ConfigDict, Field, create_model

from langchain_volcark.ark.images.models import MAX_PICTURES, find_model
from langchain_volcark.ark.images.pictures import GeneratedImages
from langchain_volcark.ark.tool_errors import shortened, tool_exception
from langchain_volcark.exceptions import VolcArkError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from os import PathLike

    from langchain_core.tools import ToolException
    from typing_extensions import Self

    from langchain_volcark.ark.images.generator import ArkImageGenerator
    from langchain_volcark.ark.images.models import ImageModel
    from langchain_volcark.ark.images.pictures import ArkImage

_EDITING = ", or edit and combine given pictures"
_LINKS = "links to the pictures"
_PATHS = "the paths of the saved files"
_URLS = ("http://", "https://", "data:image/")

Result = tuple[list[dict[str, Any]], GeneratedImages]
"""Content and artifact. LangGraph evaluates the annotations of a tool's functions, so their names must exist."""


def image_tool(
    generator: ArkImageGenerator,
    *,
    name: str,
    description: str | None,
    save_to: str | PathLike[str] | None,
    show_images: bool,
    handle_tool_error: bool | str | Callable[[ToolException], str] | None,
) -> StructuredTool:
    """Make the tool; see `ArkImageGenerator.as_tool`."""
    model = find_model(generator.model)
    folder = None if save_to is None else f"{Path(save_to)}/"

    def generate(**arguments: Any) -> Result:
        with _Outcome() as made:
            made.pictures = generator.generate(**_parameters(arguments))
        saved = [] if folder is None else [_save(one, folder) for one in made.pictures]
        return _content(made, saved, show_images=show_images), made.pictures

    async def agenerate(**arguments: Any) -> Result:
        with _Outcome() as made:
            made.pictures = await generator.agenerate(**_parameters(arguments))
        saves = [] if folder is None else [_asave(one, folder) for one in made.pictures]
        return _content(made, await asyncio.gather(*saves), show_images=show_images), made.pictures

    return StructuredTool.from_function(
        generate,
        agenerate,
        name=name,
        description=description or _description(generator, model, saves=folder is not None),
        args_schema=_arguments(model),
        infer_schema=False,
        response_format="content_and_artifact",
        handle_tool_error=handle_tool_error,
    )


class _Outcome:
    """Raises failures as the exception that langchain-core shows to models, unless there are pictures too.

    Attributes:
        pictures: The pictures, set by the caller, or those of the failure.
        text: What failed, or empty.
    """

    def __init__(self) -> None:
        self.pictures = GeneratedImages()
        self.text = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, VolcArkError) and isinstance(error.partial, GeneratedImages) and error.partial:
            self.pictures, self.text = error.partial, shortened(str(error))  # they are billed
            return True
        if isinstance(error, (ValueError, OSError, VolcArkError)):
            raise tool_exception(error) from error
        return False


def _description(generator: ArkImageGenerator, model: ImageModel | None, *, saves: bool) -> str:
    """What the agent's model reads about the tool."""
    has = {_LINKS: generator.response_format != "b64_json", _PATHS: saves}
    results = [what for what, is_there in has.items() if is_there]
    returns = f" Returns {' and '.join(results)}." if results else ""
    return f"Generate a picture from a description in words{_EDITING if _edits(model) else ''}.{returns}"


def _edits(model: ImageModel | None) -> bool:
    return model is None or model.references > 0


def _arguments(model: ImageModel | None) -> type[BaseModel]:
    """The arguments that the model has, as the agent's model sees them."""
    text = "What the picture shows: subject, setting, style, and shape such as 16:9."
    fields: dict[str, Any] = {"prompt": (str, Field(description=text))}
    if _edits(model):
        text = "Links of pictures to edit or combine; the prompt calls them image 1, image 2, …"
        needed = model is not None and model.needs_reference
        kind, default = (list[str], ...) if needed else (list[str] | None, None)
        fields["image_urls"] = (kind, Field(default, description=text))
    words = ", ".join(model.sizes) if model is not None else "such as 2K"
    pixels = "width and height in pixels, such as 2048x2048"
    text = f"Resolution: {words}, or {pixels}." if words else f"Resolution: {pixels}."
    fields["size"] = (str | None, Field(None, description=text))
    if model is None or model.sequential:
        text = "How many pictures to make, 1 by default. The prompt must say the number too."
        fields["count"] = (int | None, Field(None, description=text, ge=1, le=MAX_PICTURES))
    return create_model("ImageArguments", __config__=ConfigDict(extra="forbid"), **fields)


def _parameters(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The tool's arguments as those of `generate`."""
    urls = [url for url in arguments.get("image_urls") or () if url]  # some models send empty texts
    for url in urls:
        # A model must not be able to read files of this machine.
        if not url.lower().startswith(_URLS):
            raise ValueError(f"image_urls: {url[:100]!r} is not a link that begins with https:// or http://.")
    parameters: dict[str, Any] = {"prompt": arguments["prompt"], "images": urls or None}
    if arguments.get("size"):
        parameters["size"] = arguments["size"]
    if arguments.get("count") is not None:
        parameters["max_images"] = arguments["count"]
    return parameters


def _save(picture: ArkImage, folder: str) -> Path | Exception:
    try:
        return picture.save(folder)
    except (OSError, ValueError, VolcArkError) as error:  # it is made and billed, even if it cannot be saved
        return error


async def _asave(picture: ArkImage, folder: str) -> Path | Exception:
    try:
        return await picture.asave(folder)
    except (OSError, ValueError, VolcArkError) as error:
        return error


def _content(made: _Outcome, saved: Sequence[Path | Exception], *, show_images: bool) -> list[dict[str, Any]]:
    """Text about each picture and each failure, then the pictures by link."""
    pictures = made.pictures
    lines = [f"{len(pictures)} picture{'' if len(pictures) == 1 else 's'} generated."]
    for position, picture in enumerate(pictures):
        facts = [f"Picture {picture.index + 1}"]
        if picture.size:
            facts.append(picture.size)
        if position < len(saved):
            outcome = saved[position]
            facts.append(f"not saved: {outcome}" if isinstance(outcome, Exception) else f"saved as {outcome}")
        facts.append(f"link (valid for 24 hours): {picture.url}" if picture.url else "bytes not shown here")
        lines.append(", ".join(facts))
    lines += map(str, pictures.errors.values())
    lines += [made.text] if made.text else []
    blocks: list[dict[str, Any]] = [{"type": "text", "text": "\n".join(lines)}]
    if show_images:
        blocks += [picture.block() for picture in pictures if picture.url]
    return blocks
