"""The bytes below one HTTP connection, and the socket they come from.

Each network belongs to one connection. It knows whether the current exchange has heard anything from the
server, which decides whether a request may be sent again, and it can close the socket whatever state the HTTP
layer above is in: a TLS or proxy handshake cut short by a cancelled task is cleaned up here.

The async one speaks to asyncio directly. The backend which httpcore would choose opens a cancel scope and
yields to the event loop for every read, which costs nearly half of the CPU time of a streamed chunk.

The streams have the methods of https://www.encode.io/httpcore/network-backends/ and httpx's exceptions;
`http.proxied` lends them to httpcore. httpcore itself is long to import, above all where h2 is installed, so it is
left to those who have a proxy.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ipaddress
import itertools
import math
import os
import select
import socket
import sys
import weakref
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

import httpx

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Coroutine, Sequence

T = TypeVar("T")


class Closable(Protocol):
    """A socket, or what is around it."""

    def close(self) -> object:
        """Close it."""


_MAX_UNREAD = 256 * 1024  # bytes kept for a slow reader before the server is made to wait
_MAX_UNSENT = 64 * 1024  # bytes of a request held back until its answer is read
_HEAD_START = 0.25  # seconds until the next address of a host is tried as well
_KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPALIVE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}  # seconds, tries


def tune(sock: Any) -> None:
    """Let the system notice within minutes, not hours, that the peer has vanished."""
    with contextlib.suppress(OSError):  # not worth a connection where the system refuses
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE.items():
            if hasattr(socket, name):  # each system has its own selection of these
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


class SyncNetwork:
    """The network of one blocking connection.

    Attributes:
        heard: Set when bytes come in; the user of the connection resets it.
        read_limit: Seconds a read may take, in place of the request's timeout; None for that. The user of a
            response finds this object as its network stream's extra info `read_limiter`.
    """

    def __init__(self) -> None:
        self.heard = False
        self.read_limit: float | None = None
        self._closable: Closable | None = None

    def connect_tcp(self, host: str, port: int, timeout: float | None = None) -> SocketStream:
        """Connect, with TCP keepalive."""
        try:
            sock = socket.create_connection((host, port), timeout)
        except TimeoutError as error:
            raise httpx.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error
        self.adopt(sock)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        tune(sock)
        return SocketStream(self, sock)

    def adopt(self, closable: Closable) -> None:
        """Own a socket, or what is around it, in place of what it was built on."""
        self._closable = closable
        _open.add(self)

    def close(self) -> None:
        """Close the socket. Allowed at any time, and more than once."""
        if self._closable is not None:
            self._closable.close()

    leave_to_parent = close  # no farewell is said, so the parent's connection goes on


class Outbox:
    """Small writes, held until the answer is read: head and body of a request cost one system call, not two."""

    def __init__(self) -> None:
        self._held = b""

    def put(self, buffer: bytes) -> bytes:
        """Take bytes to be sent; returns those that should go at once."""
        self._held += buffer
        return self.take() if len(self._held) > _MAX_UNSENT else b""

    def take(self) -> bytes:
        """The bytes held, which are the taker's to send."""
        held, self._held = self._held, b""
        return held


class SocketStream:
    """The bytes of one blocking connection, without TLS or with it."""

    def __init__(self, network: SyncNetwork, sock: socket.socket) -> None:
        self._network = network
        self._socket = sock
        self._outbox = Outbox()
        self._write_timeout: float | None = None

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Wait for bytes; none mean that the server hung up."""
        network, sock = self._network, self._socket
        if held := self._outbox.take():
            # A server that refuses a request early may have said why: whoever cannot write reads on.
            with contextlib.suppress(httpx.WriteError):
                self._send(held, self._write_timeout)
            held = b""  # error trackers print the variables of a frame that failed
        if network.read_limit is not None:
            timeout = network.read_limit
        try:
            if sock.gettimeout() != timeout:
                sock.settimeout(timeout)
            data = sock.recv(max_bytes)
        except TimeoutError as error:
            raise httpx.ReadTimeout(str(error)) from error
        except OSError as error:
            raise httpx.ReadError(str(error)) from error
        if data:
            network.heard = True
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send bytes, at the latest with the next read."""
        self._write_timeout = timeout
        if ready := self._outbox.put(buffer):
            self._send(ready, timeout)

    def _send(self, buffer: bytes, timeout: float | None) -> None:
        unsent = memoryview(buffer)
        try:
            self._socket.settimeout(timeout)
            while unsent:
                unsent = unsent[self._socket.send(unsent) :]  # the timeout is for each, not for all
        except TimeoutError as error:
            raise httpx.WriteTimeout(str(error)) from error
        except OSError as error:
            raise httpx.WriteError(str(error)) from error

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> SocketStream:
        """Speak TLS from now on, over the stream returned."""
        try:
            self._socket.settimeout(timeout)
            secured = ssl_context.wrap_socket(self._socket, server_hostname=server_hostname)
        except TimeoutError as error:
            raise httpx.ConnectTimeout(str(error)) from error
        except OSError as error:  # among them the errors of ssl
            raise httpx.ConnectError(str(error)) from error
        self._network.adopt(secured)
        return SocketStream(self._network, secured)

    def get_extra_info(self, info: str) -> Any:
        """What httpcore's streams know by these names, and the `read_limiter`."""
        sock = self._socket
        known: dict[str, Callable[[], Any]] = {
            "is_readable": lambda: _is_readable(sock),
            "read_limiter": lambda: self._network,
            "socket": lambda: sock,
            "ssl_object": lambda: sock if hasattr(sock, "selected_alpn_protocol") else None,
            "client_addr": sock.getsockname,
            "server_addr": sock.getpeername,
        }
        return known[info]() if info in known else None


def _is_readable(sock: socket.socket) -> bool:
    """Whether a read would not wait: on an idle connection, whether the server has hung up."""
    number = sock.fileno()
    if number < 0:
        return True
    if not hasattr(select, "poll"):
        return bool(select.select([number], [], [], 0)[0])
    poll = select.poll()
    poll.register(number, select.POLLIN)
    return bool(poll.poll(0))


class AsyncNetwork:
    """The network of one connection on the running asyncio loop.

    Attributes:
        heard: Set when bytes come in; the user of the connection resets it.
        read_limit: As of `SyncNetwork`.
    """

    def __init__(self) -> None:
        self.heard = False
        self.read_limit: float | None = None
        self._stream: AsyncioStream | None = None

    async def connect_tcp(self, host: str, port: int, timeout: float | None = None) -> AsyncioStream:
        """Connect, with TCP keepalive."""
        loop = asyncio.get_running_loop()
        deadline = math.inf if timeout is None else loop.time() + timeout

        async def connect(address: tuple[str, int]) -> _Protocol:
            _, protocol = await loop.create_connection(lambda: _Protocol(self), *address)
            return protocol

        try:
            addresses = await _resolve(host, port, deadline)
            attempts = [functools.partial(connect, address) for address in addresses]
            protocol = await _first(attempts, deadline, lambda late: late.transport.abort())
            self._stream = AsyncioStream(protocol, loop)
            _open.add(self)
            raw = protocol.transport.get_extra_info("socket")
            tune(raw)
        except TimeoutError as error:
            raise httpx.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error
        return self._stream

    async def aclose(self) -> None:
        """Close the socket. Allowed at any time, and more than once."""
        if self._stream is not None:
            await self._stream.aclose()

    def leave_to_parent(self) -> None:
        """In a forked child: close this process's copy of the socket, past the parent's event loop."""
        if self._stream is not None:
            # asyncio shows its socket with `close` left out; other loops may keep theirs to themselves.
            shown = self._stream.get_extra_info("socket")
            if isinstance(own := getattr(shown, "_sock", None), socket.socket):
                own.close()


# Each network whose socket may be open. A forked child has copies of these; as long as it keeps them, the server
# does not see that the parent has hung up.
_open: weakref.WeakSet[SyncNetwork | AsyncNetwork] = weakref.WeakSet()


def _leave_all_to_parent() -> None:
    for network in list(_open):
        network.leave_to_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_all_to_parent)


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


class AsyncioStream:
    """Async twin of `SocketStream`, over an asyncio transport and its protocol."""

    def __init__(self, protocol: _Protocol, loop: asyncio.AbstractEventLoop) -> None:
        self._protocol = protocol
        self._loop = loop
        self._outbox = Outbox()
        self._write_timeout: float | None = None

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Wait for bytes; none mean that the server hung up."""
        protocol = self._protocol
        if held := self._outbox.take():
            with contextlib.suppress(httpx.WriteError):  # as above
                await self._send(held, self._write_timeout)
            held = b""  # as above
        limit = protocol.network.read_limit
        timeout = timeout if limit is None else limit
        while not protocol.unread:
            if protocol.error is not None:
                raise httpx.ReadError(str(protocol.error)) from protocol.error
            if protocol.ended:
                return b""
            if not await protocol.changed(self._loop, timeout):
                raise httpx.ReadTimeout(f"Nothing was received for {timeout} seconds")
        return protocol.take(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send bytes, at the latest with the next read."""
        self._write_timeout = timeout
        if ready := self._outbox.put(buffer):
            await self._send(ready, timeout)

    async def _send(self, buffer: bytes, timeout: float | None) -> None:
        protocol = self._protocol
        if protocol.ended or protocol.transport.is_closing():
            raise httpx.WriteError("The server has closed the connection")
        protocol.transport.write(buffer)
        while protocol.full:
            if not await protocol.changed(self._loop, timeout):
                raise httpx.WriteTimeout(f"Nothing could be sent for {timeout} seconds")

    async def aclose(self) -> None:
        """Let go of the socket."""
        # Nothing is left to be sent: a polite shutdown would only keep the socket open for a silent peer.
        self._protocol.transport.abort()
        await asyncio.sleep(0)  # the transport lets go of its socket in the loop's next round

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> AsyncioStream:
        """Speak TLS from now on."""
        outer = self._protocol.transport
        if sys.version_info < (3, 11) and outer.get_extra_info("ssl_object") is not None:
            raise httpx.ProxyError("https over an https:// proxy needs Python 3.11 in async code")
        if self._protocol.ended:  # asyncio would wait for an answer all the same
            raise httpx.ConnectError("The server closed the connection before the TLS handshake")
        deadline = math.inf if timeout is None else self._loop.time() + timeout
        shake_hands = functools.partial(
            self._loop.start_tls, outer, self._protocol, ssl_context, server_hostname=server_hostname
        )
        try:
            inner = await _first([shake_hands], deadline, _abort)
        except TimeoutError as error:
            raise httpx.ConnectTimeout(str(error)) from error
        except OSError as error:  # among them the errors of ssl
            raise httpx.ConnectError(str(error)) from error
        if inner is None:  # asyncio's way to say that the peer hung up during the handshake
            raise httpx.ConnectError("The server closed the connection during the TLS handshake")
        self._protocol.transport = inner
        return self

    def get_extra_info(self, info: str) -> Any:
        """As `SocketStream.get_extra_info`."""
        if info == "is_readable":
            return self._protocol.ended or bool(self._protocol.unread)
        if info == "read_limiter":
            return self._protocol.network
        names = {"client_addr": "sockname", "server_addr": "peername"}
        return self._protocol.transport.get_extra_info(names.get(info, info))
