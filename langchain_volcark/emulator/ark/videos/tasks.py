"""Video tasks: their states, which advance as they are asked for or by the server's clock, and their objects.

https://www.volcengine.com/docs/82379/1521309
"""

from __future__ import annotations

import secrets
import string
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_volcark.emulator.ark.errors import ArkError

if TYPE_CHECKING:
    from collections.abc import Callable

    from langchain_volcark.emulator.ark.videos.request import VideoRequest
    from langchain_volcark.emulator.state import TaskPlan

Json = dict[str, Any]

_FOLDER = Path(__file__).parent
VIDEO = (_FOLDER / "video.mp4").read_bytes()
"""Two seconds, 320 x 180 pixels, 24 pictures a second, H.264: the video of every task."""
LAST_FRAME = (_FOLDER / "last_frame.png").read_bytes()
"""Its last picture."""

ENDED = frozenset({"succeeded", "failed", "expired", "cancelled"})
_KEPT = timedelta(days=7)
_MOST = 10_000
_LETTERS = string.ascii_lowercase + string.digits
_QUEUED_PART = 0.25  # of the time that a task takes by the clock


@dataclass
class Task:
    """One task.

    Attributes:
        id: Its id.
        request: What it was created with.
        plan: How it goes.
        created_at: When it was created, by the server's clock.
        publish: Makes a link to a file: path, content and content type.
    """

    id: str
    request: VideoRequest
    plan: TaskPlan
    created_at: datetime
    publish: Callable[[str, bytes, str], str]
    status: str = "queued"
    updated_at: datetime = field(init=False)
    _polls: int = 0
    _content: Json | None = None

    def __post_init__(self) -> None:
        self.updated_at = self.created_at

    def advance(self, now: datetime, *, polled: bool) -> None:
        """Let time pass.

        Args:
            now: The time by the server's clock.
            polled: Whether the task's state was asked for.
        """
        if self.status in ENDED:
            return
        self._polls += polled
        status = self._by_clock(now) if self.plan.seconds is not None else self._by_polls()
        if status not in ENDED and now >= self.created_at + timedelta(seconds=self.request.expires_after):
            status = "expired"
        self.set(status, now)

    def set(self, status: str, now: datetime) -> None:
        """Change the state."""
        if status != self.status:
            self.status = status
            self.updated_at = now

    def _by_polls(self) -> str:
        if self._polls >= self.plan.polls:
            return self.plan.status
        return "running" if self._polls > 1 else "queued"

    def _by_clock(self, now: datetime) -> str:
        seconds = self.plan.seconds or 0
        passed = (now - self.created_at).total_seconds()
        if passed >= seconds:
            return self.plan.status
        return "running" if passed >= seconds * _QUEUED_PART else "queued"

    def shown(self) -> Json:
        """The object that describes it."""
        done = self.status == "succeeded"
        found: Json = {
            "id": self.id,
            "model": self.request.model.id,
            "status": self.status,
            "created_at": int(self.created_at.timestamp()),
            "updated_at": int(self.updated_at.timestamp()),
            **self.request.echo(finished=done),
        }
        if self.status == "failed":
            found["error"] = {"code": self.plan.code, "message": self.plan.message}
        if done:
            found |= {"error": None, "content": self._files(), "usage": self._usage()}
        return found

    def _usage(self) -> Json:
        tokens = self.request.tokens
        usage: Json = {"completion_tokens": tokens, "total_tokens": tokens}
        if self.request.body.get("tools"):
            usage["tool_usage"] = {"web_search": 1}
        return usage

    def _files(self) -> Json:
        if self._content is None:
            path = f"ark-content-generation-cn-beijing/{self.request.model.name}/{self.id}"
            suffix = self.request.body.get("output_format", "mp4")
            self._content = {"video_url": self.publish(f"{path}.{suffix}", VIDEO, "video/mp4")}
            if self.request.body.get("return_last_frame"):
                self._content["last_frame_url"] = self.publish(f"{path}_last_frame.png", LAST_FRAME, "image/png")
        return self._content


class Tasks:
    """The tasks of one emulator; each is kept for seven days."""

    def __init__(self) -> None:
        self._tasks: OrderedDict[str, Task] = OrderedDict()

    def add(
        self, request: VideoRequest, plan: TaskPlan, now: datetime, publish: Callable[[str, bytes, str], str]
    ) -> Task:
        """Create a task."""
        suffix = "".join(secrets.choice(_LETTERS) for _ in range(5))
        task = Task(f"cgt-{now:%Y%m%d%H%M%S}-{suffix}", request, plan, now, publish)
        task.advance(now, polled=False)
        self._tasks[task.id] = task
        while len(self._tasks) > _MOST:
            self._tasks.popitem(last=False)
        return task

    def get(self, task_id: str, now: datetime, *, polled: bool = False) -> Task:
        """Find a task.

        Raises:
            ArkError: There is none with this id, or it is older than seven days.
        """
        task = self._tasks.get(task_id)
        if task is None or task.created_at + _KEPT <= now:
            raise ArkError(404, "NotFound.id", f"The specified task {task_id} is not found.", "id")
        task.advance(now, polled=polled)
        return task

    def alive(self, now: datetime) -> list[Task]:
        """All tasks, the newest first."""
        found = [task for task in self._tasks.values() if task.created_at + _KEPT > now]
        for task in found:
            task.advance(now, polled=False)
        return found[::-1]

    def delete(self, task_id: str, now: datetime) -> None:
        """Cancel a queued task, or remove one that has ended.

        Raises:
            ArkError: It is running, or was cancelled.
        """
        task = self.get(task_id, now)
        if task.status in ("running", "cancelled"):
            raise ArkError(
                400,
                "InvalidParameter",
                f"The parameter `id` specified in the request is not valid: a {task.status} task cannot be "
                "cancelled or deleted.",
                "id",
            )
        if task.status == "queued":
            task.set("cancelled", now)
        else:
            del self._tasks[task_id]
