"""The argument `max_connections` of every class: how many connections are open at once, and what waits for them."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from langchain_core.load import dumps

from langchain_volcark.exceptions import APIConnectionError, APITimeoutError
from langchain_volcark.http.registry import registry
from tests.integration.echo import reply
from tests.integration.faults.driving import CALLS, STREAMING, Call, nothing
from tests.integration.faults.faults import begin, chunk
from tests.integration.faults.services import CHATS, OTHERS, TEXT, Service
from tests.unit.raw_server import Connection, RawServer, raw_server

EVERY_CLASS = [pytest.param(service, id=service.name) for service in [*CHATS, *OTHERS]]
ARK = CHATS[0]


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_to_the_garbage_collector() -> Iterator[None]:
    yield
    gc.collect()  # a socket or transport that was never closed warns here, and a warning is an error


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> Iterator[RawServer]:
    monkeypatch.setattr(registry, "_clients", {})
    with raw_server() as running:
        yield running
        for client in registry._clients.values():
            client.close()


@pytest.mark.parametrize("service", EVERY_CLASS)
def test_every_class_takes_it_and_shows_it_in_no_dump(service: Service) -> None:
    assert service.build("https://example.com").max_connections == 10_000
    model = service.build("https://example.com", max_connections=7)
    assert "max_connections" not in repr(model) + dumps(model)


@pytest.mark.parametrize("service", EVERY_CLASS)
@pytest.mark.parametrize("value", [0, -1, 1.5, "many", None, True])
def test_what_is_no_number_of_connections_is_refused_by_name(service: Service, value: Any) -> None:
    with pytest.raises(ValueError, match="max_connections"):
        service.build("https://example.com", max_connections=value)


@pytest.mark.parametrize("name", CALLS)
def test_a_call_that_waits_in_vain_says_for_what(name: str, server: RawServer) -> None:
    """One stream is held open, and the pool has room for one connection."""
    call: Call = CALLS[name]
    held = begin("text/event-stream") + chunk(ARK.events()[0])

    def hold(connection: Connection, request: bytes) -> None:
        connection.send(held)
        connection.wait_until_closed()

    server.handler = hold
    model = ARK.build(server.url, max_connections=1, max_retries=0)
    impatient = model.model_copy(update={"timeout": httpx.Timeout(30, pool=0.05)})
    says = r"all 1 connections of the pool stayed in use \(max_connections\), and 0 more requests wait.*raise max_conn"

    async def on_a_loop() -> None:
        stream = model.astream("Hi")
        await anext(stream)
        with pytest.raises(APITimeoutError, match=says):
            await call(impatient, nothing)  # type: ignore[misc]
        await stream.aclose()

    if asyncio.iscoroutinefunction(call):
        asyncio.run(on_a_loop())
        return
    stream = model.stream("Hi")
    next(stream)
    with pytest.raises(APITimeoutError, match=says):
        call(impatient, nothing)
    stream.close()


@pytest.mark.parametrize("name", CALLS)
def test_no_more_connections_are_open_than_allowed(name: str, server: RawServer) -> None:
    call: Call = CALLS[name]
    answer = b"".join(reply(ARK, TEXT, streaming=name in STREAMING))
    server.handler = lambda *_: answer
    model = ARK.build(server.url, max_connections=3)

    async def on_a_loop() -> list[Any]:
        return await asyncio.gather(*(call(model, nothing) for _ in range(30)))  # type: ignore[arg-type]

    if asyncio.iscoroutinefunction(call):
        assert asyncio.run(on_a_loop()) == [TEXT] * 30
    else:
        threads = [threading.Thread(target=call, args=(model, nothing)) for _ in range(30)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert len(server.requests) == 30
    assert len(server.connections) <= 3


def test_models_with_other_limits_have_other_pools(server: RawServer) -> None:
    answer = b"".join(reply(ARK, TEXT, streaming=False))
    server.handler = lambda *_: answer
    for limit in (5, 5, 6):
        ARK.build(server.url, max_connections=limit).invoke("Hi")
    assert [len(connection.requests) for connection in server.connections] == [2, 1]


@pytest.mark.parametrize("name", ["invoke", "ainvoke"])
def test_a_process_without_free_descriptors_is_told_what_to_do(
    name: str, server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(*_: Any, **__: Any) -> Any:
        raise OSError(24, "Too many open files")

    call = CALLS[name]
    model = ARK.build(server.url, max_retries=0)
    if name == "invoke":
        monkeypatch.setattr(socket, "create_connection", none_left)
        with pytest.raises(APIConnectionError, match=r"ulimit -n.*max_connections"):
            call(model, nothing)
        return

    async def on_a_loop() -> None:
        monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", none_left)
        with pytest.raises(APIConnectionError, match=r"ulimit -n.*max_connections"):
            await call(model, nothing)  # type: ignore[misc]

    asyncio.run(on_a_loop())
