"""Opens connections: where to, whom to trust, and whether through a proxy.

Either kind of connection is loaded when the first one is made: importing a model is then a fifth cheaper.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import httpx

from langchain_volcark.http.tls import ssl_context

if TYPE_CHECKING:
    import ssl

    from langchain_volcark.http.asyncio_network import AsyncNetwork
    from langchain_volcark.http.connection import AsyncConnection, Connection
    from langchain_volcark.http.ledger import Key
    from langchain_volcark.http.network import SyncNetwork
    from langchain_volcark.http.proxied import AsyncProxiedConnection, ProxiedConnection
    from langchain_volcark.http.tls import Verify

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
        return ssl_context(self._verify) if key[0] == b"https" else None


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
