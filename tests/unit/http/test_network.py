"""What lies below the pools: TLS, proxies, large bodies, slow peers, addresses."""

from __future__ import annotations

import asyncio
import base64
import gc
import socket
import ssl
import threading
from collections.abc import Iterator
from typing import Any

import httpcore
import httpx
import pytest

from langchain_volcark.http import asyncio_backend
from langchain_volcark.http.asyncio_backend import AsyncioBackend
from langchain_volcark.http.connection import KEEPALIVE_OPTIONS
from langchain_volcark.http.pool import AsyncPooledTransport, PooledTransport
from langchain_volcark.http.proxies import AsyncHTTPXTransport, HTTPXTransport
from tests.unit.raw_server import CERTIFICATE, Connection, client_context, raw_server, reply


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_to_the_garbage_collector() -> Iterator[None]:
    yield
    gc.collect()  # a socket or transport that was never closed warns here, and a warning is an error


def blocking_transport(proxy: str | None = None, **options: Any) -> httpx.BaseTransport:
    if proxy is None:
        return PooledTransport(**options)
    return HTTPXTransport(
        proxy, options.get("verify", ssl.create_default_context()), max_connections=9, max_idle=9
    )


def async_transport(proxy: str | None = None, **options: Any) -> httpx.AsyncBaseTransport:
    if proxy is None:
        return AsyncPooledTransport(**options)
    context = options.get("verify", ssl.create_default_context())
    return AsyncHTTPXTransport(proxy, context, max_connections=9, max_idle=9)


@pytest.fixture(params=["sync", "async"])
def fetch(request: pytest.FixtureRequest) -> Any:
    """Fetches a URL some times with one client, blocking or not; returns the responses."""

    def blocking(
        url: str, *, times: int = 1, body: bytes = b"", wait: Any = 5, **options: Any
    ) -> list[httpx.Response]:
        with httpx.Client(transport=blocking_transport(**options), timeout=wait) as client:
            return [client.post(url, content=body) for _ in range(times)]

    def on_a_loop(
        url: str, *, times: int = 1, body: bytes = b"", wait: Any = 5, **options: Any
    ) -> list[httpx.Response]:
        async def run() -> list[httpx.Response]:
            async with httpx.AsyncClient(transport=async_transport(**options), timeout=wait) as client:
                return [await client.post(url, content=body) for _ in range(times)]

        return asyncio.run(run())

    return blocking if request.param == "sync" else on_a_loop


def test_https_connections_are_reused(fetch: Any) -> None:
    with raw_server(tls=True) as server:
        responses = fetch(server.url, times=3, verify=client_context())
        assert [response.content for response in responses] == [b"0", b"0", b"0"]
        assert len(server.connections) == 1


def test_an_untrusted_certificate_is_refused(fetch: Any) -> None:
    with raw_server(tls=True) as server, pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        fetch(server.url)


def test_certificates_are_not_checked_when_the_user_says_so(fetch: Any) -> None:
    with raw_server(tls=True) as server:
        assert fetch(server.url, verify=False)[0].content == b"0"


def test_certificates_may_come_from_a_file_a_directory_or_the_environment(
    fetch: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ca.pem"
    file.write_text(CERTIFICATE)
    with raw_server(tls=True) as server:
        assert fetch(server.url, verify=str(file))[0].content == b"0"
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        assert fetch(server.url)[0].content == b"1"
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            fetch(server.url, verify=str(tmp_path))
        with pytest.raises(httpx.ConnectError, match="cannot be loaded"):
            fetch(server.url, verify=str(tmp_path / "missing.pem"))


def test_the_tls_context_is_made_for_https_only(fetch: Any) -> None:
    made: list[ssl.SSLContext] = []

    def make() -> ssl.SSLContext:
        made.append(client_context())
        return made[-1]

    with raw_server() as plain, raw_server(tls=True) as secure:
        fetch(plain.url, verify=make)
        assert made == []
        fetch(secure.url, verify=make)
        assert len(made) == 1


def test_a_handshake_which_takes_too_long_times_out_and_closes_the_socket(fetch: Any) -> None:
    with raw_server(before=Connection.wait_until_closed) as server:
        url = server.url.replace("http:", "https:")
        with pytest.raises(httpx.ConnectTimeout):
            fetch(url, verify=client_context(), wait=0.05)
        assert server.connections[0].closed.wait(5)


def test_a_handshake_with_a_peer_that_hangs_up_fails(fetch: Any) -> None:
    def hang_up(connection: Connection) -> None:
        connection.socket.shutdown(socket.SHUT_RDWR)

    with raw_server(before=hang_up) as server, pytest.raises(httpx.ConnectError):
        fetch(server.url.replace("http:", "https:"), verify=client_context())


async def test_a_handshake_after_the_peer_hung_up_fails_at_once() -> None:
    with raw_server(before=lambda connection: connection.socket.close()) as server:
        stream = await AsyncioBackend().connect_tcp("127.0.0.1", server.port, 30)
        assert await stream.read(1, 5) == b""
        with pytest.raises(httpcore.ConnectError, match="before the TLS handshake"):
            await stream.start_tls(client_context(), "localhost")
        await stream.aclose()


async def test_connections_are_watched_by_the_system_and_send_without_delay() -> None:
    with raw_server() as server:
        arguments: Any = {"timeout": 30, "socket_options": KEEPALIVE_OPTIONS}
        own = await AsyncioBackend().connect_tcp("127.0.0.1", server.port, **arguments)
        blocking = httpcore.SyncBackend().connect_tcp("127.0.0.1", server.port, **arguments)
        for stream in (own, blocking):
            sock = stream.get_extra_info("socket")
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert stream.get_extra_info("server_addr") == ("127.0.0.1", server.port)
        await own.aclose()
        blocking.close()


async def test_a_handshake_cut_short_by_cancellation_closes_the_socket() -> None:
    with raw_server(before=Connection.wait_until_closed) as server:
        transport = AsyncPooledTransport(verify=client_context())
        async with httpx.AsyncClient(transport=transport) as client:
            task = asyncio.create_task(client.get(server.url.replace("http:", "https:")))
            while not server.connections:
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert await asyncio.to_thread(server.connections[0].closed.wait, 5)
        assert transport.active_connections == 0


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_large_bodies_arrive_whole_in_both_directions(fetch: Any, tls: bool) -> None:
    body = b"".join(b"%07d\n" % number for number in range(300_000))
    with raw_server(tls=tls) as server:
        server.handler = lambda _, request: reply(request.partition(b"\r\n\r\n")[2])
        responses = fetch(server.url, times=2, body=body, verify=client_context())
        assert [response.content == body for response in responses] == [True, True]


def test_a_server_which_does_not_read_times_the_request_out(fetch: Any) -> None:
    def ignore(connection: Connection) -> None:
        connection.server.release.wait()

    with raw_server(before=ignore) as server, pytest.raises(httpx.WriteTimeout):
        fetch(server.url, body=bytes(20_000_000), wait=httpx.Timeout(5, write=0.05))


def test_an_answer_sent_before_the_request_was_read_is_returned(fetch: Any) -> None:
    def refuse(connection: Connection) -> None:
        connection.socket.recv(1000)
        connection.send(reply(b"too large", status="413 Content Too Large"))
        connection.socket.shutdown(socket.SHUT_WR)
        connection.wait_until_closed()

    with raw_server(before=refuse) as server:
        response = fetch(server.url, body=bytes(3_000_000))[0]
        assert (response.status_code, response.content) == (413, b"too large")


async def test_a_slow_reader_makes_the_server_wait() -> None:
    sent = threading.Event()
    body = bytes(30_000_000)

    def pour(connection: Connection, request: bytes) -> bytes:
        connection.socket.sendall(reply(body))
        sent.set()
        return b""

    with raw_server() as server:
        server.handler = pour
        client = httpx.AsyncClient(transport=AsyncPooledTransport())
        async with client, client.stream("GET", server.url) as response:
            assert not await asyncio.to_thread(sent.wait, 0.2)
            assert await response.aread() == body


def test_plain_requests_go_through_a_proxy(fetch: Any) -> None:
    with raw_server() as proxy:
        url = proxy.url.replace("//", "//user:secret@")
        responses = fetch("http://ark.invalid/api", times=2, proxy=url)
        assert [response.content for response in responses] == [b"0", b"0"]
        assert proxy.requests[0].startswith(b"POST http://ark.invalid/api HTTP/1.1\r\n")
        assert b"Basic " + base64.b64encode(b"user:secret") in proxy.requests[0]
        assert len(proxy.connections) == 1


def tunnel(connection: Connection) -> None:
    connection.requests.append(connection.receive())
    connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")


def test_https_requests_go_through_a_tunnel_of_the_proxy(fetch: Any) -> None:
    with raw_server(tls=True, before=tunnel) as proxy:
        url = proxy.url.replace("https:", "http:")
        responses = fetch("https://localhost:8443/api", times=2, proxy=url, verify=client_context())
        assert [response.content for response in responses] == [b"0", b"0"]
        lines = [request.split(b"\r\n")[0] for request in proxy.requests]
        assert lines == [b"CONNECT localhost:8443 HTTP/1.1", b"POST /api HTTP/1.1", b"POST /api HTTP/1.1"]


def test_a_tunnel_that_closes_as_the_request_comes_is_an_error(fetch: Any) -> None:
    """httpx sends nothing again by itself; to a model this is a failure that may heal, and a counted retry."""
    with raw_server(tls=True, before=tunnel) as proxy:
        proxy.handler = lambda connection, _: None if len(connection.requests) > 2 else reply(b"ok")
        url = proxy.url.replace("https:", "http:")
        with pytest.raises(httpx.RemoteProtocolError, match="disconnected"):
            fetch("https://localhost:8443/api", times=2, proxy=url, verify=client_context())
        assert [len(each.requests) for each in proxy.connections] == [3]


def test_a_proxy_which_refuses_the_tunnel_is_reported(fetch: Any) -> None:
    with raw_server() as proxy:
        proxy.handler = lambda *_: reply(status="407 Proxy Authentication Required")
        with pytest.raises(httpx.ProxyError, match="407"):
            fetch("https://localhost:8443/", proxy=proxy.url, verify=client_context())


def test_a_proxy_may_be_reached_through_tls(fetch: Any) -> None:
    with raw_server(tls=True) as proxy:
        assert fetch("http://ark.invalid/", proxy=proxy.url, verify=client_context())[0].content == b"0"


def test_a_socks_proxy_without_its_package_is_refused_at_once(fetch: Any) -> None:
    with pytest.raises(ImportError, match="socksio"):
        fetch("http://ark.invalid/", proxy="socks5://127.0.0.1:1080")


def test_a_proxy_with_an_unknown_scheme_is_refused_at_once(fetch: Any) -> None:
    with pytest.raises(ValueError, match="scheme"):
        fetch("http://ark.invalid/", proxy="gopher://127.0.0.1")


def addresses(*hosts: str) -> Any:
    async def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET6 if ":" in each else socket.AF_INET, 1, 6, "", (each, port)) for each in hosts]

    return getaddrinfo


async def test_the_next_address_is_tried_when_one_fails_or_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    tried: list[str] = []
    original = loop.sock_connect

    async def sock_connect(sock: socket.socket, address: Any) -> None:
        tried.append(address[0])
        if address[0] == "::2":
            raise OSError("no route")
        if address[0] == "::3":
            await asyncio.Event().wait()
        await original(sock, address)

    backend = AsyncioBackend()
    monkeypatch.setattr(loop, "sock_connect", sock_connect)
    monkeypatch.setattr(loop, "getaddrinfo", addresses("::2", "::3", "127.0.0.1"))
    monkeypatch.setattr(asyncio_backend, "_HAPPY_EYEBALLS_DELAY", 0.01)
    with raw_server() as server:
        await (await backend.connect_tcp("ark.invalid", server.port, 30)).aclose()
        assert tried[:2] == ["::2", "127.0.0.1"]  # the kinds take turns; a slow machine tries the third as well
        tried.clear()
        monkeypatch.setattr(loop, "getaddrinfo", addresses("::3", "127.0.0.1"))
        await (await backend.connect_tcp("ark.invalid", server.port, 30)).aclose()
        assert tried == ["::3", "127.0.0.1"]
        monkeypatch.setattr(loop, "getaddrinfo", addresses("::2", "::3"))
        with pytest.raises(httpcore.ConnectTimeout):
            await backend.connect_tcp("ark.invalid", server.port, 0.05)
        monkeypatch.setattr(loop, "getaddrinfo", addresses("::2"))
        with pytest.raises(httpcore.ConnectError, match="no route"):
            await backend.connect_tcp("ark.invalid", server.port, 30)


async def test_an_address_is_not_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", addresses())
    with raw_server() as server:
        await (await AsyncioBackend().connect_tcp("127.0.0.1", server.port, 30)).aclose()


@pytest.mark.parametrize("cancelled", [False, True])
async def test_of_two_connections_made_at_once_no_socket_is_lost(
    cancelled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    original = loop.sock_connect
    go_on = asyncio.Event()
    connected: list[str] = []

    async def sock_connect(sock: socket.socket, address: Any) -> None:
        await original(sock, ("127.0.0.1", address[1]))
        connected.append(address[0])
        if len(connected) == 2:
            go_on.set()
        await go_on.wait()

    monkeypatch.setattr(loop, "sock_connect", sock_connect)
    monkeypatch.setattr(loop, "getaddrinfo", addresses("127.0.0.2", "127.0.0.3"))
    monkeypatch.setattr(asyncio_backend, "_HAPPY_EYEBALLS_DELAY", 0.001)
    with raw_server() as server:
        connecting = asyncio.create_task(AsyncioBackend().connect_tcp("ark.invalid", server.port, 30))
        await go_on.wait()
        if cancelled:
            connecting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await connecting
        else:
            stream = await connecting
        while len(server.connections) < 2:
            await asyncio.sleep(0.01)
        closed = [await asyncio.to_thread(one.closed.wait, 0.5) for one in server.connections]
        assert sorted(closed) == [cancelled, True]
        if not cancelled:
            await stream.aclose()


async def test_a_look_up_that_is_cancelled_or_takes_too_long_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: Any, **__: Any) -> list[Any]:
        return await asyncio.Event().wait()  # type: ignore[return-value]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", never)
    with pytest.raises(httpcore.ConnectTimeout):
        await AsyncioBackend().connect_tcp("ark.invalid", 1, 0.01)
    connecting = asyncio.create_task(AsyncioBackend().connect_tcp("ark.invalid", 1, 30))
    await asyncio.sleep(0)
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting
