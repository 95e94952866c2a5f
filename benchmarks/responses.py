"""Canned answers of the Responses API: a reply, and a stream in the shape that Ark sends.

Streaming: https://www.volcengine.com/docs/82379/1599499.
"""

import json
from functools import lru_cache
from typing import Any

Json = dict[str, Any]

MESSAGE_ID = "msg_02175195000000000000000000000000000000000000000000000"
ENVELOPE = {
    "created_at": 1751950000,
    "id": "resp_0217519500000000000000000000000000000000000000000000",
    "max_output_tokens": 32768,
    "model": "doubao-seed-1-6-250615",
    "object": "response",
    "service_tier": "default",
    "caching": {"type": "disabled"},
    "store": True,
    "expire_at": 1752209200,
}
USAGE = {
    "input_tokens": 12,
    "output_tokens": 40,
    "total_tokens": 52,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens_details": {"reasoning_tokens": 0},
}
AT = {"item_id": MESSAGE_ID, "output_index": 0}


def _part(text: str) -> Json:
    return {"type": "output_text", "text": text}


def _message(text: str) -> Json:
    content = [_part(text)]
    return {"type": "message", "role": "assistant", "content": content, "status": "completed", "id": MESSAGE_ID}


def reply(text: str) -> Json:
    """A completed response whose only item is a message."""
    return {**ENVELOPE, "output": [_message(text)], "usage": USAGE, "status": "completed"}


def _events(deltas: tuple[str, ...]) -> list[Json]:
    text = "".join(deltas)
    place = {**AT, "content_index": 0}
    # The opening events are sparse: no status, output or usage, an item without content, a part without text.
    head = {"type": "message", "role": "assistant", "status": "in_progress", "id": MESSAGE_ID}
    return [
        {"type": "response.created", "response": ENVELOPE},
        {"type": "response.in_progress", "response": ENVELOPE},
        {"type": "response.output_item.added", "output_index": 0, "item": head},
        {"type": "response.content_part.added", **place, "part": {"type": "output_text"}},
        *({"type": "response.output_text.delta", **place, "delta": delta} for delta in deltas),
        {"type": "response.output_text.done", **place, "text": text},
        {"type": "response.content_part.done", **place, "part": _part(text)},
        {"type": "response.output_item.done", "output_index": 0, "item": _message(text)},
        {"type": "response.completed", "response": reply(text)},
    ]


def _frame(number: int, event: Json) -> bytes:
    data = json.dumps({**event, "sequence_number": number}, ensure_ascii=False, separators=(",", ":"))
    return f"event: {event['type']}\ndata: {data}\n\n".encode()


@lru_cache
def stream(deltas: tuple[str, ...]) -> tuple[bytes, ...]:
    """The events of a response with these text deltas, and the end mark, which alone has no `event:` line."""
    return (*(_frame(number, event) for number, event in enumerate(_events(deltas))), b"data: [DONE]\n\n")
