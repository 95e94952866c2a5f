"""The vendor's SDKs as witnesses: for the same call they send the same form, path and query."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from langchain_volcark import ArkFiles, ChatArk
from langchain_volcark.emulator import Emulator, RecordedRequest
from tests.documents import mp4, pdf, wav
from tests.integration.emulator.responses_kit import SDKS, official_sdk
from tests.json_types import typed
from tests.pictures import png

# The SDKs are older than some of the warnings that their own dependencies give.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore::DeprecationWarning:{name}.*")
    for name in ("volcenginesdkarkruntime", "volcenginesdkcore", "arkruntime")
]
DAY = 86_400
PNG = png(1, 2, 3)
MODEL = "doubao-seed-2-1-pro-260915"
Call = Callable[[Any], Any]

Part = tuple[str, str | None, str | None, bytes]


def parts_of(request: RecordedRequest) -> list[Part]:
    """Name, file name, type and content of each part of a form, the order of the fields aside."""
    head = f"content-type: {request.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + request.body)
    assert message.get_content_type() == "multipart/form-data"
    return sorted((_read(part) for part in message.iter_parts()), key=lambda part: part[0])  # type: ignore[arg-type]


def _read(part: EmailMessage) -> Part:
    name = part.get_param("name", header="content-disposition")
    declared = part.get_content_type() if "content-type" in part else None
    return str(name), part.get_filename(), declared, bytes(part.get_payload(decode=True) or b"")


def compared(request: RecordedRequest) -> Any:
    """What of a request must be the same, with types; of a form the parts, which are all bytes."""
    body: Any = None
    if request.method == "POST":
        is_form = request.headers["content-type"].startswith("multipart/")
        body = parts_of(request) if is_form else typed(request.json)
    return request.method, request.path, dict(request.query), body


UPLOADS: dict[str, tuple[Call, Call]] = {
    "bytes": (
        lambda files: files.upload(PNG, filename="a.png", wait=False),
        lambda sdk: sdk.files.create(file=("a.png", PNG), purpose="user_data"),
    ),
    "bytes without an ending": (
        lambda files: files.upload(PNG, filename="picture", wait=False),
        lambda sdk: sdk.files.create(file=("picture", PNG), purpose="user_data"),
    ),
    "another purpose": (
        lambda files: files.upload(pdf("x"), filename="a.pdf", purpose="agent", wait=False),
        lambda sdk: sdk.files.create(file=("a.pdf", pdf("x")), purpose="agent"),
    ),
    "fps": (
        lambda files: files.upload(mp4(), filename="a.mp4", fps=0.3, wait=False),
        lambda sdk: sdk.files.create(
            file=("a.mp4", mp4()), purpose="user_data", preprocess_configs={"video": {"fps": 0.3}}
        ),
    ),
    "whole fps and a model": (
        lambda files: files.upload(mp4(), filename="a.mp4", fps=2, video_model=MODEL, wait=False),
        lambda sdk: sdk.files.create(
            file=("a.mp4", mp4()), purpose="user_data", preprocess_configs={"video": {"fps": 2, "model": MODEL}}
        ),
    ),
    "expiry": (
        lambda files: files.upload(wav(), filename="a.wav", expire_in=2 * DAY, wait=False),
        lambda sdk: sdk.files.create(
            file=("a.wav", wav()), purpose="user_data", expire_at=int(time.time() + 2 * DAY)
        ),
    ),
    "a url into a bucket": (
        lambda files: files.upload("https://e.com/a.mp4", tos={"bucket": "b", "prefix": "p"}, wait=False),
        lambda sdk: sdk.files.create(
            url="https://e.com/a.mp4", purpose="user_data", tos={"bucket": "b", "prefix": "p"}
        ),
    ),
}
NEWER: dict[str, tuple[Call, Call]] = {
    "kept for good": (
        lambda files: files.upload(PNG, filename="a.png", expire_in=-1, wait=False),
        lambda sdk: sdk.files.create(file=("a.png", PNG), purpose="user_data", expire_at=-1),
    ),
    "a voice with a description": (
        lambda files: files.upload(
            wav(), filename="a.wav", purpose="voice", model="m", description="我的声音", wait=False
        ),
        lambda sdk: sdk.files.create(file=("a.wav", wav()), purpose="voice", model="m", description="我的声音"),
    ),
}
OLDER: dict[str, tuple[Call, Call]] = {
    "all options of videos": (
        lambda files: files.upload(
            mp4(),
            filename="a.mp4",
            max_video_tokens=1000,
            min_frame_tokens=10,
            max_frame_tokens=100,
            min_frames=4,
            wait=False,
        ),
        lambda sdk: sdk.files.create(
            file=("a.mp4", mp4()),
            purpose="user_data",
            preprocess_configs={
                "video": {
                    "max_video_tokens": 1000, "min_frame_tokens": 10, "max_frame_tokens": 100, "min_frames": 4,
                }
            },
        ),
    ),
}  # fmt: skip
OTHERS: dict[str, tuple[Call, Call]] = {
    "get": (lambda files: files.get("file-1"), lambda sdk: sdk.files.retrieve("file-1")),
    "delete": (lambda files: files.delete("file-1"), lambda sdk: sdk.files.delete("file-1")),
    "list": (
        lambda files: list(files.list()),
        lambda sdk: list(sdk.files.list(limit=100, order="desc")),
    ),
    "list of a purpose in order": (
        lambda files: list(files.list(purpose="user_data", order="asc", after="file-1")),
        lambda sdk: list(sdk.files.list(limit=100, purpose="user_data", order="asc", after="file-1")),
    ),
    "wait": (
        lambda files: files.wait("file-2"),
        lambda sdk: sdk.files.wait_for_processing("file-2", poll_interval=0.001),
    ),
}


@pytest.fixture
def files(emulator: Emulator, waits: list[float], monkeypatch: pytest.MonkeyPatch) -> ArkFiles:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    return ArkFiles(api_key=emulator.api_key, base_url=emulator.ark_base_url)


def compare(files: ArkFiles, emulator: Emulator, sdk: str, calls: tuple[Call, Call]) -> list[RecordedRequest]:
    """Send one call with both; return our requests."""
    _prepare(emulator)
    calls[0](files)
    ours = emulator.requests
    emulator.reset()
    _prepare(emulator)
    with official_sdk(sdk, emulator) as client:
        calls[1](client)
    assert [compared(one) for one in ours] == [compared(one) for one in emulator.requests]
    return ours


def _prepare(emulator: Emulator) -> None:
    emulator.files.process_for(1)
    emulator.files.add(PNG, "a.png", file_id="file-1")
    emulator.files.add(PNG, "b.png", file_id="file-2", status="processing")


@pytest.mark.parametrize("sdk", SDKS)
@pytest.mark.parametrize("name", [*UPLOADS, *OTHERS])
def test_a_call_sends_what_the_sdk_sends(files: ArkFiles, emulator: Emulator, name: str, sdk: str) -> None:
    assert compare(files, emulator, sdk, {**UPLOADS, **OTHERS}[name])


@pytest.mark.parametrize(
    ("sdk", "name"),
    [*(("arkruntime", name) for name in NEWER), *(("volcenginesdkarkruntime", name) for name in OLDER)],
)
def test_a_call_that_one_sdk_knows_sends_the_same(
    files: ArkFiles, emulator: Emulator, name: str, sdk: str
) -> None:
    assert compare(files, emulator, sdk, {**NEWER, **OLDER}[name])


@pytest.mark.parametrize("sdk", SDKS)
def test_a_path_is_sent_as_the_sdk_sends_an_open_file(
    files: ArkFiles, emulator: Emulator, sdk: str, tmp_path: Path
) -> None:
    path = tmp_path / "年报 2026.pdf"
    path.write_bytes(pdf("Annual report."))

    def theirs(client: Any) -> None:
        with path.open("rb") as file:
            client.files.create(file=file, purpose="user_data")

    compare(files, emulator, sdk, (lambda files: files.upload(path, wait=False), theirs))


@pytest.mark.parametrize("sdk", SDKS)
def test_pages_are_asked_for_as_the_sdk_asks(files: ArkFiles, emulator: Emulator, sdk: str) -> None:
    def fill() -> None:
        for number in range(150):
            emulator.files.add(PNG, "a.png", file_id=f"file-a{number}")

    def ours(files: ArkFiles) -> None:
        fill()
        assert len(list(files.list())) == 152

    def theirs(client: Any) -> None:
        fill()
        assert len(list(client.files.list(limit=100, order="desc"))) == 152

    assert len(compare(files, emulator, sdk, (ours, theirs))) == 2


@pytest.mark.parametrize("kind", ["image", "video", "audio", "file"])
def test_a_chat_message_with_a_file_is_as_the_newer_sdk_sends_it(emulator: Emulator, kind: str) -> None:
    name, content = {
        "image": ("a.png", PNG),
        "video": ("a.mp4", mp4()),
        "audio": ("a.wav", wav()),
        "file": ("a.pdf", pdf("A page.")),
    }[kind]
    emulator.files.add(content, name, file_id="file-1")
    key = {"image": "image_url", "video": "video_url", "audio": "input_audio", "file": "file"}[kind]
    model = "doubao-seed-2-0-lite-260428"
    chat = ChatArk(model=model, api_key=emulator.api_key, base_url=emulator.ark_base_url)
    chat.invoke([HumanMessage([{"type": "text", "text": "Look."}, {"type": kind, "file_id": "file-1"}])])
    ours = emulator.requests[-1].json
    parts = [{"type": "text", "text": "Look."}, {"type": key, key: {"file_id": "file-1"}}]
    with official_sdk("arkruntime", emulator) as client:
        client.chat.completions.create(model=model, messages=[{"role": "user", "content": parts}])
    theirs = {name: value for name, value in emulator.requests[-1].json.items() if value is not None}
    assert typed(ours) == typed(theirs)
