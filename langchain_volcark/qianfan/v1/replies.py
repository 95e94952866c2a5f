"""Reads replies of Qianfan V1; complete replies and stream payloads have the same format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_volcark.messages.deltas import StreamDelta
from langchain_volcark.messages.tool_calls import ToolCallDelta
from langchain_volcark.wires.chat_completions.replies import (
    read_arguments,
    read_text,
    read_word,
    take_unread,
    take_usage,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_READ = frozenset(
    {"id", "object", "result", "usage", "function_call", "finish_reason", "is_end", "is_truncated", "sentence_id"}
)


def read_v1_reply(payload: Mapping[str, Any]) -> StreamDelta:
    """Read a complete V1 reply, or one payload of a stream.

    Args:
        payload: The JSON object.

    Returns:
        What it adds to the message. Unknown fields keep their names in `metadata`. A V1 call has no id of its own:
        a reply has at most one call, so the id of the reply is used.

    Raises:
        ValueError: A field of the answer is not in the documented format.
    """
    delta = StreamDelta(
        text=read_text(payload, "result"), id=read_word(payload, "id"), is_last=bool(payload.get("is_end"))
    )
    delta.finish_reason = read_word(payload, "finish_reason")
    if payload.get("is_truncated") and delta.finish_reason in (None, "normal"):
        delta.finish_reason = "length"
    take_usage(payload.get("usage"), delta)
    take_unread(payload, _READ, delta.metadata)
    call = payload.get("function_call")
    delta.is_answer = bool(call or delta.text) or isinstance(payload.get("result"), str)
    if call:
        if not isinstance(call, dict):
            raise ValueError("`function_call` is not an object")
        delta.tool_calls = [ToolCallDelta(0, delta.id, read_word(call, "name"), read_arguments(call))]
        if call.get("thoughts"):
            delta.additional_kwargs["thoughts"] = call["thoughts"]
    return delta
