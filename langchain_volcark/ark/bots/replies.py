"""What bots add to a chat reply: usage of several models, and what their plugins did; pure functions on dicts.

Follows https://www.volcengine.com/docs/82379/1526787.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.messages.ai import UsageMetadata, add_usage

from langchain_volcark.http.json import objects
from langchain_volcark.wires.chat_completions.replies import read_payload, read_reply, read_usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_volcark.messages.assembler import StreamDelta


def read_bot_reply(payload: Mapping[str, Any], choice: Mapping[str, Any] | None = None) -> StreamDelta:
    """Read a bot's whole reply.

    Args:
        payload: The JSON object.
        choice: Which of its choices; the first by default. A payload without choices is read too.

    Returns:
        What it adds to the message. `references`, `bot_usage` and `metadata` stand in the metadata as sent.
    """
    return _with_model_usage(payload, read_reply(payload, choice))


def read_bot_payload(payload: Mapping[str, Any]) -> StreamDelta:
    """Read one payload of a bot's stream.

    Args:
        payload: The JSON object.

    Returns:
        What it adds to the message.
    """
    return _with_model_usage(payload, read_payload(payload))


def _with_model_usage(payload: Mapping[str, Any], delta: StreamDelta) -> StreamDelta:
    summed = sum_model_usage(payload.get("bot_usage"))
    if summed is not None:
        if payload.get("usage"):
            # Both came: the sum counts, the other is kept as sent.
            delta.metadata["usage"] = payload["usage"]
        delta.usage = summed
    return delta


def sum_model_usage(bot_usage: Any) -> UsageMetadata | None:
    """Tokens of all the models that a bot asked.

    Args:
        bot_usage: The service's object; older applications send null, and `usage` beside it.

    Returns:
        Their sum; None where the service named no tokens.
    """
    listed = bot_usage.get("model_usage") if isinstance(bot_usage, dict) else None
    total: UsageMetadata | None = None
    for usage in objects(listed):
        total = add_usage(total, read_usage(usage))
    return total
