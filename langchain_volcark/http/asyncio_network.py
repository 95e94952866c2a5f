"""The bytes below one HTTP connection on an asyncio loop. `http.network` is its twin, and has what both share.

This speaks to asyncio directly. The backend which httpcore would choose opens a cancel scope and yields to the
event loop for every read, which costs nearly half of the CPU time of a streamed chunk.
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

import httpx

from langchain_volcark.http.network import Outbox, open_networks, tune

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Coroutine, Sequence

T = TypeVar("T")

_MAX_UNREAD = 256 * 1024  # bytes kept for a slow reader before the server is made to wait
_HEAD_START = 0.25  # seconds until the next address of a host is tried as well


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
            open_networks.add(self)
            if (raw := protocol.transport.get_extra_info("socket")) is not None:  # not, where the peer is gone
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
