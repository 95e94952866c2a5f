"""Converts the calls of a bot's plugins to standard content blocks, and registers Ark's translator with core.

Follows https://www.volcengine.com/docs/82379/1526787 (bot API).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_volcark.ark.responses.blocks import extras, item_blocks
from langchain_volcark.http.json import objects
from langchain_volcark.messages.content_blocks import register

if TYPE_CHECKING:
    from collections.abc import Mapping


def plugin_blocks(metadata: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The calls of a bot's plugins as standard blocks.

    The service sends no ids, so a call's id is its position: `action_0`, `action_1`.

    Args:
        metadata: A message's `response_metadata`.

    Returns:
        For each call of a plugin a `server_tool_call`, followed by its `server_tool_result`.
    """
    usage = metadata.get("bot_usage")
    # The page's tables have the details next to bot_usage, its examples inside.
    details = usage.get("action_details") if isinstance(usage, dict) else metadata.get("action_details")
    calls = [
        (detail.get("name"), call) for detail in objects(details) for call in objects(detail.get("tool_details"))
    ]
    return [
        block
        for position, (plugin, call) in enumerate(calls)
        for block in _blocks(f"action_{position}", plugin, call)
    ]


def _blocks(call_id: str, plugin: Any, call: Mapping[str, Any]) -> list[dict[str, Any]]:
    arguments = call.get("input")
    args = arguments if isinstance(arguments, dict) else {} if arguments is None else {"input": arguments}
    tool_call = {
        "type": "server_tool_call",
        "id": call_id,
        "name": str(call.get("name") or plugin or ""),
        "args": args,
        **extras({"plugin": plugin, "created_at": call.get("created_at")}),
    }
    output = call.get("output")
    if output is None:
        return [tool_call]
    # The output of a plugin that failed has the type `exception`.
    failed = isinstance(output, dict) and output.get("type") == "exception"
    tool_result = {
        "type": "server_tool_result",
        "tool_call_id": call_id,
        "status": "error" if failed else "success",
        "output": output,
        **extras({"plugin": plugin, "completed_at": call.get("completed_at")}),
    }
    return [tool_call, tool_result]


register("volcengine", server_tools=plugin_blocks, items=item_blocks)
