"""Ark's messages as standard content blocks: what a bot's plugins did; registers the translator with core.

Follows https://www.volcengine.com/docs/82379/1526787 (bot API).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_volcark.http.json import objects
from langchain_volcark.messages.content_blocks import register

if TYPE_CHECKING:
    from collections.abc import Mapping


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


register("volcengine", server_tools=plugin_blocks)
