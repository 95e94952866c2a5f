"""Stop texts for services that have none: the answer is cut on this side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_volcark.messages.assembler import StreamAssembler
from langchain_volcark.messages.deltas import Increment, StreamDelta

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from langchain_core.messages import AIMessage


class StopTexts:
    """Lets a text through up to the first of some stop texts, in pieces of any size.

    Example:
        >>> stops = StopTexts(["END"])
        >>> stops.feed("one E"), stops.feed("ND two"), stops.flush()
        ('one ', '', '')
    """

    def __init__(self, stop: Sequence[str]) -> None:
        self._stop = [text for text in stop if text]
        self._held = ""
        self._stopped = False

    def feed(self, text: str) -> str:
        """Take the next piece.

        Args:
            text: Any number of characters.

        Returns:
            What is certain to stand before the stop text; an ending that may be the beginning of one is held back.
        """
        if self._stopped:
            return ""
        text = self._held + text
        place = self._first(text)
        # Where an unfinished stop text begins before a finished one, only what follows tells which comes first.
        open_at = len(text) - max((_overlap(text, stop) for stop in self._stop), default=0)
        if place is not None and place <= open_at:
            self._stopped, self._held = True, ""
            return text[:place]
        self._held = text[open_at:]
        return text[:open_at]

    def flush(self) -> str:
        """The text has ended: what was held back is shown, up to a stop text in it."""
        held, self._held = self._held, ""
        return held[: self._first(held)]

    def _first(self, text: str) -> int | None:
        """Where the first stop text begins; None where there is none."""
        return min((place for stop in self._stop if (place := text.find(stop)) >= 0), default=None)


def _overlap(text: str, stop: str) -> int:
    """How many of the text's last characters are the beginning of the stop text."""
    longest = min(len(text), len(stop) - 1)
    return next((length for length in range(longest, 0, -1) if text.endswith(stop[:length])), 0)


class StoppingAssembler(StreamAssembler):
    """An assembler whose answer ends before the first stop text; usage and metadata come as they come."""

    def __init__(self, provider: str, metadata: dict[str, Any] | None, stop: Sequence[str]) -> None:
        super().__init__(provider, metadata)
        self._stops = StopTexts(stop)

    def add(self, delta: StreamDelta) -> Increment:
        """Take what one payload adds, but no text after the stop."""
        if delta.text:
            delta.text = self._stops.feed(delta.text)
        return super().add(delta)

    def finish(self) -> Increment:
        """Close the message; returns what was held back."""
        held = super().add(StreamDelta(text=self._stops.flush()))
        last = super().finish()
        last.text = held.text + last.text
        return last

    def partial(self) -> AIMessage | None:
        """The message of a stream that broke, with what was held back."""
        super().add(StreamDelta(text=self._stops.flush()))
        return super().partial()
