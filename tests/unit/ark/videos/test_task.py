"""Reading of a task's object: known fields, odd ones, and its failures."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_volcark import ArkVideoTask
from langchain_volcark.ark.videos.task import failure_of, read_page, read_task
from langchain_volcark.exceptions import InvalidRequestError, ResponseFormatError, ServiceError, VolcArkError
from tests.unit.strategies import json_values

WHOLE = {
    "id": "cgt-1",
    "model": "doubao-seedance-2-0-260128",
    "status": "succeeded",
    "error": None,
    "content": {"video_url": "https://e.com/a.mp4?sig", "last_frame_url": "https://e.com/a.png", "file_url": ""},
    "usage": {"completion_tokens": 5, "total_tokens": 5, "tool_usage": {"web_search": 1}},
    "created_at": 1,
    "updated_at": 2,
    "seed": 0,
    "resolution": "720p",
    "ratio": "16:9",
    "duration": 5,
    "framespersecond": 24,
    "generate_audio": False,
    "brand_new": [1],
}


def test_every_field_has_a_place() -> None:
    task = read_task(WHOLE)
    assert task == ArkVideoTask(
        id="cgt-1",
        status="succeeded",
        model="doubao-seedance-2-0-260128",
        video_url="https://e.com/a.mp4?sig",
        last_frame_url="https://e.com/a.png",
        usage={"completion_tokens": 5, "total_tokens": 5, "tool_usage": {"web_search": 1}},
        created_at=1,
        updated_at=2,
        seed=0,
        resolution="720p",
        ratio="16:9",
        duration=5,
        frames_per_second=24,
        generate_audio=False,
        raw=WHOLE,
    )
    assert pickle.loads(pickle.dumps(task)) == task


@pytest.mark.parametrize("missing", ["id", "status"])
@pytest.mark.parametrize("value", [None, "", 5])
def test_a_task_needs_an_id_and_a_status(missing: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"the task has no {missing}"):
        read_task({**WHOLE, missing: value})


@given(st.dictionaries(st.sampled_from([name for name in WHOLE if name not in ("id", "status")]), json_values))
def test_a_field_of_another_type_is_kept_as_it_came(odd: dict[str, Any]) -> None:
    task = read_task({"id": "cgt-1", "status": "running", **odd})
    assert task.raw == {"id": "cgt-1", "status": "running", **odd}
    assert isinstance(hash(task), int)
    repr(task)


@given(st.dictionaries(st.sampled_from(["items", "total"]), json_values))
def test_a_page_is_read_or_refused(page: dict[str, Any]) -> None:
    try:
        tasks, total = read_page(page)
    except ValueError:
        return
    assert all(isinstance(task, ArkVideoTask) for task in tasks)
    assert total is None or isinstance(total, int)


@given(json_values)
def test_any_error_of_a_failed_task_becomes_an_exception(error: Any) -> None:
    failure = failure_of(read_task({"id": "cgt-1", "status": "failed", "error": error}))
    assert isinstance(failure, VolcArkError)
    assert "cgt-1 failed" in failure.message


@pytest.mark.parametrize("status", ["queued", "running", "succeeded", "reviewing"])
def test_a_task_that_may_have_a_video_has_not_failed(status: str) -> None:
    assert failure_of(ArkVideoTask("cgt-1", status, video_url="https://e.com/a.mp4")) is None


def test_a_task_that_succeeded_without_a_video_is_an_error() -> None:
    assert isinstance(failure_of(ArkVideoTask("cgt-1", "succeeded")), ResponseFormatError)


def test_expired_and_cancelled_tasks_have_failed() -> None:
    assert isinstance(failure_of(ArkVideoTask("cgt-1", "expired")), ServiceError)
    assert isinstance(failure_of(ArkVideoTask("cgt-1", "cancelled")), InvalidRequestError)


@pytest.mark.parametrize(
    ("status", "done"),
    [("queued", False), ("running", False), ("succeeded", True), ("failed", True), ("cancelled", True),
     ("expired", True), ("reviewing", False)],
)  # fmt: skip
def test_a_task_knows_whether_it_has_ended(status: str, done: bool) -> None:
    assert ArkVideoTask("cgt-1", status).is_done is done
