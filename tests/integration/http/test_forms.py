"""Forms with a file: streamed, sent again from where the file stood, the same in sync and async."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from typing import Any

import httpx
import pytest

from langchain_volcark import ChatArk
from langchain_volcark.http.forms import Form, FormFile
from langchain_volcark.http.requests import ServiceRequest
from tests.unit.raw_server import Connection, RawServer, raw_server, reply

MIB = 1024 * 1024


@pytest.fixture
def server() -> Iterator[RawServer]:
    with raw_server() as running:
        running.handler = lambda connection, request: reply(b"{}")
        yield running


def model_of(server: RawServer, **arguments: Any) -> ChatArk:
    return ChatArk(model="m", api_key="key", base_url=server.url, **arguments)


@pytest.fixture(params=["sync", "async", "own client", "own async client"])
async def send(request: pytest.FixtureRequest, server: RawServer) -> Any:
    way = request.param
    with httpx.Client() as client:
        async with httpx.AsyncClient() as async_client:
            own = {"own client": {"http_client": client}, "own async client": {"http_async_client": async_client}}
            model = model_of(server, **own.get(way, {}))

            async def post(form: Form) -> None:
                made = ServiceRequest("/files", {}, form=form)
                if "async" in way:
                    await model._client.apost(made)
                else:
                    model._client.post(made)

            yield post


def parts_of(raw: bytes) -> list[EmailMessage]:
    head, _, body = raw.partition(b"\r\n\r\n")
    content_type = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-type:"))
    message = BytesParser(policy=HTTP).parsebytes(content_type + b"\r\n\r\n" + body)
    assert message.get_content_type() == "multipart/form-data"
    return list(message.iter_parts())  # type: ignore[arg-type]


def read(part: EmailMessage) -> tuple[Any, str | None, bytes]:
    name = part.get_param("name", header="content-disposition")
    return name, part.get_filename(), bytes(part.get_payload(decode=True) or b"")


async def test_fields_and_file_arrive(send: Any, server: RawServer) -> None:
    file = FormFile("报告 1.pdf", b"%PDF-1.4", "application/pdf")
    await send(Form({"purpose": "user_data", "preprocess_configs[video][fps]": "0.3", "tag": ["a", "b"]}, file))
    parts = parts_of(server.requests[0])
    assert [read(part) for part in parts[:-1]] == [
        ("purpose", None, b"user_data"),
        ("preprocess_configs[video][fps]", None, b"0.3"),
        ("tag", None, b"a"),
        ("tag", None, b"b"),
    ]
    name, filename, content = read(parts[-1])
    assert (name, content) == ("file", b"%PDF-1.4")
    assert filename is not None
    assert filename.endswith("1.pdf")
    assert parts[-1].get_content_type() == "application/pdf"


async def test_a_form_without_a_file_is_multipart_too(send: Any, server: RawServer) -> None:
    await send(Form({"url": "https://example.com/a.mp4", "tag": ["a", "b"]}))
    assert [read(part)[::2] for part in parts_of(server.requests[0])] == [
        ("url", b"https://example.com/a.mp4"),
        ("tag", b"a"),
        ("tag", b"b"),
    ]


async def test_each_attempt_sends_the_file_from_where_it_stood(
    send: Any, server: RawServer, waits: list[float]
) -> None:
    def refuse_once(connection: Connection, request: bytes) -> bytes:
        return reply(b"{}", status="503 Busy") if len(server.requests) == 1 else reply(b"{}")

    server.handler = refuse_once
    file = io.BytesIO(b"skipped" + b"x" * 200_000)
    file.seek(7)
    await send(Form({"purpose": "user_data"}, FormFile("a.bin", file)))
    assert [read(parts_of(raw)[-1])[2] for raw in server.requests] == [b"x" * 200_000] * 2
    assert len(waits) == 1


def test_a_large_file_is_never_in_memory(tmp_path: Path) -> None:
    size, received = 32 * MIB, 0

    def swallow(connection: Connection) -> None:
        nonlocal received
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.socket.recv(65536)
        length = int(head.lower().partition(b"content-length:")[2].split()[0])
        received = len(head.partition(b"\r\n\r\n")[2])
        while received < length:
            received += len(connection.socket.recv(MIB))
        connection.send(reply(b"{}"))

    path = tmp_path / "film.mp4"
    with path.open("wb") as file:
        file.truncate(size)
    with raw_server(before=swallow) as counting, path.open("rb") as file:
        form = Form({}, FormFile("film.mp4", file, "video/mp4"))
        tracemalloc.start()
        try:
            model_of(counting)._client.post(ServiceRequest("/files", {}, form=form))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert received > size
    assert peak < 4 * MIB
