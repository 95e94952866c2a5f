"""The items of a response as standard content blocks.

Follows https://www.volcengine.com/docs/82379/1783703 (the response object) and the vendor's SDK.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from langchain_volcark.http.json import objects
from langchain_volcark.messages.tool_calls import parse_arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Json = dict[str, Any]

HOSTED_NAMES = {
    "web_search_call": "web_search",
    "knowledge_search_call": "knowledge_search",
    "image_process": "image_process",
    "mcp_call": "remote_mcp",
}
"""The types of items that report a call of a hosted tool, each with the tool's name in content blocks."""

_POSITIONS = ("start_index", "end_index")
_CITATION = frozenset({"type", "url", "title", "summary", *_POSITIONS})
_DOCUMENT = frozenset({"type", "doc_name"})
_FAILED = ("failed", "incomplete")
_UNDER_WAY = ("in_progress", "searching")


def text_fields(annotations: Any) -> Json:
    """The further fields of a text block: its citations, if there are any.

    Args:
        annotations: The service's list.
    """
    found = [citation(one) for one in objects(annotations)]
    return {"annotations": found} if found else {}


def citation(annotation: Mapping[str, Any]) -> Json:
    """A source of a text as a standard annotation; one of another kind is kept as it is.

    Args:
        annotation: The service's `url_citation` or `doc_citation`. It does not contain the position in the text.
    """
    kind = annotation.get("type")
    if kind == "url_citation":
        named = {"url": annotation.get("url"), "title": annotation.get("title")}
        named["cited_text"] = annotation.get("summary")
        named.update({name: annotation.get(name) for name in _POSITIONS})  # which gateways add
        known = _CITATION
    elif kind == "doc_citation":
        named, known = {"title": annotation.get("doc_name")}, _DOCUMENT
    else:
        return {"type": "non_standard_annotation", "value": dict(annotation)}
    return {"type": "citation", **_without_none(named), **extras(_without(annotation, known))}


def reasoning_fields(item: Mapping[str, Any], *, empty: bool) -> Json:
    """The further fields of a reasoning block; none where it has neither text nor encrypted text.

    Args:
        item: The `reasoning` item.
        empty: Whether it has no text.
    """
    if empty and not item.get("encrypted_content"):
        return {}
    status = item.get("status")
    more = {
        "item_id": item.get("id"),
        "encrypted_content": item.get("encrypted_content"),
        "status": None if status == "completed" else status,
    }
    return extras(more)


def call_fields(item: Mapping[str, Any]) -> Json:
    """The further fields of the block of a function call: its item's id, and its namespace.

    Args:
        item: The `function_call` item.
    """
    return extras({"item_id": item.get("id"), "namespace": item.get("namespace")})


def hosted_head(item: Mapping[str, Any]) -> Json | None:
    """The block of a hosted tool's call as it begins, still without arguments; None for items of other types."""
    name = HOSTED_NAMES.get(str(item.get("type")))
    return None if name is None else {"type": "server_tool_call", "id": _id(item), "name": name}


def other_blocks(item: Mapping[str, Any]) -> list[Json]:
    """The blocks of an item that is neither text, nor thinking, nor a call of a function.

    Args:
        item: The whole item, as received.

    Returns:
        For a hosted tool its call and its result; any other item as it is, in a `non_standard` block.
    """
    kind = item.get("type")
    read = _HOSTED.get(kind) if isinstance(kind, str) else None
    if read is None:
        return [{"type": "non_standard", "value": dict(item)}]
    call, result = read(item)
    head = {"type": "server_tool_call", "id": _id(item), "name": HOSTED_NAMES.get(str(kind), str(kind))}
    if item.get("status") in _UNDER_WAY:  # its result never arrived
        return [{**head, **call}]
    status = "error" if item.get("error") or item.get("status") in _FAILED else "success"
    return [
        {**head, **call},
        {"type": "server_tool_result", "tool_call_id": _id(item), "status": status, **result},
    ]


def _web_search(item: Mapping[str, Any]) -> tuple[Json, Json]:
    action = _object(item.get("action"))
    more = _without(item, {"id", "type", "status", "action"})
    return {"args": _without(action, {"type"}), **extras(more)}, {}


def _knowledge_search(item: Mapping[str, Any]) -> tuple[Json, Json]:
    args = {name: item[name] for name in ("queries", "knowledge_resource_id") if item.get(name) is not None}
    more = _without(item, {"id", "type", "status", *args})
    return {"args": args, **extras(more)}, {}


def _image_process(item: Mapping[str, Any]) -> tuple[Json, Json]:
    action = _object(item.get("action"))
    args = {**_object(item.get("arguments")), **_without_none({"action": action.get("type")})}
    url = action.get("result_image_url")
    output = {"output": {"result_image_url": url}} if url else {}
    return {"args": args}, {**output, **extras({"error": item.get("error")})}


def _mcp_list_tools(item: Mapping[str, Any]) -> tuple[Json, Json]:
    server = extras({"server_label": item.get("server_label")})
    output = {"output": item["tools"]} if item.get("tools") is not None else {}
    return {"args": {}, **server}, {**output, **extras({"error": item.get("error")})}


def _mcp_call(item: Mapping[str, Any]) -> tuple[Json, Json]:
    written = item.get("arguments")
    args = written if isinstance(written, dict) else parse_arguments(written if isinstance(written, str) else "")
    more = {"tool_name": item.get("name"), "server_label": item.get("server_label")}
    if args is None:
        more["arguments"] = written
    output = {"output": item["output"]} if item.get("output") is not None else {}
    return {"args": args or {}, **extras(more)}, {**output, **extras({"error": item.get("error")})}


_HOSTED: dict[str, Callable[[Mapping[str, Any]], tuple[Json, Json]]] = {
    "web_search_call": _web_search,
    "knowledge_search_call": _knowledge_search,
    "image_process": _image_process,
    "mcp_list_tools": _mcp_list_tools,
    "mcp_call": _mcp_call,
}


def item_blocks(item: Mapping[str, Any], content: str, reasoning: str) -> list[Json]:
    """The blocks of one of a message's `output_items`.

    Args:
        item: The item, with places in the message's texts instead of its own.
        content: The message's text.
        reasoning: Its thinking.
    """
    kind = item.get("type")
    if kind == "message":
        return [block for part in objects(item.get("content")) for block in _message_part(part, content)]
    if kind == "reasoning":
        parts = [*objects(item.get("summary")), *objects(item.get("content"))]
        shown = [place for part in parts if (place := shown_at(part))]
        text = reasoning[min(shown)[0] : max(shown)[1]] if shown else ""
        fields = reasoning_fields(item, empty=not text)
        return [{"type": "reasoning", "reasoning": text, **fields}] if text or fields else []
    if kind == "function_call":
        return [{"type": "tool_call", "id": item.get("call_id"), **call_fields(item)}]
    if kind == "doubao_app_call":
        blocks = [_app_block(block, content, reasoning) for block in objects(item.get("blocks"))]
        whole = other_blocks(as_received(item, content, reasoning))
        return [*(block for block in blocks if block is not None), *whole]
    return other_blocks(item)


def _message_part(part: Mapping[str, Any], content: str) -> list[Json]:
    if part.get("type") != "output_text":
        return [{"type": "non_standard", "value": dict(part)}]
    place = shown_at(part)
    if place is None:
        return []
    text, fields = content[slice(*place)], text_fields(part.get("annotations"))
    return [{"type": "text", "text": text, **fields}] if text or fields else []


def _app_block(block: Mapping[str, Any], content: str, reasoning: str) -> Json | None:
    place = shown_at(block)
    if place is None:
        return None
    kind, source = ("text", content) if block.get("type") == "output_text" else ("reasoning", reasoning)
    text = source[slice(*place)]
    return {"type": kind, kind: text} if text else None


def as_received(item: Mapping[str, Any], content: str, reasoning: str) -> Json:
    """One of a message's `output_items` as the service sent it, with its texts.

    Args:
        item: The item, with places in the message's texts instead of its own.
        content: The message's text.
        reasoning: Its thinking.

    Returns:
        The item. A text which the service changed in the end, after it was shown, is the service's last.
    """
    whole = dict(item)
    for name in ("summary", "content", "blocks"):
        if isinstance(item.get(name), list):
            whole[name] = [_with_text(part, content, reasoning) for part in item[name]]
    return whole


def _with_text(part: Any, content: str, reasoning: str) -> Any:
    if not isinstance(part, dict):
        return part
    name, place = text_name(part), shown_at(part)
    text = part.get(name)
    if place is not None and not isinstance(text, str):
        text = (content if part.get("type") == "output_text" else reasoning)[slice(*place)]
    rest = {key: value for key, value in part.items() if key != SHOWN}
    return {**rest, name: text} if name in part else rest


SHOWN = "shown"
"""Field of a part whose text the service changed after it was shown: where in the message is what was shown."""


def shown_at(part: Mapping[str, Any]) -> tuple[int, int] | None:
    """Where in the message's texts the text of an item's part stands; None where it is not shown."""
    for place in (part.get(SHOWN), part.get(text_name(part))):
        if isinstance(place, (list, tuple)) and len(place) == 2 and all(type(one) is int for one in place):
            return place[0], place[1]
    return None


def text_name(part: Mapping[str, Any]) -> str:
    """The field in which a part of an item has its text."""
    return "reasoning_text" if "reasoning_text" in part else "text"


def _id(item: Mapping[str, Any]) -> str:
    """The item's id, which joins a call and its result; its type where the service sent no id."""
    return str(item.get("id") or item.get("type") or "")


def _object(value: Any) -> Mapping[str, Any]:
    if isinstance(value, str):  # arguments as JSON text
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {"input": value}
    return value if isinstance(value, dict) else {} if value is None else {"input": value}


def _without(values: Mapping[str, Any], names: set[str] | frozenset[str]) -> Json:
    return {name: value for name, value in values.items() if name not in names}


def _without_none(values: Mapping[str, Any]) -> Json:
    return {name: value for name, value in values.items() if value is not None}


def extras(values: Mapping[str, Any]) -> Json:
    """The field `extras` of a block with the values that are known; nothing where none is."""
    known = _without_none(values)
    return {"extras": known} if known else {}
