"""An httpcore network backend that reads and writes through asyncio's transports and protocols.

It implements https://www.encode.io/httpcore/network-backends/. httpcore's own backend for asyncio opens a cancel
scope for each read, which costs a quarter to a half of a stream whose tokens arrive one at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from typing import TYPE_CHECKING, Any, cast

import aiohappyeyeballs
import anyio
import httpcore

from langchain_volcark.http.ledger import set_result_once

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Iterator

_MAX_UNREAD = 256 * 1024  # bytes kept for a slow reader before the server is made to wait
_HAPPY_EYEBALLS_DELAY = 0.25  # seconds until the next address of a host is tried as well, as RFC 8305 recommends


class AsyncioBackend(httpcore.AsyncNetworkBackend):
    """Opens connections on the running asyncio loop, uvloop's among them."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> AsyncioStream:
        """Connect to the first address of a host that answers."""
        loop = asyncio.get_running_loop()
        with _connecting(timeout), anyio.fail_after(timeout):
            sock = await aiohappyeyeballs.start_connection(
                await _resolve(host, port),
                local_addr_infos=None if local_address is None else await _resolve(local_address, 0),
                happy_eyeballs_delay=_HAPPY_EYEBALLS_DELAY,
            )
            try:
                for option in socket_options or ():
                    sock.setsockopt(*option)
                _, protocol = await loop.create_connection(_Protocol, sock=sock)
            except BaseException:
                sock.close()
                raise
        return AsyncioStream(protocol, loop)


@contextlib.contextmanager
def _connecting(timeout: float | None) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise httpcore.ConnectTimeout(f"No connection within {timeout} seconds") from error
    except (OSError, RuntimeError) as error:  # errors of ssl are OSErrors; uvloop raises RuntimeError
        raise httpcore.ConnectError(str(error)) from error


async def _resolve(host: str, port: int) -> list[Any]:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return aiohappyeyeballs.addr_to_addr_infos((host, port)) or []  # without a thread for a look-up


class _Protocol(asyncio.Protocol):
    """Buffers received bytes until they are read, and wakes the coroutine that waits for them."""

    def __init__(self) -> None:
        self.unread = bytearray()
        self.ended = False
        self.error: Exception | None = None
        self.full = False  # whether the transport's write buffer is over its limit
        self.transport: asyncio.Transport
        self._halted = False
        self._waiter: asyncio.Future[bool] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
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
        """Wait until bytes, the end or buffer space come; False if the timeout passed first."""
        waiter: asyncio.Future[bool] = loop.create_future()
        self._waiter = waiter
        # A timer of our own: `wait_for` makes a task of each wait, and `asyncio.timeout` needs Python 3.11.
        timer = None if timeout is None else loop.call_later(timeout, set_result_once, waiter, False)
        try:
            return await waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()

    def _wake(self) -> None:
        if self._waiter is not None:
            set_result_once(self._waiter, True)


class AsyncioStream(httpcore.AsyncNetworkStream):
    """The bytes of one connection, over an asyncio transport and its protocol."""

    def __init__(self, protocol: _Protocol, loop: asyncio.AbstractEventLoop) -> None:
        self._protocol = protocol
        self._loop = loop

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Wait for bytes; empty where the server closed the connection."""
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
        """Write bytes, and wait while the write buffer is full."""
        protocol = self._protocol
        if protocol.ended or protocol.transport.is_closing():
            raise httpcore.WriteError("The server has closed the connection")
        protocol.transport.write(buffer)
        while protocol.full:
            if not await protocol.changed(self._loop, timeout):
                raise httpcore.WriteTimeout(f"Nothing could be sent for {timeout} seconds")

    async def aclose(self) -> None:
        """Close the socket without waiting for the peer."""
        # Nothing is left to be sent: a TLS shutdown would only keep the socket open for a silent peer.
        self._protocol.transport.abort()
        await asyncio.sleep(0)  # the transport closes its socket in the loop's next iteration

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> AsyncioStream:
        """Do the TLS handshake; returns this stream, now encrypted."""
        protocol = self._protocol
        if protocol.ended:  # asyncio would still wait for an answer
            raise httpcore.ConnectError("The server closed the connection before the TLS handshake")
        with _connecting(timeout), anyio.fail_after(timeout):
            secured = await self._loop.start_tls(
                protocol.transport,
                protocol,
                ssl_context,
                server_hostname=server_hostname,
                ssl_handshake_timeout=None
                if timeout is None
                else timeout + 60,  # longer than the timeout around it
            )
        if secured is None:  # asyncio's way to say that the peer hung up during the handshake
            raise httpcore.ConnectError("The server closed the connection during the TLS handshake")
        protocol.transport = secured
        return self

    def get_extra_info(self, info: str) -> Any:
        """Information about the connection, by the names that httpcore's streams use."""
        if info == "is_readable":
            return self._protocol.ended or bool(self._protocol.unread)
        names = {"client_addr": "sockname", "server_addr": "peername"}
        return self._protocol.transport.get_extra_info(names.get(info, info))
