"""A video task as the service describes it: its state, the links of its files, what it cost.

Follows https://www.volcengine.com/docs/82379/1521309 (query a task).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import httpx

from langchain_volcark.ark.errors import ArkErrors, error_of_work
from langchain_volcark.ark.saving import Target
from langchain_volcark.exceptions import (
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    ResponseFormatError,
    ServiceError,
)
from langchain_volcark.http.client import HTTPClient
from langchain_volcark.http.json import objects

if TYPE_CHECKING:
    from os import PathLike
    from pathlib import Path

    from langchain_volcark.exceptions import VolcArkError

ENDED = frozenset({"succeeded", "failed", "cancelled", "expired"})
"""The states after which nothing more happens."""

_Object = Mapping[str, Any]
_CLIENT = "_client"
"""Key in a task's `__dict__` for the client that fetches its links.

It holds the API key, so it is not a field, which checkpoints and traces would serialise.
"""
_EXPIRED = " Links of videos live 24 hours: save them soon."
_TEXTS = ("model", "resolution", "ratio", "draft_task_id", "service_tier")
_NUMBERS = ("created_at", "updated_at", "seed", "duration", "frames", "execution_expires_after")
_SWITCHES = ("generate_audio", "draft")


@dataclass(frozen=True, repr=False)
class ArkVideoTask:
    """A video task: its state when it was last read, and what came of it.

    It is a snapshot; `ArkVideoGenerator.get` and `wait` return a newer one. It consists of JSON values, so that
    checkpoints and traces of agents can hold it. Where they turn it into a dictionary,
    `ArkVideoTask(**dictionary)` is the task again.

    Attributes:
        id: The task's id, `cgt-…`; the service keeps a task for seven days.
        status: `queued`, `running`, `succeeded`, `failed`, `cancelled` or `expired`; any other word as it came.
        model: The model with its date, as the service resolved it.
        video_url: The link of the video once it has succeeded; it lives 24 hours and needs no key.
        last_frame_url: The link of its last picture, a PNG, if `return_last_frame` asked for it; 24 hours too.
        error: `code` and `message` of a task that failed.
        usage: What it cost: `completion_tokens`, `total_tokens`, and `tool_usage` if it searched.
        created_at: When it was created, in seconds since 1970.
        updated_at: When its state changed last.
        seed: The seed that was used.
        resolution: The resolution of the video, such as `720p`.
        ratio: Its ratio, such as `16:9`.
        duration: Its length in seconds, unless it was asked for by `frames`.
        frames: Its number of frames if it was asked for by that.
        frames_per_second: Its frames per second.
        generate_audio: Whether it has sound.
        draft: Whether it is a draft.
        draft_task_id: The draft it was made from.
        service_tier: `default` or `flex`.
        execution_expires_after: Seconds after its creation at which a task that has not ended expires.
        raw: Everything that came, also fields that have no attribute here.
    """

    id: str
    status: str
    model: str | None = None
    video_url: str | None = field(default=None, repr=False)  # the query is a signature
    last_frame_url: str | None = field(default=None, repr=False)
    error: _Object | None = field(default=None, hash=False)
    usage: _Object | None = field(default=None, hash=False)
    created_at: int | None = None
    updated_at: int | None = None
    seed: int | None = None
    resolution: str | None = None
    ratio: str | None = None
    duration: int | None = None
    frames: int | None = None
    frames_per_second: int | None = None
    generate_audio: bool | None = None
    draft: bool | None = None
    draft_task_id: str | None = None
    service_tier: str | None = None
    execution_expires_after: int | None = None
    raw: _Object = field(default_factory=dict, repr=False, hash=False)

    def __repr__(self) -> str:
        values = ((one.name, getattr(self, one.name)) for one in fields(self) if one.repr)
        return f"ArkVideoTask({', '.join(f'{name}={value!r}' for name, value in values if value is not None)})"

    @property
    def is_done(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status in ENDED

    def save(self, path: str | PathLike[str], *, last_frame: bool = False) -> Path:
        """Save the video, which the service deletes 24 hours after it was made.

        The link is fetched without the API key. The file appears once it is complete, and replaces an older one.

        Args:
            path: A file, or a folder: one that exists, or a text that ends in a slash, which is created. Without
                an extension that of its format is added; in a folder the file is named by the task.
            last_frame: Whether to save the last picture instead.

        Returns:
            The path of the file.

        Raises:
            ValueError: The task has no video, or no last picture.
            VolcArkError: The link could not be fetched, for example because it has expired.
            OSError: The file cannot be written.
        """
        url = self._link(last_frame=last_frame)
        with self._target(path, last_frame=last_frame) as target:
            try:
                self._downloader().download(url, target.unfinished)
            except (PermissionDeniedError, NotFoundError) as error:
                error.message += _EXPIRED
                raise
            return target.finish()

    async def asave(self, path: str | PathLike[str], *, last_frame: bool = False) -> Path:
        """Same as `save`, async."""
        url = self._link(last_frame=last_frame)
        with await asyncio.to_thread(self._target, path, last_frame=last_frame) as target:
            try:
                await self._downloader().adownload(url, target.unfinished)
            except (PermissionDeniedError, NotFoundError) as error:
                error.message += _EXPIRED
                raise
            return await asyncio.to_thread(target.finish)

    def _target(self, path: str | PathLike[str], *, last_frame: bool) -> Target:
        if last_frame:
            return Target(path, f"{self.id}_last_frame", "image")
        return Target(path, self.id, "video")

    def _link(self, *, last_frame: bool) -> str:
        url = self.last_frame_url if last_frame else self.video_url
        if url:
            return url
        missing = "last picture: return_last_frame=True asks for it" if last_frame else "link of a video"
        if self.status != "succeeded":
            missing = f"video to save: it is {self.status}"
        raise ValueError(f"The video task {self.id} has no {missing}.")

    def _downloader(self) -> HTTPClient:
        # A task that was unpickled or copied has no client: then the default network settings apply.
        client: HTTPClient | None = self.__dict__.get(_CLIENT)
        return client or HTTPClient("https://ark.invalid", auth=httpx.Auth(), errors=ArkErrors())

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != _CLIENT}


def read_task(payload: _Object, client: HTTPClient | None = None) -> ArkVideoTask:
    """Read a task.

    Args:
        payload: The service's object; fields of unexpected types are left in `raw` alone.
        client: Fetches the task's links.

    Raises:
        ValueError: It has no id or no status.
    """
    content = payload.get("content")
    links: _Object = content if isinstance(content, Mapping) else {}
    error, usage = payload.get("error"), payload.get("usage")
    known: dict[str, Any] = {
        **{name: _text(payload, name) for name in _TEXTS},
        **{name: _whole(payload, name) for name in _NUMBERS},
        **{name: _switch(payload, name) for name in _SWITCHES},
    }
    task = ArkVideoTask(
        id=_required(payload, "id"),
        status=_required(payload, "status"),
        video_url=_text(links, "video_url"),
        last_frame_url=_text(links, "last_frame_url"),
        error=error if isinstance(error, Mapping) and error else None,
        usage=usage if isinstance(usage, Mapping) and usage else None,
        frames_per_second=_whole(payload, "framespersecond"),
        raw=dict(payload),
        **known,
    )
    task.__dict__[_CLIENT] = client
    return task


def read_created(payload: _Object, client: HTTPClient | None = None) -> ArkVideoTask:
    """Read the reply to a submission, which has the id alone: the task is queued.

    Raises:
        ValueError: It has no id.
    """
    return read_task({"status": "queued", **payload}, client) if payload.get("id") else read_task(payload, client)


def read_page(payload: _Object, client: HTTPClient | None = None) -> tuple[list[ArkVideoTask], int | None]:
    """Read a page of a list.

    Returns:
        Its tasks, and how many there are on all pages; None where the service does not say.

    Raises:
        ValueError: It has no list, or one of its tasks has no id or no status.
    """
    items = payload.get("items")
    if items is None and payload.get("total") in (0, None) and "total" in payload:
        items = []
    if not isinstance(items, list):
        raise ValueError("it has no items")  # noqa: TRY004
    return [read_task(item, client) for item in objects(items)], _whole(payload, "total")


def failure_of(task: ArkVideoTask) -> VolcArkError | None:
    """The exception for a task that has ended without a video; None for any other."""
    body = dict(task.raw)
    if task.status == "failed":
        return error_of_work(task.error, f"The video task {task.id} failed", body)
    if task.status == "expired":
        after = f" ({task.execution_expires_after} seconds)" if task.execution_expires_after else ""
        return ServiceError(
            f"The video task {task.id} expired: it had not ended when its time was over{after}. Submit it again, "
            "with a larger execution_expires_after, or at a quieter hour.",
            code="expired",
            body=body,
        )
    if task.status == "cancelled":
        return InvalidRequestError(f"The video task {task.id} was cancelled.", code="cancelled", body=body)
    if task.status == "succeeded" and not task.video_url:
        return ResponseFormatError(
            f"The video task {task.id} has succeeded, but has no link of a video.", body=body
        )
    return None


def without_failure(task: ArkVideoTask) -> ArkVideoTask:
    """The task, unless it has ended without a video.

    Raises:
        VolcArkError: It has: the exception of its error's code.
    """
    failure = failure_of(task)
    if failure is not None:
        raise failure
    return task


def _required(payload: _Object, name: str) -> str:
    value = payload.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"the task has no {name}")
    return value


def _text(payload: _Object, name: str) -> str | None:
    value = payload.get(name)
    return value if isinstance(value, str) and value else None


def _whole(payload: _Object, name: str) -> int | None:
    value = payload.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _switch(payload: _Object, name: str) -> bool | None:
    value = payload.get(name)
    return value if isinstance(value, bool) else None
