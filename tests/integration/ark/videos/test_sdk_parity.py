"""The vendor's SDKs as witnesses: for the same call their request equals ours, their unset fields (null) dropped."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from langchain_volcark import ArkVideoGenerator
from langchain_volcark.emulator import Emulator, RecordedRequest
from tests.integration.ark.videos.conftest import Make
from tests.integration.emulator.responses_kit import SDKS, official_sdk
from tests.json_types import typed
from tests.pictures import png

Json = dict[str, Any]

MODEL = "doubao-seedance-2-0-260128"
OLDER = "doubao-seedance-1-5-pro-251215"
OLDEST = "doubao-seedance-1-0-pro-250528"
NEWEST = "doubao-seedance-2-5-260628"
IMAGE, VIDEO, AUDIO = (f"https://example.com/a.{suffix}" for suffix in ("png", "mp4", "mp3"))
PNG = png(1, 2, 3, side=300)
DATA_URL = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
TEXT = {"type": "text", "text": "A cat 猫"}
WAV = b"RIFF\x24\0\0\0WAVEfmt "
WAV_URL = f"data:audio/wav;base64,{base64.b64encode(WAV).decode()}"

pytestmark = [
    pytest.mark.filterwarnings(f"ignore::DeprecationWarning:{name}.*")
    for name in ("volcenginesdkarkruntime", "volcenginesdkcore", "arkruntime")
]


def part(kind: str, url: str, role: str) -> Json:
    return {"type": f"{kind}_url", f"{kind}_url": {"url": url}, "role": role}


ALL = {
    "callback_url": "https://example.com/hook?a=1",
    "return_last_frame": True,
    "execution_expires_after": 7200,
    "generate_audio": False,
    "watermark": True,
    "seed": 11,
    "resolution": "1080p",
    "ratio": "9:16",
    "duration": 10,
    "safety_identifier": "user-1",
}

# our arguments, the SDK's content, its other arguments
SUBMISSIONS: dict[str, tuple[Json, list[Json], Json]] = {
    "text": ({}, [TEXT], {}),
    "first frame": ({"first_frame": IMAGE}, [TEXT, part("image", IMAGE, "first_frame")], {}),
    "first frame in bytes": ({"first_frame": PNG}, [TEXT, part("image", DATA_URL, "first_frame")], {}),
    "first and last frame": (
        {"first_frame": IMAGE, "last_frame": {"type": "image", "url": DATA_URL}},
        [TEXT, part("image", IMAGE, "first_frame"), part("image", DATA_URL, "last_frame")],
        {},
    ),
    "references": (
        {"references": [IMAGE, VIDEO, AUDIO, {"type": "video", "url": "asset://asset-1"}]},
        [
            TEXT,
            part("image", IMAGE, "reference_image"),
            part("video", VIDEO, "reference_video"),
            part("audio", AUDIO, "reference_audio"),
            part("video", "asset://asset-1", "reference_video"),
        ],
        {},
    ),
    "audio in bytes": (
        {"references": [PNG, WAV]},
        [TEXT, part("image", DATA_URL, "reference_image"), part("audio", WAV_URL, "reference_audio")],
        {},
    ),
    "all options": (ALL, [TEXT], ALL),
    "search": ({"tools": ["web_search"]}, [TEXT], {"tools": [{"type": "web_search"}]}),
    "chosen length": ({"duration": -1}, [TEXT], {"duration": -1}),
    "draft": ({"model": OLDER, "draft": True}, [TEXT], {"model": OLDER, "draft": True}),
    "offline": ({"model": OLDER, "service_tier": "flex"}, [TEXT], {"model": OLDER, "service_tier": "flex"}),
    "frames": (
        {"model": OLDEST, "frames": 121, "camera_fixed": True},
        [TEXT],
        {"model": OLDEST, "frames": 121, "camera_fixed": True},
    ),
}
# fields that only the older SDK has
EDITING = {
    "model": NEWEST,
    "omni_reference_task_type": "edit",
    "output_format": "mov",
    "priority": 3,
    "ratio": "adaptive",
}


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_nulls(one) for name, one in value.items() if one is not None}
    return [without_nulls(one) for one in value] if isinstance(value, list) else value


def same(mine: RecordedRequest, its: RecordedRequest) -> None:
    assert mine is not its
    assert (mine.method, mine.path) == (its.method, its.path)
    # The SDKs send an empty object with a DELETE, which has no fields.
    assert typed(mine.json or {}) == typed(without_nulls(its.json) or {})
    assert sorted(mine.query_pairs) == sorted(its.query_pairs)
    assert mine.headers["authorization"] == its.headers["authorization"]


@pytest.mark.parametrize("sdk", SDKS)
@pytest.mark.parametrize("name", SUBMISSIONS)
def test_a_submission_equals_the_sdks(videos: ArkVideoGenerator, emulator: Emulator, name: str, sdk: str) -> None:
    ours, content, theirs = SUBMISSIONS[name]
    videos.submit(TEXT["text"], **ours)
    mine = emulator.requests[-1]
    with official_sdk(sdk, emulator) as client:
        client.content_generation.tasks.create(**{"model": MODEL, "content": content, **theirs})
    same(mine, emulator.requests[-1])


def test_an_edit_equals_the_older_sdks(videos: ArkVideoGenerator, emulator: Emulator) -> None:
    videos.submit("Make it night", references=[VIDEO], **EDITING)
    mine = emulator.requests[-1]
    content = [{"type": "text", "text": "Make it night"}, part("video", VIDEO, "reference_video")]
    with official_sdk("volcenginesdkarkruntime", emulator) as client:
        client.content_generation.tasks.create(content=content, **EDITING)
    same(mine, emulator.requests[-1])


@pytest.mark.parametrize("sdk", SDKS)
def test_a_draft_task_equals_the_sdks(make: Make, emulator: Emulator, sdk: str) -> None:
    videos = make(model=OLDER)
    emulator.plan_video(polls=0)
    draft = videos.submit("A cat", draft=True)
    videos.submit(draft_task=draft, resolution="720p")
    mine = emulator.requests[-1]
    content = [{"type": "draft_task", "draft_task": {"id": draft.id}}]
    with official_sdk(sdk, emulator) as client:
        client.content_generation.tasks.create(model=OLDER, content=content, resolution="720p")
    same(mine, emulator.requests[-1])


FILTERS: Json = {"status": "queued", "model": MODEL, "service_tier": "default"}
READINGS: dict[str, tuple[Callable[[ArkVideoGenerator, str], Any], Callable[[Any, str], Any]]] = {
    "get": (lambda videos, task: videos.get(task), lambda tasks, task: tasks.get(task_id=task)),
    "delete": (lambda videos, task: videos.delete(task), lambda tasks, task: tasks.delete(task_id=task)),
    "list": (lambda videos, task: list(videos.list()), lambda tasks, task: tasks.list(page_num=1, page_size=100)),
    "list with filters": (
        lambda videos, task: list(videos.list(**FILTERS, task_ids=[task, "cgt-2"], page_size=7)),
        lambda tasks, task: tasks.list(**FILTERS, task_ids=[task, "cgt-2"], page_num=1, page_size=7),
    ),
}


@pytest.mark.parametrize("sdk", SDKS)
@pytest.mark.parametrize("name", READINGS)
def test_a_reading_equals_the_sdks(videos: ArkVideoGenerator, emulator: Emulator, name: str, sdk: str) -> None:
    ours, theirs = READINGS[name]
    emulator.plan_video(polls=0)
    task = videos.submit("A cat").id
    ours(videos, task)
    mine = emulator.requests[-1]
    with official_sdk(sdk, emulator) as client, contextlib.suppress(Exception):  # the task may be deleted by now
        theirs(client.content_generation.tasks, task)
    same(mine, emulator.requests[-1])


def test_both_read_the_same_task(videos: ArkVideoGenerator, emulator: Emulator, tmp_path: Path) -> None:
    emulator.plan_video(polls=0)
    task = videos.get(videos.submit("A cat", return_last_frame=True, duration=4))
    with official_sdk("arkruntime", emulator) as client:
        its = client.content_generation.tasks.get(task.id)
    assert (task.video_url, task.last_frame_url) == (its.content.video_url, its.content.last_frame_url)
    assert task.usage == its.usage.model_dump(exclude_none=True)
    assert task.frames_per_second == its.framespersecond
    for name in ("id", "model", "created_at", "updated_at", "seed", "resolution", "ratio", "duration", "frames",
                 "generate_audio", "draft", "service_tier", "execution_expires_after"):  # fmt: skip
        assert getattr(task, name) == getattr(its, name), name
