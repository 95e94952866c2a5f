"""The vendor's own SDKs, the newer and the older, upload, look up, list and delete files of the emulator."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import pytest

from langchain_volcark.emulator import Emulator
from tests.documents import mp4, pdf, wav
from tests.integration.emulator.responses_kit import MODEL, user
from tests.pictures import png

# The SDKs are older than some of the warnings that their own dependencies give.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore::DeprecationWarning:{name}.*")
    for name in ("volcenginesdkarkruntime", "volcenginesdkcore", "arkruntime")
]
FERRY = "The ferry Aurora leaves at eight.\nThe bakery sells bread."


def upload(sdk: Any, content: bytes, name: str, **fields: Any) -> Any:
    return sdk.files.create(file=(name, content), purpose="user_data", **fields)


def test_it_uploads_and_waits(sdk: Any, emulator: Emulator) -> None:
    emulator.files.process_for(1)
    file = upload(sdk, pdf(FERRY), "ferry.pdf")
    assert (file.object, file.status, file.filename, file.bytes) == ("file", "processing", "ferry.pdf", None)
    assert file.expire_at - file.created_at == 7 * 86_400
    ready = sdk.files.wait_for_processing(file.id, poll_interval=0.01)
    assert (ready.status, ready.mime_type, ready.bytes) == ("active", "application/pdf", len(pdf(FERRY)))
    (stored,) = emulator.files.stored
    assert stored.sha256 == hashlib.sha256(pdf(FERRY)).hexdigest()
    assert stored.text == FERRY


def test_it_uploads_with_options(sdk: Any, emulator: Emulator) -> None:
    expiry = int(time.time()) + 2 * 86_400
    video = {"fps": 0.3, "model": MODEL}
    file = upload(sdk, mp4(), "demo.mp4", preprocess_configs={"video": video}, expire_at=expiry)
    assert file.expire_at == expiry
    (stored,) = emulator.files.stored
    assert stored.options["preprocess_configs"] == {"video": video}
    assert stored.mime_type == "video/mp4"


def test_it_uploads_from_a_url_into_its_own_bucket(sdk: Any, emulator: Emulator) -> None:
    file = sdk.files.create(
        url="https://example.com/a/demo.mp4?x=1", purpose="agent", tos={"bucket": "b", "prefix": "p/"}
    )
    assert (file.filename, file.purpose) == ("demo.mp4", "agent")
    assert file.tos.object_key == f"p/{file.id}"
    assert sdk.files.retrieve(file.id).mime_type == "video/mp4"
    assert emulator.files.stored[0].content == b""


def test_it_reads_why_a_file_failed(sdk: Any, emulator: Emulator) -> None:
    emulator.files.fail_next("InvalidParameter.VideoTooLong", "The video is too long.")
    file = sdk.files.wait_for_processing(upload(sdk, mp4(), "demo.mp4").id)
    assert (file.status, file.error.code) == ("failed", "InvalidParameter.VideoTooLong")
    assert file.error.message == "The video is too long."


def test_it_lists_page_by_page(sdk: Any) -> None:
    ids = [upload(sdk, png(1, 2, number), f"{number}.png").id for number in range(5)]
    page = sdk.files.list(limit=2)
    assert [file.id for file in page.data] == ids[:2:-1]
    assert page.has_more
    assert [file.id for file in sdk.files.list(limit=2, order="asc")] == ids
    assert [file.id for file in sdk.files.list(after=ids[3], purpose="user_data")] == ids[2::-1]
    assert list(sdk.files.list(purpose="agent")) == []


def test_it_deletes(sdk: Any, emulator: Emulator) -> None:
    file = upload(sdk, wav(), "a.wav")
    deleted = sdk.files.delete(file.id)
    assert (deleted.id, deleted.deleted, deleted.object) == (file.id, True, "file")
    assert emulator.files.stored == []
    with pytest.raises(Exception, match="does not exist") as caught:
        sdk.files.retrieve(file.id)
    assert caught.value.status_code == 404  # type: ignore[attr-defined]


def test_it_asks_about_a_document(sdk: Any) -> None:
    file = sdk.files.wait_for_processing(upload(sdk, pdf(FERRY), "ferry.pdf").id)
    question = user(
        [
            {"type": "input_text", "text": "When does the ferry leave?"},
            {"type": "input_file", "file_id": file.id},
        ]
    )
    answer = sdk.responses.create(model=MODEL, input=[question])
    assert answer.output[-1].content[0].text == "The ferry Aurora leaves at eight. [ferry.pdf]"
