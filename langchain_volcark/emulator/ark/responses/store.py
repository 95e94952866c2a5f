"""Stored responses: chains of them, until they expire or are deleted.

https://www.volcengine.com/docs/82379/1569618 and https://www.volcengine.com/docs/82379/1602228.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from langchain_volcark.emulator.ark.errors import ArkError

Json = dict[str, Any]

_MOST = 10_000
_MOST_ITEMS = 1000


@dataclass
class Stored:
    """A response that is kept.

    Attributes:
        response: The object as it was answered, thinking included.
        name: The model or endpoint as the caller named it.
        items: What this turn was given, each item with an id.
        previous_id: The response it goes on from.
        expire_at: When it is gone, in Unix seconds.
        cached: Whether this turn was written into the cache.
        in_cache: Whether this turn or one before it was.
        tools: Its tools.
        thinking: Its `thinking` as sent, which a cached chain may not change.
        cached_tokens: How much of the conversation is in the cache.
        deleted: Whether it was deleted: it stays as a link between what is before and after it.
    """

    response: Json
    name: str
    items: list[Json]
    previous_id: str | None
    expire_at: int
    cached: bool = False
    in_cache: bool = False
    tools: list[Json] = field(default_factory=list)
    thinking: Any = None
    cached_tokens: int = 0
    deleted: bool = False

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.response["id"])


class Store:
    """The responses of one emulator."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Stored] = OrderedDict()
        self._unfinished: set[str] = set()

    def begin(self, response_id: str) -> None:
        """Note a response that is being written."""
        self._unfinished.add(response_id)

    def end(self, response_id: str, stored: Stored | None) -> None:
        """Keep a response that is written, or forget one that came to nothing."""
        self._unfinished.discard(response_id)
        if stored is None:
            return
        self._kept[response_id] = stored
        while len(self._kept) > _MOST:
            self._kept.popitem(last=False)

    def get(self, response_id: str, now: float) -> Stored:
        """A stored response.

        Raises:
            ArkError: It is not there, or not written yet.
        """
        if response_id in self._unfinished:
            raise ArkError(400, "InvalidParameter", f"The response {response_id} is not finished.", "response_id")
        found = self._alive(response_id, now)
        if found is None:
            raise ArkError(
                404, "NotFound.ResponseId", f"The response {response_id} does not exist.", "response_id"
            )
        return found

    def delete(self, response_id: str, now: float) -> None:
        """Delete one.

        Raises:
            ArkError: It is not there.
        """
        self.get(response_id, now).deleted = True

    def previous(self, response_id: str, name: str, now: float) -> Stored:
        """The response that a request goes on from; a chain belongs to one model.

        Raises:
            ArkError: It is not there for this model.
        """
        found = self._alive(response_id, now)
        if found is None or found.name != name:
            raise ArkError(
                400,
                "InvalidParameter.PreviousResponseNotFound",
                f"Previous response with id '{response_id}' not found.",
                "previous_response_id",
            )
        return found

    def chain(self, last: Stored, now: float) -> list[Stored]:
        """A response and all before it that are still there, the first one first."""
        found: list[Stored] = []
        link: Stored | None = last
        while link is not None:
            if not link.deleted and link.expire_at > now:
                found.append(link)
            link = self._kept.get(link.previous_id) if link.previous_id else None
        return found[::-1]

    def context(self, last: Stored, now: float) -> list[Json]:
        """What a conversation holds up to a response, thinking included.

        Raises:
            ArkError: It is longer than a chain may be.
        """
        items = [
            item
            for stored in self.chain(last, now)
            for item in (*stored.items, *stored.response.get("output", ()))
        ]
        if len(items) > _MOST_ITEMS:
            raise ArkError(
                400,
                "InvalidParameter",
                f"The chain holds more than {_MOST_ITEMS} items.",
                "previous_response_id",
            )
        return items

    def tools(self, last: Stored, now: float) -> list[Json]:
        """The tools of a cached chain, which are those of its first turn as long as that is there."""
        root = last
        while root.previous_id and root.previous_id in self._kept:
            root = self._kept[root.previous_id]
        return root.tools if root.in_cache and not root.deleted and root.expire_at > now else []

    def _alive(self, response_id: str, now: float) -> Stored | None:
        found = self._kept.get(response_id)
        return found if found is not None and not found.deleted and found.expire_at > now else None
