"""A request that costs money each time is sent again only where the first was certainly not executed."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from langchain_volcark import ChatArk
from langchain_volcark.exceptions import (
    APIConnectionError,
    APITimeoutError,
    QuotaExceededError,
    RateLimitError,
    ServiceError,
    VolcArkError,
)
from langchain_volcark.http.requests import ServiceRequest
from langchain_volcark.http.retry import Attempts, is_safe_to_repeat
from tests.unit.raw_server import Connection, RawServer, raw_server, reply

BILLED = ServiceRequest("/images", {}, retries=Attempts(2, is_safe_to_repeat), fresh_connection=True)
OTHER = ServiceRequest("/chat", {})
LIMITED = b'{"error":{"code":"RateLimitExceeded.EndpointRPMExceeded","message":"later"}}'
NO_QUOTA = b'{"error":{"code":"AccountOverdueError","message":"pay first"}}'

Post = Callable[[ChatArk, ServiceRequest], Awaitable[Any]]


@pytest.fixture(params=["sync", "async"])
def post(request: pytest.FixtureRequest) -> Post:
    async def send(model: ChatArk, wanted: ServiceRequest) -> Any:
        return model._client.post(wanted) if request.param == "sync" else await model._client.apost(wanted)

    return send


@pytest.fixture
def server() -> Iterator[RawServer]:
    with raw_server() as running:
        yield running


def model_of(server: RawServer, **arguments: Any) -> ChatArk:
    return ChatArk(model="m", api_key="key", base_url=server.url, **arguments)


def hang_up(connection: Connection, request: bytes) -> None:
    return None


def stay_silent(connection: Connection, request: bytes) -> bytes:
    connection.server.release.wait()
    return b""


def answers(*replies: bytes) -> Callable[[Connection, bytes], bytes]:
    return lambda connection, request: replies[min(len(connection.server.requests), len(replies)) - 1]


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        (hang_up, APIConnectionError),
        (stay_silent, APITimeoutError),
        (answers(reply(b"{}", status="500 Broken")), ServiceError),
        (answers(reply(b"{}", status="503 Busy", headers="Retry-After: 1\r\n")), ServiceError),
        (answers(reply(NO_QUOTA, status="403 Forbidden")), VolcArkError),
        (
            answers(reply(b'{"error":{"code":"AccountQuotaExceeded","message":"x"}}', status="429 No")),
            QuotaExceededError,
        ),
    ],
    ids=["broken", "silent", "500", "503 with Retry-After", "not paid", "quota"],
)
async def test_what_may_have_been_executed_is_sent_once(
    post: Post, server: RawServer, waits: list[float], handler: Any, expected: type[VolcArkError]
) -> None:
    server.handler = handler
    with pytest.raises(expected):
        await post(model_of(server, timeout=0.3), BILLED)
    assert len(server.requests) == 1
    assert waits == []


@pytest.mark.parametrize("headers", ["", "Retry-After: 3\r\n"])
async def test_a_request_refused_by_a_rate_limit_is_repeated(
    post: Post, server: RawServer, waits: list[float], headers: str
) -> None:
    refusal = reply(LIMITED, status="429 Slow", headers=headers)
    server.handler = answers(refusal, refusal, reply(b"{}"))
    await post(model_of(server), BILLED)
    assert len(server.requests) == 3
    assert len(waits) == 2


async def test_a_rate_limit_longer_than_a_minute_is_reported_at_once(
    post: Post, server: RawServer, waits: list[float]
) -> None:
    server.handler = answers(reply(LIMITED, status="429 Slow", headers="Retry-After: 61\r\n"))
    with pytest.raises(RateLimitError):
        await post(model_of(server), BILLED)
    assert (len(server.requests), waits) == (1, [])


async def test_a_refused_connection_is_tried_again(post: Post, waits: list[float]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    model = ChatArk(model="m", api_key="key", base_url=f"http://127.0.0.1:{port}")
    with pytest.raises(APIConnectionError):
        await post(model, BILLED)
    assert len(waits) == 2


async def test_no_connection_is_used_again(post: Post, server: RawServer) -> None:
    server.handler = answers(reply(b"{}"))
    model = model_of(server)
    for wanted in (OTHER, BILLED, OTHER, OTHER):
        await post(model, wanted)
    assert [len(connection.requests) for connection in server.connections] == [1, 3]


async def test_a_connection_that_the_server_closes_is_not_replayed(
    post: Post, server: RawServer, waits: list[float]
) -> None:
    # The idle connection of the first request breaks under the second, which an ordinary request survives.
    def close_used(connection: Connection, request: bytes) -> bytes | None:
        return reply(b"{}") if len(connection.requests) == 1 else None

    server.handler = close_used
    model = model_of(server)
    await post(model, OTHER)
    await post(model, BILLED)
    assert [line.split()[1] for line in server.requests] == [b"/chat", b"/images"]
