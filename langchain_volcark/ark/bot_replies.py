"""What bots add to a chat reply: usage of several models, and what their plugins did; pure functions on dicts.

Follows https://www.volcengine.com/docs/82379/1526787.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.messages.ai import UsageMetadata, add_usage

from langchain_volcark.chat_completions.replies import read_payload, read_reply, read_usage
from langchain_volcark.http.json import objects

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_volcark.assembler import StreamDelta


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


def plugin_blocks(metadata: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a bot's plugins did, as standard blocks.

    The service numbers nothing, so a call's id is its place: `action_0`, `action_1`.

    Args:
        metadata: A message's `response_metadata`.

    Returns:
        For each call of a plugin a `server_tool_call`, and after it its `server_tool_result`.
    """
    usage = metadata.get("bot_usage")
    # The page's tables put the details beside bot_usage, its samples inside.
    details = usage.get("action_details") if isinstance(usage, dict) else metadata.get("action_details")
    calls = [
        (detail.get("name"), call) for detail in objects(details) for call in objects(detail.get("tool_details"))
    ]
    return [
        block for place, (plugin, call) in enumerate(calls) for block in _blocks(f"action_{place}", plugin, call)
    ]


def _blocks(place: str, plugin: Any, call: Mapping[str, Any]) -> list[dict[str, Any]]:
    given = call.get("input")
    args = given if isinstance(given, dict) else {} if given is None else {"input": given}
    begun = {"plugin": plugin, "created_at": call.get("created_at")}
    ended = {"plugin": plugin, "completed_at": call.get("completed_at")}
    asked = {
        "type": "server_tool_call",
        "id": place,
        "name": str(call.get("name") or plugin or ""),
        "args": args,
        **_extras(begun),
    }
    output = call.get("output")
    if output is None:
        return [asked]
    # A plugin that failed says so in its output's type.
    failed = isinstance(output, dict) and output.get("type") == "exception"
    answered = {
        "type": "server_tool_result",
        "tool_call_id": place,
        "status": "error" if failed else "success",
        "output": output,
        **_extras(ended),
    }
    return [asked, answered]


def _extras(values: Mapping[str, Any]) -> dict[str, Any]:
    known = {name: value for name, value in values.items() if value is not None}
    return {"extras": known} if known else {}
