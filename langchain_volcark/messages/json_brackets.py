"""Tracks which brackets and strings are open in a JSON text that arrives in pieces, without parsing it."""

from __future__ import annotations

_CLOSING = {"{": "}", "[": "]"}


class JSONBrackets:
    """Tracks brackets and strings by the same rules as core's lenient JSON parser.

    Attributes:
        is_mismatched: Whether a bracket was closed that was not open; core's parser fails at such a bracket.
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
        """Whether an object, array or string was opened and all are closed: the value is complete."""
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
        """The shortest text that closes a bracket which is not open; empty where the text already did that."""
        if self.is_mismatched:
            return ""
        end_of_string = '\\"' if self._escaped else '"' if self._in_string else ""
        return end_of_string + ("}" if self._open and self._open[-1] == "]" else "]")
