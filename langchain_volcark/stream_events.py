"""A stream as core's protocol events (`stream_events(version="v3")`), without the detour over chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from langchain_volcark.content_blocks import to_content_blocks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.messages.tool import ToolCallChunk
    from langchain_protocol.protocol import MessagesData

    from langchain_volcark.assembler import Increment, StreamAssembler, StreamDelta

_TEXT, _REASONING = "text", "reasoning"
_SPOKEN = frozenset({_TEXT, _REASONING})
_CALLS = frozenset({"tool_call", "invalid_tool_call"})


class EventRenderer:
    """Shows each increment of an assembler's message as protocol events.

    Blocks open when their first piece comes and stay open to the end: a service may return to thinking after
    its first words, and the message still has one block of each kind, as `invoke` gives it.
    """

    def __init__(self, assembler: StreamAssembler) -> None:
        self._assembler = assembler
        self._started = False
        self._blocks: dict[str | int, int] = {}

    def feed(self, delta: StreamDelta) -> Sequence[MessagesData]:
        """The events of one delta."""
        increment = self._assembler.add(delta)
        events = [] if self._started else [self._start()]
        return [*events, *self._deltas(increment)] if increment else events

    def finish(self) -> Sequence[MessagesData]:
        """The closing events: what was held back, each block as a whole, the message's metadata."""
        events = [] if self._started else [self._start()]
        events.extend(self._deltas(self._assembler.finish()))
        message = self._assembler.message()
        blocks = cast("list[dict[str, Any]]", to_content_blocks(message))
        for block in blocks:
            if block["type"] in _SPOKEN:
                events.extend(self._close(block["type"], block))
        for number, call in enumerate(self._assembler.tool_calls()):
            events.extend(self._close(number, dict(call)))
        for number, block in enumerate(one for one in blocks if one["type"] not in _SPOKEN | _CALLS):
            events.extend(self._close(f"other {number}", block))
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

    def _deltas(self, increment: Increment) -> list[MessagesData]:
        events: list[dict[str, Any]] = []
        if increment.reasoning:
            index = self._open(_REASONING, {"type": "reasoning", "reasoning": ""}, events)
            events.append(_delta(index, {"type": "reasoning-delta", "reasoning": increment.reasoning}))
        if increment.text:
            index = self._open(_TEXT, {"type": "text", "text": ""}, events)
            events.append(_delta(index, {"type": "text-delta", "text": increment.text}))
        for call in increment.tool_calls:
            self._tool_call(call, events)
        return cast("list[MessagesData]", events)

    def _tool_call(self, call: ToolCallChunk, events: list[dict[str, Any]]) -> None:
        number = cast("int", call["index"])
        skeleton = {
            "type": "tool_call_chunk",
            "id": call["id"],
            "name": call["name"],
            "args": "",
            "index": number,
        }
        index = self._open(number, skeleton, events)
        if call["args"]:
            events.append(_delta(index, {"type": "tool-call-delta", "args": call["args"]}))

    def _open(self, key: str | int, skeleton: dict[str, Any], events: list[dict[str, Any]]) -> int:
        index = self._blocks.get(key)
        if index is None:
            index = self._blocks[key] = len(self._blocks)
            events.append({"event": "content-block-start", "index": index, "content": skeleton})
        return index

    def _close(self, key: str | int, block: dict[str, Any]) -> list[MessagesData]:
        events: list[dict[str, Any]] = []
        skeleton = {"type": _TEXT, "text": ""} if block["type"] == _TEXT else block
        index = self._open(key, skeleton, events)
        events.append({"event": "content-block-finish", "index": index, "content": block})
        return cast("list[MessagesData]", events)


def _delta(index: int, delta: dict[str, Any]) -> dict[str, Any]:
    return {"event": "content-block-delta", "index": index, "delta": delta}
