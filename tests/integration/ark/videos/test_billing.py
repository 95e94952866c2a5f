"""A submission is billed: it is sent again only where the first was certainly not executed."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from langchain_volcark import ArkVideoGenerator
from langchain_volcark.exceptions import (
    APIConnectionError,
    APITimeoutError,
    QuotaExceededError,
    RateLimitError,
    ResponseFormatError,
    ServiceError,
    VolcArkError,
)
from tests.integration.ark.videos.conftest import Call
from tests.unit.raw_server import Connection, RawServer, raw_server, reply

CREATED = reply(b'{"id":"cgt-1"}')
QUEUED = reply(b'{"id":"cgt-1","status":"queued"}')


@pytest.fixture
def server() -> Iterator[RawServer]:
    with raw_server() as running:
        yield running


def refusal(code: str, status: str, headers: str = "") -> bytes:
    return reply(json.dumps({"error": {"code": code, "message": "No."}}).encode(), status=status, headers=headers)


LIMITED = refusal("RateLimitExceeded.EndpointRPMExceeded", "429 Slow")


def hang_up(connection: Connection, request: bytes) -> None:
    return None


def stay_silent(connection: Connection, request: bytes) -> bytes:
    connection.server.release.wait()
    return b""


def break_off(connection: Connection, request: bytes) -> None:
    connection.send(CREATED[:-4])


def answers(*replies: bytes) -> Callable[[Connection, bytes], bytes]:
    return lambda connection, request: replies[min(len(connection.server.requests), len(replies)) - 1]


def generator(server: RawServer, **arguments: Any) -> ArkVideoGenerator:
    return ArkVideoGenerator(api_key="key", base_url=server.url, **arguments)


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        (stay_silent, APITimeoutError),
        (hang_up, APIConnectionError),
        (break_off, APIConnectionError),
        (answers(refusal("InternalServiceError", "500 Broken")), ServiceError),
        (answers(reply(b"<html>", status="502 Bad Gateway")), ServiceError),
        (answers(refusal("InternalServiceError", "503 Busy", "Retry-After: 1\r\n")), ServiceError),
        (answers(reply(b"<html>")), ResponseFormatError),
        (answers(reply(b"{}")), ResponseFormatError),
    ],
    ids=[
        "read timeout",
        "broken connection",
        "broken reply",
        "500",
        "502",
        "503 with Retry-After",
        "200 of a proxy",
        "200 without an id",
    ],
)
async def test_a_submission_that_may_have_been_executed_is_sent_once(
    call: Call, server: RawServer, waits: list[float], handler: Any, expected: type[VolcArkError]
) -> None:
    server.handler = handler
    with pytest.raises(expected, match="may have been created, and billed: look for it with list") as caught:
        await call(generator(server, timeout=0.3 if handler is stay_silent else 60), "submit", "A cat")
    assert len(server.requests) == 1
    assert waits == []
    assert not caught.value.is_retryable


async def test_a_stale_connection_does_not_send_it_twice(
    call: Call, server: RawServer, waits: list[float]
) -> None:
    # The idle connection of the first request breaks under a second one, which an ordinary request survives.
    def close_used(connection: Connection, request: bytes) -> bytes | None:
        return QUEUED if len(connection.requests) == 1 else None

    server.handler = close_used
    videos = generator(server)
    await call(videos, "get", "cgt-1")
    await call(videos, "submit", "A cat")
    assert [request.split()[0] for request in server.requests] == [b"GET", b"POST"]
    assert [len(connection.requests) for connection in server.connections] == [1, 1]


@pytest.mark.parametrize("headers", ["", "Retry-After: 3\r\n"])
async def test_a_submission_refused_by_a_rate_limit_is_repeated(
    call: Call, server: RawServer, waits: list[float], headers: str
) -> None:
    limited = refusal("RateLimitExceeded.EndpointRPMExceeded", "429 Slow", headers)
    server.handler = answers(limited, limited, CREATED)
    assert (await call(generator(server), "submit", "A cat")).id == "cgt-1"
    assert len(server.requests) == 3
    assert len(waits) == 2


async def test_a_rate_limit_that_lasts_is_reported_without_doubt(
    call: Call, server: RawServer, waits: list[float]
) -> None:
    server.handler = answers(LIMITED)
    with pytest.raises(RateLimitError) as caught:
        await call(generator(server, max_retries=1), "submit", "A cat")
    assert len(server.requests) == 2
    assert caught.value.is_retryable
    assert "may have been created" not in str(caught.value)


async def test_a_used_up_quota_is_reported_at_once(call: Call, server: RawServer, waits: list[float]) -> None:
    server.handler = answers(refusal("QuotaExceeded", "429 No"))
    with pytest.raises(QuotaExceededError):
        await call(generator(server), "submit", "A cat")
    assert (len(server.requests), waits) == (1, [])


async def test_a_refused_connection_is_tried_again(call: Call, waits: list[float]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    videos = ArkVideoGenerator(api_key="key", base_url=f"http://127.0.0.1:{port}")
    with pytest.raises(APIConnectionError) as caught:
        await call(videos, "submit", "A cat")
    assert len(waits) == 2
    assert "may have been created" not in str(caught.value)


async def test_the_users_own_client_sends_it_once_too(server: RawServer, waits: list[float]) -> None:
    server.handler = hang_up
    with httpx.Client() as client, pytest.raises(APIConnectionError, match="may have been created"):
        generator(server, http_client=client).submit("A cat")
    async with httpx.AsyncClient() as client:
        with pytest.raises(APIConnectionError, match="may have been created"):
            await generator(server, http_async_client=client).asubmit("A cat")
    assert len(server.requests) == 2


async def test_looking_at_a_task_is_repeated(call: Call, server: RawServer, waits: list[float]) -> None:
    def fail_twice(connection: Connection, request: bytes) -> bytes | None:
        return QUEUED if len(connection.server.requests) > 2 else None

    server.handler = fail_twice
    assert (await call(generator(server), "get", "cgt-1")).status == "queued"
    assert len(server.requests) == 3
