"""Merges the metadata of a reply from several payloads, and decides on which chunk each field is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def _append_lists(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Log probabilities arrive token by token: their lists are concatenated."""
    merged = dict(old)
    for key, value in new.items():
        known = merged.get(key)
        if isinstance(known, list):
            merged[key] = [*known, *value] if isinstance(value, list) else known
        else:
            merged[key] = value
    return merged


def _append_unknown(old: list[Any], new: list[Any]) -> list[Any]:
    """References may be repeated, or repeated with further ones: each is kept once, in order of arrival."""
    if new[: len(old)] == old:
        return new
    return [*old, *(item for item in new if item not in old)]


def _add_keys(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """An object repeated in every payload is kept once; the first value of each key is kept."""
    return {**old, **{key: value for key, value in new.items() if key not in old}}


MERGE_RULES: dict[str, Callable[[Any, Any], Any]] = {
    "logprobs": _append_lists,
    "references": _append_unknown,
    "search_results": _append_unknown,
    "metadata": _add_keys,
}
"""How fields that occur in several payloads are merged; of all other fields the last value is kept."""

_KINDS: dict[str, type] = {"logprobs": dict, "references": list, "search_results": list, "metadata": dict}
"""The type each rule merges; of a value of another type the first is kept."""

_RESERVED = frozenset({"model_provider", "output_version"})
"""Keys by which core finds our translator; a service's field of such a name cannot be kept."""

EARLY = frozenset({"references", "search_results", "metadata"})
"""Fields that are shown on arrival, not at the end: merging only ever adds to them."""


class ReplyMetadata:
    """The metadata of one reply.

    Attributes:
        fields: All fields so far.
        shown: The part of the `EARLY` fields that increments have shown.
    """

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}
        self.shown: dict[str, Any] = {}
        self._repeated: dict[str, Any] | None = None

    def add(self, came: dict[str, Any]) -> dict[str, Any]:
        """Add the fields of one payload; returns those to show at once."""
        # Most payloads repeat the first one's fields; fields with a merge rule are read every time.
        if came == self._repeated:
            return {}
        for key, value in came.items():
            self._merge(key, value)
        self._repeated = came if MERGE_RULES.keys().isdisjoint(came) else None
        return self._early(came)

    def _merge(self, key: str, value: Any) -> None:
        rule = MERGE_RULES.get(key)
        known = self.fields.get(key)
        if rule is None or known is None:
            if key not in _RESERVED:
                self.fields[key] = value
        elif type(known) is type(value) is _KINDS[key]:
            self.fields[key] = rule(known, value)

    def _early(self, came: dict[str, Any]) -> dict[str, Any]:
        early = {}
        for key in EARLY & came.keys():
            new = _added(self.shown.get(key), self.fields[key])
            if new:
                early[key] = new
                self.shown[key] = self.fields[key]
        return early

    def unshown(self, whole: dict[str, Any]) -> dict[str, Any]:
        """The part of `whole`, the message's `response_metadata`, that no increment has shown."""
        rest = {key: value for key, value in whole.items() if key not in self.shown}
        late = {key: _difference(shown, self.fields[key]) for key, shown in self.shown.items()}
        return {**rest, **{key: value for key, value in late.items() if value}}


def _added(old: Any, new: Any) -> Any:
    """What a payload added to an `EARLY` field; empty where it can only be shown at the end."""
    if isinstance(new, list) and any(isinstance(item, dict) and "index" in item for item in new):
        return []  # core merges list items of equal `index` into one: such a list is safe on one chunk only
    return _difference([] if isinstance(new, list) else {}, new) if old is None else _difference(old, new)


def _difference(old: Any, new: Any) -> Any:
    if isinstance(old, list) and isinstance(new, list):
        return new[len(old) :]
    if isinstance(old, dict) and isinstance(new, dict):
        return {key: value for key, value in new.items() if key not in old}
    return None
