"""Reads content blocks in all common forms (LangChain v1 and v0, OpenAI, Anthropic, Google) as text or `Media`."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from langchain_volcark.wires.chat_completions.media_types import is_unknown, sniff_base64, split_data_url

Block = Mapping[str, Any]

# Blocks that only the service that produced them can read. Their portable content is in the message's own fields
# (`tool_calls`, reasoning).
_FOREIGN = frozenset(
    {
        "thinking",
        "redacted_thinking",
        "reasoning",
        "reasoning_content",
        "tool_use",
        "tool_call",
        "tool_call_chunk",
        "invalid_tool_call",
        "tool_result",
        "tool_reference",
        "executable_code",
        "code_execution_result",
        "server_tool_use",
        "server_tool_call_chunk",
        "server_tool_result",
        "mcp_list_tools",
        "mcp_approval_request",
        "mcp_approval_response",
        "container_upload",
        "compaction",
        "cachePoint",
        "cache_point",
        "guard_content",
    }
)
# Calls and results of services' built-in tools: `web_search_call`, `mcp_tool_result`, ….
_FOREIGN_ENDINGS = ("_call", "_call_output", "_tool_use", "_tool_result", "_tool_result_error")

_MEDIA_KINDS = frozenset({"image", "video", "audio", "file"})
_OPTIONS = (
    *("detail", "image_pixel_limit", "min_pixels", "max_pixels"),
    *("fps", "max_video_tokens", "min_frame_tokens", "max_frame_tokens", "min_frames"),
    "chunking_strategy",
)


@dataclass
class Media:
    """An image, a video, audio or a file.

    Attributes:
        kind: `image`, `video`, `audio` or `file`.
        url: Its URL, or a data URL.
        data: Its bytes in base64, without the `data:` prefix.
        mime_type: Its MIME type, in lower case.
        file_id: Its id at the service.
        name: Its file name.
        options: Further parameters of the service (`detail`, `fps`, …).
    """

    kind: str
    url: str | None = None
    data: str | None = None
    mime_type: str | None = None
    file_id: str | None = None
    name: str | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if isinstance(self.data, (bytes, bytearray, memoryview)):
            self.data = base64.b64encode(self.data).decode()
        for name in ("url", "data", "file_id"):
            if not isinstance(getattr(self, name), str | None):
                raise ValueError(f"the {self.kind}'s {name} must be a string.")  # noqa: TRY004
        if self.data and self.data.startswith("data:"):
            self.url, self.data = self.url or self.data, None
        if self.url and (inline := split_data_url(self.url)):
            self._complete_data_url(*inline)
        elif is_unknown(self.mime_type) and self.data:
            self.mime_type = self._sniff(self.data) or self.mime_type
        if self.kind == "file":
            self.kind = _kind_of(self.mime_type) or "file"

    def _complete_data_url(self, mime_type: str, data: str) -> None:
        """Write the type in lower case, which services compare exactly; detect it where it is missing."""
        if is_unknown(mime_type):
            mime_type = (None if is_unknown(self.mime_type) else self.mime_type) or self._sniff(data) or mime_type
            self.url = f"data:{mime_type};base64,{data}"
        header = (self.url or "").partition(",")[0]
        if not header.islower():
            self.url = f"{header.lower()},{data}"
        self.mime_type = mime_type or None

    def _sniff(self, data: str) -> str | None:
        found = sniff_base64(data)
        # Audio and video share the MP4 container.
        return "audio/mp4" if self.kind == "audio" and found == "video/mp4" else found

    @property
    def base64(self) -> str | None:
        """Its bytes in base64, from `data` or a data URL; None where it has only a link or an id."""
        inline = split_data_url(self.url) if self.url else None
        return inline[1] if inline else self.data

    @property
    def text(self) -> str | None:
        """The content of a text file; None for any other file, and where it has only a link or an id."""
        data = self.base64
        if self.kind != "file" or not data or not (self.mime_type or "").startswith("text/"):
            return None
        try:
            return base64.b64decode(data).decode()
        except ValueError:
            return None

    @property
    def data_url(self) -> str | None:
        """The URL, or the data as a data URL.

        Raises:
            ValueError: The MIME type is not given and cannot be detected from the first bytes.
        """
        if self.url is not None or self.data is None:
            return self.url
        if is_unknown(self.mime_type):
            raise ValueError(
                f"the {self.kind} needs its mime_type ({_SAMPLES.get(self.kind, 'such as application/pdf')}): its "
                "first bytes are of no known format."
            )
        return f"data:{self.mime_type};base64,{self.data}"

    def as_block(self) -> dict[str, Any]:
        """The media as LangChain's standard block."""
        extras = {**self.options, **({"filename": self.name} if self.name else {})}
        fields = {"url": self.url, "base64": self.data, "file_id": self.file_id, "mime_type": self.mime_type}
        return {
            "type": self.kind,
            **{name: value for name, value in fields.items() if value},
            **({"extras": extras} if extras else {}),
        }


_SAMPLES = {"image": "image/png, image/jpeg, …", "video": "video/mp4, …", "audio": "audio/mp3, audio/wav, …"}


def _kind_of(mime_type: str | None) -> str | None:
    kind = (mime_type or "").partition("/")[0]
    return kind if kind in {"image", "video", "audio"} else None


def read_block(block: str | Block) -> str | Media | Block | None:
    """Read one content block.

    Args:
        block: A string, or a block in any form that LangChain or a provider produces.

    Returns:
        Text, a `Media`, the block itself where its type is unknown (so that a new part type of the service can be
        used at once), or None for a block that only another service can read.
    """
    if isinstance(block, str):
        return block
    kind = block.get("type")
    if not isinstance(kind, str | None):
        return block
    if kind in {"text", "input_text", "output_text"} or (kind is None and isinstance(block.get("text"), str)):
        return str(block.get("text") or "")
    if kind == "refusal":
        return str(block.get("refusal") or "")
    if kind == "search_result":
        return "\n".join(filter(None, map(_plain, (block.get(name) for name in ("title", "source", "content")))))
    if kind == "non_standard":
        return _read_wrapped(block.get("value"))
    if kind in _FOREIGN or str(kind).endswith(_FOREIGN_ENDINGS):
        return None
    read = read_media(block)
    if isinstance(read, Media) and read.text is not None:
        return read.text
    return block if read is None else read


def _read_wrapped(value: Any) -> str | Media | None:
    """Read the value of a `non_standard` block; None where its type is unknown here, too."""
    read = read_block(value) if isinstance(value, (str, Mapping)) else None
    return read if isinstance(read, (str, Media)) else None


def read_media(block: Block) -> Media | str | None:
    """Read an image, video, audio or file block; as text where it is a text file; None for other blocks."""
    kind = str(block.get("type"))
    if kind in {"image_url", "video_url", "audio_url"}:
        return _read_url_part(kind.removesuffix("_url"), block)
    if kind in {"input_image", "computer_screenshot", "input_video"}:
        return _read_url_part("video" if kind == "input_video" else "image", block)
    if kind == "input_audio":
        return _read_input_audio(block)
    if kind == "input_file" or (kind == "file" and isinstance(block.get("file"), Mapping)):
        return _read_openai_file(block["file"] if isinstance(block.get("file"), Mapping) else block)
    if kind == "media":
        return _read_google_media(block)
    if kind == "document" or (kind == "image" and isinstance(block.get("source"), Mapping)):
        return _read_anthropic_source("file" if kind == "document" else "image", block)
    if kind == "text-plain":
        text = block.get("text")
        return text if isinstance(text, str) else _read_standard("file", {"mime_type": "text/plain", **block})
    if kind in _MEDIA_KINDS:
        return _read_standard(kind, block)
    return None


def _read_standard(kind: str, block: Block) -> Media | str:
    """Read LangChain's own blocks: v1 (`url`, `base64`, `file_id`) and v0 (`source_type`)."""
    source = block.get("source_type")
    if source == "text":
        return str(block.get("text") or "")
    extras = extras_of(block)
    return Media(
        kind,
        url=block.get("url"),
        # MCP's blocks have `data` and `mimeType`.
        data=block.get("base64") or (block.get("data") if source in ("base64", None) else None),
        mime_type=_lower(block.get("mime_type") or block.get("mimeType")),
        file_id=block.get("file_id") or (block.get("id") if source == "id" else None),
        name=block.get("filename") or extras.get("filename"),
        options=_options({**block, **extras}),
    )


def _read_url_part(kind: str, block: Block) -> Media:
    """Read OpenAI's and Ark's `image_url`, `video_url`; options are inside, or next to it in older examples."""
    value = block.get(f"{kind}_url")
    inner = value if isinstance(value, Mapping) else {"url": value}
    known = {"url", "file_id"}
    inner_options = {key: item for key, item in inner.items() if key not in known and item is not None}
    file_id = inner.get("file_id") or block.get("file_id")
    return Media(kind, url=inner.get("url"), file_id=file_id, options={**_options(block), **inner_options})


def _read_input_audio(block: Block) -> Media:
    """Read OpenAI's and Ark's `input_audio`; the Responses API has its fields at the top."""
    value = block.get("input_audio")
    audio = value if isinstance(value, Mapping) else block
    audio_format = audio.get("format")
    return Media(
        "audio",
        url=audio.get("url") or audio.get("audio_url"),
        data=audio.get("data"),
        mime_type=f"audio/{audio_format}" if audio_format else None,
        file_id=audio.get("file_id"),
        options=_options(block),
    )


def _read_openai_file(value: Block) -> Media:
    url = value.get("file_data") or value.get("file_url")
    return Media("file", url=url, file_id=value.get("file_id"), name=value.get("filename"))


def _read_google_media(block: Block) -> Media:
    mime = _lower(block.get("mime_type")) or ""
    return Media(
        "file",
        url=block.get("file_uri"),
        data=block.get("data"),
        mime_type=mime or None,
    )


def _read_anthropic_source(kind: str, block: Block) -> Media | str:
    source = block.get("source")
    if not isinstance(source, Mapping):
        return Media(kind)
    if source.get("type") == "text":
        return str(source.get("data") or "")
    if source.get("type") == "content":
        return _plain(source.get("content"))
    return Media(
        kind,
        url=source.get("url"),
        data=source.get("data") if source.get("type") == "base64" else None,
        mime_type=_lower(source.get("media_type")),
        file_id=source.get("file_id"),
        name=block.get("title"),
    )


def _plain(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else ()
    texts = (read_block(part) for part in parts if isinstance(part, (str, Mapping)))
    return "".join(text for text in texts if isinstance(text, str))


def _options(source: Block) -> dict[str, Any]:
    return {key: source[key] for key in _OPTIONS if source.get(key) is not None}


def extras_of(block: Block) -> Block:
    """A standard block's `extras`; empty where it has none."""
    extras = block.get("extras")
    return extras if isinstance(extras, Mapping) else {}


def _lower(value: Any) -> str | None:
    return value.lower() if isinstance(value, str) and value else None


def as_json_text(value: Any) -> str:
    """A value as JSON text for a model: non-ASCII characters unescaped, other objects as `str(object)`.

    Raises:
        ValueError: It has keys that are not strings, contains itself, or is nested too deeply.
    """
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, RecursionError) as error:
        raise ValueError(f"this {type(value).__name__} cannot be written as JSON: {error}.") from error
