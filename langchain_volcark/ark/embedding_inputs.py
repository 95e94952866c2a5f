"""Converts inputs of the multimodal embeddings API: text, images, video, or several of them for one vector.

Follows https://www.volcengine.com/docs/82379/1523520 (multimodal embeddings API).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from langchain_volcark.ark.messages import with_known_type
from langchain_volcark.base.embeddings import check_texts
from langchain_volcark.base.values import as_list
from langchain_volcark.wires.chat_completions.content import Media, read_block

if TYPE_CHECKING:
    from collections.abc import Sequence

EmbeddingInput: TypeAlias = "str | Mapping[str, Any] | Sequence[str | Mapping[str, Any]]"
"""A text, a content block (LangChain's or Ark's own), or several that become one vector."""

MAX_TEXT_BYTES = 100_000
"""The longest text, in bytes of UTF-8."""

_MB = 1024 * 1024
_MAX_BYTES = {"image": 10 * _MB, "video": 50 * _MB}


def write_inputs(inputs: Sequence[EmbeddingInput]) -> list[list[dict[str, Any]]]:
    """Convert each input to a list of content parts.

    Args:
        inputs: The inputs given by the caller.

    Raises:
        ValueError: An input is invalid; the message names its position.
    """
    return [write_input(position, one) for position, one in enumerate(as_list(inputs, "inputs"))]


def write_input(position: int, one: EmbeddingInput) -> list[dict[str, Any]]:
    """Same as `write_inputs`, for a single input."""
    blocks = [one] if isinstance(one, (str, Mapping)) else one
    if not isinstance(blocks, (list, tuple)):
        raise ValueError(  # noqa: TRY004
            f"Input {position} is neither a text, a content block nor a list of them, but {type(one).__name__!r}."
        )
    if not blocks:
        raise ValueError(f"Input {position} is empty: a list of parts needs at least one.")
    name = f"Input {position}"
    return [
        _write_part(f"{name}, part {number}" if len(blocks) > 1 else name, block)
        for number, block in enumerate(blocks)
    ]


def _write_part(name: str, block: str | Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(block, (str, Mapping)):
        raise ValueError(f"{name} is neither a text nor a content block, but {type(block).__name__!r}.")  # noqa: TRY004
    read = read_block(block)
    if isinstance(read, str):
        check_texts([read], max_bytes=MAX_TEXT_BYTES, name=name)
        return {"type": "text", "text": read}
    if not isinstance(read, Media) or read.kind not in _MAX_BYTES:
        kind = block.get("type") if isinstance(block, Mapping) else None
        raise ValueError(
            f"{name} has the type {kind!r}: Ark embeds text, image (or image_url) and video (or video_url)."
        )
    return _write_media(name, read)


def _write_media(name: str, media: Media) -> dict[str, Any]:
    try:
        url = media.data_url
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    if not url:
        raise ValueError(f"{name}: the {media.kind} has neither url nor base64, which the embeddings API needs.")
    if url.startswith("data:"):
        size, most = (len(url) - url.find(",") - 1) * 3 // 4, _MAX_BYTES[media.kind]
        if size > most:
            raise ValueError(f"{name}: the {media.kind} has {size / _MB:.1f} MB; Ark takes {most // _MB} MB.")
    kind = f"{media.kind}_url"
    return {"type": kind, kind: {"url": with_known_type(url), **media.options}}
