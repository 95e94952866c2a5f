"""What one connection keeps and what it closes, against a server of bare sockets."""

from __future__ import annotations

import inspect
from typing import Any

import httpx
import pytest

from tests.unit.http.test_pool import pool  # noqa: F401 - a fixture
from tests.unit.raw_server import RawServer, raw_server, reply

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n%s\r\n2\r\nok\r\n0\r\n%s\r\n"


@pytest.fixture
def server() -> Any:
    with raw_server() as running:
        yield running


def always(answer: bytes) -> Any:
    return lambda *_: answer


@pytest.mark.parametrize("trailer", [b"", b"X-Sum: 1\r\n"])
async def test_a_chunked_answer_leaves_its_connection_for_the_next(
    pool: Any,  # noqa: F811
    server: RawServer,
    trailer: bytes,
) -> None:
    server.handler = always(CHUNKED % (b"", trailer))
    driver = pool()
    assert [(await driver.post(server.url)).content for _ in range(3)] == [b"ok"] * 3
    assert len(server.connections) == 1


@pytest.mark.parametrize(
    "answer",
    [
        CHUNKED % (b"Connection: close\r\n", b""),
        CHUNKED % (b"", b"") + b"more than was asked for",
        reply() + b"more than was asked for",
    ],
    ids=["close", "chunked and more", "counted and more"],
)
async def test_a_connection_that_cannot_be_trusted_with_another_request_is_closed(
    pool: Any,  # noqa: F811
    server: RawServer,
    answer: bytes,
) -> None:
    server.handler = always(answer)
    driver = pool()
    assert [(await driver.post(server.url)).content for _ in range(2)] == [b"ok"] * 2
    assert [len(each.requests) for each in server.connections] == [1, 1]


async def test_the_answer_to_a_head_request_has_no_body_whatever_it_says(
    pool: Any,  # noqa: F811
    server: RawServer,
) -> None:
    server.handler = always(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    driver = pool()
    for _ in range(2):
        answered = driver.client.head(server.url)
        assert (await answered if inspect.isawaitable(answered) else answered).content == b""
    assert len(server.connections) == 1


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
async def test_an_answer_without_a_body_is_complete_with_its_head(
    pool: Any,  # noqa: F811
    server: RawServer,
    status: str,
) -> None:
    server.handler = always(f"HTTP/1.1 {status}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    driver = pool()
    assert [(await driver.post(server.url)).content for _ in range(2)] == [b"", b""]
    assert len(server.connections) == 1


async def test_informational_answers_are_read_over(
    pool: Any,  # noqa: F811
    server: RawServer,
) -> None:
    server.handler = always(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + reply())
    assert (await pool().post(server.url)).content == b"ok"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\no",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"SMTP ready\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
    ],
)
async def test_an_answer_that_is_not_http_is_a_protocol_error(
    pool: Any,  # noqa: F811
    server: RawServer,
    answer: bytes,
) -> None:
    server.handler = lambda connection, _: connection.send(answer)
    with pytest.raises(httpx.RemoteProtocolError):
        await pool().post(server.url)
