"""Sends a request over one of our pools: httpx's auth dialogue, and nothing that an API call does not use.

`httpx.Client.send` also keeps cookies, follows redirects and logs URLs, which together cost a fifth of a short
call. A shared client must not keep cookies anyway: they would travel from one model's account to another's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

    from langchain_volcark.http.pool import AsyncPooledTransport, PooledTransport


class Sender:
    """The part of `httpx.Client` that is needed, over one transport.

    Args:
        transport: Where requests go.
    """

    def __init__(self, transport: PooledTransport) -> None:
        self._transport = transport

    def send(self, request: httpx.Request, *, auth: httpx.Auth, stream: bool = False) -> httpx.Response:
        """Send a request, with whatever requests its authorisation needs first.

        Args:
            request: Complete but for its authorisation.
            auth: Authorises it.
            stream: Leave the body unread; the caller closes the response.

        Returns:
            The response.

        Raises:
            httpx.TransportError: No response came, or its body broke off.
        """
        flow = auth.sync_auth_flow(request)
        try:
            current = next(flow)
            while True:
                response = self._transport.handle_request(current)
                response.request = current
                try:
                    current = flow.send(response)
                    response.read()
                except StopIteration:
                    return response if stream else _read(response)
                except BaseException:
                    response.close()
                    raise
        finally:
            flow.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()


def _read(response: httpx.Response) -> httpx.Response:
    try:
        response.read()
    except BaseException:
        response.close()
        raise
    return response


class AsyncSender:
    """Async twin of `Sender`."""

    def __init__(self, transport: AsyncPooledTransport) -> None:
        self._transport = transport

    async def send(self, request: httpx.Request, *, auth: httpx.Auth, stream: bool = False) -> httpx.Response:
        """Send a request, with whatever requests its authorisation needs first."""
        flow = auth.async_auth_flow(request)
        try:
            current = await anext(flow)
            while True:
                response = await self._transport.handle_async_request(current)
                response.request = current
                try:
                    current = await flow.asend(response)
                    await response.aread()
                except StopAsyncIteration:
                    return response if stream else await _aread(response)
                except BaseException:
                    await response.aclose()
                    raise
        finally:
            await flow.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()


async def _aread(response: httpx.Response) -> httpx.Response:
    try:
        await response.aread()
    except BaseException:
        await response.aclose()
        raise
    return response
