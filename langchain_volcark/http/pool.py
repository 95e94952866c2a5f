"""httpx transports whose cost per request does not grow with the number of connections.

The pool below `httpx.HTTPTransport` walks all its connections for every request that comes or goes, so its
cost grows with the square of the calls in flight. These transports keep a last-in-first-out list of idle
connections for each origin instead (`http.ledger`). They lead straight to a server; proxies are httpx's
(`http.proxies`).

The two transports differ by the lock, the await and the way to wait; the rest is shared.
"""

from __future__ import annotations

import asyncio
import functools
import os
import threading
import time
import weakref
from collections import deque
from contextlib import AsyncExitStack, ExitStack
from typing import TYPE_CHECKING, Any

import httpx

from langchain_volcark.http.forms import FormStream
from langchain_volcark.http.ledger import KEEPALIVE_EXPIRY, Lease, Ledger, set_result_once

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from langchain_volcark.http.connection import Answer, AsyncConnection, Connection
    from langchain_volcark.http.ledger import Key
    from langchain_volcark.http.tls import Verify

# A server that had closed an idle connection shows it within a round trip. One that closes it later failed at the
# request, which is not repeated here: the work may have been done, and billed.
_STALE_SECONDS = 5.0

FRESH_CONNECTION = "volcark_fresh_connection"
"""Request extension: open a connection for this request, so that it is never sent twice."""

_STALE = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)
_PORTS = {b"http": 80, b"https": 443}

_transports: weakref.WeakSet[PooledTransport] = weakref.WeakSet()
# A forked child has copies of their sockets; as long as it keeps them, the server does not see that the parent has
# hung up.
_connections: weakref.WeakSet[Connection | AsyncConnection] = weakref.WeakSet()


def _after_fork() -> None:
    """In the child: no lock of a thread that is not there, no socket that is the parent's."""
    for connection in list(_connections):
        connection.leave_to_parent()
    for transport in list(_transports):
        transport._forget_threads()  # noqa: SLF001


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class PooledTransport(httpx.BaseTransport):
    """A transport for `httpx.Client` with a pool that stays cheap under many threads.

    A connection is used again once its response was read to the end. It is closed if the request broke or
    was abandoned, or if the server asked for it. A request that finds its used connection closed by the
    server is sent once more on a fresh one, provided that nothing was received and the body is bytes. A
    request with the extension `FRESH_CONNECTION` never uses a connection again.

    Example:
        >>> client = httpx.Client(transport=PooledTransport())

    Args:
        verify: True for the usual certificates (`SSL_CERT_FILE` and `SSL_CERT_DIR` are honoured), the path of
            a certificate file or directory, False to trust anybody, an SSL context, or a function which
            returns one and is called when a connection is opened.
        max_connections: Most connections open at once. Further requests queue, first come, first served,
            for as long as the `pool` timeout of the request allows.
        max_idle: Most idle connections kept; the oldest are closed first.
        keepalive_expiry: Seconds until an idle connection is closed, at the next request.
        clock: Seconds of a clock that never goes back.

    Raises:
        httpx.TransportError: By requests; the same subclasses as `httpx.HTTPTransport`.
        ValueError: A cap makes no sense.
    """

    def __init__(
        self,
        *,
        verify: Verify = True,
        max_connections: int = 1000,
        max_idle: int = 100,
        keepalive_expiry: float = KEEPALIVE_EXPIRY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._verify = verify
        self._ledger: Ledger[Connection] = Ledger(max_connections, max_idle, keepalive_expiry)
        self._lock = threading.Lock()  # held for the ledger only, never during I/O
        self._returned: deque[tuple[Lease[Connection], bool]] = deque()
        self._clock = clock
        _transports.add(self)

    @property
    def idle_connections(self) -> int:
        """How many connections wait for a request."""
        return self._ledger.idle

    @property
    def active_connections(self) -> int:
        """How many connections are in use."""
        return self._ledger.active

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; the response holds its connection until it is closed."""
        lease = self._take(_origin_of(request), _pool_timeout(request))
        try:
            response = self._send(lease, request)
        except BaseException:
            self._give(lease, keep=False)
            raise
        body = _Body(lease, response.stream, self._give)
        return httpx.Response(
            response.status, headers=response.headers, stream=body, extensions=response.extensions
        )

    def close(self) -> None:
        """Close idle connections now and the others when their responses are closed."""
        with self._lock:
            closing = self._ledger.close()
        _close_all(closing)
        self._settle()

    def _send(self, lease: Lease[Connection], request: httpx.Request) -> Answer:
        from langchain_volcark.http.connection import Connection  # httpcore is long to import

        used = lease.link
        if used is not None:
            if not (used.has_expired() or request.extensions.get(FRESH_CONNECTION)):
                started, used.heard = self._clock(), False
                try:
                    return used.handle_request(request)
                except _STALE:
                    late = self._clock() - started > _STALE_SECONDS
                    if used.heard or late or not _is_replayable(request):
                        raise
            used.close()
        lease.link = fresh = Connection(lease.key, self._verify)
        _connections.add(fresh)
        return fresh.handle_request(request)

    def _take(self, key: Key, timeout: float | None) -> Lease[Connection]:
        with self._lock:
            closing = self._take_back()
            lease, more = self._ledger.take(key, self._clock())
            turn = None if lease.granted else threading.Event()
            if turn is not None:
                lease.wake = turn.set
        try:
            self._settle()
            _close_all(closing + more)
            if turn is not None and not turn.wait(timeout) and self._withdraw(lease):
                raise httpx.PoolTimeout(self._ledger.why_none())
        except BaseException:
            if not self._withdraw(lease):
                self._give(lease, keep=False)
            raise
        return lease

    def _withdraw(self, lease: Lease[Connection]) -> bool:
        with self._lock:
            withdrawn = self._ledger.withdraw(lease)
        self._settle()
        return withdrawn

    def _give(self, lease: Lease[Connection], *, keep: bool) -> None:
        # The garbage collector may close a forgotten stream while this very thread holds the lock: whoever
        # holds it sees to what was given back meanwhile.
        self._returned.append((lease, keep))
        self._settle()

    def _settle(self) -> None:
        while self._returned and self._lock.acquire(blocking=False):
            try:
                closing = self._take_back()
            finally:
                self._lock.release()
            _close_all(closing)

    def _take_back(self) -> list[Connection]:
        closing = []
        while self._returned:
            lease, keep = self._returned.popleft()
            closing += self._ledger.give(lease, self._clock(), keep=keep)
        return closing

    def _forget_threads(self) -> None:
        """In a forked child the thread that held the lock is not there to let it go."""
        self._lock = threading.Lock()


class _Body(httpx.SyncByteStream):
    """The bytes of a response; closing it gives the connection back."""

    def __init__(self, lease: Lease[Connection], stream: Any, give: Callable[..., None]) -> None:
        self._lease = lease
        self._stream = stream
        self._give = give

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)

    def close(self) -> None:
        link, keep = self._lease.link, False
        if link is None:
            return
        try:
            self._stream.close()
            keep = link.is_idle()  # false unless both sides are done and neither wants to close
        finally:
            self._give(self._lease, keep=keep)


def _close_all(links: list[Connection]) -> None:
    if not links:
        return
    with ExitStack() as stack:  # one failure must not spare the others
        for link in links:
            stack.callback(link.close)


class AsyncPooledTransport(httpx.AsyncBaseTransport):
    """Same as `PooledTransport`, async, for `httpx.AsyncClient`; belongs to one asyncio event loop.

    A cancelled request closes its connection and frees its place.
    """

    def __init__(
        self,
        *,
        verify: Verify = True,
        max_connections: int = 1000,
        max_idle: int = 100,
        keepalive_expiry: float = KEEPALIVE_EXPIRY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._verify = verify
        self._ledger: Ledger[AsyncConnection] = Ledger(max_connections, max_idle, keepalive_expiry)
        self._clock = clock

    @property
    def idle_connections(self) -> int:
        """How many connections wait for a request."""
        return self._ledger.idle

    @property
    def active_connections(self) -> int:
        """How many connections are in use."""
        return self._ledger.active

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; the response holds its connection until it is closed."""
        lease = await self._take(_origin_of(request), _pool_timeout(request))
        try:
            response = await self._send(lease, request)
        except BaseException:
            await self._give(lease, keep=False)
            raise
        body = _AsyncBody(lease, response.stream, self._give)
        return httpx.Response(
            response.status, headers=response.headers, stream=body, extensions=response.extensions
        )

    async def aclose(self) -> None:
        """Close idle connections now and the others when their responses are closed."""
        await _aclose_all(self._ledger.close())

    async def _send(self, lease: Lease[AsyncConnection], request: httpx.Request) -> Answer:
        from langchain_volcark.http.connection import AsyncConnection  # httpcore is long to import

        used = lease.link
        if used is not None:
            if not (used.has_expired() or request.extensions.get(FRESH_CONNECTION)):
                started, used.heard = self._clock(), False
                try:
                    return await used.handle_async_request(request)
                except _STALE:
                    late = self._clock() - started > _STALE_SECONDS
                    if used.heard or late or not _is_replayable(request):
                        raise
            await used.aclose()
        lease.link = fresh = AsyncConnection(lease.key, self._verify)
        _connections.add(fresh)
        return await fresh.handle_async_request(request)

    async def _take(self, key: Key, seconds: float | None) -> Lease[AsyncConnection]:
        lease, closing = self._ledger.take(key, self._clock())
        try:
            if closing:
                await _aclose_all(closing)
            if not lease.granted:
                await self._wait(lease, seconds)
        except BaseException:
            if not self._ledger.withdraw(lease):
                await self._give(lease, keep=False)
            raise
        return lease

    async def _wait(self, lease: Lease[AsyncConnection], seconds: float | None) -> None:
        loop = asyncio.get_running_loop()
        granted: asyncio.Future[bool] = loop.create_future()
        lease.wake = functools.partial(set_result_once, granted, True)
        timer = None if seconds is None else loop.call_later(seconds, set_result_once, granted, False)
        try:
            if not await granted and self._ledger.withdraw(lease):
                raise httpx.PoolTimeout(self._ledger.why_none())
        finally:
            if timer is not None:
                timer.cancel()

    async def _give(self, lease: Lease[AsyncConnection], *, keep: bool) -> None:
        closing = self._ledger.give(lease, self._clock(), keep=keep)
        if closing:
            await _aclose_all(closing)


class _AsyncBody(httpx.AsyncByteStream):
    """The bytes of a response; closing it gives the connection back."""

    def __init__(self, lease: Lease[AsyncConnection], stream: Any, give: Callable[..., Awaitable[None]]) -> None:
        self._lease = lease
        self._stream = stream
        self._give = give

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._stream)

    async def aclose(self) -> None:
        link, keep = self._lease.link, False
        if link is None:
            return
        try:
            await self._stream.aclose()
            keep = link.is_idle()  # false unless both sides are done and neither wants to close
        finally:
            await self._give(self._lease, keep=keep)


async def _aclose_all(links: list[AsyncConnection]) -> None:
    if not links:
        return
    async with AsyncExitStack() as stack:  # one failure or cancellation must not spare the others
        for link in links:
            stack.push_async_callback(link.aclose)


def _origin_of(request: httpx.Request) -> Key:
    """Which server a request is for.

    Raises:
        httpx.UnsupportedProtocol: The URL is not one of http or https with a host.
    """
    url = request.url
    scheme, host = url.raw_scheme, url.raw_host
    if scheme not in _PORTS or not host:
        raise httpx.UnsupportedProtocol(f"{url.scheme!r} is not http or https, or the host is missing")
    return scheme, host, url.port or _PORTS[scheme]


def _pool_timeout(request: httpx.Request) -> float | None:
    """How many seconds a request wants to wait for a connection at most."""
    timeout: float | None = request.extensions.get("timeout", {}).get("pool")
    return timeout


def _is_replayable(request: httpx.Request) -> bool:
    """Whether the body can be sent a second time: not that of a user's generator or file."""
    return isinstance(request.stream, (httpx.ByteStream, FormStream))
