"""Stop sequences for services without a `stop` parameter: the client cuts the answer before the first of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_volcark.messages.assembler import StreamAssembler
from langchain_volcark.messages.deltas import Increment, StreamDelta

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from langchain_core.messages import AIMessage


class StopTexts:
    """Passes on a text, piece by piece, up to the first stop sequence.

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
        """Add the next piece.

        Args:
            text: Any number of characters.

        Returns:
            The text that is certain to precede any stop sequence. A suffix that may be the start of one is held
            back.
        """
        if self._stopped:
            return ""
        text = self._held + text
        place = self._first(text)
        # An incomplete stop sequence that starts before a complete one may still win: wait for the next piece.
        open_at = len(text) - max((_overlap(text, stop) for stop in self._stop), default=0)
        if place is not None and place <= open_at:
            self._stopped, self._held = True, ""
            return text[:place]
        self._held = text[open_at:]
        return text[:open_at]

    def flush(self) -> str:
        """End the text: returns what was held back, up to a stop sequence in it."""
        held, self._held = self._held, ""
        return held[: self._first(held)]

    def _first(self, text: str) -> int | None:
        """Offset of the first stop sequence; None where there is none."""
        return min((place for stop in self._stop if (place := text.find(stop)) >= 0), default=None)


def _overlap(text: str, stop: str) -> int:
    """Length of the longest suffix of the text that is a proper prefix of the stop sequence."""
    longest = min(len(text), len(stop) - 1)
    return next((length for length in range(longest, 0, -1) if text.endswith(stop[:length])), 0)


class StoppingAssembler(StreamAssembler):
    """An assembler that drops the answer's text from the first stop sequence on; usage and metadata are kept."""

    def __init__(self, provider: str, metadata: dict[str, Any] | None, stop: Sequence[str]) -> None:
        super().__init__(provider, metadata)
        self._stops = StopTexts(stop)

    def add(self, delta: StreamDelta) -> Increment:
        """Add one delta, without text after a stop sequence."""
        if delta.text:
            delta.text = self._stops.feed(delta.text)
        return super().add(delta)

    def finish(self) -> Increment:
        """Complete the message; returns the text and calls that were held back until now."""
        held = super().add(StreamDelta(text=self._stops.flush()))
        last = super().finish()
        last.text = held.text + last.text
        return last

    def partial(self) -> AIMessage | None:
        """The message of a stream that broke, including held-back text."""
        super().add(StreamDelta(text=self._stops.flush()))
        return super().partial()
