"""What is not sure about Ark's video tasks, as the emulator plays it. `docs/uncertain.md` explains the tests.

They run where `ARK_VIDEO_MODEL` names a Seedance 2.0 model that is activated. Two of them make a video of four seconds
in 480p, which is billed; the others are refused, or cancelled while they are queued.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.live.kit import Wire
from tests.live.services import TRUSTED, Services

PATH = "/contents/generations/tasks"
CAT: dict[str, Any] = {"type": "text", "text": "A cat asleep"}
SMALL = {"resolution": "480p", "duration": 4, "generate_audio": False}
LINK = "https://ark-project.tos-cn-beijing.volces.com/doc_image/r2v_tea_pic1.jpg"
PATIENCE = 1200


class Videos:
    def __init__(self, wire: Wire, model: str, *, real: bool) -> None:
        self.client = wire.client
        self.model = model
        self.real = real
        self.made: list[str] = []

    def post(self, *content: dict[str, Any], **fields: Any) -> httpx.Response:
        reply = self.client.post(PATH, json={"model": self.model, "content": list(content), **SMALL, **fields})
        if reply.status_code == 200:
            self.made.append(reply.json()["id"])
        return reply

    def refusal(self, *content: dict[str, Any], **fields: Any) -> Any:
        reply = self.post(*content, **fields)
        assert reply.status_code == 400, reply.text
        return reply.json()["error"]

    def wait(self, task_id: str, *states: str) -> Any:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            task = self.client.get(f"{PATH}/{task_id}").json()
            if task["status"] in states or task["status"] in ("succeeded", "failed", "expired"):
                return task
            if self.real:
                time.sleep(5)
        raise AssertionError(f"{task_id} is still {task['status']}")

    def delete(self, task_id: str) -> httpx.Response:
        return self.client.delete(f"{PATH}/{task_id}")


@pytest.fixture
def videos(ark: Wire, services: Services) -> Iterator[Videos]:
    made = Videos(ark, services.name("ARK_VIDEO_MODEL"), real=services.real)
    yield made
    for task_id in made.made:
        made.delete(task_id)  # what is queued is not made, and not billed


def test_a_field_that_the_model_lacks_is_refused(videos: Videos) -> None:
    error = videos.refusal(CAT, camera_fixed=True)
    assert error["code"].startswith("InvalidParameter")
    assert "camera_fixed" in error["message"]


def test_a_field_that_does_not_exist_is_refused(videos: Videos) -> None:
    assert "brand_new" in videos.refusal(CAT, brand_new=1)["message"]


def test_a_video_in_the_request_is_refused(videos: Videos) -> None:
    url = "data:video/mp4;base64,AAAAGGZ0eXBpc29tAAAAAA=="
    videos.refusal(CAT, {"type": "video_url", "video_url": {"url": url}, "role": "reference_video"})


def test_reference_audio_alone_is_refused(videos: Videos) -> None:
    url = "https://ark-project.tos-cn-beijing.volces.com/doc_audio/r2v_tea_audio1.mp3"
    videos.refusal(CAT, {"type": "audio_url", "audio_url": {"url": url}, "role": "reference_audio"})


def test_several_pictures_need_roles(videos: Videos) -> None:
    picture = {"type": "image_url", "image_url": {"url": LINK}}
    assert "role must be specified" in videos.refusal(CAT, picture, {**picture, "role": "last_frame"})["message"]


def test_frames_and_references_are_not_mixed(videos: Videos) -> None:
    picture = {"type": "image_url", "image_url": {"url": LINK}}
    error = videos.refusal(CAT, {**picture, "role": "first_frame"}, {**picture, "role": "reference_image"})
    assert "cannot be mixed" in error["message"]


def test_a_page_of_a_list_has_at_most_500_tasks(videos: Videos) -> None:
    assert videos.client.get(PATH, params={"page_size": 500}).status_code == 200
    assert videos.client.get(PATH, params={"page_size": 501}).status_code == 400


def test_a_queued_task_is_cancelled_with_an_empty_reply(videos: Videos) -> None:
    task_id = videos.post(CAT).json()["id"]
    reply = videos.delete(task_id)
    if reply.status_code != 200:
        # The service alone decides how long a task stays in the queue.
        pytest.skip(f"the service began the task before it could be cancelled: {reply.text[:200]}")
    assert reply.text in ("", "{}")
    assert videos.client.get(f"{PATH}/{task_id}").json()["status"] == "cancelled"


def test_a_running_task_cannot_be_deleted(videos: Videos) -> None:
    task_id = videos.post(CAT).json()["id"]
    task = videos.wait(task_id, "running")
    if task["status"] != "running":
        # The service alone decides how long a task runs, which may be shorter than the time between two looks.
        pytest.skip(f"the service finished the task between two looks: {task['status']}")
    reply = videos.delete(task_id)
    assert reply.status_code in (400, 403, 409), reply.text
    videos.wait(task_id)


def test_the_link_of_a_video_takes_no_key(videos: Videos) -> None:
    task = videos.wait(videos.post(CAT, return_last_frame=True).json()["id"])
    assert task["status"] == "succeeded", task
    key = {"Authorization": videos.client.headers["authorization"]}
    with httpx.Client(verify=TRUSTED) as anonymous:
        for link, start in (("video_url", b"ftyp"), ("last_frame_url", b"PNG")):
            assert start in anonymous.get(task["content"][link]).content[:12]
        assert anonymous.get(task["content"]["video_url"], headers=key).status_code >= 400
