"""A request for pictures is billed each time: it is sent again only where it was certainly not executed."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

import pytest

from langchain_volcark import ArkImageGenerator
from langchain_volcark.exceptions import (
    APIConnectionError,
    APITimeoutError,
    QuotaExceededError,
    RateLimitError,
    ServiceError,
    StreamInterruptedError,
    VolcArkError,
)
from tests.integration.ark.images.conftest import ITEM, Run, generator_of
from tests.unit.raw_server import Connection, RawServer, reply

WHOLE = reply(json.dumps({"model": "m", "created": 1, "data": [ITEM]}).encode())
EVENTS = (
    {"type": "image_generation.partial_succeeded", "image_index": 0, **ITEM},
    {"type": "image_generation.completed", "usage": {"generated_images": 1}},
)
STREAM = reply(
    b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in EVENTS),
    headers="Content-Type: text/event-stream\r\n",
)
LIMITED = b'{"error":{"code":"RateLimitExceeded.EndpointRPMExceeded","message":"later"}}'
OVERDUE = b'{"error":{"code":"AccountOverdueError","message":"pay first"}}'
QUOTA = b'{"error":{"code":"QuotaExceeded","message":"used up"}}'
BROKEN = b'{"error":{"code":"InternalServiceError","message":"broken"}}'


@pytest.fixture
def answer(request: pytest.FixtureRequest) -> bytes:
    """A picture, in the form that this way of asking expects."""
    return STREAM if "stream" in request.node.callspec.params["run"] else WHOLE


def hang_up(connection: Connection, request: bytes) -> None:
    return None


def reset(connection: Connection, request: bytes) -> None:
    connection.reset()


def stay_silent(connection: Connection, request: bytes) -> bytes:
    connection.server.release.wait()
    return b""


def answers(*replies: bytes) -> Callable[[Connection, bytes], bytes]:
    return lambda connection, request: replies[min(len(connection.server.requests), len(replies)) - 1]


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        (hang_up, APIConnectionError),
        (reset, APIConnectionError),
        (stay_silent, APITimeoutError),
        (answers(reply(BROKEN, status="500 Broken")), ServiceError),
        (answers(reply(b"<html>", status="502 Bad Gateway")), ServiceError),
        (answers(reply(b"", status="503 Busy", headers="Retry-After: 1\r\n")), ServiceError),
        (answers(reply(b"", status="504 Timeout")), ServiceError),
        (answers(reply(b"", status="408 Timeout")), APITimeoutError),
        (answers(reply(OVERDUE, status="403 Forbidden")), VolcArkError),
        (answers(reply(QUOTA, status="429 Quota")), QuotaExceededError),
        (answers(reply(LIMITED, status="429 Slow", headers="Retry-After: 61\r\n")), RateLimitError),
    ],
    ids=["hang up", "reset", "silent", "500", "502", "503", "504", "408", "overdue", "quota", "long wait"],
)
async def test_it_is_sent_once(
    run: Run, server: RawServer, waits: list[float], handler: Any, expected: type[VolcArkError]
) -> None:
    server.handler = handler
    with pytest.raises(expected) as caught:
        await run(generator_of(server, timeout=0.3 if handler is stay_silent else 60, max_retries=5))
    assert (len(server.requests), waits) == (1, [])
    in_doubt = issubclass(expected, (APIConnectionError, ServiceError))
    assert ("may have been made, and billed" in str(caught.value)) == in_doubt
    assert caught.value.is_retryable == (expected is RateLimitError)


@pytest.mark.parametrize("headers", ["", "Retry-After: 3\r\n"])
async def test_a_rate_limit_is_waited_for(
    run: Run, server: RawServer, waits: list[float], answer: bytes, headers: str
) -> None:
    refusal = reply(LIMITED, status="429 Slow", headers=headers)
    server.handler = answers(refusal, refusal, answer)
    assert [picture.url for picture in await run(generator_of(server))] == [ITEM["url"]]
    assert len(server.requests) == 3
    assert len({request.partition(b"\r\n\r\n")[2] for request in server.requests}) == 1
    assert waits == [3, 3] if headers else len(waits) == 2 and all(wait > 0 for wait in waits)


async def test_a_rate_limit_is_not_waited_for_without_retries(
    run: Run, server: RawServer, waits: list[float]
) -> None:
    server.handler = answers(reply(LIMITED, status="429 Slow"))
    with pytest.raises(RateLimitError):
        await run(generator_of(server, max_retries=0))
    assert (len(server.requests), waits) == (1, [])


async def test_a_refused_connection_is_tried_again(run: Run, waits: list[float]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(APIConnectionError):
        await run(ArkImageGenerator(api_key="key", base_url=f"http://127.0.0.1:{port}"))
    assert len(waits) == 2


async def test_an_idle_connection_is_never_used(run: Run, server: RawServer, answer: bytes) -> None:
    """The pool would send a request again that breaks on an idle connection."""
    server.handler = answers(answer)
    generator = generator_of(server)
    for _ in range(3):
        assert len(await run(generator)) == 1
    assert [len(connection.requests) for connection in server.connections] == [1, 1, 1]


async def test_a_connection_that_breaks_is_not_replayed(
    run: Run, server: RawServer, waits: list[float], answer: bytes
) -> None:
    def close_second(connection: Connection, request: bytes) -> bytes | None:
        return answer if len(connection.server.requests) == 1 else None

    server.handler = close_second
    generator = generator_of(server)
    await run(generator)
    with pytest.raises(APIConnectionError):
        await run(generator)
    assert (len(server.requests), waits) == (2, [])


@pytest.mark.parametrize("run", ["stream", "astream"], indirect=True)
async def test_a_stream_that_breaks_is_not_sent_again_and_keeps_its_pictures(
    run: Run, server: RawServer, waits: list[float]
) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\nContent-Type: text/event-stream\r\n\r\n"

    def half(connection: Connection, request: bytes) -> None:
        connection.send(head + b"data: " + json.dumps(EVENTS[0]).encode() + b"\n\n")

    server.handler = half
    with pytest.raises(StreamInterruptedError) as caught:
        await run(generator_of(server))
    assert [picture.url for picture in caught.value.partial] == [ITEM["url"]]
    assert not caught.value.is_retryable
    assert (len(server.requests), waits) == (1, [])
