"""One service as one model sees it: address, credentials, headers, timeout, retries; sync and async."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import quote

import httpx

from langchain_volcark._version import __version__
from langchain_volcark.exceptions import VolcArkError
from langchain_volcark.http.arguments import DEFAULT_TIMEOUT
from langchain_volcark.http.auth import MODEL_EXTENSION
from langchain_volcark.http.bodies import read_body
from langchain_volcark.http.deadline import aread_whole, read_whole
from langchain_volcark.http.downloads import Download, areceive, parse_link, receive
from langchain_volcark.http.errors import (
    connection_error,
    error_from_facts,
    error_from_response,
    find_error,
    format_error,
)
from langchain_volcark.http.fallback import Fallback, asend_or_fall_back, send_or_fall_back
from langchain_volcark.http.forms import Form, FormStream
from langchain_volcark.http.json import dump_json
from langchain_volcark.http.pool import FRESH_CONNECTION
from langchain_volcark.http.redaction import shown
from langchain_volcark.http.registry import DEFAULT_POOL, PoolSettings, registry
from langchain_volcark.http.retry import NO_HOOKS, Attempts, RetryHooks, RetryPolicy
from langchain_volcark.http.sender import AsyncClientTransport, AsyncSender, ClientTransport, Sender
from langchain_volcark.http.stream import AsyncPayloadStream, Begins, PayloadStream, begins_at_once
from langchain_volcark.http.token_refresh import forget_refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    from langchain_volcark.http.deadline import Deadline
    from langchain_volcark.http.errors import ErrorReader

T = TypeVar("T")

_NO_AUTH = httpx.Auth()
_BASE_HEADERS = {
    "accept-encoding": "gzip, deflate",
    "content-type": "application/json",
    "user-agent": f"langchain-volcark/{__version__}",
}


@dataclass(frozen=True)
class ServiceRequest:
    """One request.

    Attributes:
        path: Below the base URL, beginning with a slash.
        body: The JSON body.
        headers: Headers of this call; they win over the client's.
        query: Query parameters of this call; they win over the client's.
        timeout: Bounds of this call, or None for the client's.
        method: The HTTP method; only a POST has a body.
        fallback: What to send instead where the service refuses this request, or None.
        retries: Decides what is repeated, or None for the client's number of retries.
        deadline: When nothing of this call is waited for any longer, or None. What is left of it is the read
            timeout of each attempt, whatever `timeout` says.
        form: Sent as multipart/form-data in place of the JSON body, or None.
        fresh_connection: Whether it never uses an idle connection, so that no pool sends it a second time.
    """

    path: str
    # Not shown: each may hold a secret, and error trackers print the local variables of every frame.
    body: Mapping[str, Any] = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, Any] = field(default_factory=dict, repr=False)
    timeout: httpx.Timeout | None = None
    method: Literal["POST", "GET", "DELETE"] = "POST"
    fallback: Fallback | None = None
    retries: RetryPolicy | None = None
    deadline: Deadline | None = None
    form: Form | None = field(default=None, repr=False)
    fresh_connection: bool = False


@dataclass(frozen=True)
class Reply:
    """A successful reply: the parsed body, and the response it came in."""

    payload: dict[str, Any]
    response: httpx.Response

    @property
    def headers(self) -> httpx.Headers:
        """The response's headers."""
        return self.response.headers


def read_json_reply(response: httpx.Response, errors: ErrorReader, *, secret: bool = False) -> dict[str, Any]:
    """Read a reply that should be a JSON object.

    Args:
        response: Its body has been read.
        errors: The service's reader of errors.
        secret: Whether it may hold a secret, so that nothing of it is shown where it is not understood.

    Returns:
        The object.

    Raises:
        VolcArkError: The reply is an error, whatever its status, or not a JSON object.
    """
    if not response.is_success:
        raise error_from_response(response, errors)
    try:
        values = read_body(response.content)
    except ValueError as error:
        raise format_error(response, errors, "it is not JSON", secret=secret) from error
    found = find_error(values, errors)
    if found is not None:
        raise error_from_facts(*found, response, errors)
    if len(values) != 1:
        raise format_error(response, errors, "it is several JSON texts where one belongs", secret=secret)
    if not isinstance(values[0], dict):
        raise format_error(response, errors, "it is not a JSON object", secret=secret)
    return values[0]


class _Unshown(bytes):
    """A body that error trackers, which print the local variables of every frame, do not show."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"


def _encode(request: ServiceRequest) -> _Unshown:
    if request.method != "POST" or request.form is not None:
        return _Unshown()
    try:
        return _Unshown(dump_json(request.body))
    except (TypeError, ValueError) as error:
        where = next((f"{name}: " for name, value in request.body.items() if not _is_json({name: value})), "")
        raise ValueError(f"{where}The request cannot be written: {error}.") from None


def _is_json(value: Any) -> bool:
    try:
        dump_json(value)
    except (TypeError, ValueError):
        return False
    return True


class _Request(httpx.Request):
    """A request whose `repr` does not show the query, which may hold a key."""

    def __repr__(self) -> str:
        return f"<Request({self.method!r}, {str(shown(self.url))!r})>"


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
        self._base_url = base_url.rstrip("/")
        self._auth = auth
        self._errors = errors
        self._own_headers = dict(headers or {})
        self._headers = httpx.Headers({**_BASE_HEADERS, **self._own_headers})
        self._query = dict(query or {})
        self._timeout = timeout
        self._retries: RetryPolicy = Attempts(max_retries)
        self._pool = pool
        self._http_client = http_client
        self._http_async_client = http_async_client
        self._urls: dict[str, httpx.URL] = {}

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
        content = _encode(request)

        def attempt() -> Reply:
            return self._renewing(request, content, lambda built: self._read(self._send(built), built))

        return (request.retries or self._retries).call(attempt, hooks)

    async def apost(self, request: ServiceRequest, hooks: RetryHooks = NO_HOOKS) -> Reply:
        """Same as `post`, async."""
        return await asend_or_fall_back(request, hooks, self._apost)

    async def _apost(self, request: ServiceRequest, hooks: RetryHooks) -> Reply:
        content = _encode(request)

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
        content = _encode(request)

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
        content = _encode(request)

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
        built = self._build(request, content, self._http_client)
        try:
            return send(built)
        except VolcArkError as error:
            if not forget_refused(self._auth, built, error):
                raise
        return send(self._build(request, content, self._http_client))

    async def _arenewing(
        self, request: ServiceRequest, content: bytes, send: Callable[[httpx.Request], Awaitable[T]]
    ) -> T:
        """Same as `_renewing`, async."""
        built = self._build(request, content, self._http_async_client)
        try:
            return await send(built)
        except VolcArkError as error:
            if not forget_refused(self._auth, built, error):
                raise
        return await send(self._build(request, content, self._http_async_client))

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

    def _build(
        self, request: ServiceRequest, content: bytes, users: httpx.Client | httpx.AsyncClient | None
    ) -> httpx.Request:
        url = self._url(request)
        timeout = request.timeout or self._timeout
        if request.deadline is not None:
            timeout = request.deadline.bound(timeout)
        extensions: dict[str, Any] = {MODEL_EXTENSION: request.body.get("model")}
        if request.fresh_connection:
            extensions[FRESH_CONNECTION] = True
        if users is not None:
            # The user's client adds its own defaults, which a model or call overrides.
            headers = {**self._own_headers, **request.headers}
            if request.form is None:
                headers = {"content-type": "application/json", **headers}
            body = {"content": content} if request.form is None else request.form.arguments()
            return users.build_request(
                request.method, url, headers=headers, timeout=timeout, extensions=extensions, **body
            )
        ready = httpx.Headers(self._headers)
        form = None if request.form is None else FormStream(request.form)
        if form is not None:
            ready.update(form.headers)
        elif request.method == "POST":
            ready["content-length"] = str(len(content))
        if request.headers:
            ready.update(request.headers)
        if "host" not in ready:
            ready["host"] = url.netloc.decode("ascii")
        # Given a stream, httpx leaves the headers alone: half of what it spends on a request otherwise.
        built = _Request(
            request.method,
            url,
            headers=ready,
            stream=form or httpx.ByteStream(content),
            extensions={**extensions, "timeout": timeout.as_dict()},
        )
        if form is None:
            built.read()
        return built

    def _url(self, request: ServiceRequest) -> httpx.URL:
        """The request's URL, parsed once: httpx spends a sixth of a call on that otherwise."""
        url = self._urls.get(request.path)
        if url is None:
            url = httpx.URL(self._base_url + quote(request.path, safe="/:@!$&'()*+,;=-._~"))
            if self._query:
                url = url.copy_merge_params(self._query)
            if request.method == "POST":  # the paths of other methods hold ids, so there is no end of them
                self._urls[request.path] = url
        return url.copy_merge_params(dict(request.query)) if request.query else url

    def _silence(self, request: ServiceRequest) -> float | None:
        return (request.timeout or self._timeout).read

    def _read(self, response: httpx.Response, built: httpx.Request) -> Reply:
        if built.method == "DELETE" and response.is_success and not response.content.strip():
            return Reply({}, response)  # some services answer a deletion with an empty body
        return Reply(read_json_reply(response, self._errors), response)
