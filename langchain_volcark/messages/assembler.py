"""Assembles one message from the deltas of a stream; no I/O.

A wire format's reader turns each payload of a stream, or a whole reply, into deltas. `StreamAssembler` corrects
what services get wrong in them and keeps the message so far as an ordered list of blocks; the renderers in
`chunks` and `events` show what is new. `invoke` feeds the whole reply to the same assembler, so the sum of a
stream's chunks equals the message that `invoke` returns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage

from langchain_volcark.messages.deltas import FIRST, Increment, Item, Place, StreamDelta
from langchain_volcark.messages.extra_fields import ExtraFields
from langchain_volcark.messages.reply_metadata import ReplyMetadata
from langchain_volcark.messages.text_blocks import TextBlocks
from langchain_volcark.messages.tool_calls import ToolCalls

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_core.messages import InvalidToolCall, ToolCall
    from langchain_core.messages.ai import UsageMetadata
    from langchain_core.messages.tool import ToolCallChunk

__all__ = ["Increment", "StreamAssembler", "StreamDelta"]

_CUT = frozenset({"length", "content_filter"})
_TEXT_KINDS = frozenset({"text", "reasoning"})
_ANSWERS = frozenset({"refusal", "audio"})  # fields of a message that are an answer without any text

OUTPUT_ITEMS = "output_items"
"""Key of `additional_kwargs` under which messages that may have several blocks of a kind keep their items."""


class StreamAssembler:
    """Builds one message from deltas; readable at any time.

    Attributes:
        provider: `model_provider` of the message.
        id: The reply's id.
        model_name: The model as resolved by the service.
        finish_reason: Why the model stopped, or None.
        usage: Token counts, or None where the service has sent none.
        is_answered: Whether a payload had the field that holds an answer, even if empty.
    """

    def __init__(self, provider: str, metadata: dict[str, Any] | None = None) -> None:
        """Start a message.

        Args:
            provider: `model_provider` of the message.
            metadata: Metadata known before the first payload (the request id); shown on the first chunk.
        """
        self.provider = provider
        self.id: str | None = None
        self.model_name: str | None = None
        self.finish_reason: str | None = None
        self.usage: UsageMetadata | None = None
        self.is_answered = False
        self._metadata = ReplyMetadata()
        self._opening = {"model_provider": provider, **(metadata or {})}
        self._texts = TextBlocks()
        self._reasonings = TextBlocks("\n\n")
        self._others: dict[Place, list[dict[str, Any]]] = {}
        self._opened: dict[Place, int] = {}
        self._items: dict[Place, Item] = {}
        self._tool_calls = ToolCalls()
        self._call_places: dict[int, Place] = {}
        self._call_fields: dict[int, dict[str, Any]] = {}
        self._extra = ExtraFields()
        self._closed: set[Place] = set()
        self._is_plain = True
        self._final_items: list[dict[str, Any]] | None = None

    @property
    def text(self) -> str:
        """The text of all text blocks so far."""
        return self._texts.text

    @property
    def reasoning(self) -> str:
        """The text of all reasoning blocks so far."""
        return self._reasonings.text

    @property
    def metadata(self) -> dict[str, Any]:
        """Unknown fields of the reply so far."""
        return self._metadata.fields

    @property
    def opening_metadata(self) -> dict[str, Any]:
        """Metadata of the first chunk: provider, request id, and the model where it is known by then."""
        if self.model_name is None:
            return dict(self._opening)
        return {**self._opening, "model_name": self.model_name}

    def add(self, delta: StreamDelta) -> Increment:
        """Add one delta to the message.

        Args:
            delta: What one payload adds, as the wire format's reader made it.

        Returns:
            What is new in the message.
        """
        self._read_reply_fields(delta)
        increment = Increment(place=delta.place)
        if delta.text:
            _, increment.text = self._texts.add(delta.place, delta.text)
        if delta.reasoning:
            increment.separator, increment.reasoning = self._reasonings.add(delta.place, delta.reasoning)
        if delta.tool_calls:
            increment.tool_calls = self._tool_calls.add(delta.tool_calls)
        if delta.additional_kwargs:
            increment.additional_kwargs = dict(self._extra.add(delta.additional_kwargs))
        if delta.metadata:
            increment.metadata = self._metadata.add(delta.metadata)
        if delta.place != FIRST or delta.block or delta.annotations or delta.extras or delta.closes or delta.opens:
            self._add_ordered(delta, increment)
        return increment

    def _add_ordered(self, delta: StreamDelta, increment: Increment) -> None:
        """Add the parts of a delta that only occur in messages with several blocks of a kind."""
        self._is_plain = False
        place = delta.place
        for chunk in increment.tool_calls:
            if isinstance(chunk["index"], int):
                self._call_places.setdefault(chunk["index"], place)
        if delta.annotations:
            known = self._texts.at(place).extras.setdefault("annotations", [])
            known.extend(one for one in delta.annotations if one not in known)
        if delta.extras:
            self._take_fields(place, delta.extras)
        if delta.item is not None:
            self._items[place[:1]] = delta.item
        if delta.opens is not None or delta.block is not None:
            self._take_block(delta, increment)
        if delta.closes:
            increment.more = self._close(place)

    def _take_fields(self, place: Place, fields: Mapping[str, Any]) -> None:
        """Take further fields of the tool call at a place, else of the reasoning there."""
        numbers = [number for number, where in self._call_places.items() if where == place]
        for number in numbers:
            self._call_fields[number] = dict(fields)
        if not numbers:
            self._reasonings.at(place).extras.update(fields)

    def _take_block(self, delta: StreamDelta, increment: Increment) -> None:
        """Take a block of another kind, or note which block begins."""
        place, block = delta.place, delta.block
        head = delta.opens or {}
        if head.get("type") in _TEXT_KINDS:
            (self._texts if head["type"] == "text" else self._reasonings).at(place)
            return
        others = self._others.setdefault(place, [])
        if block is None:
            increment.opens, increment.number = head, len(others)
            self._opened[place] = len(others)
            others.append(head)
        elif place in self._opened:
            increment.number = self._opened.pop(place)
            increment.opens, others[increment.number] = others[increment.number], block
            increment.block = block
        else:
            increment.block, increment.number = block, len(others)
            others.append(block)

    def _close(self, place: Place) -> list[Increment]:
        """Mark the blocks at a place as complete; returns what that makes visible, and which blocks end."""
        if place in self._closed:
            return []
        self._closed.add(place)
        shown = _increments(self._reasonings.close(place), self._texts.close(place))
        increments = []
        for at in dict.fromkeys([place, *(one.place for one in shown)]):
            increments += [one for one in shown if one.place == at]
            if at in self._closed and not self._waits(at):
                increments.append(self._end(at))
        return increments

    def _waits(self, place: Place) -> bool:
        return self._texts.waits(place) or self._reasonings.waits(place)

    def _end(self, place: Place) -> Increment:
        blocks = {"reasoning": self._reasonings.find(place), "text": self._texts.find(place)}
        ending: dict[str, Any] = {
            kind: block.extras for kind, block in blocks.items() if block is not None and block.extras
        }
        if calls := {
            number: fields for number, fields in self._call_fields.items() if self._call_places[number] == place
        }:
            ending["tool_call"] = calls
        return Increment(place=place, closed=True, ending=ending)

    def finish(self) -> Increment:
        """Complete the message; returns the text and calls that were held back until now."""
        increment = Increment(tool_calls=self._tool_calls.flush(), additional_kwargs=self._extra.flush())
        if self._is_plain:
            for _, _, text in self._texts.finish():
                increment.text = text
            for _, _, text in self._reasonings.finish():
                increment.reasoning = text
            return increment
        places = sorted({*self._texts.places(), *self._reasonings.places()})
        increment.more = [one for place in places for one in self._close(place)]
        self._final_items = self.output_items()
        increment.additional_kwargs = {**increment.additional_kwargs, OUTPUT_ITEMS: self._final_items}
        return increment

    def _read_reply_fields(self, delta: StreamDelta) -> None:
        self.id = self.id or delta.id
        self.model_name = self.model_name or delta.model_name
        self.finish_reason = delta.finish_reason or self.finish_reason
        self.usage = delta.usage or self.usage
        self.is_answered = delta.is_answer or self.is_answered

    def unshown_metadata(self) -> dict[str, Any]:
        """The part of `response_metadata` that no increment has shown yet, without `opening_metadata`."""
        return self._metadata.unshown(self.response_metadata())

    def tool_calls(self, *, cut: bool = False) -> list[ToolCall | InvalidToolCall]:
        """The tool calls so far; `cut` says that the stream broke before its end."""
        return self._tool_calls.finish(cut=cut or self.finish_reason in _CUT)

    def tool_call_locks(self) -> list[ToolCallChunk]:
        """Fragments that keep invalid calls invalid in a sum of chunks; see `ToolCallState.lock`."""
        return self._tool_calls.locks(cut=self.finish_reason in _CUT)

    def has_content(self) -> bool:
        """Whether there is text, reasoning, a tool call, another block, a refusal, audio, or a finish reason."""
        content = self._texts or self._reasonings or self._others or self.finish_reason or self.tool_calls()
        return bool(content or _ANSWERS.intersection(self._extra.values()))

    def response_metadata(self) -> dict[str, Any]:
        """The message's `response_metadata`."""
        reason = {"finish_reason": self.finish_reason} if self.finish_reason else {}
        return {**self.metadata, **self.opening_metadata, **reason}

    @property
    def has_order(self) -> bool:
        """Whether the message has, or may get, several blocks of a kind, so that their order must be kept."""
        return not self._is_plain

    def text_block(self, kind: str, place: Place) -> dict[str, Any] | None:
        """The text or reasoning so far at a place, as a content block; None where there is none."""
        block = (self._texts if kind == "text" else self._reasonings).find(place)
        return None if block is None else {"type": kind, kind: block.text, **block.extras}

    def span(self, kind: str, place: Place, begin: int, end: int) -> list[int]:
        """Start and end of a part of a block in the joined text; see `Shown`."""
        block = (self._texts if kind == "text" else self._reasonings).find(place)
        if block is None or block.start is None:
            return [0, 0]
        length = len(block.text)  # a stop sequence may have cut it
        return [block.start + min(begin, length), block.start + min(end, length)]

    def call_id(self, place: Place) -> str | None:
        """The id of the tool call at a place; see `Shown`."""
        return next((call["id"] for number, call in self.calls_at(place)), None)

    def call_fields(self, number: int) -> dict[str, Any]:
        """The further fields of a tool call's block."""
        return self._call_fields.get(number, {})

    def calls_at(self, place: Place) -> list[tuple[int, ToolCall | InvalidToolCall]]:
        """The tool calls so far at a place, with their numbers."""
        numbers = [number for number, where in self._call_places.items() if where == place]
        calls = self.tool_calls() if numbers else []
        return [(number, calls[number]) for number in numbers]

    def output_items(self) -> list[dict[str, Any]]:
        """The items of the message, for messages that may have several text or reasoning blocks.

        Returns:
            The items of the service's output, in order. Blocks that belong to none are entries of their own: text
            and reasoning as the range of characters they take in `content` and `reasoning_content`, with their
            further fields; tool calls by their id; other blocks complete. Empty for a message whose order needs
            not be kept.
        """
        if not self.has_order:
            return []
        if self._final_items is not None:
            return self._final_items
        found = [(place, 0, item.entry(self)) for place, item in self._items.items()]
        found.extend(one for one in self._entries() if one[0][:1] not in self._items)
        return [entry for _, _, entry in sorted(found, key=lambda one: one[:2])]

    def _entries(self) -> list[tuple[Place, int, dict[str, Any]]]:
        """The blocks as entries, with their places and what comes first at one place."""
        found: list[tuple[Place, int, dict[str, Any]]] = []
        for rank, kind, blocks in ((0, "reasoning", self._reasonings), (1, "text", self._texts)):
            for place, block in blocks.items():
                begin = block.start or 0
                span = {"type": kind, "start": begin, "end": begin + len(block.text), **block.extras}
                found.append((place, rank, span))
        found.extend((place, 2, block) for place, blocks in self._others.items() for block in blocks)
        for number, call in enumerate(self.tool_calls()):
            found.append((self._call_places.get(number, FIRST), 3, {"type": "tool_call", "id": call["id"]}))
        return found

    def message(self, *, cut: bool = False) -> AIMessage:
        """The message so far.

        Args:
            cut: Whether the stream broke: an unfinished tool call is then invalid, even without arguments.

        Returns:
            A new message, which later deltas do not change.
        """
        calls = self.tool_calls(cut=cut)
        fields: dict[str, Any] = {"tool_calls": [call for call in calls if call["type"] == "tool_call"]}
        fields["invalid_tool_calls"] = [call for call in calls if call["type"] != "tool_call"]
        return AIMessage(
            content=self.text,
            id=self.id,
            additional_kwargs=self.final_additional_kwargs(),
            response_metadata=self.response_metadata(),
            usage_metadata=self.usage,
            **{name: value for name, value in fields.items() if value},
        )

    def final_additional_kwargs(self) -> dict[str, Any]:
        """The message's `additional_kwargs`."""
        reasoning = {"reasoning_content": self.reasoning} if self._reasonings else {}
        items = self.output_items()
        return {**reasoning, **self._extra.values(), **({OUTPUT_ITEMS: items} if items else {})}

    def partial(self) -> AIMessage | None:
        """The message of a stream that broke, or None where nothing of it had arrived."""
        if self.has_order:
            self._reasonings.finish()
            self._texts.finish()  # shows text that was held back until another block was complete
        came = self._texts or self._reasonings or self._others or self._extra or self._metadata.shown
        return self.message(cut=True) if came or self.tool_calls() else None


def _increments(reasonings: list[tuple[Place, str, str]], texts: list[tuple[Place, str, str]]) -> list[Increment]:
    return [
        *(Increment(reasoning=text, separator=separator, place=place) for place, separator, text in reasonings),
        *(Increment(text=text, place=place) for place, _, text in texts),
    ]
