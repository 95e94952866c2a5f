"""The connection pools, against a server of bare sockets. Most tests run once blocking and once async."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from langchain_volcark.http.pool import AsyncPooledTransport, PooledTransport
from tests.unit.raw_server import Connection, RawServer, raw_server, reply


class SyncDriver:
    """Lets one test body drive both transports."""

    def __init__(self, **arguments: Any) -> None:
        self.transport = PooledTransport(**arguments)
        self.client = httpx.Client(transport=self.transport, timeout=30)

    async def post(self, url: str, **arguments: Any) -> httpx.Response:
        return self.client.post(url, **arguments)

    async def open(self, url: str, **arguments: Any) -> httpx.Response:
        return self.client.send(self.client.build_request("GET", url, **arguments), stream=True)

    async def read(self, response: httpx.Response) -> bytes:
        return response.read()

    async def first_bytes(self, response: httpx.Response) -> bytes:
        self.reading = response.iter_raw()  # held, because a forgotten generator closes the response
        return next(self.reading)

    async def close(self, response: httpx.Response) -> None:
        response.close()

    async def shut(self) -> None:
        self.client.close()


class AsyncDriver:
    def __init__(self, **arguments: Any) -> None:
        self.transport = AsyncPooledTransport(**arguments)
        self.client = httpx.AsyncClient(transport=self.transport, timeout=30)

    async def post(self, url: str, **arguments: Any) -> httpx.Response:
        if isinstance(content := arguments.get("content"), Iterator):
            arguments["content"] = _asynchronous(content)
        return await self.client.post(url, **arguments)

    async def open(self, url: str, **arguments: Any) -> httpx.Response:
        return await self.client.send(self.client.build_request("GET", url, **arguments), stream=True)

    async def read(self, response: httpx.Response) -> bytes:
        return await response.aread()

    async def first_bytes(self, response: httpx.Response) -> bytes:
        self.reading = response.aiter_raw()
        return await anext(self.reading)

    async def close(self, response: httpx.Response) -> None:
        await response.aclose()

    async def shut(self) -> None:
        await self.client.aclose()


async def _asynchronous(items: Iterator[bytes]) -> AsyncIterator[bytes]:
    for item in items:
        yield item


Driver = SyncDriver | AsyncDriver


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_to_the_garbage_collector() -> Iterator[None]:
    yield
    gc.collect()  # a socket or transport that was never closed warns here, and a warning is an error


@pytest.fixture
def server() -> Iterator[RawServer]:
    with raw_server() as running:
        yield running


@pytest.fixture(params=[SyncDriver, AsyncDriver], ids=["sync", "async"])
async def pool(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    """Makes drivers and closes them."""
    made: list[Driver] = []

    def make(**arguments: Any) -> Driver:
        made.append(request.param(**arguments))
        return made[-1]

    yield make
    for driver in made:
        await driver.shut()
        assert (driver.transport.active_connections, driver.transport.idle_connections) == (0, 0)


def hang(connection: Connection, request: bytes) -> None:
    """Send headers and the first bytes, then nothing more."""
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegin")
    connection.wait_until_closed()


async def test_requests_one_after_the_other_share_a_connection(pool: Any, server: RawServer) -> None:
    driver = pool()
    assert [(await driver.post(server.url)).content for _ in range(3)] == [b"0", b"0", b"0"]
    assert (driver.transport.active_connections, driver.transport.idle_connections) == (0, 1)


async def test_the_connection_used_last_is_used_first(pool: Any, server: RawServer) -> None:
    driver = pool()
    responses = [await driver.open(server.url) for _ in range(3)]
    assert driver.transport.active_connections == 3
    for index in (2, 0, 1):
        await driver.read(responses[index])
    assert (await driver.post(server.url)).content == b"1"
    held = [await driver.open(server.url) for _ in range(3)]
    assert [await driver.read(response) for response in held] == [b"1", b"0", b"2"]


async def test_origins_do_not_share_connections(pool: Any, server: RawServer) -> None:
    driver = pool()
    with raw_server() as other:
        await driver.post(server.url)
        await driver.post(other.url)
        await driver.post(server.url)
        assert (len(server.requests), len(other.requests)) == (2, 1)
        assert driver.transport.idle_connections == 2


async def test_a_request_beyond_the_cap_times_out(pool: Any, server: RawServer) -> None:
    driver = pool(max_connections=1)
    held = await driver.open(server.url)
    with pytest.raises(httpx.PoolTimeout):
        await driver.post(server.url, timeout=httpx.Timeout(5, pool=0.01))
    await driver.read(held)
    assert (await driver.post(server.url)).content == b"0"
    assert len(server.connections) == 1


async def test_at_the_cap_an_idle_connection_makes_room_for_another_origin(pool: Any, server: RawServer) -> None:
    driver = pool(max_connections=1)
    with raw_server() as other:
        await driver.post(server.url)
        await driver.post(other.url)
        assert server.connections[0].closed.wait(30)
        assert driver.transport.idle_connections == 1


async def test_only_so_many_idle_connections_are_kept_and_the_oldest_go(pool: Any, server: RawServer) -> None:
    driver = pool(max_idle=1)
    responses = [await driver.open(server.url) for _ in range(3)]
    for response in responses:
        await driver.read(response)
    assert driver.transport.idle_connections == 1
    assert server.connections[0].closed.wait(30)
    assert server.connections[1].closed.wait(30)
    assert (await driver.post(server.url)).content == b"2"


async def test_an_idle_connection_expires(pool: Any, server: RawServer) -> None:
    clock = Clock()
    driver = pool(keepalive_expiry=300, clock=clock)
    await driver.post(server.url)
    clock.now += 299
    assert (await driver.post(server.url)).content == b"0"
    clock.now += 300
    assert (await driver.post(server.url)).content == b"1"
    assert server.connections[0].closed.wait(30)
    assert driver.transport.idle_connections == 1


async def test_a_request_on_a_connection_which_the_server_closes_meanwhile_is_sent_again(
    pool: Any, server: RawServer
) -> None:
    server.handler = lambda connection, _: None if len(connection.requests) > 1 else reply(b"ok")
    driver = pool()
    await driver.post(server.url, content=b"first")
    assert (await driver.post(server.url, content=b"second")).content == b"ok"
    bodies = [[request.rpartition(b"\r\n")[2] for request in each.requests] for each in server.connections]
    assert bodies == [[b"first", b"second"], [b"second"]]


async def test_a_connection_which_the_server_reset_meanwhile_is_replaced(pool: Any, server: RawServer) -> None:
    driver = pool()
    await driver.post(server.url)
    server.connections[0].socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    server.connections[0].socket.shutdown(socket.SHUT_RD)
    server.connections[0].socket.close()
    assert (await driver.post(server.url)).content == b"1"


async def test_a_connection_found_closed_is_not_even_tried(pool: Any, server: RawServer) -> None:
    server.handler = lambda *_: reply(b"ok")
    driver = pool()
    await driver.post(server.url)
    server.connections[0].socket.shutdown(socket.SHUT_WR)
    await asyncio.sleep(0.02)  # the loop sees the end of the stream
    assert (await driver.post(server.url, content=iter([b"cannot be sent twice"]))).content == b"ok"
    assert [len(each.requests) for each in server.connections] == [1, 1]


async def test_a_request_on_a_new_connection_is_not_sent_again(pool: Any, server: RawServer) -> None:
    server.handler = lambda *_: None
    driver = pool()
    with pytest.raises(httpx.RemoteProtocolError, match="disconnected"):
        await driver.post(server.url)
    assert len(server.requests) == 1


async def test_a_request_is_sent_again_once_only(pool: Any, server: RawServer) -> None:
    driver = pool()
    for response in [await driver.open(server.url) for _ in range(3)]:
        await driver.read(response)
    server.handler = lambda *_: None
    with pytest.raises(httpx.RemoteProtocolError):
        await driver.post(server.url)
    assert len(server.requests) == 5


async def test_a_request_is_not_sent_again_once_an_answer_began(pool: Any, server: RawServer) -> None:
    driver = pool()
    await driver.post(server.url)
    server.handler = lambda connection, _: connection.send(b"HTTP/1.1 200 O")  # type: ignore[func-returns-value]
    with pytest.raises(httpx.RemoteProtocolError):
        await driver.post(server.url)
    assert len(server.requests) == 2


async def test_a_request_is_not_sent_again_after_a_timeout(pool: Any, server: RawServer) -> None:
    driver = pool()
    await driver.post(server.url)
    server.handler = lambda connection, _: connection.wait_until_closed()  # type: ignore[func-returns-value]
    with pytest.raises(httpx.ReadTimeout):
        await driver.post(server.url, timeout=0.2)
    assert server.connections[0].closed.wait(30)
    assert len(server.requests) == 2


async def test_a_body_which_can_be_read_once_is_not_sent_again(pool: Any, server: RawServer) -> None:
    driver = pool()
    await driver.post(server.url)
    server.handler = lambda *_: None
    with pytest.raises(httpx.RemoteProtocolError):
        await driver.post(server.url, content=iter([b"x"]))
    assert len(server.requests) == 2


async def test_a_request_on_which_the_server_gave_up_late_is_not_sent_again(pool: Any, server: RawServer) -> None:
    clock = Clock()

    def give_up(connection: Connection, request: bytes) -> None:
        clock.now += 60

    driver = pool(clock=clock)
    await driver.post(server.url)
    server.handler = give_up
    with pytest.raises(httpx.RemoteProtocolError):
        await driver.post(server.url)
    assert len(server.requests) == 2


async def test_an_abandoned_stream_closes_its_connection(pool: Any, server: RawServer) -> None:
    server.handler = hang
    driver = pool(max_connections=1)
    response = await driver.open(server.url)
    assert await driver.first_bytes(response) == b"begin"
    assert not server.connections[0].closed.is_set()
    await driver.close(response)
    assert server.connections[0].closed.wait(30)
    assert (driver.transport.active_connections, driver.transport.idle_connections) == (0, 0)


async def test_a_response_never_read_closes_its_connection(pool: Any, server: RawServer) -> None:
    server.handler = hang
    driver = pool(max_connections=1)
    await driver.close(await driver.open(server.url))
    assert server.connections[0].closed.wait(30)


async def test_a_response_cut_short_raises_and_closes_its_connection(pool: Any, server: RawServer) -> None:
    server.handler = lambda connection, _: connection.send(reply(b"x" * 10)[:-3])  # type: ignore[func-returns-value]
    driver = pool(max_connections=1)
    for _ in range(2):
        with pytest.raises(httpx.RemoteProtocolError, match=r"incomplete|closed"):
            await driver.post(server.url)
    assert (driver.transport.active_connections, driver.transport.idle_connections) == (0, 0)


async def test_a_silent_body_times_out(pool: Any, server: RawServer) -> None:
    server.handler = hang
    driver = pool(max_connections=1)
    with pytest.raises(httpx.ReadTimeout):
        await driver.post(server.url, timeout=0.2)
    assert server.connections[0].closed.wait(30)


@pytest.mark.parametrize(
    "answer", [reply(headers="Connection: close\r\n"), b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"]
)
async def test_a_connection_which_the_server_will_close_is_not_kept(
    pool: Any, server: RawServer, answer: bytes
) -> None:
    server.handler = lambda *_: answer
    driver = pool()
    for _ in range(2):
        assert (await driver.post(server.url)).content == b"ok"
    assert driver.transport.idle_connections == 0
    assert [len(each.requests) for each in server.connections] == [1, 1]
    assert server.connections[0].closed.wait(30)


async def test_closing_closes_idle_connections_now_and_the_others_when_they_come_back(
    pool: Any, server: RawServer
) -> None:
    driver = pool()
    held, other = await driver.open(server.url), await driver.open(server.url)
    await driver.read(other)
    await driver.shut()
    assert server.connections[1].closed.wait(30)
    assert not server.connections[0].closed.is_set()
    assert await driver.read(held) == b"0"
    assert server.connections[0].closed.wait(30)


async def test_a_closed_transport_refuses_requests(server: RawServer) -> None:
    transport = PooledTransport()
    transport.close()
    with pytest.raises(RuntimeError, match="closed"):
        transport.handle_request(httpx.Request("GET", server.url))


async def test_a_failed_connect_frees_its_place(pool: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
    driver = pool(max_connections=1)
    for _ in range(2):
        with pytest.raises(httpx.ConnectError):
            await driver.post(url)
    assert driver.transport.active_connections == 0


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "http:///path"])
async def test_an_address_which_is_not_http_is_refused(pool: Any, url: str) -> None:
    with pytest.raises(httpx.UnsupportedProtocol):
        await pool().post(url)


def test_caps_without_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="max_connections"):
        PooledTransport(max_connections=0)
