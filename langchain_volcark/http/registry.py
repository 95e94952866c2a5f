"""The process's clients: shared by settings, made on first use, one async client per event loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import weakref
from dataclasses import dataclass, field, replace
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any

import httpx

from langchain_volcark.http.instrumentation import wants_httpx
from langchain_volcark.http.pool import AsyncPooledTransport, PooledTransport
from langchain_volcark.http.proxies import (
    AsyncEnvironmentTransport,
    AsyncHTTPXTransport,
    EnvironmentTransport,
    HTTPXTransport,
    proxy_variables,
)
from langchain_volcark.http.sender import AsyncSender, Sender
from langchain_volcark.http.tls import ssl_context

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from langchain_volcark.http.tls import Trust


DEFAULT_MAX_CONNECTIONS = 10_000


@dataclass(frozen=True)
class PoolSettings:
    """What decides whether two models can share one pool of connections.

    Attributes:
        proxy: Proxy URL for every request, or None for the environment's (`HTTPS_PROXY`, `NO_PROXY`, …).
        verify: Trusted certificates, as `tls.check_verify` takes them.
        max_connections: Connections open at once; further calls wait for a free one.
        plain_httpx: Whether a plain httpx client takes the pool's place, because parts of httpx were replaced.
    """

    proxy: str | None = None
    verify: Trust = True
    max_connections: int = DEFAULT_MAX_CONNECTIONS
    plain_httpx: bool = False


DEFAULT_POOL = PoolSettings()
# Connections kept open after a burst of calls; more would only hold file descriptors.
_MAX_IDLE = 1000


@dataclass
class _LoopClients:
    """The async clients of one event loop, closed when the loop shuts down."""

    clients: dict[PoolSettings, AsyncSender | httpx.AsyncClient] = field(default_factory=dict)
    lifespan: AsyncGenerator[None, None] | None = None


class ClientRegistry:
    """Hands out shared clients; one instance serves the process."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Drop all clients without closing them: in a forked child the sockets are the parent's."""
        self._lock = threading.Lock()
        self._clients: dict[PoolSettings, Sender | httpx.Client] = {}
        self._loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopClients] = (
            weakref.WeakKeyDictionary()
        )

    def client(self, settings: PoolSettings) -> Sender | httpx.Client:
        """The process's sync client for these settings."""
        if wants_httpx(is_async=False):
            settings = replace(settings, plain_httpx=True)
        client = self._clients.get(settings)
        if client is None:
            with self._lock:
                client = self._clients.get(settings)
                if client is None:
                    client = self._clients[settings] = _new_client(settings)
        return client

    def async_client(self, settings: PoolSettings) -> AsyncSender | httpx.AsyncClient:
        """The running event loop's async client for these settings."""
        if wants_httpx(is_async=True):
            settings = replace(settings, plain_httpx=True)
        loop = asyncio.get_running_loop()
        with self._lock:
            of_loop = self._loops.get(loop)
            if of_loop is None:
                of_loop = self._loops[loop] = self._enter(loop)
            client = of_loop.clients.get(settings)
            if client is None:
                client = of_loop.clients[settings] = _new_async_client(settings)
        return client

    def _enter(self, loop: asyncio.AbstractEventLoop) -> _LoopClients:
        for other in [known for known in self._loops if known.is_closed()]:
            del self._loops[other]
        entry = _LoopClients()
        entry.lifespan = self._close_with_loop(weakref.ref(loop), entry)
        # Its first step, taken here, lets the loop know the generator; `shutdown_asyncgens` runs the rest.
        with_first_step = entry.lifespan.__anext__()
        with contextlib.suppress(StopIteration):
            with_first_step.send(None)
        return entry

    async def _close_with_loop(
        self, loop: weakref.ref[asyncio.AbstractEventLoop], entry: _LoopClients
    ) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            key = loop()
            with self._lock:
                if key is not None:
                    self._loops.pop(key, None)
            for client in entry.clients.values():
                await client.aclose()


def _new_client(settings: PoolSettings) -> Sender | httpx.Client:
    def make(proxy: str | None) -> httpx.BaseTransport:
        if proxy is None and not settings.plain_httpx:
            return PooledTransport(verify=settings.verify, **_caps(settings))
        return HTTPXTransport(proxy, ssl_context(settings.verify), **_caps(settings))

    variables = {} if settings.proxy else proxy_variables()
    transport = EnvironmentTransport(make, variables) if variables else make(settings.proxy)
    if settings.plain_httpx:
        return httpx.Client(transport=transport, cookies=_no_cookies(), trust_env=False)
    return Sender(transport)


def _new_async_client(settings: PoolSettings) -> AsyncSender | httpx.AsyncClient:
    def make(proxy: str | None) -> httpx.AsyncBaseTransport:
        if proxy is None and not settings.plain_httpx:
            return AsyncPooledTransport(verify=settings.verify, **_caps(settings))
        return AsyncHTTPXTransport(proxy, ssl_context(settings.verify), **_caps(settings))

    variables = {} if settings.proxy else proxy_variables()
    transport = AsyncEnvironmentTransport(make, variables) if variables else make(settings.proxy)
    if settings.plain_httpx:
        return httpx.AsyncClient(transport=transport, cookies=_no_cookies(), trust_env=False)
    return AsyncSender(transport)


def _caps(settings: PoolSettings) -> dict[str, Any]:
    return {"max_connections": settings.max_connections, "max_idle": _MAX_IDLE}


def _no_cookies() -> CookieJar:
    """A cookie would travel from one model's account to another's."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


registry = ClientRegistry()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=registry.forget)
