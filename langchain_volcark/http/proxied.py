"""Connections through a proxy, which are httpcore's: it knows forwarding, tunnels, SOCKS and TLS inside TLS.

Loaded for those who have a proxy. httpcore gets our networks below it (its interfaces for them are at
https://www.encode.io/httpcore/network-backends/), and whoever is above it gets httpx's exceptions.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import httpcore
import httpx

from langchain_volcark.http.network import Outbox, tune
from langchain_volcark.http.redaction import join

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Iterable, Iterator

    from langchain_volcark.http.asyncio_network import AsyncioStream, AsyncNetwork
    from langchain_volcark.http.connection import Answer
    from langchain_volcark.http.ledger import Key
    from langchain_volcark.http.network import SyncNetwork

_CORES = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
)


def _namesake(library: Any, error: Exception) -> Exception:
    """The same error as the other library calls it: both use the same names."""
    kinds = (getattr(library, kind.__name__, None) for kind in type(error).__mro__)
    kind: type[Exception] = next(kind for kind in kinds if kind is not None)
    return kind(str(error))


@contextlib.contextmanager
def _in_httpx_terms() -> Iterator[None]:
    try:
        yield
    except _CORES as error:
        raise _namesake(httpx, error) from error


@contextlib.contextmanager
def _in_httpcore_terms() -> Iterator[None]:
    try:
        yield
    except httpx.TransportError as error:
        raise _namesake(httpcore, error) from error


def _proxy(proxy: httpx.Proxy) -> httpcore.Proxy:
    url = proxy.url
    return httpcore.Proxy(
        url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        auth=proxy.raw_auth,
        headers=proxy.headers.raw,
        ssl_context=proxy.ssl_context,
    )


def _convert(request: httpx.Request) -> httpcore.Request:
    url = request.url
    target = join(url.raw_path, request.extensions)
    return httpcore.Request(
        method=request.method,
        url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=target),
        headers=request.headers.raw,
        content=request.stream,
        extensions=request.extensions,
    )


class ProxiedConnection:
    """A connection through a proxy, made at its first request."""

    def __init__(self, key: Key, network: SyncNetwork, context: ssl.SSLContext | None, proxy: httpx.Proxy) -> None:
        backend = _Backend(network)
        pool = httpcore.ConnectionPool(ssl_context=context, proxy=_proxy(proxy), network_backend=backend)
        self._connection = pool.create_connection(httpcore.Origin(*key))
        self.is_idle = self._connection.is_idle
        self.has_expired = self._connection.has_expired

    def handle_request(self, request: httpx.Request) -> Answer:
        """Send a request and read the head of its answer."""
        with _in_httpx_terms():
            answer = self._connection.handle_request(_convert(request))
        answer.stream = _Body(answer.stream)
        return answer


class _Body:
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        with _in_httpx_terms():
            yield from self._stream

    def close(self) -> None:
        self._stream.close()


class _Backend(httpcore.NetworkBackend):
    def __init__(self, network: SyncNetwork) -> None:
        self._network = network

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        backend = httpcore.SyncBackend()
        stream = backend.connect_tcp(host, port, timeout, local_address, socket_options)
        tune(stream.get_extra_info("socket"))
        return _Stream(self._network, stream)


class _Stream(httpcore.NetworkStream):
    """A stream of httpcore's, which alone can do TLS inside TLS; it tells our network when bytes come in."""

    def __init__(self, network: SyncNetwork, stream: httpcore.NetworkStream) -> None:
        network.adopt(stream)
        self._network = network
        self._stream = stream
        self._outbox = Outbox()
        self._write_timeout: float | None = None

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if held := self._outbox.take():
            # As httpcore does: a server that refuses a request early may have said why.
            with contextlib.suppress(httpcore.WriteError):
                self._stream.write(held, self._write_timeout)
            held = b""  # error trackers print the variables of a frame that failed
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
        return _Stream(self._network, self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._network if info == "read_limiter" else self._stream.get_extra_info(info)


class AsyncProxiedConnection:
    """Async twin of `ProxiedConnection`."""

    def __init__(
        self, key: Key, network: AsyncNetwork, context: ssl.SSLContext | None, proxy: httpx.Proxy
    ) -> None:
        backend = _AsyncBackend(network)
        pool = httpcore.AsyncConnectionPool(ssl_context=context, proxy=_proxy(proxy), network_backend=backend)
        self._connection = pool.create_connection(httpcore.Origin(*key))
        self.is_idle = self._connection.is_idle
        self.has_expired = self._connection.has_expired

    async def handle_async_request(self, request: httpx.Request) -> Answer:
        """Send a request and read the head of its answer."""
        with _in_httpx_terms():
            answer = await self._connection.handle_async_request(_convert(request))
        answer.stream = _AsyncBody(answer.stream)
        return answer


class _AsyncBody:
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _in_httpx_terms():
            async for part in self._stream:
                yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


class _AsyncBackend(httpcore.AsyncNetworkBackend):
    def __init__(self, network: AsyncNetwork) -> None:
        self._network = network

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,  # noqa: ARG002 - our pools bind to none
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002 - and set their own
    ) -> httpcore.AsyncNetworkStream:
        with _in_httpcore_terms():
            return _AsyncStream(await self._network.connect_tcp(host, port, timeout))


class _AsyncStream(httpcore.AsyncNetworkStream):
    """Our asyncio stream as httpcore wants it."""

    def __init__(self, stream: AsyncioStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with _in_httpcore_terms():
            return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        with _in_httpcore_terms():
            await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        with _in_httpcore_terms():
            return _AsyncStream(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
