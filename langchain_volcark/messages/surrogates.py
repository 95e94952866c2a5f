r"""Emoji that a service cuts in half: `\ud83d` in one delta, `\ude00` in the next."""

from __future__ import annotations


class SurrogateJoiner:
    """Joins the halves; nothing else in the text is touched."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = ""

    def add(self, text: str) -> str:
        """Take the next text.

        Args:
            text: May begin with a second half, or end with a first one.

        Returns:
            The text without a trailing first half, which is held back until its second half comes. A half that
            stands alone for good becomes U+FFFD, for nobody could encode it.
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
        """What is left at the end: a first half whose second one never came."""
        held, self._held = self._held, ""
        return "\ufffd" if held else ""
