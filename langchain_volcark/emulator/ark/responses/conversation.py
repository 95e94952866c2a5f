"""Items as the messages that Chat would have."""

from __future__ import annotations

import json
from typing import Any

from langchain_volcark.emulator.ark.responses.content import as_chat_part

Json = dict[str, Any]

# Items that a model reads but no role of Chat says.
_NOTED = (
    "mcp_list_tools", "mcp_call", "mcp_approval_request", "mcp_approval_response", "tool_search_call",
    "tool_search_output",
)  # fmt: skip


def messages_of(items: list[Json], instructions: str | None = None) -> list[Json]:
    """The items as messages; consecutive items of the assistant become one message.

    Args:
        items: The conversation.
        instructions: What stands before it.
    """
    messages: list[Json] = [{"role": "system", "content": instructions}] if instructions else []
    for item in items:
        kind = item["type"]
        if kind == "message" and item["role"] != "assistant":
            role = "system" if item["role"] == "developer" else item["role"]
            messages.append({"role": role, "content": _content(item["content"])})
        elif kind == "function_call_output":
            result = {"role": "tool", "tool_call_id": item["call_id"], "content": _content(item["output"])}
            messages.append(result)
        elif kind in _NOTED:
            messages.append({"role": "system", "content": json.dumps(item, ensure_ascii=False)})
        elif kind in ("message", "function_call", "reasoning", "doubao_app_call"):
            _say(_open_turn(messages), item)
    if items[-1]["type"] in ("function_call", "reasoning"):
        # Otherwise the last item would count as the beginning of an answer, which the model continues.
        messages.append({"role": "system", "content": ""})
    return messages


def said_by(item: Json) -> str:
    """The text of a message item."""
    content = item.get("content") or ""
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content if part["type"] in ("input_text", "output_text"))


def _open_turn(messages: list[Json]) -> Json:
    if not messages or messages[-1]["role"] != "assistant":
        messages.append({"role": "assistant", "content": ""})
    return messages[-1]


def _say(turn: Json, item: Json) -> None:
    if item["type"] == "message":
        turn["content"] += said_by(item)
    elif item["type"] == "doubao_app_call":
        turn["content"] += "".join(block["text"] for block in item["blocks"] if block["type"] == "output_text")
    elif item["type"] == "reasoning":
        texts = [part["text"] for part in item.get("summary") or item.get("content") or ()]
        turn["reasoning_content"] = turn.get("reasoning_content", "") + "".join(texts)
    else:
        function = {"name": item["name"], "arguments": item["arguments"]}
        turn.setdefault("tool_calls", []).append({"id": item["call_id"], "type": "function", "function": function})


def _content(content: str | list[Json]) -> str | list[Json]:
    return content if isinstance(content, str) else [as_chat_part(part) for part in content]
