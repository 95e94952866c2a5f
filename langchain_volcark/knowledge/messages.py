"""Converts messages to and from the JSON of the knowledge base.

Follows https://www.volcengine.com/docs/84313/1350013 (chat_completions) and /1544072 (service/chat).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, FunctionMessage, ToolMessage

from langchain_volcark.messages.assembler import StreamDelta
from langchain_volcark.wires.chat_completions.messages import MessageWriter
from langchain_volcark.wires.chat_completions.replies import (
    is_empty,
    read_text,
    read_usage,
    read_word,
    unread_usage,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_core.messages import BaseMessage
    from langchain_core.messages.ai import UsageMetadata

    from langchain_volcark.wires.chat_completions.content import Media

_ROLES = frozenset({"system", "user", "assistant"})
_ENVELOPE = frozenset({"code", "message", "request_id", "data"})
_READ = frozenset(
    {
        "generated_answer",
        "reasoning_content",
        "usage",
        "token_usage",
        "model",
        "finish_reason",
        "result_list",
        "end",
    }
)


class KnowledgeMessageWriter(MessageWriter):
    """Converts system, user and assistant messages with text and images.

    The service has no author names: the `name` of a message is not sent.
    """

    def media(self, media: Media) -> Mapping[str, Any]:
        """Convert an image to a content part.

        Raises:
            ValueError: The media is not an image, or has no source.
        """
        if media.kind != "image":
            return super().media(media)
        if not media.data_url:
            raise ValueError("the image has neither url nor base64; the knowledge base takes no file_id.")
        return {"type": "image_url", "image_url": {"url": media.data_url, **media.options}}

    def _write_one(self, message: BaseMessage, answered: set[str]) -> list[dict[str, Any]]:
        calls = isinstance(message, AIMessage) and (message.tool_calls or message.invalid_tool_calls)
        if calls or isinstance(message, (ToolMessage, FunctionMessage)):
            raise ValueError(
                f"{self._service} has no tools, so tool calls and their results cannot be sent there: leave them "
                "out, put them into text, or use ChatArk."
            )
        written = super()._write_one(message, answered)
        for one in written:
            if one["role"] not in _ROLES:
                raise ValueError(f"{self._service} has no role {one['role']!r}; there are {sorted(_ROLES)}.")
            one.pop("name", None)
        return written


def read_reply(payload: Mapping[str, Any]) -> StreamDelta:
    """Read a complete reply or one payload of a stream, which have the same format.

    Args:
        payload: The JSON object; `data` holds the answer, or the next piece of it.

    Returns:
        What it adds to the message. `result_list` becomes `metadata["references"]`; unknown fields keep their
        names.

    Raises:
        ValueError: A field of the answer is not in the documented format.
    """
    data = payload.get("data")
    if not isinstance(data, dict):
        data = {}
    delta = StreamDelta(
        text=read_text(data, "generated_answer"),
        reasoning=read_text(data, "reasoning_content"),
        model_name=read_word(data, "model"),
        finish_reason=read_word(data, "finish_reason"),
        # Some services spell the key with a capital letter.
        is_last=bool(data.get("end") or data.get("End")),
    )
    kept = {
        "request_id": payload.get("request_id"),
        "references": data.get("result_list"),
        "token_usage": data.get("token_usage"),
        **{key: value for key, value in payload.items() if key not in _ENVELOPE},
        **{key: value for key, value in data.items() if key not in _READ and key != "End"},
    }
    delta.metadata = {key: value for key, value in kept.items() if not is_empty(value)}
    delta.is_answer = bool(delta.text or delta.reasoning) or (
        isinstance(data.get("generated_answer"), str) or isinstance(data.get("result_list"), list)
    )
    _read_usage(data, delta)
    return delta


def _read_usage(data: Mapping[str, Any], delta: StreamDelta) -> None:
    """Read `usage` (JSON inside a string), or a packaged service's `token_usage` (tokens per step)."""
    usage = parse_usage(data.get("usage"))
    if usage is not None:
        delta.usage = read_usage(usage)
        delta.metadata.update(unread_usage(usage))
    elif not is_empty(data.get("usage")):
        delta.metadata["usage"] = data["usage"]
    if delta.usage is None:
        delta.usage = _usage_of_service(data.get("token_usage"))


def _usage_of_service(token_usage: Any) -> UsageMetadata | None:
    part = token_usage.get("llm_token_usage") if isinstance(token_usage, dict) else None
    return read_usage(part) if isinstance(part, dict) and part else None


def parse_usage(usage: Any) -> dict[str, Any] | None:
    """Read the token usage, which the service sends as JSON inside a string.

    Args:
        usage: For example `{"prompt_tokens":16,"completion_tokens":6,"total_tokens":22}` and a line break; an
            object or None is accepted too.

    Returns:
        The usage, or None where there is none.
    """
    if isinstance(usage, str):
        try:
            usage = json.loads(usage)
        except (ValueError, RecursionError):
            return None
    return usage if isinstance(usage, dict) and usage else None
