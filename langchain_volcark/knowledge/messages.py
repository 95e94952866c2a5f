"""LangChain messages and the knowledge base's JSON, both ways; pure functions.

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
    """Writes what the knowledge base takes: system, user and assistant; text, and images for models that see.

    There are no names in a conversation there: a message's `name` is not sent.
    """

    def media(self, media: Media) -> Mapping[str, Any]:
        """Write an image as a content part.

        Raises:
            ValueError: It is no image, or has no source.
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
    """Read a reply, or one payload of a stream: both are the whole envelope.

    Args:
        payload: The envelope; `data` holds the answer, or the next piece of it.

    Returns:
        What it adds to the message. `result_list` becomes `metadata["references"]`; fields nobody knows keep
        their names.

    Raises:
        ValueError: It is not what is documented, in a part that holds the answer.
    """
    data = payload.get("data")
    if not isinstance(data, dict):
        data = {}
    delta = StreamDelta(
        text=read_text(data, "generated_answer"),
        reasoning=read_text(data, "reasoning_content"),
        model_name=read_word(data, "model"),
        finish_reason=read_word(data, "finish_reason"),
        # One service's replies spell the key with a capital.
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
    """`usage` is JSON inside a string; a packaged service sends `token_usage`, an object with a part per step."""
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
    """Read the JSON text in which the service counts tokens.

    Args:
        usage: Such as `{"prompt_tokens":16,"completion_tokens":6,"total_tokens":22}` and a line end; or an object,
            or nothing.

    Returns:
        The counts, or None where there are none.
    """
    if isinstance(usage, str):
        try:
            usage = json.loads(usage)
        except (ValueError, RecursionError):
            return None
    return usage if isinstance(usage, dict) and usage else None
