"""LangChain messages as Ark's chat API wants them.

Follows https://www.volcengine.com/docs/82379/1494384 (chat API), /1362931 (images), /1895586 (video) and
/2377589 (audio).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_volcark.chat_completions.messages import MessageWriter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_volcark.chat_completions.content import Media

# LangChain names sounds by MIME type, Ark by file format.
_AUDIO_FORMATS = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav", "mp4": "m4a", "x-m4a": "m4a", "x-aac": "aac"}


class ArkMessageWriter(MessageWriter):
    """Adds what Ark takes besides text: images, video, sound, encrypted reasoning."""

    reasoning_fields = ("reasoning_content", "encrypted_content")

    def media(self, media: Media) -> Mapping[str, Any]:
        """Write an image, a video or a sound as a content part.

        Raises:
            ValueError: A file, which the chat API does not take, or media without a source.
        """
        if media.kind == "audio":
            return {"type": "input_audio", "input_audio": _audio(media)}
        if media.kind not in {"image", "video"}:
            raise ValueError(
                f"{self._service} takes no {media.kind} content: extract its text, or send its pages as images."
            )
        url = media.data_url
        source = {"url": url} if url else {"file_id": media.file_id}
        if not (url or media.file_id):
            raise ValueError(f"the {media.kind} has neither url, base64 nor file_id.")
        kind = f"{media.kind}_url"
        return {"type": kind, kind: {**source, **media.options}}


def _audio(media: Media) -> dict[str, Any]:
    if media.url and media.url.startswith("data:"):
        header, _, data = media.url.partition(",")
        mime = header.removeprefix("data:").partition(";")[0]
        return {"data": data, "format": _audio_format(mime)}
    if media.url:
        return {"url": media.url}
    if not media.data:
        raise ValueError("the audio has neither url nor base64.")
    return {"data": media.data, "format": _audio_format(media.mime_type or "")}


def _audio_format(mime_type: str) -> str:
    subtype = mime_type.partition("/")[2]
    if not subtype:
        raise ValueError("the audio needs its mime_type (audio/mp3, audio/wav, …): Ark must be told the format.")
    return _AUDIO_FORMATS.get(subtype, subtype)
