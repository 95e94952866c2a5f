"""Extracts values from a prompt for filling a JSON schema: numbers, quotations, `name: value` pairs, places."""

from __future__ import annotations

import re
from typing import TypeVar

_Value = TypeVar("_Value")

_MAX_TEXT = 200
_INTEGER = re.compile(r"(?<![A-Za-z0-9_.])-?\d{1,15}(?![A-Za-z0-9_]|\.\d)")
_NUMBER = re.compile(r"(?<![A-Za-z0-9_.])-?\d{1,15}(?:\.\d{1,15})?(?![A-Za-z0-9_])")
# A straight quote inside a word is an apostrophe; next to a Chinese character it is still a quotation mark.
_QUOTED = re.compile(
    r"(?<![A-Za-z0-9])'([^']+)'(?![A-Za-z0-9])|\"([^\"]+)\"|“([^”]+)”|‘([^’]+)’|「([^」]+)」|『([^』]+)』|`([^`]+)`"
)
_PLACE_FIELDS = frozenset({"city", "location", "place", "destination"})
_PLACE = re.compile(
    r"\b(?:in|at|for|to)\s+([A-Z][\w.'-]*(?:\s+[A-Z][\w.'-]*)*(?:,\s*[A-Z][\w.'-]*)*)|([\u4e00-\u9fff]{2,4}?)(?:今天|明天|现在)?的?天气"
)
_CHINESE_OPENINGS = re.compile(r"^(?:请问|请|查询|查一下|告诉我|帮我查|今天|明天|现在)+")


class Hints:
    """The values in a text; values of each kind are returned one after the other.

    Args:
        text: The complete prompt; also the fallback value for strings.
        near: The part to take numbers and quotations from; the complete prompt if it has none.
        material: The fallback value for strings instead of the prompt, if there is any.
    """

    def __init__(self, text: str, near: str | None = None, material: str = "") -> None:
        self.text = text.strip()
        self._fallback = material or self.text
        self._near = near if near is not None else text
        self._integers = [int(found) for found in self._find(_INTEGER)]
        self._numbers = [float(found) for found in self._find(_NUMBER)]
        self._quotations = list(self._find(_QUOTED))

    def _find(self, pattern: re.Pattern[str]) -> list[str]:
        return _matches(pattern, self._near) or _matches(pattern, self.text)

    def mentions(self, word: str) -> bool:
        """Whether the text contains this word, in any case, with `_` or a space between its parts."""
        parts = [re.escape(part) for part in re.split(r"[_\s-]+", word.strip()) if part]
        if not parts:
            return False
        # Plurals match, longer words do not; Chinese words have no spaces between them.
        pattern = r"(?<![A-Za-z0-9_])" + r"[_\s-]".join(parts) + r"s?(?![A-Za-z0-9_])"
        return re.search(pattern, self.text, re.IGNORECASE) is not None

    def named(self, name: str) -> str | None:
        """Return the value of a pair `name: value` or `name = value` in the text."""
        words = r"[_\s-]".join(re.escape(part) for part in name.split("_"))
        pattern = rf"(?<![A-Za-z0-9_]){words}[\"'`]?\s*[:=：]\s*(\"[^\"]*\"|'[^']*'|[^\s,;，；。)}}\]]+)"
        found = re.search(pattern, self.text, re.IGNORECASE)
        return found[1].strip("\"'") if found else None

    def integer(self) -> int | None:
        """Return the next integer; the last one again at the end."""
        return _next(self._integers)

    def number(self) -> float | None:
        """Return the next number; the last one again at the end."""
        return _next(self._numbers)

    def all_integers(self) -> list[int]:
        """Return all integers."""
        return list(self._integers)

    def all_numbers(self) -> list[float]:
        """Return all numbers."""
        return list(self._numbers)

    def all_quotations(self) -> list[str]:
        """Return all quotations."""
        return list(self._quotations)

    def string(self, name: str) -> str:
        """Return a place for a field of that name, else the next quotation, else the material or the text."""
        if self._quotations:
            return self._quotations.pop(0)
        if name.lower() in _PLACE_FIELDS and (found := _PLACE.search(self.text)):
            return found[1] or _CHINESE_OPENINGS.sub("", found[2]) or found[2]
        return self._fallback[:_MAX_TEXT] or "text"


def _matches(pattern: re.Pattern[str], text: str) -> list[str]:
    return [next((group for group in found.groups() if group), found[0]) for found in pattern.finditer(text)]


def _next(values: list[_Value]) -> _Value | None:
    if not values:
        return None
    return values.pop(0) if len(values) > 1 else values[0]
