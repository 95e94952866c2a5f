"""What is not sure about Ark's files, as the emulator plays it. `docs/uncertain.md` explains the tests."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from langchain_volcark import emulator
from tests.documents import pdf, wav
from tests.live.kit import Wire
from tests.live.services import Services
from tests.pictures import png

PICTURE = ("a.png", png(200, 30, 30, side=64))
REPORT = ("a.pdf", pdf("The ferry leaves the old pier at eight."))
SOUND = ("a.wav", wav(bytes(range(256)) * 32))
CLIP = ("a.mp4", (Path(emulator.__file__).parent / "ark" / "videos" / "video.mp4").read_bytes())
File = tuple[str, bytes]


class Files:
    """Plain HTTP; what was uploaded is deleted at the end."""

    def __init__(self, client: httpx.Client, services: Services) -> None:
        self.client = client
        self._services = services
        self.ids: list[str] = []

    def post(self, file: File | None, **fields: str) -> httpx.Response:
        sent: dict[str, Any] = {name: (None, value) for name, value in {"purpose": "user_data", **fields}.items()}
        reply = self.client.post("/files", files=sent if file is None else {**sent, "file": file})
        if reply.status_code == 200:
            self.ids.append(reply.json()["id"])
        return reply

    def upload(self, file: File, **fields: str) -> Any:
        reply = self.post(file, **fields)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def wait(self, file_id: str) -> Any:
        for _ in range(120):
            found = self.client.get(f"/files/{file_id}").json()
            if found["status"] != "processing":
                return found
            time.sleep(1 if self._services.real else 0)
        pytest.fail(f"{file_id} is still processed after two minutes")

    def active(self, file: File, **fields: str) -> str:
        found = self.wait(self.upload(file, **fields)["id"])
        assert found["status"] == "active", found
        return str(found["id"])


@pytest.fixture
def files(ark: Wire, services: Services) -> Iterator[Files]:
    made = Files(ark.client, services)
    yield made
    for file_id in made.ids:
        made.client.delete(f"/files/{file_id}")


def chat(ark: Wire, model: str, part: Any, role: str = "user") -> httpx.Response:
    messages: list[Any] = [{"role": "user", "content": [{"type": "text", "text": "What is it? One word."}, part]}]
    if role == "tool":
        call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
        messages = [
            {"role": "user", "content": "Call look, then say in a word what it is."},
            {"role": "assistant", "content": "", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": [part]},
        ]
    return ark.post("/chat/completions", {"model": model, "messages": messages, "max_tokens": 400})


def responses(ark: Wire, model: str, part: Any) -> httpx.Response:
    content = [{"type": "input_text", "text": "What is it? One word."}, part]
    item = {"type": "message", "role": "user", "content": content}
    return ark.post("/responses", {"model": model, "input": [item], "max_output_tokens": 400})


def test_size_and_type_come_with_active_files_only(files: Files) -> None:
    sent = files.upload(PICTURE)
    assert "bytes" not in sent
    assert "mime_type" not in sent
    found = files.wait(sent["id"])
    assert (found["bytes"], found["mime_type"]) == (len(PICTURE[1]), "image/png")


def test_what_no_model_reads_fails_while_it_is_processed(files: Files) -> None:
    sent = files.upload(("a.txt", b"Only text."))
    found = files.wait(sent["id"])
    assert (found["status"], found["error"]["code"]) == ("failed", "InvalidParameter")


def test_a_url_alone_is_enough(files: Files) -> None:
    url = "https://ark-project.tos-cn-beijing.volces.com/doc_image/ark_demo_img_1.png"
    reply = files.post(None, url=url)
    assert reply.status_code == 200, reply.text
    assert files.wait(reply.json()["id"])["status"] == "active"


def test_a_file_can_be_kept_for_good(files: Files) -> None:
    assert files.upload(PICTURE, expire_at="-1")["expire_at"] == -1


def test_a_file_lives_for_a_day_at_least(files: Files) -> None:
    assert files.post(PICTURE, expire_at=str(int(time.time()) + 3600)).status_code == 400


def test_further_options_of_videos_are_taken(files: Files) -> None:
    names = ("max_video_tokens", "min_frame_tokens", "max_frame_tokens", "min_frames")
    values = dict(zip(names, ("20000", "16", "640", "4"), strict=True))
    sent = files.upload(CLIP, **{f"preprocess_configs[video][{name}]": value for name, value in values.items()})
    assert sent["preprocess_configs"]["video"] == {name: int(value) for name, value in values.items()}


def test_a_description_is_kept(files: Files) -> None:
    sent = files.upload(PICTURE, description="A red square.")
    assert files.wait(sent["id"])["description"] == "A red square."


def test_a_field_that_is_not_known_is_refused(files: Files) -> None:
    assert files.post(PICTURE, colour="red").status_code == 400


def test_an_unknown_file_is_not_found(files: Files) -> None:
    reply = files.client.get("/files/file-20260101000000-abcde")
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "NotFound.FileId")


def test_a_list_calls_itself_a_file(files: Files) -> None:
    files.upload(PICTURE)
    page = files.client.get("/files", params={"limit": 1}).json()
    assert page["object"] == "file"
    assert {"data", "first_id", "last_id", "has_more"} <= page.keys()


def test_a_page_has_100_files_at_most(files: Files) -> None:
    assert files.client.get("/files", params={"limit": 101}).status_code == 400


def test_a_file_that_is_processed_cannot_be_used(files: Files, ark: Wire, services: Services) -> None:
    sent = files.upload(CLIP)
    reply = responses(ark, services.name("ARK_MODEL"), {"type": "input_video", "file_id": sent["id"]})
    assert (reply.status_code, reply.json()["error"]["code"]) == (403, "OperationDenied.InvalidState")


def test_a_part_takes_files_of_its_kind_alone(files: Files, ark: Wire, services: Services) -> None:
    part = {"type": "input_image", "file_id": files.active(REPORT)}
    reply = responses(ark, services.name("ARK_MODEL"), part)
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "InvalidParameter")


def test_responses_take_the_id_of_a_sound(files: Files, ark: Wire, services: Services) -> None:
    part = {"type": "input_audio", "file_id": files.active(SOUND)}
    reply = responses(ark, services.name("ARK_HEARING_MODEL"), part)
    assert reply.status_code == 200, reply.text


@pytest.mark.parametrize(
    ("kind", "file"),
    [("image_url", PICTURE), ("video_url", CLIP), ("file", REPORT)],
    ids=["image", "video", "file"],
)
def test_chat_takes_the_id_of_a_file(files: Files, ark: Wire, services: Services, kind: str, file: File) -> None:
    part = {"type": kind, kind: {"file_id": files.active(file)}}
    reply = chat(ark, services.name("ARK_MODEL"), part)
    assert reply.status_code == 200, reply.text


def test_chat_takes_the_id_of_a_sound(files: Files, ark: Wire, services: Services) -> None:
    part = {"type": "input_audio", "input_audio": {"file_id": files.active(SOUND)}}
    reply = chat(ark, services.name("ARK_HEARING_MODEL"), part)
    assert reply.status_code == 200, reply.text


def test_chat_takes_the_id_of_a_file_in_a_tools_result(files: Files, ark: Wire, services: Services) -> None:
    part = {"type": "file", "file": {"file_id": files.active(REPORT)}}
    reply = chat(ark, services.name("ARK_MODEL"), part, role="tool")
    assert reply.status_code == 200, reply.text


def test_an_access_key_pair_may_upload(files: Files, services: Services) -> None:
    """The page says so; the package refuses it, because a temporary key belongs to a model and files do not."""
    from langchain_volcark import ChatArk

    seen: list[httpx.Request] = []
    with httpx.Client(event_hooks={"request": [seen.append]}) as client:
        ChatArk(
            model=services.name("ARK_MODEL"),
            access_key=services.access_key,
            secret_key=services.secret_key,
            project_name="default",
            base_url=services.ark_base_url,
            control_base_url=services.control_base_url,
            http_client=client,
        ).invoke("Say: yes")
    key = seen[-1].headers["authorization"]
    sent = {"purpose": (None, "user_data"), "file": PICTURE}
    reply = files.client.post("/files", files=sent, headers={"Authorization": key})
    assert reply.status_code == 200, reply.text
    files.ids.append(reply.json()["id"])
