"""Sends a request over one of our pools: httpx's auth flow, and nothing that an API call does not use.

`httpx.Client.send` also keeps cookies, follows redirects and logs URLs, which together cost a fifth of a short
call. A shared client must not keep cookies anyway: they would travel from one model's account to another's.
"""

from __future__ import annotations

import logging

import httpx

from langchain_volcark.exceptions import APIConnectionError
from langchain_volcark.http.deadline import aread_whole, read_whole
from langchain_volcark.http.redaction import shown, with_secret_url

_NO_AUTH = httpx.Auth()
_log = logging.getLogger("langchain_volcark.http")


def _note(response: httpx.Response) -> None:
    """Log a request for debugging: method, URL and status, never headers, body or query."""
    if _log.isEnabledFor(logging.DEBUG):
        request = response.request
        _log.debug("%s %s: HTTP %d", request.method, shown(request.url), response.status_code)


class Sender:
    """The part of `httpx.Client` that is needed, over one transport.

    Unlike `httpx.Client`, it raises the failure of a flow's own request inside the flow, so that the flow
    may go on without its answer.

    Args:
        transport: Where requests go.
    """

    def __init__(self, transport: httpx.BaseTransport) -> None:
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
                try:
                    response = self._transport.handle_request(current)
                except httpx.HTTPError as error:
                    if current is request:
                        raise
                    current = flow.throw(error)
                    continue
                response.request = current
                _note(response)
                try:
                    current = flow.send(response)
                    if response.is_stream_consumed:  # by the flow, which may have found it broken
                        response.close()
                    else:
                        read_whole(response)
                except StopIteration:
                    if not stream:
                        read_whole(response)
                    return response
                except BaseException:
                    response.close()
                    raise
        finally:
            flow.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()


class AsyncSender:
    """Same as `Sender`, async."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def send(self, request: httpx.Request, *, auth: httpx.Auth, stream: bool = False) -> httpx.Response:
        """Send a request, with whatever requests its authorisation needs first."""
        flow = auth.async_auth_flow(request)
        try:
            current = await anext(flow)
            while True:
                try:
                    response = await self._transport.handle_async_request(current)
                except httpx.HTTPError as error:
                    if current is request:
                        raise
                    current = await flow.athrow(error)
                    continue
                response.request = current
                _note(response)
                try:
                    current = await flow.asend(response)
                    if response.is_stream_consumed:
                        await response.aclose()
                    else:
                        await aread_whole(response)
                except StopAsyncIteration:
                    if not stream:
                        await aread_whole(response)
                    return response
                except BaseException:
                    await response.aclose()
                    raise
        finally:
            await flow.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()


def _unchanged(request: httpx.Request) -> httpx.Request:
    return request


def _check_open(client: httpx.Client | httpx.AsyncClient) -> None:
    """Refuse a client that its owner has closed; httpx would raise a RuntimeError."""
    if client.is_closed:
        text = "The client that was given (http_client or http_async_client) has been closed: give an open one."
        raise APIConnectionError(text, is_retryable=False)


class ClientTransport(httpx.BaseTransport):
    """A whole client as a `Sender`'s transport: its proxies, hooks and redirects, but not its auth flow.

    Args:
        client: Not closed by this.
        is_own: Whether its transports are ours, which join the credentials of a query to the URL themselves, below
            everything that traces or mocks the client.
    """

    def __init__(self, client: httpx.Client, *, is_own: bool) -> None:
        self._client = client
        self._prepare = _unchanged if is_own else with_secret_url

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request that is authorised already."""
        _check_open(self._client)
        return self._client.send(self._prepare(request), auth=_NO_AUTH, stream=True)


class AsyncClientTransport(httpx.AsyncBaseTransport):
    """Same as `ClientTransport`, async."""

    def __init__(self, client: httpx.AsyncClient, *, is_own: bool) -> None:
        self._client = client
        self._prepare = _unchanged if is_own else with_secret_url

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request that is authorised already."""
        _check_open(self._client)
        return await self._client.send(self._prepare(request), auth=_NO_AUTH, stream=True)
