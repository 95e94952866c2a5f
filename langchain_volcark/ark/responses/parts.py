"""Content parts of the Responses API.

Follows https://www.volcengine.com/docs/82379/1569618 (Responses API).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_volcark.ark.messages import refuse_unreachable, with_known_type
from langchain_volcark.wires.chat_completions.content import extras_of

if TYPE_CHECKING:
    from langchain_volcark.wires.chat_completions.content import Block, Media

_TEXTS = frozenset({"text", "input_text"})
_PIXELS = ("min_pixels", "max_pixels")


def text_part(block: Block) -> dict[str, Any] | None:
    """A text with translation options; None for any other block."""
    how = block.get("translation_options") or extras_of(block).get("translation_options")
    if how is None or block.get("type") not in _TEXTS:
        return None
    return {"type": "input_text", "text": block.get("text"), "translation_options": how}


def media_part(media: Media) -> dict[str, Any]:
    """An image, a video, a sound or a file.

    Raises:
        ValueError: It has no source, or one that Ark cannot access, or an unknown type.
    """
    refuse_unreachable(media)
    url = media.data_url
    if url is None and not media.file_id:
        raise ValueError(f"the {media.kind} has neither url nor base64 nor file_id.")
    if media.kind == "file":
        return {"type": "input_file", **_file(media, url)}
    source = {"file_id": media.file_id} if url is None else {f"{media.kind}_url": with_known_type(url)}
    return {"type": f"input_{media.kind}", **source, **_options(media)}


def _file(media: Media, url: str | None) -> dict[str, Any]:
    if url is None:
        return {"file_id": media.file_id}
    if not url.startswith("data:"):
        return {"file_url": url}
    # The service requires a name with data, and reads the type from its extension.
    ending = (media.mime_type or "").rpartition("/")[2]
    return {"file_data": url, "filename": media.name or f"file.{ending or 'pdf'}"}


def _options(media: Media) -> dict[str, Any]:
    """The options of media that this API has; the chat API has more."""
    given = media.options
    if media.kind == "video":
        # The rate of an uploaded video was set with the upload.
        return {"fps": given["fps"]} if "fps" in given and not (media.file_id and media.data_url is None) else {}
    if media.kind == "audio":
        return {"chunking_strategy": given["chunking_strategy"]} if "chunking_strategy" in given else {}
    if media.kind != "image":
        return {}
    found: dict[str, Any] = {name: given[name] for name in ("detail", "image_pixel_limit") if name in given}
    pixels = {name: given[name] for name in _PIXELS if name in given}
    return {**({"image_pixel_limit": pixels} if pixels else {}), **found}
