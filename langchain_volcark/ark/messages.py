"""Converts LangChain messages to the form of Ark's chat API.

Follows https://www.volcengine.com/docs/82379/1494384 (chat API), /1362931 (images), /1895586 (video) and
/2377589 (audio).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, FunctionMessage, HumanMessage, ToolMessage

from langchain_volcark.wires.chat_completions.messages import MessageWriter
from langchain_volcark.wires.chat_completions.tool_results import as_standard_content

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_core.messages import BaseMessage

    from langchain_volcark.wires.chat_completions.content import Media
    from langchain_volcark.wires.chat_completions.messages import JSONMessage, ReasoningPassback

# LangChain has MIME types of audio, Ark has file formats.
_AUDIO_FORMATS = {
    "mpeg": "mp3",
    "x-wav": "wav",
    "wave": "wav",
    "vnd.wave": "wav",
    "mp4": "m4a",
    "x-m4a": "m4a",
    "x-aac": "aac",
    "l16": "pcm",
}
_VIDEO_TYPES = {"video/quicktime": "video/mov", "video/x-msvideo": "video/avi", "video/vnd.avi": "video/avi"}
_PARTS = {"image": "image_url", "video": "video_url", "audio": "input_audio"}
_MB = 1024 * 1024
# URL schemes of other providers' file storage, which Ark cannot access.
_UNREACHABLE = frozenset({"", "file", "gs", "s3", "blob"})


class ArkMessageWriter(MessageWriter):
    """Adds Ark's own parts: images, video, audio, encrypted reasoning, names of tools.

    Args:
        provider: Our `model_provider`.
        service: The service's name in error texts.
        reasoning: Which assistant messages include their reasoning.
        model: The model of the call; only the model that wrote encrypted reasoning can read it.
        profile: The model's profile; see `MessageWriter`.
    """

    reasoning_fields: tuple[str, ...] = ("reasoning_content", "encrypted_content")
    tool_media: Mapping[str, int | None] = {
        "image": 10 * _MB,
        "video": 50 * _MB,
        "audio": 25 * _MB,
        "file": 50 * _MB,
    }
    image_types = frozenset(
        f"image/{name}"
        for name in ("jpeg", "png", "gif", "webp", "bmp", "tiff", "x-icon", "icns", "jp2", "heic", "heif")
    )

    def __init__(
        self,
        provider: str,
        service: str,
        *,
        reasoning: ReasoningPassback = "tool_turns",
        model: str = "",
        profile: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(provider, service, reasoning=reasoning, profile=profile)
        self._model = model

    def write_with_positions(self, messages: Sequence[BaseMessage]) -> list[tuple[int, JSONMessage]]:
        """Convert a conversation; function messages become tool messages, because Ark refuses their role."""
        if any(isinstance(message, FunctionMessage) for message in messages):
            messages = _without_functions(messages)
        written = super().write_with_positions(messages)
        if not written:
            raise ValueError("messages: there is nothing to send.")
        return written

    def _write_one(self, message: BaseMessage, answered: set[str]) -> list[JSONMessage]:
        written = super()._write_one(message, answered)
        if isinstance(message, ToolMessage) and message.name:
            written[0]["name"] = message.name
        return written

    def reasoning_of(self, message: AIMessage) -> dict[str, str]:
        """The reasoning fields of a message of ours; the encrypted one only where this model wrote it here."""
        found = super().reasoning_of(message)
        author = message.response_metadata.get("model_name")
        is_other = author and not _may_be_same_model(str(author), self._model)
        # What the Responses API encrypted is not known to be read by the chat API.
        if is_other or "response_id" in message.response_metadata:
            found.pop("encrypted_content", None)
        return found

    def media(self, media: Media) -> Mapping[str, Any]:
        """Convert an image, a video, audio or an uploaded file to a content part.

        Raises:
            ValueError: It is a file that has not been uploaded, which the chat API does not accept, or media that
                Ark cannot access.
        """
        refuse_unreachable(media)
        uploaded = media.file_id if media.url is None and media.data is None else None
        kind = _PARTS.get(media.kind, media.kind)
        options = media.options if media.kind in {"image", "video"} else {}
        if uploaded:
            return {"type": kind, kind: {"file_id": uploaded, **options}}
        if media.kind == "audio":
            return {"type": kind, kind: _audio(media)}
        if media.kind not in {"image", "video"}:
            raise ValueError(
                f"{self._service} takes no {media.kind} content: extract its text, send its pages as images, or "
                "upload it with ArkFiles."
            )
        url = media.data_url
        if not url:
            raise ValueError(f"the {media.kind} has neither url nor base64 nor file_id.")
        return {"type": kind, kind: {"url": with_known_type(url), **options}}


def refuse_unreachable(media: Media) -> None:
    """Refuse media at a URL that Ark cannot access.

    Raises:
        ValueError: The URL has such a scheme; the text says what to give instead.
    """
    if media.url and _scheme(media.url) in _UNREACHABLE:
        raise ValueError(
            f"the {media.kind}'s url is {media.url[:60]!r}, where Ark cannot read: give an http(s) or data "
            "URL, or base64."
        )


def _scheme(url: str) -> str:
    return url[: max(url.find(":", 0, 16), 0)].lower()


def _may_be_same_model(author: str, model: str) -> bool:
    """Whether a model may be the one of that name; the model behind an endpoint id is unknown."""
    return model.startswith(("ep-", "bot-", author)) or author.startswith(model)


def _without_functions(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """Replace OpenAI's older form of calls (`function_call`, function messages) by tool calls."""
    result: list[BaseMessage] = []
    call_id = None
    for position, message in enumerate(messages):
        call = message.additional_kwargs.get("function_call") if isinstance(message, AIMessage) else None
        following = messages[position + 1] if position + 1 < len(messages) else None
        if isinstance(call, dict) and isinstance(following, FunctionMessage):
            call_id = f"call_{position}"
            tool_call = {"id": call_id, "name": call.get("name"), "args": call.get("arguments"), "error": None}
            result.append(message.model_copy(update={"invalid_tool_calls": [tool_call], "tool_calls": []}))
        elif isinstance(message, FunctionMessage):
            answer = as_standard_content(message).content
            if call_id:
                result.append(ToolMessage(answer, tool_call_id=call_id, name=message.name))
            else:
                result.append(HumanMessage(answer, name=message.name))
            call_id = None
        else:
            result.append(message)
            call_id = None
    return result


def with_known_type(url: str) -> str:
    """A data URL with Ark's name of its MIME type."""
    if not url.startswith("data:video/"):
        return url
    mime, separator, rest = url.removeprefix("data:").partition(";")
    return f"data:{_VIDEO_TYPES.get(mime, mime)}{separator}{rest}"


def _audio(media: Media) -> dict[str, Any]:
    data = media.base64
    if data is None and media.url:
        return {"url": media.url}
    if not data:
        raise ValueError("the audio has neither url nor base64 nor file_id.")
    return {"data": data, "format": _audio_format(media.mime_type or "")}


def _audio_format(mime_type: str) -> str:
    subtype = mime_type.partition("/")[2]
    if not subtype:
        raise ValueError(
            "the audio needs its mime_type (audio/mp3, audio/wav, …): Ark requires the format, and it cannot be "
            "detected from the first bytes."
        )
    return _AUDIO_FORMATS.get(subtype, subtype)
