"""Opens connections: where to, whom to trust, and whether through a proxy.

Either kind of connection is loaded when the first one is made: importing a model is then a fifth cheaper.
"""

from __future__ import annotations

import functools
import os
import ssl
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from langchain_volcark.http.forking import in_forked_children

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from langchain_volcark.http.asyncio_network import AsyncNetwork
    from langchain_volcark.http.connection import AsyncConnection, Connection
    from langchain_volcark.http.ledger import Key
    from langchain_volcark.http.network import SyncNetwork
    from langchain_volcark.http.proxied import AsyncProxiedConnection, ProxiedConnection

    Verify: TypeAlias = ssl.SSLContext | Callable[[], ssl.SSLContext] | str | bool

_PORTS = {b"http": 80, b"https": 443}


class Dialer:
    """What opening a connection needs to know: the proxy and the trusted certificates."""

    def __init__(self, proxy: httpx.Proxy | str | None, verify: Verify) -> None:
        self._verify = verify
        self._proxy = httpx.Proxy(proxy) if isinstance(proxy, str) else proxy
        if self._proxy is not None and self._proxy.url.scheme.startswith("socks"):
            _require_socksio()

    def dial(self, key: Key, network: SyncNetwork) -> Connection | ProxiedConnection:
        """Make a connection, which connects at its first request."""
        context = self._context(key)
        if self._proxy is None:
            from langchain_volcark.http import connection

            return connection.Connection(key, network, context)
        from langchain_volcark.http import proxied

        return proxied.ProxiedConnection(key, network, context, self._proxy)

    def dial_async(self, key: Key, network: AsyncNetwork) -> AsyncConnection | AsyncProxiedConnection:
        """Make a connection, which connects at its first request."""
        context = self._context(key)
        if self._proxy is None:
            from langchain_volcark.http import connection

            return connection.AsyncConnection(key, network, context)
        from langchain_volcark.http import proxied

        return proxied.AsyncProxiedConnection(key, network, context, self._proxy)

    def _context(self, key: Key) -> ssl.SSLContext | None:
        if key[0] != b"https":
            return None
        if isinstance(self._verify, ssl.SSLContext):
            return self._verify
        if not isinstance(self._verify, (bool, str)):
            return self._verify()
        environment = (os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
        try:
            with _context_lock:  # the cache alone would let several threads build the same context
                return _build_context(self._verify, *environment)
        except OSError as error:
            raise httpx.ConnectError(f"The trusted certificates cannot be loaded: {error}") from error


_context_lock = threading.Lock()


def _forget_threads() -> None:
    """In a forked child the thread that held the lock is not there to let it go."""
    global _context_lock  # noqa: PLW0603
    _context_lock = threading.Lock()


in_forked_children(_forget_threads)


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


def origin_of(request: httpx.Request) -> Key:
    """Which server a request is for.

    Raises:
        httpx.UnsupportedProtocol: The URL is not one of http or https with a host.
    """
    url = request.url
    scheme, host = url.raw_scheme, url.raw_host
    if scheme not in _PORTS or not host:
        raise httpx.UnsupportedProtocol(f"{url.scheme!r} is not http or https, or the host is missing")
    return scheme, host, url.port or _PORTS[scheme]


def pool_timeout(request: httpx.Request) -> float | None:
    """How many seconds a request wants to wait for a connection at most."""
    timeout: float | None = request.extensions.get("timeout", {}).get("pool")
    return timeout


def is_replayable(request: httpx.Request) -> bool:
    """Whether the body can be sent a second time: not that of a generator or a file."""
    return isinstance(request.stream, httpx.ByteStream)
