"""Lists that Ark returns page by page, each page after the last item of the one before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_volcark.http.json import objects

if TYPE_CHECKING:
    from collections.abc import Mapping


class Pages:
    """The pages of a list, up to the last.

    Args:
        query: The parameters of each page.
        size: Items of a page.
        after: The id of the item after which the first page begins; None for the beginning of the list.

    Attributes:
        done: Whether the last page has been read.
    """

    def __init__(self, query: Mapping[str, Any], size: int, after: str | None = None) -> None:
        self.done = False
        self._query = {**query, "limit": size}
        self._size = size
        self._seen: set[str] = set()
        self._after = after

    def query(self) -> dict[str, Any]:
        """The parameters of the next page."""
        return self._query if self._after is None else {**self._query, "after": self._after}

    def read(self, payload: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the items of a page that were on no page before.

        Raises:
            ValueError: It has no list of objects.
        """
        data = payload.get("data")
        if not isinstance(data, list) or len(objects(data)) < len(data):
            raise ValueError("data is no list of objects")
        items = [dict(item) for item in data]
        new = [item for item in items if item.get("id") not in self._seen]
        self._seen.update(str(item.get("id")) for item in new)
        last = payload.get("last_id") or (items[-1].get("id") if items else None)
        more = payload.get("has_more")
        # Some replies do not say whether there is more.
        ended = more is False or (more is None and len(items) < self._size)
        # A server that ignores `after` sends the same page again, maybe of items without ids.
        self.done = ended or not new or not last or last == self._after
        self._after = last
        return new
