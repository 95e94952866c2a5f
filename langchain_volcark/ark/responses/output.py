"""The items of a response while they arrive: what each part of them adds to the message.

An item is read the same way whether it arrives in parts or whole: its last event repeats everything, and adds
what has not been shown. Shown text is never taken back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from langchain_volcark.ark.responses.blocks import (
    call_fields,
    hosted_head,
    other_blocks,
    reasoning_fields,
    text_fields,
)
from langchain_volcark.ark.responses.text_parts import TextPart
from langchain_volcark.http.json import objects
from langchain_volcark.messages.deltas import Place, StreamDelta
from langchain_volcark.messages.surrogates import SurrogateJoiner
from langchain_volcark.messages.tool_calls import ToolCallDelta
from langchain_volcark.wires.chat_completions.replies import read_arguments, read_text, read_word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_volcark.messages.deltas import Shown

Json = dict[str, Any]

_PARAGRAPH = "\n\n"
_TEXT_TYPES = {"summary": "summary_text", "content": "reasoning_text"}  # of the parts of reasoning


class OutputItem:
    """An item of any kind; most kinds are shown when they are complete.

    Attributes:
        number: Which of the response's items it is; the first number of its places.
        id: Its id, or None.
        kind: Its type.
        finished: Whether it is complete.
    """

    def __init__(self, number: int, kind: str, received: Mapping[str, Any]) -> None:
        self.number = number
        self.kind = kind
        self.id = read_word(received, "id")
        self.finished = False
        self.received: Json = {**received, "type": kind}
        self._place: Place = (number, 0)

    def begin(self) -> list[StreamDelta]:
        """What its beginning adds."""
        return [StreamDelta(item=self, place=self._place, opens=hosted_head(self.received) if self.id else None)]

    def takes(self, kind: str) -> bool:
        """Whether an event about an item of some kind can be about this one."""
        return self.kind == kind and not self.finished

    def take(self, name: str, index: int, piece: str) -> list[StreamDelta]:  # noqa: ARG002
        """What a piece of one of its texts adds."""
        return []

    def end_text(self, name: str, index: int, part: Mapping[str, Any]) -> list[StreamDelta]:  # noqa: ARG002
        """What the end of one of its texts adds."""
        return []

    def annotate(self, index: int, annotation: Json) -> None:
        """Take a source of one of its texts."""

    def finish(self, received: Mapping[str, Any] | None) -> list[StreamDelta]:
        """What its end adds.

        Args:
            received: The complete item; None where the service did not send it.
        """
        first = {name: self.received[name] for name in ("type", "id") if self.received.get(name)}
        self.received = {**self.received, **(received or {}), **first}
        deltas = self._last(again=self.finished)
        self.finished = True
        return deltas

    def _last(self, *, again: bool) -> list[StreamDelta]:
        blocks = [] if again else other_blocks(self.received)
        return [StreamDelta(block=block, place=self._place) for block in blocks]

    def entry(self, shown: Shown) -> Json:  # noqa: ARG002
        """See `langchain_volcark.messages.deltas.Item`."""
        return dict(self.received)


class Message(OutputItem):
    """A message: texts one after the other, each with its citations."""

    def __init__(self, number: int, kind: str, received: Mapping[str, Any], repeats: str | None) -> None:
        """Begin.

        Args:
            number: See `OutputItem`.
            kind: See `OutputItem`.
            received: See `OutputItem`.
            repeats: The answer of an app; a message with the same text is not shown. None without an app.
        """
        super().__init__(number, kind, received)
        self._parts: list[TextPart] = []
        self._annotations: dict[int, list[Json]] = {}
        self._repeats = repeats

    @override
    def begin(self) -> list[StreamDelta]:
        return [StreamDelta(item=self, place=self._place, opens={"type": "text"})]

    @override
    def take(self, name: str, index: int, piece: str) -> list[StreamDelta]:
        opened = self._open(index)
        self._parts[index].add(piece)
        shown = self._show(index)
        return [*opened, *shown] if opened else shown

    @override
    def end_text(self, name: str, index: int, part: Mapping[str, Any]) -> list[StreamDelta]:
        opened = self._open(index)
        self._end(index, part)
        return [*opened, *self._show(index)]

    def _end(self, index: int, part: Mapping[str, Any]) -> None:
        self._parts[index].end(read_text(part, "text") if "text" in part else None, is_open=not self.finished)
        if annotations := objects(part.get("annotations")):
            self._annotations[index] = annotations

    @override
    def annotate(self, index: int, annotation: Json) -> None:
        known = self._annotations.setdefault(index, [])
        if annotation not in known:
            known.append(annotation)

    def _open(self, index: int) -> list[StreamDelta]:
        if index < len(self._parts):
            return []
        new = range(len(self._parts), index + 1)
        self._parts.extend(TextPart() for _ in new)
        return [StreamDelta(place=(self.number, at), opens={"type": "text"}) for at in new if at]

    def _show(self, index: int) -> list[StreamDelta]:
        if self._repeats is not None:
            return []
        text = self._parts[index].show()
        return [StreamDelta(text=text, place=(self.number, index))] if text else []

    @override
    def _last(self, *, again: bool) -> list[StreamDelta]:
        deltas: list[StreamDelta] = []
        said = self.received.get("content")
        parts = [{"type": "output_text", "text": said}] if isinstance(said, str) else objects(said)
        for index, part in enumerate(parts):
            if part.get("type", "output_text") == "output_text":
                deltas += self._open(index)
                self._end(index, part)
        if again:
            return []
        if self._repeats is not None and self._repeats != "".join(part.text for part in self._parts):
            self._repeats = None
        for index in range(max(len(self._parts), 1)):
            deltas += self._close(index, parts)
        return deltas

    def _close(self, index: int, parts: list[Json]) -> list[StreamDelta]:
        place, text = (self.number, index), ""
        if index < len(self._parts):
            self._parts[index].end(None)
            text = "" if self._repeats is not None else self._parts[index].show()
        cited = text_fields(self._annotations.get(index)) if self._repeats is None else {}
        closing = StreamDelta(text=text, place=place, annotations=cited.get("annotations", ()), closes=True)
        if index < len(parts) and parts[index].get("type", "output_text") != "output_text":
            return [StreamDelta(place=place, block={"type": "non_standard", "value": parts[index]}), closing]
        return [closing]

    @override
    def entry(self, shown: Shown) -> Json:
        said = objects(self.received.get("content"))
        written = []
        for index in range(max(len(said), len(self._parts))):
            part = said[index] if index < len(said) else {"type": "output_text"}
            if index < len(self._parts) and part.get("type", "output_text") == "output_text":
                cited = self._annotations.get(index)
                part = {**part, **({"annotations": cited} if cited else {})}
                place = (self.number, index)
                part = self._parts[index].entry(part, "text", place, None if self._repeats else shown)
            written.append(part)
        return {**self.received, "content": written}


class Reasoning(OutputItem):
    """Thinking: its summary, or its raw text where it has no summary, as one block."""

    def __init__(self, number: int, kind: str, received: Mapping[str, Any]) -> None:
        super().__init__(number, kind, received)
        self._parts: dict[str, dict[int, TextPart]] = {"summary": {}, "content": {}}
        self._shows = ""
        self._current = 0
        self._length = 0

    @override
    def begin(self) -> list[StreamDelta]:
        return [StreamDelta(item=self, place=self._place, opens={"type": "reasoning"})]

    @override
    def take(self, name: str, index: int, piece: str) -> list[StreamDelta]:
        self._part(name, index).add(piece)
        return self._show(name)

    @override
    def end_text(self, name: str, index: int, part: Mapping[str, Any]) -> list[StreamDelta]:
        self._part(name, index).end(read_text(part, "text") if "text" in part else None)
        return self._show(name)

    def _part(self, name: str, index: int) -> TextPart:
        return self._parts[name].setdefault(index, TextPart())

    def _show(self, name: str) -> list[StreamDelta]:
        """Show what is next: the parts stand in their order, whatever the order in which they come."""
        if not self._shows and any(part.text for part in self._parts[name].values()):
            self._shows = name
        if name != self._shows:
            return []
        parts, text = self._parts[name], ""
        while (part := parts.get(self._current)) is not None:
            text += self._show_part(part, self._length + len(text))
            if not part.ended:
                break
            self._current += 1
        self._length += len(text)
        return [StreamDelta(reasoning=text, place=self._place)] if text else []

    def _show_part(self, part: TextPart, at: int) -> str:
        begins = not part.length
        text = part.show()
        if not begins:
            return text
        separator = _PARAGRAPH if text and at else ""
        part.begin = at + len(separator)
        return separator + text

    @override
    def _last(self, *, again: bool) -> list[StreamDelta]:
        deltas: list[StreamDelta] = []
        for name, kind in _TEXT_TYPES.items():
            said = self.received.get(name)
            if isinstance(said, str):  # the SDKs have a list
                self.received[name] = [{"type": kind, "text": said}]
            for index, part in enumerate(objects(self.received.get(name))):
                whole = read_text(part, "text") if "text" in part else None
                self._part(name, index).end(whole, is_open=not self.finished)
        if again:
            return []
        for name, texts in self._parts.items():
            for text in texts.values():
                text.end(None)
            for index in sorted(texts):
                # Nothing more arrives, so later parts do not wait for missing ones.
                self._current = max(self._current, index) if name == self._shows else index
                deltas += self._show(name)
        fields = reasoning_fields(self.received, empty=not self._length)
        return [*deltas, StreamDelta(place=self._place, extras=fields or None, closes=True)]

    @override
    def entry(self, shown: Shown) -> Json:
        written = {}
        for name, kind in _TEXT_TYPES.items():
            said, parts = objects(self.received.get(name)), self._parts[name]
            if said or parts or name in self.received:
                written[name] = [
                    self._entry(name, index, said[index] if index < len(said) else {"type": kind}, shown)
                    for index in range(max(len(said), max(parts, default=-1) + 1))
                ]
        return {**self.received, **written}

    def _entry(self, name: str, index: int, said: Json, shown: Shown) -> Json:
        part = self._parts[name].get(index)
        if part is None:
            return said
        return part.entry(said, "reasoning", self._place, shown if name == self._shows else None)


class FunctionCall(OutputItem):
    """A call of a function of the user's."""

    def __init__(self, number: int, kind: str, received: Mapping[str, Any], call: int) -> None:
        """Begin.

        Args:
            number: See `OutputItem`.
            kind: See `OutputItem`.
            received: See `OutputItem`.
            call: Which of the response's calls it is.
        """
        super().__init__(number, kind, received)
        self._call = call
        self._arguments = ""
        self._joiner = SurrogateJoiner()
        self._begun = False

    @override
    def begin(self) -> list[StreamDelta]:
        return [StreamDelta(item=self, place=self._place), *self._name()]

    def _name(self) -> list[StreamDelta]:
        """Begin the tool call, once the function's name is known."""
        name = read_word(self.received, "name")
        if self._begun or name is None:
            return []
        self._begun = True
        return [self._delta(ToolCallDelta(self._call, read_word(self.received, "call_id"), name))]

    def _delta(self, fragment: ToolCallDelta) -> StreamDelta:
        return StreamDelta(tool_calls=(fragment,), place=self._place)

    @override
    def take(self, name: str, index: int, piece: str) -> list[StreamDelta]:
        if not self._begun or not piece:
            return []  # the finished item has all of it
        self._arguments += self._joiner.add(piece)
        return [self._delta(ToolCallDelta(self._call, arguments=piece))]

    @override
    def end_text(self, name: str, index: int, part: Mapping[str, Any]) -> list[StreamDelta]:
        whole = read_arguments(part)
        if not whole.startswith(self._arguments):
            return []
        return self.take(name, index, whole[len(self._arguments) :])

    @override
    def _last(self, *, again: bool) -> list[StreamDelta]:
        if again:
            return []
        deltas = self._name()
        if not self._begun:
            self._begun = True
            call_id = read_word(self.received, "call_id")
            deltas.append(self._delta(ToolCallDelta(self._call, call_id, None)))
        deltas += self.end_text("arguments", 0, self.received)
        return [*deltas, StreamDelta(place=self._place, extras=call_fields(self.received) or None, closes=True)]

    @override
    def entry(self, shown: Shown) -> Json:
        call_id = shown.call_id(self._place)
        written = {"arguments": self._arguments, **self.received}
        return written if call_id is None else {**written, "call_id": call_id}
