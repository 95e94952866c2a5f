"""The routes under `/contents/generations/tasks`.

Create: https://www.volcengine.com/docs/82379/1520757. Query: https://www.volcengine.com/docs/82379/1521309.
List, cancel, delete: https://www.volcengine.com/docs/82379/1521675.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from langchain_volcark.emulator.ark.errors import invalid
from langchain_volcark.emulator.ark.videos.request import read_video_request
from langchain_volcark.emulator.ark.videos.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_volcark.emulator.ark.links import Links
    from langchain_volcark.emulator.ark.videos.models import VideoModel
    from langchain_volcark.emulator.ark.videos.tasks import Task
    from langchain_volcark.emulator.state import RecordedRequest, TaskPlan

Json = dict[str, Any]

PATH = "contents/generations/tasks"
_ONE = re.compile(rf"{PATH}/([^/]+)")
_STATES = ("queued", "running", "cancelled", "succeeded", "failed", "expired")
_FILTERS = ("status", "model", "service_tier")


class Videos:
    """The data plane's video tasks.

    Args:
        links: Keeps the files of finished tasks.
        next_plan: Returns how the next task goes.
    """

    def __init__(self, links: Links, next_plan: Callable[[], TaskPlan]) -> None:
        self._links = links
        self._next_plan = next_plan
        self._tasks = Tasks()

    def create(self, body: Json, name: str, model: VideoModel, received: RecordedRequest) -> Response:
        """`POST /contents/generations/tasks`.

        Args:
            body: The parsed body.
            name: The model or endpoint it names.
            model: What that is.
            received: The request as it arrived.

        Raises:
            ArkError: It is refused.
        """
        request = read_video_request(body, name, model)
        now = received.received_at
        if request.content.draft_task_id is not None:
            draft = self._tasks.get(request.content.draft_task_id, now)
            if draft.status != "succeeded" or not draft.request.body.get("draft"):
                raise invalid("content", f"the task {draft.id} is not a draft task that has succeeded")
        publish = functools.partial(self._links.publish, received)
        return JSONResponse({"id": self._tasks.add(request, self._next_plan(), now, publish).id})

    def owns(self, method: str, path: str) -> bool:
        """Whether a request is for existing tasks."""
        return (method == "GET" and path == PATH) or (
            method in ("GET", "DELETE") and _ONE.fullmatch(path) is not None
        )

    def existing(self, received: RecordedRequest, path: str) -> Response:
        """Answer a request for existing tasks.

        Args:
            received: The request as it arrived.
            path: Its path below the base URL; it must be one that this service owns.

        Raises:
            ArkError: It is refused.
        """
        found = _ONE.fullmatch(path)
        now = received.received_at
        if found is None:
            return JSONResponse(self._page(received))
        if received.method == "DELETE":
            self._tasks.delete(found[1], now)
            return JSONResponse({})
        return JSONResponse(self._tasks.get(found[1], now, polled=True).shown())

    def _page(self, received: RecordedRequest) -> Json:
        query = received.query
        number, size = _whole(query, "page_num", 1), _whole(query, "page_size", 20)
        state = query.get("filter.status")
        if state is not None and state not in _STATES:
            raise invalid("filter.status", f"expected one of {list(_STATES)}, got {state!r}")
        wanted = [value for name, value in received.query_pairs if name == "filter.task_ids"]
        found = [
            task
            for task in self._tasks.alive(received.received_at)
            if (not wanted or task.id in wanted) and _fits(task, query)
        ]
        page = found[(number - 1) * size : number * size]
        return {"items": [task.shown() for task in page], "total": len(found)}


def _fits(task: Task, query: Any) -> bool:
    known = {
        "status": task.status,
        "model": task.request.name,
        "service_tier": task.request.body.get("service_tier", "default"),
    }
    return all(query.get(f"filter.{name}") in (None, known[name]) for name in _FILTERS)


def _whole(query: Any, name: str, default: int) -> int:
    text = query.get(name)
    value = int(text) if text is not None and text.isdecimal() else default if text is None else 0
    if not 1 <= value <= 500:
        raise invalid(name, f"expected an integer between 1 and 500, got {text!r}")
    return value
