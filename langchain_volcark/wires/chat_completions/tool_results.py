"""Reads the results of tools: as texts, media, or JSON data.

A tool may return anything, and some of it only looks like content blocks: a list of files has dicts of the type
`file`, a search returns `search_result`. A part is read as a text only if it has no other information, and as
media only if it has bytes or a URL; everything else is data, sent as JSON. No result is an error, because an agent
would run into the same error on each later turn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, FunctionMessage, ToolMessage
from langchain_core.prompt_values import ChatPromptValue

from langchain_volcark.wires.chat_completions.content import Media, as_json_text, read_block, read_media
from langchain_volcark.wires.chat_completions.media_types import is_unknown, size_of_base64

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage
    from langchain_core.prompt_values import PromptValue

    from langchain_volcark.wires.chat_completions.content import Block

_TEXTS = frozenset({None, "text", "input_text", "output_text"})
# Types of blocks that may hold nothing but a text.
_READ_AS_TEXT = frozenset(
    {*_TEXTS, "text-plain", "document", "search_result", "file", "input_file", "non_standard"}
)
_CONTAINERS = frozenset(
    {"source", "value", "file", "image_url", "video_url", "audio_url", "input_audio", "extras", "content"}
)
_MIME_KEYS = frozenset({"mime_type", "mimeType", "media_type"})
_DETAILS = frozenset({"low", "high", "xhigh", "auto"})
_NUMBERS = frozenset(
    {"fps", "min_pixels", "max_pixels", "max_video_tokens", "min_frame_tokens", "max_frame_tokens", "min_frames"}
)


def read_tool_result(content: Any) -> list[str | Media]:
    """Read a tool's result.

    Args:
        content: The content of a tool message, of any kind.

    Returns:
        Texts and media, in order. Together they hold all information of the content.
    """
    if isinstance(content, str):
        return [content]
    if not isinstance(content, (list, tuple)) or not content:
        return [data_text(content)]
    reads = [_read_part(part, position, len(content)) for position, part in enumerate(content)]
    if any(isinstance(one, Media) for read in reads for one in read or ()):
        pairs = zip(content, reads, strict=True)
        return [one for part, read in pairs for one in ([data_text(part)] if read is None else read)]
    if None in reads:
        return [data_text(content)]
    return [one for read in reads for one in read or ()]


def as_standard_content(message: BaseMessage) -> BaseMessage:
    """Convert a message's content to a form that langchain-core can process.

    Core's tracing and its conversion of older blocks raise on tool results that look like media, and on images
    without a `mime_type`.

    Args:
        message: The message; it is not changed.

    Returns:
        The message, or a copy: a tool's result as texts and standard blocks, images with their type.

    Raises:
        ValueError: An image's type is not given and cannot be detected from its bytes.
    """
    content = message.content
    if isinstance(content, str):
        return message
    if isinstance(message, (ToolMessage, FunctionMessage)):
        read = read_tool_result(content)
        if all(isinstance(one, str) for one in read) and len(read) <= 1:
            return message.model_copy(update={"content": read[0] if read else ""})
        blocks = [{"type": "text", "text": one} if isinstance(one, str) else one.as_block() for one in read]
        return message.model_copy(update={"content": blocks})
    # Images in assistant messages are not sent, so their type does not matter.
    is_own = isinstance(message, AIMessage)
    typed = [_with_type(block, position=position, is_own=is_own) for position, block in enumerate(content)]
    if all(new is old for new, old in zip(typed, content, strict=True)):
        return message
    return message.model_copy(update={"content": typed})


def as_standard_input(value: PromptValue) -> PromptValue:
    """Same as `as_standard_content`, for all messages of a prompt."""
    if not isinstance(value, ChatPromptValue):
        return value
    messages = []
    for position, message in enumerate(value.messages):
        try:
            messages.append(as_standard_content(message))
        except ValueError as error:
            raise ValueError(f"messages[{position}]: {error}") from error
    if all(new is old for new, old in zip(messages, value.messages, strict=True)):
        return value
    return ChatPromptValue(messages=messages)


def data_text(value: Any) -> str:
    """A value as JSON text; as `str(value)` where it cannot be written as JSON."""
    try:
        return as_json_text(value)
    except ValueError:
        pass
    try:
        return str(value)
    except RecursionError:
        return f"(a {type(value).__name__} that is nested too deeply to be written out)"


def describe(media: Media, service: str) -> str:
    """Describe media that cannot be sent to the model, as a text in its place.

    Args:
        media: The media that the tool returned.
        service: The service's name.
    """
    size = size_of_base64(media.base64 or "")
    url = None if size else media.url
    facts = (media.name, media.mime_type, f"{size:,} bytes" if size else None, url, media.file_id)
    options = (f"{key} {data_text(value)}" for key, value in media.options.items())
    description = ", ".join(str(fact) for fact in (media.kind, *facts, *options) if fact)
    return f"[{description}: not shown, because {service} does not take it in a tool's result.]"


def _read_part(part: Any, position: int, count: int) -> list[str | Media] | None:
    """The texts and media of one part; None where it is data."""
    if isinstance(part, str):
        # An empty string among others is an item of a list, so the list is data.
        return [part] if part or count == 1 else None
    if not isinstance(part, Mapping):
        return None
    try:
        return _read_text(part, position) if part.get("type") in _TEXTS else _read_other(part, position)
    except (ValueError, TypeError, RecursionError):
        return None


def _read_text(block: Block, position: int) -> list[str | Media] | None:
    text = block.get("text")
    if not isinstance(text, str) or _has_more(block, text, position):
        return None
    return [text] if text else []


def _read_other(block: Block, position: int) -> list[str | Media] | None:
    wrapped = block.get("value") if block.get("type") == "non_standard" else None
    media = read_media(wrapped if isinstance(wrapped, Mapping) else block)
    if not isinstance(media, Media):
        text = read_block(block) if block.get("type") in _READ_AS_TEXT else None
        return [text] if isinstance(text, str) and text and not _has_more(block, text, position) else None
    more = _has_more(block, media, position)
    if media.text is not None:
        return None if more else [media.text]
    if media.base64 is None or (media.url and media.data):
        return None if more or not _is_remote(media) else [media]
    size = size_of_base64(media.base64)
    if size is None or is_unknown(media.mime_type) or "/" not in str(media.mime_type):
        return None
    media.options = {key: value for key, value in media.options.items() if _is_option(key, value)}
    payload = media.url or media.data
    remark = data_text(_replaced(block, payload, f"<{size:,} bytes>")) if more else None
    return [remark, media] if remark else [media]


def _is_remote(media: Media) -> bool:
    """Whether media without bytes has a URL or a file id."""
    if media.data:
        return False
    if media.url is None:
        return bool(media.file_id)
    return media.url.lower().startswith(("http://", "https://"))


def _has_more(block: Block, read: str | Media, position: int) -> bool:
    """Whether a block holds information beyond the text or media read from it."""
    for key, value in block.items():
        if value is None or (isinstance(value, (str, list, dict)) and not value):
            continue
        if _is_format_field(key, value, position):
            continue
        if key in _CONTAINERS and isinstance(value, Mapping):
            if _has_more(value, read, position):
                return True
        elif key == "content" and isinstance(value, list):
            if any(_has_more(one if isinstance(one, Mapping) else {"text": one}, read, position) for one in value):
                return True
        elif not (_is_in_text(key, value, read) if isinstance(read, str) else _is_in_media(key, value, read)):
            return True
    return False


def _is_format_field(key: str, value: Any, position: int) -> bool:
    """Whether a field is part of the block format, not information from the tool."""
    if key in ("type", "source_type"):
        return isinstance(value, str)
    if key == "id":
        return isinstance(value, str) and value.startswith("lc_")
    if key == "index":
        return value == position and not isinstance(value, bool)
    if key == "cache_control":
        return isinstance(value, Mapping) and value.get("type") == "ephemeral" and value.keys() <= {"type", "ttl"}
    return key == "citations" and isinstance(value, Mapping) and value.keys() == {"enabled"}


def _is_in_text(key: str, value: Any, text: str) -> bool:
    if not isinstance(value, str):
        return False
    return value in text or (key in _MIME_KEYS and value.lower().startswith("text/"))


def _is_in_media(key: str, value: Any, media: Media) -> bool:
    if key in media.options and media.options[key] == value:
        return _is_option(key, value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return media.data is not None
    if not isinstance(value, str):
        return False
    if key in _MIME_KEYS:
        return value.lower() == media.mime_type
    if key == "format":
        return f"audio/{value}" == media.mime_type
    if value in (media.url, media.data, media.file_id, media.name):
        return True
    return value.startswith("data:") and media.url is not None and value.lower() == media.url.lower()


def _is_option(key: str, value: Any) -> bool:
    """Whether a field is a valid media option of a service; a tool's field of that name may hold anything."""
    if key == "detail":
        return isinstance(value, str) and value in _DETAILS
    if key == "chunking_strategy":
        return isinstance(value, Mapping) and value.get("type") == "server_vad"
    if key == "image_pixel_limit":
        return isinstance(value, Mapping) and all(_is_number(one) for one in value.values())
    return key in _NUMBERS and _is_number(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _replaced(value: Any, payload: Any, word: str) -> Any:
    """A value with every occurrence of the payload replaced by a placeholder."""
    if isinstance(value, Mapping):
        return {key: _replaced(one, payload, word) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_replaced(one, payload, word) for one in value]
    is_payload = isinstance(value, (bytes, bytearray, memoryview)) or (value == payload and payload is not None)
    return word if is_payload else value


def _with_type(block: Any, *, position: int, is_own: bool) -> Any:
    """Add the MIME type to an image block, because langchain-core refuses images without one."""
    if not isinstance(block, dict) or block.get("type") != "image" or block.get("mime_type"):
        return block
    try:
        media = read_media(block)
    except ValueError:
        return block
    if not isinstance(media, Media) or media.data is None:
        return block
    if is_unknown(media.mime_type) and is_own:
        return {**block, "mime_type": "application/octet-stream"}
    try:
        _ = media.data_url
    except ValueError as error:
        raise ValueError(f"content[{position}]: {error}") from error
    return {**block, "mime_type": media.mime_type}
