"""The rules of video tasks that no SDK lets its user break, their states, and the links of their files."""

from __future__ import annotations

import base64
import io
from typing import Any

import av
import httpx
import pytest

from langchain_volcark.emulator import Emulator
from tests.integration.emulator.responses_kit import Client
from tests.pictures import png

Json = dict[str, Any]

PATH = "/contents/generations/tasks"
MODEL = "doubao-seedance-2-0-260128"
DAY = 24 * 60 * 60
CAT = {"type": "text", "text": "A cat on a sofa"}


def image(role: str | None, url: str = "https://example.com/a.png") -> Json:
    part = {"type": "image_url", "image_url": {"url": url}}
    return part if role is None else {**part, "role": role}


def video() -> Json:
    return {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}, "role": "reference_video"}


def audio(url: str = "https://example.com/a.mp3") -> Json:
    return {"type": "audio_url", "audio_url": {"url": url}, "role": "reference_audio"}


def data_url(content: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


class Tasks:
    def __init__(self, client: Client) -> None:
        self.http = client.http

    def post(self, *content: Json, **fields: Any) -> httpx.Response:
        return self.http.post(PATH, json={"model": MODEL, "content": list(content), **fields})

    def create(self, *content: Json, **fields: Any) -> str:
        reply = self.post(*content, **fields)
        assert reply.status_code == 200, reply.text
        return str(reply.json()["id"])

    def refusal(self, *content: Json, **fields: Any) -> str:
        reply = self.post(*content, **fields)
        assert reply.status_code == 400, reply.text
        return str(reply.json()["error"]["message"])

    def get(self, task_id: str) -> Json:
        reply = self.http.get(f"{PATH}/{task_id}")
        assert reply.status_code == 200, reply.text
        found = reply.json()
        assert isinstance(found, dict)
        return found


@pytest.fixture
def tasks(client: Client) -> Tasks:
    return Tasks(client)


class TestModes:
    def test_an_image_alone_needs_no_role(self, tasks: Tasks) -> None:
        assert tasks.create(CAT, image(None))

    def test_images_beside_others_need_one(self, tasks: Tasks) -> None:
        assert "role must be specified for image contents" in tasks.refusal(CAT, image(None), image("last_frame"))

    def test_frames_and_references_exclude_each_other(self, tasks: Tasks) -> None:
        mixed = "first/last frame content cannot be mixed with reference media content"
        assert mixed in tasks.refusal(CAT, image("first_frame"), image("reference_image"))
        assert mixed in tasks.refusal(CAT, image("first_frame"), video())

    def test_a_last_frame_needs_a_first(self, tasks: Tasks) -> None:
        assert "first frame" in tasks.refusal(CAT, image("last_frame"))

    def test_audio_is_never_alone(self, tasks: Tasks) -> None:
        assert "reference audio needs" in tasks.refusal(CAT, audio())
        assert tasks.create(CAT, audio(), video())
        assert tasks.create(CAT, audio(), model="doubao-seedance-2-5-260628")

    def test_references_are_counted(self, tasks: Tasks) -> None:
        assert tasks.create(CAT, *[image("reference_image")] * 9, *[video()] * 3, *[audio()] * 3)
        assert "less than or equal to 9" in tasks.refusal(CAT, *[image("reference_image")] * 10)
        assert "less than or equal to 3" in tasks.refusal(CAT, *[video()] * 4)

    def test_a_model_without_references_refuses_them(self, tasks: Tasks) -> None:
        text = tasks.refusal(CAT, image("reference_image"), model="doubao-seedance-1-5-pro-251215")
        assert "less than or equal to 0 for model doubao-seedance-1-5-pro" in text

    def test_a_draft_becomes_a_video_once_it_has_succeeded(self, tasks: Tasks, emulator: Emulator) -> None:
        model = "doubao-seedance-1-5-pro-251215"
        draft = tasks.create(CAT, model=model, draft=True)
        part = {"type": "draft_task", "draft_task": {"id": draft}}
        assert "is not a draft task that has succeeded" in tasks.refusal(part, model=model)
        while tasks.get(draft)["status"] != "succeeded":
            pass
        assert tasks.get(tasks.create(part, model=model, resolution="1080p"))["draft_task_id"] == draft
        assert "cannot be used with other content" in tasks.refusal(part, CAT, model=model)
        assert "does not support draft" in tasks.refusal(part)

    def test_edited_and_extended_videos_follow_the_input(self, tasks: Tasks) -> None:
        newest = {"model": "doubao-seedance-2-5-260628"}
        assert "`ratio` must be `adaptive`" in tasks.refusal(CAT, image("first_frame"), ratio="16:9", **newest)
        assert "`duration` must be `-1`" in tasks.refusal(
            CAT, video(), omni_reference_task_type="edit", duration=5, **newest
        )
        assert "does not fit the task type extend" in tasks.refusal(
            CAT, omni_reference_task_type="extend", **newest
        )
        assert tasks.create(CAT, video(), omni_reference_task_type="edit", duration=-1, **newest)


class TestMedia:
    @pytest.mark.parametrize(
        ("part", "text"),
        [
            (image("first_frame", data_url(png(1, 2, 3, side=200))), "between 300 and 6000px, got 200x200"),
            (image("first_frame", data_url(b"no picture")), "not an image"),
            (image("first_frame", "cat.png"), "neither a link nor an asset id"),
            (image("reference_video"), "expected one of"),
            ({"type": "image_url", "role": "first_frame"}, "image_url"),
            ({"type": "video_url", "video_url": {"url": data_url(b"0" * 99, "video/mp4")}, "role": "reference_video"},
             "neither a link nor an asset id"),
            (audio(data_url(b"no sound", "audio/wav")), "wav or mp3"),
            ({"type": "file", "file": {}}, "unknown type"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_read_is_refused(self, tasks: Tasks, part: Json, text: str) -> None:
        assert text in tasks.refusal(CAT, part)

    def test_the_ratio_follows_the_first_frame(self, tasks: Tasks, emulator: Emulator) -> None:
        emulator.plan_video(polls=0)
        task_id = tasks.create(CAT, image("first_frame", data_url(png(1, 2, 3, side=300))))
        assert tasks.get(task_id)["ratio"] == "1:1"

    def test_assets_of_the_library_are_taken(self, tasks: Tasks) -> None:
        assert tasks.create(CAT, image("reference_image", "asset://asset-20260401-abc"))


class TestFields:
    def test_what_is_unknown_is_refused(self, tasks: Tasks) -> None:
        assert 'unknown field "fps"' in tasks.refusal(CAT, fps=24)

    @pytest.mark.parametrize(
        "fields",
        [
            {"seed": -2},
            {"execution_expires_after": 60},
            {"priority": 10},
            {"watermark": "no"},
            {"duration": 5.0},
            {"safety_identifier": "x" * 65},
            {"tools": [{"type": "mcp"}]},
            {"callback_url": "here"},
            {"output_format": "mov"},
            {"omni_reference_task_type": "edit"},
        ],
    )
    def test_what_is_out_of_range_is_refused(self, tasks: Tasks, fields: Json) -> None:
        assert next(iter(fields)) in tasks.refusal(CAT, **fields)

    def test_what_was_set_is_shown(self, tasks: Tasks) -> None:
        found = tasks.get(tasks.create(CAT, priority=3, safety_identifier="u1", generate_audio=False))
        assert (found["priority"], found["safety_identifier"], found["generate_audio"]) == (3, "u1", False)

    def test_searches_are_counted(self, tasks: Tasks, emulator: Emulator) -> None:
        emulator.plan_video(polls=0)
        found = tasks.get(tasks.create(CAT, tools=[{"type": "web_search"}]))
        assert found["usage"]["tool_usage"] == {"web_search": 1}

    def test_moderation_refuses_a_prompt(self, tasks: Tasks) -> None:
        reply = tasks.post({"type": "text", "text": "EMULATOR_SENSITIVE_INPUT"})
        assert reply.json()["error"]["code"] == "InputTextSensitiveContentDetected"


class TestStates:
    def test_a_task_goes_by_the_clock(self, tasks: Tasks, emulator: Emulator) -> None:
        emulator.plan_video(seconds=100)
        task_id = tasks.create(CAT)
        found = []
        for passed in (0, 26, 101):
            emulator.shift_clock(passed)
            found.append(tasks.get(task_id)["status"])
        assert found == ["queued", "running", "succeeded"]

    def test_a_task_that_takes_too_long_expires(self, tasks: Tasks, emulator: Emulator) -> None:
        emulator.plan_video(seconds=10 * DAY)
        task_id = tasks.create(CAT, execution_expires_after=3600)
        emulator.shift_clock(3599)
        assert tasks.get(task_id)["status"] == "queued"
        emulator.shift_clock(3601)
        assert tasks.get(task_id)["status"] == "expired"

    def test_a_task_is_forgotten_after_seven_days(self, tasks: Tasks, emulator: Emulator) -> None:
        task_id = tasks.create(CAT)
        emulator.shift_clock(7 * DAY + 1)
        assert tasks.http.get(f"{PATH}/{task_id}").status_code == 404

    def test_a_cancelled_task_cannot_be_deleted(self, tasks: Tasks) -> None:
        task_id = tasks.create(CAT)
        assert tasks.http.delete(f"{PATH}/{task_id}").json() == {}
        assert "cancelled" in tasks.http.delete(f"{PATH}/{task_id}").json()["error"]["message"]

    def test_a_plan_can_be_set_over_http(self, tasks: Tasks, emulator: Emulator) -> None:
        url = f"{emulator.origin}/_emulator/plan_video"
        assert httpx.post(url, json={"status": "expired", "polls": 1}).json() == {"ok": True}
        assert tasks.get(tasks.create(CAT))["status"] == "expired"
        assert httpx.post(url, json={"status": "sad"}).status_code == 400

    @pytest.mark.parametrize("query", ["page_num=0", "page_size=501", "page_size=x", "filter.status=sad"])
    def test_lists_are_asked_for_properly(self, tasks: Tasks, query: str) -> None:
        assert tasks.http.get(f"{PATH}?{query}").status_code == 400

    def test_a_temporary_key_is_refused(self, tasks: Tasks, emulator: Emulator) -> None:
        key = emulator._credentials.issue(frozenset({MODEL}), 60)
        reply = tasks.http.get(PATH, headers={"Authorization": f"Bearer {key.value}"})
        assert (reply.status_code, reply.json()["error"]["code"]) == (401, "AuthenticationError")


class TestLinks:
    @pytest.fixture
    def content(self, tasks: Tasks, emulator: Emulator) -> Json:
        emulator.plan_video(polls=0)
        found = tasks.get(tasks.create(CAT, return_last_frame=True))["content"]
        assert isinstance(found, dict)
        return found

    def test_the_video_can_be_decoded_and_ends_with_the_last_frame(self, content: Json) -> None:
        movie = av.open(io.BytesIO(httpx.get(content["video_url"]).content))
        frames = [frame.to_ndarray(format="rgb24") for frame in movie.decode(video=0)]
        assert len(frames) == 48
        assert movie.streams.video[0].average_rate == 24
        picture = av.open(io.BytesIO(httpx.get(content["last_frame_url"]).content))
        last = next(picture.decode(video=0)).to_ndarray(format="rgb24")
        assert last.shape == (180, 320, 3)
        assert abs(frames[-1].astype(int) - last).mean() < 5
        assert abs(frames[0].astype(int) - last).mean() > 5

    def test_a_link_needs_no_key_and_takes_none(self, content: Json, emulator: Emulator) -> None:
        assert httpx.get(content["video_url"]).status_code == 200
        header = {"Authorization": f"Bearer {emulator.api_key}"}
        assert httpx.get(content["video_url"], headers=header).status_code == 400

    def test_a_link_lives_for_a_day(self, content: Json, emulator: Emulator) -> None:
        emulator.shift_clock(DAY - 1)
        assert httpx.get(content["video_url"]).status_code == 200
        emulator.shift_clock(DAY + 1)
        reply = httpx.get(content["video_url"])
        assert (reply.status_code, reply.json()["Message"]) == (403, "Request has expired.")

    def test_a_link_is_of_no_use_without_its_signature(self, content: Json) -> None:
        address = content["video_url"].partition("?")[0]
        assert httpx.get(address).json()["Code"] == "SignatureDoesNotMatch"
        assert httpx.get(f"{address}x").json()["Code"] == "NoSuchKey"
        assert httpx.post(content["video_url"]).status_code == 405
