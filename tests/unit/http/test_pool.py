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


class SyncTwin:
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


class AsyncTwin:
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


Twin = SyncTwin | AsyncTwin


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


@pytest.fixture(params=[SyncTwin, AsyncTwin], ids=["sync", "async"])
async def pool(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    """Makes twins and closes them."""
    made: list[Twin] = []

    def make(**arguments: Any) -> Twin:
        made.append(request.param(**arguments))
        return made[-1]

    yield make
    for twin in made:
        await twin.shut()
        assert (twin.transport.active_connections, twin.transport.idle_connections) == (0, 0)


def hang(connection: Connection, request: bytes) -> None:
    """Send headers and the first bytes, then nothing more."""
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegin")
    connection.wait_until_closed()


async def test_requests_one_after_the_other_share_a_connection(pool: Any, server: RawServer) -> None:
    twin = pool()
    assert [(await twin.post(server.url)).content for _ in range(3)] == [b"0", b"0", b"0"]
    assert (twin.transport.active_connections, twin.transport.idle_connections) == (0, 1)


async def test_the_connection_used_last_is_used_first(pool: Any, server: RawServer) -> None:
    twin = pool()
    responses = [await twin.open(server.url) for _ in range(3)]
    assert twin.transport.active_connections == 3
    for index in (2, 0, 1):
        await twin.read(responses[index])
    assert (await twin.post(server.url)).content == b"1"
    held = [await twin.open(server.url) for _ in range(3)]
    assert [await twin.read(response) for response in held] == [b"1", b"0", b"2"]


async def test_origins_do_not_share_connections(pool: Any, server: RawServer) -> None:
    twin = pool()
    with raw_server() as other:
        await twin.post(server.url)
        await twin.post(other.url)
        await twin.post(server.url)
        assert (len(server.requests), len(other.requests)) == (2, 1)
        assert twin.transport.idle_connections == 2


async def test_a_request_beyond_the_cap_times_out(pool: Any, server: RawServer) -> None:
    twin = pool(max_connections=1)
    held = await twin.open(server.url)
    with pytest.raises(httpx.PoolTimeout):
        await twin.post(server.url, timeout=httpx.Timeout(5, pool=0.01))
    await twin.read(held)
    assert (await twin.post(server.url)).content == b"0"
    assert len(server.connections) == 1


async def test_at_the_cap_an_idle_connection_makes_room_for_another_origin(pool: Any, server: RawServer) -> None:
    twin = pool(max_connections=1)
    with raw_server() as other:
        await twin.post(server.url)
        await twin.post(other.url)
        assert server.connections[0].closed.wait(30)
        assert twin.transport.idle_connections == 1


async def test_only_so_many_idle_connections_are_kept_and_the_oldest_go(pool: Any, server: RawServer) -> None:
    twin = pool(max_idle=1)
    responses = [await twin.open(server.url) for _ in range(3)]
    for response in responses:
        await twin.read(response)
    assert twin.transport.idle_connections == 1
    assert server.connections[0].closed.wait(30)
    assert server.connections[1].closed.wait(30)
    assert (await twin.post(server.url)).content == b"2"


async def test_an_idle_connection_expires(pool: Any, server: RawServer) -> None:
    clock = Clock()
    twin = pool(keepalive_expiry=300, clock=clock)
    await twin.post(server.url)
    clock.now += 299
    assert (await twin.post(server.url)).content == b"0"
    clock.now += 300
    assert (await twin.post(server.url)).content == b"1"
    assert server.connections[0].closed.wait(30)
    assert twin.transport.idle_connections == 1


async def test_a_request_on_a_connection_which_the_server_closes_meanwhile_is_sent_again(
    pool: Any, server: RawServer
) -> None:
    server.handler = lambda connection, _: None if len(connection.requests) > 1 else reply(b"ok")
    twin = pool()
    await twin.post(server.url, content=b"first")
    assert (await twin.post(server.url, content=b"second")).content == b"ok"
    bodies = [[request.rpartition(b"\r\n")[2] for request in each.requests] for each in server.connections]
    assert bodies == [[b"first", b"second"], [b"second"]]


async def test_a_connection_which_the_server_reset_meanwhile_is_replaced(pool: Any, server: RawServer) -> None:
    twin = pool()
    await twin.post(server.url)
    server.connections[0].socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    server.connections[0].socket.shutdown(socket.SHUT_RD)
    server.connections[0].socket.close()
    assert (await twin.post(server.url)).content == b"1"


async def test_a_connection_found_closed_is_not_even_tried(pool: Any, server: RawServer) -> None:
    server.handler = lambda *_: reply(b"ok")
    twin = pool()
    await twin.post(server.url)
    server.connections[0].socket.shutdown(socket.SHUT_WR)
    await asyncio.sleep(0.02)  # the loop sees the end of the stream
    assert (await twin.post(server.url, content=iter([b"cannot be sent twice"]))).content == b"ok"
    assert [len(each.requests) for each in server.connections] == [1, 1]


async def test_a_request_on_a_new_connection_is_not_sent_again(pool: Any, server: RawServer) -> None:
    server.handler = lambda *_: None
    twin = pool()
    with pytest.raises(httpx.RemoteProtocolError, match="disconnected"):
        await twin.post(server.url)
    assert len(server.requests) == 1


async def test_a_request_is_sent_again_once_only(pool: Any, server: RawServer) -> None:
    twin = pool()
    for response in [await twin.open(server.url) for _ in range(3)]:
        await twin.read(response)
    server.handler = lambda *_: None
    with pytest.raises(httpx.RemoteProtocolError):
        await twin.post(server.url)
    assert len(server.requests) == 5


async def test_a_request_is_not_sent_again_once_an_answer_began(pool: Any, server: RawServer) -> None:
    twin = pool()
    await twin.post(server.url)
    server.handler = lambda connection, _: connection.send(b"HTTP/1.1 200 O")  # type: ignore[func-returns-value]
    with pytest.raises(httpx.RemoteProtocolError):
        await twin.post(server.url)
    assert len(server.requests) == 2


async def test_a_request_is_not_sent_again_after_a_timeout(pool: Any, server: RawServer) -> None:
    twin = pool()
    await twin.post(server.url)
    server.handler = lambda connection, _: connection.wait_until_closed()  # type: ignore[func-returns-value]
    with pytest.raises(httpx.ReadTimeout):
        await twin.post(server.url, timeout=0.2)
    assert server.connections[0].closed.wait(30)
    assert len(server.requests) == 2


async def test_a_body_which_can_be_read_once_is_not_sent_again(pool: Any, server: RawServer) -> None:
    twin = pool()
    await twin.post(server.url)
    server.handler = lambda *_: None
    with pytest.raises(httpx.RemoteProtocolError):
        await twin.post(server.url, content=iter([b"x"]))
    assert len(server.requests) == 2


async def test_a_request_on_which_the_server_gave_up_late_is_not_sent_again(pool: Any, server: RawServer) -> None:
    clock = Clock()

    def give_up(connection: Connection, request: bytes) -> None:
        clock.now += 60

    twin = pool(clock=clock)
    await twin.post(server.url)
    server.handler = give_up
    with pytest.raises(httpx.RemoteProtocolError):
        await twin.post(server.url)
    assert len(server.requests) == 2


async def test_an_abandoned_stream_closes_its_connection(pool: Any, server: RawServer) -> None:
    server.handler = hang
    twin = pool(max_connections=1)
    response = await twin.open(server.url)
    assert await twin.first_bytes(response) == b"begin"
    assert not server.connections[0].closed.is_set()
    await twin.close(response)
    assert server.connections[0].closed.wait(30)
    assert (twin.transport.active_connections, twin.transport.idle_connections) == (0, 0)


async def test_a_response_never_read_closes_its_connection(pool: Any, server: RawServer) -> None:
    server.handler = hang
    twin = pool(max_connections=1)
    await twin.close(await twin.open(server.url))
    assert server.connections[0].closed.wait(30)


async def test_a_response_cut_short_raises_and_closes_its_connection(pool: Any, server: RawServer) -> None:
    server.handler = lambda connection, _: connection.send(reply(b"x" * 10)[:-3])  # type: ignore[func-returns-value]
    twin = pool(max_connections=1)
    for _ in range(2):
        with pytest.raises(httpx.RemoteProtocolError, match=r"incomplete|closed"):
            await twin.post(server.url)
    assert (twin.transport.active_connections, twin.transport.idle_connections) == (0, 0)


async def test_a_silent_body_times_out(pool: Any, server: RawServer) -> None:
    server.handler = hang
    twin = pool(max_connections=1)
    with pytest.raises(httpx.ReadTimeout):
        await twin.post(server.url, timeout=0.2)
    assert server.connections[0].closed.wait(30)


@pytest.mark.parametrize(
    "answer", [reply(headers="Connection: close\r\n"), b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"]
)
async def test_a_connection_which_the_server_will_close_is_not_kept(
    pool: Any, server: RawServer, answer: bytes
) -> None:
    server.handler = lambda *_: answer
    twin = pool()
    for _ in range(2):
        assert (await twin.post(server.url)).content == b"ok"
    assert twin.transport.idle_connections == 0
    assert [len(each.requests) for each in server.connections] == [1, 1]
    assert server.connections[0].closed.wait(30)


async def test_closing_closes_idle_connections_now_and_the_others_when_they_come_back(
    pool: Any, server: RawServer
) -> None:
    twin = pool()
    held, other = await twin.open(server.url), await twin.open(server.url)
    await twin.read(other)
    await twin.shut()
    assert server.connections[1].closed.wait(30)
    assert not server.connections[0].closed.is_set()
    assert await twin.read(held) == b"0"
    assert server.connections[0].closed.wait(30)


async def test_a_closed_transport_refuses_requests(server: RawServer) -> None:
    transport = PooledTransport()
    transport.close()
    with pytest.raises(RuntimeError, match="closed"):
        transport.handle_request(httpx.Request("GET", server.url))


async def test_a_failed_connect_frees_its_place(pool: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
    twin = pool(max_connections=1)
    for _ in range(2):
        with pytest.raises(httpx.ConnectError):
            await twin.post(url)
    assert twin.transport.active_connections == 0


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "http:///path"])
async def test_an_address_which_is_not_http_is_refused(pool: Any, url: str) -> None:
    with pytest.raises(httpx.UnsupportedProtocol):
        await pool().post(url)


def test_caps_without_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="max_connections"):
        PooledTransport(max_connections=0)
