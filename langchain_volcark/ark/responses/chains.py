"""Chains of stored responses: finds the response that a call continues, by a digest of the stored history.

Each message carries a digest of the input items that the service holds for it. A call continues from a
message only where its history still has that digest, so trimmed, edited or foreign histories are sent whole.
"""

from __future__ import annotations

import copy
import hashlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, ToolMessage

from langchain_volcark.ark.responses.options import is_cached

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langchain_core.messages import BaseMessage

    Placed = Sequence[tuple[int, dict[str, Any]]]

DIGEST = "history_digest"
"""Field of `response_metadata` with the digest of what the service holds."""
_MARGIN = 60  # seconds before a response expires in which no call continues from it
_UNCOUNTED = frozenset({"id", "status", "partial"})
_encode = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), default=str
).encode  # `json.dumps` builds a new encoder in each call


class Digest:
    """A digest of input items, one after the other.

    Args:
        seed: What else identifies a chain, besides its items.
    """

    def __init__(self, seed: Any) -> None:
        self._hash = hashlib.blake2b(_bytes(seed), digest_size=16)

    def add(self, item: Mapping[str, Any]) -> None:
        """Add an item; reasoning, ids and status are left out."""
        if item.get("type") != "reasoning":
            self._hash.update(_bytes({name: item[name] for name in item if name not in _UNCOUNTED}))

    def copy(self) -> Digest:
        """A copy, to which further items can be added."""
        copied: Digest = copy.copy(self)
        copied._hash = self._hash.copy()
        return copied

    def text(self) -> str:
        """The digest so far."""
        return self._hash.hexdigest()


def _bytes(value: Any) -> bytes:
    return _encode(value).encode() + b"\n"


@dataclass(frozen=True)
class Link:
    """The stored response that a call continues.

    Attributes:
        response_id: The stored response.
        position: The message that it made; only what follows is sent.
    """

    response_id: str
    position: int


def seed_of(model: str, body: Mapping[str, Any]) -> list[Any]:
    """What identifies a chain besides its items: the model, the prefix, and with caching what may not change.

    Args:
        model: As the call names it.
        body: The fields of the request.
    """
    fixed = [body.get("thinking"), body.get("tools")] if is_cached(body) else []
    return [model, body.get("previous_response_id"), *fixed]


def follow(
    messages: Sequence[BaseMessage], placed: Placed, digest: Digest, provider: str, *, chained: bool
) -> Link | None:
    """Find the stored response to continue from, and add the history to the digest.

    Args:
        messages: The conversation.
        placed: Its items, each with the place of its message.
        digest: Holds the seed; all items are added to it.
        provider: `model_provider` of our messages.
        chained: Whether the call may continue from a stored response.

    Returns:
        The link; None where the whole history is to be sent.
    """
    candidate = _newest(messages, provider) if chained else None
    before = None
    for position, item in placed:
        if before is None and candidate is not None and position > candidate:
            before = digest.text()
        digest.add(item)
    if candidate is None or before is None:
        return None  # nothing follows the candidate
    return _usable(messages, candidate, before)


def _newest(messages: Sequence[BaseMessage], provider: str) -> int | None:
    """The place of the newest message with a stored response."""
    for position in range(len(messages) - 1, -1, -1):
        metadata = messages[position].response_metadata
        ours = isinstance(messages[position], AIMessage) and metadata.get("model_provider") == provider
        if ours and metadata.get("response_id"):
            return position
    return None


def _has_expired(messages: Sequence[BaseMessage]) -> bool:
    """Whether the response of the last message, or one that it continues, has expired.

    Each response of a chain expires by itself, and what it held is then missing from those after it.
    """
    metadatas = [one.response_metadata for one in messages]
    stored = {one["response_id"]: one for one in metadatas if isinstance(one.get("response_id"), str)}
    soon, response_id = time.time() + _MARGIN, metadatas[-1].get("response_id")
    while isinstance(response_id, str) and (metadata := stored.pop(response_id, None)) is not None:
        expires = metadata.get("expire_at")
        if isinstance(expires, (int, float)) and expires <= soon:
            return True
        response_id = metadata.get("previous_response_id")
    return False


def _usable(messages: Sequence[BaseMessage], position: int, digest: str) -> Link | None:
    message = messages[position]
    metadata = message.response_metadata
    if metadata.get("store") is False or metadata.get(DIGEST) != digest or _has_expired(messages[: position + 1]):
        return None
    calls = [*message.tool_calls, *message.invalid_tool_calls] if isinstance(message, AIMessage) else []
    answered = {one.tool_call_id for one in messages[position + 1 :] if isinstance(one, ToolMessage)}
    if any(call["id"] not in answered for call in calls):
        return None
    return Link(str(metadata["response_id"]), position)
