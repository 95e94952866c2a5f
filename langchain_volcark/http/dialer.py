"""From httpx to httpcore and back: making connections, converting requests, translating errors."""

from __future__ import annotations

import functools
import os
import ssl
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import httpcore
import httpx

from langchain_volcark.http.secret_query import join

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from langchain_volcark.http.ledger import Key
    from langchain_volcark.http.network import AsyncNetwork, SyncNetwork

    Verify: TypeAlias = ssl.SSLContext | Callable[[], ssl.SSLContext] | str | bool

_PORTS = {b"http": 80, b"https": 443}

_ERRORS: dict[type[BaseException], type[httpx.TransportError]] = {
    httpcore.ConnectTimeout: httpx.ConnectTimeout,
    httpcore.ReadTimeout: httpx.ReadTimeout,
    httpcore.WriteTimeout: httpx.WriteTimeout,
    httpcore.PoolTimeout: httpx.PoolTimeout,
    httpcore.TimeoutException: httpx.TimeoutException,
    httpcore.ConnectError: httpx.ConnectError,
    httpcore.ReadError: httpx.ReadError,
    httpcore.WriteError: httpx.WriteError,
    httpcore.NetworkError: httpx.NetworkError,
    httpcore.ProxyError: httpx.ProxyError,
    httpcore.UnsupportedProtocol: httpx.UnsupportedProtocol,
    httpcore.LocalProtocolError: httpx.LocalProtocolError,
    httpcore.RemoteProtocolError: httpx.RemoteProtocolError,
    httpcore.ProtocolError: httpx.ProtocolError,
}


class Dialer:
    """What opening a connection needs to know: the proxy and the trusted certificates."""

    def __init__(self, proxy: httpx.Proxy | str | None, verify: Verify) -> None:
        self._verify = verify
        self._proxy: httpcore.Proxy | None = None
        if proxy is None:
            return
        given = httpx.Proxy(proxy) if isinstance(proxy, str) else proxy
        url = given.url
        if url.scheme.startswith("socks"):
            _require_socksio()
        self._proxy = httpcore.Proxy(
            url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            auth=given.raw_auth,
            headers=given.headers.raw,
            ssl_context=given.ssl_context,
        )

    def dial(self, key: Key, network: SyncNetwork) -> httpcore.ConnectionInterface:
        """Make a connection, which connects at its first request."""
        pool = httpcore.ConnectionPool(ssl_context=self._context(key), proxy=self._proxy, network_backend=network)
        return pool.create_connection(httpcore.Origin(*key))

    def dial_async(self, key: Key, network: AsyncNetwork) -> httpcore.AsyncConnectionInterface:
        """Make a connection, which connects at its first request."""
        pool = httpcore.AsyncConnectionPool(
            ssl_context=self._context(key), proxy=self._proxy, network_backend=network
        )
        return pool.create_connection(httpcore.Origin(*key))

    def _context(self, key: Key) -> ssl.SSLContext | None:
        if key[0] != b"https" or isinstance(self._verify, ssl.SSLContext):
            return self._verify if isinstance(self._verify, ssl.SSLContext) else None
        if not isinstance(self._verify, (bool, str)):
            return self._verify()
        environment = (os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
        try:
            with _context_lock:  # the cache alone would let several threads build the same context
                return _build_context(self._verify, *environment)
        except OSError as error:
            raise httpx.ConnectError(f"The trusted certificates cannot be loaded: {error}") from error


_context_lock = threading.Lock()


@functools.lru_cache(maxsize=8)
def _build_context(verify: bool | str, *_environment: str | None) -> ssl.SSLContext:
    """Build an SSL context, which takes some 30 ms: once for all transports of the process."""
    if isinstance(verify, bool):
        return httpx.create_ssl_context(verify=verify)
    if Path(verify).is_dir():
        return ssl.create_default_context(capath=verify)
    return ssl.create_default_context(cafile=verify)


def _require_socksio() -> None:
    # httpcore would find out at the first connection, too late for a clear message.
    if find_spec("socksio") is None:
        raise ImportError("A SOCKS proxy needs the package socksio: pip install 'httpx[socks]'")


def convert(request: httpx.Request) -> tuple[Key, httpcore.Request]:
    """Write a request in httpcore's terms, and say which origin it is for."""
    url = request.url
    scheme, host, port = url.raw_scheme, url.raw_host, url.port
    if scheme not in _PORTS or not host:
        raise httpx.UnsupportedProtocol(f"{url.scheme!r} is not http or https, or the host is missing")
    converted = httpcore.Request(
        method=request.method,
        url=httpcore.URL(scheme=scheme, host=host, port=port, target=join(url.raw_path, request.extensions)),
        headers=request.headers.raw,
        content=request.stream,
        extensions=request.extensions,
    )
    return (scheme, host, port or _PORTS[scheme]), converted


def pool_timeout(request: httpx.Request) -> float | None:
    """How many seconds a request wants to wait for a connection at most."""
    timeout: float | None = request.extensions.get("timeout", {}).get("pool")
    return timeout


def is_replayable(request: httpx.Request) -> bool:
    """Whether the body can be sent a second time: not that of a generator or a file."""
    return isinstance(request.stream, httpx.ByteStream)


def translate(error: BaseException) -> httpx.TransportError | None:
    """Return httpx's counterpart of an httpcore exception, or None for any other."""
    for kind in type(error).__mro__:
        if kind in _ERRORS:
            return _ERRORS[kind](str(error))
    return None
