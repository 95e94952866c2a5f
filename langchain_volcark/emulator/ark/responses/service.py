"""The routes under `/responses`.

Create: https://www.volcengine.com/docs/82379/1569618. Retrieve, list input items, delete:
https://www.volcengine.com/docs/82379/1783703.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from langchain_volcark.emulator.ark.errors import invalid
from langchain_volcark.emulator.ark.files.reading import read_files
from langchain_volcark.emulator.ark.responses import relay, turn
from langchain_volcark.emulator.ark.responses.options import IMAGE_URL, check_includes
from langchain_volcark.emulator.ark.responses.request import read_request
from langchain_volcark.emulator.ark.responses.store import Store
from langchain_volcark.emulator.ark.responses.writer import Writer
from langchain_volcark.emulator.ark.usage import PromptCount
from langchain_volcark.emulator.sse import EventStream

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Collection as Container

    from langchain_volcark.emulator.ark.files.store import Files
    from langchain_volcark.emulator.ark.models import Model
    from langchain_volcark.emulator.ark.responses.request import ResponsesRequest
    from langchain_volcark.emulator.ark.responses.store import Stored
    from langchain_volcark.emulator.ark.usage import PrefixCache
    from langchain_volcark.emulator.knowledge.corpus import Collection
    from langchain_volcark.emulator.state import RecordedRequest
    from langchain_volcark.emulator.upstream.client import Upstream

Json = dict[str, Any]

PATH = "responses"
_STORED = re.compile(rf"{PATH}/([^/]+)(/input_items)?")
_MIN_PREFIX = 256
_PAGE = 20


class Responses:
    """The data plane's `/responses`.

    Args:
        cache: What was sent before, over all of the data plane.
        collections: The knowledge bases that can be searched.
        closed_tools: Tells which hosted tools the account has not activated.
        files: The uploaded files.
        upstream: The server that writes the replies, where there is one.
    """

    def __init__(
        self,
        cache: PrefixCache,
        collections: list[Collection],
        closed_tools: Callable[[], Container[str]],
        files: Files,
        upstream: Upstream | None,
    ) -> None:
        self._cache = cache
        self._collections = collections
        self._closed_tools = closed_tools
        self._files = files
        self._upstream = upstream
        self._store = Store()

    async def create(
        self, body: Json, name: str, model: Model, received: RecordedRequest, request_id: str
    ) -> Response:
        """`POST /responses`.

        Args:
            body: The parsed body.
            name: The model or endpoint it names.
            model: What that is.
            received: The request as it arrived.
            request_id: Its id.

        Raises:
            ArkError: It is refused.
        """
        now = int(received.received_at.timestamp())
        request = read_request(body, name, model, self._store, now, self._closed_tools())
        request = replace(request, chat=read_files(request.chat, self._files))
        counts = self._count(request)
        writer = Writer(request, counts, self._store, request_id)
        if self._upstream is not None:
            return await relay.answer(self._upstream, writer)
        output = await turn.run(request, self._collections)
        if not request.stream:
            return JSONResponse(writer.whole(output))
        return EventStream(writer.events(output))

    def _count(self, request: ResponsesRequest) -> PromptCount:
        counts = self._cache.count(request.chat)
        if request.makes_prefix and counts.total < _MIN_PREFIX:
            raise invalid("input", f"a prefix cache needs at least {_MIN_PREFIX} tokens, got {counts.total}")
        if request.previous is not None and request.previous.in_cache:
            cached = 0 if "instructions" in request.body else min(request.previous.cached_tokens, counts.total - 1)
            return PromptCount(counts.total, cached, counts.audio)
        return counts

    def owns(self, method: str, path: str) -> bool:
        """Whether a request is for a stored response."""
        return method in ("GET", "DELETE") and _STORED.fullmatch(path) is not None

    def stored(self, received: RecordedRequest, path: str) -> Response:
        """Answer a request for a stored response.

        Args:
            received: The request as it arrived.
            path: Its path below the base URL; it must be one that this service owns.

        Raises:
            ArkError: It is refused.
        """
        found = _STORED.fullmatch(path)
        response_id, items = (found[1], found[2]) if found else ("", None)
        now = received.received_at.timestamp()
        if received.method == "DELETE" and not items:
            self._store.delete(response_id, now)
            return JSONResponse({"id": response_id, "object": "response", "deleted": True})
        include = check_includes(_includes(received))
        stored = self._store.get(response_id, now)
        if items:
            return JSONResponse(self._input_items(stored, received, include))
        return JSONResponse({**stored.response, "output": _shown(stored.response["output"])})

    def _input_items(self, stored: Stored, received: RecordedRequest, include: list[str]) -> Json:
        """What a response was given, by a chain too, page by page."""
        items = self._store.context(stored, received.received_at.timestamp())
        given = items[: len(items) - len(stored.response["output"])]
        return _page(_shown(given), received.query, pictures=IMAGE_URL in include)


def _shown(items: list[Json]) -> list[Json]:
    return [item for item in items if item["type"] != "reasoning"]


def _includes(received: RecordedRequest) -> list[str] | None:
    found = [received.query[name] for name in ("include", "include[]") if received.query.get(name)]
    return found or None


def _page(items: list[Json], query: Any, *, pictures: bool) -> Json:
    """A page of a list, from a query's words."""
    order = query.get("order", "desc")
    if order not in ("asc", "desc"):
        raise invalid("order", "expected asc or desc")
    try:
        limit = int(query.get("limit", _PAGE))
    except ValueError:
        limit = 0
    if not 1 <= limit <= 100:
        raise invalid("limit", "expected an integer between 1 and 100")
    ordered = items if order == "asc" else items[::-1]
    if "after" in query:
        ordered = ordered[_place(ordered, query["after"], "after") + 1 :]
    if "before" in query:
        ordered = ordered[: _place(ordered, query["before"], "before")]
    page = [item if pictures else _without_pictures(item) for item in ordered[:limit]]
    return {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else "",
        "last_id": page[-1]["id"] if page else "",
        "has_more": len(ordered) > limit,
    }


def _place(items: list[Json], item_id: str, name: str) -> int:
    for place, item in enumerate(items):
        if item["id"] == item_id:
            return place
    raise invalid(name, f"there is no item {item_id}")


def _without_pictures(item: Json) -> Json:
    """The links of pictures are shown to those who ask for them."""
    content = item.get("content")
    if item["type"] != "message" or not isinstance(content, list):
        return item
    parts = [{name: value for name, value in part.items() if name != "image_url"} for part in content]
    return {**item, "content": parts}
