"""Uploading, waiting, looking up, listing and deleting, sync and async."""

from __future__ import annotations

import hashlib
import io
import pickle
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from langchain_volcark import ArkFile, ArkFiles
from langchain_volcark.emulator import Emulator
from langchain_volcark.exceptions import (
    APIConnectionError,
    APITimeoutError,
    AuthenticationError,
    ContentFilterError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    ResponseFormatError,
    ServiceError,
    VolcArkError,
)
from tests.clock import Clock
from tests.documents import mp4, pdf, wav
from tests.integration.ark.files.conftest import Files
from tests.pictures import png
from tests.unit.raw_server import Connection, RawServer, raw_server, reply

DAY = 86_400
PNG = png(1, 2, 3)


def forms(emulator: Emulator) -> list[bytes]:
    return [one.body for one in emulator.requests if one.method == "POST"]


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "demo.mp4"
    path.write_bytes(mp4(b"frames" * 50_000))
    return path


async def test_a_video_is_uploaded_and_waited_for(
    files: Files, emulator: Emulator, clock: Clock, film: Path
) -> None:
    emulator.files.process_for(3)
    states: list[ArkFile] = []
    file = await files("upload", film, fps=0.3, on_progress=states.append)
    assert b'name="preprocess_configs[video][fps]"\r\n\r\n0.3\r\n' in forms(emulator)[0]
    assert (file.status, file.filename, file.mime_type) == ("active", "demo.mp4", "video/mp4")
    assert file.bytes == film.stat().st_size
    (stored,) = emulator.files.stored
    assert stored.id == file.id
    assert stored.sha256 == hashlib.sha256(film.read_bytes()).hexdigest()
    assert clock.waits == [1.0, 2.0, 3.0, 3.0]
    assert [state.status for state in states] == ["processing"] * 4 + ["active"]
    assert [one.method for one in emulator.requests] == ["POST", "GET", "GET", "GET", "GET"]


async def test_progress_may_be_awaited(emulator: Emulator, clock: Clock) -> None:
    states: list[str] = []

    async def note(file: ArkFile) -> None:
        states.append(file.status)

    files = ArkFiles(api_key=emulator.api_key, base_url=emulator.ark_base_url)
    await files.aupload(PNG, on_progress=note)
    assert states == ["processing", "active"]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("InvalidParameter.VideoTooLong", InvalidRequestError),
        ("SomethingNew", InvalidRequestError),
        ("InputVideoSensitiveContentDetected", ContentFilterError),
        ("InternalServiceError", ServiceError),
    ],
)
async def test_a_file_that_fails_is_an_error_with_its_own_code(
    files: Files, emulator: Emulator, clock: Clock, code: str, kind: type[VolcArkError]
) -> None:
    emulator.files.fail_next(code, "The video cannot be used.")
    with pytest.raises(kind, match=r"could not be processed: The video cannot be used\.") as caught:
        await files("upload", mp4())
    error = pickle.loads(pickle.dumps(caught.value))
    (stored,) = emulator.files.stored
    assert (error.code, error.body["id"], error.body["error"]["code"]) == (code, stored.id, code)
    assert stored.id in str(error)
    assert (await files("get", stored.id)).error["code"] == code  # looking it up is no error


async def test_a_failure_while_waiting_names_the_file(files: Files, emulator: Emulator, clock: Clock) -> None:
    emulator.files.process_for(4)
    file = await files("upload", mp4(), wait=False)
    emulator.fail_next(401, "AuthenticationError", path=file.id)
    with pytest.raises(AuthenticationError, match=rf"The file is {file.id}\."):
        await files("wait", file)


async def test_at_the_timeout_the_file_can_still_be_waited_for(
    files: Files, emulator: Emulator, clock: Clock
) -> None:
    emulator.files.process_for(4)
    with pytest.raises(APITimeoutError, match="is still processing after 5 seconds") as caught:
        await files("upload", mp4(), timeout=5)
    (stored,) = emulator.files.stored
    assert stored.id in str(caught.value)
    assert sum(clock.waits) == 5
    assert (await files("wait", stored.id)).status == "active"


async def test_waiting_without_a_limit_and_without_time(files: Files, emulator: Emulator, clock: Clock) -> None:
    emulator.files.process_for(300)
    file = await files("upload", PNG, wait=False)
    with pytest.raises(APITimeoutError, match="is still processing after 0 seconds"):
        await files("wait", file.id, timeout=0)
    assert clock.waits == []
    assert (await files("wait", file.id, timeout=None)).status == "active"
    assert sum(clock.waits) > 600


async def test_without_waiting_one_request_is_sent(files: Files, emulator: Emulator) -> None:
    file = await files("upload", PNG, wait=False)
    assert (file.status, file.bytes, len(emulator.requests)) == ("processing", None, 1)


async def test_waiting_survives_failures_in_between(files: Files, emulator: Emulator, clock: Clock) -> None:
    file = await files("upload", PNG, wait=False)
    emulator.fail_next(status=500, code="InternalServiceError", times=3, path=file.id)
    emulator.drop_next(times=2, path=file.id)
    assert (await files("wait", file.id)).status == "active"
    with pytest.raises(NotFoundError):
        await files("wait", "file-20260101000000-abcde")


@pytest.mark.parametrize("kind", ["path", "bytes", "file"])
async def test_a_repeated_upload_sends_the_content_from_the_start(
    files: Files, emulator: Emulator, clock: Clock, film: Path, kind: str
) -> None:
    content = film.read_bytes()
    with film.open("rb") as opened:
        opened.seek(16)
        given: Any = {"path": film, "bytes": content, "file": opened}[kind]
        sent = content[16:] if kind == "file" else content
        emulator.fail_next(status=503, code="ServerOverloaded", path="/files")
        emulator.drop_next(path="/files")
        await files("upload", given, filename="demo.mp4", wait=False)
    first, second, third = forms(emulator)
    assert first.count(sent) == second.count(sent) == third.count(sent) == 1
    assert len(first) == len(second) == len(third)
    assert [stored.content for stored in emulator.files.stored] == [sent]


async def test_an_upload_that_cannot_heal_is_not_repeated(files: Files, emulator: Emulator, clock: Clock) -> None:
    emulator.files.limit_quota(1)
    with pytest.raises(PermissionDeniedError, match="quota") as caught:
        await files("upload", PNG)
    assert (caught.value.code, len(emulator.requests)) == ("OperationDenied.FileQuotaExceeded", 1)


async def test_every_source_arrives(files: Files, emulator: Emulator, clock: Clock, tmp_path: Path) -> None:
    path = tmp_path / "声音.wav"
    path.write_bytes(wav())
    assert (await files("upload", str(path))).mime_type == "audio/wav"
    assert (await files("upload", pdf("A page."))).filename == "file.pdf"
    assert (await files("upload", io.BytesIO(PNG), filename="a.png")).kind == "image"
    assert emulator.files.stored[0].filename == "声音.wav"


async def test_the_service_fetches_a_url(files: Files, emulator: Emulator, clock: Clock) -> None:
    with raw_server() as web:
        web.handler = lambda _connection, _request: reply(pdf("From the web."))
        file = await files("upload", f"{web.url}a.pdf", tos={"bucket": "mine", "prefix": "x/"})
    assert (file.filename, emulator.files.stored[0].text) == ("a.pdf", "From the web.")
    assert file.tos == {"bucket": "mine", "object_key": f"x/{file.id}"}
    assert emulator.requests[0].headers["content-type"].startswith("multipart/form-data; boundary=")


async def test_the_expiry_counts_from_now(files: Files, emulator: Emulator) -> None:
    for expire_in in (2 * DAY, timedelta(days=2)):
        file = await files("upload", PNG, wait=False, expire_in=expire_in)
        assert abs(file.expire_at - time.time() - 2 * DAY) < 60
    assert (await files("upload", PNG, wait=False, expire_in=-1)).expire_at == -1
    default = await files("upload", PNG, wait=False)
    assert default.expire_at - default.created_at == 7 * DAY


async def test_description_purpose_and_fields_of_the_future_are_sent(files: Files, emulator: Emulator) -> None:
    file = await files("upload", wav(), purpose="voice", model="doubao-voice", description="My 声音.", wait=False)
    assert (file.purpose, file.model, file.description) == ("voice", "doubao-voice", "My 声音.")
    with pytest.raises(InvalidRequestError, match="unknown field"):
        await files("upload", PNG, extra_body={"future": {"field": 1}})
    assert b'name="future[field]"' in forms(emulator)[-1]


async def test_all_files_are_listed_page_by_page(files: Files, emulator: Emulator) -> None:
    ids = [emulator.files.add(PNG, f"{number}.png").id for number in range(205)]
    listed = await files("list")
    assert [file.id for file in listed] == ids[::-1]
    assert isinstance(listed[0], ArkFile)
    assert [dict(one.query) for one in emulator.requests] == [
        {"order": "desc", "limit": "100"},
        {"order": "desc", "limit": "100", "after": ids[105]},
        {"order": "desc", "limit": "100", "after": ids[5]},
    ]


async def test_a_list_can_be_narrowed(files: Files, emulator: Emulator) -> None:
    ids = [emulator.files.add(PNG, f"{number}.png").id for number in range(5)]
    assert [file.id for file in await files("list", order="asc", after=ids[2])] == ids[3:]
    assert await files("list", purpose="agent") == []
    assert emulator.requests[-1].query["purpose"] == "agent"


@pytest.mark.parametrize(
    "pages",
    [
        [{"data": [{"id": "a", "status": "active"}], "has_more": True}, {"data": [], "has_more": True}],
        [{"data": [{"id": "a", "status": "active"}]}],
        [{"data": [{"id": "a", "status": "active"}], "has_more": True, "last_id": "a"}] * 2,
        [{"data": [{"id": "a", "status": "active"}], "has_more": None, "last_id": ""}],
    ],
    ids=["empty page", "does not say", "the same page again", "nulls"],
)
async def test_a_list_ends_whatever_its_pages_say(files: Files, emulator: Emulator, pages: list[Any]) -> None:
    for page in pages:
        emulator.reply_next(page)
    assert [file.id for file in await files("list")] == ["a"]
    assert len(emulator.requests) == len(pages)


async def test_a_deleted_file_is_gone(files: Files, emulator: Emulator, clock: Clock) -> None:
    file = await files("upload", PNG)
    assert await files("delete", file.id) is True
    assert emulator.files.stored == []
    for name in ("get", "delete"):
        with pytest.raises(NotFoundError, match="does not exist") as caught:
            await files(name, file.id)
        assert caught.value.code == "NotFound.FileId"


@pytest.mark.parametrize("name", ["get", "delete", "wait"])
@pytest.mark.parametrize("file_id", ["", ".", "..", "a/b", "file 1", "..%2f", "文件", None, 1])
async def test_what_is_no_id_is_refused_here(files: Files, emulator: Emulator, name: str, file_id: Any) -> None:
    with pytest.raises(ValueError, match="file_id must be the id of a file"):
        await files(name, file_id)
    assert emulator.requests == []


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("upload", {"file": PNG, "timeout": -1}),
        ("upload", {"file": PNG, "fps": 9}),
        ("upload", {"file": PNG, "on_progress": 5}),
        ("upload", {"file": b""}),
        ("upload", {"file": "a\0b.pdf"}),
        ("wait", {"file_id": "file-1", "timeout": "60"}),
        ("wait", {"file_id": "file-1", "on_progress": "print"}),
        ("list", {"order": "up"}),
        ("list", {"after": "a b"}),
        ("list", {"purpose": 1}),
    ],
)
async def test_bad_arguments_are_refused_before_the_wire(
    files: Files, emulator: Emulator, name: str, arguments: dict[str, Any]
) -> None:
    with pytest.raises(
        ValueError,
        match=r"^(?:timeout must be a number of seconds|fps|on_progress must be|file|order|after|purpose)",
    ):
        await files(name, **arguments)
    assert emulator.requests == []


def test_a_list_checks_its_arguments_before_it_is_read(emulator: Emulator) -> None:
    files = ArkFiles(api_key=emulator.api_key, base_url=emulator.ark_base_url)
    for method in (files.list, files.alist):
        with pytest.raises(ValueError, match="order"):
            method(order="up")  # type: ignore[operator]


@pytest.mark.parametrize("name", ["upload", "get", "list", "delete", "wait"])
async def test_an_access_key_pair_is_refused_before_the_wire(emulator: Emulator, name: str) -> None:
    pair = ArkFiles(
        access_key=emulator.access_key,
        secret_key=emulator.secret_key,
        base_url=emulator.ark_base_url,
        control_base_url=emulator.control_base_url,
    )
    for is_async in (False, True):
        with pytest.raises(ValueError, match="api_key: files need an API key, not an access key pair"):
            await Files(pair, is_async=is_async)(
                name, *([] if name == "list" else [PNG if name == "upload" else "x"])
            )
    assert emulator.requests == []


async def test_a_wrong_key_is_an_authentication_error(emulator: Emulator) -> None:
    wrong = ArkFiles(api_key="sk-wrong-key", base_url=emulator.ark_base_url)
    for is_async in (False, True):
        with pytest.raises(AuthenticationError) as caught:
            await Files(wrong, is_async=is_async)("upload", PNG)
        assert "sk-wrong-key" not in f"{caught.value!r} {caught.value.body}"


@pytest.mark.parametrize("reply", [{}, {"id": "file-1"}, {"id": None, "status": "active"}, {"data": [{}]}])
@pytest.mark.parametrize("name", ["upload", "get"])
async def test_a_reply_that_is_no_file_is_a_format_error(
    files: Files, emulator: Emulator, reply: Any, name: str
) -> None:
    emulator.reply_next(reply)
    with pytest.raises(ResponseFormatError, match="not in the documented form"):
        await files(name, PNG if name == "upload" else "file-1")


@pytest.mark.parametrize("data", [[{"name": "x"}], [5], {}, None, "files"])
async def test_a_list_of_something_else_is_a_format_error(files: Files, emulator: Emulator, data: Any) -> None:
    emulator.reply_next({"data": data, "has_more": False})
    with pytest.raises(ResponseFormatError):
        await files("list")


async def test_a_file_that_shrinks_while_it_is_sent_is_a_connection_error(
    files: Files, emulator: Emulator, clock: Clock, tmp_path: Path
) -> None:
    class Shrinking(io.BytesIO):
        """Loses its second half when it is read from the start."""

        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(size) if self.tell() < 1_000_000 else b""

    with pytest.raises(APIConnectionError):
        await files("upload", Shrinking(mp4(b"x" * 2_000_000)), filename="a.mp4")


@pytest.mark.parametrize("url", ["{}", "{}/", "{}/files"])
def test_a_pasted_address_is_put_right(emulator: Emulator, url: str) -> None:
    made = ArkFiles(api_key=emulator.api_key, base_url=url.format(emulator.ark_base_url))
    assert made.base_url == emulator.ark_base_url


def test_it_is_configured_like_the_other_classes(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARK_API_KEY", emulator.api_key)
    monkeypatch.setenv("ARK_BASE_URL", emulator.ark_base_url)
    files = ArkFiles(max_retries=0, default_headers={"x-mine": "1"})
    pickle.loads(pickle.dumps(files)).upload(PNG, wait=False)
    assert emulator.requests[-1].headers["x-mine"] == "1"
    assert emulator.api_key not in repr(files)
    with pytest.raises(ValueError, match="colour"):
        ArkFiles(colour="red")  # type: ignore[call-arg]


def test_one_object_serves_many_threads(emulator: Emulator) -> None:
    files = ArkFiles(api_key=emulator.api_key, base_url=emulator.ark_base_url)
    contents = [png(1, 2, number) for number in range(16)]
    threads = [
        threading.Thread(target=files.upload, args=(content,), kwargs={"wait": False}) for content in contents
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(one.content for one in emulator.files.stored) == sorted(contents)


def hang(connection: Connection, _request: bytes) -> None:
    connection.server.release.wait(30)


@pytest.fixture
def silent() -> Iterator[RawServer]:
    with raw_server() as running:
        running.handler = hang
        yield running


async def test_an_upload_that_is_never_answered_ends(silent: RawServer) -> None:
    made = ArkFiles(api_key="k", base_url=silent.url, timeout=0.2, max_retries=0)
    for is_async in (False, True):
        with pytest.raises(APITimeoutError):
            await Files(made, is_async=is_async)("upload", PNG)
