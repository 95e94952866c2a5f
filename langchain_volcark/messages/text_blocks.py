"""All text or all reasoning blocks of a message, and their joined text (`content`, `reasoning_content`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_volcark.messages.surrogates import SurrogateJoiner

if TYPE_CHECKING:
    from langchain_volcark.messages.deltas import Place


class TextBlock:
    """One block.

    Attributes:
        pieces: The text shown so far, as it arrived.
        start: Offset of its text in the joined text; None until some of it is shown.
        held: Text that is held back until the blocks before it are complete.
        joiner: Joins halves of surrogate pairs.
        closed: Whether the block is complete.
        extras: Further fields of the block.
    """

    __slots__ = ("closed", "extras", "held", "joiner", "pieces", "start")

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.held: list[str] = []
        self.joiner = SurrogateJoiner()
        self.start: int | None = None
        self.closed = False
        self.extras: dict[str, Any] = {}

    @property
    def text(self) -> str:
        """The text shown so far."""
        return "".join(self.pieces)


class TextBlocks:
    """All blocks of one kind in a message.

    A block is one contiguous range of the joined text. So text that arrives for another block while one is still
    open is held back until the open one is complete.

    Args:
        separator: Text between two blocks in the joined text.
    """

    def __init__(self, separator: str = "") -> None:
        self._separator = separator
        self._blocks: dict[Place, TextBlock] = {}
        self._current: Place | None = None
        self._open: TextBlock | None = None
        self._shown: list[str] = []
        self._length = 0

    def __bool__(self) -> bool:
        return bool(self._shown)

    def items(self) -> list[tuple[Place, TextBlock]]:
        """The blocks of which some text is shown, in order."""
        return sorted(
            ((place, block) for place, block in self._blocks.items() if block.start is not None), key=_by_place
        )

    def places(self) -> list[Place]:
        """The places of all blocks, shown or not."""
        return list(self._blocks)

    @property
    def text(self) -> str:
        """The joined text so far."""
        return "".join(self._shown)

    def add(self, place: Place, text: str) -> tuple[str, str]:
        """Add text to a block.

        Args:
            place: The block's place.
            text: The next piece of its text.

        Returns:
            A separator, and the text that is new; both empty where the piece is held back.
        """
        if place == self._current and self._open is not None:
            return "", self._show(self._open, self._open.joiner.add(text))
        block = self.at(place)
        piece = block.joiner.add(text)
        if self._open is not None or self._is_preceded(place):
            block.held.append(piece)
            return "", ""
        return self._begin(place, block, piece) if piece else ("", "")

    def _is_preceded(self, place: Place) -> bool:
        """Whether a block that has begun at an earlier place is still to be completed."""
        return any(not block.closed for one, block in self._blocks.items() if one < place)

    def find(self, place: Place) -> TextBlock | None:
        """The block at a place; None where there is none, or it has neither text nor further fields."""
        block = self._blocks.get(place)
        return block if block is not None and (block.pieces or block.extras) else None

    def waits(self, place: Place) -> bool:
        """Whether text of the block at a place is held back."""
        block = self._blocks.get(place)
        return block is not None and bool(block.held)

    def at(self, place: Place) -> TextBlock:
        """The block at a place; created where there is none."""
        block = self._blocks.get(place)
        if block is None:
            block = self._blocks[place] = TextBlock()
        return block

    def close(self, place: Place) -> list[tuple[Place, str, str]]:
        """Mark a block as complete.

        Returns:
            What that makes visible: place, separator and text of each block concerned, in order.
        """
        block = self._blocks.get(place)
        if block is None:
            return []
        block.closed = True
        rest = block.joiner.flush()
        if place != self._current:
            if rest:
                block.held.append(rest)
            return [] if self._open is not None else self._next()
        shown = [(place, "", self._show(block, rest))] if rest else []
        return [*shown, *self._next()]

    def finish(self) -> list[tuple[Place, str, str]]:
        """Mark all blocks as complete; returns what that makes visible, in the form of `close`."""
        if not self._blocks:
            return []
        shown = []
        for place in sorted(self._blocks):
            if not self._blocks[place].closed:
                shown.extend(self.close(place))
        return [*shown, *self._next()]

    def _next(self) -> list[tuple[Place, str, str]]:
        """Show the blocks that were held back, up to the first that is not complete."""
        shown: list[tuple[Place, str, str]] = []
        self._current = self._open = None
        for place in sorted(place for place, block in self._blocks.items() if block.held or not block.closed):
            block = self._blocks[place]
            if block.held:
                text, block.held = "".join(block.held), []
                shown.append((place, *self._begin(place, block, text)))
            if not block.closed:
                break
            self._current = self._open = None
        return shown

    def _begin(self, place: Place, block: TextBlock, text: str) -> tuple[str, str]:
        separator = self._separator if self._shown and block.start is None else ""
        if separator:
            self._shown.append(separator)
            self._length += len(separator)
        self._current, self._open = place, block
        return separator, self._show(block, text)

    def _show(self, block: TextBlock, text: str) -> str:
        if text:
            if block.start is None:
                block.start = self._length
            block.pieces.append(text)
            self._shown.append(text)
            self._length += len(text)
        return text


def _by_place(item: tuple[Place, TextBlock]) -> Place:
    return item[0]
