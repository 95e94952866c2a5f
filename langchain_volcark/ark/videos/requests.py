"""Writes the requests for video tasks: submit, get, delete, list.

Follows https://www.volcengine.com/docs/82379/1520757 and https://www.volcengine.com/docs/82379/1521675.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from langchain_volcark.ark.videos.content import task_id_of, write_content
from langchain_volcark.ark.videos.models import check_request
from langchain_volcark.ark.videos.settings import BODY_FIELDS, CALL_FIELDS
from langchain_volcark.base.call_values import CALL_TYPES, Call, check_call
from langchain_volcark.base.values import check_value, shown
from langchain_volcark.http.requests import ServiceRequest
from langchain_volcark.http.retry import Attempts, is_safe_to_repeat

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_volcark.ark.videos.content import VideoInput
    from langchain_volcark.ark.videos.settings import VideoSettings
    from langchain_volcark.ark.videos.task import ArkVideoTask

PATH = "/contents/generations/tasks"
STATES = ("queued", "running", "cancelled", "succeeded", "failed", "expired")
_TYPES = {name: CALL_TYPES[name] for name in ("extra_body", "extra_headers", "extra_query", "timeout")}
_PAGE = 100
_LAST_PAGE = 500


def submission(settings: VideoSettings, given: VideoInput, values: Mapping[str, Any]) -> ServiceRequest:
    """The request that creates a task; reads files.

    Args:
        settings: The settings of the generator.
        given: What the video is made from.
        values: The settings of the call; None unsets the generator's own.

    Returns:
        A request that is never sent again once it may have been executed, because each one is billed.

    Raises:
        ValueError: A setting is invalid, does not fit the model, or contradicts another; the text names it.
        OSError: A file cannot be read.
    """
    checked = check_call(type(settings), values, fields=CALL_FIELDS, types=_TYPES)
    if unknown := checked.keys() - {*CALL_FIELDS, *_TYPES}:
        raise ValueError(f"{min(unknown)}: there is no such setting. Send new fields with extra_body.")
    call = Call(checked)
    model = call.model or settings.model
    own = {name: value for name in BODY_FIELDS if (value := getattr(settings, name)) is not None}
    own.pop(_overridden(checked), None)
    body = call.write({"model": model, **own}, stop=None, raw={})
    if "duration" in body and "frames" in body:
        raise ValueError("duration and frames exclude each other: both are the length of the video. Set one.")
    check_request(model, given.mode, body)
    body["content"] = write_content(given, model)
    return ServiceRequest(
        PATH, {**body, **settings.extra_body, **call.extra_body}, **call.transport(), **_once(settings)
    )


def _overridden(values: Mapping[str, Any]) -> str:
    """The generator's setting that a call replaces by another one of the same meaning."""
    if values.get("frames") is not None:
        return "duration"
    return "frames" if values.get("duration") is not None else ""


def reading(task: str | ArkVideoTask) -> ServiceRequest:
    """The request that reads a task."""
    return ServiceRequest(f"{PATH}/{task_id_of(task)}", {}, method="GET")


def deletion(settings: VideoSettings, task: str | ArkVideoTask) -> ServiceRequest:
    """The request that cancels a queued task and deletes one that has ended.

    Repeated, it would act on another state: so it is not sent again once it may have been executed.
    """
    return ServiceRequest(f"{PATH}/{task_id_of(task)}", {}, method="DELETE", **_once(settings))


def _once(settings: VideoSettings) -> dict[str, Any]:
    return {"retries": Attempts(settings.max_retries, is_safe_to_repeat), "fresh_connection": True}


class Pages:
    """The pages of a list of tasks, up to the last.

    Args:
        status: Only tasks in this state.
        model: Only tasks of this model or endpoint.
        task_ids: Only these tasks.
        service_tier: Only tasks of this tier.
        page_size: Tasks per request, 1 to 500.

    Raises:
        ValueError: A filter is invalid.
    """

    def __init__(
        self,
        *,
        status: str | None,
        model: str | None,
        task_ids: Any,
        service_tier: Literal["default", "flex"] | None,
        page_size: int = _PAGE,
    ) -> None:
        if status is not None and status not in STATES:
            raise ValueError(f"status must be one of {', '.join(STATES)}, not {shown(status)}.")
        if service_tier not in (None, "default", "flex"):
            raise ValueError(f"service_tier must be 'default' or 'flex', not {shown(service_tier)}.")
        if isinstance(page_size, bool) or not isinstance(page_size, int) or not 1 <= page_size <= 500:
            raise ValueError(f"page_size must be a whole number between 1 and 500, not {shown(page_size)}.")
        wanted = None if task_ids is None else [task_id_of(one, "task_ids") for one in _as_tasks(task_ids)]
        self.done = wanted == []
        self._size = page_size
        self._number = 0
        self._seen: set[str] = set()
        filters = {
            "filter.status": status,
            "filter.model": None if model is None else str(check_value(str, "model", model)),
            "filter.task_ids": wanted,
            "filter.service_tier": service_tier,
        }
        self._filters = {name: value for name, value in filters.items() if value is not None}

    def request(self) -> ServiceRequest:
        """The request for the next page."""
        self._number += 1
        query = {"page_num": self._number, "page_size": self._size, **self._filters}
        return ServiceRequest(PATH, {}, method="GET", query=query)

    def read(self, page: tuple[list[ArkVideoTask], int | None]) -> list[ArkVideoTask]:
        """The tasks of a page that are new: tasks that are created meanwhile move the others to the next page."""
        tasks, total = page
        new = [task for task in tasks if task.id not in self._seen]
        self._seen.update(task.id for task in new)
        is_last = self._number * self._size >= total if total is not None else len(tasks) < self._size
        self.done = is_last or not tasks or self._number >= _LAST_PAGE
        return new


def _as_tasks(task_ids: Any) -> list[Any]:
    return [task_ids] if isinstance(task_ids, str) or hasattr(task_ids, "status") else list(task_ids)
