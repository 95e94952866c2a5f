"""Earlier replies as input: the items of each reply are sent back as they were received.

A message keeps the items of its reply in `additional_kwargs["output_items"]`. Their texts are places in the
message's own texts, so a message that somebody has edited no longer fits its items; then the edit counts, and the
items are left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from langchain_volcark.ark.responses.blocks import SHOWN, as_received, shown_at
from langchain_volcark.http.json import objects
from langchain_volcark.messages.assembler import OUTPUT_ITEMS
from langchain_volcark.wires.chat_completions.content import extras_of
from langchain_volcark.wires.chat_completions.messages import assistant_text

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from langchain_core.messages import AIMessage, InvalidToolCall, ToolCall

Item = dict[str, Any]

# Items that hold text of the answer.
_TEXT_ITEMS = ("message", "doubao_app_call")
_COPIED_FIELDS = {
    "mcp_list_tools": ("server_label", "tools", "error"),
    "mcp_call": ("server_label", "name", "arguments", "output", "error"),
    # The answer refers to the request by its id.
    "mcp_approval_request": ("id", "server_label", "name", "arguments"),
    "tool_search_call": ("call_id", "arguments", "execution"),
    "tool_search_output": ("call_id", "execution", "tools"),
}


def items_of(message: AIMessage) -> list[Item] | None:
    """The items of a message that still fit it.

    Args:
        message: A message of this package.

    Returns:
        The items with their texts in full; None where there are none, or where they do not fit the message.
    """
    kept = message.additional_kwargs.get(OUTPUT_ITEMS)
    if not isinstance(kept, list) or not kept or not all(isinstance(item, Mapping) for item in kept):
        return None
    calls: list[ToolCall | InvalidToolCall] = [*message.tool_calls, *message.invalid_tool_calls]
    return fitting_items(kept, assistant_text(message), reasoning_text(message), calls)


def fitting_items(
    kept: Sequence[Mapping[str, Any]], said: str, thought: str, calls: Sequence[ToolCall | InvalidToolCall]
) -> list[Item] | None:
    """The items of a message, if they fit its texts and calls.

    Args:
        kept: The items, with places in the message's texts instead of their own.
        said: The message's text.
        thought: Its reasoning.
        calls: Its tool calls, invalid ones included.

    Returns:
        The items with their texts in full; None where they do not fit.
    """
    kept = [item for item in kept if not _is_repeat(item)]
    items = [as_received(item, said, thought) for item in kept]
    fits = _within(kept, said) and _texts_fit(items, said) and _calls_fit(items, calls)
    return items if fits else None


def reasoning_text(message: AIMessage) -> str:
    """The reasoning of a message, whichever output version it was made with."""
    text = message.additional_kwargs.get("reasoning_content")
    if isinstance(text, str):
        return text
    blocks = message.content if isinstance(message.content, list) else ()
    thoughts = [block for block in blocks if isinstance(block, dict) and block.get("type") == "reasoning"]
    return "\n\n".join(str(block["reasoning"]) for block in thoughts if block.get("reasoning"))


def sent_back(
    items: Sequence[Item], *, reasoning: bool, encrypted: bool, left_out: Collection[str] = ()
) -> list[Item]:
    """The items of a reply as input.

    Args:
        items: As `items_of` gives them.
        reasoning: Whether reasoning is sent back.
        encrypted: Whether its encrypted form is.
        left_out: Ids of calls that are not sent back.
    """
    written = (_as_input(item, encrypted=encrypted) for item in items)
    return [
        item
        for item in written
        if item is not None
        and (reasoning or item["type"] != "reasoning")
        and (item["type"] != "function_call" or item["call_id"] not in left_out)
    ]


def _as_input(item: Item, *, encrypted: bool) -> Item | None:
    """One item as input; None for calls of hosted tools, which cannot be input."""
    kind = item.get("type")
    if kind in _TEXT_ITEMS:
        texts = [part["text"] for part in _text_parts(item) if part["text"]]
        return assistant_message(texts) if texts else None
    if kind == "function_call":
        names = ("call_id", "name", "arguments", "namespace")
        return {"type": kind, **{name: item[name] for name in names if item.get(name) is not None}}
    if kind == "reasoning":
        return _reasoning(item, encrypted=encrypted)
    fields = _COPIED_FIELDS.get(str(kind))
    if fields is None:
        return None
    return {"type": kind, **{name: item[name] for name in fields if item.get(name) is not None}}


def _reasoning(item: Item, *, encrypted: bool) -> Item | None:
    summary, content = (
        [part["text"] for part in objects(item.get(name)) if part.get("text")] for name in ("summary", "content")
    )
    texts = summary or content
    blob = item.get("encrypted_content") if encrypted else None
    if not (texts or blob):
        return None
    ids = {name: item[name] for name in ("id", "status") if item.get(name)}
    return {**reasoning_item(texts, blob), **ids}


def reasoning_of_block(block: Mapping[str, Any], *, encrypted: bool) -> Item | None:
    """A standard reasoning block of a reply as the item it came in; None where nothing of it can be sent.

    Args:
        block: The block.
        encrypted: Whether its encrypted form is sent.
    """
    extras, text = extras_of(block), block.get("reasoning")
    summary = [{"text": text}] if isinstance(text, str) else []
    known = {"id": extras.get("item_id"), "status": extras.get("status") or "completed"}
    sealed = {"encrypted_content": extras.get("encrypted_content")}
    return _reasoning({"summary": summary, **known, **sealed}, encrypted=encrypted)


def reasoning_item(summary: Sequence[str], encrypted_content: Any = None) -> Item:
    """Reasoning as an input item."""
    blob = {"encrypted_content": encrypted_content} if encrypted_content else {}
    return {
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": text} for text in summary],
        **blob,
    }


def assistant_message(texts: Sequence[str]) -> Item:
    """An assistant's texts as an input item."""
    content = [{"type": "output_text", "text": text} for text in texts]
    return {"type": "message", "role": "assistant", "content": content}


# --- the texts of items -------------------------------------------------------------------------------------


def _text_parts(item: Item) -> list[dict[str, Any]]:
    parts = (*objects(item.get("content")), *objects(item.get("blocks")))
    return [part for part in parts if part.get("type") == "output_text" and isinstance(part.get("text"), str)]


def _is_repeat(item: Mapping[str, Any]) -> bool:
    """Whether an item is a message that only repeats the answer of an app, so that none of it is shown."""
    parts = objects(item.get("content")) if item.get("type") == "message" else []
    return bool(parts) and all(isinstance(part.get("text"), str) and SHOWN not in part for part in parts)


def _within(kept: Sequence[Mapping[str, Any]], said: str) -> bool:
    """Whether all ranges of texts are within the message's text."""
    parts = [part for item in kept if item.get("type") in _TEXT_ITEMS for part in objects(item.get("content"))]
    blocks = [block for item in kept for block in objects(item.get("blocks"))]
    parts += [block for block in blocks if block.get("type") == "output_text"]
    places = [place for part in parts if (place := shown_at(part)) is not None]
    return all(0 <= begin <= end <= len(said) for begin, end in places)


def _texts_fit(items: Sequence[Item], said: str) -> bool:
    parts = [part for item in items if item.get("type") in _TEXT_ITEMS for part in _text_parts(item)]
    return said == "".join(part["text"] for part in parts)


def _calls_fit(items: Sequence[Item], calls: Sequence[ToolCall | InvalidToolCall]) -> bool:
    made = [item for item in items if item.get("type") == "function_call"]
    if len(made) != len(calls):
        return False
    known = {call["id"]: call for call in calls}
    return all(_same_call(item, known.get(item.get("call_id"))) for item in made)


def _same_call(item: Item, call: ToolCall | InvalidToolCall | None) -> bool:
    if call is None:
        return False
    if call.get("type") == "invalid_tool_call":
        return True
    if call["name"] != item.get("name"):
        return False
    try:
        return bool(json.loads(item.get("arguments") or "{}") == call["args"])
    except (ValueError, TypeError, RecursionError):
        return False
