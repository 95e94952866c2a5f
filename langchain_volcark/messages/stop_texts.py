"""Stop sequences for services without a `stop` parameter: the client cuts the answer before the first of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_volcark.messages.assembler import StreamAssembler
from langchain_volcark.messages.deltas import Increment, StreamDelta

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from langchain_core.messages import AIMessage

    from langchain_volcark.messages.deltas import Place


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
        self.stopped = False

    def feed(self, text: str) -> str:
        """Add the next piece.

        Args:
            text: Any number of characters.

        Returns:
            The text that is certain to precede any stop sequence. A suffix that may be the start of one is held
            back.
        """
        if self.stopped:
            return ""
        text = self._held + text
        place = self._first(text)
        # An incomplete stop sequence that starts before a complete one may still win: wait for the next piece.
        open_at = len(text) - max((_overlap(text, stop) for stop in self._stop), default=0)
        if place is not None and place <= open_at:
            self.stopped, self._held = True, ""
            return text[:place]
        self._held = text[open_at:]
        return text[:open_at]

    def flush(self) -> str:
        """End the text: returns what was held back, up to a stop sequence in it."""
        held, self._held = self._held, ""
        place = self._first(held)
        self.stopped = self.stopped or place is not None
        return held[:place]

    def _first(self, text: str) -> int | None:
        """Offset of the first stop sequence; None where there is none."""
        return min((place for stop in self._stop if (place := text.find(stop)) >= 0), default=None)


def _overlap(text: str, stop: str) -> int:
    """Length of the longest suffix of the text that is a proper prefix of the stop sequence."""
    longest = min(len(text), len(stop) - 1)
    return next((length for length in range(longest, 0, -1) if text.endswith(stop[:length])), 0)


class StoppingAssembler(StreamAssembler):
    """An assembler whose answer ends before the first stop text; usage and metadata come as they come.

    Each text of a message is searched for itself; once one has stopped, nothing is shown of those after it.
    """

    def __init__(self, provider: str, metadata: dict[str, Any] | None, stop: Sequence[str]) -> None:
        super().__init__(provider, metadata)
        self._stop = [text for text in stop if text]
        self._stops: dict[Place, StopTexts] = {}

    @property
    def is_stopped(self) -> bool:
        """Whether a stop text came."""
        return any(stops.stopped for stops in self._stops.values())

    def add(self, delta: StreamDelta) -> Increment:
        """Take what one payload adds, but no text after the stop."""
        if self._stop and (delta.text or (delta.closes and delta.place in self._stops)):
            delta.text = self._let_through(delta.place, delta.text, closes=delta.closes)
        return super().add(delta)

    def _let_through(self, place: Place, text: str, *, closes: bool) -> str:
        if any(stops.stopped and at < place for at, stops in self._stops.items()):
            return ""
        stops = self._stops.setdefault(place, StopTexts(self._stop))
        shown = stops.feed(text)
        return shown + stops.flush() if closes else shown

    def finish(self) -> Increment:
        """Close the message; returns what was held back."""
        held = self._flush()
        last = super().finish()
        if held and self.has_order:
            last.more = [*held, *last.more]
        else:
            last.text = "".join(one.text for one in held) + last.text
        return last

    def partial(self) -> AIMessage | None:
        """The message of a stream that broke, with what was held back."""
        self._flush()
        return super().partial()

    def _flush(self) -> list[Increment]:
        """Show what was held back as the possible beginning of a stop text."""
        places = sorted(self._stops)
        pieces = [(place, self._let_through(place, "", closes=True)) for place in places]
        added = [
            super(StoppingAssembler, self).add(StreamDelta(text=text, place=place))
            for place, text in pieces
            if text
        ]
        return [one for one in added if one.text]
