"""One text of an item of a response: what has arrived of it, and what of that is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_volcark.ark.responses.blocks import SHOWN, text_name
from langchain_volcark.messages.surrogates import SurrogateJoiner

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_volcark.messages.deltas import Place, Shown


class TextPart:
    """One text of an item.

    Attributes:
        begin: Where it begins in its block.
        length: How much of it is shown.
        ended: Whether it is complete.
    """

    __slots__ = ("_final", "_joiner", "_pieces", "_waiting", "begin", "ended", "length")

    def __init__(self) -> None:
        self.begin = 0
        self.length = 0
        self.ended = False
        self._final: str | None = None
        self._joiner = SurrogateJoiner()
        self._pieces: list[str] = []
        self._waiting: list[str] = []

    @property
    def text(self) -> str:
        """What has arrived of it."""
        return "".join(self._pieces)

    @property
    def final(self) -> str:
        """The whole text as the service sent it, unless it is only the beginning of what has arrived."""
        return self.text if self._final is None or self.text.startswith(self._final) else self._final

    def add(self, piece: str) -> None:
        """Take the next piece."""
        piece = self._joiner.add(piece)
        self._pieces.append(piece)
        self._waiting.append(piece)

    def end(self, whole: str | None, *, is_open: bool = True) -> None:
        """Take the whole text as the service sent it at the end.

        Args:
            whole: The text; None where the service sent none.
            is_open: Whether more of it can be shown; a block that has ended keeps what it has.
        """
        rest = self._joiner.flush()
        came = self.text
        if whole is not None:
            joiner = SurrogateJoiner()
            self._final = joiner.add(whole) + joiner.flush()
            if is_open and self._final.startswith(came):
                rest = self._final[len(came) :]
        if rest:
            self._pieces.append(rest)
            self._waiting.append(rest)
        self.ended = True

    def show(self) -> str:
        """The text that has arrived since the last call."""
        text = "".join(self._waiting)
        self._waiting.clear()
        self.length += len(text)
        return text

    def entry(self, part: Mapping[str, Any], kind: str, place: Place, shown: Shown | None) -> dict[str, Any]:
        """The part, with a place in the message instead of its text.

        Args:
            part: The part as received.
            kind: `text` or `reasoning`.
            place: The block's.
            shown: The message; None where the text is not shown in it.
        """
        name = text_name(part)
        if shown is None:
            return {**part, name: self.final}
        span = shown.span(kind, place, self.begin, self.begin + self.length)
        return {**part, name: span} if self.final == self.text else {**part, name: self.final, SHOWN: span}
