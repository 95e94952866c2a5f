"""A response as a stream of events, in the order that was recorded.

Streaming: https://www.volcengine.com/docs/82379/1599499.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator import tokens
from langchain_volcark.emulator.sse import event

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]
Event = tuple[str, Json]

# A delta is this many tokens long: some characters.
_FRAGMENT = 2
TERMINAL = {"completed": "response.completed", "incomplete": "response.incomplete", "failed": "response.failed"}


class Frames:
    """Numbers events and writes them."""

    def __init__(self) -> None:
        self._number = 0

    def write(self, one: Event) -> bytes:
        """An event with its name's line, which `[DONE]` alone has not."""
        kind, fields = one
        payload = {"type": kind, **fields, "sequence_number": self._number}
        self._number += 1
        return event(payload, f"event: {kind}\ndata: ".encode())


def item_events(index: int, item: Json) -> Iterator[Event]:
    """All events of one output item, from `added` to `done`."""
    writer = _WRITERS.get(item["type"])
    yield added(index, item)
    if writer is not None:
        yield from writer(index, item)
    yield done(index, item)


def added(index: int, item: Json) -> Event:
    """The event that an item begins with: only its head, whatever comes of it."""
    head = {name: value for name, value in item.items() if name in _HEADS.get(item["type"], _HEAD)}
    if "status" in head:
        head["status"] = "in_progress"
    return "response.output_item.added", {"output_index": index, "item": head}


def done(index: int, item: Json) -> Event:
    """The event that an item ends with."""
    return "response.output_item.done", {"output_index": index, "item": item}


def fragments(text: str) -> Iterator[str]:
    """A text in the pieces that its deltas have."""
    pieces = tokens.split(text)
    for start in range(0, len(pieces), _FRAGMENT):
        yield "".join(pieces[start : start + _FRAGMENT])


def _reasoning(index: int, item: Json) -> Iterator[Event]:
    for place, part in enumerate(item["summary"]):
        yield from summary_opening(index, item["id"], place)
        for piece in fragments(part["text"]):
            yield summary_delta(index, item["id"], piece, place)
        yield from summary_end(index, item["id"], part, place)
    for place, part in enumerate(item.get("content", ())):
        at = {"item_id": item["id"], "output_index": index, "content_index": place}
        for piece in fragments(part["text"]):
            yield "response.reasoning_text.delta", {**at, "delta": piece}
        yield "response.reasoning_text.done", {**at, "text": part["text"]}


def summary_opening(index: int, item_id: str, place: int = 0) -> Iterator[Event]:
    """The begin of a part of a summary."""
    at = {"item_id": item_id, "output_index": index, "summary_index": place}
    yield "response.reasoning_summary_part.added", {**at, "part": {"type": "summary_text"}}


def summary_delta(index: int, item_id: str, piece: str, place: int = 0) -> Event:
    """A piece of a summary."""
    at = {"item_id": item_id, "output_index": index, "summary_index": place}
    return "response.reasoning_summary_text.delta", {**at, "delta": piece}


def summary_end(index: int, item_id: str, part: Json, place: int = 0) -> Iterator[Event]:
    """The end of a part of a summary."""
    at = {"item_id": item_id, "output_index": index, "summary_index": place}
    yield "response.reasoning_summary_text.done", {**at, "text": part["text"]}
    yield "response.reasoning_summary_part.done", {**at, "part": part}


def _message(index: int, item: Json) -> Iterator[Event]:
    for place, part in enumerate(item["content"]):
        at = {"item_id": item["id"], "output_index": index, "content_index": place}
        yield text_opening(index, item["id"], place)
        sources = part.get("annotations", ())
        for number, piece in enumerate(fragments(part["text"])):
            yield text_delta(index, item["id"], piece, place)
            if number == 0:
                # Recorded: the sources come right after the first piece of the text that they belong to.
                for source in sources:
                    yield "response.output_text.annotation.added", {**at, "annotation": source}
        yield from text_end(index, item["id"], part, place)


def text_opening(index: int, item_id: str, place: int = 0) -> Event:
    """The begin of a part of a message."""
    at = {"item_id": item_id, "output_index": index, "content_index": place}
    return "response.content_part.added", {**at, "part": {"type": "output_text"}}


def text_delta(index: int, item_id: str, piece: str, place: int = 0) -> Event:
    """A piece of a message."""
    at = {"item_id": item_id, "output_index": index, "content_index": place}
    return "response.output_text.delta", {**at, "delta": piece}


def text_end(index: int, item_id: str, part: Json, place: int = 0) -> Iterator[Event]:
    """The end of a part of a message."""
    at = {"item_id": item_id, "output_index": index, "content_index": place}
    yield "response.output_text.done", {**at, "text": part["text"]}
    yield "response.content_part.done", {**at, "part": part}


def _function_call(index: int, item: Json) -> Iterator[Event]:
    yield arguments_delta(index, item["id"], "")
    for piece in fragments(item["arguments"]):
        yield arguments_delta(index, item["id"], piece)
    yield arguments_end(index, item["id"], item["arguments"])


def arguments_delta(index: int, item_id: str, piece: str) -> Event:
    """A piece of a call's arguments; the first one is empty."""
    return "response.function_call_arguments.delta", {"item_id": item_id, "output_index": index, "delta": piece}


def arguments_end(index: int, item_id: str, arguments: str) -> Event:
    """The end of a call's arguments."""
    at = {"item_id": item_id, "output_index": index}
    return "response.function_call_arguments.done", {**at, "arguments": arguments}


def _search(index: int, item: Json) -> Iterator[Event]:
    at = {"item_id": item["id"], "output_index": index}
    for step in ("in_progress", "searching", item["status"]):
        yield f"response.{item['type']}.{step}", at


def _image_process(index: int, item: Json) -> Iterator[Event]:
    at = {"item_id": item["id"], "output_index": index}
    yield "response.image_process_call.in_progress", at
    begun = {"action": {"type": item["action"]["type"]}, "arguments": item["arguments"]}
    yield "response.image_process_call.progressing", {**at, **begun}
    ended = {"action": item["action"], "arguments": item["arguments"]}
    error = {"error": item["error"]} if "error" in item else {}
    yield f"response.image_process_call.{item['status']}", {**at, **ended, **error}


def _mcp_list_tools(index: int, item: Json) -> Iterator[Event]:
    at = {"item_id": item["id"], "output_index": index}
    yield "response.mcp_list_tools.in_progress", at
    yield f"response.mcp_list_tools.{'failed' if 'error' in item else 'completed'}", at


def _mcp_call(index: int, item: Json) -> Iterator[Event]:
    at = {"item_id": item["id"], "output_index": index}
    yield "response.mcp_call.in_progress", at
    for piece in fragments(item["arguments"]):
        yield "response.mcp_call_arguments.delta", {**at, "delta": piece}
    yield "response.mcp_call_arguments.done", {**at, "arguments": item["arguments"]}
    yield f"response.mcp_call.{'failed' if 'error' in item else 'completed'}", at


def _mcp_approval_request(index: int, item: Json) -> Iterator[Event]:
    yield "response.mcp_approval_request", {"function_mcp_approval_request": item, "output_index": index}


def _doubao_app_call(index: int, item: Json) -> Iterator[Event]:
    at = {"item_id": item["id"], "output_index": index}
    yield "response.doubao_app_call.in_progress", {**at, "feature": item["feature"]}
    for place, block in enumerate(item["blocks"]):
        head = {"id": block["id"], "type": block["type"], "status": "in_progress"}
        yield "response.doubao_app_call_block.added", {**at, "block": head}
        yield from _block(block, {**at, "block_index": place})
        yield "response.doubao_app_call_block.done", {**at, "block": block}
    yield "response.doubao_app_call.completed", {**at, "feature": item["feature"], "blocks": item["blocks"]}


def _block(block: Json, at: Json) -> Iterator[Event]:
    kind = block["type"]
    prefix = f"response.doubao_app_call_{kind}"
    if kind in ("search", "reasoning_search"):
        yield f"{prefix}.in_progress", at
        yield f"{prefix}.searching", {**at, "searching_state": "searching"}
        results = {name: block[name] for name in ("summary", "queries", "results")}
        yield f"{prefix}.completed", {**at, **results}
        return
    text = block["text" if kind == "output_text" else "reasoning_text"]
    for piece in fragments(text):
        yield f"{prefix}.delta", {**at, "delta": piece}
    yield f"{prefix}.done", {**at, "text": text}


_HEAD = frozenset({"id", "type", "status"})
_HEADS = {
    "message": _HEAD | {"role", "partial"},
    "function_call": _HEAD | {"call_id", "name", "namespace"},
    "knowledge_search_call": _HEAD | {"queries", "knowledge_resource_id"},
    "mcp_list_tools": _HEAD | {"server_label"},
    "mcp_call": _HEAD | {"server_label", "name"},
    "mcp_approval_request": _HEAD | {"server_label", "name", "arguments"},
    "doubao_app_call": _HEAD | {"feature"},
}
_WRITERS = {
    "reasoning": _reasoning,
    "message": _message,
    "function_call": _function_call,
    "web_search_call": _search,
    "knowledge_search_call": _search,
    "image_process": _image_process,
    "mcp_list_tools": _mcp_list_tools,
    "mcp_call": _mcp_call,
    "mcp_approval_request": _mcp_approval_request,
    "doubao_app_call": _doubao_app_call,
}
