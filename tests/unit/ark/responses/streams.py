"""Responses in the shapes that were recorded, and the streams that make them."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from langchain_core.language_models._utils import _update_message_content_to_blocks

import langchain_volcark.ark.blocks  # noqa: F401 - registers the translator
from langchain_volcark.ark.responses.events import ResponseReader
from langchain_volcark.ark.responses.replies import read_response
from langchain_volcark.messages.assembler import StreamAssembler
from langchain_volcark.messages.chunks import ChunkRenderer
from langchain_volcark.messages.events import EventRenderer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from langchain_core.messages import AIMessage, AIMessageChunk

Json = dict[str, Any]


def response(*items: Json, **fields: Any) -> Json:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_760_000_000,
        "model": "doubao-seed-2-1-pro-260915",
        "status": "completed",
        "service_tier": "default",
        "store": True,
        "expire_at": 1_760_259_200,
        "caching": {"type": "disabled"},
        "thinking": {"type": "enabled"},
        "output": list(items),
        "usage": {
            "input_tokens": 20,
            "output_tokens": 9,
            "total_tokens": 29,
            "input_tokens_details": {"cached_tokens": 4},
            "output_tokens_details": {"reasoning_tokens": 5},
        },
        **fields,
    }


def reasoning(number: int, *summary: str, **fields: Any) -> Json:
    parts = [{"type": "summary_text", "text": text} for text in summary]
    return {"id": f"rs_{number}", "type": "reasoning", "status": "completed", "summary": parts, **fields}


def message(number: int, *texts: str, annotations: list[Json] | None = None, **fields: Any) -> Json:
    more = {"annotations": annotations} if annotations else {}
    parts = [{"type": "output_text", "text": text, **more} for text in texts]
    return {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": parts,
        **fields,
    }


def call(number: int, arguments: str = ' {"city":"Hangzhou"}', **fields: Any) -> Json:
    return {
        "id": f"fc_{number}",
        "type": "function_call",
        "status": "completed",
        "call_id": f"call_{number}",
        "name": "get_weather",
        "arguments": arguments,
        **fields,
    }


def search(number: int, query: str = "cabbage") -> Json:
    action = {"type": "search", "query": query}
    return {"id": f"ws_{number}", "type": "web_search_call", "status": "completed", "action": action}


def page(number: int) -> Json:
    return {
        "type": "url_citation",
        "title": f"Page {number}",
        "url": f"https://example.com/{number}",
        "site_name": "Example",
        "summary": "Cabbage is a vegetable.",
        "publish_time": "2026年1月1日",
        "logo_url": "",
    }


# --- streams ------------------------------------------------------------------------------------------------


def pieces(text: str, length: int) -> Iterator[str]:
    for start in range(0, len(text), length):
        yield text[start : start + length]


def item_events(index: int, item: Json, length: int = 3, *, dones: bool = True) -> list[Json]:
    """The events of an item: sparse at first, its pieces, what repeats them (if `dones`), the whole."""
    at = {"item_id": item.get("id"), "output_index": index}
    sparse = ("id", "type", "status", "role", "call_id", "name", "server_label", "feature")
    head = {name: value for name, value in item.items() if name in sparse}
    if "status" in head:
        head["status"] = "in_progress"
    events: list[Json] = [{"type": "response.output_item.added", "output_index": index, "item": head}]
    ends: list[Json]
    kind = item["type"]
    for number, part in enumerate(item.get("summary", ()) if kind == "reasoning" else ()):
        place = {**at, "summary_index": number}
        kept = "response.reasoning_summary"
        events.append({"type": f"{kept}_part.added", **place, "part": {"type": "summary_text"}})
        events += [{"type": f"{kept}_text.delta", **place, "delta": one} for one in pieces(part["text"], length)]
        ends = [
            {"type": f"{kept}_text.done", **place, "text": part["text"]},
            {"type": f"{kept}_part.done", **place, "part": part},
        ]
        events += ends if dones else []
    for number, part in enumerate(item.get("content", ()) if kind == "reasoning" else ()):
        place = {**at, "content_index": number}
        events += [
            {"type": "response.reasoning_text.delta", **place, "delta": one}
            for one in pieces(part["text"], length)
        ]
        if dones:
            events.append({"type": "response.reasoning_text.done", **place, "text": part["text"]})
    for number, part in enumerate(item["content"] if kind == "message" else ()):
        place = {**at, "content_index": number}
        events.append({"type": "response.content_part.added", **place, "part": {"type": "output_text"}})
        for count, one in enumerate(pieces(part["text"], length)):
            events.append({"type": "response.output_text.delta", **place, "delta": one})
            if not count:
                events += [
                    {"type": "response.output_text.annotation.added", **place, "annotation": source}
                    for source in part.get("annotations", ())
                ]
        ends = [
            {"type": "response.output_text.done", **place, "text": part["text"]},
            {"type": "response.content_part.done", **place, "part": part},
        ]
        events += ends if dones else []
    if kind == "function_call":
        written = [{**at, "delta": one} for one in ("", *pieces(item["arguments"], length))]
        events += [{"type": "response.function_call_arguments.delta", **one} for one in written]
        if dones:
            events.append({"type": "response.function_call_arguments.done", **at, "arguments": item["arguments"]})
    if kind == "web_search_call":
        events += [{"type": f"response.{kind}.{step}", **at} for step in ("in_progress", "searching", "completed")]
    if kind == "doubao_app_call":
        events += app_events(item, at, length)
    events.append({"type": "response.output_item.done", "output_index": index, "item": item})
    return events


def app_events(item: Json, at: Json, length: int) -> list[Json]:
    events: list[Json] = []
    for number, block in enumerate(item["blocks"]):
        head = {"id": block["id"], "type": block["type"], "status": "in_progress"}
        events.append({"type": "response.doubao_app_call_block.added", **at, "block": head})
        name = {"output_text": "text", "reasoning_text": "reasoning_text"}.get(block["type"])
        if name is not None:
            events += [
                {
                    "type": f"response.doubao_app_call_{block['type']}.delta",
                    **at,
                    "block_index": number,
                    "delta": one,
                }
                for one in pieces(block[name], length)
            ]
        events.append({"type": "response.doubao_app_call_block.done", **at, "block": block})
    return events


def stream_of(whole: Json, *between: Json, length: int = 3, dones: bool = True) -> list[Json]:
    """A whole stream, as recorded: sparse opening frames, items one after the other, the whole at the end."""
    events = [
        one for index, item in enumerate(whole["output"]) for one in item_events(index, item, length, dones=dones)
    ]
    return framed(whole, [*events, *between])


def framed(whole: Json, events: Iterable[Json]) -> list[Json]:
    sparse = {name: value for name, value in whole.items() if name not in ("status", "output", "usage")}
    end = f"response.{whole.get('status', 'completed')}"
    frames = [
        {"type": "response.created", "response": sparse},
        {"type": "response.in_progress", "response": sparse},
        *events,
        {"type": end, "response": whole},
    ]
    return [{**copy.deepcopy(frame), "sequence_number": number} for number, frame in enumerate(frames)]


# --- messages -----------------------------------------------------------------------------------------------


def assembler() -> StreamAssembler:
    return StreamAssembler("volcengine", {"request_id": "req_1"})


def invoked(whole: Json) -> AIMessage:
    """What `invoke` makes of a response."""
    made = assembler()
    (deltas,) = read_response(copy.deepcopy(whole))
    for delta in deltas:
        made.add(delta)
    made.finish()
    return made.message()


def chunks(events: Iterable[Json], *, blocks: bool = False) -> list[AIMessageChunk]:
    reader, renderer = ResponseReader(), ChunkRenderer(assembler(), blocks=blocks)
    generations = [one for event in events for delta in reader.read(event) for one in renderer.feed(delta)]
    made = [one.message for one in (*generations, *renderer.finish())]
    return [_update_message_content_to_blocks(one, "v1") for one in made] if blocks else made


def streamed(events: Iterable[Json], *, blocks: bool = False) -> AIMessageChunk:
    """The sum of a stream's chunks."""
    first, *rest = chunks(events, blocks=blocks)
    return first + rest if rest else first


def protocol_events(events: Iterable[Json]) -> list[Any]:
    reader, renderer = ResponseReader(), EventRenderer(assembler())
    shown = [one for event in events for delta in reader.read(event) for one in renderer.feed(delta)]
    return [*shown, *renderer.finish()]


def plain(blocks: Any) -> list[Json]:
    """Blocks without what only streams have."""
    return [{key: value for key, value in block.items() if key != "index"} for block in blocks]
