"""One service as one model sees it: address, credentials, headers, timeout, retries; sync and async."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from langchain_volcark.exceptions import VolcArkError
from langchain_volcark.http.arguments import DEFAULT_TIMEOUT
from langchain_volcark.http.deadline import aread_whole, read_whole
from langchain_volcark.http.downloads import Download, areceive, parse_link, receive
from langchain_volcark.http.errors import connection_error, error_from_response
from langchain_volcark.http.fallback import asend_or_fall_back, send_or_fall_back
from langchain_volcark.http.registry import DEFAULT_POOL, PoolSettings, registry
from langchain_volcark.http.replies import Reply, read_json_reply
from langchain_volcark.http.requests import RequestBuilder, encode
from langchain_volcark.http.retry import NO_HOOKS, Attempts, RetryHooks, RetryPolicy
from langchain_volcark.http.sender import AsyncClientTransport, AsyncSender, ClientTransport, Sender
from langchain_volcark.http.stream import AsyncPayloadStream, Begins, PayloadStream, begins_at_once
from langchain_volcark.http.token_refresh import forget_refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    from langchain_volcark.http.errors import ErrorReader
    from langchain_volcark.http.requests import ServiceRequest

T = TypeVar("T")

_NO_AUTH = httpx.Auth()


class HTTPClient:
    """Sends requests to one service, retries temporary failures, and raises only this package's exceptions.

    It holds settings, never connections (those belong to the process and its event loops), so it is cheap to
    make, safe in threads, and survives `fork`, `pickle` and a second event loop.
    """

    def __init__(
        self,
        base_url: str,
        *,
        auth: httpx.Auth,
        errors: ErrorReader,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        timeout: httpx.Timeout = DEFAULT_TIMEOUT,
        max_retries: int = 2,
        pool: PoolSettings = DEFAULT_POOL,
        http_client: httpx.Client | None = None,
        http_async_client: httpx.AsyncClient | None = None,
    ) -> None:
        self._requests = RequestBuilder(base_url, headers or {}, query or {}, timeout)
        self._auth = auth
        self._errors = errors
        self._timeout = timeout
        self._retries: RetryPolicy = Attempts(max_retries)
        self._pool = pool
        self._http_client = http_client
        self._http_async_client = http_async_client

    def post(self, request: ServiceRequest, hooks: RetryHooks = NO_HOOKS) -> Reply:
        """Send one request and read its JSON reply.

        Args:
            request: What to send.
            hooks: Told about retries.

        Returns:
            The reply's JSON object and headers.

        Raises:
            VolcArkError: The call failed, after retries where these could help.
            ValueError: The body holds a value that JSON does not know.
        """
        return send_or_fall_back(request, hooks, self._post)

    def _post(self, request: ServiceRequest, hooks: RetryHooks) -> Reply:
        content = encode(request)

        def attempt() -> Reply:
            return self._renewing(request, content, lambda built: self._read(self._send(built), built))

        return (request.retries or self._retries).call(attempt, hooks)

    async def apost(self, request: ServiceRequest, hooks: RetryHooks = NO_HOOKS) -> Reply:
        """Same as `post`, async."""
        return await asend_or_fall_back(request, hooks, self._apost)

    async def _apost(self, request: ServiceRequest, hooks: RetryHooks) -> Reply:
        content = encode(request)

        async def send(built: httpx.Request) -> Reply:
            return self._read(await self._asend(built), built)

        async def attempt() -> Reply:
            return await self._arenewing(request, content, send)

        return await (request.retries or self._retries).acall(attempt, hooks)

    def stream(
        self, request: ServiceRequest, hooks: RetryHooks = NO_HOOKS, *, begins: Begins = begins_at_once
    ) -> PayloadStream:
        """Send one request and open its event stream, read up to where the answer begins.

        Args:
            request: What to send.
            hooks: Called at retries, which end where the answer begins.
            begins: Whether the answer begins with a payload; by default it does with the first.

        Returns:
            The stream; close it, or use it in a `with`.

        Raises:
            VolcArkError: The stream could not be opened.
        """

        def open_one(request: ServiceRequest, hooks: RetryHooks) -> PayloadStream:
            return self._stream(request, hooks, begins)

        return send_or_fall_back(request, hooks, open_one)

    def _stream(self, request: ServiceRequest, hooks: RetryHooks, begins: Begins) -> PayloadStream:
        content = encode(request)

        def open_stream(built: httpx.Request) -> PayloadStream:
            response = self._send(built, stream=True)
            try:
                if not response.is_success:
                    read_whole(response)
                    raise error_from_response(response, self._errors)
                return PayloadStream(response, self._errors, self._silence(request), begins)
            except httpx.HTTPError as error:
                response.close()
                raise connection_error(error, response.url) from error
            except BaseException:
                response.close()
                raise

        def attempt() -> PayloadStream:
            return self._renewing(request, content, open_stream)

        return (request.retries or self._retries).call(attempt, hooks)

    async def astream(
        self, request: ServiceRequest, hooks: RetryHooks = NO_HOOKS, *, begins: Begins = begins_at_once
    ) -> AsyncPayloadStream:
        """Same as `stream`, async."""

        async def open_one(request: ServiceRequest, hooks: RetryHooks) -> AsyncPayloadStream:
            return await self._astream(request, hooks, begins)

        return await asend_or_fall_back(request, hooks, open_one)

    async def _astream(self, request: ServiceRequest, hooks: RetryHooks, begins: Begins) -> AsyncPayloadStream:
        content = encode(request)

        async def open_stream(built: httpx.Request) -> AsyncPayloadStream:
            response = await self._asend(built, stream=True)
            try:
                if not response.is_success:
                    await aread_whole(response)
                    raise error_from_response(response, self._errors)
                return await AsyncPayloadStream.open(response, self._errors, self._silence(request), begins)
            except httpx.HTTPError as error:
                await response.aclose()
                raise connection_error(error, response.url) from error
            except BaseException:
                await response.aclose()
                raise

        async def attempt() -> AsyncPayloadStream:
            return await self._arenewing(request, content, open_stream)

        return await (request.retries or self._retries).acall(attempt, hooks)

    def download(self, url: str, path: Path) -> httpx.Headers:
        """Save what a link leads to; credentials are not sent.

        Args:
            url: The link, which needs no key. Redirects are followed.
            path: Where to. It is written when everything has come, and replaced if it exists.

        Returns:
            The reply's headers.

        Raises:
            VolcArkError: It could not be fetched, after retries.
            OSError: The file cannot be written.
        """
        download = self._download(url, path)
        return self._retries.call(lambda: receive(self._fetch, download))

    async def adownload(self, url: str, path: Path) -> httpx.Headers:
        """Same as `download`, async."""
        download = self._download(url, path)
        return await self._retries.acall(lambda: areceive(self._afetch, download))

    def _download(self, url: str, path: Path) -> Download:
        return Download(parse_link(url), path, self._timeout)

    def _fetch(self, built: httpx.Request) -> httpx.Response:
        return self._send(built, auth=_NO_AUTH, stream=True)

    async def _afetch(self, built: httpx.Request) -> httpx.Response:
        return await self._asend(built, auth=_NO_AUTH, stream=True)

    def _renewing(self, request: ServiceRequest, content: bytes, send: Callable[[httpx.Request], T]) -> T:
        """Send a request, and once more with a new token if the service refuses the one it had."""
        built = self._requests.build(request, content, self._http_client)
        try:
            return send(built)
        except VolcArkError as error:
            if not forget_refused(self._auth, built, error):
                raise
        return send(self._requests.build(request, content, self._http_client))

    async def _arenewing(
        self, request: ServiceRequest, content: bytes, send: Callable[[httpx.Request], Awaitable[T]]
    ) -> T:
        """Same as `_renewing`, async."""
        built = self._requests.build(request, content, self._http_async_client)
        try:
            return await send(built)
        except VolcArkError as error:
            if not forget_refused(self._auth, built, error):
                raise
        return await send(self._requests.build(request, content, self._http_async_client))

    def _send(
        self, built: httpx.Request, *, auth: httpx.Auth | None = None, stream: bool = False
    ) -> httpx.Response:
        try:
            client = self._http_client or registry.client(self._pool)
            if isinstance(client, Sender):
                sender = client
            else:
                sender = Sender(ClientTransport(client, is_own=client is not self._http_client))
            return sender.send(built, auth=auth or self._auth, stream=stream)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise connection_error(error, built.url) from error

    async def _asend(
        self, built: httpx.Request, *, auth: httpx.Auth | None = None, stream: bool = False
    ) -> httpx.Response:
        try:
            client = self._http_async_client or registry.async_client(self._pool)
            if isinstance(client, AsyncSender):
                sender = client
            else:
                sender = AsyncSender(AsyncClientTransport(client, is_own=client is not self._http_async_client))
            return await sender.send(built, auth=auth or self._auth, stream=stream)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise connection_error(error, built.url) from error

    def _silence(self, request: ServiceRequest) -> float | None:
        return (request.timeout or self._timeout).read

    def _read(self, response: httpx.Response, built: httpx.Request) -> Reply:
        if built.method == "DELETE" and response.is_success and not response.content.strip():
            return Reply({}, response)  # some services answer a deletion with an empty body
        return Reply(read_json_reply(response, self._errors), response)
