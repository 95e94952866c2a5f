"""Merges the fields of a message that the package does not know, from the pieces in which a stream sends them."""

from __future__ import annotations

from typing import Any

from langchain_volcark.messages.surrogates import SurrogateJoiner

_LABELS = frozenset({"id", "type", "name", "role", "format"})
"""Keys of an object whose text is repeated with every piece and must not be concatenated."""


class ExtraFields:
    """The unknown fields of one message so far.

    Strings arrive in pieces like the answer and are shown as they arrive, because core concatenates them too.
    Objects, lists and numbers are shown at the end: core would add numbers up and merge list items of equal
    `index`.
    """

    def __init__(self) -> None:
        self._texts: dict[str, list[str]] = {}
        self._joiners: dict[str, SurrogateJoiner] = {}
        self._others: dict[str, Any] = {}

    def __bool__(self) -> bool:
        return bool(self._texts or self._others)

    def add(self, fields: dict[str, Any]) -> dict[str, str]:
        """Add the fields of one payload; returns the text that is new."""
        new = {}
        for name, value in fields.items():
            if name in self._others or (name not in self._texts and not isinstance(value, str)):
                self._others[name] = _merged(self._others[name], value) if name in self._others else value
            elif isinstance(value, str) and (text := self._joiner(name).add(value)):
                self._texts.setdefault(name, []).append(text)
                new[name] = text
        return new

    def flush(self) -> dict[str, Any]:
        """What has not been shown yet, at the end of the message."""
        late: dict[str, Any] = dict(self._others)
        for name, joiner in self._joiners.items():
            if text := joiner.flush():
                self._texts.setdefault(name, []).append(text)
                late[name] = text
        return late

    def values(self) -> dict[str, Any]:
        """All fields so far."""
        return {**{name: "".join(pieces) for name, pieces in self._texts.items()}, **self._others}

    def _joiner(self, name: str) -> SurrogateJoiner:
        return self._joiners.setdefault(name, SurrogateJoiner())


def _merged(old: Any, new: Any) -> Any:
    """Merge two values of a field; where their types differ the first is kept."""
    if new == old:
        return old
    if isinstance(old, dict) and isinstance(new, dict):
        return {
            **old,
            **{key: _piece(key, old[key], value) if key in old else value for key, value in new.items()},
        }
    if isinstance(old, list) and isinstance(new, list):
        return new if new[: len(old)] == old else [*old, *new]
    return new if isinstance(old, (int, float)) and isinstance(new, (int, float)) else old


def _piece(key: str, old: Any, new: Any) -> Any:
    if isinstance(old, str) and isinstance(new, str):
        return old if key in _LABELS else old + new
    return _merged(old, new)
