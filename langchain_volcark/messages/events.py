"""Renders a stream as core's protocol events (`stream_events(version="v3")`), directly from the increments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from langchain_volcark.messages.content_blocks import to_content_blocks
from langchain_volcark.messages.deltas import FIRST, Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.messages.tool import ToolCallChunk
    from langchain_protocol.protocol import MessagesData

    from langchain_volcark.messages.assembler import StreamAssembler
    from langchain_volcark.messages.deltas import Increment, StreamDelta

_TEXT_TYPES = ("reasoning", "text")
_CALLS = frozenset({"tool_call", "invalid_tool_call"})
_Key = tuple[str, Place | int, int]


class EventRenderer:
    """Renders each increment of an assembler's message as protocol events.

    A block starts with its first piece. It finishes when the wire format says that it is complete, otherwise at
    the end of the stream: a model may return to reasoning after its first text, and the message still has one
    block of each kind, as with `invoke`.
    """

    def __init__(self, assembler: StreamAssembler) -> None:
        self._assembler = assembler
        self._started = False
        self._blocks: dict[_Key, int] = {}
        self._finished: set[_Key] = set()

    def feed(self, delta: StreamDelta) -> Sequence[MessagesData]:
        """The events of one delta."""
        increment = self._assembler.add(delta)
        events = [] if self._started else [self._start()]
        return [*events, *self._events(increment)]

    def finish(self) -> Sequence[MessagesData]:
        """The events at the end: content that was held back, the complete blocks, the message's metadata."""
        events = [] if self._started else [self._start()]
        events.extend(self._events(self._assembler.finish()))
        message = self._assembler.message()
        blocks = cast("list[dict[str, Any]]", to_content_blocks(message))
        for block in blocks:
            if block["type"] in _TEXT_TYPES and not self._assembler.has_order:
                events.extend(self._close((block["type"], FIRST, 0), block))
        for number, call in enumerate(self._assembler.tool_calls()):
            events.extend(self._close(("call", number, 0), {**call, **self._assembler.call_fields(number)}))
        shown = sum(kind == "other" for kind, _, _ in self._finished)
        others = [one for one in blocks if one["type"] not in _CALLS and one["type"] not in _TEXT_TYPES]
        for number, block in enumerate(others[shown:]):
            events.extend(self._close(("closing", number, 0), block))
        finish: dict[str, Any] = {"event": "message-finish", "metadata": dict(message.response_metadata)}
        if message.usage_metadata:
            finish["usage"] = dict(message.usage_metadata)
        if message.additional_kwargs:
            finish["additional_kwargs"] = dict(message.additional_kwargs)
        return [*events, cast("MessagesData", finish)]

    def _start(self) -> MessagesData:
        self._started = True
        opening = self._assembler.opening_metadata
        metadata = {"provider": opening["model_provider"]}
        if "model_name" in opening:
            metadata["model"] = opening["model_name"]
        start = {"event": "message-start", "role": "ai", "id": self._assembler.id or "", "metadata": metadata}
        return cast("MessagesData", start)

    def _events(self, increment: Increment) -> list[MessagesData]:
        if not increment and not increment.closed:
            return []
        return [event for one in (increment, *increment.more) for event in self._increment_events(one)]

    def _increment_events(self, increment: Increment) -> list[MessagesData]:
        events: list[dict[str, Any]] = []
        for kind, text in (("reasoning", increment.reasoning), ("text", increment.text)):
            if text:
                index = self._open((kind, increment.place, 0), {"type": kind, kind: ""}, events)
                events.append(_delta(index, {"type": f"{kind}-delta", kind: text}))
        for call in increment.tool_calls:
            self._tool_call(call, events)
        shown = cast("list[MessagesData]", events)
        other = ("other", increment.place, increment.number)
        if increment.block is not None:
            shown.extend(self._close(other, increment.block))
        elif increment.opens is not None:
            head = {**increment.opens, "type": f"{increment.opens['type']}_chunk", "args": ""}
            self._open(other, head, events)
        if increment.closed:
            shown.extend(self._closed(increment.place))
        return shown

    def _closed(self, place: Place) -> list[MessagesData]:
        """The blocks at a place that is complete."""
        events: list[MessagesData] = []
        for kind in _TEXT_TYPES:
            block = self._assembler.text_block(kind, place)
            if block is not None:
                events.extend(self._close((kind, place, 0), block))
        for number, call in self._assembler.calls_at(place):
            # Only the end of the message shows whether a call was cut off; one with valid arguments was not.
            if call["type"] == "tool_call" and call["args"]:
                events.extend(self._close(("call", number, 0), {**call, **self._assembler.call_fields(number)}))
        return events

    def _tool_call(self, call: ToolCallChunk, events: list[dict[str, Any]]) -> None:
        number = cast("int", call["index"])
        skeleton = {
            "type": "tool_call_chunk",
            "id": call["id"],
            "name": call["name"],
            "args": "",
            "index": number,
        }
        index = self._open(("call", number, 0), skeleton, events)
        if call["args"]:
            events.append(_delta(index, {"type": "tool-call-delta", "args": call["args"]}))

    def _open(self, key: _Key, skeleton: dict[str, Any], events: list[dict[str, Any]]) -> int:
        index = self._blocks.get(key)
        if index is None:
            index = self._blocks[key] = len(self._blocks)
            events.append({"event": "content-block-start", "index": index, "content": skeleton})
        return index

    def _close(self, key: _Key, block: dict[str, Any]) -> list[MessagesData]:
        if key in self._finished:
            return []
        self._finished.add(key)
        events: list[dict[str, Any]] = []
        skeleton = {"type": "text", "text": ""} if block["type"] == "text" else dict(block)
        index = self._open(key, skeleton, events)
        # A copy, because consumers of events change them.
        events.append({"event": "content-block-finish", "index": index, "content": dict(block)})
        return cast("list[MessagesData]", events)


def _delta(index: int, delta: dict[str, Any]) -> dict[str, Any]:
    return {"event": "content-block-delta", "index": index, "delta": delta}
