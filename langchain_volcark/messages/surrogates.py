r"""Joins surrogate pairs that a service splits between two deltas: `\ud83d` in one, `\ude00` in the next."""

from __future__ import annotations


class SurrogateJoiner:
    """Joins split surrogate pairs in a text that arrives in pieces; changes nothing else."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = ""

    def add(self, text: str) -> str:
        """Add the next piece.

        Args:
            text: May start with a low surrogate, or end with a high one.

        Returns:
            The text without a trailing high surrogate, which is held back until the low one arrives. A surrogate
            without its other half becomes U+FFFD, because it cannot be encoded.
        """
        if not self._held and text.isascii():
            return text
        text, self._held = self._held + text, ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._held = text[:-1], text[-1]
        try:
            text.encode()
        except UnicodeEncodeError:
            return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return text

    def flush(self) -> str:
        """What is left at the end: U+FFFD for a high surrogate whose low one never arrived, else nothing."""
        held, self._held = self._held, ""
        return "\ufffd" if held else ""
