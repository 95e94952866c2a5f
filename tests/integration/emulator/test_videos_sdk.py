"""The vendor's own SDKs, the newer and the older, against video tasks: outside witnesses of their wire format."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from langchain_volcark.emulator import Emulator
from tests.integration.emulator.responses_kit import SDKS, official_sdk

MODEL = "doubao-seedance-2-0-260128"
CAT = {"type": "text", "text": "A cat on a sofa"}
CAT_PNG = "https://example.com/cat.png"

pytestmark = [
    pytest.mark.filterwarnings(f"ignore::DeprecationWarning:{name}.*")
    for name in ("volcenginesdkarkruntime", "volcenginesdkcore", "arkruntime")
]


@pytest.fixture(params=SDKS)
def tasks(request: pytest.FixtureRequest, emulator: Emulator) -> Iterator[Any]:
    with official_sdk(request.param, emulator) as made:
        yield made.content_generation.tasks


def image(role: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": CAT_PNG}, "role": role}


def refused(call: Any) -> Any:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - each SDK has its own
        call()
    return caught.value


def test_a_task_is_created_queried_and_downloaded(tasks: Any, emulator: Emulator) -> None:
    created = tasks.create(model=MODEL, content=[CAT], resolution="720p", ratio="16:9", duration=5, seed=11)
    assert created.id.startswith("cgt-")
    states = []
    for _ in range(3):
        task = tasks.get(task_id=created.id)
        states.append(task.status)
    assert states == ["queued", "running", "succeeded"]
    assert (task.resolution, task.ratio, task.duration, task.seed) == ("720p", "16:9", 5, 11)
    assert task.framespersecond == 24
    assert task.usage.completion_tokens == 1280 * 720 * 24 * 5 // 1024
    assert httpx.get(task.content.video_url).content[4:8] == b"ftyp"


def test_the_last_frame_comes_where_it_is_asked_for(tasks: Any, emulator: Emulator) -> None:
    emulator.plan_video(polls=0)
    created = tasks.create(model=MODEL, content=[CAT, image("first_frame")], return_last_frame=True)
    task = tasks.get(task_id=created.id)
    assert httpx.get(task.content.last_frame_url).content.startswith(b"\x89PNG")


def test_a_failed_task_has_a_code_and_a_message(tasks: Any, emulator: Emulator) -> None:
    emulator.plan_video("failed", polls=1, code="OutputVideoSensitiveContentDetected", message="It may be unfit.")
    task = tasks.get(task_id=tasks.create(model=MODEL, content=[CAT]).id)
    assert task.status == "failed"
    assert (task.error.code, task.error.message) == ("OutputVideoSensitiveContentDetected", "It may be unfit.")


def test_lists_are_filtered_and_paged(tasks: Any) -> None:
    ids = [tasks.create(model=MODEL, content=[CAT]).id for _ in range(3)]
    found = tasks.list(task_ids=ids, page_num=1, page_size=2, status="queued", model=MODEL)
    assert found.total == 3
    assert [task.id for task in found.items] == [ids[2], ids[1]]
    assert [task.id for task in tasks.list(task_ids=ids, page_num=2, page_size=2).items] == [ids[0]]
    assert tasks.list(task_ids=ids, status="failed").total == 0


def test_a_queued_task_is_cancelled_and_a_running_one_is_not(tasks: Any) -> None:
    queued = tasks.create(model=MODEL, content=[CAT]).id
    with contextlib.suppress(AttributeError):  # the older SDK trips over the reply, which has no content
        tasks.delete(task_id=queued)
    running = tasks.create(model=MODEL, content=[CAT]).id
    assert [tasks.get(task_id=running).status for _ in range(2)] == ["queued", "running"]
    assert "running" in str(refused(lambda: tasks.delete(task_id=running)))
    assert tasks.get(task_id=queued).status == "cancelled"


def test_a_finished_task_is_removed(tasks: Any, emulator: Emulator) -> None:
    emulator.plan_video(polls=0)
    created = tasks.create(model=MODEL, content=[CAT]).id
    with contextlib.suppress(AttributeError):
        tasks.delete(task_id=created)
    assert refused(lambda: tasks.get(task_id=created)).status_code == 404


@pytest.mark.parametrize(
    ("model", "fields", "param"),
    [
        ("doubao-seedance-2-0-260128", {"duration": 3}, "duration"),
        ("doubao-seedance-2-0-260128", {"camera_fixed": True}, "camera_fixed"),
        ("doubao-seedance-2-0-260128", {"service_tier": "flex"}, "service_tier"),
        ("doubao-seedance-2-0-260128", {"frames": 29}, "frames"),
        ("doubao-seedance-2-0-fast-260128", {"resolution": "1080p"}, "resolution"),
        ("doubao-seedance-1-5-pro-251215", {"draft": True, "resolution": "720p"}, "resolution"),
        ("doubao-seedance-1-0-pro-250528", {"generate_audio": True}, "generate_audio"),
        ("doubao-seedance-1-0-pro-250528", {"frames": 30}, "frames"),
        ("doubao-seedance-1-0-pro-250528", {"ratio": "adaptive"}, "ratio"),
        ("doubao-seedance-1-0-lite-i2v-250428", {}, "content"),
        ("doubao-seed-2-1-pro-260915", {}, "model"),
    ],
)
def test_what_a_model_lacks_is_refused(tasks: Any, model: str, fields: dict[str, Any], param: str) -> None:
    error = refused(lambda: tasks.create(model=model, content=[CAT], **fields))
    assert error.status_code == 400
    assert param in str(error)
