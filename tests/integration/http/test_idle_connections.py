"""Idle connections are kept long enough, and one that the server has closed is replaced without a retry."""

from __future__ import annotations

import asyncio
import functools
import gc
import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from langchain_volcark.http import pool as http_pool
from langchain_volcark.http import registry as http_registry
from langchain_volcark.http import stream as http_stream
from langchain_volcark.http.pool import AsyncPooledTransport, PooledTransport
from langchain_volcark.http.registry import registry
from tests.integration.echo import reply
from tests.integration.faults.driving import CALLS, OTHER_CALLS, STREAMING, nothing
from tests.integration.faults.services import CHATS, OTHERS, TEXT, Service
from tests.unit.raw_server import Connection, RawServer, raw_server

EACH = [
    pytest.param(service, name, call, id=f"{service.name}-{name}")
    for service in [*CHATS, *OTHERS]
    for name, call in (CALLS if service.is_chat() else OTHER_CALLS).items()
]


class Clock:
    """Seconds that pass when a test says so."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_to_the_garbage_collector() -> Iterator[None]:
    yield
    gc.collect()  # a socket, generator or task that was forgotten warns here, and a warning is an error


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time for the pools that are made from now on."""
    time = Clock()
    for transport in (PooledTransport, AsyncPooledTransport):
        monkeypatch.setattr(http_registry, transport.__name__, functools.partial(transport, clock=time))
    return time


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[RawServer]:
    monkeypatch.setattr(registry, "_clients", {})  # no connection of another test
    monkeypatch.setattr(http_stream, "_DRAIN_SECONDS", 60)  # a slow machine must not cost a connection
    monkeypatch.setattr(http_pool, "_STALE_SECONDS", 600)  # nor look like a server that gave up on a question
    with raw_server() as running:
        yield running
        for client in registry._clients.values():
            client.close()


def answers(service: Service, streaming: bool) -> Callable[[Connection, bytes], bytes]:
    return lambda *_: b"".join(reply(service, TEXT, streaming=streaming))


def two_questions(call: Any, model: Any, pause: Callable[[], object]) -> list[str]:
    """Both on one event loop, where the call is async."""
    if not asyncio.iscoroutinefunction(call):
        first = call(model, nothing)
        pause()
        return [first, call(model, nothing)]

    async def ask() -> list[str]:
        first = await call(model, nothing)
        await asyncio.to_thread(pause)
        return [first, await call(model, nothing)]

    return asyncio.run(ask())


@pytest.mark.parametrize(("service", "name", "call"), EACH)
def test_a_connection_outlives_a_pause_of_minutes(
    server: RawServer, clock: Clock, service: Service, name: str, call: Any
) -> None:
    server.handler = answers(service, name in STREAMING)

    def think() -> None:
        clock.now += 4 * 60

    first, second = two_questions(call, service.build(server.url), think)
    assert first == second
    assert [len(connection.requests) for connection in server.connections] == [2]


def test_after_a_long_pause_the_connection_is_made_anew(server: RawServer, clock: Clock) -> None:
    service, call = CHATS[0], CALLS["invoke"]
    server.handler = answers(service, False)

    def have_lunch() -> None:
        clock.now += 30 * 60

    two_questions(call, service.build(server.url), have_lunch)
    assert [len(connection.requests) for connection in server.connections] == [1, 1]
    assert server.connections[0].closed.wait(30)


@pytest.mark.parametrize("how", ["hangs up", "resets"])
@pytest.mark.parametrize(("service", "name", "call"), EACH)
def test_a_connection_that_the_server_closed_during_the_pause_costs_nothing(
    server: RawServer, service: Service, name: str, call: Any, how: str
) -> None:
    answer = answers(service, name in STREAMING)
    first_done, closed = threading.Event(), threading.Event()

    def handler(connection: Connection, request: bytes) -> bytes | None:
        if len(server.connections) > 1:
            return answer(connection, request)
        connection.send(answer(connection, request))
        first_done.wait(30)
        if how == "resets":
            connection.reset()
        else:
            connection.socket.close()
        closed.set()
        return None

    def pause() -> None:
        first_done.set()
        assert closed.wait(30)

    server.handler = handler
    # No retry is allowed, so a counted one would be an error here.
    first, second = two_questions(call, service.build(server.url, max_retries=0), pause)
    assert first == second
    assert [len(connection.requests) for connection in server.connections] == [1, 1]


@pytest.mark.parametrize("how", ["hangs up", "resets"])
@pytest.mark.parametrize(("service", "name", "call"), EACH)
def test_a_connection_that_the_server_closes_as_the_question_comes_costs_nothing(
    server: RawServer, service: Service, name: str, call: Any, how: str
) -> None:
    answer = answers(service, name in STREAMING)
    numbers = itertools.count()

    def handler(connection: Connection, request: bytes) -> bytes | None:
        if next(numbers) != 1:
            return answer(connection, request)
        if how == "resets":
            connection.reset()
        return None

    server.handler = handler
    first, second = two_questions(call, service.build(server.url, max_retries=0), nothing)
    assert first == second
    assert [len(connection.requests) for connection in server.connections] == [2, 1]


def test_after_a_burst_all_closed_connections_are_found_out(server: RawServer) -> None:
    service = CHATS[0]
    server.handler = answers(service, False)
    model = service.build(server.url, max_retries=0)
    together = threading.Barrier(20)

    def handler(connection: Connection, request: bytes) -> bytes | None:
        together.wait(30)
        connection.send(answers(service, False)(connection, request))
        return None  # hangs up

    server.handler = handler
    assert len(model.batch(["Hi"] * 20, {"max_concurrency": 20})) == 20
    server.handler = answers(service, False)
    assert len({model.invoke("Hi").text for _ in range(20)}) == 1
    assert len(server.connections) == 21
