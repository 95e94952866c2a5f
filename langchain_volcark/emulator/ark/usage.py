"""Counts prompt tokens, and remembers the beginnings of earlier prompts for cached tokens.

Text is counted by `tokens`, plus 4 tokens per message and the tools as compact JSON. An image counts its pixels
divided by 784, within the limits of its detail; the size of a linked image is assumed to be 1024 x 1024. A video
is 10,240 tokens, audio one token per 1,600 bytes (100 for a link).
"""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator import tokens
from langchain_volcark.emulator.ark.errors import too_long
from langchain_volcark.emulator.ark.media import decode_base64, image_size, split_data_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langchain_volcark.emulator.ark.request import ChatRequest

MIN_CACHED = 256
_MAX_PREFIXES = 20_000
_PER_MESSAGE = 4
_PIXELS_PER_TOKEN = 784
_UNKNOWN_IMAGE = (1024, 1024)
_DETAIL_LIMITS = {"low": 1312, "auto": 1312, "high": 5120, "xhigh": 11520}
_VIDEO_TOKENS = 10_240
_AUDIO_BYTES_PER_TOKEN = 1_600
_LINKED_AUDIO_TOKENS = 100


@dataclass(frozen=True)
class PromptCount:
    """Token counts of a prompt: all, cached, audio."""

    total: int
    cached: int
    audio: int


class PrefixCache:
    """Counts prompts; leading messages that were sent before count as cached from 256 tokens on."""

    def __init__(self) -> None:
        self._seen: OrderedDict[int, None] = OrderedDict()

    def count(self, chat: ChatRequest) -> PromptCount:
        """Count a prompt and remember it.

        Raises:
            ArkError: The prompt is too long for the model.
        """
        tools = json.dumps(chat.tools, ensure_ascii=False, separators=(",", ":")) if chat.tools else ""
        total = tokens.count(tools)
        cached = audio = 0
        prefixes: list[int] = []
        prefix = hash((chat.model.id, tools))
        for message in chat.messages:
            counted, sounds = _count_message(message, chat.model.inputs)
            total += counted
            audio += sounds
            prefix = hash((prefix, json.dumps(message)))
            prefixes.append(prefix)
            if prefix in self._seen:
                cached = total
        limit = min(chat.model.context, chat.model.max_input)
        if total > limit:
            raise too_long()
        self._remember(prefixes)
        # Even of an identical prompt the last token is not cached.
        cached = min(cached, total - 1)
        return PromptCount(total, cached if cached >= MIN_CACHED else 0, audio)

    def _remember(self, prefixes: list[int]) -> None:
        for prefix in prefixes:
            self._seen[prefix] = None
            self._seen.move_to_end(prefix)
        while len(self._seen) > _MAX_PREFIXES:
            self._seen.popitem(last=False)


def _count_message(message: dict[str, Any], inputs: frozenset[str]) -> tuple[int, int]:
    """Return the tokens of a message, and how many of them are audio."""
    total = _PER_MESSAGE + sum(tokens.count(text) for text in _texts(message))
    audio = 0
    content = message.get("content")
    for part in content if isinstance(content, list) else ():
        if part["type"] == "image_url" and "image" in inputs:
            total += _image_tokens(part["image_url"])
        elif part["type"] == "video_url" and "video" in inputs:
            total += _VIDEO_TOKENS
        elif part["type"] == "input_audio":
            audio += _audio_tokens(part["input_audio"])
    return total + audio, audio


def _texts(message: dict[str, Any]) -> Iterator[str]:
    content = message.get("content", "")
    yield from [content] if isinstance(content, str) else map(_text_of_part, content)
    yield message.get("name", "")
    yield message.get("reasoning_content", "")
    for call in message.get("tool_calls", ()):
        yield call["function"]["name"]
        yield call["function"]["arguments"]


def _text_of_part(part: dict[str, Any]) -> str:
    """Return the text of a text part or document; empty for others."""
    owner = part["file"] if part["type"] == "file" else part
    return str(owner.get("text") or "")


def _image_tokens(image: dict[str, Any]) -> int:
    data = decode_base64(split_data_url(image["url"])[1])
    width, height = image_size(data) or _UNKNOWN_IMAGE
    limit = _DETAIL_LIMITS[image.get("detail") or "low"]
    return max(1, min(width * height // _PIXELS_PER_TOKEN, limit))


def _audio_tokens(audio: dict[str, Any]) -> int:
    if audio.get("data") is None:
        return _LINKED_AUDIO_TOKENS
    return max(1, len(decode_base64(audio["data"])) // _AUDIO_BYTES_PER_TOKEN)
