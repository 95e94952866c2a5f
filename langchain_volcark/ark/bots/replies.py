"""Reads replies of bots, which add the usage of several models and references; pure functions on dicts.

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
    """Read a complete reply of a bot.

    Args:
        payload: The JSON object.
        choice: The choice to read; the first by default. A payload without choices is read too.

    Returns:
        The delta. `references`, `bot_usage` and `metadata` are in its metadata as sent.
    """
    return _with_model_usage(payload, read_reply(payload, choice))


def read_bot_payload(payload: Mapping[str, Any]) -> StreamDelta:
    """Read one payload of a bot's stream.

    Args:
        payload: The JSON object.

    Returns:
        The delta.
    """
    return _with_model_usage(payload, read_payload(payload))


def _with_model_usage(payload: Mapping[str, Any], delta: StreamDelta) -> StreamDelta:
    summed = sum_model_usage(payload.get("bot_usage"))
    if summed is not None:
        if payload.get("usage"):
            # Both are present: the sum is the message's usage, the other is kept in the metadata.
            delta.metadata["usage"] = payload["usage"]
        delta.usage = summed
    return delta


def sum_model_usage(bot_usage: Any) -> UsageMetadata | None:
    """Add up the usage of all models that a bot called.

    Args:
        bot_usage: The service's object; older applications send null, and a `usage` next to it.

    Returns:
        The sum; None where the service sent no token counts.
    """
    listed = bot_usage.get("model_usage") if isinstance(bot_usage, dict) else None
    total: UsageMetadata | None = None
    for usage in objects(listed):
        total = add_usage(total, read_usage(usage))
    return total
