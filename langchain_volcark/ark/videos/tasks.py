"""Video tasks that exist: read, wait, cancel, delete, list.

Follows https://www.volcengine.com/docs/82379/1521309 (query) and https://www.volcengine.com/docs/82379/1521675
(list, cancel, delete).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from langchain_volcark.ark.object_ids import naming
from langchain_volcark.ark.videos import requests
from langchain_volcark.ark.videos.content import task_id_of
from langchain_volcark.ark.videos.settings import VideoSettings
from langchain_volcark.ark.videos.task import read_page, read_task, without_failure
from langchain_volcark.base.polling import apoll, check_progress, check_waiting, poll
from langchain_volcark.exceptions import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence

    from langchain_volcark.ark.videos.task import ArkVideoTask
    from langchain_volcark.http.replies import Reply
    from langchain_volcark.http.requests import ServiceRequest

POLL_DELAYS = (5.0, 5.0, 7.5, 10.0, 12.5, 15.0)
"""Seconds between two looks at a task; the last one is repeated."""
WAIT = 1800.0
"""Seconds that a call waits for a task unless told otherwise."""
WHAT = "video tasks"
"""What the service does with an API key alone."""


class VideoTasks(VideoSettings):
    """Reads, waits for, cancels, deletes and lists video tasks."""

    # --- read and wait ------------------------------------------------------------------------------------

    def get(self, task: str | ArkVideoTask) -> ArkVideoTask:
        """Read a task's present state.

        Args:
            task: Its id, or the task as it was.

        Returns:
            The task. One that failed or expired is returned like any other, with its `status` and `error`.

        Raises:
            NotFoundError: There is no such task, or it is older than seven days.
        """
        return self._read_task(self._client.post(self._reading(task)))

    async def aget(self, task: str | ArkVideoTask) -> ArkVideoTask:
        """Same as `get`, async."""
        return self._read_task(await self._client.apost(self._reading(task)))

    def wait(
        self,
        task: str | ArkVideoTask,
        timeout: float | None = WAIT,
        *,
        delays: Iterable[float] = POLL_DELAYS,
        on_progress: Callable[[ArkVideoTask], Any] | None = None,
    ) -> ArkVideoTask:
        """Wait until a task's video is there.

        A look at the task that fails for the moment, by a rate limit or a broken connection, only costs a look.

        Args:
            task: Its id, or the task as it was.
            timeout: Seconds to wait at most; None for no limit.
            delays: Seconds between two looks; the last one is repeated.
            on_progress: Called with the task after each look.

        Returns:
            The task, succeeded.

        Raises:
            APITimeoutError: It took longer than `timeout`. The text names the id: the task goes on, and can be
                waited for again.
            VolcArkError: The task failed, expired or was cancelled: the exception of its error's code, whose
                `body` is the task as the service describes it. Or there is no such task.
        """
        wanted = self._reading(task)
        delays = check_waiting(timeout, delays)
        check_progress(on_progress, is_async=False)
        with naming("The video task", task_id_of(task)):
            found = poll(
                lambda: self._read_task(self._client.post(wanted)),
                lambda found: found.is_done,
                timeout=timeout,
                delays=delays,
                describe=lambda found: _still(task, found),
                on_progress=on_progress,
            )
        return without_failure(found)

    async def await_(
        self,
        task: str | ArkVideoTask,
        timeout: float | None = WAIT,
        *,
        delays: Iterable[float] = POLL_DELAYS,
        on_progress: Callable[[ArkVideoTask], Any] | None = None,
    ) -> ArkVideoTask:
        """Same as `wait`, async; `on_progress` may be async too."""
        wanted = self._reading(task)
        delays = check_waiting(timeout, delays)
        check_progress(on_progress, is_async=True)

        async def read() -> ArkVideoTask:
            return self._read_task(await self._client.apost(wanted))

        with naming("The video task", task_id_of(task)):
            found = await apoll(
                read,
                lambda found: found.is_done,
                timeout=timeout,
                delays=delays,
                describe=lambda found: _still(task, found),
                on_progress=on_progress,
            )
        return without_failure(found)

    def _reading(self, task: str | ArkVideoTask) -> ServiceRequest:
        self._require_api_key(WHAT)
        return requests.reading(task)

    def _read_task(self, reply: Reply) -> ArkVideoTask:
        return self._read_reply(reply, lambda payload: read_task(payload, self._client))

    # --- cancel, delete, list -----------------------------------------------------------------------------

    def cancel(self, task: str | ArkVideoTask) -> None:
        """Cancel a task that is still queued; it is not billed then.

        Args:
            task: Its id, or the task as it was.

        Raises:
            InvalidRequestError: It is running, which cannot be stopped, or has ended.
            NotFoundError: There is no such task.
        """
        _check_can_be_cancelled(self.get(task))
        self._client.post(requests.deletion(self, task))

    async def acancel(self, task: str | ArkVideoTask) -> None:
        """Same as `cancel`, async."""
        _check_can_be_cancelled(await self.aget(task))
        await self._client.apost(requests.deletion(self, task))

    def delete(self, task: str | ArkVideoTask) -> None:
        """Delete the record of a task that has succeeded, failed or expired.

        Args:
            task: Its id, or the task as it was.

        Raises:
            InvalidRequestError: It has not ended, or was cancelled, which the service deletes by itself after 24
                hours.
            NotFoundError: There is no such task.
        """
        _check_can_be_deleted(self.get(task))
        self._client.post(requests.deletion(self, task))

    async def adelete(self, task: str | ArkVideoTask) -> None:
        """Same as `delete`, async."""
        _check_can_be_deleted(await self.aget(task))
        await self._client.apost(requests.deletion(self, task))

    def list(
        self,
        *,
        status: Literal["queued", "running", "cancelled", "succeeded", "failed", "expired"] | None = None,
        model: str | None = None,
        task_ids: Iterable[str | ArkVideoTask] | None = None,
        service_tier: Literal["default", "flex"] | None = None,
        page_size: int = 100,
    ) -> Iterator[ArkVideoTask]:
        """The tasks of the last seven days, the newest first, page by page as they are asked for.

        Args:
            status: Only tasks in this state.
            model: Only tasks submitted to this endpoint (`ep-…`) or model id.
            task_ids: Only these tasks.
            service_tier: Only tasks of this tier; the service's default is `default`.
            page_size: Tasks per request, 1 to 500.

        Returns:
            An iterator over the tasks.

        Raises:
            ValueError: A filter is invalid.
            VolcArkError: A page could not be read.

        Example:
            ```python
            for task in videos.list(status="succeeded"):
                task.save("videos")
            ```
        """
        pages = self._pages(status, model, task_ids, service_tier, page_size)

        def read() -> Iterator[ArkVideoTask]:
            while not pages.done:
                yield from self._read_page(pages, self._client.post(pages.request()))

        return read()

    def alist(
        self,
        *,
        status: Literal["queued", "running", "cancelled", "succeeded", "failed", "expired"] | None = None,
        model: str | None = None,
        task_ids: Iterable[str | ArkVideoTask] | None = None,
        service_tier: Literal["default", "flex"] | None = None,
        page_size: int = 100,
    ) -> AsyncIterator[ArkVideoTask]:
        """Same as `list`, async: for `async for`."""
        pages = self._pages(status, model, task_ids, service_tier, page_size)

        async def read() -> AsyncIterator[ArkVideoTask]:
            while not pages.done:
                for task in self._read_page(pages, await self._client.apost(pages.request())):
                    yield task

        return read()

    def _pages(self, status: Any, model: Any, task_ids: Any, service_tier: Any, page_size: int) -> requests.Pages:
        self._require_api_key(WHAT)
        return requests.Pages(
            status=status, model=model, task_ids=task_ids, service_tier=service_tier, page_size=page_size
        )

    def _read_page(self, pages: requests.Pages, reply: Reply) -> Sequence[ArkVideoTask]:
        return pages.read(self._read_reply(reply, lambda payload: read_page(payload, self._client)))


def _still(task: str | ArkVideoTask, found: ArkVideoTask | None) -> str:
    task_id = task if isinstance(task, str) else task.id
    state = "not known to have ended" if found is None else found.status
    return f"The video task {task_id} goes on, and can be waited for again by its id: it is still {state}"


def _check_can_be_cancelled(task: ArkVideoTask) -> None:
    if task.status == "queued":
        return
    advice = (
        "delete() removes its record."
        if task.is_done
        else "The service stops queued tasks only: wait for its end."
    )
    raise InvalidRequestError(
        f"The video task {task.id} cannot be cancelled: it is {task.status}. {advice}", body=dict(task.raw)
    )


def _check_can_be_deleted(task: ArkVideoTask) -> None:
    if task.is_done and task.status != "cancelled":
        return
    advice = {
        "queued": "cancel() stops it.",
        "cancelled": "The service deletes cancelled tasks by itself after 24 hours.",
    }.get(task.status, "Wait for its end.")
    raise InvalidRequestError(
        f"The video task {task.id} cannot be deleted: it is {task.status}. {advice}", body=dict(task.raw)
    )
