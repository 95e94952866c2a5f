"""Video tasks from submission to the saved file, against the emulator."""

from __future__ import annotations

import asyncio
import copy
import pickle
from pathlib import Path
from typing import Any

import pytest

from langchain_volcark import ArkImageGenerator, ArkVideoGenerator
from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import (
    APITimeoutError,
    ContentFilterError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    ResponseFormatError,
    ServiceError,
    VolcArkError,
)
from tests.clock import Clock
from tests.integration.ark.videos.conftest import Call, Make
from tests.pictures import png

PATH = "/contents/generations/tasks"
DAY = 24 * 60 * 60


def posts(emulator: Emulator) -> list[Any]:
    return [request for request in emulator.requests if request.method == "POST"]


class TestSubmission:
    async def test_settings_are_body_fields_and_no_commands_in_the_text(
        self, make: Make, call: Call, emulator: Emulator
    ) -> None:
        task = await call(make(resolution="720p", watermark=False), "submit", "A cat", duration=10, ratio="9:16")
        assert task.id.startswith("cgt-")
        assert (task.status, task.is_done, task.raw["id"]) == ("queued", False, task.id)
        assert emulator.requests[-1].json == {
            "model": "doubao-seedance-2-0-260128",
            "content": [{"type": "text", "text": "A cat"}],
            "resolution": "720p",
            "watermark": False,
            "duration": 10,
            "ratio": "9:16",
        }

    async def test_unset_settings_are_not_sent(self, make: Make, call: Call, emulator: Emulator) -> None:
        await call(make(duration=10, seed=7), "submit", "A cat", seed=None)
        assert emulator.requests[-1].json.keys() == {"model", "content", "duration"}

    async def test_a_length_in_a_call_replaces_the_other_length(
        self, make: Make, call: Call, emulator: Emulator
    ) -> None:
        older = {"model": "doubao-seedance-1-0-pro-250528"}
        await call(make(duration=10, **older), "submit", "A cat", frames=29)
        assert emulator.requests[-1].json.keys() == {"model", "content", "frames"}
        await call(make(frames=29, **older), "submit", "A cat", duration=10)
        assert emulator.requests[-1].json.keys() == {"model", "content", "duration"}

    async def test_files_and_bytes_are_sent_as_data_urls(
        self, videos: ArkVideoGenerator, call: Call, emulator: Emulator, tmp_path: Path
    ) -> None:
        picture = png(9, 9, 9, side=300)
        path = tmp_path / "first.png"
        path.write_bytes(picture)
        await call(videos, "submit", "It moves", first_frame=path, last_frame=picture)
        first, last = emulator.requests[-1].json["content"][1:]
        assert (first["role"], last["role"]) == ("first_frame", "last_frame")
        assert first["image_url"] == last["image_url"]
        assert first["image_url"]["url"].startswith("data:image/png;base64,iVBOR")

    @pytest.mark.parametrize("response_format", ["url", "b64_json"])
    async def test_a_generated_picture_begins_a_video(
        self, videos: ArkVideoGenerator, call: Call, emulator: Emulator, response_format: Any
    ) -> None:
        painter = ArkImageGenerator(
            api_key=emulator.api_key, base_url=emulator.ark_base_url, response_format=response_format
        )
        picture = painter.generate("A red fox")[0]
        await call(videos, "submit", "It runs", first_frame=picture)
        url = emulator.requests[-1].json["content"][1]["image_url"]["url"]
        assert url == (picture.url or f"data:image/jpeg;base64,{picture.base64}")

    async def test_a_call_may_name_another_model_and_unknown_fields(
        self, make: Make, call: Call, emulator: Emulator
    ) -> None:
        emulator.reply_next({"id": "cgt-1"}, path=PATH)
        await call(
            make(model="ep-1", extra_body={"a": 1}),
            "submit",
            "x",
            model="ep-2",
            extra_body={"b": 2, "brand_new": True},
        )
        assert {**emulator.requests[-1].json, "content": 0} == {
            "model": "ep-2", "content": 0, "brand_new": True, "a": 1, "b": 2,
        }  # fmt: skip

    async def test_a_misspelt_setting_is_refused_before_it_is_billed(
        self, make: Make, call: Call, emulator: Emulator
    ) -> None:
        with pytest.raises(ValueError, match="resolutoin: there is no such setting"):
            await call(make(), "submit", "A cat", resolutoin="1080p")
        assert emulator.requests == []

    async def test_a_failure_while_waiting_names_the_task(
        self, make: Make, call: Call, emulator: Emulator, clock: Clock
    ) -> None:
        emulator.reply_next({"id": "cgt-77"}, path="/tasks")
        emulator.fail_next(404, "ResourceNotFound", path="cgt-77")
        with pytest.raises(NotFoundError, match=r"The video task is cgt-77\."):
            await call(make(), "generate", "A cat")

    async def test_a_draft_becomes_a_video(self, make: Make, call: Call, emulator: Emulator, clock: Clock) -> None:
        videos = make(model="doubao-seedance-1-5-pro-251215")
        draft = await call(videos, "generate", "A cat", draft=True)
        assert (draft.resolution, draft.draft) == ("480p", True)
        task = await call(videos, "generate", draft_task=draft, resolution="1080p")
        assert (task.draft_task_id, task.resolution) == (draft.id, "1080p")

    @pytest.mark.parametrize(
        ("arguments", "text"),
        [
            ({"prompt": " "}, "prompt is empty"),
            ({"prompt": "x", "duration": 3}, "duration=3 is not possible"),
            ({"prompt": "x", "duration": "5"}, "duration must be a whole number"),
            ({"prompt": "x", "first_frame": "https://a/b.png", "references": ["https://a/b.png"]}, "exclude"),
            ({"prompt": "x", "last_frame": "https://a/b.png"}, "last_frame needs a first_frame"),
            ({"prompt": "x", "references": ["https://a/b.mp3"]}, "audio alone"),
            ({"prompt": "x", "max_retries": 3}, "a setting of the model, not of a call"),
            ({"prompt": "x", "frames": 29, "duration": 5}, "duration and frames exclude each other"),
            ({"draft_task": "cgt-1", "prompt": "x"}, "draft_task and prompt exclude each other"),
        ],
    )
    async def test_bad_input_is_refused_before_the_wire(
        self, videos: ArkVideoGenerator, call: Call, emulator: Emulator, arguments: dict[str, Any], text: str
    ) -> None:
        with pytest.raises(ValueError, match=text):
            await call(videos, "submit", **arguments)
        assert emulator.requests == []

    @pytest.mark.parametrize(
        ("arguments", "text"),
        [
            ({"wait_timeout": -1}, "wait_timeout must be a number of seconds"),
            ({"delays": ()}, "delays is empty"),
            ({"delays": ["5"]}, "delays must be a number of seconds"),
            ({"on_progress": 5}, "on_progress must be a function"),
        ],
    )
    async def test_nothing_is_submitted_that_cannot_be_waited_for(
        self, videos: ArkVideoGenerator, call: Call, emulator: Emulator, arguments: dict[str, Any], text: str
    ) -> None:
        with pytest.raises(ValueError, match=text):
            await call(videos, "generate", "A cat", **arguments)
        assert emulator.requests == []

    async def test_a_missing_file_is_told_before_the_wire(
        self, videos: ArkVideoGenerator, call: Call, emulator: Emulator
    ) -> None:
        with pytest.raises(FileNotFoundError, match="no-such"):
            await call(videos, "submit", first_frame="no-such.png")
        assert emulator.requests == []

    async def test_an_access_key_pair_is_refused_before_the_wire(
        self, make: Make, call: Call, emulator: Emulator
    ) -> None:
        videos = make(api_key=None, access_key="AK", secret_key="SK")
        for name, arguments in (
            ("submit", ["x"]), ("get", ["cgt-1"]), ("wait", ["cgt-1"]), ("cancel", ["cgt-1"]),
            ("delete", ["cgt-1"]), ("list", []),
        ):  # fmt: skip
            with pytest.raises(ValueError, match="api_key: video tasks need an API key"):
                await call(videos, name, *arguments)
        assert emulator.requests == []

    async def test_a_reply_without_an_id_is_an_error(
        self, videos: ArkVideoGenerator, call: Call, emulator: Emulator
    ) -> None:
        emulator.reply_next({"task": "cgt-1"}, path=PATH)
        with pytest.raises(ResponseFormatError, match="the task has no id"):
            await call(videos, "submit", "x")

    async def test_a_refused_prompt_is_a_content_filter_error(self, videos: ArkVideoGenerator, call: Call) -> None:
        with pytest.raises(ContentFilterError) as caught:
            await call(videos, "submit", "EMULATOR_SENSITIVE_INPUT")
        assert caught.value.code == "InputTextSensitiveContentDetected"
        assert "may have been created" not in str(caught.value)


class TestWaiting:
    async def test_a_video_is_waited_for_with_growing_delays(
        self, videos: ArkVideoGenerator, call: Call, emulator: Emulator, clock: Clock
    ) -> None:
        emulator.plan_video(polls=9)
        seen: list[str] = []
        task = await call(videos, "generate", "A cat", on_progress=lambda found: seen.append(found.status))
        assert seen == ["queued", *["running"] * 7, "succeeded"]
        assert clock.waits == [5, 5, 7.5, 10, 12.5, 15, 15, 15]
        assert len(posts(emulator)) == 1
        assert task.usage == {"completion_tokens": 108000, "total_tokens": 108000}
        assert (task.resolution, task.ratio, task.duration, task.frames_per_second) == ("720p", "16:9", 5, 24)
        assert task.created_at <= task.updated_at
        assert task.raw["generate_audio"] is task.generate_audio is True

    async def test_async_progress_is_awaited(self, videos: ArkVideoGenerator, clock: Clock) -> None:
        seen: list[str] = []

        async def note(task: Any) -> None:
            await asyncio.sleep(0)
            seen.append(task.status)

        await videos.agenerate("A cat", on_progress=note)
        assert seen == ["queued", "running", "succeeded"]

    async def test_a_failed_task_is_the_error_of_its_code(
        self, videos: ArkVideoGenerator, call: Call, emulator: Emulator, clock: Clock
    ) -> None:
        emulator.plan_video("failed", message="The output video may be unfit. Request id: 0217abc")
        with pytest.raises(ContentFilterError) as caught:
            await call(videos, "generate", "A cat")
        error = caught.value
        assert error.code == "OutputVideoSensitiveContentDetected"
        assert error.message.endswith(
            " failed: The output video may be unfit. Moderation refused it; change the prompt or the media."
        )
        assert error.request_id == "0217abc"
        assert error.body["id"] in error.message

    async def test_a_failed_task_can_be_read(
        self, videos: ArkVideoGenerator, call: Call, emulator: Emulator
    ) -> None:
        emulator.plan_video("failed", polls=0, code="InternalServiceError", message="It broke.")
        task = await call(videos, "get", await call(videos, "submit", "A cat"))
        assert (task.status, task.is_done, task.video_url) == ("failed", True, None)
        assert task.error == {"code": "InternalServiceError", "message": "It broke."}
        with pytest.raises(ServiceError) as caught:
            await call(videos, "wait", task.id)
        assert caught.value.is_retryable

    async def test_an_expired_task_names_what_makes_it_live_longer(
        self, videos: ArkVideoGenerator, call: Call, emulator: Emulator
    ) -> None:
        emulator.plan_video(seconds=10 * DAY)
        task = await call(videos, "submit", "A cat", execution_expires_after=3600)
        emulator.shift_clock(3601)
        with pytest.raises(ServiceError, match=r"expired.*\(3600 seconds\).*execution_expires_after") as caught:
            await call(videos, "wait", task)
        assert caught.value.code == "expired"

    async def test_a_cancelled_task_has_no_video(self, videos: ArkVideoGenerator, call: Call) -> None:
        task = await call(videos, "submit", "A cat")
        await call(videos, "cancel", task)
        with pytest.raises(InvalidRequestError, match="was cancelled"):
            await call(videos, "wait", task)

    async def test_a_wait_that_ends_names_the_task_which_stays_usable(
        self, videos: ArkVideoGenerator, call: Call, emulator: Emulator, clock: Clock
    ) -> None:
        emulator.plan_video(polls=7)
        with pytest.raises(APITimeoutError, match=r"goes on.*still running after 20 seconds") as caught:
            await call(videos, "generate", "A cat", wait_timeout=20)
        task_id = next(word for word in str(caught.value).split() if word.startswith("cgt-"))
        assert (await call(videos, "wait", task_id)).status == "succeeded"
        assert len(posts(emulator)) == 1

    async def test_waiting_survives_a_rate_limit_and_a_dropped_connection(
        self, make: Make, call: Call, emulator: Emulator, clock: Clock
    ) -> None:
        task = await call(make(), "submit", "A cat")
        emulator.fail_next(times=3, path=task.id)
        emulator.drop_next(times=3, path=task.id)
        emulator.fail_next(status=502, code=None, times=3, path=task.id)
        assert (await call(make(max_retries=2), "wait", task)).video_url

    async def test_waiting_ends_with_an_error_that_time_does_not_heal(
        self, videos: ArkVideoGenerator, call: Call, clock: Clock
    ) -> None:
        with pytest.raises(NotFoundError, match="cgt-none"):
            await call(videos, "wait", "cgt-none")
        assert clock.waits == []

    async def test_a_video_without_a_link_is_an_error(
        self, videos: ArkVideoGenerator, call: Call, emulator: Emulator
    ) -> None:
        task = await call(videos, "submit", "A cat")
        emulator.reply_next({"id": task.id, "status": "succeeded", "content": {}}, path=task.id)
        with pytest.raises(ResponseFormatError, match="has succeeded, but has no link of a video"):
            await call(videos, "wait", task)

    async def test_an_unknown_state_is_waited_for(
        self, videos: ArkVideoGenerator, call: Call, emulator: Emulator, clock: Clock
    ) -> None:
        task = await call(videos, "submit", "A cat")
        emulator.reply_next({"id": task.id, "status": "reviewing"}, path=task.id)
        seen: list[str] = []
        await call(videos, "wait", task, on_progress=lambda found: seen.append(found.status))
        assert seen[0] == "reviewing"

    async def test_a_cancelled_wait_leaves_the_task_alone(
        self, videos: ArkVideoGenerator, emulator: Emulator
    ) -> None:
        emulator.plan_video(seconds=DAY)
        task = await videos.asubmit("A cat")
        waiting = asyncio.create_task(videos.await_(task, delays=[60]))
        await asyncio.to_thread(emulator.wait_for, lambda: len(emulator.requests) >= 2)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert not [request for request in emulator.requests if request.method == "DELETE"]
        await videos.acancel(task)
        assert (await videos.aget(task)).status == "cancelled"

    @pytest.mark.parametrize("bad", ["", ".", "..", "a/b", "../models", "文", None, 5])
    async def test_an_id_is_checked_before_the_wire(
        self, videos: ArkVideoGenerator, call: Call, emulator: Emulator, bad: Any
    ) -> None:
        for name in ("get", "wait", "cancel", "delete"):
            with pytest.raises(ValueError, match="task_id must be the id of a video task"):
                await call(videos, name, bad)
        assert emulator.requests == []


class TestCancelling:
    async def test_a_running_task_is_not_cancelled(
        self, videos: ArkVideoGenerator, call: Call, emulator: Emulator
    ) -> None:
        task = await call(videos, "submit", "A cat")
        await call(videos, "get", task)
        with pytest.raises(InvalidRequestError, match=r"cannot be cancelled: it is running.*queued tasks only"):
            await call(videos, "cancel", task)
        assert not [request for request in emulator.requests if request.method == "DELETE"]

    async def test_a_task_that_begins_meanwhile_is_refused_by_the_service(
        self, videos: ArkVideoGenerator, call: Call, emulator: Emulator
    ) -> None:
        task = await call(videos, "submit", "A cat")
        await call(videos, "get", task)
        await call(videos, "get", task)
        emulator.reply_next({"id": task.id, "status": "queued"}, path=task.id)
        with pytest.raises(InvalidRequestError, match="a running task cannot be cancelled"):
            await call(videos, "cancel", task)

    async def test_a_finished_task_is_deleted_and_never_by_cancelling(
        self, videos: ArkVideoGenerator, call: Call, emulator: Emulator
    ) -> None:
        emulator.plan_video(polls=0)
        task = await call(videos, "submit", "A cat")
        with pytest.raises(InvalidRequestError, match=r"it is succeeded. delete\(\) removes"):
            await call(videos, "cancel", task)
        await call(videos, "delete", task)
        with pytest.raises(NotFoundError):
            await call(videos, "get", task)

    async def test_a_task_that_has_not_ended_is_not_deleted(
        self, videos: ArkVideoGenerator, call: Call, emulator: Emulator
    ) -> None:
        emulator.plan_video(seconds=DAY)
        task = await call(videos, "submit", "A cat")
        with pytest.raises(InvalidRequestError, match=r"it is queued. cancel\(\) stops it"):
            await call(videos, "delete", task)
        await call(videos, "cancel", task)
        with pytest.raises(InvalidRequestError, match="deletes cancelled tasks by itself"):
            await call(videos, "delete", task)

    async def test_a_reply_without_a_body_is_no_error(
        self, videos: ArkVideoGenerator, call: Call, emulator: Emulator
    ) -> None:
        task = await call(videos, "submit", "A cat")
        emulator.reply_next({"id": task.id, "status": "queued"}, path=task.id)
        emulator.reply_next(body=b"", path=task.id)
        await call(videos, "cancel", task)
        assert emulator.requests[-1].method == "DELETE"

    async def test_a_deletion_is_not_repeated_where_it_may_have_been_done(
        self, videos: ArkVideoGenerator, call: Call, emulator: Emulator, clock: Clock
    ) -> None:
        task = await call(videos, "submit", "A cat")
        emulator.reply_next({"id": task.id, "status": "queued"}, path=task.id)
        emulator.drop_next(path=task.id)
        with pytest.raises(VolcArkError):
            await call(videos, "cancel", task)
        assert [request.method for request in emulator.requests] == ["POST", "GET", "DELETE"]


class TestListing:
    async def test_all_pages_are_read_and_filters_are_sent(
        self, videos: ArkVideoGenerator, call: Call, emulator: Emulator
    ) -> None:
        tasks = [videos.submit(f"cat {number}") for number in range(5)]
        emulator.plan_video("failed", polls=0)
        failed = videos.submit("dog")
        found = await call(videos, "list", task_ids=tasks, page_size=2, status="queued", service_tier="default")
        assert [task.id for task in found] == [task.id for task in reversed(tasks)]
        asked = [request for request in emulator.requests if request.method == "GET"]
        assert [request.query["page_num"] for request in asked] == ["1", "2", "3"]
        ids = [value for name, value in asked[0].query_pairs if name == "filter.task_ids"]
        assert ids == [task.id for task in tasks]
        seen = await call(videos, "list", task_ids=[failed.id])
        assert [(task.id, task.error["code"]) for task in seen] == [
            (failed.id, "OutputVideoSensitiveContentDetected")
        ]

    async def test_a_task_that_moves_to_the_next_page_is_listed_once(
        self, videos: ArkVideoGenerator, call: Call, emulator: Emulator
    ) -> None:
        rows = [{"id": f"cgt-{number}", "status": "queued"} for number in range(3)]
        emulator.reply_next({"items": rows[:2], "total": 3}, path=PATH)
        emulator.reply_next({"items": rows[1:], "total": 4}, path=PATH)
        assert [task.id for task in await call(videos, "list", page_size=2)] == ["cgt-0", "cgt-1", "cgt-2"]

    @pytest.mark.parametrize("page", [{"items": [], "total": 0}, {"total": 0}, {"items": None, "total": 0}])
    async def test_an_empty_list_is_empty(
        self, videos: ArkVideoGenerator, call: Call, emulator: Emulator, page: Any
    ) -> None:
        emulator.reply_next(page, path=PATH)
        assert await call(videos, "list") == []

    async def test_no_ids_ask_for_nothing(self, videos: ArkVideoGenerator, call: Call, emulator: Emulator) -> None:
        assert await call(videos, "list", task_ids=[]) == []
        assert emulator.requests == []

    async def test_a_list_without_a_total_ends_with_a_short_page(
        self, videos: ArkVideoGenerator, call: Call, emulator: Emulator
    ) -> None:
        emulator.reply_next({"items": [{"id": "cgt-1", "status": "queued"}]}, path=PATH)
        assert len(await call(videos, "list", page_size=2)) == 1

    async def test_what_is_no_list_is_an_error(
        self, videos: ArkVideoGenerator, call: Call, emulator: Emulator
    ) -> None:
        emulator.reply_next({"data": []}, path=PATH)
        with pytest.raises(ResponseFormatError, match="it has no items"):
            await call(videos, "list")

    @pytest.mark.parametrize(
        ("filters", "name"),
        [
            ({"status": "sad"}, "status"),
            ({"page_size": 0}, "page_size"),
            ({"service_tier": "fast"}, "service_tier"),
            ({"task_ids": ["a/b"]}, "task_ids"),
            ({"model": 5}, "model"),
        ],
    )
    def test_a_bad_filter_is_told_at_the_call(
        self, videos: ArkVideoGenerator, filters: dict[str, Any], name: str
    ) -> None:
        for listing in (videos.list, videos.alist):
            with pytest.raises(ValueError, match=name):
                listing(**filters)


class TestSaving:
    async def test_a_video_is_saved_without_the_key(
        self, videos: ArkVideoGenerator, call: Call, emulator: Emulator, clock: Clock, tmp_path: Path
    ) -> None:
        task = await call(videos, "generate", "A cat", return_last_frame=True)
        movie = await call(task, "save", tmp_path)
        picture = await call(task, "save", tmp_path / "end", last_frame=True)
        assert (movie.name, picture.name) == (f"{task.id}.mp4", "end.png")
        assert movie.read_bytes()[4:8] == b"ftyp"
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted([movie.name, picture.name])
        fetched = [request for request in emulator.requests if request.path.startswith("/tos/")]
        assert len(fetched) == 2
        assert not [request for request in fetched if "authorization" in request.headers]

    @pytest.mark.parametrize("content", [b"<html>Log in, please</html>", b""])
    async def test_what_is_no_video_is_not_saved(
        self,
        videos: ArkVideoGenerator,
        call: Call,
        emulator: Emulator,
        clock: Clock,
        tmp_path: Path,
        content: bytes,
    ) -> None:
        task = await call(videos, "generate", "A cat", return_last_frame=True)
        (tmp_path / "cat.mp4").write_bytes(b"what was there")
        for arguments, kind in (({}, "video"), ({"last_frame": True}, "picture")):
            emulator.reply_next(body=content, content_type="text/html", path=".png" if arguments else ".mp4")
            with pytest.raises(ResponseFormatError, match=f"does not lead to a {kind}"):
                await call(task, "save", tmp_path / "cat.mp4", **arguments)
        assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"what was there"]

    async def test_a_copy_saves_too_and_holds_no_key(
        self, videos: ArkVideoGenerator, call: Call, emulator: Emulator, clock: Clock, tmp_path: Path
    ) -> None:
        task = await call(videos, "generate", "A cat")
        pickled = pickle.dumps(task)
        assert emulator.api_key.encode() not in pickled
        for number, one in enumerate((pickle.loads(pickled), copy.copy(task), copy.deepcopy(task))):
            assert (one, hash(one)) == (task, hash(task))
            assert (await call(one, "save", tmp_path / f"{number}.mp4")).stat().st_size > 1000

    async def test_an_expired_link_is_an_error_and_leaves_no_file(
        self, videos: ArkVideoGenerator, call: Call, emulator: Emulator, clock: Clock, tmp_path: Path
    ) -> None:
        task = await call(videos, "generate", "A cat")
        emulator.shift_clock(DAY + 60)
        with pytest.raises(PermissionDeniedError, match="expired.*Links of videos live 24 hours") as caught:
            await call(task, "save", tmp_path)
        assert caught.value.status_code == 403
        assert list(tmp_path.iterdir()) == []

    async def test_what_is_not_there_cannot_be_saved(
        self, videos: ArkVideoGenerator, call: Call, clock: Clock, tmp_path: Path
    ) -> None:
        task = await call(videos, "submit", "A cat")
        with pytest.raises(ValueError, match="has no video to save: it is queued"):
            await call(task, "save", tmp_path)
        task = await call(videos, "wait", task)
        with pytest.raises(ValueError, match="return_last_frame=True asks for it"):
            await call(task, "save", tmp_path, last_frame=True)

    def test_a_task_cannot_be_changed_and_shows_no_signature(
        self, videos: ArkVideoGenerator, clock: Clock, emulator: Emulator
    ) -> None:
        task = videos.generate("A cat")
        with pytest.raises(AttributeError):
            task.status = "queued"  # type: ignore[misc]
        assert "Signature" in str(task.video_url)
        assert "Signature" not in repr(task)
        assert emulator.api_key not in repr(task)
        assert repr(task).startswith(f"ArkVideoTask(id='{task.id}', status='succeeded', model=")
        assert "None" not in repr(task)


class TestTheObject:
    def test_it_is_pickled_copied_and_assigned(self, make: Make, emulator: Emulator) -> None:
        videos = make(duration=7, tools=["web_search"])
        again = pickle.loads(pickle.dumps(videos))
        again.ratio = "1:1"
        again.submit("A cat")
        assert emulator.requests[-1].json | {"content": 0} == {
            "model": videos.model, "content": 0, "duration": 7, "ratio": "1:1", "tools": [{"type": "web_search"}],
        }  # fmt: skip
        with pytest.raises(ValueError, match="priority must be between 0 and 9, not 10"):
            videos.priority = 10
        assert emulator.api_key not in repr(videos)

    def test_a_pasted_endpoint_is_removed_from_the_base_url(self, make: Make, emulator: Emulator) -> None:
        videos = make(base_url=f"{emulator.ark_base_url}/contents/generations/tasks/")
        assert videos.submit("A cat").id
