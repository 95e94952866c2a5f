"""The bytes below one HTTP connection: httpcore network backends that own their socket.

Each network belongs to one connection. It knows whether the current exchange has heard anything from the
server, which decides whether a request may be sent again, and it can close the socket whatever state the HTTP
layer above is in: a TLS or proxy handshake cut short by a cancelled task is cleaned up here.

The async one speaks to asyncio directly. The backend which httpcore would choose opens a cancel scope and
yields to the event loop for every read, which costs nearly half of the CPU time of a streamed chunk.

The interfaces are those of https://www.encode.io/httpcore/network-backends/.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ipaddress
import itertools
import math
import socket
import sys
from typing import TYPE_CHECKING, Any, TypeVar, cast

import httpcore

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Coroutine, Iterable, Sequence

T = TypeVar("T")

_MAX_UNREAD = 256 * 1024  # bytes kept for a slow reader before the server is made to wait
_MAX_UNSENT = 64 * 1024  # bytes of a request held back until its answer is read
_HEAD_START = 0.25  # seconds until the next address of a host is tried as well
_KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPALIVE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}  # seconds, tries


def _tune(sock: Any) -> None:
    """Let the system notice within minutes, not hours, that the peer has vanished."""
    with contextlib.suppress(OSError):  # not worth a connection where the system refuses
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE.items():
            if hasattr(socket, name):  # each system has its own selection of these
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


class SyncNetwork(httpcore.NetworkBackend):
    """The network of one blocking connection.

    Attributes:
        heard: Set when bytes come in; the user of the connection resets it.
        read_limit: Seconds a read may take, in place of the request's timeout; None for that. The user of a
            response finds this object as its network stream's extra info `read_limiter`.
    """

    def __init__(self) -> None:
        self.heard = False
        self.read_limit: float | None = None
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
        """Connect, with TCP keepalive."""
        stream = self._backend.connect_tcp(host, port, timeout, local_address, socket_options)
        _tune(stream.get_extra_info("socket"))
        return self.adopt(stream)

    def adopt(self, stream: httpcore.NetworkStream) -> httpcore.NetworkStream:
        """Watch a stream, which replaces the one it was built on."""
        self._stream = stream
        return _WatchedStream(self, stream)

    def close(self) -> None:
        """Close the socket. Allowed at any time, and more than once."""
        if self._stream is not None:
            self._stream.close()


class _Outbox:
    """Small writes, held until the answer is read: head and body of a request cost one system call, not two."""

    def __init__(self) -> None:
        self._held = b""

    def put(self, buffer: bytes) -> bytes:
        """Take bytes to be sent; returns those that should go at once."""
        self._held += buffer
        return self.take() if len(self._held) > _MAX_UNSENT else b""

    def take(self) -> bytes:
        held, self._held = self._held, b""
        return held


class _WatchedStream(httpcore.NetworkStream):
    """A stream that tells its network when bytes come in."""

    def __init__(self, network: SyncNetwork, stream: httpcore.NetworkStream) -> None:
        self._network = network
        self._stream = stream
        self._outbox = _Outbox()
        self._write_timeout: float | None = None

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if held := self._outbox.take():
            # As httpcore does: a server that refuses a request early may have said why.
            with contextlib.suppress(httpcore.WriteError):
                self._stream.write(held, self._write_timeout)
        limit = self._network.read_limit
        data = self._stream.read(max_bytes, timeout if limit is None else limit)
        if data:
            self._network.heard = True
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._write_timeout = timeout
        if ready := self._outbox.put(buffer):
            self._stream.write(ready, timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return self._network.adopt(self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._network if info == "read_limiter" else self._stream.get_extra_info(info)


class AsyncNetwork(httpcore.AsyncNetworkBackend):
    """The network of one connection on the running asyncio loop.

    Attributes:
        heard: Set when bytes come in; the user of the connection resets it.
        read_limit: As of `SyncNetwork`.
    """

    def __init__(self) -> None:
        self.heard = False
        self.read_limit: float | None = None
        self._stream: _AsyncioStream | None = None

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect, with TCP keepalive."""
        loop = asyncio.get_running_loop()
        deadline = math.inf if timeout is None else loop.time() + timeout
        local = None if local_address is None else (local_address, 0)

        async def connect(address: tuple[str, int]) -> _Protocol:
            _, protocol = await loop.create_connection(lambda: _Protocol(self), *address, local_addr=local)
            return protocol

        try:
            addresses = await _resolve(host, port, deadline)
            attempts = [functools.partial(connect, address) for address in addresses]
            protocol = await _first(attempts, deadline, lambda late: late.transport.abort())
            self._stream = _AsyncioStream(protocol, loop)
            raw = protocol.transport.get_extra_info("socket")
            for option in socket_options or ():
                raw.setsockopt(*option)
            _tune(raw)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        return self._stream

    async def aclose(self) -> None:
        """Close the socket. Allowed at any time, and more than once."""
        if self._stream is not None:
            await self._stream.aclose()


async def _resolve(host: str, port: int, deadline: float) -> list[tuple[str, int]]:
    """Look a host up; IPv6 and IPv4 addresses take turns, so that a broken kind costs one try."""
    if _is_address(host):
        return [(host, port)]  # a look-up would cost a thread
    loop = asyncio.get_running_loop()
    look_up = functools.partial(loop.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await _first([look_up], deadline, len)
    by_family: dict[int, list[tuple[str, int]]] = {}
    for family, _, _, _, address in found:
        by_family.setdefault(family, []).append((str(address[0]), port))
    rounds = itertools.zip_longest(*by_family.values())
    return [address for each in rounds for address in each if address is not None]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _abort(transport: asyncio.Transport | None) -> None:
    if transport is not None:
        transport.abort()


async def _first(
    attempts: Sequence[Callable[[], Coroutine[Any, Any, T]]], deadline: float, dispose: Callable[[T], object]
) -> T:
    """Start attempts a moment apart, or as soon as one fails, until one succeeds.

    asyncio has this built in, but loses sockets when it is cancelled.

    Args:
        attempts: What to try, the best first.
        deadline: Loop time at which to give up.
        dispose: Undoes a success which came too late.

    Raises:
        TimeoutError: The deadline has passed.
        OSError: All attempts failed; the error is that of the first.
    """
    loop = asyncio.get_running_loop()
    tasks: list[asyncio.Task[T]] = []
    failures: list[BaseException] = []
    winner: asyncio.Task[T] | None = None

    def clean_up(task: asyncio.Task[T]) -> None:
        if not task.cancelled() and task.exception() is None:
            dispose(task.result())

    try:
        while len(failures) < len(attempts):
            left = deadline - loop.time()
            if left <= 0:
                raise TimeoutError("The connection was not made in time")
            if len(tasks) < len(attempts):
                tasks.append(loop.create_task(attempts[len(tasks)]()))
            if len(tasks) < len(attempts):
                left = min(left, _HEAD_START)
            running = [task for task in tasks if not task.done()]
            timeout = None if left == math.inf else left
            done, _ = await asyncio.wait(running, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                failure = task.exception()
                if failure is None:
                    winner = task
                    return task.result()
                failures.append(failure)
        raise failures[0]
    finally:
        for task in tasks:
            if task is not winner:
                task.cancel()
                task.add_done_callback(clean_up)


class _Protocol(asyncio.Protocol):
    """Keeps what came in until it is read, and wakes the one coroutine that may be waiting."""

    def __init__(self, network: AsyncNetwork) -> None:
        self.unread = bytearray()
        self.ended = False
        self.error: Exception | None = None
        self.full = False  # whether the transport has more to send than it likes
        self.transport: asyncio.Transport
        self.network = network
        self._halted = False
        self._waiter: asyncio.Future[bool] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.network.heard = True
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
        self._outbox = _Outbox()
        self._write_timeout: float | None = None

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        protocol = self._protocol
        if held := self._outbox.take():
            with contextlib.suppress(httpcore.WriteError):  # as above
                await self._send(held, self._write_timeout)
        limit = protocol.network.read_limit
        timeout = timeout if limit is None else limit
        while not protocol.unread:
            if protocol.error is not None:
                raise httpcore.ReadError(str(protocol.error)) from protocol.error
            if protocol.ended:
                return b""
            if not await protocol.changed(self._loop, timeout):
                raise httpcore.ReadTimeout(f"Nothing was received for {timeout} seconds")
        return protocol.take(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._write_timeout = timeout
        if ready := self._outbox.put(buffer):
            await self._send(ready, timeout)

    async def _send(self, buffer: bytes, timeout: float | None) -> None:
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
        if self._protocol.ended:  # asyncio would wait for an answer all the same
            raise httpcore.ConnectError("The server closed the connection before the TLS handshake")
        deadline = math.inf if timeout is None else self._loop.time() + timeout
        shake_hands = functools.partial(
            self._loop.start_tls, outer, self._protocol, ssl_context, server_hostname=server_hostname
        )
        try:
            inner = await _first([shake_hands], deadline, _abort)
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
        if info == "read_limiter":
            return self._protocol.network
        names = {"client_addr": "sockname", "server_addr": "peername"}
        return self._protocol.transport.get_extra_info(names.get(info, info))
