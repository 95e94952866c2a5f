"""Doubao's own apps, which answer in blocks: texts, thinking and searches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from langchain_volcark.ark.responses.blocks import other_blocks, text_name
from langchain_volcark.ark.responses.output import OutputItem
from langchain_volcark.ark.responses.text_parts import TextPart
from langchain_volcark.http.json import objects
from langchain_volcark.messages.deltas import StreamDelta
from langchain_volcark.wires.chat_completions.replies import read_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from langchain_volcark.messages.deltas import Shown

Json = dict[str, Any]

APP_TEXTS = ("output_text", "reasoning_text")
"""Blocks of an app that are text."""


class AppCall(OutputItem):
    """A call of one of Doubao's own apps, which answers in blocks."""

    def __init__(self, number: int, kind: str, received: Mapping[str, Any]) -> None:
        super().__init__(number, kind, received)
        self._texts: dict[int, tuple[str, TextPart]] = {}
        self._blocks: dict[int, Json] = {}

    @property
    def answer(self) -> str:
        """The text of its answer so far."""
        return "".join(part.text for _, (kind, part) in sorted(self._texts.items(), key=_number) if kind == "text")

    @override
    def take(self, name: str, index: int, piece: str) -> list[StreamDelta]:
        kind = "text" if name == "output_text" else "reasoning"
        opened = self._open(index, kind)
        self._texts[index][1].add(piece)
        return [*opened, *self._show(index)]

    @override
    def end_text(self, name: str, index: int, part: Mapping[str, Any]) -> list[StreamDelta]:
        opened = self._open(index, "text" if name == "output_text" else "reasoning")
        field = text_name(part)
        whole = read_text(part, field) if field in part else None
        self._texts[index][1].end(whole, is_open=not self.finished)
        return [*opened, *self._show(index)]

    def note(self, index: int | None, block: Json) -> int:
        """Add the fields of a block; returns its number, which the event may leave out."""
        if index is None:
            same = [at for at, known in self._blocks.items() if block.get("id") and known.get("id") == block["id"]]
            index = same[0] if same else len(self._blocks)
        self._blocks[index] = {**self._blocks.get(index, {}), **block}
        return index

    @property
    def latest(self) -> int:
        """The newest block, to which deltas without a block number belong."""
        return max(self._blocks, default=0)

    def _open(self, index: int, kind: str) -> list[StreamDelta]:
        if index in self._texts:
            return []
        self._texts[index] = kind, TextPart()
        return [StreamDelta(place=(self.number, index), opens={"type": kind})]

    def _show(self, index: int) -> list[StreamDelta]:
        kind, part = self._texts[index]
        text = part.show()
        if not text:
            return []
        delta = StreamDelta(place=(self.number, index))
        setattr(delta, kind, text)
        return [delta]

    @override
    def _last(self, *, again: bool) -> list[StreamDelta]:
        deltas: list[StreamDelta] = []
        for index, block in enumerate(objects(self.received.get("blocks"))):
            self._blocks[index] = block
            if block.get("type") in APP_TEXTS:
                deltas += self.end_text(block["type"], index, block)
        if again:
            return []
        for index, (_, part) in sorted(self._texts.items(), key=_number):
            part.end(None)
            deltas += [*self._show(index), StreamDelta(place=(self.number, index), closes=True)]
        whole = {**self.received, "blocks": [self._whole(index) for index in sorted(self._known())]}
        place = (self.number, max(self._known(), default=0) + 1)
        return [*deltas, *(StreamDelta(block=block, place=place) for block in other_blocks(whole))]

    def _known(self) -> Iterable[int]:
        return {*self._blocks, *self._texts}

    def _whole(self, index: int) -> Json:
        if index not in self._texts:
            return self._blocks[index]
        kind, part = self._texts[index]
        named = {"type": "output_text" if kind == "text" else "reasoning_text"}
        return {**named, **self._blocks.get(index, {}), self._field(index): part.final}

    def _field(self, index: int) -> str:
        return "text" if self._texts[index][0] == "text" else "reasoning_text"

    @override
    def entry(self, shown: Shown) -> Json:
        written = []
        for index in sorted(self._known()):
            block = self._whole(index)
            if index in self._texts:
                kind, part = self._texts[index]
                block = part.entry(block, kind, (self.number, index), shown)
            written.append(block)
        return {**self.received, "blocks": written}


def _number(entry: tuple[int, Any]) -> int:
    return entry[0]
