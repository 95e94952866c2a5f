"""Where a JSON text stands that comes in pieces: which brackets and strings are open; no parsing."""

from __future__ import annotations

_CLOSING = {"{": "}", "[": "]"}


class JSONBrackets:
    """Follows the brackets and strings of a text as core's lenient JSON parser does.

    Attributes:
        is_mismatched: Whether a bracket was closed that was not open; that parser gives up there.
    """

    __slots__ = ("_began", "_escaped", "_in_string", "_open", "is_mismatched")

    def __init__(self) -> None:
        self._open: list[str] = []
        self._in_string = False
        self._escaped = False
        self._began = False
        self.is_mismatched = False

    @property
    def is_finished(self) -> bool:
        """Whether what was opened is closed, so that nothing that is JSON can follow."""
        return self._began and not self._open and not self._in_string

    def add(self, text: str) -> None:
        """Take the next piece."""
        for character in text:
            if self._in_string:
                self._read_in_string(character)
            elif character == '"':
                self._in_string, self._escaped, self._began = True, False, True
            elif character in _CLOSING:
                self._open.append(_CLOSING[character])
                self._began = True
            elif character in "}]":
                if self._open and self._open[-1] == character:
                    self._open.pop()
                else:
                    self.is_mismatched = True

    def _read_in_string(self, character: str) -> None:
        if character == "\\":
            self._escaped = not self._escaped
            return
        if character == '"' and not self._escaped:
            self._in_string = False
        self._escaped = False

    def mismatch(self) -> str:
        """The shortest text that closes a bracket which is not open; empty where the text did that already."""
        if self.is_mismatched:
            return ""
        end_of_string = '\\"' if self._escaped else '"' if self._in_string else ""
        return end_of_string + ("}" if self._open and self._open[-1] == "]" else "]")
