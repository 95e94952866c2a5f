"""The bytes below one HTTP connection: httpcore network backends that own their socket.

Each network belongs to one connection. It knows whether the current exchange has heard anything from the
server, which decides whether a request may be sent again, and it can close the socket whatever state the HTTP
layer above is in: a TLS or proxy handshake cut short by a cancelled task is cleaned up here.

The async one speaks to asyncio directly. The backend which httpcore would choose opens a cancel scope and
yields to the event loop for every read, which costs nearly half of the CPU time of a streamed chunk.

The interfaces are those of https://www.encode.io/httpcore/network-backends/.
"""

# ruff: noqa: ASYNC109 - the timeout parameters are the interface's

from __future__ import annotations

import asyncio
import socket
import sys
from typing import TYPE_CHECKING, Any, cast

import anyio
import httpcore

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable

_MAX_UNREAD = 256 * 1024  # bytes kept for a slow reader before the server is made to wait


def _socket_options() -> list[tuple[int, int, int]]:
    """Let the system notice within minutes, not hours, that the peer has vanished."""
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    for name, value in (
        ("TCP_KEEPIDLE", 60),
        ("TCP_KEEPALIVE", 60),
        ("TCP_KEEPINTVL", 15),
        ("TCP_KEEPCNT", 4),
    ):
        number = getattr(socket, name, None)  # each system has its own selection of these
        if number is not None:
            options.append((socket.IPPROTO_TCP, number, value))
    return options


_SOCKET_OPTIONS = _socket_options()


class SyncNetwork(httpcore.NetworkBackend):
    """The network of one blocking connection.

    Attributes:
        heard: Set when bytes come in; the user of the connection resets it.
    """

    def __init__(self) -> None:
        self.heard = False
        self._backend = httpcore.SyncBackend()
        self._stream: httpcore.NetworkStream | None = None

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect, with our socket options besides those asked for."""
        options = [*_SOCKET_OPTIONS, *(socket_options or ())]
        return self.adopt(self._backend.connect_tcp(host, port, timeout, local_address, options))

    def adopt(self, stream: httpcore.NetworkStream) -> httpcore.NetworkStream:
        """Watch a stream, which replaces the one it was built on."""
        self._stream = stream
        return _WatchedStream(self, stream)

    def close(self) -> None:
        """Close the socket. Allowed at any time, and more than once."""
        if self._stream is not None:
            self._stream.close()


class _WatchedStream(httpcore.NetworkStream):
    """A stream that tells its network when bytes come in."""

    def __init__(self, network: SyncNetwork, stream: httpcore.NetworkStream) -> None:
        self._network = network
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = self._stream.read(max_bytes, timeout)
        if data:
            self._network.heard = True
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return self._network.adopt(self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class AsyncNetwork(httpcore.AsyncNetworkBackend):
    """The network of one connection on the running asyncio loop.

    Attributes:
        heard: Set when bytes come in; the user of the connection resets it.
    """

    def __init__(self) -> None:
        self.heard = False
        self._stream: _AsyncioStream | None = None

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect, with our socket options besides those asked for."""
        loop = asyncio.get_running_loop()
        # Where IPv6 is broken, try IPv4 soon. Only asyncio's own loops know the argument, uvloop does not.
        race: dict[str, Any] = (
            {"happy_eyeballs_delay": 0.25} if isinstance(loop, asyncio.BaseEventLoop) else {}
        )
        if local_address is not None:
            race["local_addr"] = (local_address, 0)
        try:
            with anyio.fail_after(timeout):
                _, protocol = await loop.create_connection(lambda: _Protocol(self), host, port, **race)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        self._stream = _AsyncioStream(protocol, loop)
        raw = protocol.transport.get_extra_info("socket")
        for option in (*_SOCKET_OPTIONS, *(socket_options or ())):
            raw.setsockopt(*option)
        return self._stream

    async def aclose(self) -> None:
        """Close the socket. Allowed at any time, and more than once."""
        if self._stream is not None:
            await self._stream.aclose()


class _Protocol(asyncio.Protocol):
    """Keeps what came in until it is read, and wakes the one coroutine that may be waiting."""

    def __init__(self, network: AsyncNetwork) -> None:
        self.unread = bytearray()
        self.ended = False
        self.error: Exception | None = None
        self.full = False  # whether the transport has more to send than it likes
        self.transport: asyncio.Transport
        self._network = network
        self._halted = False
        self._waiter: asyncio.Future[bool] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._network.heard = True
        self.unread += data
        if len(self.unread) > _MAX_UNREAD and not self._halted:
            self._halted = True
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self.ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended, self.error, self.full = True, exc, False
        self._wake()

    def pause_writing(self) -> None:
        self.full = True

    def resume_writing(self) -> None:
        self.full = False
        self._wake()

    def take(self, max_bytes: int) -> bytes:
        data = bytes(self.unread[:max_bytes])
        del self.unread[:max_bytes]
        if self._halted and not self.ended:
            self._halted = False
            self.transport.resume_reading()
        return data

    async def changed(self, loop: asyncio.AbstractEventLoop, timeout: float | None) -> bool:
        """Wait until something happens. False if the time was up first."""
        waiter: asyncio.Future[bool] = loop.create_future()
        self._waiter = waiter
        # A timer of our own: `wait_for` makes a task of each wait, and `asyncio.timeout` needs Python 3.11.
        timer = None if timeout is None else loop.call_later(timeout, settle, waiter, False)
        try:
            return await waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()

    def _wake(self) -> None:
        if self._waiter is not None:
            settle(self._waiter, True)


def settle(future: asyncio.Future[bool], value: bool) -> None:
    """Give a future its result, unless it has one or was cancelled."""
    if not future.done():
        future.set_result(value)


class _AsyncioStream(httpcore.AsyncNetworkStream):
    """httpcore's view of an asyncio transport and its protocol."""

    def __init__(self, protocol: _Protocol, loop: asyncio.AbstractEventLoop) -> None:
        self._protocol = protocol
        self._loop = loop

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        protocol = self._protocol
        while not protocol.unread:
            if protocol.error is not None:
                raise httpcore.ReadError(str(protocol.error)) from protocol.error
            if protocol.ended:
                return b""
            if not await protocol.changed(self._loop, timeout):
                raise httpcore.ReadTimeout(f"Nothing was received for {timeout} seconds")
        return protocol.take(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        protocol = self._protocol
        if protocol.ended or protocol.transport.is_closing():
            raise httpcore.WriteError("The server has closed the connection")
        protocol.transport.write(buffer)
        while protocol.full:
            if not await protocol.changed(self._loop, timeout):
                raise httpcore.WriteTimeout(f"Nothing could be sent for {timeout} seconds")

    async def aclose(self) -> None:
        # Nothing is left to be sent: a polite shutdown would only keep the socket open for a silent peer.
        self._protocol.transport.abort()
        await asyncio.sleep(0)  # the transport lets go of its socket in the loop's next round

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        outer = self._protocol.transport
        if sys.version_info < (3, 11) and outer.get_extra_info("ssl_object") is not None:
            raise httpcore.ProxyError("https over an https:// proxy needs Python 3.11 in async code")
        try:
            with anyio.fail_after(timeout):
                inner = await self._loop.start_tls(
                    outer, self._protocol, ssl_context, server_hostname=server_hostname
                )
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(str(error)) from error
        except OSError as error:  # among them the errors of ssl
            raise httpcore.ConnectError(str(error)) from error
        if inner is None:  # asyncio's way to say that the peer hung up during the handshake
            raise httpcore.ConnectError("The server closed the connection during the TLS handshake")
        self._protocol.transport = inner
        return self

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return self._protocol.ended or bool(self._protocol.unread)
        names = {"client_addr": "sockname", "server_addr": "peername"}
        return self._protocol.transport.get_extra_info(names.get(info, info))
