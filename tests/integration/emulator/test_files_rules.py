"""What the emulator accepts and refuses under `/files`, and in which words."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from langchain_volcark import ChatArk
from langchain_volcark.emulator import Emulator
from langchain_volcark.emulator.ark.files import form
from tests.documents import mp4, pdf, wav
from tests.pictures import png
from tests.unit.raw_server import RawServer, raw_server, reply

DAY = 86_400
MISSING, INVALID = "MissingParameter", "InvalidParameter"


@pytest.fixture
def client(emulator: Emulator) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {emulator.api_key}"}
    with httpx.Client(base_url=emulator.ark_base_url, headers=headers, verify=False) as made:
        yield made


@pytest.fixture
def web() -> Iterator[RawServer]:
    with raw_server() as running:
        yield running


def post(client: httpx.Client, content: bytes | None = b"", name: str = "a.png", **fields: str) -> httpx.Response:
    """An upload; of a picture unless given otherwise, of no file where it is None."""
    file = {} if content is None else {"file": (name, content or png(1, 2, 3))}
    sent = {key: (None, value) for key, value in {"purpose": "user_data", **fields}.items() if value}
    return client.post("/files", files={**sent, **file})


def video(**options: str) -> dict[str, str]:
    return {f"preprocess_configs[video][{name}]": value for name, value in options.items()}


def later(days: float) -> str:
    return str(int(time.time() + days * DAY))


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"purpose": ""}, MISSING, "purpose"),
        ({"purpose": "fine-tune"}, INVALID, "purpose"),
        ({"purpose": "voice"}, MISSING, "model"),
        ({"url": "https://e.com/a.mp4"}, INVALID, "url"),
        ({"expire_at": "soon"}, INVALID, "expire_at"),
        ({"expire_at": later(0.5)}, INVALID, "expire_at"),
        ({"expire_at": later(31)}, INVALID, "expire_at"),
        ({"description": "x" * 501}, INVALID, "description"),
        ({"colour": "red"}, INVALID, "colour"),
        (video(fps="0.1"), INVALID, "preprocess_configs[video][fps]"),
        (video(fps="fast"), INVALID, "preprocess_configs[video][fps]"),
        (video(min_frames="0"), INVALID, "preprocess_configs[video][min_frames]"),
        (video(size="1"), INVALID, "preprocess_configs[video][size]"),
        ({"tos[prefix]": "p"}, MISSING, "tos[bucket]"),
        ({"tos[bucket]": "b", "tos[colour]": "red"}, INVALID, "tos[colour]"),
    ],
)
def test_a_field_that_breaks_a_rule_is_refused(
    client: httpx.Client, fields: dict[str, Any], code: str, param: str
) -> None:
    answer = post(client, **fields)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, code, param)
    assert "Request id: " in error["message"]


@pytest.mark.parametrize(
    ("url", "code"),
    [("", MISSING), ("ftp://e.com/a", INVALID), ("tos://bucket", "InvalidParameter.TosURLInvalid")],
)
def test_without_a_file_there_must_be_a_url_that_can_be_fetched(client: httpx.Client, url: str, code: str) -> None:
    answer = client.post("/files", files={"purpose": (None, "user_data")} | ({"url": (None, url)} if url else {}))
    assert answer.json()["error"]["code"] == code


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b"{}", "application/json"), (b"x", "multipart/form-data"), (b"x", "multipart/form-data; boundary=y")],
)
def test_what_is_no_form_is_refused(client: httpx.Client, body: bytes, content_type: str) -> None:
    answer = client.post("/files", content=body, headers={"content-type": content_type})
    assert (answer.status_code, answer.json()["error"]["code"]) in ((400, INVALID), (400, MISSING))


def test_a_field_given_twice_and_a_second_file_are_refused(client: httpx.Client) -> None:
    twice = client.post(
        "/files", data={"purpose": "user_data", "model": ["a", "b"]}, files={"file": ("a.png", png(1, 2, 3))}
    )
    assert twice.json()["error"]["param"] == "model"
    other = client.post("/files", data={"purpose": "user_data"}, files={"picture": ("a.png", png(1, 2, 3))})
    assert other.json()["error"]["param"] == "picture"


def test_a_file_may_be_neither_empty_nor_too_large(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = client.post("/files", data={"purpose": "user_data"}, files={"file": ("a.png", b"")})
    assert "is empty" in empty.json()["error"]["message"]
    monkeypatch.setattr(form, "MAX_BYTES", 100)
    assert "larger than 512 MB" in post(client, b"x" * 101).json()["error"]["message"]


def test_the_account_may_be_full(client: httpx.Client, emulator: Emulator) -> None:
    emulator.files.limit_quota(len(png(1, 2, 3)))
    assert post(client).status_code == 200
    full = post(client)
    assert (full.status_code, full.json()["error"]["code"]) == (403, "OperationDenied.FileQuotaExceeded")


@pytest.mark.parametrize(
    ("name", "content", "mime"),
    [
        ("a", png(1, 2, 3), "image/png"),
        ("b", mp4(), "video/mp4"),
        ("c", wav(), "audio/wav"),
        ("d", pdf("Page."), "application/pdf"),
    ],
)
def test_the_content_says_what_a_file_is(client: httpx.Client, name: str, content: bytes, mime: str) -> None:
    sent = post(client, content, name).json()
    assert "mime_type" not in sent  # only active files have one
    found = client.get(f"/files/{sent['id']}").json()
    assert (found["status"], found["mime_type"], found["bytes"]) == ("active", mime, len(content))


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"plain text", "type of the file"), (b"%PDF-1.4 and no more", "cannot be read"), (pdf(), "has no pages")],
)
def test_what_cannot_be_read_fails(client: httpx.Client, content: bytes, words: str) -> None:
    sent = post(client, content, "a.txt").json()
    assert sent["status"] == "processing"
    found = client.get(f"/files/{sent['id']}").json()
    assert (found["status"], found["error"]["code"]) == ("failed", INVALID)
    assert words in found["error"]["message"]


def test_files_of_agents_may_be_anything(client: httpx.Client) -> None:
    sent = post(client, b"plain text", "a.txt", purpose="agent").json()
    assert client.get(f"/files/{sent['id']}").json()["status"] == "active"


def test_processing_takes_as_many_polls_as_it_is_told(client: httpx.Client, emulator: Emulator) -> None:
    emulator.files.process_for(2)
    path = f"/files/{post(client).json()['id']}"
    assert [client.get(path).json()["status"] for _ in range(4)] == ["processing"] * 2 + ["active"] * 2


def test_a_file_expires_by_the_servers_clock(client: httpx.Client, emulator: Emulator) -> None:
    kept = post(client, expire_at="-1").json()
    lost = post(client, expire_at=later(1.5)).json()
    assert kept["expire_at"] == -1
    emulator.shift_clock(2 * DAY)
    assert client.get(f"/files/{lost['id']}").json()["error"]["code"] == "NotFound.FileId"
    assert [file["id"] for file in client.get("/files").json()["data"]] == [kept["id"]]


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"order": "up"}, "order"),
        ({"purpose": "x"}, "purpose"),
        ({"after": "file-x"}, "after"),
    ],
)
def test_a_query_that_breaks_a_rule_is_refused(client: httpx.Client, query: dict[str, str], param: str) -> None:
    answer = client.get("/files", params=query)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_an_empty_list_is_a_page(client: httpx.Client) -> None:
    assert client.get("/files").json() == {
        "object": "file", "data": [], "first_id": "", "last_id": "", "has_more": False,
    }  # fmt: skip


def test_a_file_on_this_machine_is_fetched(client: httpx.Client, emulator: Emulator, web: RawServer) -> None:
    web.handler = lambda _connection, _request: reply(pdf("From the web."))
    sent = post(client, None, url=f"{web.url}a.pdf").json()
    assert (sent["filename"], emulator.files.stored[0].text) == ("a.pdf", "From the web.")
    web.handler = lambda _connection, _request: reply(status="404 Not Found")
    lost = post(client, None, url=f"{web.url}b.pdf").json()
    assert client.get(f"/files/{lost['id']}").json()["error"]["message"] == "the url cannot be fetched: HTTP 404"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_unknown_file_is_not_found(client: httpx.Client, method: str) -> None:
    answer = client.request(method, "/files/file-20260101000000-abcde")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NotFound.FileId")


def test_a_temporary_key_uploads_and_looks_up_but_neither_lists_nor_deletes(
    client: httpx.Client, emulator: Emulator
) -> None:
    ChatArk(
        model="doubao-seed-2-1-pro-260915",
        access_key=emulator.access_key,
        secret_key=emulator.secret_key,
        project_name="default",
        base_url=emulator.ark_base_url,
        control_base_url=emulator.control_base_url,
    ).invoke("Hi")
    client.headers["authorization"] = emulator.requests[-1].headers["authorization"]
    path = f"/files/{post(client).json()['id']}"
    assert client.get(path).status_code == 200
    for method, refused in (("DELETE", path), ("GET", "/files")):
        answer = client.request(method, refused)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "AuthenticationError")


def test_other_methods_do_not_exist(client: httpx.Client) -> None:
    assert client.delete("/files").json()["error"]["code"] == "InvalidAction"
    assert client.post("/files/file-1").json()["error"]["code"] == "InvalidAction"


def use(part: Any) -> dict[str, Any]:
    return {"model": "doubao-seed-2-0-lite-260428", "messages": [{"role": "user", "content": [part]}]}


PARTS = {
    "image_url": png(1, 2, 3),
    "video_url": mp4(),
    "input_audio": wav(),
    "file": pdf("The ferry leaves at eight."),
}


@pytest.mark.parametrize("kind", PARTS)
def test_chat_uses_an_active_file_of_the_right_type(client: httpx.Client, emulator: Emulator, kind: str) -> None:
    file = emulator.files.add(PARTS[kind], "a")
    part = {"type": kind, kind: {"file_id": file.id}}
    answer = client.post("/chat/completions", json=use(part))
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["content"] == {
        "image_url": "You said: nothing (with 1 image)",
        "video_url": "You said: nothing (with 1 video)",
        "input_audio": "You said: nothing (with 1 audio)",
        "file": "The ferry leaves at eight. [a]",
    }[kind]  # fmt: skip


@pytest.mark.parametrize("kind", PARTS)
@pytest.mark.parametrize("responses", [False, True], ids=["chat", "responses"])
def test_other_files_are_refused(client: httpx.Client, emulator: Emulator, kind: str, responses: bool) -> None:
    busy = emulator.files.add(PARTS[kind], "a", status="processing")
    failed = emulator.files.add(PARTS[kind], "a", status="failed")
    wrong = emulator.files.add(next(one for other, one in PARTS.items() if other != kind), "a")
    for file_id, expected in {
        busy.id: (403, "OperationDenied.InvalidState"),
        failed.id: (403, "OperationDenied.InvalidState"),
        wrong.id: (400, INVALID),
        "file-x": (404, "NotFound.FileId"),
    }.items():
        if responses:
            named = f"input_{kind.removesuffix('_url').removeprefix('input_')}"
            item = {"type": "message", "role": "user", "content": [{"type": named, "file_id": file_id}]}
            body = {"model": "doubao-seed-2-0-lite-260428", "input": [item]}
            answer = client.post("/responses", json=body)
        else:
            answer = client.post("/chat/completions", json=use({"type": kind, kind: {"file_id": file_id}}))
        assert (answer.status_code, answer.json()["error"]["code"]) == expected


@pytest.mark.parametrize(
    "file",
    [
        {"file_id": "file-1", "file_url": "https://e.com/a.pdf"},
        {"file_id": 1},
        {"file_data": "data:application/pdf;base64,JVBERi0="},
        {"file_data": "JVBERi0=", "filename": "a.pdf"},
        {"url": "https://e.com/a.pdf"},
    ],
)
def test_a_malformed_file_part_is_refused(client: httpx.Client, file: dict[str, Any]) -> None:
    answer = client.post("/chat/completions", json=use({"type": "file", "file": file}))
    assert (answer.status_code, answer.json()["error"]["code"]) in ((400, INVALID), (400, MISSING))


def test_a_source_besides_the_file_is_refused(client: httpx.Client) -> None:
    image = {"file_id": "file-1", "url": "https://e.com/a.png"}
    answer = client.post("/chat/completions", json=use({"type": "image_url", "image_url": image}))
    assert "exclude each other" in answer.json()["error"]["message"]


def ask(client: httpx.Client, text: str, *more: Any, **fields: Any) -> dict[str, Any]:
    content = [{"type": "text", "text": text}, *more]
    body = {"model": "doubao-seed-2-1-pro-260915", "messages": [{"role": "user", "content": content}], **fields}
    answer = client.post("/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    found = answer.json()["choices"][0]["message"]
    assert isinstance(found, dict)
    return found


FERRY = "The ferry leaves at eight.\nThe bakery sells bread.\nRain is expected."


def test_a_document_answers_the_question_or_begins(client: httpx.Client, emulator: Emulator) -> None:
    part = {"type": "file", "file": {"file_id": emulator.files.add(pdf(FERRY), "day.pdf").id}}
    assert ask(client, "What does the bakery sell?", part)["content"] == "The bakery sells bread. [day.pdf]"
    assert (
        ask(client, "Summarise", part)["content"]
        == "The ferry leaves at eight. [day.pdf] The bakery sells bread. [day.pdf]"
    )


SCHEMA: dict[str, Any] = {"type": "object", "properties": {"prompt": {"type": "string"}}, "required": ["prompt"]}


def test_tools_are_called_with_what_a_document_says(client: httpx.Client, emulator: Emulator) -> None:
    file = {"file_id": emulator.files.add(pdf(FERRY), "day.pdf").id}
    tool = {"type": "function", "function": {"name": "draw", "parameters": SCHEMA}}
    (call,) = ask(client, "Draw what the ferry does.", {"type": "file", "file": file}, tools=[tool])["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"prompt": "The ferry leaves at eight."}
    item = {
        "type": "message",
        "role": "user",
        "content": [{"type": "input_file", **file}, {"type": "input_text", "text": "Draw it."}],
    }
    body = {"model": "doubao-seed-2-1-pro-260915", "tools": [{"type": "function", **tool["function"]}]}
    first = client.post("/responses", json={**body, "input": [item]}).json()["output"][-1]
    del first["id"]  # not accepted in the input
    assert json.loads(first["arguments"]) == {"prompt": "The ferry leaves at eight. The bakery sells bread."}
    result = {"type": "function_call_output", "call_id": first["call_id"], "output": "saved as /pictures/1.jpeg"}
    second = client.post("/responses", json={**body, "input": [item, first, result]}).json()["output"][-1]
    assert second["content"][0]["text"] == "The tools answered: draw returned saved as /pictures/1.jpeg"


def test_a_quotation_goes_before_what_a_document_says(client: httpx.Client, emulator: Emulator) -> None:
    part = {"type": "file", "file": {"file_id": emulator.files.add(pdf(FERRY), "day.pdf").id}}
    tool = {"type": "function", "function": {"name": "draw", "parameters": SCHEMA}}
    (call,) = ask(client, 'Draw "a red fox".', part, tools=[tool])["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"prompt": "a red fox"}


def test_the_text_of_a_document_is_counted(client: httpx.Client, emulator: Emulator) -> None:
    def prompt_tokens(text: str) -> int:
        file = emulator.files.add(pdf(text), "a.pdf")
        body = use({"type": "file", "file": {"file_id": file.id}})
        return int(client.post("/chat/completions", json=body).json()["usage"]["prompt_tokens"])

    assert prompt_tokens("word " * 200) - prompt_tokens("word " * 100) >= 90


def test_files_are_controlled_over_http_too(client: httpx.Client, emulator: Emulator) -> None:
    def control(name: str, **arguments: Any) -> None:
        assert client.post(f"{emulator.origin}/_emulator/{name}", json=arguments).status_code == 200

    control("process_files_for", polls=1)
    control("fail_next_file", code="InvalidParameter.TooLong", message="Too long.")
    path = f"/files/{post(client).json()['id']}"
    assert client.get(path).json()["status"] == "processing"
    assert client.get(path).json()["error"]["code"] == "InvalidParameter.TooLong"


def test_a_reset_forgets_files_and_controls(client: httpx.Client, emulator: Emulator) -> None:
    post(client)
    emulator.files.fail_next()
    emulator.files.process_for(3)
    emulator.reset()
    assert emulator.files.stored == []
    path = f"/files/{post(client).json()['id']}"
    assert client.get(path).json()["status"] == "active"
